"""ORM505: an object is kept longer than the session that loaded it: by a cache, in a module's global, in a cache client."""

from __future__ import annotations

from collections.abc import Iterator

from ormlint.findings import Finding
from ormlint.rules.rule import Rule
from ormlint.semantics.model import Model
from ormlint.semantics.revealing import short

CODE, NAME = "ORM505", "entity-cached"
_WHAT = "is kept after its session has ended: it is detached, expired or old when it is read, and shared between sessions"
_BETTER = "keep plain values or keys, or put it into each session with merge(load=False)"


def check(model: Model) -> Iterator[Finding]:
    for cached in model.cached_results():
        if not model.merges_unloaded(cached.entity):
            name = short(cached.entity.model)
            message = f"the {name} that this returns {_WHAT}; {_BETTER}"
            yield model.finding(CODE, NAME, cached.site, message, trail=model.source_of(cached.entity), symbol=cached.function)
    for item in model.conflicts("kept"):
        event = item.event
        assert event.entity is not None
        if not model.merges_unloaded(event.entity):
            message = f"this {short(event.entity.model)} {_WHAT}; {_BETTER}"
            trail = (*model.source_of(event.entity), *model.way(event))
            yield model.finding(CODE, NAME, event.site, message, trail=trail, symbol=item.function)


RULE = Rule(CODE, NAME, "An entity is kept by a cache, in a module's global or in a cache client.", check)
