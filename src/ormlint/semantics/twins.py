"""Fields of domain classes that mirror what only the table of their mapped twin needs.

Takes a field, the column that a mapper gives it, and the classes; says why the field is a storage detail, in words. A twin is the model
from whose columns the project builds the class. Knows nothing of where findings go.
"""

from __future__ import annotations

from collections.abc import Iterable

from ormlint.facts import records as r
from ormlint.facts.walking import inner, walk
from ormlint.semantics.classes import Classes
from ormlint.semantics.frame import World
from ormlint.semantics.mapped import Attribute, ClassInfo
from ormlint.semantics.members import assigned_fields
from ormlint.semantics.symbols import ModuleScope
from ormlint.semantics.values import Site

_WHOLE = frozenset({"Integer", "BigInteger", "SmallInteger", "INTEGER", "BIGINT", "SMALLINT", "int", "Serial"})
_KEYS = frozenset({"id", "pk", "oid", "rowid", "row_id", "db_id", "key_id", "database_id"})


def storage_detail(classes: Classes, field: Declared, column: Attribute, asked: frozenset[str]) -> str:
    """Why a field is there only because its twin's column is, in words; "" where it may mean something. `asked` are the attributes that
    domain code reads."""
    if field.made or not _is_value(classes, field):
        return ""
    is_named_as_key = column.name in _KEYS or column.name == f"{field.owner.name.lower()}_id"
    if column.primary and is_named_as_key and column.foreign is None:
        return f"the surrogate key {column.name}" if _is_whole(classes, column) else ""
    if column.foreign is not None:
        return f"the foreign key {column.name}" if _is_whole(classes, column) else ""
    if field.optional and column.generated and field.name not in asked:
        return f"{column.name} from the database"
    return ""


def _is_whole(classes: Classes, column: Attribute, depth: int = 0) -> bool:
    """Whether a column holds whole numbers, its own or those of the key it refers to."""
    if column.type in _WHOLE:
        return True
    if column.foreign is None or column.type or depth > 4:
        return False
    table, _, name = column.foreign.rpartition(".")
    for info in classes.infos.values():
        if info.model is not None and info.model.table == table:
            target = info.model.attributes.get(name)
            return target is not None and _is_whole(classes, target, depth + 1)
    return False


def _is_value(classes: Classes, field: Declared) -> bool:
    """Whether a field is declared a plain value, or not at all: a class of the project's own is a typed reference."""
    return not any(info.name in field.words for info in classes.infos.values() if info.module and field.words)


class Declared:
    """How a class declares one field."""

    def __init__(self, owner: ClassInfo, name: str, site: Site, annotation: r.Expr | None, default: r.Expr | None) -> None:
        self.owner = owner
        self.name = name
        self.site = site
        self.words = frozenset(_words(annotation))
        self.made = isinstance(default, (r.Call, r.Lambda)) and not _is_none(default)
        self.optional = "Optional" in self.words or "None" in self.words or _is_none(default)


def declared_field(world: World, cls: str, name: str) -> Declared | None:
    """The field that a parameter of the constructor fills; None where that cannot be told."""
    for ancestor in world.classes.infos[cls].mro:
        info = world.classes.infos[ancestor]
        path = world.symbols.modules[info.module].path
        annotation = info.annotations.get(name)
        if annotation is not None and not info.methods.get("__init__"):
            return Declared(info, name, Site(path, annotation.start, annotation.end), annotation, info.attrs.get(name))
        for id in info.methods.get("__init__", ())[:1]:
            node = world.symbols.functions[id].node
            for param in node.params:
                if param.name != name:
                    continue
                for field, assigned in assigned_fields(world, ancestor).items():
                    for function, expr, _ in assigned:
                        if function == id and isinstance(expr, r.Name) and expr.id == name:
                            return Declared(info, field, Site(path, expr.start, expr.end), param.annotation, param.default)
            return None
    return None


def has_twin(world: World, model: str) -> bool:
    """Whether a plain class of the project has the name of a mapped one and fields of its columns: which of them an annotation means
    nobody checks, and the plain one is read without SQL."""
    known = world.twins.get(model)
    if known is None:
        mine = world.classes.infos[model]
        columns = frozenset(mine.model.attributes) if mine.model is not None else frozenset()
        known = world.twins[model] = any(
            info.name == mine.name and info.model is None and len(columns & _fields(world, info)) >= ALIKE
            for info in world.classes.infos.values()
        )
    return known


ALIKE = 2
"""So many fields in common make a class of the same name a twin."""


def _fields(world: World, info: ClassInfo) -> frozenset[str]:
    made = [world.symbols.functions[id].node.params for id in info.methods.get("__init__", ())[:1]]
    return frozenset(info.annotations) | frozenset(param.name for params in made for param in params)


def attributes_read(scopes: Iterable[ModuleScope]) -> frozenset[str]:
    """The names of the attributes that some modules mention."""
    return frozenset(node.attr for scope in scopes for node in walk(scope.record.body) if isinstance(node, r.Attr))


def _words(annotation: object) -> Iterable[str]:
    stack: list[object] = [annotation]
    while stack:
        node = stack.pop()
        if isinstance(node, r.Name):
            yield node.id
        elif isinstance(node, r.Attr):
            yield node.attr
        elif isinstance(node, r.Const):
            if node.kind == "none":
                yield "None"
            elif isinstance(node.value, str):
                yield from node.value.replace("|", " ").replace("[", " ").replace("]", " ").replace(",", " ").split()
        elif isinstance(node, r.Node):
            stack.extend(inner(node))
        elif isinstance(node, tuple):
            stack.extend(node)


def _is_none(expr: object) -> bool:
    if isinstance(expr, r.Call):  # `field(default=None)`, `Field(None)`
        return any(_is_none(arg.value) for arg in expr.args if arg.keyword in (None, "default"))
    return isinstance(expr, r.Const) and expr.kind == "none"
