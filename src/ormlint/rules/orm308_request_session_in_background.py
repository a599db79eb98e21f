"""ORM308: a request's session or entity goes to work that goes on when the request is over."""

from __future__ import annotations

from collections.abc import Iterator

from ormlint.findings import Confidence, Finding
from ormlint.rules.loops import EXEMPT_ROLES
from ormlint.rules.rule import Rule
from ormlint.semantics.model import Model

CODE, NAME = "ORM308", "request-session-in-background"
_WORK = {
    "task": "this task",
    "thread": "this thread",
    "process": "this process",
    "after_response": "this background task",
    "streaming": "this streaming body",
}


def check(model: Model) -> Iterator[Finding]:
    for item in model.misuses("outlives"):
        event = item.event
        if model.role(event.site) in EXEMPT_ROLES or event.how not in _WORK:
            continue
        scope = event.session.scope if event.session is not None else ""
        if scope == "none":
            continue
        confidence = Confidence.possible if scope == "unknown" else Confidence.likely
        if event.how in ("after_response", "streaming"):
            ends = model.ends_before(event, event.how)
            if ends is False:
                continue
            confidence = Confidence.likely if ends else Confidence.possible
        if event.attr == "entity":
            what = f"{_WORK[event.how]} gets an object of the request's session, which is closed when the work runs: it is detached then"
            instead = "hand over its id or plain values, and load it there"
        else:
            what = f"{_WORK[event.how]} uses the request's session after the request has closed it: it opens again, and nobody closes it"
            instead = "let the work open a session of its own"
        yield model.finding(CODE, NAME, event.site, f"{what}; {instead}", confidence, symbol=item.function)


RULE = Rule(CODE, NAME, "A request's session or entity goes to work that outlives the request.", check)
