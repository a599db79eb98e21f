"""ORM206: a commit or rollback inside the block that holds the transaction, and a use of the session after it."""

from __future__ import annotations

from collections.abc import Iterator

from ormlint.findings import Confidence, Finding
from ormlint.rules.loops import EXEMPT_ROLES
from ormlint.rules.rule import Rule
from ormlint.semantics.model import Model

CODE, NAME = "ORM206", "commit-inside-begin-block"


def check(model: Model) -> Iterator[Finding]:
    for incident in model.incidents("lost"):
        if model.role(incident.site) in EXEMPT_ROLES:
            continue
        does = incident.note if incident.note in ("commits", "rolls back") else "ends the transaction"
        subject = f"this call {does}" if incident.via else does
        used = f"the use at {model.text(incident.steps[0].site)}" if incident.steps else "the use after it"
        message = (
            f"{subject} inside the `begin()` block that owns the transaction: {used} raises \"Can't operate on closed transaction inside"
            ' context manager"; leave the commit to the block, or undo a part with `begin_nested()`'
        )
        trail = (*model.steps(incident.via), *model.steps(incident.steps))
        yield model.finding(CODE, NAME, incident.site, message, Confidence(incident.confidence), trail, incident.function)


RULE = Rule(CODE, NAME, "Commit or rollback inside a `begin()` block, and SQL afterwards.", check)
