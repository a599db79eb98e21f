"""What `value.name` is, and what reading it does: members of classes and instances, and mapped attributes of entities.

Takes a frame, a value and a name; gives a value. Reading a mapped attribute is where hidden I/O happens: the state's loaded paths
decide whether it is a load, and the event says why.
"""

from __future__ import annotations

import msgspec

from ormlint.facts import records as r
from ormlint.orms import registry as orms
from ormlint.semantics import boundary
from ormlint.semantics.concurrency import runs_beside
from ormlint.semantics.conflicts import path_of
from ormlint.semantics.containers import born_in
from ormlint.semantics.dependence import parameters_behind
from ormlint.semantics.events import FRESH, Live
from ormlint.semantics.foreign_keys import points_back, references
from ormlint.semantics.frame import Frame
from ormlint.semantics.holders import held_as, remembers
from ormlint.semantics.identity import read_column, read_link
from ormlint.semantics.kinds import kind_of_value
from ormlint.semantics.loading import BLOCKING, EAGER_STRATEGIES, eager_below, model_at
from ormlint.semantics.mapped import Attribute
from ormlint.semantics.members import (
    class_attribute,
    field_value,
    function_kind,
    getters,
    implementations,
    is_abstract,
)
from ormlint.semantics.queries import flask_session
from ormlint.semantics.reflection import fields_of, introspected
from ormlint.semantics.request_objects import kept_on_request
from ormlint.semantics.state import contains
from ormlint.semantics.unfetched import found, lost_at
from ormlint.semantics.unit_of_work import mark_loaded, refresh_one
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
    Method,
    ModelAttr,
    ModuleRef,
    NameOf,
    Option,
    Origin,
    Plain,
    Query,
    Result,
    Seen,
    Session,
    Site,
    Super,
    Tup,
    UnionOf,
    Unknown,
    Value,
    join,
    options_of,
    union,
)
from ormlint.semantics.variance import varies_with
from ormlint.semantics.version_history import finder, read_query

_LONGEST = 5
_OWN_KINDS = frozenset({"attribute_getter", "callable", "pagination", "subquery", "expression", "exit_stack", "inspection", "entity_dict"})
_BUILDERS = frozenset({"model_validate", "parse_obj", "from_orm", "model_construct", "construct", "validate"})
"""What builds an object of a mapped pydantic class (SQLModel)."""


def attribute(frame: Frame, value: Value, name: str, node: r.Node) -> Value:
    """What reading `name` of `value` at `node` gives."""
    if frame.rendering is not None and (item := item_in_template(value, name)) is not None:
        return item
    kind = type(value)
    if kind is Unknown:
        return value
    if kind is UnionOf:
        assert type(value) is UnionOf
        parts = [attribute(frame, item, name, node) for item in value.items if not (type(item) is Const and item.kind == "none")]
        return union(tuple(parts)) if parts else UNKNOWN
    if type(value) is Entity:
        return _of_entity(frame, value, name, node)
    if type(value) is Instance:
        return _of_instance(frame, value, name, node)
    if type(value) is ClassRef:
        return _of_class(frame, value, name, node)
    if isinstance(value, (ModuleRef, LibRef)):
        flag = frame.state.vars.get(f"@{value.name}.{name}")
        if flag is not None:
            return flag
    if type(value) is ModuleRef:
        return frame.world_value(value.name, name)
    if type(value) is LibRef:
        kept = kept_on_request(frame, value.name, name)
        return kept if kept is not None else LibRef(f"{value.name}.{name}")
    if type(value) is LibInstance:
        return _of_library(frame, value, name, node)
    if type(value) is Super:
        return _of_super(frame, value, name, node)
    if type(value) is Query and value.cls:
        own = _member(frame, value, value.cls, name, node)
        if own is not None:
            return own
    if isinstance(value, (Session, Query, Result, Factory)):
        row = orms.METHODS.get((kind_of_value(value), name))
        if row is None and type(value) is Session and value.cls:
            own = _member(frame, value, value.cls, name, node)
            if own is not None:
                return own
        if row is not None and row.is_property:
            return frame.call(Method(value, name), (), node)
        if type(value) is Session and name in ("registry",):
            return Factory(value.is_async, value.expires, value.id.site, True)
        if type(value) is Result and name in ("rowcount", "lastrowid", "inserted_primary_key"):
            return Plain("int")
        return Method(value, name)
    if type(value) is Awaitable and value.started:
        return Method(value, name)
    if type(value) is Tup and name in value.names:
        return value.items[value.names.index(name)]
    if type(value) is Method and type(value.receiver) is LibInstance and (value.receiver.cls, "*") in orms.EXTERNAL_METHODS:
        return Method(value.receiver, name)  # `client.chat.completions.create`
    if type(value) is NameOf:
        return value if name in ("key", "name") else Method(value, name)
    if isinstance(value, (Coll, Option, ModelAttr, Manager, Tup, Plain, Const, FuncRef)):
        if type(value) is ModelAttr and name in ("property", "key", "class_", "type", "mapper"):
            return UNKNOWN
        return Method(value, name)
    return UNKNOWN


