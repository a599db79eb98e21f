"""ORM209: a message, task or mail leaves before the write that it tells of is committed."""

from __future__ import annotations

from collections.abc import Iterator

from ormlint.findings import Finding
from ormlint.orms.vocabulary import CATEGORIES
from ormlint.rules.loops import EXEMPT_ROLES
from ormlint.rules.rule import Rule
from ormlint.semantics.model import Model

CODE, NAME = "ORM209", "effect-before-commit"


def check(model: Model) -> Iterator[Finding]:
    seen = set()
    for item in model.misuses("announced-early"):
        event = item.event
        if item.other is None or event.site in seen or model.role(event.site) in EXEMPT_ROLES:
            continue
        seen.add(event.site)
        what = CATEGORIES.get(event.note, "a message")
        message = (
            f"{what} leaves before the change at {model.text(item.other)} is committed: its receiver may not find it, and when the commit "
            "fails it is out all the same; send it after the commit"
        )
        trail = (model.step(item.other, "changes what is not committed yet"), *model.way(event))
        yield model.finding(CODE, NAME, event.site, message, trail=trail, symbol=item.function)


RULE = Rule(CODE, NAME, "A message, task or mail about a write leaves before the commit.", check)
