"""What SQLAlchemy does at run time, as neutral events: listeners in, calls of one sink out.

Takes SQLAlchemy's public events (sessions, `do_orm_execute`, engines, pools) on 1.4, 2.0 and 2.1 and turns each into an `Event`.
Knows nothing of who caused an event (`frames.py`) nor of what is done with it (`counting.py`, `recorder.py`). Imports, but for its
neighbour, nothing but the standard library and, when it starts to listen, SQLAlchemy: it must load wherever an application runs.
"""

from __future__ import annotations

import functools
import re
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any, NamedTuple

from ormlint.witness.replacing import replace

ORM_KINDS = ("lazy", "deferred", "expired", "refresh", "cascade", "eager", "query", "dml", "flush", "commit", "rollback")
"""What a session does.

- `lazy`: a relationship that was not loaded is read; `deferred`: a deferred column is; `expired`: an expired attribute is.
- `refresh`: columns are loaded by something other than a read (`Session.refresh`, `merge`).
- `cascade`: a relationship is loaded by something other than a read (`delete`, `merge`, a flush).
- `eager`: a second SELECT of an eager strategy (`selectinload`, `subqueryload`).
- `query`: any other SELECT through a session; `dml`: an INSERT, UPDATE or DELETE through `Session.execute`.
- `flush`, `commit`, `rollback`: of a session; savepoints are not counted.
"""
SQL_KINDS = ("select", "insert", "update", "delete", "other")
"""One cursor execution each, by the kind of its statement; an executemany is one."""
CONNECTION_KINDS = ("db_commit", "db_rollback", "checkout", "checkin")
"""What a connection does: a COMMIT or ROLLBACK of the database transaction, leaving and entering the pool."""
SESSION_KINDS = ("opened", "ended")
"""A session's transaction took its first connection; a session's outermost transaction ended."""


class Event(NamedTuple):
    kind: str
    cls: str | None = None
    """The class whose attribute is loaded, or whose rows are read; the kind of session or connection for what they do."""
    attr: str | None = None
    """The attribute that is loaded; for a flush what asked for it: `flush`, `autoflush` or `commit`; `core` for a statement of none."""
    session: Any = None
    """The session, where there is one."""


SQLALCHEMY = re.compile(r"[\\/]sqlalchemy[\\/](?:engine|event|ext|orm|pool|sql|util)[\\/]")
"""Files of SQLAlchemy."""
_LIBRARY = re.compile(rf"{SQLALCHEMY.pattern}|^<(?:string>$|sqlalchemy )")
"""The same, and the wrappers that it makes, which have no file."""
_ORM = re.compile(r"sqlalchemy[\\/]orm[\\/]")

_FOREIGN, _OF_LIBRARY, _OF_ORM = range(3)
_files: dict[str, int] = {}
"""Whose each file is. The stack is walked for most events, and a search in each frame's path would cost more than all the rest."""


def _whose(filename: str) -> int:
    try:
        return _files[filename]
    except KeyError:
        found = _FOREIGN if not _LIBRARY.search(filename) else _OF_ORM if _ORM.search(filename) else _OF_LIBRARY
        _files[filename] = found
        return found


Sink = Callable[[Event], None]


def _raised(error: Exception) -> None:
    raise error


