"""Members of the project's classes: kinds of functions, class attributes, fields that methods assign, implementations of ports.

Everything here is looked up on demand and remembered in the world. A field is what any method assigns to `self.name`, evaluated
with what the method's parameters declare.
"""

from __future__ import annotations

import re
from itertools import pairwise

import msgspec

from ormlint.facts import records as r
from ormlint.semantics.changes import Change
from ormlint.semantics.declared import given_by
from ormlint.semantics.definitions import Library
from ormlint.semantics.fillers import fills
from ormlint.semantics.frame import Frame, World
from ormlint.semantics.kinds import kind_of
from ormlint.semantics.loading import eager_below, model_at
from ormlint.semantics.summaries import transform
from ormlint.semantics.symbols import applied, last_name, nested_bodies
from ormlint.semantics.values import (
    NONE,
    UNKNOWN,
    ClassRef,
    Coll,
    Const,
    Entity,
    Instance,
    LibInstance,
    Never,
    Session,
    SessionId,
    Site,
    UnionOf,
    Unknown,
    Value,
    join,
    options_of,
    unowned,
)

_PROPERTIES = frozenset({"builtins.property", "functools.cached_property", "abc.abstractproperty", "werkzeug.utils.cached_property",
                         "django.utils.functional.cached_property", "cached_property.cached_property"})  # fmt: skip


def function_kind(world: World, id: str) -> str:
    """property, static, class, or method, by the decorators of a function."""
    node = world.symbols.functions[id]
    if not node.node.decorators:
        return (
            "class"
            if node.node.name in ("__init_subclass__", "__class_getitem__")
            else "static"
            if node.node.name == "__new__"
            else "method"
        )
    for decorator in node.node.decorators:
        func = applied(decorator)
        if isinstance(func, r.Name):
            if func.id == "staticmethod":
                return "static"
            if func.id == "classmethod":
                return "class"
            if func.id in ("property", "cached_property"):
                return "property"
        if isinstance(func, r.Attr) and func.attr in ("setter", "deleter", "expression", "comparator", "inplace", "update_expression"):
            return "setter"
        symbol = world.classes.resolve(node.module, func)
        if isinstance(symbol, Library):
            if symbol.name in _PROPERTIES or kind_of(symbol.name) in ("hybrid",):
                return "property"
            if kind_of(symbol.name) == "declared_attr":
                return "property"
        last = world.symbols.spelled(node.module, func)
        if last in ("cached_property", "abstractproperty", "reify", "classproperty", "locked_cached_property"):
            return "property"
    return "method"


def getters(world: World, ids: list[str]) -> list[str]:
    """The definitions of one name that are not setters."""
    found = [id for id in ids if function_kind(world, id) != "setter"]
    return found or ids


def is_abstract(world: World, id: str) -> bool:
    """Whether a method promises only: abstract, or with an empty or raising body."""
    node = world.symbols.functions[id].node
    for decorator in node.decorators:
        name = last_name(decorator)
        if name.startswith("abstract"):
            return True
    for stmt in node.body:
        if isinstance(stmt, r.Pass):
            continue
        if isinstance(stmt, r.ExprStmt) and isinstance(stmt.value, r.Const):
            continue
        if isinstance(stmt, r.Raise):
            text = stmt.value.func if isinstance(stmt.value, r.Call) else stmt.value
            return isinstance(text, r.Name) and text.id == "NotImplementedError"
        return False
    return True


_DOUBLES = frozenset({"noop", "fake", "dummy", "stub", "mock", "null"})
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


def _is_double(name: str) -> bool:
    """Whether a class is, by its name, a stand-in for the real thing: what it does to a database is not what happens at work."""
    words = [word.lower() for word in _WORDS.findall(name)]
    return not _DOUBLES.isdisjoint(words) or ("no", "op") in pairwise(words)


MOST_FOLLOWED = 12
"""So many implementations of an abstract method are followed; of more, none is."""


