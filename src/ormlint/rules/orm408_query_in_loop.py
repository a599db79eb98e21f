"""ORM408: a query that depends on the element is sent once for each element of a loop."""

from __future__ import annotations

from collections.abc import Iterator

from ormlint.findings import Confidence, Finding
from ormlint.rules.loops import each, per_row
from ormlint.rules.queries import CURES, deepest, is_sent, what
from ormlint.rules.rule import Rule
from ormlint.semantics.model import Model
from ormlint.semantics.observations import Repeated
from ormlint.semantics.values import Site

CODE, NAME = "ORM408", "query-in-loop"
FAR = 7
"""A query that is more calls away is only possible: so long a way has so many branches."""


def check(model: Model) -> Iterator[Finding]:
    places: dict[Site, list[Repeated]] = {}
    for item in per_row(model, "query", "write"):
        if is_sent(item) and item.loop.site in item.event.varies:
            places.setdefault(item.event.site, []).append(item)
    for site, items in places.items():
        nearest = min(len(other.event.via) for other in items)
        items = [other for other in items if len(other.event.via) <= max(nearest, FAR)]
        item = items[0]
        events = [other.event for other in items]
        statements, verb = what(events)
        where = f" ({model.text(deepest(events).end)})" if item.event.via else ""
        subject = f"this call sends {statements}{where}" if item.event.via else f"sends {statements}"
        message = f"{subject} for {each(item)}: as many round trips as there are elements; {CURES[verb]}"
        trail = (model.step(item.loop.site, f"the loop: {item.loop.why}"), *model.ways(events))
        # A `while` says nothing of rows: it may walk a chain, or wait.
        sure = nearest <= FAR and (item.loop.head is not None or item.loop.is_comprehension)
        confidence = Confidence(min(event.confidence for event in events)) if sure else Confidence.possible
        yield model.finding(CODE, NAME, site, message, confidence, trail, item.function)


RULE = Rule(CODE, NAME, "A query that depends on the element, one per iteration.", check)
