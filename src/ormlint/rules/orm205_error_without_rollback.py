"""ORM205: an error of the database is handled without a rollback, and the session is used again."""

from __future__ import annotations

from collections.abc import Iterator

from ormlint.findings import Confidence, Finding
from ormlint.rules.loops import EXEMPT_ROLES
from ormlint.rules.rule import Rule
from ormlint.semantics.model import Model

CODE, NAME = "ORM205", "error-without-rollback"


def check(model: Model) -> Iterator[Finding]:
    for incident in model.incidents("failed"):
        if model.role(incident.site) in EXEMPT_ROLES:
            continue
        used = model.text(incident.steps[-1].site)
        message = (
            f"an error of the database is handled here without a rollback: the session refuses what comes next, at {used}"
            " (PendingRollbackError); call rollback() in the handler, or put the risky part into `with session.begin_nested():`"
        )
        trail = model.steps(incident.steps)
        yield model.finding(CODE, NAME, incident.site, message, Confidence(incident.confidence), trail, incident.function)


RULE = Rule(CODE, NAME, "A database error is handled without a rollback and the session is used again.", check)
