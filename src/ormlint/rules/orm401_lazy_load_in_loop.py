"""ORM401: a relationship or deferred column that is not loaded is read once for each element."""

from __future__ import annotations

from collections.abc import Iterator

from ormlint.findings import Confidence, Finding
from ormlint.rules.cures import cure
from ormlint.rules.loops import each, per_row
from ormlint.rules.rule import Rule
from ormlint.semantics.model import Model
from ormlint.semantics.observations import Repeated
from ormlint.semantics.revealing import short
from ormlint.semantics.values import Site

CODE, NAME = "ORM401", "lazy-load-in-loop"


def check(model: Model) -> Iterator[Finding]:
    places: dict[Site, list[Repeated]] = {}
    for item in per_row(model, "load"):
        event = item.event
        is_async = event.session is not None and event.session.is_async
        if event.entity is not None and (event.how == "awaited" or (event.how in ("lazy", "deferred") and not is_async)):
            places.setdefault(event.site, []).append(item)
    for site, items in places.items():
        item = max(items, key=lambda other: other.event.confidence)
        event = item.event
        assert event.entity is not None
        names = list(
            dict.fromkeys(f"{short(other.event.entity.model)}.{other.event.attr}" for other in items if other.event.entity is not None)
        )
        what = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
        state = "deferred" if all(other.event.how == "deferred" for other in items) else "not loaded"
        verb = "is" if len(names) == 1 else "are"
        selects = "one SELECT" if len(names) == 1 else f"up to {len(names)} SELECTs"
        attribute = model.attribute(event.entity.model, event.attr)
        row = each(item)
        if len(names) == 1 and attribute is not None and attribute.kind == "relationship" and attribute.target and not attribute.many:
            row = f"{row} whose {event.attr} is not in the session yet"
        message = f"{what} {verb} {state}: {selects} for {row} (N+1); {cure(model, event, item.loop, [other.event for other in items])}"
        trail = (
            *model.source_of(event.entity),
            model.step(item.loop.site, f"the loop: {item.loop.why}"),
            *model.ways([other.event for other in items]),
        )
        # A `while` of which nothing else is known may drain a queue: each turn is then a job.
        sure = item.loop.head is not None or item.loop.is_comprehension or item.loop.kind == "rows"
        confidence = Confidence(event.confidence) if sure else Confidence.possible
        yield model.finding(CODE, NAME, site, message, confidence, trail, item.function)


RULE = Rule(CODE, NAME, "A relationship or deferred column is loaded once per element: N+1.", check)