def item_in_template(value: Value, name: str) -> Value | None:
    """`value.name` of a dictionary, which a template may write as an attribute; None where it is an attribute after all."""
    if isinstance(value, LibInstance) and value.cls == "kwargs":
        return dict(value.data).get(name)
    if isinstance(value, Coll) and value.kind == "dict" and name not in ("items", "keys", "values", "get"):
        return value.elem
    return None


# Entities


def _of_entity(frame: Frame, entity: Entity, name: str, node: r.Node) -> Value:
    mapped = frame.world.classes.mapped_attribute(entity.model, name)
    if mapped is not None and mapped.kind != "hybrid":
        return read(frame, entity, mapped, node)
    if name == "awaitable_attrs":
        return LibInstance("awaitable_attributes", (("entity", entity),))
    found = _member(frame, entity, entity.model, name, node)
    if found is not None:
        return found
    if name in ("__table__", "__mapper__"):
        return LibInstance("inspection", (("of", ClassRef(entity.model)),))
    if name in ("metadata", "registry"):
        return UNKNOWN
    if name == "__class__":
        return ClassRef(entity.model)
    if name == "__dict__":
        boundary.taken_apart(frame, entity, node)
        return LibInstance("entity_dict", (("entity", entity),))
    return UNKNOWN


def read(frame: Frame, entity: Entity, mapped: Attribute, node: r.Node) -> Value:
    """Reads a mapped attribute of an entity: notes the load that it is, and gives its value."""
    if mapped.kind == "synonym":
        other = frame.world.classes.mapped_attribute(entity.model, mapped.via[0]) if mapped.via else None
        return read(frame, entity, other, node) if other is not None and other.kind != "synonym" else UNKNOWN
    if mapped.kind == "proxy":
        return _read_proxy(frame, entity, mapped, node)
    if mapped.kind == "query":
        return read_query(frame, entity, mapped, node)
    if mapped.kind != "relationship":
        _read_column(frame, entity, mapped, node)
        if mapped.kind != "column":
            return Plain(mapped.type)
        read_column(frame, entity, mapped, node)
        origin = entity.origin
        if origin.kind in ("new", "unknown") or path_of(entity, mapped.name) in frame.state.live.get(origin, FRESH).assigned:
            return Plain(mapped.type)
        return Plain(mapped.type, (Seen(entity, mapped.name),))
    return _read_relationship(frame, entity, mapped, node)


def _read_proxy(frame: Frame, entity: Entity, mapped: Attribute, node: r.Node) -> Value:
    if len(mapped.via) < 2:
        return UNKNOWN
    through = frame.world.classes.mapped_attribute(entity.model, mapped.via[0])
    if through is None:
        return UNKNOWN
    first = read(frame, entity, through, node)
    if isinstance(first, Coll):
        loop = frame.site(node)
        inner = attribute(frame, born_in(first.elem, loop), mapped.via[1], node)
        return Coll(first.kind, inner)
    return attribute(frame, first, mapped.via[1], node)


