"""Serialisers: which attributes of an object a response model, a pydantic or marshmallow schema reads, and what that loads.

Takes a schema and a value; lets the reads happen. What a framework does with what a handler returns is read aside, in a copy of the state,
and noted at the `return`; a call that the code makes itself (`model_validate`, `dump`) is a read of the function like any other, and
noted besides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import msgspec

from ormlint.facts import records as r
from ormlint.facts import walking
from ormlint.orms import registry as orms
from ormlint.semantics.containers import born_in, element_of
from ormlint.semantics.declared import instance_of, typevars_of
from ormlint.semantics.definitions import FunctionNode
from ormlint.semantics.events import Event
from ormlint.semantics.frame import Frame, World
from ormlint.semantics.kinds import kind_of
from ormlint.semantics.mapped import ClassInfo
from ormlint.semantics.observations import Served
from ormlint.semantics.symbols import applied, last_name
from ormlint.semantics.values import (
    UNKNOWN,
    Actual,
    ClassRef,
    Coll,
    Const,
    Entity,
    FuncRef,
    Instance,
    LibInstance,
    Tup,
    Unknown,
    Value,
    options_of,
    without_none,
)

SERIALIZERS = frozenset({"serializer", "model_serializer"})
_VERBS = frozenset({"get", "post", "put", "patch", "delete", "head", "options", "api_route", "route"})
_DEEPEST = 5
_WALKS = frozenset({"to_dict", "as_dict", "asdict", "to_json", "as_json", "serialize", "to_representation", "dict", "json"})
"""What people call the method of an entity that makes plain data of it."""
_LOADS = frozenset({"lazy", "deferred", "undone"})


def served(world: World, function: FunctionNode) -> Served | None:
    """How a web framework serves a function; None where it does not."""
    value_key = ("served", function.id)
    if function.id in world.served:
        world.asks_value(value_key)
    else:
        world.served[function.id] = None
        held = world.begin_value(value_key)
        try:
            world.served[function.id] = _served(world, function)
        finally:
            world.end_value(value_key, held)
    found = world.served[function.id]
    assert found is None or isinstance(found, Served)
    return found


def _served(world: World, function: FunctionNode) -> Served | None:
    for decorator in function.node.decorators:
        if not (isinstance(decorator, r.Call) and isinstance(decorator.func, r.Attr) and decorator.func.attr in _VERBS):
            continue
        frame = Frame(world, world.symbols.modules[function.module], None)
        owner = frame.evaluate(decorator.func.value)
        if not any(isinstance(item, LibInstance) and item.cls in ("web_app", "web_router") for item in options_of(owner)):
            continue
        keywords = {arg.keyword: arg.value for arg in decorator.args if arg.keyword}
        model = keywords.get("response_model", function.node.returns)
        if model is None or decorator.func.attr == "route" or any(arg.star for arg in decorator.args):
            return Served(None)
        schema = frame.declared(model)
        return Served(None if isinstance(schema, Unknown) else schema)
    return None


def answered(frame: Frame, stmt: r.Return, value: Value) -> None:
    """A function returns `value`: where it is served, notes what the response loads."""
    function = frame.function
    if function is None or not function.node.decorators or frame.walk is not None:
        return
    how = served(frame.world, function)
    if how is None:
        return
    if how.schema is not None:
        schema = how.schema
        reads = aside(frame, lambda: walk(frame, schema, value, stmt, 0))
        note_loads(frame, "response", reads, stmt, _named(schema))
    if stmt.value is not None:
        _note_walks(frame, stmt)


def aside(frame: Frame, work: Callable[[], None]) -> list[Event]:
    """What `work` reads, without any of it happening in the function itself."""
    state, walked, dead = frame.state, frame.walk, frame.dead
    frame.state, frame.walk = state.copy(), []
    try:
        work()
        return frame.walk
    finally:
        frame.state, frame.walk, frame.dead = state, walked, dead


def note_loads(frame: Frame, kind: str, reads: Sequence[Event], node: r.Node, detail: str, places: bool = False) -> None:
    """Keeps the reads that run SQL, or fail, for the rules; each is an event of `node`."""
    site = frame.site(node)
    for event in reads:
        entity = event.entity
        if event.kind != "load" or entity is None or event.how in ("awaited", "written", "cascade"):
            continue
        is_async = event.session is not None and event.session.is_async
        if event.how == "expired" and not is_async:
            continue  # one more SELECT for each object, as after any commit
        if entity.origin.kind == "new" and not is_async and event.how != "detached":
            continue  # the one object that was just made
        if entity.origin.kind in ("arg", "self", "param", "declared") and frame.world.is_named_eager(event.attr):
            event = msgspec.structs.replace(event, confidence=1)
        if entity.origin.kind in ("self", "declared"):
            event = msgspec.structs.replace(event, confidence=1)
        frame.note(kind, msgspec.structs.replace(event, site=site), event.site if places else None, detail)


def _named(schema: Value) -> str:
    for item in options_of(schema):
        if isinstance(item, Coll):
            return _named(item.elem)
        if isinstance(item, Instance):
            return item.cls.rsplit(":", 1)[-1].rsplit(".", 1)[-1]
    return ""


def _note_walks(frame: Frame, stmt: r.Return) -> None:
    """`return order.to_dict()`: what the entity's own method has just read for the response."""
    for node in walking.walk(stmt.value, (r.Lambda, r.Comp)):
        if isinstance(node, r.Call) and isinstance(node.func, r.Attr) and node.func.attr in _WALKS:
            site = frame.site(node)
            reads = [event for event in frame.state.events if event.site == site and event.kind == "load" and event.how in _LOADS]
            note_loads(frame, "response", [event for event in reads if _is_plain(frame, event)], stmt, node.func.attr)


