"""Run in a process of its own, on one version of SQLAlchemy: calls methods of a Session and says what each did, as JSON."""

from __future__ import annotations

import asyncio
import json
import sys
import warnings
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event, orm
from sqlalchemy.pool import StaticPool

warnings.simplefilter("ignore")
Base: Any = orm.declarative_base()


class Parent(Base):  # type: ignore[misc, unused-ignore]
    __tablename__ = "parent"
    id = sa.Column(sa.Integer, primary_key=True)
    name = sa.Column(sa.String)
    children = orm.relationship("Child", cascade="all, delete-orphan")


class Child(Base):  # type: ignore[misc, unused-ignore]
    __tablename__ = "child"
    id = sa.Column(sa.Integer, primary_key=True)
    parent_id = sa.Column(sa.ForeignKey("parent.id"))


Act = Callable[[Any, Any], object]
ACTS: dict[str, Act] = {
    "commit": lambda s, o: s.commit(),
    "rollback": lambda s, o: s.rollback(),
    "flush": lambda s, o: s.flush(),
    "begin": lambda s, o: s.begin(),
    "begin_nested": lambda s, o: s.begin_nested(),
    "close": lambda s, o: s.close(),
    "reset": lambda s, o: s.reset(),
    "invalidate": lambda s, o: s.invalidate(),
    "add": lambda s, o: s.add(Parent(name="new")),
    "add_all": lambda s, o: s.add_all([Parent(name="new")]),
    "delete": lambda s, o: s.delete(o),
    "delete_all": lambda s, o: s.delete_all([o]),
    "merge": lambda s, o: s.merge(Parent(id=2, name="other")),
    "merge_all": lambda s, o: s.merge_all([Parent(id=2, name="other")]),
    "refresh": lambda s, o: s.refresh(o),
    "expire": lambda s, o: s.expire(o),
    "expire_all": lambda s, o: s.expire_all(),
    "expunge": lambda s, o: s.expunge(o),
    "expunge_all": lambda s, o: s.expunge_all(),
    "get": lambda s, o: s.get(Parent, 2),
    "get_one": lambda s, o: s.get_one(Parent, 2),
    "execute": lambda s, o: s.execute(sa.select(Parent)).all(),
    "scalar": lambda s, o: s.scalar(sa.select(Parent)),
    "scalars": lambda s, o: s.scalars(sa.select(Parent)).all(),
    "query": lambda s, o: s.query(Parent),
    "connection": lambda s, o: s.connection(),
    "bulk_save_objects": lambda s, o: s.bulk_save_objects([Parent(name="bulk")]),
    "bulk_insert_mappings": lambda s, o: s.bulk_insert_mappings(Parent, [{"name": "bulk"}]),
    "bulk_update_mappings": lambda s, o: s.bulk_update_mappings(Parent, [{"id": 1, "name": "bulk"}]),
    "is_modified": lambda s, o: s.is_modified(o),
    "get_bind": lambda s, o: s.get_bind(),
    "in_transaction": lambda s, o: s.in_transaction(),
    "no_autoflush": lambda s, o: s.no_autoflush.__enter__(),
    "new": lambda s, o: s.new,
    "__contains__": lambda s, o: o in s,
    "__iter__": lambda s, o: list(s),
    "__exit__": lambda s, o: s.__exit__(None, None, None),
    "query.all": lambda s, o: s.query(Parent).all(),
    "query.first": lambda s, o: s.query(Parent).first(),
    "query.count": lambda s, o: s.query(Parent).count(),
    "query.__iter__": lambda s, o: list(s.query(Parent)),
    "query.__getitem__": lambda s, o: s.query(Parent)[0],
    "query.get": lambda s, o: s.query(Parent).get(2),
    "query.update": lambda s, o: s.query(Parent).update({"name": "x"}, synchronize_session=False),
    "query.delete": lambda s, o: s.query(Child).delete(synchronize_session=False),
    "query.filter": lambda s, o: s.query(Parent).filter(Parent.id == 1),
    "query.exists": lambda s, o: s.query(Parent).exists(),
    "query.subquery": lambda s, o: s.query(Parent).subquery(),
}


class Log:
    """What the engine did."""

    def __init__(self, engine: Any) -> None:
        self.statements: list[str] = []
        self.begins = 0
        self.ends = 0
        event.listen(engine, "before_cursor_execute", lambda *args: self.statements.append(args[2]))
        event.listen(engine, "savepoint", lambda *args: self.statements.append("SAVEPOINT"))
        event.listen(engine, "begin", lambda *args: self._begin())
        event.listen(engine, "commit", lambda *args: self._end())
        event.listen(engine, "rollback", lambda *args: self._end())

    def _begin(self) -> None:
        self.begins += 1

    def _end(self) -> None:
        self.ends += 1

    def clear(self) -> None:
        self.statements.clear()
        self.begins = self.ends = 0


