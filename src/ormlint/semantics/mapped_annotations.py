"""What annotations say of mapped attributes: `Mapped[X]` and its kin, the class that is meant, many or one, optional.

Takes a module and an annotation; a target that cannot be found is None, and nothing is concluded from it.
"""

from __future__ import annotations

from ormlint.facts import records as r
from ormlint.semantics.annotations import parse_annotation
from ormlint.semantics.classes import Classes
from ormlint.semantics.definitions import DefinedClass, Library
from ormlint.semantics.kinds import kind_of

PLURALS = {
    "list": "list", "List": "list", "Sequence": "list", "set": "set", "Set": "set", "frozenset": "set", "Collection": "list",
    "Iterable": "list", "MutableSequence": "list", "MutableSet": "set", "AbstractSet": "set", "InstrumentedList": "list",
    "dict": "dict", "Dict": "dict", "Mapping": "dict", "MutableMapping": "dict", "KeyFuncDict": "dict", "tuple": "list",
    "OrderingList": "list", "deque": "list", "InstrumentedSet": "set", "InstrumentedDict": "dict",
}  # fmt: skip


def mapped_form(classes: Classes, module: str, annotation: r.Expr | None) -> tuple[str, r.Expr] | None:
    """`Mapped[X]` and its kin as (wrapper, X)."""
    if isinstance(annotation, r.Const) and isinstance(annotation.value, str):
        annotation = parse_annotation(annotation.value, annotation.start, annotation.end)
    if type(annotation) is not r.Sub:
        return None
    symbol = classes.resolve(module, annotation.value)
    if isinstance(symbol, Library) and kind_of(symbol.name) in ("mapped_annotation", "dynamic_annotation", "write_only_annotation"):
        return symbol.name.rsplit(".", 1)[1], annotation.index
    return None


def target_of(classes: Classes, module: str, annotation: r.Expr | None) -> tuple[str | None, bool, str]:
    """The mapped class that an annotation names, whether as a collection, and of which kind."""
    if isinstance(annotation, r.Const) and isinstance(annotation.value, str):
        annotation = parse_annotation(annotation.value, annotation.start, annotation.end)
    if isinstance(annotation, r.BinOp) and annotation.op == "|":
        left = target_of(classes, module, annotation.left)
        return left if left[0] is not None else target_of(classes, module, annotation.right)
    if isinstance(annotation, r.Sub):
        name = classes.symbols.spelled(module, annotation.value)
        if name in ("Optional", "Annotated", "Union"):
            index = annotation.index
            items = index.items if type(index) is r.Seq else (index,)
            for item in items if name == "Union" else items[:1]:
                found = target_of(classes, module, item)
                if found[0] is not None:
                    return found
            return None, False, "list"
        if name in PLURALS:
            index = annotation.index
            item = index.items[-1] if type(index) is r.Seq and index.items else index
            if name == "tuple" and type(index) is r.Seq and index.items:
                item = index.items[0]
            return target_of(classes, module, item)[0], True, PLURALS[name]
        return target_of(classes, module, annotation.value)
    if isinstance(annotation, (r.Name, r.Attr)):
        symbol = classes.resolve(module, annotation)
        if isinstance(symbol, DefinedClass):
            return (symbol.id, False, "list") if _may_be_mapped(classes, symbol.id) else (None, False, "list")
        if symbol is None and isinstance(annotation, r.Name):
            return classes.named(module, annotation.id), False, "list"
    return None, False, "list"


def _may_be_mapped(classes: Classes, id: str) -> bool:
    info = classes.infos.get(id)
    return info is not None and (info.model is not None or info.is_base)


def column_type(classes: Classes, module: str, annotation: r.Expr | None) -> str:
    if isinstance(annotation, r.Const) and isinstance(annotation.value, str):
        annotation = parse_annotation(annotation.value, annotation.start, annotation.end)
    if isinstance(annotation, r.BinOp):
        return column_type(classes, module, annotation.left if not isinstance(annotation.left, r.Const) else annotation.right)
    if isinstance(annotation, r.Sub):
        name = classes.symbols.spelled(module, annotation.value)
        if name in ("Optional", "Annotated"):
            return column_type(classes, module, annotation.index.items[0] if type(annotation.index) is r.Seq else annotation.index)
        return name
    return classes.symbols.spelled(module, annotation)


def is_optional(classes: Classes, module: str, annotation: r.Expr) -> bool:
    if isinstance(annotation, r.Const) and isinstance(annotation.value, str):
        return "Optional" in annotation.value or "None" in annotation.value
    if isinstance(annotation, r.BinOp):
        return any(isinstance(side, r.Const) and side.kind == "none" for side in (annotation.left, annotation.right))
    return isinstance(annotation, r.Sub) and classes.symbols.spelled(module, annotation.value) == "Optional"
