"""ORM306: an object that one session holds is added to, or linked with an object of, another."""

from __future__ import annotations

from collections.abc import Iterator

from ormlint.findings import Finding
from ormlint.rules.loops import EXEMPT_ROLES
from ormlint.rules.rule import Rule
from ormlint.semantics.model import Model
from ormlint.semantics.revealing import short

CODE, NAME = "ORM306", "object-in-two-sessions"


def check(model: Model) -> Iterator[Finding]:
    for item in model.misuses("two-sessions"):
        event = item.event
        if event.entity is None or model.role(event.site) in EXEMPT_ROLES:
            continue
        name = short(event.entity.model)
        message = (
            f"this {name} still belongs to another session: it raises InvalidRequestError (already attached to session); "
            "merge() it, set the foreign key, or load it with this session"
        )
        yield model.finding(CODE, NAME, event.site, message, trail=model.source_of(event.entity), symbol=item.function)


RULE = Rule(CODE, NAME, "An object of one session is added to or linked with another.", check)
