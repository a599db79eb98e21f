"""Annotations as values: what a parameter, attribute or result is by its declaration.

Takes an annotation's expression and the frame in which its names mean something; gives the value of an *instance* of it. An entity
that is only declared has an origin of kind "param": its model is known, what is loaded is not.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from ormlint.facts import records as r
from ormlint.facts.walking import walk
from ormlint.semantics.annotations import parse_annotation
from ormlint.semantics.definitions import FunctionNode
from ormlint.semantics.events import FRESH
from ormlint.semantics.frame import Frame, World
from ormlint.semantics.kinds import kind_of
from ormlint.semantics.loading import origin_of
from ormlint.semantics.symbols import last_name
from ormlint.semantics.values import (
    NONE,
    UNKNOWN,
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
    ModelAttr,
    Origin,
    Plain,
    Query,
    Result,
    Session,
    SessionId,
    Site,
    Tup,
    TypeVarRef,
    UnionOf,
    Unknown,
    Value,
    union,
)

_PLAIN = frozenset({"str", "int", "float", "bool", "bytes", "complex", "object", "Decimal", "datetime", "date", "timedelta", "UUID"})
_LISTS = {
    "list": "list", "List": "list", "Sequence": "list", "MutableSequence": "list", "Collection": "list", "set": "set", "Set": "set",
    "frozenset": "set", "FrozenSet": "set", "AbstractSet": "set", "MutableSet": "set", "deque": "list", "Deque": "list",
    "Iterable": "iterator", "Iterator": "iterator", "Generator": "iterator", "AsyncIterator": "iterator", "AsyncIterable": "iterator",
    "AsyncGenerator": "iterator", "Reversible": "list", "KeysView": "iterator", "ValuesView": "iterator",
}  # fmt: skip
_DICTS = frozenset({"dict", "Dict", "Mapping", "MutableMapping", "defaultdict", "DefaultDict", "OrderedDict"})
_CARRIERS = frozenset({"ClassVar", "Final", "Required", "NotRequired", "ReadOnly", "Mapped", "TypeGuard", "Unpack", "InitVar"})
_AWAITABLES = frozenset({"Awaitable", "Coroutine", "Future", "Task"})
_MANAGERS = frozenset({"ContextManager", "AbstractContextManager", "AsyncContextManager", "AbstractAsyncContextManager"})
_DEPTH = 12


def declared(frame: Frame, annotation: r.Expr | None, name: str = "", depth: int = 0) -> Value:
    """The value of an instance of what `annotation` names; `name` is the parameter or field, for the identity of sessions."""
    if annotation is None or depth > _DEPTH:
        return UNKNOWN
    if type(annotation) is r.Const:
        if annotation.kind == "none":
            return NONE
        if annotation.kind == "str" and isinstance(annotation.value, str):
            parsed = parse_annotation(annotation.value, annotation.start, annotation.end)
            return declared(frame, parsed, name, depth + 1) if parsed is not None else UNKNOWN
        return UNKNOWN
    if type(annotation) is r.BinOp and annotation.op == "|":
        return _joined((declared(frame, annotation.left, name, depth + 1), declared(frame, annotation.right, name, depth + 1)))
    if isinstance(annotation, (r.Name, r.Attr)):
        return instance_of(frame, type_named(frame, annotation), frame.site(annotation), name, depth)
    if type(annotation) is r.Sub:
        return _subscripted(frame, annotation, name, depth)
    return UNKNOWN


def _joined(parts: tuple[Value, ...]) -> Value:
    if any(isinstance(part, Unknown) for part in parts):
        return next((part for part in parts if isinstance(part, Unknown)), UNKNOWN)
    return union(parts)


def type_named(frame: Frame, annotation: r.Expr) -> Value:
    """The class, library name or type variable that an annotation's name stands for."""
    if type(annotation) is r.Name:
        if annotation.id in frame.typevars:
            return frame.typevars[annotation.id]
        if annotation.id == "Self" and frame.self_value is not None:
            return frame.self_value
        if frame.cls:
            nested = frame.world.classes.infos.get(frame.cls)
            if nested is not None and annotation.id in nested.nested:
                return ClassRef(nested.nested[annotation.id])
            if nested is not None and annotation.id == nested.name:
                return ClassRef(frame.cls)
        value = frame.evaluate(annotation)
        if type(value) is TypeVarRef and value.name in frame.typevars:
            return frame.typevars[value.name]
        return value
    return frame.evaluate(annotation)


