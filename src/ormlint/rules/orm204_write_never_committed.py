"""ORM204: what a scope writes in its own session is never committed."""

from __future__ import annotations

from collections.abc import Iterator

from ormlint.findings import Confidence, Finding
from ormlint.rules.loops import EXEMPT_ROLES
from ormlint.rules.rule import Rule
from ormlint.semantics.model import Model
from ormlint.semantics.values import is_core, noun

CODE, NAME = "ORM204", "write-never-committed"
_WHOSE = {
    "made": "no path of the function that owns this {noun} commits it",
    "given": "neither this handler nor the dependency that gives the session commits it",
    "block": "nothing in this block commits, and leaving it rolls back or closes",
}


def check(model: Model) -> Iterator[Finding]:
    for incident in model.incidents("unwritten"):
        if model.role(incident.site) in EXEMPT_ROLES:
            continue
        block = "engine" if is_core(incident.session) else "Session"
        message = (
            f"what is written here is lost: {_WHOSE[incident.attr].format(noun=noun(incident.session))}, so its end rolls the rows back; "
            f"commit before the end, or use a `with {block}.begin()` block"
        )
        trail = model.steps(incident.steps)
        yield model.finding(CODE, NAME, incident.site, message, Confidence(incident.confidence), trail, incident.function)


RULE = Rule(CODE, NAME, "What a scope writes in its own session is never committed.", check)
