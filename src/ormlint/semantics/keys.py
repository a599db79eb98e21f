"""By which columns a row of a mapped class is told from all others, and which columns a relationship stands on.

Takes classes; gives names of column attributes. What a constraint is made of is read from the mapping; indexes over expressions and
partial ones tell nothing.
"""

from __future__ import annotations

from ormlint.semantics.classes import Classes
from ormlint.semantics.mapped import Attribute


def columns_of(classes: Classes, model: str, name: str) -> tuple[str, ...]:
    """The column attributes that an attribute stands for: itself, or the foreign keys of a relationship to one object."""
    attribute = classes.mapped_attribute(model, name)
    if attribute is None:
        return (name,)
    if attribute.kind == "synonym" and attribute.via:
        return (attribute.via[0],)
    if attribute.kind == "relationship" and not attribute.many:
        return local_columns(classes, model, attribute)
    return (name,)


def local_columns(classes: Classes, model: str, attribute: Attribute) -> tuple[str, ...]:
    """The foreign-key attributes of `model` that a relationship to one object uses; () where that is not certain."""
    mapped = classes.model(model)
    target = classes.model(attribute.target or "")
    if mapped is None or target is None or attribute.many:
        return ()
    if attribute.local:
        return tuple(name for name in attribute.local if name in mapped.attributes)
    pointing = tuple(
        column.name
        for column in mapped.attributes.values()
        if column.kind == "column" and column.foreign and target.table and _table_of(column.foreign) == target.table
    )
    return pointing if len(pointing) == 1 else ()


def _table_of(foreign: str) -> str:
    return foreign.rsplit(".", 1)[0].rsplit(".", 1)[-1]


def keys_of(classes: Classes, model: str) -> tuple[frozenset[str], ...]:
    """The sets of columns that are unique: the primary key, and every unique column, constraint and index."""
    mapped = classes.model(model)
    if mapped is None:
        return ()
    primary = frozenset(attribute.name for attribute in mapped.attributes.values() if attribute.primary)
    single = tuple(frozenset({attribute.name}) for attribute in mapped.attributes.values() if attribute.unique)
    return ((primary,) if primary else ()) + single + mapped.keys


def key_within(classes: Classes, model: str, columns: frozenset[str]) -> frozenset[str] | None:
    """A unique set of columns that lies within `columns`; the smallest, and no primary key where there is another."""
    found = [key for key in keys_of(classes, model) if key <= columns]
    return min(reversed(found), key=len) if found else None
