"""Relationships as they are written: their target, many or one, how they are loaded, what stands on the other side.

Takes a call of `relationship()` and its like, with the form of its annotation; gives the attribute. What only the tables tell, its
direction, is left to `foreign_keys`.
"""

from __future__ import annotations

from ormlint.facts import records as r
from ormlint.semantics.classes import Classes
from ormlint.semantics.definitions import DefinedClass
from ormlint.semantics.mapped import Attribute
from ormlint.semantics.mapped_annotations import PLURALS, is_optional, target_of
from ormlint.semantics.values import Site
from ormlint.semantics.written_arguments import is_false, last_names


def relationship_of(
    classes: Classes, module: str, site: Site, name: str, call: r.Call, form: tuple[str, r.Expr] | None, owner: str
) -> Attribute:
    keywords = {arg.keyword: arg.value for arg in call.args if arg.keyword}
    sa_args = keywords.get("sa_relationship_kwargs")
    if isinstance(sa_args, r.Dict):
        for key, value in zip(sa_args.keys, sa_args.values, strict=True):
            if isinstance(key, r.Const) and isinstance(key.value, str):
                keywords.setdefault(key.value, value)
    first = next((arg.value for arg in call.args if arg.keyword is None and not arg.star), None) or keywords.get("argument")
    target = None
    many: bool | None = None
    collection = "list"
    lazy = "select"
    if form is not None:
        target, plural, collection = target_of(classes, module, form[1])
        many = plural
        lazy = {"WriteOnlyMapped": "write_only", "DynamicMapped": "dynamic"}.get(form[0], lazy)
        if lazy != "select":
            many = True
    if first is not None:
        named = _named_target(classes, module, first)
        target = named or target
    if any(arg.star == 2 for arg in call.args):
        lazy = "unknown"
    written = keywords.get("lazy")
    if isinstance(written, r.Const):
        lazy = strategy(written.value)
    elif written is not None:
        lazy = "unknown"
    uselist = keywords.get("uselist")
    if isinstance(uselist, r.Const) and isinstance(uselist.value, bool):
        many = uselist.value
    klass = keywords.get("collection_class")
    if isinstance(klass, r.Name) and classes.symbols.spelled(module, klass) in PLURALS:
        collection = PLURALS[classes.symbols.spelled(module, klass)]
    elif klass is not None and "dict" in repr(klass).lower():
        collection = "dict"
    back = keywords.get("back_populates")
    backref = keywords.get("backref")
    attribute = Attribute(
        name, "relationship", site, owner, target, bool(many), lazy,
        str(back.value) if isinstance(back, r.Const) else None, collection=collection,
        passive_deletes="passive_deletes" in keywords and not is_false(keywords["passive_deletes"]),
        viewonly="viewonly" in keywords and not is_false(keywords["viewonly"]),
        nullable=form is not None and is_optional(classes, module, form[1]),
        local=tuple(last_names(keywords["foreign_keys"])) if "foreign_keys" in keywords else (),
    )  # fmt: skip
    classes.pending.append((owner, name, many is None, keywords, backref))
    return attribute


def _named_target(classes: Classes, module: str, expr: r.Expr) -> str | None:
    if isinstance(expr, r.Lambda):
        expr = expr.body
    if isinstance(expr, r.Const) and isinstance(expr.value, str):
        return classes.named(module, expr.value)
    if isinstance(expr, (r.Name, r.Attr)):
        if isinstance(expr, r.Name) and (module, expr.id) in classes.mappers:
            return classes.mappers[(module, expr.id)]
        symbol = classes.resolve(module, expr)
        if isinstance(symbol, DefinedClass):
            return symbol.id
        if symbol is None and isinstance(expr, r.Name):
            return classes.named(module, expr.id)
    return None


def strategy(value: str | float | bool | None) -> str:
    """The strategy that a written `lazy=` means, by its long name."""
    if isinstance(value, str):
        return value
    return "select" if value is True else "joined" if value is False else "noload"
