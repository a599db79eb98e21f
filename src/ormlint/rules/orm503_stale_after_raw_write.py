"""ORM503: an object is read after a statement that went round the session has changed its row."""

from __future__ import annotations

from collections.abc import Iterator

from ormlint.findings import Confidence, Finding
from ormlint.rules.rule import Rule
from ormlint.semantics.model import Model
from ormlint.semantics.revealing import short

CODE, NAME = "ORM503", "stale-after-raw-write"


def check(model: Model) -> Iterator[Finding]:
    for item in model.conflicts("stale"):
        event = item.event
        assert event.entity is not None
        what = f"{short(event.entity.model)}.{event.attr}"
        message = (
            f"{what} was changed by {event.note} in this session, which does not know of it: this is the value of before; "
            f"refresh or expire the object first, or write with an ORM-enabled update()"
        )
        trail = (*model.source_of(event.entity), *model.way(event))
        if event.since is not None:
            trail = (*trail, model.step(event.since, "the row is changed here"))
        yield model.finding(CODE, NAME, event.site, message, Confidence(event.confidence), trail, item.function)


RULE = Rule(CODE, NAME, "An object is read after text() or Core DML has changed its row in the same session.", check)
