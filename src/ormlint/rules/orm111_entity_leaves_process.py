"""ORM111: an entity goes into a task, a process, a message, a cache, a pickle, or is taken apart as a dictionary."""

from __future__ import annotations

from collections.abc import Iterator

from ormlint.findings import Finding
from ormlint.rules.loops import EXEMPT_ROLES
from ormlint.rules.rule import Rule
from ormlint.semantics.model import Model
from ormlint.semantics.revealing import short
from ormlint.semantics.values import Entity, Site

CODE, NAME = "ORM111", "entity-leaves-process"


def check(model: Model) -> Iterator[Finding]:
    seen: set[Site] = set()
    for item in model.crossings("leaves"):
        entity = item.value
        assert isinstance(entity, Entity)
        if model.role(item.site) in EXEMPT_ROLES or item.site in seen:
            continue
        seen.add(item.site)
        name = short(entity.model)
        into = f"goes into {item.name}" if item.name.startswith("a ") else f"is taken apart by {item.name}"
        message = (
            f"{name} {into}: only what happens to be loaded arrives, detached and soon out of date;"
            " send its key and load it there, or plain values made for the purpose"
        )
        yield model.finding(CODE, NAME, item.site, message, trail=model.handed(item), symbol=item.function)


RULE = Rule(CODE, NAME, "An entity goes into a task, process, message, cache or pickle, or is taken apart as a dictionary.", check)
