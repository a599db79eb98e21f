"""ORM110: a web handler returns an entity with no response model."""

from __future__ import annotations

from collections.abc import Iterator

from ormlint.findings import Finding
from ormlint.rules.loops import EXEMPT_ROLES
from ormlint.rules.rule import Rule
from ormlint.semantics.boundary import entities_in
from ormlint.semantics.model import Model
from ormlint.semantics.revealing import short

CODE, NAME = "ORM110", "entity-in-response"


def check(model: Model) -> Iterator[Finding]:
    for item in model.crossings("gives"):
        if model.role(item.site) in EXEMPT_ROLES or not model.serves(item.function):
            continue
        entity = next(entities_in(item.value), None)
        if entity is None:
            continue
        name = short(entity.model)
        message = (
            f"the handler returns {name} and no response model says what of it may leave: every loaded column does;"
            " declare response_model= or a return annotation, or return a schema"
        )
        yield model.finding(CODE, NAME, item.site, message, trail=model.handed_in(item.value), symbol=item.function)


RULE = Rule(CODE, NAME, "A web handler returns an entity with no response model.", check)
