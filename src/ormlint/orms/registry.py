"""All libraries' rows, merged into lookups: the only module of `orms` that the engine imports besides the vocabulary.

A name or a method may mean different things by version: each lookup gives the newest row, `METHOD_VERSIONS` all of them.
"""

from __future__ import annotations

from typing import Union

from ormlint.orms.sqlalchemy import declarative, engines, loading, queries, results, sessions
from ormlint.orms.vocabulary import ClassRow, FunctionRow, LazyRow, LoaderRow, MethodRow, ParameterRow

CLASS_ROWS: tuple[ClassRow, ...] = (
    *sessions.CLASSES,
    *engines.CLASSES,
    *queries.CLASSES,
    *results.CLASSES,
    *loading.CLASSES,
    *declarative.CLASSES,
)
METHOD_ROWS: tuple[MethodRow, ...] = (
    *sessions.METHODS,
    *engines.METHODS,
    *queries.METHODS,
    *results.METHODS,
    *loading.METHODS,
    *declarative.METHODS,
)
FUNCTION_ROWS: tuple[FunctionRow, ...] = (
    *sessions.FUNCTIONS,
    *engines.FUNCTIONS,
    *queries.FUNCTIONS,
    *declarative.FUNCTIONS,
)

CLASSES: dict[str, ClassRow] = {name: row for row in CLASS_ROWS for name in row.qualnames}
METHODS: dict[tuple[str, str], MethodRow] = {(row.owner, row.name): row for row in METHOD_ROWS}
FUNCTIONS: dict[str, FunctionRow] = {name: row for row in FUNCTION_ROWS for name in row.qualnames}
LOADERS: dict[str, LoaderRow] = {name: row for row in loading.LOADERS for name in row.qualnames}
LOADER_METHODS: dict[str, LoaderRow] = {row.name: row for row in loading.LOADERS if row.method}
LAZY: dict[Union[str, bool, None], LazyRow] = {row.value: row for row in loading.LAZY}
PARAMETERS: dict[tuple[str, str], ParameterRow] = {(row.owner, row.name): row for row in declarative.PARAMETERS}
