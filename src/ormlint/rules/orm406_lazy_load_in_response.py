"""ORM406: a response model or serialiser reads a relationship that the returned query does not load."""

from __future__ import annotations

from collections.abc import Iterator

from ormlint.findings import Finding
from ormlint.rules.cures import cure
from ormlint.rules.loops import EXEMPT_ROLES
from ormlint.rules.rule import Rule
from ormlint.rules.walks import loads, nearest, sureness, trail_of, walked
from ormlint.semantics.model import Model

CODE, NAME = "ORM406", "lazy-load-in-response"


def check(model: Model) -> Iterator[Finding]:
    for site, items in walked(model, "response"):
        if model.role(site) in EXEMPT_ROLES:
            continue
        best = nearest(items)
        reader = f"{best.detail} reads" if best.detail else "the response reads"
        message = f"{reader} {loads(items)}; {cure(model, best.event)}"
        yield model.finding(CODE, NAME, site, message, sureness(items), trail_of(model, items), best.function)


RULE = Rule(CODE, NAME, "A response model or serialiser reads a relationship that is not loaded.", check)