def instance_of(frame: Frame, type_: Value, site: Site, name: str, depth: int = 0) -> Value:
    """An instance of the class that `type_` is."""
    if isinstance(type_, ClassRef):
        return _of_class(frame, type_, site, name)
    if isinstance(type_, LibRef):
        return _of_library(type_.name, site, name)
    if isinstance(type_, LibInstance) and type_.cls == "alias":
        held = dict(type_.data)
        return held.get("value", UNKNOWN)
    if isinstance(type_, TypeVarRef):
        bound = frame.typevars.get(type_.name)
        if bound is not None:
            return instance_of(frame, bound, site, name, depth + 1)
        return UNKNOWN
    if isinstance(type_, UnionOf):
        return union(tuple(instance_of(frame, item, site, name, depth + 1) for item in type_.items))
    if isinstance(type_, (Entity, Instance, Coll, Session, Tup, Plain)):  # an alias that is already a value, or Self
        return type_
    if type_ == NONE:
        return NONE
    return UNKNOWN


def _of_class(frame: Frame, type_: ClassRef, site: Site, name: str) -> Value:
    classes = frame.world.classes
    info = classes.infos.get(type_.cls)
    if info is None:
        return UNKNOWN
    if info.model is not None:
        mapped = origin_of(classes, type_.cls, "param", site, (), None)
        return Entity(type_.cls, Origin("param", site, name, mapped.loaded))
    for library in info.libraries:
        kind = kind_of(library)
        if kind in ("session", "async_session"):
            return _session(site, name, kind == "async_session")
        if library in ("enum.Enum", "enum.StrEnum", "enum.IntEnum", "builtins.str", "builtins.int", "builtins.float"):
            return Plain(info.name)
        if library.startswith("flask_sqlalchemy") and library.endswith("SQLAlchemy"):
            return LibInstance("database")
    if info.is_base:
        return UNKNOWN
    mapped_below = _mapped_below(frame, type_.cls)
    if mapped_below:
        # An abstract class over a few mapped ones stands for any of these.
        return union(tuple(_of_class(frame, ClassRef(cls), site, name) for cls in mapped_below))
    fields = tuple((f"[{param}]", arg) for param, arg in zip(type_params(frame, type_.cls), type_.args, strict=False))
    return Instance(type_.cls, fields)


_FEW = 4


def _mapped_below(frame: Frame, cls: str) -> tuple[str, ...]:
    """The mapped subclasses of a plain class, where there are only a few and no others."""
    classes = frame.world.classes
    below = classes.subclasses.get(cls, ())
    if not 0 < len(below) <= _FEW or any(classes.infos[other].model is None for other in below):
        return ()
    return tuple(below)


def _session(site: Site, name: str, is_async: bool, scoped: bool = False) -> Session:
    return Session(SessionId("param", site, name), is_async, None, scoped, ended_by="caller")


def _of_library(qualname: str, site: Site, name: str) -> Value:
    kind = kind_of(qualname)
    if kind in ("session", "async_session"):
        return _session(site, name, kind == "async_session")
    if kind in ("scoped_session", "async_scoped_session"):
        return _session(site, name, kind.startswith("async"), True)
    if kind in ("session_factory", "async_session_factory"):
        return Factory(kind.startswith("async"), None, site)
    if kind == "query":
        return Query("query", (), site, exact=False)
    if kind in ("select", "insert", "update", "delete", "compound_select"):
        return Query(kind, (), site, exact=False)
    if kind.endswith("result"):
        shape = "scalars" if "scalar" in kind else "mappings" if "mapping" in kind else "rows"
        return Result(shape, Query("select", (), site, exact=False), None, kind.startswith("async"), site=site)
    if kind:
        return LibInstance(kind)
    short = qualname.rsplit(".", 1)[-1]
    if short in _PLAIN or qualname.startswith("builtins."):
        if short in _LISTS:
            return Coll(_LISTS[short], UNKNOWN)
        if short in _DICTS:
            return Coll("dict", UNKNOWN, UNKNOWN)
        return Plain(short) if short != "object" else UNKNOWN
    if short in _LISTS and qualname.startswith(("typing", "collections")):
        return Coll(_LISTS[short], UNKNOWN)
    if short in _DICTS and qualname.startswith(("typing", "collections")):
        return Coll("dict", UNKNOWN, UNKNOWN)
    if qualname in ("typing.Any", "typing_extensions.Any", "typing.Callable", "collections.abc.Callable"):
        return Unknown(f"declared {short}")
    return LibInstance(qualname)