def implementations(world: World, cls: str, name: str) -> tuple[str, ...]:
    """The classes that implement method `name` of an abstract class or Protocol; () where there are more than a few."""
    key = (cls, name)
    known = world.ports.get(key)
    if known is not None:
        return known
    info = world.classes.infos[cls]
    candidates = list(world.classes.subclasses.get(cls, ()))
    if any(library.endswith(".Protocol") for library in info.libraries) and info.methods:
        wanted = {method for method in info.methods if not method.startswith("__")} or set(info.methods)
        for other, shape in world.classes.infos.items():
            if other == cls or other in candidates or any(library.endswith(".Protocol") for library in shape.libraries):
                continue
            if name in shape.methods and all(world.classes.member(other, method) is not None for method in wanted):
                candidates.append(other)
    found = []
    for other in candidates:
        ids = world.classes.infos[other].methods.get(name)
        if ids and not is_abstract(world, ids[0]):
            role = world.symbols.modules[world.classes.infos[other].module].role
            if role in ("test", "fixture") and world.symbols.modules[info.module].role not in ("test", "fixture"):
                continue
            found.append(other)
    real = [other for other in found if not _is_double(world.classes.infos[other].name)]
    found = real or found
    result = tuple(found) if len(found) <= MOST_FOLLOWED else ()
    world.ports[key] = result
    return result


def class_attribute(frame: Frame, cls: str, name: str) -> Value | None:
    """What a class body assigns to `name`, in the class or its ancestors; None where none does."""
    world = frame.world
    found = world.classes.attribute(cls, name)
    if found is None:
        return None
    key = (found[0], name)
    known = world.class_values.get(key)
    value_key = ("class", *key)
    if known is not None:
        world.asks_value(value_key)
        return known
    world.class_values[key] = Unknown("a class attribute that needs itself")
    held = world.begin_value(value_key)
    try:
        value = _class_attribute(frame, cls, name, found)
    finally:
        world.end_value(value_key, held)
    world.class_values[key] = value
    return value


def _class_attribute(frame: Frame, cls: str, name: str, found: tuple[str, r.Expr]) -> Value:
    world = frame.world
    info = world.classes.infos[found[0]]
    inner = frame.module_frame(info.module)
    inner.cls = found[0]
    for other, id in info.nested.items():
        inner.state.vars[other] = ClassRef(id)
    for other in world.names(found[1]):
        if other != name and other in info.attrs:
            inner.state.vars[other] = class_attribute(frame, found[0], other) or UNKNOWN
    value = inner.evaluate(found[1])
    if isinstance(value, LibInstance) and value.cls == "dependency":  # a class-based view: `session: Session = Depends(get_session)`
        value = given_by(inner, value, found[1]) or UNKNOWN
    if isinstance(value, Unknown):
        annotated = info.annotations.get(name)
        if annotated is not None:
            value = frame.declared_in(found[0], annotated, f"{cls}.{name}")
    return value


def assigned_fields(world: World, cls: str) -> dict[str, list[tuple[str, r.Expr | None, r.Expr | None]]]:
    """For each name that a method of this class assigns on `self`: the method, the expression and the annotation."""
    known = world.assignments.get(cls)
    if known is not None:
        return known
    found: dict[str, list[tuple[str, r.Expr | None, r.Expr | None]]] = {}
    for ids in world.classes.infos[cls].methods.values():
        for id in ids:
            node = world.symbols.functions[id].node
            if node.params:
                _assigned_in(node.body, node.params[0].name, id, found)
    world.assignments[cls] = found
    return found


