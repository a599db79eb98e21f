"""ORM502: a row is looked up by its key and inserted when it is missing, and nobody handles that another was faster."""

from __future__ import annotations

from collections.abc import Iterator

from ormlint.findings import Confidence, Finding
from ormlint.rules.rule import Rule
from ormlint.semantics.model import Model
from ormlint.semantics.revealing import short

CODE, NAME = "ORM502", "check-then-insert"


def check(model: Model) -> Iterator[Finding]:
    for item in model.conflicts("insert"):
        event = item.event
        assert event.entity is not None
        name = short(event.note)
        if event.how == "unique":
            what = f"another transaction may insert the {name} with this {event.attr} after the look-up: then this raises IntegrityError"
            better = "insert in a savepoint and handle IntegrityError, or use ON CONFLICT"
        else:
            what = f"another transaction may insert the same {name} after the look-up: then there are two with this {event.attr}"
            better = "make it unique, and handle IntegrityError or use ON CONFLICT"
        trail = (*model.source_of(event.entity), *model.way(event))
        if event.since is not None:
            trail = (*trail, model.step(event.since, "here it is known to be missing"))
        yield model.finding(CODE, NAME, event.site, f"{what}; {better}", Confidence(event.confidence), trail, item.function)


RULE = Rule(CODE, NAME, "Looked up, inserted when missing, and no unique violation is handled.", check)
