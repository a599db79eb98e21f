"""A value in words: what `reveal_orm(x)` shows in suites and `ormlint explain` to users.

`Order{customer, lines.product}` is an entity with the loaded paths; `list[Order]`, `Query[Order]`, `Session`, `type[Order]`, `str`, `None`;
alternatives are joined by ` | `, None last.
"""

from __future__ import annotations

from ormlint.semantics.classes import Classes
from ormlint.semantics.events import FRESH
from ormlint.semantics.kinds import kind_of_value
from ormlint.semantics.loading import origin_of
from ormlint.semantics.state import State
from ormlint.semantics.values import (
    Awaitable,
    ClassRef,
    Coll,
    Const,
    Entity,
    Factory,
    FuncRef,
    Instance,
    LibInstance,
    LibRef,
    Manager,
    Method,
    ModelAttr,
    ModuleRef,
    Never,
    Option,
    Partial,
    Plain,
    Query,
    Result,
    Session,
    Super,
    Tup,
    TypeVarRef,
    UnionOf,
    Value,
    union,
)

_KINDS = {
    "result": "Result", "scalar_result": "ScalarResult", "mapping_result": "MappingResult", "async_result": "AsyncResult",
    "async_scalar_result": "AsyncScalarResult", "async_mapping_result": "AsyncMappingResult", "session": "Session",
    "async_session": "AsyncSession", "scoped_session": "scoped_session", "async_scoped_session": "async_scoped_session",
    "query": "Query", "dynamic_collection": "Query", "select": "Select", "compound_select": "CompoundSelect", "insert": "Insert",
    "update": "Update", "delete": "Delete", "text": "TextClause", "from_statement": "FromStatement", "textual_select": "TextualSelect",
}  # fmt: skip


def short(id: str) -> str:
    """The last name of a class's or function's id."""
    return id.rsplit(":", 1)[-1].rsplit(".", 1)[-1].split("#", 1)[0]


def reveal(value: Value, state: State | None = None, classes: Classes | None = None) -> str:
    """The value in words; with `classes` a query shows what its options load."""
    if isinstance(value, UnionOf):
        parts = sorted({reveal(item, state, classes) for item in value.items})
        ordered = [part for part in parts if part != "None"] + [part for part in parts if part == "None"]
        return " | ".join(ordered)
    if isinstance(value, Entity):
        return _entity(value, state)
    if isinstance(value, Coll):
        elem = "Unknown" if isinstance(value.elem, Never) else reveal(value.elem, state, classes)
        if value.kind == "dict":
            return f"dict[{reveal(value.key, state, classes) if value.key is not None else 'Unknown'}, {elem}]"
        if value.kind == "tuple":
            return f"tuple[{elem}, ...]"
        return f"{'Iterator' if value.kind == 'iterator' else value.kind}[{elem}]"
    if isinstance(value, Tup):
        return f"tuple[{', '.join(reveal(item, state, classes) for item in value.items)}]"
    if isinstance(value, Const):
        return "None" if value.kind == "none" else value.kind
    if isinstance(value, Plain):
        return value.type or "Unknown"
    if isinstance(value, (Query, Result)):
        query = value.query if isinstance(value, Result) else value
        columns = ", ".join(_column(column, query, classes) for column in query.columns)
        return f"{_KINDS.get(kind_of_value(value), 'Query')}[{columns}]" if columns else _KINDS.get(kind_of_value(value), "Query")
    if isinstance(value, Session):
        return _KINDS[kind_of_value(value)]
    if isinstance(value, Factory):
        return "async_sessionmaker" if value.is_async else "sessionmaker"
    if isinstance(value, ClassRef):
        return f"type[{short(value.cls)}]"
    if isinstance(value, Instance):
        return short(value.cls)
    if isinstance(value, Awaitable):
        return f"Awaitable[{reveal(value.value, state, classes)}]"
    if isinstance(value, ModelAttr):
        return f"{short(value.model)}.{value.name}"
    if isinstance(value, FuncRef):
        return f"function {short(value.func)}"
    if isinstance(value, LibInstance) and value.cls == "kwargs":
        return f"dict[str, {reveal(union(tuple(item for _, item in value.data)), state, classes)}]"
    if isinstance(value, LibInstance) and value.cls == "loop":
        return f"loop: {dict(value.data)['kind'].value}"  # type: ignore[union-attr]
    if isinstance(value, (LibRef, LibInstance)):
        name = value.name if isinstance(value, LibRef) else value.cls
        return name.rsplit(".", 1)[-1]
    if isinstance(value, ModuleRef):
        return f"module {value.name}"
    if isinstance(value, Manager):
        return f"ContextManager[{reveal(value.enter, state, classes)}]"
    if isinstance(value, Option):
        return "Option"
    if isinstance(value, Method):
        return f"{reveal(value.receiver, state, classes)}.{value.name}"
    if isinstance(value, Partial):
        return f"partial[{reveal(value.func, state, classes)}]"
    if isinstance(value, Super):
        return f"super of {short(value.cls)}"
    if isinstance(value, TypeVarRef):
        return value.name
    return "Unknown"


def _column(value: Value, query: Query, classes: Classes | None) -> str:
    if isinstance(value, ClassRef):
        if classes is not None and classes.model(value.cls) is not None:
            return _entity(Entity(value.cls, origin_of(classes, value.cls, "query", query.site, query.options, None)), None)
        return short(value.cls)
    if isinstance(value, ModelAttr):
        return f"{short(value.model)}.{value.name}"
    return reveal(value, None, classes)


def loaded_paths(entity: Entity, state: State | None) -> tuple[str, ...]:
    """The relationship paths that are loaded on this entity, sorted; a path that another contains is left out."""
    origin = entity.origin
    live = (state.live.get(origin) if state is not None else None) or FRESH
    expired = live.expired or origin.expired
    paths = live.asked if expired is not None else origin.loaded | live.asked
    prefix = ".".join(entity.path)
    below = {path[len(prefix) + 1 :] if prefix else path for path in paths if not prefix or path.startswith(prefix + ".")}
    return tuple(sorted(path for path in below if not any(other.startswith(path + ".") for other in below)))


def _entity(entity: Entity, state: State | None) -> str:
    name = short(entity.model)
    paths = loaded_paths(entity, state)
    return f"{name}{{{', '.join(paths)}}}" if paths else name
