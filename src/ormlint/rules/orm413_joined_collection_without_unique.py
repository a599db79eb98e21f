"""ORM413: a 2.0-style result of a joined eager collection is read without `unique()`."""

from __future__ import annotations

from collections.abc import Iterator

from ormlint.findings import Confidence, Finding
from ormlint.rules.loops import EXEMPT_ROLES
from ormlint.rules.rule import Rule
from ormlint.semantics.model import Model
from ormlint.semantics.revealing import short

CODE, NAME = "ORM413", "joined-collection-without-unique"


def check(model: Model) -> Iterator[Finding]:
    for item in model.misuses("undeduplicated"):
        event = item.event
        if model.role(event.site) in EXEMPT_ROLES or item.other is None:
            continue
        what = f"{short(event.note)}.{event.attr} comes by a join, so that the rows repeat: reading them without unique()"
        message = f"{what} raises InvalidRequestError; call .unique() before this read, or load {event.attr} by selectinload"
        trail = (model.step(item.other, f"this statement joins {event.attr}"),)
        yield model.finding(CODE, NAME, event.site, message, Confidence.likely, trail, item.function)


RULE = Rule(CODE, NAME, "A joined eager collection is read without unique(): it raises.", check)
