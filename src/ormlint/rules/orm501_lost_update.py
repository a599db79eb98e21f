"""ORM501: an attribute is read, changed and written back, and nothing keeps another transaction from doing the same."""

from __future__ import annotations

from collections.abc import Iterator

from ormlint.findings import Confidence, Finding
from ormlint.rules.rule import Rule
from ormlint.semantics.model import Model
from ormlint.semantics.revealing import short

CODE, NAME = "ORM501", "lost-update"


def check(model: Model) -> Iterator[Finding]:
    for item in model.conflicts("rewrite"):
        event = item.event
        assert event.entity is not None
        what = f"{short(event.entity.model)}.{event.attr}"
        better = f"let the database compute it from {what}, or load the row with with_for_update() or a version_id_col"
        message = f"{what} is read, changed and written back: of two transactions that do this at once, one change is lost; {better}"
        trail = (*model.source_of(event.entity), *model.way(event))
        yield model.finding(CODE, NAME, event.site, message, Confidence(event.confidence), trail, item.function)


RULE = Rule(CODE, NAME, "A value is computed from the row's own old value and written back, with no lock and no version.", check)