def _assigned_in(
    body: tuple[r.Stmt, ...], owner: str, function: str, found: dict[str, list[tuple[str, r.Expr | None, r.Expr | None]]]
) -> None:
    for stmt in body:
        if isinstance(stmt, r.Assign):
            for target in stmt.targets:
                _note(target, stmt.value, None, owner, function, found)
        elif isinstance(stmt, r.AnnAssign):
            _note(stmt.target, stmt.value, stmt.annotation, owner, function, found)
        elif isinstance(stmt, r.With):
            for item in stmt.items:
                if item.target is not None:
                    _note(item.target, None, None, owner, function, found)
            _assigned_in(stmt.body, owner, function, found)
        else:
            for inner in nested_bodies(stmt):
                _assigned_in(inner, owner, function, found)


def _note(
    target: r.Expr,
    value: r.Expr | None,
    annotation: r.Expr | None,
    owner: str,
    function: str,
    found: dict[str, list[tuple[str, r.Expr | None, r.Expr | None]]],
) -> None:
    if isinstance(target, r.Attr) and isinstance(target.value, r.Name) and target.value.id == owner:
        found.setdefault(target.attr, []).append((function, value, annotation))
    elif isinstance(target, r.Seq) and isinstance(value, r.Seq) and len(value.items) == len(target.items):
        for inner, part in zip(target.items, value.items, strict=True):
            _note(inner, part, None, owner, function, found)


def field_value(frame: Frame, cls: str, name: str) -> Value:
    """What `self.name` may be for any instance of `cls`: all that its methods, and those of its ancestors, assign."""
    world = frame.world
    key = (cls, name)
    known = world.fields.get(key)
    value_key = ("field", *key)
    if known is not None:
        world.asks_value(value_key)
        return _or_built(world, known, cls, name)
    world.fields[key] = Unknown("a field that needs itself")
    held = world.begin_value(value_key)
    try:
        value = _field_value(frame, cls, name)
    finally:
        world.end_value(value_key, held)
    world.fields[key] = value
    return _or_built(world, value, cls, name)


def _field_value(frame: Frame, cls: str, name: str) -> Value:
    world = frame.world
    value: Value | None = None
    info = world.classes.infos[cls]
    for ancestor in info.mro:
        for function, expr, annotation in assigned_fields(world, ancestor).get(name, ()):
            if expr is None and annotation is None:
                continue
            part: Value = UNKNOWN
            if expr is not None:
                part = _named_by_fields(world, evaluate_in(frame, function, expr, cls), cls, function)
            empty = isinstance(part, Coll) and isinstance(part.elem, Never)
            if (isinstance(part, Unknown) or empty) and annotation is not None:
                promised = frame.declared_in(ancestor, annotation, f"{cls}.{name}")
                if empty and isinstance(promised, Coll):
                    promised = _as_filled(world, promised, cls, name)
                part = part if isinstance(promised, Unknown) else promised
            if part == NONE and value is not None:
                continue
            value = part if value is None or value == NONE else join(value, part)
    if value is None:
        value = UNKNOWN
    if isinstance(value, UnionOf) and any(isinstance(item, Unknown) for item in value.items):
        known_parts = tuple(item for item in value.items if not isinstance(item, Unknown))
        value = known_parts[0] if len(known_parts) == 1 else UnionOf(known_parts)
    return _as_field(value, cls, name, world.symbols.modules[info.module].path)


def _as_filled(world: World, value: Coll, cls: str, name: str) -> Coll:
    """A list that begins empty: of each element is loaded what all methods that put one there read of it."""
    read: frozenset[str] | None = None
    for ancestor in world.classes.infos[cls].mro:
        for ids in world.classes.infos[ancestor].methods.values():
            for id in ids:
                filled = world.put_in.get(id)
                if filled is None:
                    filled = world.put_in[id] = fills(world.symbols.functions[id].node)
                found = filled.get(name)
                if found is not None:
                    read = found if read is None else read & found
    if not read:
        return value
    paths = read

    def entity(item: Entity) -> Entity:
        if item.origin.kind != "param":
            return item
        below = [eager_below(world.classes, model_at(world.classes, item.model, path) or "", f"{path}.") for path in paths]
        loaded = item.origin.loaded.union(paths, *below)
        return msgspec.structs.replace(item, origin=msgspec.structs.replace(item.origin, loaded=loaded))

    return msgspec.structs.replace(value, elem=transform(value.elem, lambda session: session, entity))