def _read_column(frame: Frame, entity: Entity, mapped: Attribute, node: r.Node) -> None:
    origin = entity.origin
    prefix = ".".join(entity.path)
    path = f"{prefix}.{mapped.name}" if prefix else mapped.name
    live = frame.state.live.get(origin, FRESH)
    expired = live.expired or origin.expired
    if (live.deleted and expired is not None) or _came_from_elsewhere(entity, live):
        return
    if expired is not None and prefix not in live.fresh and path not in live.loaded:
        if origin.kind in ("query", "get", "new", "arg") or origin.session is not None:
            how = "detached" if live.detached is not None else "expired"
            _load(frame, entity, mapped, node, how, live.detached if live.detached is not None else expired, live.how or "commit")
        refresh_one(frame, entity, ())
        return
    if (
        entity.base
        and _of_subclass_table(frame, entity, mapped)
        and path not in live.loaded
        and origin.exact
        and origin.kind in ("query", "get", "arg")
    ):
        _load(frame, entity, mapped, node, "deferred", None)
        mark_loaded(frame, origin, path)
        return
    lost = lost_at(live, path) if live.lost else None
    if lost is not None:
        if origin.kind in ("query", "get", "new", "arg"):
            how, since = ("detached", live.detached) if live.detached is not None else ("expired", lost.site)
            _load(frame, entity, mapped, node, how, since, lost.how)
        frame.state.live[origin] = found(frame.state.live.get(origin, FRESH), path)
        mark_loaded(frame, origin, path)
        return
    is_deferred = (mapped.deferred and path not in origin.undeferred) or path in origin.deferred
    if is_deferred and path not in live.loaded and origin.kind in ("query", "get", "arg", "param", "self") and origin.exact:
        _load(frame, entity, mapped, node, "detached" if live.detached is not None else "deferred", live.detached)
        mark_loaded(frame, origin, path)


def _of_subclass_table(frame: Frame, entity: Entity, mapped: Attribute) -> bool:
    """Joined inheritance: a query of the base class leaves the columns of a subclass's own table unloaded."""
    classes = frame.world.classes
    base, own = classes.model(entity.base), classes.model(entity.model)
    if base is None or own is None or mapped.name in base.attributes or mapped.primary:
        return False
    if "*" in entity.origin.undeferred or base.polymorphic or own.polymorphic or base.table is None:
        return False
    return own.table != base.table


