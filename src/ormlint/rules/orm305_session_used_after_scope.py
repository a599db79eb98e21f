"""ORM305: a session, or a result that needs it, is used after the end of the session's block."""

from __future__ import annotations

from collections.abc import Iterator

from ormlint.findings import Finding
from ormlint.rules.loops import EXEMPT_ROLES
from ormlint.rules.rule import Rule
from ormlint.semantics.model import Model

CODE, NAME = "ORM305", "session-used-after-scope"


def check(model: Model) -> Iterator[Finding]:
    for item in model.misuses("after-scope"):
        event = item.event
        if item.other is None or model.role(event.site) in EXEMPT_ROLES:
            continue
        where = model.text(item.other)
        if item.detail == "result":
            message = (
                f"this result is read after its session was closed ({where}): reading its rows raises; "
                "turn it into a list inside the block, with .all()"
            )
        else:
            message = (
                f"the session was closed before ({where}): this opens it again, and nobody gives that connection back; "
                "do it inside the block, or with a new session"
            )
        trail = (model.step(item.other, "the session is closed here"), *model.way(event))
        yield model.finding(CODE, NAME, event.site, message, trail=trail, symbol=item.function)


RULE = Rule(CODE, NAME, "A session, or what needs it, is used after its block or close().", check)
