"""ORM411: an add and then a query, per element: each query flushes one row."""

from __future__ import annotations

from collections.abc import Iterator

from ormlint.findings import Confidence, Finding
from ormlint.rules.loops import each, per_row
from ormlint.rules.rule import Rule
from ormlint.semantics.model import Model

CODE, NAME = "ORM411", "autoflush-in-loop"


def check(model: Model) -> Iterator[Finding]:
    for item in per_row(model, "autoflush"):
        event = item.event
        if event.session is None:
            continue
        message = (
            f"flushes what was just added before it queries: an INSERT round trip of its own for {each(item)}; "
            "query before the loop and add afterwards, or put the loop into `with session.no_autoflush:`"
        )
        steps = [model.step(item.loop.site, f"the loop: {item.loop.why}")]
        if event.since is not None and event.since != event.site:
            steps.append(model.step(event.since, "adds to the session"))
        # What is further away is a piece of work of its own, with flushes that it may well need.
        known = model.keeps_autoflush(event.session) and len(event.via) <= 1 and event.since != event.site
        confidence = Confidence(event.confidence) if known else Confidence.possible
        yield model.finding(CODE, NAME, event.site, message, confidence, (*steps, *model.way(event)), item.function)


RULE = Rule(CODE, NAME, "A query in a loop flushes what the loop has just added, row by row.", check)
