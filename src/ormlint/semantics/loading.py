"""What a query loads: loader options and mapping strategies as sets of relationship paths.

Takes the options that a query carries and the mapping of its entity; gives an `Origin`. Paths are dotted from the entity:
`lines.product`. An option that could not be read makes the origin inexact: then nothing is concluded from what is missing.
"""

from __future__ import annotations

from collections.abc import Sequence

from ormlint.facts import records as r
from ormlint.orms import registry as orms
from ormlint.semantics.classes import Classes
from ormlint.semantics.frame import Frame
from ormlint.semantics.values import (
    UNKNOWN,
    Actual,
    ClassRef,
    Coll,
    Const,
    LibInstance,
    ModelAttr,
    Option,
    Origin,
    Session,
    Site,
    Tup,
    UnionOf,
    Value,
    options_of,
)

EAGER_STRATEGIES = frozenset(row.value for row in orms.LAZY.values() if row.on_read == "loaded" and isinstance(row.value, str))
BLOCKING = frozenset(
    row.value for row in orms.LAZY.values() if row.on_read in ("raises", "raises_on_sql", "empty") and isinstance(row.value, str)
)
_DEPTH = 6


def origin_of(
    classes: Classes,
    model: str,
    kind: str,
    site: Site,
    options: Sequence[Option],
    session: Session | None,
    exact: bool = True,
    whole: bool = False,
    beside: tuple[str, ...] = (),
) -> Origin:
    """The origin of the entities of `model` that a query with these options gives."""
    loaded: set[str] = set()
    blocked: set[str] = set()
    deferred: set[str] = set()
    undeferred: set[str] = set()
    _mapped_eagerly(classes, model, "", loaded, ())
    for option in options:
        exact = exact and option.exact
        if option.model and not _related(classes, option.model, model):
            continue
        for path, mode in option.paths:
            if path.endswith("*"):
                prefix = path[:-1]
                owner = model_at(classes, model, prefix.rstrip("."))
                info = classes.model(owner) if owner else None
                for attribute in info.attributes.values() if info else ():
                    if mode in ("undefer", "only") and attribute.kind == "column":
                        undeferred.add(prefix + attribute.name)
                    elif attribute.kind == "relationship":
                        _apply(classes, model, prefix + attribute.name, mode, loaded, blocked, deferred, undeferred)
            else:
                _apply(classes, model, path, mode, loaded, blocked, deferred, undeferred)
    return Origin(
        kind, site, classes.infos[model].name if model in classes.infos else "", frozenset(loaded), frozenset(blocked),
        frozenset(undeferred), frozenset(deferred), session, exact=exact, whole=whole, beside=beside,
    )  # fmt: skip


def _apply(
    classes: Classes, model: str, path: str, mode: str, loaded: set[str], blocked: set[str], deferred: set[str], undeferred: set[str]
) -> None:
    if mode == "eager":
        loaded.add(path)
        blocked.discard(path)
        target = model_at(classes, model, path)
        if target is not None:
            _mapped_eagerly(classes, target, path + ".", loaded, ())
    elif mode == "lazy":
        loaded.discard(path)
        blocked.discard(path)
    elif mode == "block":
        loaded.discard(path)
        blocked.add(path)
    elif mode == "defer":
        deferred.add(path)
        undeferred.discard(path)
    elif mode == "undefer":
        undeferred.add(path)
        deferred.discard(path)
    elif mode == "subclasses":
        undeferred.add("*")
    elif mode == "group":
        prefix, _, group = path.rpartition(".")
        owner = classes.model(model_at(classes, model, prefix) or "")
        for attribute in owner.attributes.values() if owner else ():
            if attribute.group == group:
                undeferred.add(f"{prefix}.{attribute.name}" if prefix else attribute.name)
    elif mode.startswith("only:"):
        kept = set(mode[5:].split(","))
        owner = classes.model(model_at(classes, model, path) or "")
        for attribute in owner.attributes.values() if owner else ():
            name = f"{path}.{attribute.name}" if path else attribute.name
            if attribute.kind == "column" and attribute.name not in kept and not attribute.primary:
                deferred.add(name)


def eager_below(classes: Classes, model: str, prefix: str) -> frozenset[str]:
    """The paths that the mapping of `model` loads with it, each behind `prefix`."""
    found: set[str] = set()
    _mapped_eagerly(classes, model, prefix, found, ())
    return frozenset(found)


def _mapped_eagerly(classes: Classes, model: str, prefix: str, loaded: set[str], seen: tuple[tuple[str, str], ...]) -> None:
    """Adds what the mapping itself loads with an entity: `lazy="selectin"` and its like, nested."""
    info = classes.model(model)
    if info is None or len(seen) > _DEPTH:
        return
    for attribute in info.attributes.values():
        if attribute.kind != "relationship" or attribute.lazy not in EAGER_STRATEGIES:
            continue
        loaded.add(prefix + attribute.name)
        step = (attribute.owner, attribute.name)
        if attribute.target is not None and step not in seen:
            _mapped_eagerly(classes, attribute.target, f"{prefix}{attribute.name}.", loaded, (*seen, step))


def model_at(classes: Classes, model: str, path: str) -> str | None:
    """The mapped class at the end of a dotted path of relationships, or None."""
    current: str | None = model
    for name in path.split(".") if path else ():
        attribute = classes.mapped_attribute(current or "", name)
        if attribute is None or attribute.target is None:
            return None
        current = attribute.target
    return current


def _related(classes: Classes, one: str, other: str) -> bool:
    if one == other:
        return True
    first, second = classes.infos.get(one), classes.infos.get(other)
    return first is not None and second is not None and (one in second.mro or other in first.mro)


