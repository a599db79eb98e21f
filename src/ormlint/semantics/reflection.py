"""Attributes reached by their names: `dir(x)`, mapper introspection, lists of names, and tests on such names.

Takes values; gives a `NameOf`, the string that is one of several known names, or what reading an attribute by such a name gives. Reads are
done through the frame, so that each name that is read is a read like any other.
"""

from __future__ import annotations

from collections.abc import Sequence

from ormlint.facts import records as r
from ormlint.semantics.frame import Frame
from ormlint.semantics.members import function_kind
from ormlint.semantics.values import (
    UNKNOWN,
    ClassRef,
    Coll,
    Const,
    Entity,
    Instance,
    LibInstance,
    LibRef,
    NameOf,
    Plain,
    Tup,
    Unknown,
    Value,
    options_of,
    union,
)

_MOST = 60
_RELATIONS = frozenset({"relationships"})
_COLUMNS = frozenset({"columns", "c", "column_attrs", "local_table", "primary_key"})
_EVERYTHING = frozenset({"attrs", "all_orm_descriptors", "iterate_properties"})


def names_of(values: Sequence[Value]) -> NameOf | None:
    """The values as one name among several, where each is a constant that may name an attribute."""
    found: list[str] = []
    for value in values:
        if isinstance(value, NameOf):
            found.extend(value.names)
        elif isinstance(value, Const) and isinstance(value.value, str) and value.value.isidentifier():
            found.append(value.value)
        else:
            return None
    return NameOf(tuple(dict.fromkeys(found))) if 1 < len(found) <= _MOST else None


def listed(frame: Frame, value: Value) -> Value:
    """`dir(value)`: the names of its mapped attributes and properties, or of a class's members."""
    model = value.model if isinstance(value, Entity) else value.cls if isinstance(value, (ClassRef, Instance)) else ""
    info = frame.world.classes.infos.get(model)
    if info is None or info.model is None:
        return Coll("list", Plain("str"))
    names = dict.fromkeys(info.model.attributes)
    for ancestor in info.mro:
        for name, ids in frame.world.classes.infos[ancestor].methods.items():
            if function_kind(frame.world, ids[0]) == "property":
                names[name] = None
    return Coll("list", _name(tuple(names)))


def introspected(frame: Frame, value: LibInstance, name: str) -> Value | None:
    """A member of what `inspect(x)`, `x.__mapper__` or `x.__table__` gives: collections of names; None where it is something else."""
    of = dict(value.data).get("of", UNKNOWN)
    if name == "mapper":
        return value
    if name in ("class_", "entity") and isinstance(of, (Entity, ClassRef)):
        return ClassRef(of.model) if isinstance(of, Entity) else of
    model = of.model if isinstance(of, Entity) else of.cls if isinstance(of, ClassRef) else ""
    info = frame.world.classes.infos.get(model)
    if info is None or info.model is None:
        return None
    if isinstance(of, Entity) and value.cls == "inspection" and name == "attrs":
        return None  # the state of an object: what its items hold is not read from the object
    kinds: tuple[str, ...]
    if name in _RELATIONS:
        kinds = ("relationship",)
    elif name in _COLUMNS:
        kinds = ("column",)
    elif name in _EVERYTHING:
        kinds = ("column", "relationship", "property", "composite")
    else:
        return None
    names = tuple(attribute.name for attribute in info.model.attributes.values() if attribute.kind in kinds)
    elem = _name(names)
    return Coll("dict", elem, elem) if names else Coll("dict", UNKNOWN, UNKNOWN, 0)


def fields_of(frame: Frame, cls: str, wanted: str) -> Value | None:
    """The fields that a schema class declares, as its library lists them: names of annotations, or of attributes made by a call."""
    info = frame.world.classes.infos.get(cls)
    if info is None:
        return None
    names: dict[str, None] = {}
    for ancestor in info.mro:
        shape = frame.world.classes.infos[ancestor]
        if wanted == "annotated":
            names.update(dict.fromkeys(shape.annotations))
        else:
            names.update(dict.fromkeys(name for name, expr in shape.attrs.items() if isinstance(expr, r.Call)))
    found = _name(tuple(name for name in names if not name.startswith("_")))
    return Coll("dict", found, found) if names else None


def _name(names: tuple[str, ...]) -> Value:
    if not names or len(names) > _MOST:
        return Plain("str")
    return Const(names[0], "str") if len(names) == 1 else NameOf(names)


def read_each(frame: Frame, owner: Value, names: NameOf, node: r.Node) -> Value:
    """`getattr(owner, name)` for a name that is one of several: each of them is read."""
    found: list[Value] = []
    for item in options_of(owner):
        if isinstance(item, (Entity, Instance, ClassRef)):
            for name in names.names:
                value = frame.attribute(item, name, node)
                if not isinstance(value, Unknown):
                    found.append(value)
    parts = union(tuple(found), len(names.names))
    return parts if found else UNKNOWN


