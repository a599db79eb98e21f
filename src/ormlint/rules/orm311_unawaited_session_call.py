"""ORM311: a coroutine of an AsyncSession is never awaited."""

from __future__ import annotations

from collections.abc import Iterator

from ormlint.findings import Finding
from ormlint.rules.loops import EXEMPT_ROLES
from ormlint.rules.rule import Rule
from ormlint.semantics.model import Model

CODE, NAME = "ORM311", "unawaited-session-call"
_LOST = {
    "commit": "nothing is committed and the rows are lost",
    "flush": "nothing is sent to the database",
    "rollback": "the transaction stays open",
    "close": "the connection stays checked out",
    "delete": "the object is not deleted",
    "refresh": "the object is not refreshed",
}


def check(model: Model) -> Iterator[Finding]:
    for item in model.misuses("unawaited"):
        event = item.event
        if model.role(event.site) in EXEMPT_ROLES:
            continue
        lost = _LOST.get(event.attr, "it never runs, and what it gives is a coroutine")
        message = f"{event.attr}() of an AsyncSession is a coroutine that nobody awaits: {lost}; put `await` before it"
        yield model.finding(CODE, NAME, event.site, message, symbol=item.function)


RULE = Rule(CODE, NAME, "A coroutine of an AsyncSession is never awaited.", check)