def prepared() -> tuple[Any, Any, Any, Log]:
    """A session that holds two loaded objects and has no transaction open."""
    engine = sa.create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
    Base.metadata.create_all(engine)
    session = orm.Session(engine, expire_on_commit=False)
    session.add_all([Parent(id=1, name="one"), Parent(id=2, name="two"), Parent(id=3, name="three")])
    session.commit()
    session.close()
    session = orm.Session(engine, expire_on_commit=False)
    held = session.query(Parent).filter_by(id=1).one()
    other = session.query(Parent).filter_by(id=3).one()
    session.commit()
    session.expire_on_commit = True
    return session, held, other, Log(engine)


def attempt(act: Act, session: Any, held: Any) -> str:
    """The name of the error that an act raises, or ""."""
    try:
        act(session, held)
    except Exception as error:
        return type(error).__name__
    return ""


def which(held: bool, other: bool) -> str:
    return "all" if held and other else "given" if held else ""


def measure(act: Act) -> dict[str, Any]:
    session, held, other, log = prepared()
    act(session, held)
    found: dict[str, Any] = {
        "runs_sql": bool(log.statements),
        "autobegins": session.in_transaction(),
        "opens_transaction": log.begins > log.ends,
        "detaches": which(orm.object_session(held) is None, orm.object_session(other) is None),
    }

    session, held, other, log = prepared()
    session.add(Parent(name="pending"))
    flushed: list[bool] = []
    event.listen(session, "before_flush", lambda *args: flushed.append(True))
    found["error_after_add"] = attempt(act, session, held)
    found["flushes"] = bool(flushed)
    found["runs_sql"] |= bool(log.statements)
    found["opens_transaction"] |= log.begins > log.ends and bool(log.statements)

    session, held, other, log = prepared()
    session.execute(sa.text("select 1"))
    log.clear()
    found["error_after_select"] = attempt(act, session, held)
    found["runs_sql"] |= bool(log.statements)
    found["ends_transaction"] = log.ends > 0 and not session.in_transaction()
    found["expires"] = which("name" not in held.__dict__, "name" not in other.__dict__)
    return found


def blocks() -> dict[str, Any]:
    """What `with` gives, and what is so after it: whether a transaction was committed, and the session closed."""
    found: dict[str, Any] = {}

    def fresh() -> tuple[Any, Any, Log]:
        engine = sa.create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
        Base.metadata.create_all(engine)
        return engine, orm.Session(engine), Log(engine)

    engine, session, _ = fresh()
    commits: list[bool] = []
    event.listen(engine, "commit", lambda *args: commits.append(True))
    new = Parent(name="a")
    with orm.sessionmaker(engine).begin() as given:
        given.add(new)
    found["begun_session"] = {"gives": type(given).__name__, "commits": bool(commits), "closes": orm.object_session(new) is None}

    engine, session, _ = fresh()
    commits = []
    event.listen(engine, "commit", lambda *args: commits.append(True))
    new = Parent(name="a")
    with session.begin() as given:
        session.add(new)
    found["session_transaction"] = {"gives": type(given).__name__, "commits": bool(commits), "closes": orm.object_session(new) is None}

    engine, session, _ = fresh()
    commits = []
    event.listen(engine, "commit", lambda *args: commits.append(True))
    new = Parent(name="a")
    with session as given:
        session.add(new)
    found["session"] = {"gives": type(given).__name__, "commits": bool(commits), "closes": orm.object_session(new) is None}

    engine, session, _ = fresh()
    commits = []
    event.listen(engine, "commit", lambda *args: commits.append(True))
    with engine.begin() as given:
        given.execute(sa.text("select 1"))
    found["begun_connection"] = {"gives": type(given).__name__, "commits": bool(commits), "closes": bool(given.closed)}

    engine, session, _ = fresh()
    new = Parent(name="a")
    with session.no_autoflush as given:
        session.add(new)
        session.query(Parent).all()
        pending = new in session.new
    found["autoflush_block"] = {"gives": type(given).__name__, "commits": False, "closes": not pending}
    return found


async def async_blocks() -> dict[str, Any]:
    from sqlalchemy.ext import asyncio as sa_async

    found: dict[str, Any] = {}
    engine = sa_async.create_async_engine("sqlite+aiosqlite://")
    async with engine.begin() as given:
        await given.execute(sa.text("select 1"))
    found["begun_async_connection"] = type(given).__name__
    session = sa_async.AsyncSession(engine)
    async with session.begin() as entered:
        found["async_session.begin entered"] = type(entered).__name__
    found["async_session.begin awaited"] = type(await session.begin()).__name__
    await session.close()
    if hasattr(sa_async, "async_sessionmaker"):
        async with sa_async.async_sessionmaker(engine).begin() as of_factory:
            found["begun_async_session"] = type(of_factory).__name__
    async with engine.connect() as connection:
        found["async_engine.connect entered"] = type(connection).__name__
        found["async_connection.stream awaited"] = type(await connection.stream(sa.text("select 1"))).__name__
    await engine.dispose()
    return found