def _read_relationship(frame: Frame, entity: Entity, mapped: Attribute, node: r.Node) -> Value:
    origin = entity.origin
    cycle = entity.path.count(mapped.name) > 1 or len(entity.path) >= _LONGEST
    path = ".".join((*entity.path, mapped.name))
    live = frame.state.live.get(origin, FRESH)
    expired = live.expired or origin.expired
    if mapped.lazy in ("dynamic", "write_only"):
        if mapped.target is None:
            return UNKNOWN
        if mapped.lazy == "write_only":
            return LibInstance("write_only_collection", (("model", ClassRef(mapped.target)),))
        parent = (f"parent .{mapped.back}" if mapped.back else f"parent {entity.model}", "dynamic")
        return Query("dynamic_collection", (ClassRef(mapped.target),), frame.site(node), origin.session, filters=parent)
    leads_back = _is_back_reference(frame, entity, mapped)
    read_link(frame, entity, mapped, node)
    was_loaded = path in origin.loaded
    lost = lost_at(live, path) if live.lost else None
    loaded = path in live.loaded or (was_loaded and expired is None and lost is None)
    silent = (
        path in origin.blocked
        or mapped.lazy in BLOCKING
        or mapped.lazy == "unknown"
        or origin.kind == "unknown"
        or (origin.kind == "new" and expired is None and not (live.flushed and mapped.many))
        or (not origin.exact and not was_loaded)
        or (live.deleted and expired is not None)
        or _came_from_elsewhere(entity, live)
        or leads_back
    )
    if not loaded and not silent and not mapped.many and _held(frame, entity, mapped):
        loaded = True
    if not loaded and not silent:
        if live.detached is not None:
            _load(frame, entity, mapped, node, "detached", live.detached, live.detached_how)
        elif lost is not None:
            _load(frame, entity, mapped, node, "undone", lost.site, lost.how)
        elif expired is not None:
            with_owner = bool(entity.path) and mapped.lazy in EAGER_STRATEGIES  # what loaded its owner has loaded it
            _load(frame, entity, mapped, node, "undone" if was_loaded or with_owner else "lazy", expired, live.how or "commit")
        else:
            _load(frame, entity, mapped, node, "lazy", None)
    if not cycle:
        mark_loaded(frame, origin, path)
        if not loaded and mapped.target is not None:
            for below in eager_below(frame.world.classes, mapped.target, f"{path}."):
                mark_loaded(frame, origin, below)
    if mapped.target is None:
        return UNKNOWN
    if expired is not None and not loaded:
        # A load after an expiry gives fresh rows.
        below = ".".join((*entity.path, mapped.name))
        known = frame.state.live.get(origin, FRESH)
        if below not in known.fresh:
            refresh_one(frame, Entity(mapped.target, origin, (*entity.path, mapped.name)), ())
        refresh_one(frame, entity, ())
    if leads_back and not mapped.many and len(entity.path) >= 1:
        return Entity(mapped.target, origin, entity.path[:-1], entity.born)
    inner = Entity(mapped.target, origin, entity.path if cycle else (*entity.path, mapped.name), entity.born)
    if mapped.nullable and not mapped.many:
        return union((inner, NONE))
    if mapped.many:
        return Coll(mapped.collection if mapped.collection != "dict" else "dict", inner, UNKNOWN if mapped.collection == "dict" else None)
    return inner


def shared(frame: Frame, entity: Entity, name: str) -> bool:
    """Whether all rows of a query refer to one and the same object, because it asked for its key: `filter_by(order_id=key)`."""
    keys = entity.origin.keys
    if not keys or entity.path:
        return False
    classes = frame.world.classes
    mapped = classes.mapped_attribute(entity.model, name)
    if mapped is None or mapped.kind != "relationship" or mapped.many or mapped.target is None:
        return False
    columns = mapped.local or references(classes, entity.model, mapped.target)
    return len(columns) == 1 and columns[0] in keys


def once_for_each_query(frame: Frame, varies: tuple[Site, ...], origin: Origin) -> tuple[Site, ...]:
    """Of some loops those in which the rows of an origin are queried anew."""
    heads = {loop.site: loop.head for loop in frame.loops if loop.head is not None}
    asked = (origin.site, *origin.via)
    return tuple(
        loop for loop in varies if any(contains(loop, site) and not (loop in heads and contains(heads[loop], site)) for site in asked)
    )


def answered(frame: Frame, entity: Entity, name: str) -> bool:
    """Whether the identity map answers a read of a reference: its target is at hand, or it leads back to where the object came from."""
    mapped = frame.world.classes.mapped_attribute(entity.model, name)
    if mapped is None or mapped.kind != "relationship" or mapped.many:
        return False
    return _is_back_reference(frame, entity, mapped) or _held(frame, entity, mapped)


def straightened(frame: Frame, entity: Entity, within: Entity | None) -> Entity:
    """The entity by its shortest path, where the callee (for which it was `within`) went back the way that the caller had come."""
    if within is None or not within.path or len(entity.path) <= len(within.path):
        return entity
    at = len(entity.path) - len(within.path)
    came, went = entity.path[at - 1], entity.path[at]
    classes = frame.world.classes
    for model in classes.infos.values():
        if model.model is None or model.name != entity.origin.name:
            continue
        owner = model_at(classes, model.id, ".".join(entity.path[:at]))
        back = classes.mapped_attribute(owner or "", went)
        if back is not None and not back.many and back.back == came:
            return Entity(entity.model, entity.origin, (*entity.path[: at - 1], *entity.path[at + 1 :]), entity.born, entity.base)
    return entity


