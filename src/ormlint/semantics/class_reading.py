"""From declarations to classes, in steps: bases, which are mapped, what they declare, inherit, and how they are related.

Takes the symbols; gives the `Classes`. Each step goes over all classes before the next one begins, because it asks for what the one before
has found of others. What fails costs what is known of one class.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable

from ormlint.semantics.bases import info_of, linearise
from ormlint.semantics.classes import Classes
from ormlint.semantics.foreign_keys import relate
from ormlint.semantics.mapped import ClassInfo, Model
from ormlint.semantics.mapping_style import find_imperative, mapped_class, mapper_argument
from ormlint.semantics.symbols import Symbols
from ormlint.semantics.tables import declare


def read_classes(symbols: Symbols) -> Classes:
    """All classes of the project, with what is known of the mapped ones."""
    classes = Classes(symbols)
    for id, node in symbols.classes.items():
        classes.infos[id] = info_of(classes, id, node)
    for id in classes.infos:
        linearise(classes, id, ())
    for id, info in classes.infos.items():
        for base in info.mro[1:]:
            classes.subclasses.setdefault(base, []).append(id)
    find_imperative(classes)
    mapped: dict[str, Model | None] = {}
    _each(classes, classes.infos, lambda classes, info: mapped_class(classes, info.id, mapped))
    models = [id for id, model in mapped.items() if model is not None]
    for id in models:
        classes.infos[id].model = mapped[id]
        classes.by_name.setdefault(classes.infos[id].name, []).append(id)
        table = classes.infos[id].model.table  # type: ignore[union-attr]
        if table:
            classes.by_table.setdefault(table, []).append(id)
    _each(classes, models, declare)
    _each(classes, models, _inherit)
    _each(classes, models, relate)
    _each(classes, sorted(models, key=lambda id: len(classes.infos[id].mro)), _inherit)
    _each(classes, models, _renew)
    return classes


def _each(classes: Classes, ids: Iterable[str], step: Callable[[Classes, ClassInfo], object]) -> None:
    """One step of understanding for each class; what fails costs what is known of that class, nothing else."""
    for id in list(ids):
        try:
            step(classes, classes.infos[id])
        except Exception as error:
            if os.environ.get("ORMLINT_DEBUG"):
                raise
            classes.failed[id] = type(error).__name__


def _renew(classes: Classes, info: ClassInfo) -> None:
    """Which columns an UPDATE expires, and whether they stand in several tables."""
    model = info.model
    assert model is not None
    if mapper_argument(classes, info, "eager_defaults"):
        return
    model.renewed = tuple(name for name, attribute in model.attributes.items() if attribute.renewed)
    tables = {parent.table for cls in info.mro if (parent := classes.infos[cls].model) is not None and parent.table is not None}
    model.apart = len(tables) > 1


def _inherit(classes: Classes, info: ClassInfo) -> None:
    assert info.model is not None
    for base in info.mro[1:]:
        parent = classes.infos[base].model
        if parent is not None:
            for name, attribute in parent.attributes.items():
                info.model.attributes.setdefault(name, attribute)
            info.model.keys = tuple(dict.fromkeys((*info.model.keys, *parent.keys)))