def reads(strategies: list[Any], options: list[str]) -> dict[str, Any]:
    """What a read of an attribute does, by `lazy=` of its relationship and by loader option of the query."""
    found: dict[str, Any] = {"lazy": {}, "option": {}, "column": {}}
    for number, strategy in enumerate(strategies):
        found["lazy"][json.dumps(strategy)] = read_of(number, strategy, lambda attribute: [])
    for number, name in enumerate(options):
        option = getattr(orm, name, None)
        if option is None:
            continue
        for lazy in ("select", "joined"):
            found["option"][f"{name} over {lazy}"] = read_of(
                1000 + 2 * number + (lazy == "joined"),
                lazy,
                lambda attribute, option=option: [option(attribute)],
                name == "contains_eager",
            )
    return found


def column_reads() -> dict[str, str]:
    """What a read of a column does after an option that names it, and of one that the option does not name."""
    base: Any = orm.declarative_base()
    thing = type(
        "Thing",
        (base,),
        {
            "__tablename__": "thing",
            "id": sa.Column(sa.Integer, primary_key=True),
            "plain": sa.Column(sa.String),
            "other": sa.Column(sa.String),
            "late": orm.deferred(sa.Column(sa.String), group="late"),
            "computed": orm.query_expression(),
        },
    )
    engine = sa.create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
    base.metadata.create_all(engine)
    session = orm.Session(engine)
    session.add(thing(id=1))
    session.commit()
    session.close()
    log = Log(engine)

    def read(attribute: str, *options: Any) -> str:
        session.expunge_all()
        held = session.query(thing).options(*options).one()
        log.clear()
        getattr(held, attribute)
        return "loads" if log.statements else "loaded"

    return {
        "deferred column": read("late"),
        "defer": read("plain", orm.defer(thing.plain)),
        "undefer": read("late", orm.undefer(thing.late)),
        "undefer_group": read("late", orm.undefer_group("late")),
        "load_only": read("plain", orm.load_only(thing.plain)),
        "load_only, others": read("other", orm.load_only(thing.plain)),
        "with_expression": read("computed", orm.with_expression(thing.computed, sa.literal(1))),
    }


def read_of(number: int, strategy: Any, options: Callable[[Any], list[Any]], joined: bool = False) -> dict[str, Any]:
    base: Any = orm.declarative_base()
    left = type(
        "Left",
        (base,),
        {
            "__tablename__": f"left{number}",
            "id": sa.Column(sa.Integer, primary_key=True),
            "rights": orm.relationship("Right", lazy=strategy),
        },
    )
    right = type(
        "Right",
        (base,),
        {
            "__tablename__": f"right{number}",
            "id": sa.Column(sa.Integer, primary_key=True),
            "left_id": sa.Column(sa.ForeignKey(f"left{number}.id")),
        },
    )
    engine = sa.create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
    base.metadata.create_all(engine)
    session = orm.Session(engine)
    session.add_all([left(id=n) for n in (1, 2, 3)])
    session.flush()
    session.add_all([right(id=n, left_id=n) for n in (1, 2, 3)])
    session.commit()
    session.close()
    log = Log(engine)
    query = session.query(left).join(left.rights) if joined else session.query(left)
    found = query.options(*options(left.rights)).all()
    at_load = len(log.statements)
    log.clear()
    try:
        value = found[0].rights
        kind = type(value).__name__
        size = len(list(value)) if kind == "InstrumentedList" else None
        what = (
            "query"
            if "Query" in kind
            else "write_only"
            if "WriteOnly" in kind
            else "empty"
            if size == 0
            else "loads"
            if log.statements
            else "loaded"
        )
    except Exception as error:
        what = f"raises {type(error).__name__}"
    return {"on_read": what, "per_parent": at_load >= 4}


def main() -> None:
    answer: dict[str, Any] = {"version": sa.__version__, "acts": {}}
    for name, act in ACTS.items():
        owner, _, method = name.rpartition(".")
        if hasattr(orm.Query if owner else orm.Session, method):
            answer["acts"][name] = measure(act)
    question = json.load(sys.stdin)
    answer["blocks"] = blocks()
    answer["async_blocks"] = asyncio.run(async_blocks())
    answer["reads"] = reads(question["lazy"], question["options"])
    answer["columns"] = column_reads()
    json.dump(answer, sys.stdout)


main()