def _is_plain(frame: Frame, event: Event) -> bool:
    """Whether no other rule speaks of a load: it is no loop's, and it does not fail."""
    active = {loop.site for loop in frame.loops}
    return not (event.session is not None and event.session.is_async) and active.isdisjoint(event.varies)


def called(frame: Frame, node: r.Node, detail: str, work: Callable[[], None]) -> None:
    """The code itself has an object serialised: the reads are its own, and those of no loop are noted as a response's."""
    before = set(frame.state.events)
    work()
    if frame.walk is not None:
        return
    reads = [event for event in frame.state.events if event not in before and event.how in _LOADS and _is_plain(frame, event)]
    site = frame.site(node)
    own = [event for event in reads if event.entity is not None and (event.entity.origin.kind != "arg" or site in event.entity.born)]
    note_loads(frame, "response", own, node, detail)


# Schemas of annotations


def walk(frame: Frame, schema: Value, value: Value, node: r.Node, depth: int) -> None:
    """Reads of `value` what an instance of `schema` shows."""
    if depth > _DEEPEST:
        return
    for kind in options_of(schema):
        if isinstance(kind, Coll):
            for item in options_of(value):
                if isinstance(item, (Coll, Tup)):
                    elem = item.elem if isinstance(item, Coll) else element_of(item)
                    walk(frame, kind.elem, born_in(elem, frame.site(node)), node, depth)
        elif isinstance(kind, Instance):
            for item in options_of(value):
                _fields(frame, kind, item, node, depth)


def _fields(frame: Frame, schema: Instance, value: Value, node: r.Node, depth: int) -> None:
    classes = frame.world.classes
    info = classes.infos.get(schema.cls)
    if info is None or not isinstance(value, (Entity, LibInstance)) or (isinstance(value, LibInstance) and value.cls != "kwargs"):
        return
    if isinstance(value, Entity) and _prepares(frame, schema.cls):
        return
    seen: set[str] = set()
    known = typevars_of(frame, schema.cls, schema.fields) if schema.fields else {}
    for ancestor in info.mro:
        shape = classes.infos[ancestor]
        for name, annotation in shape.annotations.items():
            if name in seen or name.startswith("_") or name == "model_config":
                continue
            seen.add(name)
            found = _read(frame, value, _alias(shape.attrs.get(name)), name, node)
            if found is None or isinstance(found, Unknown):
                continue
            inner = frame.module_frame(shape.module)
            inner.cls = ancestor
            inner.typevars = known or frame.typevars
            walk(frame, inner.declared(annotation, name), found, node, depth + 1)