def already_loaded(frame: Frame, entity: Entity, name: str) -> bool:
    """Whether a relationship of an entity is loaded here."""
    path = ".".join((*entity.path, name))
    live = frame.state.live.get(entity.origin, FRESH)
    return path in live.loaded or (path in entity.origin.loaded and live.expired is None and entity.origin.expired is None)


def _came_from_elsewhere(entity: Entity, live: Live) -> bool:
    """Whether an object is reached from a new one, or over a relationship that was set: what is loaded of it is not known then."""
    if not entity.path:
        return False
    return entity.origin.kind == "new" or any(".".join(entity.path[: at + 1]) in live.grafted for at in range(len(entity.path)))


def _held(frame: Frame, entity: Entity, mapped: Attribute) -> bool:
    """A many-to-one whose target is in the identity map: rows of its class were loaded and are still held, or each row has it."""
    origin = entity.origin
    target = mapped.target
    if target is None:
        return False
    if not entity.path and (target in origin.beside or (origin.whole and entity.model == target)):
        return True
    if not entity.path and (mapped.name in origin.keys or f".{mapped.name}" in origin.beside):
        return True  # `filter_by(order=order)`, `with_parent(self.order)`
    for value in frame.state.vars.values():
        single = any(
            isinstance(item, Entity) and item.model == target and not item.path and item.origin != origin for item in options_of(value)
        )
        if single and not origin.whole and not entity.path:
            return True  # `filter(Line.order_id == order.id)` with the order at hand
        elem = value.elem if isinstance(value, Coll) else None
        for item in options_of(elem) if elem is not None else ():
            if not isinstance(item, Entity) or item.model != target or item.path or item.origin == origin or item.origin.session is None:
                continue
            held = frame.state.live.get(item.origin, FRESH)
            same = origin.session is not None and item.origin.session.id == origin.session.id
            if same and held.expired is None and held.detached is None:
                return True
    return False


def _is_back_reference(frame: Frame, entity: Entity, mapped: Attribute) -> bool:
    """A child's reference back to the parent that it was loaded from: the identity map answers."""
    if mapped.many or not entity.path:
        return False
    if mapped.back is not None and mapped.back == entity.path[-1]:
        return True
    # Without back_populates on either side: the only parent class that it can be loaded from is the one it refers to.
    classes = frame.world.classes
    parent = classes.model(mapped.target or "")
    down = parent.attributes.get(entity.path[-1]) if parent is not None else None
    return mapped.back is None and down is not None and down.many and down.target == entity.model and down.back is None


def _load(frame: Frame, entity: Entity, mapped: Attribute, node: r.Node, how: str, since: Site | None, cause: str = "") -> None:
    if any(mapped.name in names for names in frame.known_loaded):
        return
    confidence = 2
    if entity.origin.kind in ("param", "self", "field", "declared"):
        known_eager = frame.world.eagerly(entity.model, mapped.name)
        confidence = 1 if known_eager and mapped.kind == "relationship" else 2
    varies = varies_with(frame, entity, frame.subject or node)
    if varies and shared(frame, entity, mapped.name):
        varies = once_for_each_query(frame, varies, entity.origin)
    place = node
    if how == "lazy" and mapped.many and frame.written is not None and frame.written[0] is node and not _awaits(entity):
        how, place = "written", frame.written[1]
    frame.happens(
        "load", place, session=entity.origin.session, entity=entity, attr=mapped.name, how=how, since=since,
        varies=varies, note=cause, confidence=confidence, needs=parameters_behind(frame, node),
    )  # fmt: skip


