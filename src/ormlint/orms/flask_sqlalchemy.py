"""Flask-SQLAlchemy 2.x and 3.x: the `db` object, `Model.query`, pages."""

from __future__ import annotations

from ormlint.orms.vocabulary import ClassRow, MethodRow, NamespaceRow, classes, methods

_LIB = "flask_sqlalchemy"

CLASSES: tuple[ClassRow, ...] = (
    *classes("flask_sqlalchemy", "SQLAlchemy", "database", since="2.0", library=_LIB),
    *classes("flask_sqlalchemy.extension", "SQLAlchemy", "database", since="3.0", library=_LIB),
    *classes("flask_sqlalchemy", "BaseQuery", "query", since="2.0", until="2.5", library=_LIB),
    *classes("flask_sqlalchemy.query", "Query", "query", since="3.0", library=_LIB),
    *classes("flask_sqlalchemy", "SignallingSession", "session", since="2.0", until="2.5", library=_LIB),
    *classes("flask_sqlalchemy.session", "Session", "session", since="3.0", library=_LIB),
    *classes("flask_sqlalchemy", "Pagination", "pagination", since="2.0", until="2.5", library=_LIB),
    *classes("flask_sqlalchemy.pagination", "Pagination QueryPagination SelectPagination", "pagination", since="3.0", library=_LIB),
    *classes("flask_sqlalchemy", "Model", "declarative_base", since="2.0", until="2.5", library=_LIB),
    *classes("flask_sqlalchemy.model", "Model", "declarative_base", since="2.3", library=_LIB),
    *classes("flask_sqlalchemy.model", "DefaultMeta", "declarative_meta", since="2.3", library=_LIB),
    *classes("flask_sqlalchemy_lite", "SQLAlchemy", "database", since="0.1", library="flask_sqlalchemy_lite"),
)

METHODS: tuple[MethodRow, ...] = (
    *methods("database", "", "scoped_session", "session", since="2.0", is_property=True, library=_LIB),
    *methods("database", "", "declarative_base", "Model", since="2.0", is_property=True, library=_LIB),
    *methods("database", "", "engine", "engine", since="2.0", is_property=True, library=_LIB),
    *methods("database", "", "value", "engines", since="3.0", is_property=True, library=_LIB),
    *methods("database", "", "engine", "get_engine", since="2.0", library=_LIB),
    *methods("database", "", "metadata", "metadata", since="2.0", is_property=True, library=_LIB),
    *methods("database", "", "value", "metadatas", since="3.0", is_property=True, library=_LIB),
    *methods("database", "", "table", "Table", since="2.0", library=_LIB),
    *methods("database", "", "class_of_query", "Query", since="2.0", is_property=True, library=_LIB),
    *methods("database", "", "relationship", "relationship relation", since="2.0", library=_LIB),
    *methods("database", "", "dynamic_relationship", "dynamic_loader", since="2.0", library=_LIB),
    *methods("database", "", "scoped_session", "create_scoped_session", since="2.0", until="2.5", library=_LIB),
    *methods("database", "", "session_factory", "create_session", since="2.0", until="2.5", library=_LIB),
    *methods("database", "", "declarative_base", "make_declarative_base", since="2.0", until="2.5", library=_LIB),
    *methods("database", "", "none", "init_app", since="2.0", library=_LIB),
    *methods("database", "write", "none", "create_all drop_all", since="2.0", library=_LIB),
    *methods("database", "query", "none", "reflect", since="2.0", library=_LIB),
    *methods("database", "get", "entity", "get_or_404", since="3.0", library=_LIB),
    *methods("database", "query", "element_of_statement", "first_or_404 one_or_404", since="3.0", library=_LIB),
    *methods("database", "query", "page_of_statement", "paginate", since="3.0", library=_LIB),
    *methods("query dynamic_collection", "get", "element", "get_or_404", since="2.0", library=_LIB),
    *methods("query dynamic_collection", "query", "element", "first_or_404", since="2.0", library=_LIB),
    *methods("query dynamic_collection", "query", "element", "one_or_404", since="3.0", library=_LIB),
    *methods("query dynamic_collection", "query", "pagination", "paginate", since="2.0", library=_LIB),
    *methods("pagination", "", "list", "items", since="2.0", is_property=True, library=_LIB),
    *methods("pagination", "", "iterator", "__iter__", since="3.0", library=_LIB),
    *methods("pagination", "query", "pagination", "prev next", since="2.0", library=_LIB),
    *methods("pagination", "", "count", "total pages page per_page", since="2.0", is_property=True, library=_LIB),
    *methods("pagination", "", "count", "first last", since="3.0", is_property=True, library=_LIB),
    *methods("pagination", "", "bool", "has_prev has_next", since="2.0", is_property=True, library=_LIB),
    *methods("pagination", "", "numbers", "iter_pages", since="2.0", library=_LIB),
    *methods("declarative_base", "", "query_of_class", "query", since="2.0", is_property=True, library=_LIB),
    *methods("query_property", "", "query_of_class", "__get__", library="sqlalchemy"),
)

NAMESPACES: tuple[NamespaceRow, ...] = (NamespaceRow("database", ("sqlalchemy", "sqlalchemy.orm"), _LIB),)