def _read(frame: Frame, value: Value, alias: str, name: str, node: r.Node) -> Value | None:
    if isinstance(value, LibInstance):
        held = dict(value.data)
        return held.get(alias or name, held.get(name))
    assert isinstance(value, Entity)
    classes = frame.world.classes
    for attr in (alias, name):
        if attr and (classes.mapped_attribute(value.model, attr) is not None or classes.member(value.model, attr) is not None):
            return frame.attribute(value, attr, node)
    return None


def _alias(default: r.Expr | None) -> str:
    """The name under which a field is read: `Field(validation_alias="customer")`."""
    if isinstance(default, r.Call):
        given = {arg.keyword: arg.value for arg in default.args if arg.keyword in ("alias", "validation_alias")}
        alias = given.get("validation_alias") or given.get("alias")
        if isinstance(alias, r.Const) and isinstance(alias.value, str):
            return alias.value
    return ""


def _prepares(frame: Frame, cls: str) -> bool:
    """Whether a schema looks at the object in a way of its own before its fields are read."""
    classes = frame.world.classes
    for ancestor in classes.infos[cls].mro:
        shape = classes.infos[ancestor]
        for ids in shape.methods.values():
            for decorator in frame.world.symbols.functions[ids[0]].node.decorators:
                func = applied(decorator)
                last = last_name(func)
                if last == "root_validator":
                    return True
                if last == "model_validator" and isinstance(decorator, r.Call):
                    mode = next((arg.value for arg in decorator.args if arg.keyword == "mode"), None)
                    if not (isinstance(mode, r.Const) and mode.value == "after"):
                        return True
    return False


def validated(frame: Frame, schema: Value, value: Value, node: r.Node) -> None:
    """`Schema.model_validate(value)`, `TypeAdapter(list[Schema]).validate_python(values)`."""
    called(frame, node, _named(schema), lambda: walk(frame, schema, value, node, 0))


def built(frame: Frame, cls: str, actuals: Sequence[Actual], node: r.Node) -> None:
    """`Page(items=orders)`: a pydantic model reads of what it is given what its fields show."""
    if not is_schema(frame.world.classes.infos[cls]):
        return
    given = tuple((actual.keyword, actual.value) for actual in actuals if actual.keyword and holds_entity(actual.value))
    if not given:
        return
    written = {arg.keyword: arg.value for arg in node.args} if isinstance(node, r.Call) else {}

    def work() -> None:
        for name, value in given:
            frame.subject = written.get(name)
            walk(frame, Instance(cls), LibInstance("kwargs", ((name, value),)), node, 0)
        frame.subject = None

    called(frame, node, _named(Instance(cls)), work)


def is_schema(info: ClassInfo) -> bool:
    """Whether a class is a model of pydantic, which validates what its fields are given."""
    return any(library.startswith(("pydantic", "sqlmodel")) for library in info.libraries)


def holds_entity(value: Value) -> bool:
    """Whether a value is an entity, or a collection of them."""
    return any(isinstance(item, Entity) or (isinstance(item, Coll) and holds_entity(item.elem)) for item in options_of(value))


def adapter(frame: Frame, type_: Value, node: r.Node) -> LibInstance:
    """`TypeAdapter(list[Schema])`."""
    return LibInstance("schema_adapter", (("type", instance_of(frame, type_, frame.site(node), "")),))


def taken_whole(frame: Frame, value: Value, node: r.Node, depth: int = 0) -> None:
    """`dataclasses.asdict(entity)`: reads every attribute, and those of what it finds."""
    for item in options_of(value):
        if isinstance(item, Coll):
            taken_whole(frame, born_in(item.elem, frame.site(node)), node, depth)
        model = frame.world.classes.model(item.model) if isinstance(item, Entity) and depth < 3 else None
        for name, mapped in model.attributes.items() if model is not None else ():
            if (mapped.kind == "relationship" and mapped.lazy not in ("dynamic", "write_only")) or mapped.deferred:
                taken_whole(frame, frame.attribute(item, name, node), node, depth + 1)


# Schemas of field objects (marshmallow)


