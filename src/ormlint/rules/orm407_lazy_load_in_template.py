"""ORM407: a template walks a relationship of what it was given, and the query that made it does not load it."""

from __future__ import annotations

from collections.abc import Iterator

from ormlint.findings import Finding
from ormlint.rules.cures import cure
from ormlint.rules.loops import EXEMPT_ROLES
from ormlint.rules.rule import Rule
from ormlint.rules.walks import loads, nearest, sureness, trail_of, walked
from ormlint.semantics.model import Model

CODE, NAME = "ORM407", "lazy-load-in-template"


def check(model: Model) -> Iterator[Finding]:
    for site, items in walked(model, "template"):
        if model.role(site) in EXEMPT_ROLES:
            continue
        best = nearest(items)
        message = f"the template {best.detail} reads {loads(items)}; {cure(model, best.event)}"
        yield model.finding(CODE, NAME, site, message, sureness(items), trail_of(model, items), best.function)


RULE = Rule(CODE, NAME, "A template reads a relationship that is not loaded.", check)
