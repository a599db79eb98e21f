"""ORM401: a relationship or deferred column that is not loaded is read once for each element."""

from __future__ import annotations

from collections.abc import Iterator

from ormlint.findings import Confidence, Finding
from ormlint.rules.cures import cure
from ormlint.rules.loops import each, per_row
from ormlint.rules.rule import Rule
from ormlint.semantics.model import Model
from ormlint.semantics.revealing import short

CODE, NAME = "ORM401", "lazy-load-in-loop"


def check(model: Model) -> Iterator[Finding]:
    for item in per_row(model, "load"):
        event = item.event
        if event.how not in ("lazy", "deferred") or event.entity is None or (event.session is not None and event.session.is_async):
            continue
        what = f"{short(event.entity.model)}.{event.attr}"
        state = "is deferred" if event.how == "deferred" else "is not loaded"
        message = f"{what} {state}: one SELECT for {each(item)} (N+1); {cure(model, event)}"
        trail = (*model.source_of(event.entity), model.step(item.loop.site, f"the loop: {item.loop.why}"), *model.way(event))
        yield model.finding(CODE, NAME, event.site, message, Confidence(event.confidence), trail, item.function)


RULE = Rule(CODE, NAME, "A relationship or deferred column is loaded once per element: N+1.", check)