def type_params(frame: Frame, cls: str) -> tuple[str, ...]:
    """The names of the type variables of a generic class, in order."""
    info = frame.world.classes.infos.get(cls)
    if info is None:
        return ()
    if info.type_params:
        return info.type_params
    for base, args in info.base_args:
        if base.endswith((".Generic", ".Protocol")):
            return tuple(arg.id for arg in args if isinstance(arg, r.Name))
    names: list[str] = []
    for _, args in info.base_args:
        for arg in args:
            if isinstance(arg, r.Name) and arg.id not in names:
                value = frame.world_value(info.module, arg.id)
                if isinstance(value, TypeVarRef):
                    names.append(arg.id)
    return tuple(names)


def typevars_of(frame: Frame, cls: str, fields: tuple[tuple[str, Value], ...] = ()) -> dict[str, Value]:
    """What the type variables of `cls` and its generic bases stand for, by name, as far as its declaration says."""
    world = frame.world
    info = world.classes.infos.get(cls)
    if info is None:
        return {}
    known: dict[str, Value] = {}
    by_class: dict[str, dict[str, Value]] = {cls: {name[1:-1]: value for name, value in fields if name.startswith("[")}}
    for ancestor in info.mro:
        own = by_class.setdefault(ancestor, {})
        shape = world.classes.infos[ancestor]
        inner: Frame | None = None
        for base, args in shape.base_args:
            if base not in world.classes.infos:
                continue
            target = by_class.setdefault(base, {})
            for param, arg in zip(type_params(frame, base), args, strict=False):
                if isinstance(arg, r.Name) and arg.id in own:
                    target[param] = own[arg.id]
                    continue
                if inner is None:
                    inner = frame.module_frame(shape.module)
                    inner.cls = ancestor
                    inner.typevars = own
                value = type_value(inner, arg)
                if not isinstance(value, (Unknown, TypeVarRef)):
                    target[param] = value
        for name, value in own.items():
            known.setdefault(name, value)
    return known


def type_value(frame: Frame, arg: r.Expr) -> Value:
    """A type argument as a type: a class, or the instance value of a composed annotation."""
    if isinstance(arg, r.Const) and isinstance(arg.value, str):
        parsed = parse_annotation(arg.value, arg.start, arg.end)
        return type_value(frame, parsed) if parsed is not None and not isinstance(parsed, r.Const) else UNKNOWN
    if isinstance(arg, (r.Name, r.Attr)):
        return type_named(frame, arg)
    return declared(frame, arg)


