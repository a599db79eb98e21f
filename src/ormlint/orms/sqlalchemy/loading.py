"""Loader options and the `lazy=` strategies of relationships: what is loaded with an object, and what a read does when it is not."""

from __future__ import annotations

from collections.abc import Iterable

from ormlint.orms.vocabulary import ClassRow, FunctionRow, LazyRow, LoaderRow, MethodRow, classes, methods


def _option(
    name: str,
    eager: bool | None,
    blocks: bool,
    on_read: str,
    target: str,
    method: bool = True,
    others: str = "",
    since: str = "1.3",
    until: str | None = None,
    modules: str = "sqlalchemy.orm sqlalchemy.orm.strategy_options",
    joins: bool = False,
) -> Iterable[LoaderRow]:
    names = tuple([f"{m}.{name}" for m in modules.split()])
    yield LoaderRow(name, names, eager, blocks, on_read, target, method, others, since, until, joins)


LOADERS: tuple[LoaderRow, ...] = (
    *_option("selectinload", True, False, "loaded", "relationship"),
    *_option("joinedload", True, False, "loaded", "relationship", joins=True),
    *_option("subqueryload", True, False, "loaded", "relationship"),
    *_option("immediateload", True, False, "loaded", "relationship"),
    *_option("contains_eager", True, False, "loaded", "relationship", joins=True),
    *_option("lazyload", False, False, "loads", "relationship"),
    *_option("raiseload", False, True, "raises", "relationship"),
    *_option("noload", False, True, "empty", "relationship"),
    *_option("defaultload", None, False, "", "relationship"),
    *_option("joinedload_all", True, False, "loaded", "relationship", False, until="1.3", joins=True),
    *_option("subqueryload_all", True, False, "loaded", "relationship", False, until="1.3"),
    *_option("lazyload_all", False, False, "loads", "relationship", False, until="1.3"),
    *_option("selectinload_all", True, False, "loaded", "relationship", False, until="1.3"),
    *_option("contains_alias", None, False, "", "relationship", False, modules="sqlalchemy.orm", until="2.0"),
    *_option("eagerload", True, False, "loaded", "relationship", False, modules="sqlalchemy.orm", until="1.4", joins=True),
    *_option("load_only", True, False, "loaded", "column", others="deferred"),
    *_option("undefer", True, False, "loaded", "column"),
    *_option("undefer_group", True, False, "loaded", "group"),
    *_option("defer", False, False, "loads", "column"),
    *_option("with_expression", True, False, "loaded", "column"),
    *_option("selectin_polymorphic", True, False, "loaded", "subclass", since="1.4"),
)

LAZY: tuple[LazyRow, ...] = (
    LazyRow("select", "loads"),
    LazyRow(True, "loads"),
    LazyRow("immediate", "loaded", per_parent=True),
    LazyRow("joined", "loaded"),
    LazyRow(False, "loaded"),
    LazyRow("subquery", "loaded"),
    LazyRow("selectin", "loaded"),
    LazyRow("noload", "empty"),
    LazyRow(None, "empty"),
    LazyRow("raise", "raises"),
    LazyRow("raise_on_sql", "raises_on_sql"),
    LazyRow("dynamic", "query"),
    LazyRow("write_only", "write_only", since="2.0"),
    LazyRow("baked_select", "loads"),
)

CLASSES: tuple[ClassRow, ...] = (
    *classes("sqlalchemy.orm sqlalchemy.orm.strategy_options", "Load", "loader_option"),
    *classes("sqlalchemy.orm", "with_loader_criteria", "loader_option", "function", since="1.4"),
)

METHODS: tuple[MethodRow, ...] = (*methods("loader_option", "", "same", "options", since="1.3.6"),)

FUNCTIONS: tuple[FunctionRow, ...] = ()
