"""ORM210: a function or block that is retried as a whole performs an external effect before it commits."""

from __future__ import annotations

from collections.abc import Iterator

from ormlint.findings import Finding
from ormlint.orms.vocabulary import CATEGORIES
from ormlint.rules.loops import EXEMPT_ROLES
from ormlint.rules.rule import Rule
from ormlint.semantics.model import Model

CODE, NAME = "ORM210", "retry-repeats-effect"


def check(model: Model) -> Iterator[Finding]:
    seen = set()
    for function, event, commit, why in model.repeated_effects():
        if event.site in seen or model.role(event.site) in EXEMPT_ROLES:
            continue
        seen.add(event.site)
        what = CATEGORIES.get(event.note, "an external call")
        message = (
            f"{what} is repeated when the commit at {model.text(commit.site)} fails: {why} runs this again from the start; "
            "commit first, retry only the database's part, or send an idempotency key that stays the same"
        )
        yield model.finding(
            CODE, NAME, event.site, message, trail=(*model.way(event), model.step(commit.site, "commits")), symbol=function.id
        )


RULE = Rule(CODE, NAME, "A retried function performs an external effect and then commits.", check, preview=True)
