"""ORM412: rows are loaded only to be counted, or to see whether there are any."""

from __future__ import annotations

from collections.abc import Iterator

from ormlint.findings import Finding
from ormlint.rules.loops import EXEMPT_ROLES
from ormlint.rules.rule import Rule
from ormlint.semantics.model import Model
from ormlint.semantics.revealing import short

CODE, NAME = "ORM412", "collection-loaded-for-size"


def check(model: Model) -> Iterator[Finding]:
    for misuse in model.misuses("size"):
        event = misuse.event
        if model.role(event.site) in EXEMPT_ROLES:
            continue
        rows = (
            f"{short(event.entity.model)}.{event.attr}"
            if event.entity is not None
            else f"every {short(event.note)}"
            if event.note
            else "every row"
        )
        if event.how == "count":
            message = f"loads {rows} only to count: each row crosses the network for one number; let the database count, with count()"
        else:
            message = f"loads {rows} only to see whether there is any; ask with exists(), or take .first()"
        trail = (model.step(misuse.other, "what is loaded"),) if misuse.other is not None and misuse.other.path in model.paths else ()
        yield model.finding(CODE, NAME, event.site, message, trail=trail, symbol=misuse.function)


RULE = Rule(CODE, NAME, "Rows are loaded only to be counted or tested.", check)
