"""SQLModel: classes that are tables and schemas, `Session.exec`, and the names that it hands on from SQLAlchemy."""

from __future__ import annotations

from ormlint.orms.vocabulary import ClassRow, FunctionRow, MethodRow, ParameterRow, classes, functions, methods

_LIB = "sqlmodel"
_MAIN = "sqlmodel sqlmodel.main"

CLASSES: tuple[ClassRow, ...] = (
    *classes(_MAIN, "SQLModel", "table_model_base", since="0.0.8", library=_LIB),
    *classes(_MAIN, "Field", "column", "function", since="0.0.8", library=_LIB),
    *classes(_MAIN, "Relationship", "relationship", "function", since="0.0.8", library=_LIB),
    *classes("sqlmodel sqlmodel.orm.session", "Session", "session", since="0.0.8", library=_LIB),
    *classes("sqlmodel.ext.asyncio.session", "AsyncSession", "async_session", since="0.0.8", library=_LIB),
    *classes("sqlmodel sqlmodel.sql.expression", "select", "select", "function", since="0.0.8", library=_LIB),
    *classes("sqlmodel.sql.expression", "Select SelectOfScalar", "select", since="0.0.8", library=_LIB),
    *classes("sqlmodel", "create_engine", "engine", "function", since="0.0.8", library=_LIB),
    *classes("sqlmodel", "text", "text", "function", since="0.0.8", library=_LIB),
    *classes("sqlmodel", "insert", "insert", "function", since="0.0.8", library=_LIB),
    *classes("sqlmodel", "update", "update", "function", since="0.0.8", library=_LIB),
    *classes("sqlmodel", "delete", "delete", "function", since="0.0.8", library=_LIB),
    *classes("sqlmodel", "exists", "exists", "function", since="0.0.8", library=_LIB),
    *classes(
        "sqlmodel", "union union_all intersect intersect_all except_ except_all", "compound_select", "function", since="0.0.8", library=_LIB
    ),
    *classes("sqlmodel", "Column", "column", since="0.0.8", library=_LIB),
    *classes("sqlmodel", "ForeignKey ForeignKeyConstraint", "foreign_key", since="0.0.8", library=_LIB),
    *classes("sqlmodel", "Table", "table", since="0.0.8", library=_LIB),
    *classes("sqlmodel", "MetaData", "metadata", since="0.0.8", library=_LIB),
)

METHODS: tuple[MethodRow, ...] = (
    *methods("session", "execute", "elements_of_statement", "exec", since="0.0.8", library=_LIB),
    *methods("async_session", "execute", "elements_of_statement", "exec", since="0.0.8", library=_LIB, awaitable=True),
    *methods("table_model_base", "", "table", "__table__", since="0.0.8", is_property=True, library=_LIB),
    *methods("table_model_base", "", "mapper", "__mapper__", since="0.0.8", is_property=True, library=_LIB),
    *methods("table_model_base", "", "metadata", "metadata", since="0.0.8", is_property=True, library=_LIB),
)

FUNCTIONS: tuple[FunctionRow, ...] = (
    *functions("sqlmodel sqlmodel.sql.expression", "col", "", "argument", since="0.0.8", library=_LIB),
    *functions(
        "sqlmodel",
        "and_ or_ not_ func desc asc case cast between distinct literal literal_column null true false tuple_ type_coerce",
        "",
        "expression",
        since="0.0.8",
        library=_LIB,
    ),
    *functions("sqlmodel", "inspect", "", "inspection", since="0.0.8", library=_LIB),
)

PARAMETERS: tuple[ParameterRow, ...] = (
    ParameterRow("table_model_base", "table", default=False, library=_LIB),
    ParameterRow("relationship", "link_model", library=_LIB),
    ParameterRow("relationship", "sa_relationship_kwargs", library=_LIB),
    ParameterRow("relationship", "sa_relationship", library=_LIB),
    ParameterRow("relationship", "sa_relationship_args", library=_LIB),
    ParameterRow("column", "foreign_key", library=_LIB),
    ParameterRow("column", "primary_key", library=_LIB),
    ParameterRow("column", "sa_column", library=_LIB),
)
