"""The rows of the other libraries are true of what is installed; a library that is not installed is not judged."""

from __future__ import annotations

from pathlib import Path

import claims
import pytest

from ormlint.orms import registry
from ormlint.orms.vocabulary import ClassRow, FunctionRow, MethodRow

CLASS_ROWS = registry.CLASS_ROWS
METHOD_ROWS = [row for row in registry.METHOD_ROWS if row.library != "sqlalchemy"]
NAMED_ROWS = [row for row in (*registry.CLASS_ROWS, *registry.FUNCTION_ROWS) if row.library != "sqlalchemy"]
CLASS_NAMES = claims.names_of_kinds(CLASS_ROWS)
LIBRARIES = sorted({row.library for row in (*NAMED_ROWS, *METHOD_ROWS)})

HELD = {"python", "fastapi", "starlette", "flask", "flask_sqlalchemy", "pydantic", "httpx", "jinja2", "marshmallow"}
"""What is installed for the tests, so that these rows are held each time."""

NEEDS_AN_EXTRA = {("web_app", "add_event_handler"), ("web_app", "on_event"), ("web_router", "add_resource")}
"""Methods that only some releases, or only a package that is not installed here, has."""
HAS_NO_CLASS = {("dynamic_collection", "flask_sqlalchemy"), ("query_property", "sqlalchemy")}
"""Flask-SQLAlchemy gives its own query class to each dynamic relationship, at run time."""

OTHER_NAMES: dict[str, str] = {
    **dict.fromkeys(registry.EXTERNAL, "external"),
    **dict.fromkeys(registry.CALLBACKS, "callback"),
    **dict.fromkeys(registry.CONCURRENCY, "concurrency"),
    **dict.fromkeys(registry.SERIALIZERS, "serializer"),
    **dict.fromkeys(registry.RENDERS, "render"),
    **dict.fromkeys(registry.DECORATORS, "decorator"),
}


@pytest.fixture(scope="module")
def facts(sqlalchemy_environment: Path) -> claims.Facts:
    members: dict[str, set[str]] = {}
    for row in CLASS_ROWS:
        for name in row.qualnames:
            members.setdefault(name, set()).update(method.name for method in METHOD_ROWS if method.owner == row.kind)
    names = {name for row in [*CLASS_ROWS, *NAMED_ROWS] for name in row.qualnames} | set(OTHER_NAMES) | set(registry.TYPING)
    return claims.ask(sqlalchemy_environment, names, members, LIBRARIES)


def speaks(row: ClassRow | FunctionRow | MethodRow, facts: claims.Facts) -> bool:
    """Whether a row is about the installed version of its library."""
    current = facts["version"] if row.library == "sqlalchemy" else facts["versions"].get(row.library)
    return current is not None and claims.applies(row.since, row.until, current)


def test_names_exist(facts: claims.Facts) -> None:
    current = facts["versions"]
    wrong = [lie for row in NAMED_ROWS if speaks(row, facts) for lie in claims.name_lies([row], facts, current[row.library])]
    assert not wrong, "\n".join(wrong)
    assert {library for library in HELD if current.get(library)} >= {"python", "fastapi", "flask", "pydantic"}


def test_methods_exist_and_give_what_the_library_says(facts: claims.Facts) -> None:
    owners: dict[str, list[str]] = {}
    for row in CLASS_ROWS:
        if row.form != "function" and speaks(row, facts):
            owners.setdefault(row.kind, []).extend(name for name in row.qualnames if facts["names"][name] == "class")
    held = [
        row
        for row in METHOD_ROWS
        if speaks(row, facts)
        and owners.get(row.owner)
        and row.library in HELD
        and (row.owner, row.name) not in NEEDS_AN_EXTRA
        and (row.owner, row.library) not in HAS_NO_CLASS
    ]
    assert len(held) > 150
    wrong = [lie for row in held for lie in claims.member_lies([row], owners, facts, facts["versions"][row.library], CLASS_NAMES)]
    assert not wrong, "\n".join(wrong)


def test_functions_named_by_the_other_tables_exist(facts: claims.Facts) -> None:
    # `cli` is an attribute that each Flask object makes for itself: the class of its groups is named by a row of its own.
    known_otherwise = ("typing.", "warnings.", "flask.Flask.cli.", "flask.Blueprint.cli.")
    assert [name for name in OTHER_NAMES if facts["names"][name] is None and not name.startswith(known_otherwise)] == []


def test_typing_forms_exist_here_or_in_a_newer_python(facts: claims.Facts) -> None:
    missing = [
        name
        for row in registry.TYPING.values()
        for name in row.qualnames
        if facts["names"][name] is None and not any(facts["names"][other] not in (None, "absent") for other in row.qualnames)
    ]
    assert missing == []


@pytest.mark.parametrize(
    "row",
    [
        ClassRow(("fastapi.APIRoutes",), "web_router", since="0.65", library="fastapi"),
        FunctionRow(("itertools.chunked",), "", "batches_of_first", since="3.11", library="python"),
    ],
    ids=["class", "function"],
)
def test_a_name_that_lies_is_found(row: ClassRow | FunctionRow, sqlalchemy_environment: Path) -> None:
    facts = claims.ask(sqlalchemy_environment, row.qualnames, {}, [row.library])
    assert list(claims.name_lies([row], facts, facts["versions"][row.library])) != []