def _awaits(entity: Entity) -> bool:
    """Whether a load fails instead of running: nothing awaits it."""
    return entity.origin.session is not None and entity.origin.session.is_async


def replaced(frame: Frame, entity: Entity, mapped: Attribute, node: r.Node) -> None:
    """`order.lines = […]`: what stood there is loaded first, so that the difference can be written."""
    if mapped.many and mapped.lazy not in ("dynamic", "write_only") and _unread(frame, entity, mapped):
        _hidden(frame, entity, mapped, node, node, "lazy" if _awaits(entity) else "written")


def deleted(frame: Frame, entity: Entity, node: r.Node, named: r.Node) -> None:
    """`session.delete(order)`: loads what must be deleted or let go with it."""
    model = frame.world.classes.model(entity.model)
    for mapped in model.attributes.values() if model is not None else ():
        if mapped.kind != "relationship" or mapped.viewonly or mapped.passive_deletes or mapped.lazy in ("dynamic", "write_only"):
            continue
        if (mapped.many or points_back(frame.world.classes, mapped)) and _unread(frame, entity, mapped):
            _hidden(frame, entity, mapped, node, named, "cascade")


def _hidden(frame: Frame, entity: Entity, mapped: Attribute, node: r.Node, named: r.Node, how: str) -> None:
    frame.happens(
        "load", node, session=entity.origin.session, entity=entity, attr=mapped.name, how=how,
        varies=varies_with(frame, entity, named), confidence=1 if entity.origin.kind == "declared" else 2,
    )  # fmt: skip


def _unread(frame: Frame, entity: Entity, mapped: Attribute) -> bool:
    """Whether a relationship is known not to be loaded, and reading it would run a SELECT."""
    origin = entity.origin
    path = ".".join((*entity.path, mapped.name))
    live = frame.state.live.get(origin, FRESH)
    expired = live.expired or origin.expired
    if path in live.loaded or (path in origin.loaded and expired is None) or live.detached is not None:
        return False
    if _came_from_elsewhere(entity, live):
        return False
    if path in origin.blocked or mapped.lazy in BLOCKING or mapped.lazy == "unknown":
        return False
    return origin.kind != "unknown" and (origin.kind != "new" or expired is not None) and origin.exact


# Instances and classes


def _member(frame: Frame, owner: Value, cls: str, name: str, node: r.Node) -> Value | None:
    """A method, property or class attribute of the project's class `cls`, bound to `owner`."""
    world = frame.world
    found = world.classes.member(cls, name)
    if found is not None:
        ids = getters(world, found[1])
        kind = function_kind(world, ids[0])
        if kind == "property":
            value = frame.call(FuncRef(ids[0], owner), (), node)
            if isinstance(value, Session) and isinstance(owner, Instance) and remembers(world.symbols, world.symbols.functions[ids[0]]):
                path = world.symbols.modules[world.classes.infos[owner.cls].module].path
                return msgspec.structs.replace(value, id=held_as(owner.cls, name, path), born=())
            return value
        bound: Value | None = owner
        if kind == "static":
            bound = None
        elif kind == "class":
            bound = owner if isinstance(owner, ClassRef) else ClassRef(cls)
        return FuncRef(ids[0], bound)
    return class_attribute(frame, cls, name)


