"""ORM208: a call that leaves the process, or waits, while the session's transaction is open."""

from __future__ import annotations

from collections.abc import Iterator

from ormlint.findings import Confidence, Finding
from ormlint.orms.vocabulary import CATEGORIES
from ormlint.rules.loops import EXEMPT_ROLES
from ormlint.rules.rule import Rule
from ormlint.semantics.model import Model

CODE, NAME = "ORM208", "io-in-transaction"
_QUICK = frozenset({"cache"})
"""What answers in a fraction of a millisecond is no reason to end a transaction."""


def check(model: Model) -> Iterator[Finding]:
    for incident in model.incidents("call_out"):
        if incident.note in _QUICK or model.role(incident.site) in EXEMPT_ROLES:
            continue
        what = CATEGORIES.get(incident.note, "an external call")
        through = f", {len(incident.via)} calls down," if len(incident.via) > 1 else " in it" if incident.via else ""
        opened = model.text(incident.steps[-1].site) if incident.steps else "before"
        subject = f"this call makes {what}{through}" if incident.via else f"this is {what}"
        message = (
            f"{subject} while the transaction opened at {opened} is still open: its connection and its locks are held until the answer"
            " comes; commit or close the session before it, and write what comes back in a second transaction"
        )
        trail = (*model.steps(incident.steps), *model.steps(incident.via))
        yield model.finding(CODE, NAME, incident.site, message, Confidence(incident.confidence), trail, incident.function)


RULE = Rule(CODE, NAME, "An external call or a wait while the session's transaction is open.", check)
