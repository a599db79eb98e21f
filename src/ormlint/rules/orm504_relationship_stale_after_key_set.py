"""ORM504: a relationship is read that was loaded before its foreign key was set."""

from __future__ import annotations

from collections.abc import Iterator

from ormlint.findings import Confidence, Finding
from ormlint.rules.rule import Rule
from ormlint.semantics.model import Model
from ormlint.semantics.revealing import short

CODE, NAME = "ORM504", "relationship-stale-after-key-set"


def check(model: Model) -> Iterator[Finding]:
    for item in model.conflicts("stale_link"):
        event = item.event
        assert event.entity is not None
        what = f"{short(event.entity.model)}.{event.attr}"
        message = (
            f"{what} was loaded before its foreign key was set: this is still the old object, after a flush too; "
            f"set the relationship instead of the key, or expire it first"
        )
        trail = (*model.source_of(event.entity), *model.way(event))
        if event.since is not None:
            trail = (*trail, model.step(event.since, "its key is set here"))
        yield model.finding(CODE, NAME, event.site, message, Confidence(event.confidence), trail, item.function)


RULE = Rule(CODE, NAME, "A loaded relationship is read after its foreign key was set: it is still the old object.", check)