def _of_instance(frame: Frame, value: Instance, name: str, node: r.Node) -> Value:
    world = frame.world
    local = frame.state.vars.get(f"{_self_key(frame, value)}.{name}")
    if local is not None:
        return local
    for field, item in value.fields:
        if field == name:
            return item
    info = world.classes.infos.get(value.cls)
    if info is None:
        return UNKNOWN
    member = world.classes.member(value.cls, name)
    if member is not None:
        if is_abstract(world, member[1][0]):
            concrete = implementations(world, value.cls, name)
            if concrete:
                parts: list[Value] = []
                for cls in concrete:
                    part = _member(frame, Instance(cls, value.fields), cls, name, node)
                    if part is not None and part not in parts:
                        parts.append(part)
                # Not bounded as other unions are: each implementation of a port is one that may run.
                return (parts[0] if len(parts) == 1 else UnionOf(tuple(parts))) if parts else UNKNOWN
        found = _member(frame, value, value.cls, name, node)
        return found if found is not None else UNKNOWN
    known = field_value(frame, value.cls, name)
    if not isinstance(known, Unknown):
        return known
    found = class_attribute(frame, value.cls, name)
    annotated = world.classes.annotation(value.cls, name)
    if found is not None:
        if annotated is None or not (isinstance(found, Const) or (isinstance(found, Coll) and found.size == 0)):
            return found
        # `limit: int | None = None`, `items: list[Item] = []`: what a field is where a dataclass or a model of pydantic is given no other.
        return _or_declared(found, frame.declared_in(annotated[0], annotated[1], f"{value.cls}.{name}"))
    if name == "__class__":
        return ClassRef(value.cls)
    if annotated is not None:
        return frame.declared_in(annotated[0], annotated[1], f"{value.cls}.{name}")
    if info.libraries and name in ("start", "join") and runs_beside(frame, value):
        return Method(value, name)
    if "__getattr__" in info.methods or not info.libraries:
        concrete = implementations(world, value.cls, name) if not info.libraries else ()
        parts = []
        for cls in concrete:
            part = _of_instance(frame, Instance(cls, value.fields), name, node)
            if not isinstance(part, Unknown):
                parts.append(part)
        if parts:
            return union(tuple(parts))
        return Unknown(f"{value.cls.rsplit(':', 1)[-1]} has no {name} in the project")
    return Unknown(f"{name} comes from a library base of {value.cls.rsplit(':', 1)[-1]}")


def _or_declared(default: Value, declared: Value) -> Value:
    """A field that may have its default, or any other value that its annotation admits."""
    return UNKNOWN if isinstance(declared, Unknown) else join(default, declared)


def _self_key(frame: Frame, value: Instance) -> str:
    return f"<{value.cls}>"


def _of_class(frame: Frame, value: ClassRef, name: str, node: r.Node) -> Value:
    world = frame.world
    model = world.classes.model(value.cls)
    if model is not None:
        mapped = model.attributes.get(name)
        if mapped is not None:
            return ModelAttr(value.cls, name) if mapped.kind != "query" else UNKNOWN
        finds = finder(frame, value, name) if model.version_of else None
        if finds is not None:
            return finds
        if name == "__table__" and model.table:
            return LibInstance("table", (("name", Const(model.table, "str")),))
    info = world.classes.infos.get(value.cls)
    if info is not None and name in info.nested:
        return ClassRef(info.nested[name])
    if name == "query" and info is not None and (model is not None or info.is_base):
        own = class_attribute(frame, value.cls, name)
        session: Session | None = None
        if isinstance(own, LibInstance) and own.cls == "query_property":
            held = dict(own.data).get("session")
            session = held if isinstance(held, Session) else None
        if model is not None and (session is not None or model.style == "flask" or isinstance(own, LibInstance)):
            if session is None:
                session = flask_session(frame)
            queries = class_attribute(frame, value.cls, "query_class")
            own_class = queries.cls if isinstance(queries, ClassRef) else ""
            return Query("query", (value,), frame.site(node), session, cls=own_class)
    member = world.classes.member(value.cls, name)
    if member is not None:
        kind = function_kind(world, member[1][0])
        return FuncRef(member[1][0], value if kind == "class" else None) if kind != "property" else UNKNOWN
    found = class_attribute(frame, value.cls, name)
    if found is not None:
        return found
    if name in _BUILDERS and info is not None and any(library.startswith(("pydantic", "sqlmodel")) for library in info.libraries):
        return Method(value, name)
    if model is not None and name in ("__table__", "__mapper__"):
        return LibInstance("inspection", (("of", ClassRef(value.cls)),))
    if name in orms.FIELD_LISTS:
        listed = fields_of(frame, value.cls, orms.FIELD_LISTS[name])
        if listed is not None:
            return listed
    if name == "__name__":
        return Plain("str")
    if name == "__members__" and info is not None and any(library.startswith("enum.") for library in info.libraries):
        return Coll("dict", Plain(info.name), Plain("str"), max(1, len(info.attrs)))
    annotated = world.classes.annotation(value.cls, name)
    if annotated is not None:
        return frame.declared_in(annotated[0], annotated[1], f"{value.cls}.{name}")
    return Unknown(f"{value.cls.rsplit(':', 1)[-1]} has no {name} in the project")