def _subscripted(frame: Frame, annotation: r.Sub, name: str, depth: int) -> Value:
    head = annotation.value
    short = last_name(head)
    index = annotation.index
    items = index.items if isinstance(index, r.Seq) and index.kind == "tuple" else (index,)
    base = type_named(frame, head) if isinstance(head, (r.Name, r.Attr)) else UNKNOWN
    if isinstance(base, LibRef):
        short = base.name.rsplit(".", 1)[-1]
    if short == "Optional":
        return _joined((declared(frame, items[0], name, depth + 1), NONE))
    if short == "Union":
        return _joined(tuple(declared(frame, item, name, depth + 1) for item in items))
    if short == "Annotated":
        for item in items[1:]:
            given = _dependency(frame, item)
            if given is not None:
                return given
        return declared(frame, items[0], name, depth + 1)
    if isinstance(base, ClassRef):
        args = tuple(type_value(frame, item) for item in items)
        return instance_of(frame, ClassRef(base.cls, args), frame.site(annotation), name, depth + 1)
    if short in _LISTS:
        return Coll(_LISTS[short], declared(frame, items[0], name, depth + 1))
    if short in _DICTS and len(items) == 2:
        return Coll("dict", declared(frame, items[1], name, depth + 1), declared(frame, items[0], name, depth + 1))
    if short in ("tuple", "Tuple"):
        if len(items) == 2 and isinstance(items[1], r.Const) and items[1].kind == "other":
            return Coll("tuple", declared(frame, items[0], name, depth + 1))
        return Tup(tuple(declared(frame, item, name, depth + 1) for item in items))
    if short in ("type", "Type"):
        return type_value(frame, items[0])
    if short in _AWAITABLES:
        return Awaitable(declared(frame, items[-1], name, depth + 1))
    if short in _MANAGERS:
        return Manager("other", declared(frame, items[0], name, depth + 1))
    if short in _CARRIERS:
        return declared(frame, items[0], name, depth + 1)
    if short == "Literal":
        return Plain("str")
    if isinstance(base, LibRef):
        kind = kind_of(base.name)
        columns = tuple(_column_type(frame, item) for item in items)
        site = frame.site(annotation)
        if kind == "query":
            return Query("query", columns, site, exact=False)
        if kind in ("select", "insert", "update", "delete"):
            return Query(kind, columns, site, exact=False)
        if kind.endswith("result"):
            shape = "scalars" if "scalar" in kind else "mappings" if "mapping" in kind else "rows"
            return Result(shape, Query("select", columns, site, exact=False), None, kind.startswith("async"), site=site)
        if kind in ("session_factory", "async_session_factory"):
            inner = declared(frame, items[0], name, depth + 1)
            is_async = isinstance(inner, Session) and inner.is_async
            return Factory(is_async or kind.startswith("async"), None, site)
        if kind in ("scoped_session", "async_scoped_session"):
            return _session(site, name, kind.startswith("async"), True)
        if base.name in ("typing.Callable", "collections.abc.Callable"):
            result = declared(frame, items[-1], name, depth + 1)
            if isinstance(result, Session):
                return Factory(result.is_async, None, site)
            return Unknown("declared Callable") if isinstance(result, Unknown) else LibInstance("callable", (("returns", result),))
        return _of_library(base.name, site, name)
    return UNKNOWN


def _column_type(frame: Frame, item: r.Expr) -> Value:
    if isinstance(item, r.Sub) and isinstance(item.value, r.Name) and item.value.id in ("tuple", "Tuple"):
        index = item.index
        first = index.items[0] if isinstance(index, r.Seq) and index.items else index
        return _column_type(frame, first)
    value = type_value(frame, item)
    return value if isinstance(value, (ClassRef, ModelAttr)) else Plain()


def _dependency(frame: Frame, item: r.Expr) -> Value | None:
    """What `Depends(f)` in an annotation provides."""
    value = frame.evaluate(item)
    return given_by(frame, value, item)


def given_by(frame: Frame, value: Value, node: r.Expr) -> Value | None:
    """What a dependency object provides: what its function returns or yields."""
    if isinstance(value, LibInstance) and value.cls == "dependency":
        held = dict(value.data)
        provider = held.get("function", UNKNOWN)
        scope = held.get("scope")
        return provided(frame, provider, node, str(scope.value) if isinstance(scope, Const) else "")
    return None


