"""ORM507: a write asks for the version that was read, and nobody looks whether it was still there."""

from __future__ import annotations

from collections.abc import Iterator

from ormlint.findings import Finding
from ormlint.rules.rule import Rule
from ormlint.semantics.model import Model
from ormlint.semantics.revealing import short

CODE, NAME = "ORM507", "conditional-update-unchecked"


def check(model: Model) -> Iterator[Finding]:
    for item in model.conflicts("unchecked", "swallowed"):
        event = item.event
        if event.kind == "unchecked":
            message = (
                f"this hits no row when another transaction has changed {short(event.note)}.{event.attr}, and nobody looks: "
                f"the change is lost in silence; test that rowcount is 1"
            )
            trail = model.way(event)
        else:
            message = (
                "when another transaction was first, this raises StaleDataError, and the handler goes on as if it had worked; "
                "raise, retry or say so"
            )
            trail = (*model.way(event), *((model.step(event.since, "the handler"),) if event.since is not None else ()))
        yield model.finding(CODE, NAME, event.site, message, trail=trail, symbol=item.function)


RULE = Rule(CODE, NAME, "The row count of a versioned UPDATE is ignored, or StaleDataError is swallowed.", check, preview=True)
