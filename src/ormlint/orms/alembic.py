"""Alembic: the operations of a revision, and the context of `env.py`."""

from __future__ import annotations

from ormlint.orms.vocabulary import FunctionRow, functions

_LIB = "alembic"

FUNCTIONS: tuple[FunctionRow, ...] = (
    *functions("alembic.op", "get_bind", "", "connection", since="1.0", library=_LIB),
    *functions("alembic.op", "execute", "execute", "none", since="1.0", library=_LIB),
    *functions("alembic.op", "bulk_insert", "write", "none", since="1.0", library=_LIB),
    *functions("alembic.op", "get_context", "", "unknown", since="1.0", library=_LIB),
    *functions("alembic.op", "batch_alter_table", "migrate", "unknown", since="1.0", library=_LIB),
    *functions(
        "alembic.op",
        "add_column alter_column create_check_constraint create_foreign_key create_index create_primary_key create_unique_constraint"
        " drop_column drop_constraint drop_index drop_table rename_table",
        "migrate",
        "none",
        since="1.0",
        library=_LIB,
    ),
    *functions("alembic.op", "create_table", "migrate", "table", since="1.0", library=_LIB),
    *functions("alembic.op", "f", "", "value", since="1.0", library=_LIB),
    *functions("alembic.context", "configure run_migrations", "migrate", "none", since="1.0", library=_LIB),
    *functions("alembic.context", "begin_transaction", "begin", "transaction", since="1.0", library=_LIB),
)

REVISION_NAMES: tuple[str, ...] = ("revision", "down_revision")
"""Module-level names that make a module an Alembic revision."""
