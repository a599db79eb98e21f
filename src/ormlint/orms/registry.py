"""All libraries' rows, merged into lookups: the module of `orms` that the engine imports, with the vocabulary.

A name may mean different things by version. Each lookup by one name gives the newest row; the `…_ROWS` tuples hold all of them.
"""

from __future__ import annotations

from typing import Union

from ormlint.orms import (
    alembic,
    builtins,
    concurrency,
    external,
    fastapi,
    flask,
    flask_sqlalchemy,
    serialization,
    sqlalchemy_continuum,
    sqlmodel,
    tasks,
)
from ormlint.orms.sqlalchemy import declarative, engines, errors, loading, queries, results, sessions
from ormlint.orms.vocabulary import EFFECTS as EFFECTS
from ormlint.orms.vocabulary import KINDS as KINDS
from ormlint.orms.vocabulary import RETURNS as RETURNS
from ormlint.orms.vocabulary import (
    CallbackRow,
    ClassRow,
    ConcurrencyRow,
    DecoratorRow,
    DependencyEndRow,
    ErrorRow,
    EventRow,
    ExternalRow,
    FunctionRow,
    HistoryRow,
    LazyRow,
    LoaderRow,
    MethodRow,
    NamespaceRow,
    ParameterRow,
    RenderRow,
    SerializeRow,
    TypingRow,
)

CLASS_ROWS: tuple[ClassRow, ...] = (
    *sessions.CLASSES,
    *engines.CLASSES,
    *queries.CLASSES,
    *results.CLASSES,
    *loading.CLASSES,
    *declarative.CLASSES,
    *flask_sqlalchemy.CLASSES,
    *sqlmodel.CLASSES,
    *fastapi.CLASSES,
    *flask.CLASSES,
    *tasks.CLASSES,
    *serialization.CLASSES,
    *external.CLASSES,
    *concurrency.CLASSES,
    *builtins.CLASSES,
)
METHOD_ROWS: tuple[MethodRow, ...] = (
    *sessions.METHODS,
    *engines.METHODS,
    *queries.METHODS,
    *results.METHODS,
    *loading.METHODS,
    *declarative.METHODS,
    *flask_sqlalchemy.METHODS,
    *sqlmodel.METHODS,
    *fastapi.METHODS,
    *flask.METHODS,
    *tasks.METHODS,
    *serialization.METHODS,
    *external.METHODS,
    *concurrency.METHODS,
    *builtins.METHODS,
)
FUNCTION_ROWS: tuple[FunctionRow, ...] = (
    *sessions.FUNCTIONS,
    *engines.FUNCTIONS,
    *queries.FUNCTIONS,
    *declarative.FUNCTIONS,
    *sqlmodel.FUNCTIONS,
    *sqlalchemy_continuum.FUNCTIONS,
    *flask.FUNCTIONS,
    *tasks.FUNCTIONS,
    *serialization.FUNCTIONS,
    *alembic.FUNCTIONS,
    *builtins.FUNCTIONS,
)
PARAMETER_ROWS: tuple[ParameterRow, ...] = (*declarative.PARAMETERS, *sqlmodel.PARAMETERS, *fastapi.PARAMETERS)
RENDER_ROWS: tuple[RenderRow, ...] = (*fastapi.RENDERS, *flask.RENDERS)

CLASSES: dict[str, ClassRow] = {name: row for row in CLASS_ROWS for name in row.qualnames}
METHODS: dict[tuple[str, str], MethodRow] = {(row.owner, row.name): row for row in METHOD_ROWS}
FUNCTIONS: dict[str, FunctionRow] = {name: row for row in FUNCTION_ROWS for name in row.qualnames}
PARAMETERS: dict[tuple[str, str], ParameterRow] = {(row.owner, row.name): row for row in PARAMETER_ROWS}
NAMESPACES: dict[str, NamespaceRow] = {row.owner: row for row in flask_sqlalchemy.NAMESPACES}
REQUEST_OBJECTS: frozenset[str] = flask.REQUEST_OBJECTS
HISTORIES: tuple[HistoryRow, ...] = sqlalchemy_continuum.HISTORIES
REVISION_NAMES: tuple[str, ...] = alembic.REVISION_NAMES
DEPENDENCY_ENDS: tuple[DependencyEndRow, ...] = fastapi.DEPENDENCY_ENDS

