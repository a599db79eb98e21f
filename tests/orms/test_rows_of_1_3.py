"""The rows that speak about SQLAlchemy 1.3 are held against `sqlalchemy-stubs`."""

from __future__ import annotations

import claims
import pytest
import stub_facts

from ormlint.orms import registry
from ormlint.orms.vocabulary import ClassRow, MethodRow

VERSION = "1.3.24"
CLASS_ROWS = [row for row in registry.CLASS_ROWS if row.library == "sqlalchemy" and claims.applies(row.since, row.until, VERSION)]
FUNCTION_ROWS = [row for row in registry.FUNCTION_ROWS if row.library == "sqlalchemy" and claims.applies(row.since, row.until, VERSION)]
METHOD_ROWS = [row for row in registry.METHOD_ROWS if row.library == "sqlalchemy" and claims.applies(row.since, row.until, VERSION)]
CLASS_NAMES = claims.names_of_kinds(registry.CLASS_ROWS)

NOT_IN_THE_STUBS = {
    "sqlalchemy.Computed",
    "sqlalchemy.dialects.mysql.Insert",
    "sqlalchemy.dialects.mysql.insert",
    "insert.on_duplicate_key_update",
    "insert.inserted",
    "engine.get_execution_options",
    "connection.get_execution_options",
    "loader_option.options",
    "insert.excluded",
    "mapper.relationships",
    "mapper.column_attrs",
    "mapper.attrs",
    "mapper.all_orm_descriptors",
    "mapper.persist_selectable",
    "declarative_base.__table__",
    "declarative_base.__mapper__",
    "declared_attr.cascading",
}
"""What SQLAlchemy 1.3 has and its stubs forgot, or wrote as a method where it is a property."""


@pytest.fixture(scope="module")
def facts() -> claims.Facts:
    members: dict[str, set[str]] = {}
    for row in CLASS_ROWS:
        for name in row.qualnames:
            members.setdefault(name, set()).update(method.name for method in METHOD_ROWS if method.owner == row.kind)
    names = {name for row in [*CLASS_ROWS, *FUNCTION_ROWS, *registry.LOADERS.values()] for name in row.qualnames}
    return stub_facts.facts(names, members)


def test_every_class_and_function_has_a_stub(facts: claims.Facts) -> None:
    rows = [row for row in [*CLASS_ROWS, *FUNCTION_ROWS] if not set(row.qualnames) & NOT_IN_THE_STUBS]
    wrong = list(claims.name_lies(rows, facts, VERSION))
    assert not wrong, "\n".join(wrong)


def test_every_method_has_a_stub_and_gives_what_it_says(facts: claims.Facts) -> None:
    owners = claims.owners_of_kinds(CLASS_ROWS, facts["names"], VERSION)
    rows = [row for row in METHOD_ROWS if f"{row.owner}.{row.name}" not in NOT_IN_THE_STUBS]
    wrong = list(claims.member_lies(rows, owners, facts, VERSION, CLASS_NAMES))
    assert not wrong, "\n".join(wrong)


def test_loader_options_have_a_stub(facts: claims.Facts) -> None:
    wrong = [
        row.name
        for row in registry.LOADERS.values()
        if claims.applies(row.since, row.until, VERSION) and not any(facts["names"][name] for name in row.qualnames)
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    ("row", "owner"),
    [
        (MethodRow("query", "one", "query", "element_or_none"), "sqlalchemy.orm.Query"),
        (MethodRow("query", "first", "query", "element"), "sqlalchemy.orm.query.Query"),
        (MethodRow("session", "scalars", "execute", "scalar_result"), "sqlalchemy.orm.Session"),
        (MethodRow("query", "count", "query", "list"), "sqlalchemy.orm.Query"),
    ],
)
def test_a_row_that_lies_is_found(row: MethodRow, owner: str) -> None:
    known = stub_facts.facts(set(), {owner: {row.name}})
    assert list(claims.member_lies([row], {row.owner: [owner]}, known, VERSION, CLASS_NAMES)) != []


def test_a_class_that_1_3_does_not_have_is_found() -> None:
    row = ClassRow(("sqlalchemy.orm.DeclarativeBase",), "declarative_base")
    assert list(claims.name_lies([row], stub_facts.facts(set(row.qualnames), {}), VERSION)) != []