def narrow_names(frame: Frame, test: r.Expr, positive: bool) -> None:
    """A test on a name leaves those names for which it holds; where it cannot be read, which of them are left is not known."""
    if type(test) is r.Compare and len(test.ops) == 1 and isinstance(test.left, (r.Name, r.Attr)):
        variable = _variable(test.left)
        value = frame.state.vars.get(variable) if variable else None
        if type(value) is not NameOf:
            return
        op = test.ops[0]
        if op in ("in", "not in", "==", "!="):
            others = _constants(frame.evaluate(test.rights[0]))
            if others is None:
                frame.state.vars[variable] = Plain("str")
            else:
                kept = (op in ("in", "==")) is positive
                _keep(frame, variable, tuple(name for name in value.names if (name in others) is kept))
        return
    if type(test) is r.Call:
        if type(test.func) is r.Attr and test.func.attr in ("startswith", "endswith") and len(test.args) == 1:
            variable = _variable(test.func.value)
            value = frame.state.vars.get(variable) if variable else None
            others = _constants(frame.evaluate(test.args[0].value))
            if type(value) is NameOf and others is not None:
                starts = test.func.attr == "startswith"
                given = tuple(others)
                left = [name for name in value.names if (name.startswith(given) if starts else name.endswith(given)) is positive]
                _keep(frame, variable, tuple(left))
            return
        if type(test.func) is r.Name and test.func.id in ("hasattr", "getattr", "isinstance", "callable"):
            return
        for arg in test.args:
            variable = _variable(arg.value)
            if variable and isinstance(frame.state.vars.get(variable), NameOf):
                frame.state.vars[variable] = Plain("str")


def _keep(frame: Frame, variable: str, names: tuple[str, ...]) -> None:
    if names:
        frame.state.vars[variable] = _name(names)
    else:
        frame.dead = True


def _variable(expr: r.Expr) -> str:
    if isinstance(expr, r.Name):
        return expr.id
    return expr.value.id if isinstance(expr, r.Attr) and expr.attr in ("name", "key") and isinstance(expr.value, r.Name) else ""


def _constants(value: Value) -> frozenset[str] | None:
    found: set[str] = set()
    for item in options_of(value):
        parts: tuple[Value, ...] = item.items if isinstance(item, Tup) else (item.elem,) if isinstance(item, Coll) else (item,)
        for part in parts:
            if isinstance(part, NameOf):
                found.update(part.names)
            elif isinstance(part, Const) and isinstance(part.value, str):
                found.add(part.value)
            else:
                return None
    return frozenset(found)


def classes_tested(frame: Frame, value: Value, types: Sequence[Value], positive: bool) -> Value:
    """What is left of a value where `isinstance` told (or denied) one of these types; what may be either stays."""
    kept: list[Value] = []
    for part in options_of(value):
        verdict = _is_instance(frame, part, types)
        if verdict is None or verdict is positive:
            kept.append(part)
    return union(tuple(kept), len(kept))


_SHAPES = ("typing", "collections", "abc.", "builtins.", "sqlalchemy", "sqlmodel", "flask_sqlalchemy", "pydantic", "numbers.")
"""The modules of classes that a mapped class may be an instance of without naming them among its bases."""
_BUILTINS = frozenset({"str", "int", "float", "bool", "bytes", "complex", "date", "datetime", "timedelta", "Decimal", "UUID", "Enum"})
_COLLECTIONS = {
    "list": "list", "InstrumentedList": "list", "set": "set", "InstrumentedSet": "set", "dict": "dict", "tuple": "tuple",
    "Mapping": "dict", "MutableMapping": "dict",
}  # fmt: skip
_ANY_COLLECTION = frozenset({"Iterable", "Collection", "Sequence", "MutableSequence"})


def _is_instance(frame: Frame, part: Value, types: Sequence[Value]) -> bool | None:
    verdicts = [_is_one(frame, part, type_) for type_ in types]
    return True if True in verdicts else None if None in verdicts else False


def _is_one(frame: Frame, part: Value, type_: Value) -> bool | None:
    classes = frame.world.classes
    if isinstance(type_, LibInstance) or type(type_).__name__ not in ("ClassRef", "LibRef"):
        return None
    if isinstance(type_, ClassRef):
        if isinstance(part, (Coll, Plain, Const, NameOf, Tup)):
            return None if isinstance(part, Plain) and not part.type else False
        model = part.model if isinstance(part, Entity) else part.cls if isinstance(part, Instance) else ""
        info = classes.infos.get(model)
        if info is None or not isinstance(part, (Entity, Instance)):
            return None
        if type_.cls in info.mro:
            return True
        below = classes.subclasses.get(model, ())
        maybe = any(type_.cls in classes.infos[sub].mro for sub in below if sub in classes.infos)
        return None if maybe or (info.libraries and isinstance(part, Instance)) else False
    short = getattr(type_, "name", "").rsplit(".", 1)[-1]
    if short in _COLLECTIONS or short in _ANY_COLLECTION:
        if isinstance(part, Coll):
            wanted = _COLLECTIONS.get(short)
            return True if wanted == part.kind or (wanted is None and part.kind != "iterator") else None
        return False if isinstance(part, (Entity, Const, NameOf)) and short not in _ANY_COLLECTION else None
    if short in _BUILTINS:
        return False if isinstance(part, (Entity, Coll)) and not _inherits(frame, part) else None
    if isinstance(part, Entity) and isinstance(type_, LibRef) and not type_.name.startswith(_SHAPES):
        info = classes.infos.get(part.model)
        # A library's class of which the mapped class knows nothing: `isinstance(order, Response)`.
        return False if info is not None and type_.name not in info.libraries and not classes.subclasses.get(part.model) else None
    return None


def _inherits(frame: Frame, part: Value) -> bool:
    """A mapped class may itself inherit from a builtin."""
    info = frame.world.classes.infos.get(part.model) if isinstance(part, Entity) else None
    return info is not None and any(library.startswith("builtins.") for library in info.libraries)