def serializer(frame: Frame, cls: str, actuals: Sequence[Actual], node: r.Node) -> LibInstance | None:
    """`OrderSchema(only=…, exclude=…)`, where the class is a marshmallow schema."""
    info = frame.world.classes.infos[cls]
    if not any(kind_of(library) in SERIALIZERS for library in info.libraries):
        return None
    written = {arg.keyword: arg.value for arg in node.args} if isinstance(node, r.Call) else {}
    filters = [(keyword, written.get(keyword)) for keyword in ("only", "exclude")]
    if any(isinstance(expr, r.Expr) and not _literal(expr) for _, expr in filters):  # type: ignore[arg-type]
        return LibInstance("serializer")
    data: list[tuple[str, Value]] = [("class", ClassRef(cls))]
    data.extend((keyword, Tup(tuple(Const(name, "str") for name in _names(expr)))) for keyword, expr in filters if expr is not None)
    return LibInstance("serializer", tuple(data))


def _literal(expr: r.Expr | None) -> bool:
    return isinstance(expr, r.Const) or (isinstance(expr, r.Seq) and all(isinstance(item, r.Const) for item in expr.items))


def _names(expr: r.Expr | None) -> tuple[str, ...]:
    items = expr.items if isinstance(expr, r.Seq) else (expr,) if expr is not None else ()
    return tuple(str(item.value) for item in items if isinstance(item, r.Const))


def dumped(frame: Frame, schema: LibInstance, value: Value, node: r.Node) -> None:
    """`schema.dump(value)`."""
    held = dict(schema.data)
    cls = held.get("class")
    if not isinstance(cls, ClassRef):
        return
    only, exclude = (_constants(held.get(word)) for word in ("only", "exclude"))
    called(frame, node, cls.cls.rsplit(":", 1)[-1], lambda: _dump(frame, cls.cls, only, exclude or frozenset(), value, node, 0))


def _constants(value: Value | None) -> frozenset[str] | None:
    return frozenset(str(item.value) for item in value.items if isinstance(item, Const)) if isinstance(value, Tup) else None


def _dump(frame: Frame, cls: str, only: frozenset[str] | None, exclude: frozenset[str], value: Value, node: r.Node, depth: int) -> None:
    if depth > _DEEPEST:
        return
    for item in options_of(value):
        if isinstance(item, Coll):
            _dump(frame, cls, only, exclude, born_in(item.elem, frame.site(node)), node, depth)
        if isinstance(item, Entity):
            for name, expr, module in _shown(frame, cls):
                if name in exclude or (only is not None and not any(word.split(".", 1)[0] == name for word in only)):
                    continue
                _dump_field(frame, cls, name, expr, module, _inner(only, name), _inner(exclude, name) or frozenset(), item, node, depth)


def _inner(names: frozenset[str] | None, name: str) -> frozenset[str] | None:
    """Of dotted names, what is below `name`."""
    below = frozenset(word[len(name) + 1 :] for word in names or () if word.startswith(f"{name}."))
    return below or None


def _shown(frame: Frame, cls: str) -> Iterator[tuple[str, r.Call | None, str]]:
    """The fields of a schema: name, how it is declared, and in which module; by its own body and by its `Meta`."""
    classes = frame.world.classes
    info = classes.infos[cls]
    meta: dict[str, r.Expr] = {}
    for ancestor in info.mro:
        inner = classes.infos[ancestor].nested.get("Meta")
        if inner is not None:
            meta = meta or classes.infos[inner].attrs
    hidden = set(_names(meta.get("exclude"))) | set(_names(meta.get("load_only")))
    limited = _names(meta.get("fields"))
    seen: set[str] = set()
    for ancestor in info.mro:
        shape = classes.infos[ancestor]
        for name, expr in shape.attrs.items():
            if name in seen or not isinstance(expr, r.Call) or name in hidden or (limited and name not in limited):
                continue
            seen.add(name)
            if not any(arg.keyword == "load_only" and isinstance(arg.value, r.Const) and arg.value.value is True for arg in expr.args):
                yield name, expr, shape.module
    for name in (*limited, *_names(meta.get("additional"))):
        if name not in seen:
            seen.add(name)
            yield name, None, info.module
    relationships = meta.get("include_relationships")
    if isinstance(relationships, r.Const) and relationships.value is True and not limited and meta.get("model") is not None:
        model = frame.module_frame(info.module).evaluate(meta["model"])
        mapped = classes.model(model.cls) if isinstance(model, ClassRef) else None
        for name, attribute in mapped.attributes.items() if mapped is not None else ():
            if attribute.kind == "relationship" and name not in seen and name not in hidden:
                yield name, None, info.module