def provided(frame: Frame, provider: Value, node: r.Node, scope: str = "") -> Value:
    """What calling a dependency's function gives its user; its sessions are ended by the framework."""
    quiet = frame.module_frame(frame.scope.name)
    frame.world.leave("provided", frame.site(node))
    value = quiet.call(provider, (), node)
    frame.lent = {id: state for id, state in quiet.state.sessions.items() if id.kind == "given" and state.opened}
    if isinstance(value, Awaitable):
        value = value.value
    if isinstance(provider, FuncRef):
        function = frame.world.symbols.functions[provider.func]
        if function.node.is_generator and isinstance(value, Coll):
            value = value.elem
        elif isinstance(value, Session) and value.ended_by != "framework":
            scope = "unknown" if value.ended_by else "none"

    known = frame.world.symbols.functions.get(provider.func) if isinstance(provider, FuncRef) else None
    if known is not None:
        frame.world.leave("dependencies", known.id)
    living = known is not None and known.node.is_generator

    def owned(session: Session) -> Session:
        id = SessionId("given", session.id.site, session.id.name)
        if known is not None and session.id.kind == "made":
            # One for each request, whoever asks for it.
            id = SessionId("given", Site(frame.world.symbols.modules[known.module].path, known.node.start, known.node.end), "")
        if session.id in quiet.committed or session.ended_by == "caller":
            frame.world.commits(id)  # or whoever has given it to the provider may
        return msgspec.structs.replace(session, id=id, ended_by="framework", born=(), scope=scope or session.scope)

    def given(item: Value) -> Value:
        if isinstance(item, Session):
            return owned(item)
        if isinstance(item, Entity) and item.origin.session is not None and item.origin.session.id.kind == "made":
            if living or quiet.state.live.get(item.origin, FRESH).detached is None:
                return Entity(item.model, msgspec.structs.replace(item.origin, session=owned(item.origin.session)), item.path, item.born)
            return item
        if isinstance(item, UnionOf):
            return UnionOf(tuple(given(part) for part in item.items))
        if isinstance(item, Instance):
            return Instance(item.cls, tuple((name, given(part)) for name, part in item.fields))
        return item

    return given(value)


def as_type(value: Value) -> Value:
    """The class of an instance value, to bind a type variable to."""
    if isinstance(value, Entity):
        return ClassRef(value.model)
    if isinstance(value, Instance):
        return ClassRef(value.cls)
    if isinstance(value, ClassRef):
        return value
    return UNKNOWN


def is_generic(world: World, function: FunctionNode) -> bool:
    """Whether some annotation of a function's parameters names a type variable."""
    known = world.generic.get(function.id)
    if known is None:
        names = {name for param in function.node.params for name in _names_in(param.annotation)}
        known = world.generic[function.id] = not names.isdisjoint(function.node.type_params) or any(
            type(world.steps.module_value(world, function.module, name)) is TypeVarRef for name in sorted(names)
        )
    return known


def _names_in(annotation: r.Expr | None) -> Iterator[str]:
    """The bare names in an annotation, quoted or not."""
    for node in walk(annotation):
        if type(node) is r.Name:
            yield node.id
        elif type(node) is r.Const and isinstance(node.value, str):
            yield from _names_in(parse_annotation(node.value))


def bind_typevars(frame: Frame, annotation: r.Expr | None, actual: Value, found: dict[str, Value]) -> None:
    """Learns type variables from an argument: `type[T]` from a class, `T` from an instance, `list[T]` from a list."""
    if annotation is None:
        return
    if type(annotation) is r.Const and isinstance(annotation.value, str):
        annotation = parse_annotation(annotation.value)
        if annotation is None:
            return
    if type(annotation) is r.Name:
        declared_type = frame.evaluate(annotation) if annotation.id not in frame.typevars else TypeVarRef(annotation.id)
        function = frame.function
        if type(declared_type) is TypeVarRef or (function is not None and annotation.id in function.node.type_params):
            type_ = as_type(actual)
            if type(type_) is not Unknown:
                found.setdefault(annotation.id, type_)
    elif type(annotation) is r.Sub:
        head = annotation.value
        short = last_name(head)
        index = annotation.index
        item = index.items[0] if type(index) is r.Seq and index.items else index
        if short in ("type", "Type") and type(actual) is ClassRef:
            bind_typevars(frame, item, actual, found)
        elif short in _LISTS and type(actual) is Coll:
            bind_typevars(frame, item, actual.elem, found)
        elif short == "Optional":
            bind_typevars(frame, item, actual, found)
        elif short in ("Select", "Query") and type(actual) is Query and actual.columns:
            bind_typevars(frame, item, actual.columns[0], found)
    elif type(annotation) is r.BinOp:
        bind_typevars(frame, annotation.left, actual, found)
