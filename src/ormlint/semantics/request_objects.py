"""What is kept on an object that each request has for itself (`g` of Flask): the entities that one function puts there for others.

Takes the functions of the project; gives, for an attribute, the entities that are assigned to it anywhere, as a declaration would: which
class, and of the query what its mapping says. Sessions and other values are not told.
"""

from __future__ import annotations

from ormlint.facts import records as r
from ormlint.orms import registry as orms
from ormlint.semantics.definitions import Library
from ormlint.semantics.frame import Frame, World
from ormlint.semantics.loading import origin_of
from ormlint.semantics.members import evaluate_in
from ormlint.semantics.symbols import flat_statements
from ormlint.semantics.values import NONE, UNKNOWN, Entity, Origin, Unknown, Value, options_of, union


def kept_on_request(frame: Frame, owner: str, name: str) -> Value | None:
    """The entity that `owner.name` is, where some function of the project puts one there; None where none is known to."""
    if owner not in orms.REQUEST_OBJECTS:
        return None
    world = frame.world
    key = (owner, name)
    known = world.fields.get(key)
    if known is None:
        world.fields[key] = UNKNOWN
        known = world.fields[key] = _joined(frame, owner, name)
    return known if known is not UNKNOWN else None


def _joined(frame: Frame, owner: str, name: str) -> Value:
    parts: list[Value] = []
    for function, expr, _ in _assigned(frame.world, owner).get(name, ()):
        if expr is None:
            return UNKNOWN
        for item in options_of(evaluate_in(frame, function, expr, "", True)):
            if item == NONE or isinstance(item, Unknown):
                continue
            if not isinstance(item, Entity):
                return UNKNOWN
            site = item.origin.site
            mapped = origin_of(frame.world.classes, item.model, "param", site, (), None)
            parts.append(Entity(item.model, Origin("param", site, name, mapped.loaded)))
    return union(tuple(dict.fromkeys(parts))) if parts else UNKNOWN


def _assigned(world: World, owner: str) -> dict[str, list[tuple[str, r.Expr | None, r.Expr | None]]]:
    """For each attribute that some function assigns on the object: the functions and expressions."""
    known = world.assignments.get(owner)
    if known is not None:
        return known
    found: dict[str, list[tuple[str, r.Expr | None, r.Expr | None]]] = {}
    for id, function in world.symbols.functions.items():
        if world.symbols.modules[function.module].role == "test":
            continue
        for stmt in flat_statements(function.node.body):
            for target in stmt.targets if isinstance(stmt, r.Assign) else ():
                if isinstance(target, r.Attr) and world.classes.resolve(function.module, target.value) == Library(owner):
                    found.setdefault(target.attr, []).append((id, stmt.value if isinstance(stmt, r.Assign) else None, None))
    world.assignments[owner] = found
    return found