def listen(
    sink: Sink, engine: Any = None, *, all_statements: bool = True, failed: Callable[[Exception], None] = _raised
) -> Callable[[], None]:
    """Calls `sink` for every event from now on; returns the function that ends it.

    `engine` narrows the statements and transactions to one Engine, and adds what its pool does; what sessions do is reported for every
    session. Without `all_statements`, statements and COMMITs that a session sends are left out (what it does tells of them), and so are
    ROLLBACKs of connections.

    `failed` is called with what goes wrong here or in `sink`; by default that reaches the application.
    """
    import sqlalchemy
    from sqlalchemy.engine import Engine
    from sqlalchemy.orm import Session

    event: Any = sqlalchemy.event  # 2.0 leaves its functions untyped

    def on_execute(state: Any) -> None:
        try:
            sink(_execution(state))
        except Exception as error:
            failed(error)

    def on_flush(session: Any, context: Any) -> None:
        try:
            asked = _asked_by(sys._getframe(1))
            # The end of a savepoint is no commit: its flush is told as one.
            sink(Event("flush", type(session).__name__, "flush" if asked == "commit" and _in_savepoint(session) else asked, session))
        except Exception as error:
            failed(error)

    def on_commit(session: Any) -> None:
        try:
            if not _in_savepoint(session):
                sink(Event("commit", type(session).__name__, None, session))
        except Exception as error:
            failed(error)

    def on_rollback(session: Any, previous: Any) -> None:
        try:
            if not previous.nested and previous.parent is None:
                sink(Event("rollback", type(session).__name__, None, session))
        except Exception as error:
            failed(error)

    def on_begin(session: Any, transaction: Any, connection: Any) -> None:
        try:
            if not transaction.nested:
                sink(Event("opened", type(session).__name__, None, session))
        except Exception as error:
            failed(error)

    def on_end(session: Any, transaction: Any) -> None:
        try:
            if transaction.parent is None:
                sink(Event("ended", type(session).__name__, None, session))
        except Exception as error:
            failed(error)

    def on_cursor(connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, executemany: bool) -> None:
        sink(Event(_verb(statement, context)))

    def on_statement(cursor: Any, statement: str, *rest: Any) -> None:
        try:
            context = rest[-1]
            if not _from_orm(context):
                verb = _verb(statement, context)
                if verb != "other" and not _below_orm(sys._getframe(1)):
                    sink(Event(verb, None, "core"))
        except Exception as error:
            failed(error)

    def on_db_commit(connection: Any, *rest: Any) -> None:
        sink(Event("db_commit", "Connection"))

    def on_event_commit(connection: Any, *rest: Any) -> None:
        on_core_commit(sys._getframe(1))

    def on_core_commit(frame: FrameType | None) -> None:
        try:
            if not _below_orm(frame):
                sink(Event("db_commit", "Connection"))
        except Exception as error:
            failed(error)

    def on_db_rollback(connection: Any, *rest: Any) -> None:
        sink(Event("db_rollback", "Connection"))

    def on_checkout(dbapi_connection: Any, entry: Any, proxy: Any) -> None:
        sink(Event("checkout"))

    def on_checkin(dbapi_connection: Any, entry: Any) -> None:
        sink(Event("checkin"))

    target = Engine if engine is None else engine
    wanted: list[tuple[Any, str, Callable[..., None]]] = [
        (Session, "do_orm_execute", on_execute),
        (Session, "after_flush", on_flush),
        (Session, "after_commit", on_commit),
        (Session, "after_soft_rollback", on_rollback),
        (Session, "after_begin", on_begin),
        (Session, "after_transaction_end", on_end),
    ]
    unwrap: Callable[[], None] | None = None
    if all_statements:
        wanted += [
            (target, "before_cursor_execute", on_cursor),
            (target, "commit", on_db_commit),
            (target, "commit_twophase", on_db_commit),
            (target, "rollback", on_db_rollback),
            (target, "rollback_twophase", on_db_rollback),
        ]
    else:
        # Any event of an Engine costs each statement of a session 5 %, those of its dialect next to nothing.
        wanted += [(target, name, on_statement) for name in ("do_execute", "do_executemany", "do_execute_no_params")]
        if str(vars(sqlalchemy)["__version__"]).startswith("1."):
            # Here a statement may commit by itself.
            wanted += [(target, "commit", on_event_commit), (target, "commit_twophase", on_event_commit)]
        else:
            unwrap = _before_commit(on_core_commit)
    if engine is not None:
        wanted += [(engine, "checkout", on_checkout), (engine, "checkin", on_checkin)]
    for owner, name, listener in wanted:
        event.listen(owner, name, listener)

    def stop() -> None:
        for owner, name, listener in wanted:
            if event.contains(owner, name, listener):
                event.remove(owner, name, listener)
        if unwrap is not None:
            unwrap()

    return stop


