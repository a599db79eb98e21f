"""ORM409: a query in a loop that does not depend on it: the same statement and the same rows each time."""

from __future__ import annotations

from collections.abc import Iterator

from ormlint.findings import Confidence, Finding
from ormlint.rules.loops import EXEMPT_ROLES, each, guarded
from ormlint.rules.queries import is_sent, what
from ormlint.rules.rule import Rule
from ormlint.semantics.model import Model
from ormlint.semantics.values import Site

CODE, NAME = "ORM409", "invariant-query-in-loop"


def check(model: Model) -> Iterator[Finding]:
    seen: set[Site] = set()
    for item in model.repeated("query"):
        event, loop = item.event, item.loop
        if not is_sent(item) or loop.site in event.varies or loop.head is None or loop.kind not in ("rows", "unknown"):
            continue
        if event.site in seen or model.role(event.site) in EXEMPT_ROLES or guarded(item, "batch"):
            continue
        seen.add(event.site)
        statements, _ = what([event])
        subject = f"this call sends {statements} ({model.text(event.end)})" if event.via else f"sends {statements}"
        message = f"{subject} for {each(item)}, the same each time: nothing in it depends on the loop; query once before the loop"
        trail = (model.step(loop.site, f"the loop: {loop.why}"), *model.way(event))
        yield model.finding(CODE, NAME, event.site, message, Confidence(event.confidence), trail, item.function)


RULE = Rule(CODE, NAME, "A query in a loop that does not depend on the loop.", check)
