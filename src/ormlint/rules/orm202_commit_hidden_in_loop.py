"""ORM202: a call in a per-row loop reaches a commit."""

from __future__ import annotations

from collections.abc import Iterator

from ormlint.findings import Confidence, Finding
from ormlint.rules.loops import each, per_row
from ormlint.rules.rule import Rule
from ormlint.semantics.model import Model

CODE, NAME = "ORM202", "commit-hidden-in-loop"
FAR = 7
"""A commit that is more calls away is only possible."""


def check(model: Model) -> Iterator[Finding]:
    for item in per_row(model, "commit"):
        event = item.event
        if not event.via or model.is_generator_loop(item):
            continue
        where = model.text(event.end)
        steps = len(event.via)
        depth = "directly" if steps == 1 else f"{steps} calls down"
        message = (
            f"this call commits ({depth}, {where}) once for {each(item)}; commit once after the loop, or give the callee no right to commit"
        )
        # So long a way has so many branches that some run may well avoid it.
        confidence = Confidence(event.confidence) if steps <= FAR else Confidence.possible
        trail = (model.step(item.loop.site, f"the loop: {item.loop.why}"), *model.way(event))
        yield model.finding(CODE, NAME, event.site, message, confidence, trail, item.function)


RULE = Rule(CODE, NAME, "A call in a per-row loop reaches a commit, at any depth.", check)