def _named_by_fields(world: World, value: Value, cls: str, function: str) -> Value:
    """`self.items = Items(session)` beside `self.session = session`: both hold the session of the same field."""
    if not isinstance(value, Instance) or not value.fields:
        return value
    holders: dict[str, str] = {}
    makers: dict[int, str] = {}
    for ancestor in world.classes.infos[cls].mro:
        for field, found in assigned_fields(world, ancestor).items():
            for by, expr, _ in found:
                if by == function and isinstance(expr, r.Name):
                    holders[expr.id] = field
                elif by == function and isinstance(expr, r.Call):
                    makers[expr.start] = field
    path = world.symbols.modules[world.classes.infos[cls].module].path

    def session(held: Session) -> Session:
        field = None
        if held.id.kind == "param":
            field = holders.get(held.id.name)
        elif held.id.kind == "made" and held.id.site.path == path:
            field = makers.get(held.id.site.start)
        return held if field is None else msgspec.structs.replace(held, id=SessionId("field", Site(path, 0, 0), f"{cls}.{field}"))

    return transform(value, session, lambda entity: entity)


def _or_built(world: World, known: Value, cls: str, name: str) -> Value:
    if not isinstance(known, Unknown):
        return known
    world.leave("wanted", (cls, name))
    for ancestor in world.classes.infos[cls].mro:
        world.asks("built", ancestor, name)
        built = world.built.get((ancestor, name))
        # A constant that one construction gives says nothing of what another gives that is not known.
        if built is not None and not all(isinstance(item, Const) for item in options_of(built)):
            return built
    return known


def _as_field(value: Value, cls: str, name: str, path: str) -> Value:
    """The value with its sessions named after the field that holds them."""
    if isinstance(value, Session):
        return msgspec.structs.replace(value, id=SessionId("field", Site(path, 0, 0), f"{cls}.{name}"), born=())
    if isinstance(value, UnionOf):
        return UnionOf(tuple(_as_field(item, cls, name, path) for item in value.items))
    return unowned(value)


_TESTING = frozenset({"test", "fixture"})


def note_built(frame: Frame, cls: str, name: str, value: Value) -> None:
    """Some construction gave this field this value. A fake that a test puts there says nothing of the others."""
    world = frame.world
    if isinstance(value, Unknown) or (frame.scope.role in _TESTING and any(_is_fake(world, item) for item in options_of(value))):
        return
    key = (cls, name)
    value = _as_field(value, cls, name, world.symbols.modules[world.classes.infos[cls].module].path)
    known = world.built.get(key)
    value = value if known is None else join(known, value)
    if value != known:
        world.built[key] = value
        world.changes.append(Change("built", key, value=value))


def _is_fake(world: World, value: Value) -> bool:
    """Whether a value is an object of a class of the tests' own."""
    return isinstance(value, Instance) and world.symbols.modules[world.classes.infos[value.cls].module].role in _TESTING


def evaluate_in(frame: Frame, function: str, expr: r.Expr, cls: str, deep: bool = False) -> Value:
    """What an expression of a function is, told from the simple statements before it; where it is `deep`, also those of the blocks that
    lead to it."""
    inner = frame.function_frame(function, cls)
    inner.budget = 4000
    body = frame.world.symbols.functions[function].node.body
    while body:
        within: tuple[r.Stmt, ...] = ()
        for stmt in body:
            if stmt.start >= expr.start:
                break
            if stmt.end <= expr.start:
                if isinstance(stmt, (r.Assign, r.AnnAssign, r.Import, r.If)):
                    inner.run((stmt,))
            elif deep:
                within = next((block for block in nested_bodies(stmt) if block and block[0].start <= expr.start <= block[-1].end), ())
        body = within
    return inner.evaluate(expr)
