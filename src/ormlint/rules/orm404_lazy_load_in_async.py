"""ORM404: plain attribute access under an AsyncSession reads what is not loaded, or what a commit or rollback expired."""

from __future__ import annotations

from collections.abc import Iterator

from ormlint.findings import Confidence, Finding
from ormlint.rules.cures import cure
from ormlint.rules.loops import EXEMPT_ROLES
from ormlint.rules.raising import RETURNING, lost, what_was_read
from ormlint.rules.rule import Rule
from ormlint.semantics.model import Model

CODE, NAME = "ORM404", "lazy-load-in-async"


def check(model: Model) -> Iterator[Finding]:
    for read in model.raising_reads():
        event = read.event
        if event.how == "detached" or event.entity is None or model.role(event.end) in EXEMPT_ROLES:
            continue
        cause = lost(event)
        if cause:
            state = f"was expired by the {cause}"
            instead = f"refresh the object, or read it before the {cause}"
            if cause == "commit":
                instead = "await session.refresh(…) first, or make the session with expire_on_commit=False"
            elif cause == "UPDATE":
                instead = f"await session.refresh(…) first, or have the UPDATE return it ({RETURNING})"
        else:
            state = "is deferred" if event.how == "deferred" else "is not loaded"
            instead = cure(model, event)
        what = f"{what_was_read(event)} {state}, and plain access under an AsyncSession raises MissingGreenlet"
        steps = [*model.source_of(event.entity)]
        if cause and event.since is not None and event.since.path in model.paths:
            steps.append(model.step(event.since, f"the {cause} expires what was loaded"))
        if event.via:
            steps.append(model.step(event.site, "the read is reached from here"))
        trail = (*steps, *model.way(event)[:-1])
        yield model.finding(CODE, NAME, event.end, f"{what}; {instead}", Confidence(event.confidence), trail, read.function)


RULE = Rule(CODE, NAME, "Plain attribute access under an AsyncSession would need SQL: MissingGreenlet.", check)