def _of_library(frame: Frame, value: LibInstance, name: str, node: r.Node) -> Value:
    if value.cls == "inspection":
        found = introspected(frame, value, name)
        if found is not None:
            return found
    if value.cls == "template_module":
        return LibInstance("template_macro", (*value.data, ("name", Const(name, "str"))))
    if value.cls == "kwargs":
        return Method(value, name)
    if value.cls == "awaitable_attributes":
        entity = value.data[0][1]
        if isinstance(entity, Entity):
            path = ".".join((*entity.path, name))
            known = frame.world.classes.mapped_attribute(entity.model, name)
            live = frame.state.live.get(entity.origin, FRESH)
            if (
                known is not None
                and known.kind == "relationship"
                and path not in live.loaded
                and path not in entity.origin.loaded
                and entity.origin.exact
            ):
                _load(frame, entity, known, node, "awaited", None)
            mark_loaded(frame, entity.origin, path, asked=True)
            refresh_one(frame, entity, ())
            mapped = frame.world.classes.mapped_attribute(entity.model, name)
            if mapped is not None:
                return Awaitable(read(frame, entity, mapped, node))
        return UNKNOWN
    if value.cls == "database":
        if name == "session":
            return flask_session(frame)
        if name == "Model":
            return LibRef("flask_sqlalchemy.model.Model")
    if value.cls in orms.NAMESPACES and (value.cls, name) not in orms.METHODS:
        for module in orms.NAMESPACES[value.cls].modules:
            if f"{module}.{name}" in orms.CLASSES or f"{module}.{name}" in orms.FUNCTIONS or f"{module}.{name}" in orms.LOADERS:
                return LibRef(f"{module}.{name}")
        return LibRef(f"sqlalchemy.{name}")
    row = orms.METHODS.get((value.cls, name))
    if row is not None and row.is_property:
        return frame.call(Method(value, name), (), node)
    if row is not None:
        return Method(value, name)
    for field, item in value.data:
        if field == name:
            return item
    if value.cls in orms.KINDS or value.cls in _OWN_KINDS:
        return Method(value, name)
    effects = frame.world.config.external_effects
    if effects and (value.cls in effects or f"{value.cls}.{name}" in effects):
        return Method(value, name)
    return Unknown(f"{name} belongs to a library's {value.cls}")


def _of_super(frame: Frame, value: Super, name: str, node: r.Node) -> Value:
    world = frame.world
    owner = value.bound
    start = owner.cls if isinstance(owner, (Instance, ClassRef)) else owner.model if isinstance(owner, Entity) else value.cls
    info = world.classes.infos.get(start) or world.classes.infos.get(value.cls)
    if info is None:
        return UNKNOWN
    order = info.mro
    after = order[order.index(value.cls) + 1 :] if value.cls in order else ()
    for cls in after:
        ids = world.classes.infos[cls].methods.get(name)
        if ids:
            kind = function_kind(world, ids[0])
            if kind == "property":
                return frame.call(FuncRef(getters(world, ids)[0], owner), (), node)
            return FuncRef(ids[0], None if kind == "static" else owner)
        expr = world.classes.infos[cls].attrs.get(name)
        if expr is not None:
            return class_attribute(frame, cls, name) or UNKNOWN
    return Method(value, name)
