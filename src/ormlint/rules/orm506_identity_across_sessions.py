"""ORM506: objects of two sessions are compared, or a primary key is read before the flush that makes it."""

from __future__ import annotations

from collections.abc import Iterator

from ormlint.findings import Finding
from ormlint.rules.rule import Rule
from ormlint.semantics.model import Model
from ormlint.semantics.revealing import short

CODE, NAME = "ORM506", "identity-across-sessions"


def check(model: Model) -> Iterator[Finding]:
    for item in model.conflicts("compared", "unborn"):
        event = item.event
        assert event.entity is not None
        name = short(event.entity.model)
        trail = (*model.source_of(event.entity), *model.way(event))
        if event.kind == "unborn":
            message = (
                f"{name}.{event.attr} is made by the flush, and nothing was flushed: this is None; flush first, or set the relationship"
            )
        else:
            message = (
                f"two sessions make two objects of one row: these {name} objects are never the same, even for the same row; "
                f"compare their keys, or give {name} an __eq__ on its key"
            )
            if event.since is not None and event.since != event.entity.origin.site:
                trail = (*trail, model.step(event.since, "the other one is loaded here, by another session"))
        yield model.finding(CODE, NAME, event.site, message, trail=trail, symbol=item.function)


RULE = Rule(CODE, NAME, "Entities of different sessions are compared, or a key is read before the flush that makes it.", check)
