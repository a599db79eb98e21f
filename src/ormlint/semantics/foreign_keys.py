"""Which table refers to which: the direction of relationships by their foreign keys, and the sides that `backref` makes.

Takes mapped classes whose columns and relationships have been read. Where no key tells, a relationship is of many.
"""

from __future__ import annotations

import re

import msgspec

from ormlint.facts import records as r
from ormlint.facts.walking import walk
from ormlint.semantics.classes import Classes
from ormlint.semantics.mapped import Attribute, ClassInfo, Model
from ormlint.semantics.mapping_style import snake
from ormlint.semantics.relationships import strategy
from ormlint.semantics.written_arguments import constants, is_false, last_names, qualified, words_in


def relate(classes: Classes, info: ClassInfo) -> None:
    """Directions of 1.x relationships by their foreign keys, and the other sides that `backref` makes."""
    model = info.model
    assert model is not None
    mine = set(info.mro)
    for owner, name, undirected, keywords, backref in classes.pending:
        if owner not in mine or name not in model.attributes or model.attributes[name].owner != owner:
            continue
        attribute = model.attributes[name]
        if undirected and (attribute.target is not None or "secondary" in keywords):
            attribute = msgspec.structs.replace(attribute, many=_is_many(classes, model, attribute, keywords))
            model.attributes[name] = attribute
        if backref is None or attribute.target is None:
            continue
        _backref(classes, info, attribute, keywords, backref)


def _backref(classes: Classes, info: ClassInfo, attribute: Attribute, keywords: dict[str, r.Expr], backref: r.Expr) -> None:
    lazy, passive = "select", False
    uselist: bool | None = None
    if isinstance(backref, r.Const):
        name = str(backref.value)
    elif isinstance(backref, r.Call) and backref.args and isinstance(backref.args[0].value, r.Const):
        name = str(backref.args[0].value.value)
        for arg in backref.args[1:]:
            if arg.keyword == "lazy" and isinstance(arg.value, r.Const):
                lazy = strategy(arg.value.value)
            elif arg.keyword == "uselist" and isinstance(arg.value, r.Const):
                uselist = bool(arg.value.value)
            elif arg.keyword == "passive_deletes":
                passive = not is_false(arg.value)
    else:
        return
    target = classes.model(attribute.target or "")
    if target is None:
        return
    many = uselist if uselist is not None else ("secondary" in keywords or not attribute.many)
    target.attributes.setdefault(
        name,
        Attribute(
            name, "relationship", attribute.site, attribute.target or "", info.id, many, lazy, attribute.name, passive_deletes=passive
        ),
    )
    info.model.attributes[attribute.name] = msgspec.structs.replace(attribute, back=name)  # type: ignore[union-attr]


def _is_many(classes: Classes, model: Model, attribute: Attribute, keywords: dict[str, r.Expr]) -> bool:
    if "secondary" in keywords:
        return True
    target = classes.model(attribute.target or "")
    if target is None:
        return True
    if attribute.target != model.cls:
        side = _side_of(classes, model, target, _foreign_keys(keywords))
        if side:
            return side == "theirs"
    remote = keywords.get("remote_side")
    if remote is not None:
        names = last_names(remote)
        return not any(name in target.attributes and target.attributes[name].primary for name in names) and "id" not in names
    to_target = _points(classes, model, target)
    to_mine = _points(classes, target, model)
    if attribute.target == model.cls:
        return True
    if to_target and not to_mine:
        return False
    if to_mine and not to_target:
        return True
    join = keywords.get("primaryjoin")
    if join is not None:
        joined = set(last_names(join)) | set(words_in(join))
        own = any(a.foreign and a.name in joined for a in model.attributes.values())
        if own and not any(a.foreign and a.name in joined for a in target.attributes.values()):
            return False
    return not to_target


def points_back(classes: Classes, attribute: Attribute) -> bool:
    """Whether the foreign key of a relationship to one object stands in that object's table."""
    source, target = classes.model(attribute.owner), classes.model(attribute.target or "")
    return source is not None and target is not None and _points(classes, target, source) and not _points(classes, source, target)


def references(classes: Classes, source: str, target: str) -> tuple[str, ...]:
    """The columns of one mapped class that are foreign keys to the table of another."""
    mine, theirs = classes.model(source), classes.model(target)
    if mine is None or theirs is None:
        return ()
    return tuple(
        attribute.name
        for attribute in mine.attributes.values()
        if attribute.foreign is not None and _names(classes, attribute.foreign, theirs)
    )


def _side_of(classes: Classes, mine: Model, theirs: Model, keys: tuple[tuple[str, str], ...]) -> str:
    """Whose columns the foreign keys are, as (class, column): "mine", "theirs", or "" where that is not known."""
    sides = set()
    for owner, name in keys:
        is_mine = name in mine.attributes and owner in ("", classes.infos[mine.cls].name)
        is_theirs = name in theirs.attributes and owner == classes.infos[theirs.cls].name
        sides.add("mine" if is_mine else "theirs" if is_theirs else "")
    return sides.pop() if len(sides) == 1 else ""


def _points(classes: Classes, source: Model, target: Model) -> bool:
    """Whether a foreign key of `source` names the table of `target` or of one of its mapped ancestors."""
    tables = _tables(classes, target)
    return any(_table_of(attribute.foreign) in tables for attribute in source.attributes.values() if attribute.foreign is not None)


def _names(classes: Classes, foreign: str, target: Model) -> bool:
    return _table_of(foreign) in _tables(classes, target)


def _tables(classes: Classes, target: Model) -> set[str | None]:
    """The names by which foreign keys may speak of the table of a mapped class."""
    tables: set[str | None] = {target.table}
    for ancestor in classes.infos[target.cls].mro:
        model = classes.infos[ancestor].model
        if model is not None:
            tables.add(model.table)
    name = classes.infos[target.cls].name
    tables.add(name)  # `ForeignKey(Parent.id)`
    if target.table is None:  # a computed name: what people compute
        tables |= {name.lower(), snake(name), f"{name.lower()}s", f"{snake(name)}s"}
    return tables


def _table_of(foreign: str) -> str:
    return foreign.rsplit(".", 1)[0].rsplit(".", 1)[-1]


def _foreign_keys(keywords: dict[str, r.Expr]) -> tuple[tuple[str, str], ...]:
    """The columns, as (class or "", name), that `foreign_keys=` or `foreign(…)` in the join condition names."""
    written = keywords.get("foreign_keys")
    if written is not None:
        return qualified(written)
    join = keywords.get("primaryjoin")
    if join is None:
        return ()
    found: list[tuple[str, str]] = []
    for const in constants((r.ExprStmt(0, 0, join),)):
        if isinstance(const.value, str):
            found += [(cls.rsplit(".", 1)[-1], name) for cls, name in re.findall(r"\bforeign\(\s*([\w.]+)\.(\w+)", const.value)]
    for node in walk(join):
        if isinstance(node, r.Call) and isinstance(node.func, (r.Name, r.Attr)) and last_names(node.func) == ("foreign",):
            found += [pair for arg in node.args for pair in qualified(arg.value)]
    return tuple(found)
