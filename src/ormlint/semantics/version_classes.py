"""Classes that nobody wrote: those that a library of histories maps for the versions of an application's own.

Takes the classes, once they are all known; adds one for each class with such a library's marker, and one of transactions. Where the
application defines a class of that name, or changes what is made, the made one has what can be told. Knows nothing of what reading does.
"""

from __future__ import annotations

import msgspec

from ormlint.facts import records as r
from ormlint.facts.walking import walk
from ormlint.orms import registry as orms
from ormlint.orms.vocabulary import HistoryRow
from ormlint.semantics.classes import Classes
from ormlint.semantics.mapped import Attribute, ClassInfo, Model
from ormlint.semantics.symbols import last_name
from ormlint.semantics.values import Site

_GIVES = {"number": "int", "changes": "dict"}


def add_version_classes(classes: Classes) -> None:
    """Adds what the libraries of histories map, where the project uses one."""
    for row in orms.HISTORIES:
        if not _is_used(classes, row):
            continue
        versioned = [info for info in classes.infos.values() if info.model is not None and _is_versioned(classes, info, row)]
        versioned.sort(key=lambda info: len(info.mro))
        transaction = _transaction(classes, row, versioned[0]) if versioned else ""
        for info in versioned:
            _make(classes, row, info, transaction)
        for info in versioned:
            _relate(classes, info)


def _is_used(classes: Classes, row: HistoryRow) -> bool:
    return any(
        isinstance(stmt, r.Import)
        and any(name.startswith(row.package) for name in (stmt.module or "", *(item.name for item in stmt.names)))
        for scope in classes.symbols.modules.values()
        for stmt in scope.record.body
    )


def _is_versioned(classes: Classes, info: ClassInfo, row: HistoryRow) -> bool:
    found = classes.attribute(info.id, row.marker)
    if found is None:
        return False
    options = _options(found[1])
    return not any(isinstance(value := options.get(name), r.Const) and value.value is False for name in row.switches)


def _options(marker: r.Expr) -> dict[str, r.Expr]:
    if not isinstance(marker, r.Dict):
        return {}
    pairs = zip(marker.keys, marker.values, strict=True)
    return {key.value: value for key, value in pairs if isinstance(key, r.Const) and isinstance(key.value, str)}


def _excluded(classes: Classes, info: ClassInfo, row: HistoryRow) -> frozenset[str]:
    found = classes.attribute(info.id, row.marker)
    listed = _options(found[1]).get("exclude") if found is not None else None
    names = listed.items if isinstance(listed, r.Seq) else ()
    return frozenset([str(name.value) for name in names if isinstance(name, r.Const)])


def _site(classes: Classes, info: ClassInfo) -> Site:
    return Site(classes.symbols.modules[info.module].path, info.node.name_start, info.node.name_start + len(info.name))


def _added(
    classes: Classes, like: ClassInfo, id: str, name: str, bases: tuple[str, ...], attributes: dict[str, Attribute], of: str
) -> None:
    """Enters a class that is mapped as `like` is and has only mapped attributes, beside what its bases have."""
    assert like.model is not None
    node = msgspec.structs.replace(like.node, name=name, bases=(), decorators=(), body=())
    model = Model(id, f"?{id}", like.model.style, attributes, is_made=True, version_of=of)
    classes.infos[id] = ClassInfo(id, name, like.module, node, (), (), {}, {}, {}, {}, (id, *bases), like.libraries, model=model)
    classes.by_name.setdefault(name, []).append(id)


def _transaction(classes: Classes, row: HistoryRow, first: ClassInfo) -> str:
    """The class of transactions, in the module of the first versioned class."""
    id = f"{first.module}:{row.package}.{row.transaction_class}"
    site = _site(classes, first)
    attributes = {
        name: Attribute(name, "column", site, id, primary=at == 0, generated=at == 0) for at, name in enumerate(row.transaction_columns)
    }
    user = _user(classes, row, first.module)
    if user:
        attributes[row.user] = Attribute(row.user, "relationship", site, id, user, nullable=True)
    _added(classes, first, id, row.transaction_class, _roots(classes, first), attributes, "")
    return id


def _user(classes: Classes, row: HistoryRow, module: str) -> str:
    """The mapped class of users that the transactions refer to, or ""."""
    name = row.default_user
    for scope in classes.symbols.modules.values():
        if scope.role == "test":
            continue
        for call in walk(scope.record.body):
            if isinstance(call, r.Call) and last_name(call.func) == row.maker:
                for arg in call.args:
                    if arg.keyword == row.user_class:
                        name = str(arg.value.value or "") if isinstance(arg.value, r.Const) else last_name(arg.value)
    return (classes.named(module, name) or "") if name else ""


def _roots(classes: Classes, info: ClassInfo) -> tuple[str, ...]:
    """The declarative base of a class: a version has what that has, and nothing of the mixins in between."""
    bases = [cls for cls in info.mro[1:] if classes.infos[cls].is_base]
    return classes.infos[bases[-1]].mro if bases else ()


def _make(classes: Classes, row: HistoryRow, info: ClassInfo, transaction: str) -> None:
    assert info.model is not None
    name = f"{info.name}{row.suffix}"
    id = f"{info.id}{row.suffix}"
    if id in classes.infos:
        id = f"{info.id}.{name}"
    site = _site(classes, info)
    excluded = _excluded(classes, info, row)
    attributes = {
        key: Attribute(key, "column", site, id, primary=mapped.primary, type=mapped.type, nullable=not mapped.primary)
        for key, mapped in info.model.attributes.items()
        if mapped.kind == "column" and key not in excluded
    }
    for at, column in enumerate((row.key, *row.columns)):
        attributes[column] = Attribute(column, "column", site, id, primary=at == 0, foreign="?" if at == 0 else None)
    attributes[row.transaction] = Attribute(row.transaction, "relationship", site, id, transaction, nullable=True)
    attributes[row.parent] = Attribute(row.parent, "relationship", site, id, info.id, nullable=True, viewonly=True)
    for member, gives in row.reads:
        target = id if gives == "version" else None
        attributes[member] = Attribute(member, "query", site, id, target, nullable=True, type=_GIVES.get(gives, ""))
    parents = [made for cls in info.mro[1:] if (model := classes.infos[cls].model) is not None and (made := model.version_class)]
    _added(classes, info, id, name, (*parents, *_roots(classes, info)), attributes, info.id)
    info.model.version_class = id
    if row.collection not in info.model.attributes:
        info.model.attributes[row.collection] = Attribute(row.collection, "relationship", site, info.id, id, True, "dynamic", viewonly=True)
    for parent in parents:
        classes.subclasses.setdefault(parent, []).append(id)


def _relate(classes: Classes, info: ClassInfo) -> None:
    """The relationships of a class are queries on its versions: for the versions of what they refer to, where that has any."""
    assert info.model is not None
    made = classes.infos[info.model.version_class].model
    assert made is not None
    for name, mapped in info.model.attributes.items():
        if mapped.kind != "relationship" or name in made.attributes or mapped.target is None or mapped.target == info.model.version_class:
            continue
        target = classes.model(mapped.target)
        versions = (target.version_class if target is not None else "") or mapped.target
        if mapped.lazy in ("dynamic", "write_only"):
            made.attributes[name] = msgspec.structs.replace(mapped, owner=made.cls, target=versions, lazy="dynamic", back=None)
        else:
            made.attributes[name] = Attribute(name, "query", mapped.site, made.cls, versions, mapped.many, nullable=True)
