"""Whether sessions keep their objects over a commit: what the project says of `expire_on_commit`, wherever it says it.

Takes the modules; gives what holds for a session whose factory is not known (a parameter, a dependency of a framework). A factory that
is at hand knows its own; this module is asked where none is, and for settings that stand apart from the factory (`configure`,
`session_options`). Where a project's factories differ, nothing is known.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple, Union

from ormlint.facts import records as r
from ormlint.facts.marks import MARKS
from ormlint.facts.walking import walk
from ormlint.semantics.habits import Habits
from ormlint.semantics.symbols import ModuleScope, last_name

OPTION = "expire_on_commit"
_MAKERS = frozenset({"sessionmaker", "async_sessionmaker", "Session", "AsyncSession", "create_session", "SQLAlchemy"})
_MARKS = frozenset(MARKS) - {"map_imperatively", "mapper"}
_PACKAGES = ("sqlalchemy", "sqlmodel", "flask_sqlalchemy", "advanced_alchemy", "sqlalchemy_utils", "flask_sqlalchemy_lite")
_SILENT = frozenset({"test", "fixture", "migration"})


class _Said(NamedTuple):
    """One place that makes or configures sessions: by whom, and what it says."""

    maker: str
    is_async: bool
    value: Union[bool, None]
    explicit: bool


def habits_of(scopes: Iterable[ModuleScope]) -> Habits:
    """What the project's own code says of its sessions; tests and migrations left aside."""
    said: list[_Said] = []
    for scope in scopes:
        names = _orm_names(scope.record.body) if scope.role not in _SILENT and not _MARKS.isdisjoint(scope.record.words) else {}
        if names:
            said.extend(_said_in(scope.record.body, names))
    configured = [item.value for item in said if item.maker == "configure"]
    given = _agreed(configured) if configured else True
    values = [item._replace(value=given) if not item.explicit else item for item in said if item.maker != "configure"]
    return Habits(
        _agreed([item.value for item in values if not item.is_async and item.maker != "SQLAlchemy"]),
        _agreed([item.value for item in values if item.is_async]),
        _agreed([item.value for item in values if item.maker == "SQLAlchemy"]),
        given,
    )


def said_by_init(function: r.Function) -> bool | None:
    """What the `__init__` of a session class of the project gives its base; True where it says nothing."""
    said = [item.value for item in _said_in(function.body, {}) if item.explicit]
    return _agreed(said)


def _agreed(values: list[bool | None]) -> bool | None:
    return values[0] if values and all(value is values[0] for value in values) else None if values else True


def _orm_names(body: tuple[r.Stmt, ...]) -> dict[str, str]:
    """The names under which a module imports ORM packages, or anything of them, each with its own name there."""
    found: dict[str, str] = {}
    for stmt in body:
        if isinstance(stmt, r.Import):
            of_orm = stmt.is_from and stmt.level == 0 and (stmt.module or "").startswith(_PACKAGES)
            for name in stmt.names:
                if of_orm or (not stmt.is_from and name.name.startswith(_PACKAGES)):
                    found[name.asname or name.name.split(".", 1)[0]] = name.name
        elif isinstance(stmt, (r.If, r.Try)):
            found |= _orm_names(stmt.body)
    return found


def _said_in(body: tuple[r.Stmt, ...], orm_names: dict[str, str]) -> Iterator[_Said]:
    for node in walk(body):
        if type(node) is r.Call:
            found = _of_call(node, orm_names)
            if found is not None:
                yield found


def _of_call(call: r.Call, orm_names: dict[str, str]) -> _Said | None:
    name = last_name(call.func)
    if type(call.func) is r.Name:
        name = orm_names.get(name, name)
    value: bool | None = True
    explicit = False
    is_async = "async" in name.lower()
    for arg in call.args:
        if arg.keyword == OPTION:
            value, explicit = _constant(arg.value), True
        elif type(arg.value) is r.Dict:
            for key, item in zip(arg.value.keys, arg.value.values, strict=True):
                if type(key) is r.Const and key.value == OPTION:
                    value, explicit = _constant(item), True
        elif type(arg.value) is r.Name and "Async" in arg.value.id:
            is_async = True
    if name in ("setdefault",) and len(call.args) == 2 and type(call.args[0].value) is r.Const and call.args[0].value.value == OPTION:
        value, explicit = _constant(call.args[1].value), True
    root = call.func
    while type(root) is r.Attr:
        root = root.value
    made = name in _MAKERS and type(root) is r.Name and root.id in orm_names
    if made or explicit:
        return _Said(name, is_async, value, explicit)
    return None


def _constant(value: r.Expr) -> bool | None:
    return value.value if isinstance(value, r.Const) and isinstance(value.value, bool) else None
