"""ORM105: an entity reaches domain code as a value, with no import to see."""

from __future__ import annotations

from collections.abc import Iterator

from ormlint.findings import Finding
from ormlint.rules.rule import Rule
from ormlint.semantics.model import Model
from ormlint.semantics.observations import Crossing
from ormlint.semantics.revealing import short
from ormlint.semantics.values import Entity

CODE, NAME = "ORM105", "entity-value-in-domain"


def check(model: Model) -> Iterator[Finding]:
    seen: set[tuple[str, str, str]] = set()
    for item in model.crossings("enters"):
        entity = item.value
        assert isinstance(entity, Entity)
        origin = entity.origin
        if origin.site.path in model.paths and model.role(origin.site) in ("test", "fixture"):
            continue
        if _key(item, entity) in seen:
            continue
        seen.add(_key(item, entity))
        what = f"{short(entity.model)} is a mapped class"
        how = f"what {item.name} holds is" if item.name else "this is"
        message = (
            f"{how} an entity, in the domain ({what}): reading it may run SQL or raise, setting it is a write;"
            f" build a domain object from {short(entity.model)} before it comes here"
        )
        yield model.finding(CODE, NAME, item.site, message, trail=model.handed(item), symbol=item.function)


def _key(item: Crossing, entity: Entity) -> tuple[str, str, str]:
    """One value: a parameter of a function, what the methods of one class read from its fields, or a place."""
    if item.name:
        return item.function, item.name, entity.model
    return item.site.path, str(item.site.start), ""


RULE = Rule(CODE, NAME, "An entity reaches domain code as a value: returned, passed in or read from an attribute.", check)
