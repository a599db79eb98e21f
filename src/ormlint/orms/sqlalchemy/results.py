"""Results: what consumes them, what shapes them, and rows."""

from __future__ import annotations

from ormlint.orms.vocabulary import ClassRow, MethodRow, classes, methods

_ENGINE = "sqlalchemy.engine sqlalchemy.engine.result"
_ASYNC = "sqlalchemy.ext.asyncio sqlalchemy.ext.asyncio.result"

CLASSES: tuple[ClassRow, ...] = (
    *classes(f"{_ENGINE} sqlalchemy", "Result IteratorResult ChunkedIteratorResult MergedResult", "result", since="1.4"),
    *classes("sqlalchemy.engine sqlalchemy.engine.cursor sqlalchemy", "CursorResult", "result", since="1.4"),
    *classes("sqlalchemy.engine sqlalchemy.engine.cursor", "LegacyCursorResult BaseCursorResult", "result", since="1.4", until="1.4"),
    *classes("sqlalchemy.engine sqlalchemy.engine.result sqlalchemy.engine.cursor", "ResultProxy", "result"),
    *classes(_ENGINE, "TupleResult", "result", since="2.0"),
    *classes(f"{_ENGINE} sqlalchemy", "ScalarResult", "scalar_result", since="1.4"),
    *classes(f"{_ENGINE} sqlalchemy", "MappingResult", "mapping_result", since="1.4"),
    *classes(f"{_ENGINE} sqlalchemy", "FrozenResult", "frozen_result", since="1.4"),
    *classes(_ASYNC, "AsyncResult", "async_result", since="1.4"),
    *classes(_ASYNC, "AsyncTupleResult", "async_result", since="2.0"),
    *classes(_ASYNC, "AsyncScalarResult", "async_scalar_result", since="1.4"),
    *classes(_ASYNC, "AsyncMappingResult", "async_mapping_result", since="1.4"),
    *classes("sqlalchemy.engine sqlalchemy.engine.row sqlalchemy", "Row", "row", since="1.4"),
    *classes("sqlalchemy.engine", "LegacyRow", "row", since="1.4", until="1.4"),
    *classes("sqlalchemy.engine sqlalchemy.engine.result", "RowProxy", "row", until="1.3"),
    *classes("sqlalchemy.engine sqlalchemy.engine.row sqlalchemy", "RowMapping", "row_mapping", since="1.4"),
)

_SYNC_RESULTS = "result scalar_result mapping_result"
_ASYNC_RESULTS = "async_result async_scalar_result async_mapping_result"

