"""SQLAlchemy-Continuum 1.4 and 2.x: the classes that it maps for the versions of an application's own, and what reading them sends.

Measured on 1.4.2 with SQLAlchemy 1.4 and on 2.0.0 with 2.0 and 2.1: `fixtures/inference/sqlalchemy-continuum.md` runs there.
"""

from __future__ import annotations

from ormlint.orms.vocabulary import FunctionRow, HistoryRow, functions

_LIB = "sqlalchemy_continuum"

FUNCTIONS: tuple[FunctionRow, ...] = (
    *functions("sqlalchemy_continuum sqlalchemy_continuum.utils", "version_class", "", "version_class_of_first", since="1.0", library=_LIB),
    *functions(
        "sqlalchemy_continuum sqlalchemy_continuum.utils", "parent_class", "", "versioned_class_of_first", since="1.0", library=_LIB
    ),
    *functions(
        "sqlalchemy_continuum sqlalchemy_continuum.utils", "transaction_class", "", "transaction_class_of_first", since="1.0", library=_LIB
    ),
    *functions("sqlalchemy_continuum sqlalchemy_continuum.utils", "count_versions", "query", "count", since="1.0", library=_LIB),
    *functions(
        "sqlalchemy_continuum sqlalchemy_continuum.utils",
        "changeset is_modified is_session_modified",
        "",
        "value",
        since="1.0",
        library=_LIB,
    ),
)

HISTORIES: tuple[HistoryRow, ...] = (
    HistoryRow(
        package="sqlalchemy_continuum",
        marker="__versioned__",
        switches=("versioning", "create_models", "create_tables"),
        suffix="Version",
        key="transaction_id",
        columns=("end_transaction_id", "operation_type"),
        collection="versions",
        parent="version_parent",
        transaction="transaction",
        transaction_class="Transaction",
        transaction_columns=("id", "issued_at", "remote_addr", "user_id"),
        maker="make_versioned",
        user="user",
        user_class="user_cls",
        default_user="User",
        reads=(("previous", "version"), ("next", "version"), ("index", "number"), ("changeset", "changes")),
        linked=("previous", "next", "changeset"),
        finds=(("version_at", False), ("all_versions", True)),
        link="link",
    ),
)