# Building options


def make_option(frame: Frame, loader: str, actuals: Sequence[Actual], before: Option | None, node: r.Node) -> Value:
    """The option that `selectinload(…)`, or a method of the same name on another option, gives."""
    row = orms.LOADER_METHODS.get(loader) or orms.LOADERS.get(loader)
    if row is None:
        return UNKNOWN
    mode = "eager" if row.eager else "block" if row.blocks else "lead" if row.eager is None else "lazy"
    base = before if before is not None else Option(())
    prefix = base.prefix
    paths = list(base.paths)
    exact = base.exact
    model = base.model
    if row.target in ("column", "group"):
        names: list[str] = []
        for actual in actuals:
            if actual.keyword == "raiseload":
                continue
            for value in flat(actual.value):
                path = attribute_path(value)
                if path is None:
                    exact = exact and isinstance(value, ClassRef)
                    continue
                if isinstance(value, ModelAttr) and not model and not prefix:
                    model = value.model
                names.append(path)
        if row.name == "load_only":
            paths.append((prefix, "only:" + ",".join(name.split(".")[-1] for name in names)))
        else:
            column_mode = {"defer": "defer", "undefer": "undefer", "undefer_group": "group", "with_expression": "undefer"}.get(
                row.name, "lead"
            )
            for name in names[:1] if row.name == "with_expression" else names:
                paths.append((f"{prefix}.{name}" if prefix else name, column_mode))
        return Option(tuple(paths), prefix, exact, model)
    if row.target == "subclass":
        return Option((*paths, ("", "subclasses")), prefix, exact, model)
    at = prefix
    joined = base.joined
    for actual in actuals:
        if actual.keyword is not None:
            continue
        for value in flat(actual.value):
            path = attribute_path(value)
            if path is None:
                if isinstance(value, ClassRef):
                    continue
                return Option(tuple(paths), prefix, False, model)
            if isinstance(value, ModelAttr) and not model and not prefix:
                model = value.model
            for name in path.split("."):
                at = f"{at}.{name}" if at else name
                if mode != "lead":
                    paths.append((at, mode))
                    joined = joined | {at} if row.joins else joined - {at}
                    if mode == "eager" and name != "*":
                        mapped = frame.world.classes.mapped_attribute(value.model, name) if isinstance(value, ModelAttr) else None
                        owner = (mapped.owner or value.model) if mapped is not None and isinstance(value, ModelAttr) else ""
                        frame.world.change("eager", f"{owner}.{name}" if owner else name)
                    elif mode == "eager":
                        frame.world.change("eager", "*")
    return Option(tuple(paths), at, exact, model, joined)


def flat(value: Value) -> tuple[Value, ...]:
    """The members of a display that was spread or passed as one argument; else the value itself."""
    if isinstance(value, Tup):
        return tuple(inner for item in value.items for inner in flat(item))
    if isinstance(value, Coll):
        return tuple(options_of(value.elem))
    return (value,)


def attribute_path(value: Value) -> str | None:
    """The path that an attribute or a string names in an option."""
    if isinstance(value, ModelAttr):
        return value.name
    if isinstance(value, Const) and isinstance(value.value, str):
        return value.value
    if isinstance(value, LibInstance) and value.cls == "attribute_criteria":
        return attribute_path(value.data[0][1])
    return None


def gathered(frame: Frame, actuals: Sequence[Actual]) -> tuple[tuple[Option, ...], bool]:
    """The options among the arguments of `.options(…)`, spread or in lists, and whether all of them were understood."""
    found: list[Option] = []
    exact = True
    for actual in actuals:
        for value in flat(actual.value):
            for item in value.items if isinstance(value, UnionOf) else (value,):
                if isinstance(item, Option):
                    found.append(item)
                elif isinstance(item, LibInstance) or type(item).__name__ == "Never":
                    continue
                else:
                    exact = False
    return tuple(found), exact


def bind(option: Option, inner: Sequence[Option]) -> Option:
    """`option.options(inner, …)`: sub-options from where the option has led."""
    paths = list(option.paths)
    exact = option.exact
    joined = option.joined
    for sub in inner:
        exact = exact and sub.exact
        paths.extend((f"{option.prefix}.{path}" if option.prefix and path else option.prefix or path, mode) for path, mode in sub.paths)
        joined = joined | {f"{option.prefix}.{path}" if option.prefix else path for path in sub.joined}
    return Option(tuple(paths), option.prefix, exact, option.model, joined)


def joined_collection(classes: Classes, model: str, options: Sequence[Option], exact: bool) -> str:
    """The first collection that a query of `model` joins eagerly, by its options or (where all of them are known) by the mapping."""
    chosen: dict[str, bool] = {}
    for option in options:
        if not option.model or _related(classes, option.model, model):
            chosen.update({path: path in option.joined for path, mode in option.paths if mode in ("eager", "lazy", "block")})
    stack: list[tuple[str, str, tuple[tuple[str, str], ...]]] = [(model, "", ())]
    while stack:
        owner, prefix, seen = stack.pop()
        info = classes.model(owner)
        for attribute in info.attributes.values() if info is not None else ():
            path = prefix + attribute.name
            step = (attribute.owner, attribute.name)
            if attribute.kind != "relationship" or attribute.target is None or (step in seen and path not in chosen):
                continue
            by_mapping = attribute.lazy == "joined" and exact and prefix + "*" not in chosen and "*" not in chosen
            if not chosen.get(path, by_mapping):
                continue
            if attribute.many:
                return path
            if len(seen) < _DEPTH:
                stack.append((attribute.target, f"{path}.", (*seen, step)))
    return ""