LOADERS: dict[str, LoaderRow] = {name: row for row in loading.LOADERS for name in row.qualnames}
LOADER_METHODS: dict[str, LoaderRow] = {row.name: row for row in loading.LOADERS if row.method}
LAZY: dict[tuple[type, Union[str, bool, None]], LazyRow] = {(type(row.value), row.value): row for row in loading.LAZY}

ERRORS: dict[str, ErrorRow] = {name: row for row in errors.ERRORS for name in row.qualnames}
LOCKING_METHODS: frozenset[str] = queries.LOCKING_METHODS
UPSERT_METHODS: frozenset[str] = queries.UPSERT_METHODS
EVENTS: dict[tuple[str, str], EventRow] = {(row.target, row.name): row for row in declarative.EVENTS}
EVENT_NAMES: dict[str, EventRow] = {row.name: row for row in declarative.EVENTS}

DECORATORS: dict[str, DecoratorRow] = {name: row for row in builtins.DECORATORS for name in row.qualnames}
TYPING: dict[str, TypingRow] = {name: row for row in builtins.TYPING for name in row.qualnames}
BATCH_NAMES: frozenset[str] = builtins.BATCH_NAMES

CALLBACKS: dict[str, CallbackRow] = {name: row for row in builtins.CALLBACKS for name in row.qualnames}
CALLBACK_METHODS: dict[tuple[str, str], CallbackRow] = {
    (row.receiver, name): row for row in builtins.CALLBACKS if row.receiver for name in row.names
}
CONCURRENCY: dict[str, ConcurrencyRow] = {name: row for row in concurrency.CONCURRENCY for name in row.qualnames}
CONCURRENCY_METHODS: dict[tuple[str, str], ConcurrencyRow] = {
    (row.receiver, name): row for row in concurrency.CONCURRENCY if row.receiver for name in row.names
}
EXTERNAL: dict[str, ExternalRow] = {name: row for row in external.EXTERNAL for name in row.qualnames}
EXTERNAL_METHODS: dict[tuple[str, str], ExternalRow] = {
    (row.receiver, name): row for row in external.EXTERNAL if row.receiver for name in row.names
}
RETRYING: frozenset[str] = tasks.RETRYING
CLOUD_SERVICES: dict[str, str] = external.CLOUD_SERVICES
FIELD_LISTS: dict[str, str] = serialization.FIELD_LISTS
SERIALIZERS: dict[str, SerializeRow] = {name: row for row in serialization.SERIALIZES for name in row.qualnames}
SERIALIZER_METHODS: dict[tuple[str, str], SerializeRow] = {
    (row.receiver, name): row for row in serialization.SERIALIZES if row.receiver for name in row.names
}
RENDERS: dict[str, RenderRow] = {name: row for row in RENDER_ROWS for name in row.qualnames}
RENDER_METHODS: dict[tuple[str, str], RenderRow] = {(row.receiver, name): row for row in RENDER_ROWS if row.receiver for name in row.names}

SESSION_KINDS: frozenset[str] = frozenset(("session", "async_session", "scoped_session", "async_scoped_session"))
ASYNC_KINDS: frozenset[str] = frozenset(
    ("async_session", "async_scoped_session", "async_engine", "async_connection", "async_transaction", "async_session_transaction")
)
SYNC_TWIN: dict[str, str] = {
    "async_session": "session",
    "async_scoped_session": "session",
    "async_engine": "engine",
    "async_connection": "connection",
    "async_transaction": "transaction",
    "async_session_transaction": "session_transaction",
    "async_result": "result",
    "async_scalar_result": "scalar_result",
    "async_mapping_result": "mapping_result",
}
"""What `run_sync` gives the function, and what an asynchronous value stands on."""
