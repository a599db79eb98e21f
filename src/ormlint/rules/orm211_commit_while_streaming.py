"""ORM211: a commit inside the iteration of a result whose cursor the same session holds open."""

from __future__ import annotations

from collections.abc import Iterator

from ormlint.findings import Finding
from ormlint.rules.loops import EXEMPT_ROLES
from ormlint.rules.rule import Rule
from ormlint.semantics.model import Model

CODE, NAME = "ORM211", "commit-while-streaming"


def check(model: Model) -> Iterator[Finding]:
    for item in model.misuses("commit-while-streaming"):
        event = item.event
        if item.other is None or model.role(event.site) in EXEMPT_ROLES:
            continue
        message = (
            f"this commits while rows are still fetched ({model.text(item.other)}): an open cursor ends with its transaction, and "
            "the next fetch raises; commit after the loop, write through another session, or read the keys first"
        )
        trail = (model.step(item.other, "the rows are fetched while the loop goes round"), *model.way(event))
        yield model.finding(CODE, NAME, event.site, message, trail=trail, symbol=item.function)


RULE = Rule(CODE, NAME, "A commit inside the iteration of a streamed result of the same session.", check)