def _dump_field(
    frame: Frame,
    cls: str,
    name: str,
    expr: r.Call | None,
    module: str,
    only: frozenset[str] | None,
    exclude: frozenset[str],
    entity: Entity,
    node: r.Node,
    depth: int,
) -> None:
    classes = frame.world.classes
    kind = expr.func.attr if expr is not None and isinstance(expr.func, r.Attr) else ""
    kind = kind or (expr.func.id if expr is not None and isinstance(expr.func, r.Name) else "")
    keywords = {arg.keyword: arg.value for arg in expr.args if arg.keyword} if expr is not None else {}
    positional = [arg.value for arg in expr.args if arg.keyword is None] if expr is not None else []
    home = frame.module_frame(module)
    if kind in ("Method", "Function"):
        target = positional[0] if positional else keywords.get("serialize")
        function: Value = UNKNOWN
        if kind == "Method" and isinstance(target, r.Const):
            member = classes.member(cls, str(target.value))
            function = FuncRef(member[1][0], Instance(cls)) if member is not None else UNKNOWN
        elif kind == "Function" and target is not None:
            function = home.evaluate(target)
        if isinstance(function, FuncRef):
            frame.call(function, (Actual(entity),), node)
        return
    source = keywords.get("attribute")
    path = str(source.value) if isinstance(source, r.Const) else name
    found: Value = entity
    for part in path.split("."):
        if isinstance(found, Entity) and classes.mapped_attribute(found.model, part) is None and classes.member(found.model, part) is None:
            return
        found = without_none(frame.attribute(found, part, node))
    if kind == "List" and positional and isinstance(positional[0], r.Call):
        inner = positional[0]
        _dump_nested(frame, home, inner, found, only, exclude, node, depth)
    elif kind in ("Nested", "Pluck") and expr is not None:
        _dump_nested(frame, home, expr, found, only, exclude, node, depth)


def _dump_nested(
    frame: Frame, home: Frame, expr: r.Call, found: Value, only: frozenset[str] | None, exclude: frozenset[str], node: r.Node, depth: int
) -> None:
    last = last_name(expr.func)
    if last not in ("Nested", "Pluck") or not expr.args:
        return
    first = expr.args[0].value
    target = home.evaluate(first)
    if isinstance(target, FuncRef):
        target = home.call(target, (), node)
    if isinstance(target, Const) and isinstance(target.value, str):
        name = target.value.rsplit(".", 1)[-1]
        ids = [id for id, info in frame.world.classes.infos.items() if info.name == name]
        target = ClassRef(ids[0]) if len(ids) == 1 else UNKNOWN
    keywords = {arg.keyword: arg.value for arg in expr.args if arg.keyword}
    for word in ("only", "exclude"):
        if word in keywords and not _literal(keywords[word]):
            return
    if isinstance(target, LibInstance) and target.cls == "serializer":
        held = dict(target.data)
        only = _constants(held.get("only")) or only
        exclude = (_constants(held.get("exclude")) or frozenset()) | exclude
        target = held.get("class", UNKNOWN)
    if not isinstance(target, ClassRef):
        return
    only = frozenset(_names(keywords.get("only"))) or only
    if last == "Pluck" and len(expr.args) > 1 and isinstance(expr.args[1].value, r.Const):
        only = frozenset((str(expr.args[1].value.value),))
    exclude = frozenset(_names(keywords.get("exclude"))) | exclude
    _dump(frame, target.cls, only, exclude, found, node, depth + 1)


def method_of_schema(receiver: Value, name: str) -> bool:
    """Whether a method of a schema, or of what stands for one, reads the object that it is given."""
    if not isinstance(receiver, LibInstance):
        return False
    row = orms.SERIALIZER_METHODS.get((receiver.cls, name))
    return row is not None and row.through == "schema" and row.reads == "first"
