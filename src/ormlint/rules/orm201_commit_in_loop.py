"""ORM201: one commit for each row, in the loop itself."""

from __future__ import annotations

from collections.abc import Iterator

from ormlint.findings import Finding
from ormlint.rules.loops import each, per_row
from ormlint.rules.rule import Rule
from ormlint.semantics.model import Model

CODE, NAME = "ORM201", "commit-in-loop"


def check(model: Model) -> Iterator[Finding]:
    for item in per_row(model, "commit"):
        event = item.event
        if event.via or model.is_generator_loop(item):
            continue
        what = "this block commits" if event.block else "commits"
        cost = "a transaction and a round trip each, and half of the work stays when one fails"
        message = f"{what} once for {each(item)}: {cost}; commit once after the loop"
        yield model.finding(
            CODE, NAME, event.site, message, trail=(model.step(item.loop.site, f"the loop: {item.loop.why}"),), symbol=item.function
        )


RULE = Rule(CODE, NAME, "One commit per row, in the loop itself.", check)