def _before_commit(call: Callable[[FrameType | None], None]) -> Callable[[], None]:
    """Calls `call` with the caller's frame before each COMMIT of a connection's transaction, from SQLAlchemy 2.0 on.

    Returns the function that ends it.
    """
    from sqlalchemy.engine import NestedTransaction, Transaction

    owner: Any = Transaction
    real = owner.commit

    @functools.wraps(real)
    def commit(transaction: Any) -> None:
        if transaction.is_active and not isinstance(transaction, NestedTransaction):
            call(sys._getframe().f_back)  # none where a greenlet begins here
        real(transaction)

    return replace(owner, "commit", commit)


def _execution(state: Any) -> Event:
    if not state.is_select:
        dml = state.is_insert or state.is_update or state.is_delete
        return Event("dml" if dml else "query", _mapped_name(state), None, state.session)
    if state.is_column_load:
        read = _attribute_read(sys._getframe(2))
        if read is None:
            return Event("refresh", _mapped_name(state), None, state.session)
        key, reader = read
        # Reading a relationship may refresh the object it leads to; only an unexpired object's own column is deferred.
        deferred = reader is not None and not reader.expired_attributes and key in reader.mapper.column_attrs
        return Event("deferred" if deferred else "expired", _mapped_name(state), key, state.session)
    path = state.loader_strategy_path
    if path is None or path.is_root:
        return Event("query", _mapped_name(state), None, state.session)
    owner, attr = path.path[-2:]
    loading = state.lazy_loaded_from
    if loading is None:
        return Event("eager", _class_name(owner), attr.key, state.session)
    kind = "cascade" if _attribute_read(sys._getframe(2)) is None else "lazy"
    return Event(kind, loading.class_.__name__, attr.key, state.session)


def _mapped_name(state: Any) -> str | None:
    mapper = state.bind_mapper
    return None if mapper is None else str(mapper.class_.__name__)


def _class_name(entity: Any) -> str | None:
    owner = getattr(entity, "class_", None) or getattr(getattr(entity, "mapper", None), "class_", None)
    return None if owner is None else str(owner.__name__)


def _attribute_read(frame: FrameType | None) -> tuple[str, Any] | None:
    """The name of the instrumented attribute whose read is under way and the state of its object; None for any other load.

    No event tells a read from a cascade: the frames of SQLAlchemy between the load and the caller do.
    """
    while frame is not None:
        code = frame.f_code
        if not _whose(code.co_filename):
            return None
        if code.co_name == "__get__" and code.co_filename.endswith("attributes.py"):
            names = frame.f_locals
            return names["self"].key, names.get("state")
        frame = frame.f_back
    return None


def _asked_by(frame: FrameType | None) -> str:
    while frame is not None and _whose(frame.f_code.co_filename):
        if frame.f_code.co_name in ("_autoflush", "commit"):
            return "autoflush" if frame.f_code.co_name == "_autoflush" else "commit"
        frame = frame.f_back
    return "flush"


def _from_orm(context: Any) -> bool:
    """Whether a statement has the options that loads and flushes give; without them the frames must tell."""
    options = () if context is None else context.execution_options
    return "_sa_orm_load_options" in options or "compiled_cache" in options


def _below_orm(frame: FrameType | None) -> bool:
    """Whether one of the frames of SQLAlchemy that the stack ends in is of the ORM."""
    while frame is not None:
        whose = _whose(frame.f_code.co_filename)
        if whose != _OF_LIBRARY:
            return whose == _OF_ORM
        frame = frame.f_back
    return False


def _in_savepoint(session: Any) -> bool:
    """Whether what was just announced is of a savepoint: it is still in place then."""
    return bool(session.in_nested_transaction())


def _verb(statement: str, context: Any) -> str:
    if context is not None:
        if context.isinsert:
            return "insert"
        if context.isupdate:
            return "update"
        if context.isdelete:
            return "delete"
    word = statement.lstrip(" \t\r\n(")[:8].split(None, 1)
    first = word[0].lower() if word else ""
    if first in ("select", "with", "values"):
        return "select"
    return first if first in SQL_KINDS else "other"
