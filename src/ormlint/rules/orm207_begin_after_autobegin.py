"""ORM207: `session.begin()` after the transaction has begun by itself."""

from __future__ import annotations

from collections.abc import Iterator

from ormlint.findings import Confidence, Finding
from ormlint.rules.loops import EXEMPT_ROLES
from ormlint.rules.rule import Rule
from ormlint.semantics.model import Model

CODE, NAME = "ORM207", "begin-after-autobegin"


def check(model: Model) -> Iterator[Finding]:
    for incident in model.incidents("begun"):
        if model.role(incident.site) in EXEMPT_ROLES:
            continue
        begun = "an earlier begin()" if incident.note == "explicit" else "what ran before"
        if incident.steps:
            begun = f"the statement at {model.text(incident.steps[-1].site)}"
        subject = "this call begins a transaction" if incident.via else "begins a transaction"
        message = (
            f'{subject} that {begun} has begun already: "A transaction is already begun on this Session"; move that into the block, end it'
            " with a commit or rollback, or use begin_nested()"
        )
        trail = (*model.steps(incident.steps), *model.steps(incident.via))
        yield model.finding(CODE, NAME, incident.site, message, Confidence(incident.confidence), trail, incident.function)


RULE = Rule(CODE, NAME, "`begin()` after SQL has begun the transaction already.", check)
