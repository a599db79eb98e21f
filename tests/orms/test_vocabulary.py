"""The tables use only words that the vocabulary explains, lookups lose nothing, and importing them costs little."""

from __future__ import annotations

import os
import subprocess
import sys
import typing
from collections import Counter
from pathlib import Path

import msgspec
import pytest

from ormlint.orms import builtins, external, registry, vocabulary
from ormlint.orms.vocabulary import CATEGORIES, DECORATIONS, EFFECTS, KINDS, RETURNS, TYPING_FORMS


def test_every_word_is_explained() -> None:
    results = set(RETURNS) | set(KINDS)
    assert {row.kind for row in registry.CLASS_ROWS} <= set(KINDS)
    assert {row.owner for row in registry.METHOD_ROWS} <= set(KINDS)
    assert {row.effect for row in (*registry.METHOD_ROWS, *registry.FUNCTION_ROWS)} <= set(EFFECTS)
    assert {row.returns for row in (*registry.METHOD_ROWS, *registry.FUNCTION_ROWS)} <= results
    assert {row.category for row in external.EXTERNAL} | set(external.CLOUD_SERVICES.values()) <= set(CATEGORIES)
    assert {row.meaning for row in builtins.DECORATORS} <= set(DECORATIONS)
    assert {row.form for row in builtins.TYPING} <= set(TYPING_FORMS)
    tables = (registry.CALLBACK_METHODS, registry.CONCURRENCY_METHODS, registry.EXTERNAL_METHODS, registry.SERIALIZER_METHODS)
    assert {receiver for table in tables for receiver, _ in table} <= set(KINDS)


def test_every_word_is_used() -> None:
    used = {row.returns for row in (*registry.METHOD_ROWS, *registry.FUNCTION_ROWS)}
    kinds = {row.kind for row in registry.CLASS_ROWS} | {row.owner for row in registry.METHOD_ROWS} | used
    assert set(RETURNS) - used == set()
    assert set(KINDS) - kinds == set()
    assert set(EFFECTS) - {row.effect for row in (*registry.METHOD_ROWS, *registry.FUNCTION_ROWS)} == set()


def test_a_method_has_one_meaning_per_version_and_library() -> None:
    """Two rows for one method differ in `since`, the older ended, and the newer stands later so that the lookup gives it."""
    counts = Counter((row.owner, row.name) for row in registry.METHOD_ROWS)
    for (owner, name), count in counts.items():
        rows = [row for row in registry.METHOD_ROWS if (row.owner, row.name) == (owner, name)]
        if count > 1 and len({row.library for row in rows}) == 1:
            assert [row.until is None for row in rows] == [False] * (count - 1) + [True], rows


def test_a_path_has_one_kind() -> None:
    """A path that two rows name means the same in both: a lookup by path loses nothing."""
    kinds: dict[str, set[str]] = {}
    for row in registry.CLASS_ROWS:
        for name in row.qualnames:
            kinds.setdefault(name, set()).add(row.kind)
    assert {name: found for name, found in kinds.items() if len(found) > 1} == {}


def test_no_table_drops_a_row() -> None:
    named = {id(row) for row in registry.CLASSES.values()}
    assert [row.qualnames for row in registry.CLASS_ROWS if id(row) not in named and not set(row.qualnames) <= set(registry.CLASSES)] == []
    assert len(registry.LAZY) == 14


def test_locking_and_upserting_methods_have_rows() -> None:
    assert {("query", name) for name in registry.LOCKING_METHODS} <= set(registry.METHODS)
    assert ("select", "with_for_update") in registry.METHODS
    assert {("insert", name) for name in registry.UPSERT_METHODS} <= set(registry.METHODS)


def test_rows_are_frozen() -> None:
    for row in (registry.CLASS_ROWS[0], registry.METHOD_ROWS[0], registry.FUNCTION_ROWS[0], external.EXTERNAL[0], EFFECTS["commit"]):
        with pytest.raises(AttributeError):
            row.library = "other"  # type: ignore[misc, union-attr]


def test_every_row_type_is_frozen() -> None:
    found = [kind for kind in vars(vocabulary).values() if isinstance(kind, type) and issubclass(kind, msgspec.Struct)]
    rows = [kind for kind in found if kind is not msgspec.Struct]
    assert len(rows) > 10
    assert all(kind.__struct_config__.frozen for kind in rows)
    assert all(typing.get_type_hints(kind) for kind in rows)


def test_importing_the_tables_imports_no_library_and_costs_little(tmp_path: Path) -> None:
    script = """
import sys, time, typing, collections.abc, msgspec
import ormlint.orms.registry
for name in [name for name in sys.modules if name.startswith("ormlint.orms")]:
    del sys.modules[name]
start = time.process_time()
import ormlint.orms.registry
print(round((time.process_time() - start) * 1000, 2))
print([name for name in ("sqlalchemy", "flask", "fastapi", "sqlmodel", "pydantic", "celery", "alembic") if name in sys.modules])
"""
    compiled = {**os.environ, "PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(tmp_path)}
    fastest = 1000.0
    for _ in range(4):
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env=compiled)
        milliseconds, imported = done.stdout.splitlines()
        assert imported == "[]"
        fastest = min(fastest, float(milliseconds))
    assert fastest < 8 * 3, "8 ms of processor time is the budget; three times that leaves room for slow machines"
