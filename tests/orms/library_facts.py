"""Run in a process of its own, on one version of the libraries: says what they have, as JSON.

Standard input: `{"names": [dotted paths], "members": {dotted path of a class: [names]}}`. Standard output: for each name "class",
"callable", "value" or null (does not exist, or its package is not installed: "absent"); for each member null or what is known of it.
"""

from __future__ import annotations

import importlib
import inspect
import json
import sys
import warnings
from importlib.metadata import PackageNotFoundError, version
from typing import Any

MISSING = object()


def find(dotted: str) -> Any:
    """The object at a dotted path; MISSING when its modules are there and the name is not; None when the package is not installed."""
    parts = dotted.split(".")
    for length in range(len(parts) - 1, 0, -1):
        try:
            found: Any = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        except Exception:
            return MISSING
        for part in parts[length:]:
            try:
                found = getattr(found, part)
            except Exception:
                return None if length < len(parts) - 1 and shares_its_name(parts[0]) else MISSING
        return found
    return None


def shares_its_name(package: str) -> bool:
    """A namespace package: that it can be imported does not say that what is looked for is installed."""
    return getattr(sys.modules[package], "__file__", None) is None


def installed(library: str) -> str | None:
    if library == "python":
        return f"{sys.version_info.major}.{sys.version_info.minor}"
    try:
        importlib.import_module(library)
        return version(library)
    except (ImportError, PackageNotFoundError):
        return None


def kind_of(found: Any) -> str | None:
    if found is MISSING:
        return None
    if found is None:
        return "absent"
    if inspect.isclass(found):
        return "class"
    return "callable" if callable(found) else "value"


def example(dotted: str) -> Any:
    """An instance of some classes, for attributes that only instances have; None for others."""
    import sqlalchemy as sa
    from sqlalchemy import orm

    engine = sa.create_engine("sqlite://")
    table = sa.Table("t", sa.MetaData(), sa.Column("id", sa.Integer, primary_key=True))
    makers: dict[str, Any] = {
        "Session": lambda: find(dotted)(engine),
        "SessionTransaction": lambda: orm.Session(engine).begin(),
        "Query": lambda: orm.Session(engine).query(table),
        "Engine": lambda: engine,
        "Connection": lambda: engine.connect(),
        "Transaction": lambda: engine.connect().begin(),
        "RootTransaction": lambda: engine.connect().begin(),
        "Result": lambda: (
            engine.connect().execute(sa.select(table.c.id).where(sa.false())) if False else engine.connect().execute(sa.text("select 1"))
        ),
        "CursorResult": lambda: engine.connect().execute(sa.text("select 1")),
        "LegacyCursorResult": lambda: engine.connect().execute(sa.text("select 1")),
        "ScalarResult": lambda: engine.connect().execute(sa.text("select 1")).scalars(),
        "MappingResult": lambda: engine.connect().execute(sa.text("select 1")).mappings(),
        "Row": lambda: engine.connect().execute(sa.text("select 1 as a")).first(),
        "scoped_session": lambda: orm.scoped_session(orm.sessionmaker(engine)),
        "MetaData": sa.MetaData,
        "Table": lambda: table,
        "Subquery": lambda: sa.select(table).subquery(),
        "registry": lambda: orm.registry(),
        "Mapper": lambda: mapped().__mapper__,
        "InstrumentedAttribute": lambda: mapped().id,
        "QueryableAttribute": lambda: mapped().id,
        "DeclarativeBase": mapped,
        "AutomapBase": mapped,
        "InstanceState": lambda: sa.inspect(mapped()()),
        "Select": lambda: sa.select(table),
    }
    name = dotted.rpartition(".")[2]
    if name.startswith(("Async", "async")):
        return async_example(dotted, name)
    if name not in makers or not dotted.startswith(("sqlalchemy", "sqlmodel")):
        return flask_example(name)
    return makers[name]()


def mapped() -> Any:
    import sqlalchemy as sa
    from sqlalchemy import orm

    return type("Example", (orm.declarative_base(),), {"__tablename__": "example", "id": sa.Column(sa.Integer, primary_key=True)})