METHODS: tuple[MethodRow, ...] = (
    # consumed
    *methods("result", "fetch", "list", "fetchall fetchmany"),
    *methods("scalar_result mapping_result", "fetch", "list", "fetchall fetchmany", since="1.4"),
    *methods(_SYNC_RESULTS, "fetch", "list", "all", since="1.4"),
    *methods("result", "fetch", "element_or_none", "first"),
    *methods("scalar_result mapping_result", "fetch", "element_or_none", "first", since="1.4"),
    *methods(_SYNC_RESULTS, "fetch", "element_or_none", "one_or_none", since="1.4"),
    *methods(_SYNC_RESULTS, "fetch", "element", "one", since="1.4"),
    *methods("result", "fetch", "element_or_none", "fetchone"),
    *methods("mapping_result", "fetch", "element_or_none", "fetchone", since="1.4"),
    *methods(_SYNC_RESULTS, "fetch", "chunks", "partitions", since="1.4"),
    *methods("result", "fetch", "iterator", "__iter__"),
    *methods("scalar_result mapping_result", "fetch", "iterator", "__iter__", since="1.4"),
    *methods(_SYNC_RESULTS, "fetch", "element", "__next__", since="1.4"),
    *methods("result", "fetch", "scalar_or_none", "scalar"),
    *methods("result", "fetch", "scalar", "scalar_one", since="1.4"),
    *methods("result", "fetch", "scalar_or_none", "scalar_one_or_none", since="1.4"),
    *methods("result", "fetch", "frozen_result", "freeze", since="1.4"),
    *methods("async_result async_mapping_result", "fetch", "element_or_none", "fetchone", since="1.4", awaitable=True),
    *methods(_ASYNC_RESULTS, "fetch", "list", "all fetchmany", since="1.4", awaitable=True),
    *methods("async_scalar_result async_mapping_result", "fetch", "list", "fetchall", since="1.4", awaitable=True),
    *methods("async_result", "fetch", "list", "fetchall", since="2.0", awaitable=True),
    *methods(_ASYNC_RESULTS, "fetch", "element_or_none", "first one_or_none", since="1.4", awaitable=True),
    *methods(_ASYNC_RESULTS, "fetch", "element", "one", since="1.4", awaitable=True),
    *methods(_ASYNC_RESULTS, "fetch", "async_chunks", "partitions", since="1.4"),
    *methods(_ASYNC_RESULTS, "fetch", "iterator", "__aiter__", since="1.4"),
    *methods(_ASYNC_RESULTS, "fetch", "element", "__anext__", since="1.4", awaitable=True),
    *methods("async_result", "fetch", "scalar_or_none", "scalar scalar_one_or_none", since="1.4", awaitable=True),
    *methods("async_result", "fetch", "scalar", "scalar_one", since="1.4", awaitable=True),
    *methods("async_result", "fetch", "frozen_result", "freeze", since="1.4", awaitable=True),
    # shaped
    *methods("result", "", "scalar_result", "scalars", since="1.4"),
    *methods("result", "", "mapping_result", "mappings", since="1.4"),
    *methods("async_result", "", "async_scalar_result", "scalars", since="1.4"),
    *methods("async_result", "", "async_mapping_result", "mappings", since="1.4"),
    *methods(f"{_SYNC_RESULTS} {_ASYNC_RESULTS}", "", "same", "unique yield_per", since="1.4"),
    *methods("result mapping_result async_result async_mapping_result", "", "same", "columns", since="1.4"),
    *methods("result async_result", "", "same", "tuples", since="2.0"),
    *methods("result async_result", "", "same", "t", since="2.0", is_property=True),
    *methods("result", "", "same", "merge", since="1.4"),
    *methods("result", "", "same", "splice_horizontally splice_vertically", since="2.0"),
    *methods("frozen_result", "", "result", "__call__", since="1.4"),
    *methods("frozen_result", "", "frozen_result", "with_new_rows", since="1.4"),
    # ended
    *methods("result", "close_result", "none", "close"),
    *methods("scalar_result mapping_result", "close_result", "none", "close", since="1.4.27"),
    *methods("result", "enter", "same", "__enter__", since="2.0"),
    *methods("result", "close_result", "none", "__exit__", since="2.0"),
    *methods("scalar_result mapping_result", "enter", "same", "__enter__", since="2.0"),
    *methods("scalar_result mapping_result", "close_result", "none", "__exit__", since="2.0"),
    *methods(_ASYNC_RESULTS, "close_result", "none", "close", since="1.4", awaitable=True),
    # described
    *methods("result", "", "value", "keys"),
    *methods("async_result mapping_result async_mapping_result", "", "value", "keys", since="1.4"),
    *methods("result", "", "bool", "closed", is_property=True),
    *methods(f"scalar_result mapping_result {_ASYNC_RESULTS}", "", "bool", "closed", since="1.4", is_property=True),
    *methods("result", "", "count", "rowcount", is_property=True),
    *methods("result", "", "bool", "returns_rows is_insert", is_property=True),
    *methods("result", "", "value", "lastrowid inserted_primary_key returned_defaults", is_property=True),
    *methods("result", "", "value", "inserted_primary_key_rows returned_defaults_rows", since="1.4", is_property=True),
    *methods(
        "result",
        "",
        "value",
        "last_inserted_params last_updated_params lastrow_has_defaults postfetch_cols prefetch_cols"
        " supports_sane_rowcount supports_sane_multi_rowcount",
    ),
    # rows
    *methods("row", "", "item", "__getitem__"),
    *methods("row", "", "iterator", "__iter__"),
    *methods("row", "", "count", "__len__"),
    *methods("row", "", "row_mapping", "_mapping", since="1.4", is_property=True),
    *methods("row", "", "value", "_asdict", since="1.4"),
    *methods("row", "", "value", "_fields", since="1.4", is_property=True),
    *methods("row", "", "value", "keys", until="1.4"),
    *methods("row", "", "value", "items values has_key", until="1.4"),
    *methods("row", "", "same", "tuple _tuple", since="2.0"),
    *methods("row", "", "same", "t _t", since="2.0", is_property=True),
    *methods("row_mapping", "", "item", "__getitem__", since="1.4"),
    *methods("row_mapping", "", "item", "get", since="1.4"),
    *methods("row_mapping", "", "value", "keys", since="1.4"),
    *methods("row_mapping", "", "iterator", "values", since="1.4"),
    *methods("row_mapping", "", "pairs", "items", since="1.4"),
)
