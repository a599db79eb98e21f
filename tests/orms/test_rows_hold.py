"""The SQLAlchemy rows are true of each supported SQLAlchemy, and nothing that its classes offer was left out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import claims
import pytest
from claims import Facts

from ormlint.orms import registry
from ormlint.orms.vocabulary import ClassRow, FunctionRow, MethodRow
from ormlint.testing.environments import SERIES, environment

CLASS_ROWS = [row for row in registry.CLASS_ROWS if row.library == "sqlalchemy"]
FUNCTION_ROWS = [row for row in registry.FUNCTION_ROWS if row.library == "sqlalchemy"]
METHOD_ROWS = [row for row in registry.METHOD_ROWS if row.library == "sqlalchemy"]
KEPT_TO_RAISE = {"sqlalchemy.orm.mapper"}
"""Names that are still there, and whose call only says what to use instead."""
CLASS_NAMES = claims.names_of_kinds(registry.CLASS_ROWS)


@pytest.fixture(scope="module")
def facts(sqlalchemy_environment: Path) -> Facts:
    """What one SQLAlchemy has of all that any row names."""
    rows = [*CLASS_ROWS, *FUNCTION_ROWS, *registry.LOADERS.values()]
    members: dict[str, set[str]] = {}
    for row in CLASS_ROWS:
        for name in row.qualnames:
            members.setdefault(name, set()).update(method.name for method in METHOD_ROWS if method.owner == row.kind)
    members.setdefault("sqlalchemy.orm.Load", set()).update(registry.LOADER_METHODS)
    return claims.ask(sqlalchemy_environment, {name for row in rows for name in row.qualnames}, members)


def owners(facts: Facts) -> dict[str, list[str]]:
    return claims.owners_of_kinds(CLASS_ROWS, facts["names"], facts["version"])


def test_every_class_and_function_can_be_imported(facts: Facts) -> None:
    wrong = list(claims.name_lies([*CLASS_ROWS, *FUNCTION_ROWS], facts, facts["version"]))
    assert not wrong, "\n".join(wrong)


def test_every_method_exists_and_gives_what_the_library_says(facts: Facts) -> None:
    wrong = list(claims.member_lies(METHOD_ROWS, owners(facts), facts, facts["version"], CLASS_NAMES))
    assert not wrong, "\n".join(wrong)


def test_every_path_of_a_row_is_real_in_some_version(facts: Facts) -> None:
    """A path that exists in this version belongs to a row that speaks about this version."""
    wrong = [
        name
        for row in [*CLASS_ROWS, *FUNCTION_ROWS]
        for name in row.qualnames
        if facts["names"][name] not in (None, "absent")
        and name not in KEPT_TO_RAISE
        and not any(
            claims.applies(other.since, other.until, facts["version"]) for other in [*CLASS_ROWS, *FUNCTION_ROWS] if name in other.qualnames
        )
    ]
    assert not wrong, "\n".join(wrong)


def test_rows_that_ended_are_gone(facts: Facts) -> None:
    """`until` is true: what a row says ended before this version is no longer there."""
    current = facts["version"]
    by_kind = owners(facts)
    wrong = [
        f"{row.owner}.{row.name}"
        for row in METHOD_ROWS
        if row.until is not None
        and not claims.applies(row.since, row.until, current)
        and claims.version(row.since) <= claims.version(current)
        and not any(
            (other.owner, other.name) == (row.owner, row.name) and claims.applies(other.since, other.until, current)
            for other in METHOD_ROWS
        )
        and any(facts["members"].get(owner, {}).get(row.name) for owner in by_kind.get(row.owner, ()))
    ]
    assert not wrong, "\n".join(wrong)


def test_loader_options_exist(facts: Facts) -> None:
    current = facts["version"]
    for row in registry.LOADERS.values():
        if not claims.applies(row.since, row.until, current):
            continue
        assert any(facts["names"][name] in ("callable", "class") for name in row.qualnames), row
        if row.method:
            assert facts["members"]["sqlalchemy.orm.Load"][row.name], row


NO_MEANING: dict[str, set[str]] = {
    "session": {"connection_callable", "dispatch"},
    "scoped_session": {"binds", "registry"},
    "async_session": {"sync_session_class", "binds", "dispatch"},
    "async_scoped_session": {"binds", "registry"},
    "session_factory": {"dispatch"},
    "async_session_factory": set(),
    "session_transaction": {"declare_states", "bound_connection", "connections"},
    "async_session_transaction": {"bound_connection", "connections"},
    "engine": {"dispatch", "logging_name", "engine", "schema_for_object"},
    "async_engine": {"engine"},
    "connection": {"dispatch", "schema_for_object", "should_close_with_result"},
    "async_connection": {"connection", "engine"},
    "transaction": {"xid"},
    "async_transaction": {"nested", "sync_transaction"},
    "query": {
        "allows_lambda",
        "dispatch",
        "get_children",
        "get_execution_options",
        "get_label_style",
        "is_delete",
        "is_dml",
        "is_from_statement",
        "is_insert",
        "is_select",
        "is_text",
        "is_update",
        "lazy_loaded_from",
        "load_options",
        "logger",
        "logging_name",
        "memoized_attribute",
        "memoized_instancemethod",
        "supports_execution",
        "uses_inspection",
    },
    "write_only_collection": {"attr", "instance"},
    "result": {
        "connection",
        "context",
        "cursor",
        "cursor_strategy",
        "dialect",
        "memoized_attribute",
        "memoized_instancemethod",
    },
    "scalar_result": {"memoized_attribute", "memoized_instancemethod"},
    "mapping_result": {"memoized_attribute", "memoized_instancemethod"},
    "async_result": {"memoized_attribute", "memoized_instancemethod"},
    "async_scalar_result": {"memoized_attribute", "memoized_instancemethod"},
    "async_mapping_result": {"memoized_attribute", "memoized_instancemethod"},
    "row": {"count", "index"},
}
"""For each kind the public names that say nothing about queries, transactions or values."""


@pytest.fixture(scope="module")
def newest() -> Facts:
    """The newest SQLAlchemy: completeness is held against it."""
    members = {name: set[str]() for row in CLASS_ROWS for name in row.qualnames}
    return claims.ask(environment(SERIES[-1]), members, members)


@pytest.mark.parametrize("kind", NO_MEANING)
def test_nothing_public_was_left_out(kind: str, newest: Facts) -> None:
    known = {row.name for row in METHOD_ROWS if row.owner == kind} | NO_MEANING[kind]
    classes = owners(newest)[kind]
    assert classes
    assert {name for owner in classes for name in newest["public"][owner]} - known == set()


# a row that lies is found

_LIES: list[MethodRow | ClassRow | FunctionRow] = [
    MethodRow("session", "commit_everything", "commit", "none"),
    MethodRow("session", "commit", "commit", "bool"),
    MethodRow("session", "is_active", "", "bool"),
    MethodRow("session", "commit", "commit", "none", is_property=True),
    MethodRow("async_session", "commit", "commit", "none"),
    MethodRow("async_session", "expunge", "expunge", "none", awaitable=True),
    MethodRow("session", "get", "get", "entity"),
    MethodRow("result", "partitions", "fetch", "list"),
    ClassRow(("sqlalchemy.orm.Sesion",), "session"),
    ClassRow(("sqlalchemy.orm.relationship",), "relationship", "class"),
    FunctionRow(("sqlalchemy.orm.session.closeall",), "close", "none"),
]


@pytest.mark.parametrize("row", _LIES, ids=lambda row: str(getattr(row, "name", None) or row.qualnames[0]))
def test_a_row_that_lies_is_found(row: MethodRow | ClassRow | FunctionRow) -> None:
    assert list(lies_of(row, environment(SERIES[-1]))) != []


def lies_of(row: MethodRow | ClassRow | FunctionRow, folder: Path) -> Iterator[str]:
    if isinstance(row, MethodRow):
        owner = {"session": "sqlalchemy.orm.Session", "result": "sqlalchemy.engine.Result"}.get(
            row.owner, "sqlalchemy.ext.asyncio.AsyncSession"
        )
        facts = claims.ask(folder, [], {owner: [row.name]})
        yield from claims.member_lies([row], {row.owner: [owner]}, facts, facts["version"], CLASS_NAMES)
    else:
        facts = claims.ask(folder, row.qualnames, {})
        yield from claims.name_lies([row], facts, facts["version"])