def async_example(dotted: str, name: str) -> Any:
    from sqlalchemy import orm
    from sqlalchemy.ext import asyncio as sa_async

    if not dotted.startswith(("sqlalchemy", "sqlmodel")):
        return None
    engine = sa_async.create_async_engine("sqlite+aiosqlite://")
    session = sa_async.AsyncSession(engine)
    makers: dict[str, Any] = {
        "AsyncSession": lambda: session,
        "AsyncEngine": lambda: engine,
        "AsyncConnection": lambda: engine.connect(),
        "AsyncSessionTransaction": lambda: session.begin(),
        "AsyncTransaction": lambda: engine.connect().begin(),
        "async_scoped_session": lambda: sa_async.async_scoped_session(orm.sessionmaker(class_=sa_async.AsyncSession), scopefunc=lambda: 1),
    }
    return makers[name]() if name in makers else None


def flask_example(name: str) -> Any:
    if name == "Pagination":
        return page()
    if name != "SQLAlchemy":
        return None
    import flask
    from flask_sqlalchemy import SQLAlchemy

    app = flask.Flask("example")
    app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite://"
    app.app_context().push()
    return SQLAlchemy(app)


def page() -> Any:
    try:
        from flask_sqlalchemy import pagination
    except ImportError:
        import flask_sqlalchemy

        return flask_sqlalchemy.Pagination(None, 1, 1, 1, [])

    class Page(pagination.Pagination):
        def _query_items(self) -> list[Any]:
            return []

        def _query_count(self) -> int:
            return 0

    return Page(page=1, per_page=1, max_per_page=None, error_out=False, count=True)


def annotation_of(function: Any) -> str | None:
    try:
        returned = inspect.signature(function).return_annotation
    except (TypeError, ValueError):
        return None
    if returned is inspect.Signature.empty:
        return None
    return returned if isinstance(returned, str) else getattr(returned, "__name__", str(returned)) if returned is not None else "None"


def member(owner: Any, instance: Any, name: str) -> dict[str, Any] | None:
    """What is known of `owner.name`; None when neither the class nor an instance has it."""
    try:
        found = inspect.getattr_static(owner, name)
    except AttributeError:
        found = MISSING
    if found is MISSING:
        if instance is None:
            return None
        try:
            found = getattr(instance, name)
        except Exception:
            return None
        plain = None if inspect.isclass(found) else not inspect.isroutine(found)
        return {"property": plain, "coroutine": inspect.iscoroutinefunction(found), "startable": None, "annotation": None}
    if isinstance(found, (classmethod, staticmethod)):
        found = found.__func__
    getter = getattr(found, "fget", None)
    if not callable(found) or (getter is not None and not inspect.isfunction(found)):
        return {"property": True, "coroutine": False, "startable": None, "annotation": annotation_of(getter) if getter else None}
    annotation = annotation_of(found)
    startable = None
    if annotation is not None:
        space = vars(sys.modules[getattr(found, "__module__", "builtins")])
        import sqlalchemy.ext.asyncio

        head = annotation.partition("[")[0]
        named = space.get(head) or getattr(sqlalchemy.ext.asyncio, head, None)
        startable = inspect.isclass(named) and hasattr(named, "__await__") and hasattr(named, "__aenter__")
    return {"property": False, "coroutine": inspect.iscoroutinefunction(found), "startable": startable, "annotation": annotation}


def signature(dotted: str) -> list[list[Any]] | None:
    """Name, whether it can be given by position, and default (null when it has none that is plain) of each parameter but self."""
    found = find(dotted)
    if found is MISSING or found is None:
        return None
    try:
        parameters = list(inspect.signature(found).parameters.values())
    except (TypeError, ValueError):
        return None
    plain = (str, bool, int)
    return [
        [one.name, one.kind.name, one.default if isinstance(one.default, plain) else None]
        for one in parameters
        if one.name not in ("self", "cls")
    ]


def public(owner: Any) -> list[str]:
    return sorted(name for name in dir(owner) if not name.startswith("_"))


def main() -> None:
    warnings.simplefilter("ignore")
    question = json.load(sys.stdin)
    import sqlalchemy

    answer: dict[str, Any] = {
        "version": sqlalchemy.__version__,
        "names": {name: kind_of(find(name)) for name in question["names"]},
        "versions": {library: installed(library) for library in question["libraries"]},
        "signatures": {name: signature(name) for name in question.get("signatures", ())},
        "members": {},
        "public": {},
    }
    for dotted, names in question["members"].items():
        owner = find(dotted)
        if owner is MISSING or owner is None:
            continue
        try:
            instance = example(dotted)
        except Exception:
            instance = None
        answer["members"][dotted] = {name: member(owner, instance, name) for name in names}
        answer["public"][dotted] = public(owner)
    json.dump(answer, sys.stdout)


main()
