"""Parameters with meaning have the name, place and default that their rows say; events and exceptions exist."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import claims
import pytest

from ormlint.orms import registry
from ormlint.orms.vocabulary import ParameterRow

CALLABLES = {
    "session": "sqlalchemy.orm.Session",
    "async_session": "sqlalchemy.ext.asyncio.AsyncSession",
    "session_factory": "sqlalchemy.orm.sessionmaker",
    "async_session_factory": "sqlalchemy.ext.asyncio.async_sessionmaker",
    "scoped_session": "sqlalchemy.orm.scoped_session",
    "async_scoped_session": "sqlalchemy.ext.asyncio.async_scoped_session",
    "relationship": "sqlalchemy.orm.relationship",
    "association_proxy": "sqlalchemy.ext.associationproxy.association_proxy",
    "synonym": "sqlalchemy.orm.synonym",
    "backref": "sqlalchemy.orm.backref",
    "registry": "sqlalchemy.orm.registry",
    "imperative_mapper": "sqlalchemy.orm.mapper",
    "dependency": "fastapi.Depends",
    "web_router": "fastapi.APIRouter",
    "web_app": "fastapi.FastAPI",
    "streaming_response": "fastapi.responses.StreamingResponse",
    "response": "fastapi.responses.Response",
}
EVENTS = {
    "session": ["sqlalchemy.orm.events.SessionEvents"],
    "mapper": ["sqlalchemy.orm.events.MapperEvents"],
    "instance": ["sqlalchemy.orm.events.InstanceEvents"],
    "attribute": ["sqlalchemy.orm.events.AttributeEvents"],
    "engine": ["sqlalchemy.events.ConnectionEvents", "sqlalchemy.events.PoolEvents", "sqlalchemy.events.DialectEvents"],
    "metadata": ["sqlalchemy.events.DDLEvents"],
}


def path_of(row: ParameterRow) -> str | None:
    owner, _, method = row.owner.partition(".")
    if owner not in CALLABLES or row.library == "sqlmodel":
        return None
    return f"{CALLABLES[owner]}.{method}" if method else CALLABLES[owner]


@pytest.fixture(scope="module")
def facts(sqlalchemy_environment: Path) -> claims.Facts:
    names = [f"{place}.{row.name}" for row in registry.EVENTS.values() for place in EVENTS[row.target]] + list(registry.ERRORS)
    signatures = {path for row in registry.PARAMETER_ROWS if (path := path_of(row)) is not None}
    libraries = {row.library for row in registry.PARAMETER_ROWS}
    return claims.ask(sqlalchemy_environment, names, {}, libraries, signatures)


def lies(rows: Iterator[ParameterRow], facts: claims.Facts) -> Iterator[str]:
    for row in rows:
        path = path_of(row)
        current = facts["version"] if row.library == "sqlalchemy" else facts["versions"].get(row.library)
        if path is None or current is None or not claims.applies(row.since, row.until, current):
            continue
        signature = facts["signatures"][path]
        assert signature, path
        found = {name: (place, kind, default) for place, (name, kind, default) in enumerate(signature)}
        if row.name not in found:
            if not any(kind == "VAR_KEYWORD" for _, kind, _ in found.values()):
                yield f"{path}: has no parameter {row.name} in {current}"
            continue
        place, kind, default = found[row.name]
        if row.position is not None and (place != row.position or kind == "KEYWORD_ONLY"):
            yield f"{path}: {row.name} stands at {place} in {current}, the row says {row.position}"
        if row.default is not None and default is not None and default != row.default:
            yield f"{path}: {row.name} is {default!r} by default in {current}, the row says {row.default!r}"


def test_parameters_stand_where_their_rows_say(facts: claims.Facts) -> None:
    wrong = list(lies(iter(registry.PARAMETER_ROWS), facts))
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    "row",
    [
        ParameterRow("session.refresh", "attribute_names", 0),
        ParameterRow("session", "autoflush", default=False),
        ParameterRow("scoped_session", "factory", 0),
    ],
    ids=["place", "default", "name"],
)
def test_a_parameter_that_lies_is_found(row: ParameterRow, facts: claims.Facts) -> None:
    assert list(lies(iter([row]), facts)) != []


def test_events_exist(facts: claims.Facts) -> None:
    wrong = [
        f"{row.target}: {row.name}"
        for row in registry.EVENTS.values()
        if not any(facts["names"][f"{place}.{row.name}"] == "callable" for place in EVENTS[row.target])
        and not (row.name == "before_mapper_configured" and facts["version"].startswith("1.4"))
    ]
    assert not wrong, "\n".join(wrong)


def test_errors_exist(facts: claims.Facts) -> None:
    held = [name for row in registry.ERRORS.values() if row.library in ("sqlalchemy", "python") for name in row.qualnames]
    assert [name for name in held if facts["names"][name] != "class"] == []
    assert len(held) > 30
