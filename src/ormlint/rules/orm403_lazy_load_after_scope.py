"""ORM403: an attribute that is not loaded is read when the object's session is closed, or the object was expunged."""

from __future__ import annotations

from collections.abc import Iterator

from ormlint.findings import Confidence, Finding
from ormlint.rules.cures import cure
from ormlint.rules.loops import EXEMPT_ROLES
from ormlint.rules.raising import RETURNING, lost, what_was_read
from ormlint.rules.rule import Rule
from ormlint.semantics.model import Model

CODE, NAME = "ORM403", "lazy-load-after-scope"


def check(model: Model) -> Iterator[Finding]:
    for read in model.raising_reads():
        event = read.event
        if event.how != "detached" or event.entity is None or model.role(event.end) in EXEMPT_ROLES:
            continue
        cause = lost(event)
        state = f"was expired by the {cause}" if cause else "is not loaded"
        instead = f"read it before the {cause}" if cause else cure(model, event)
        if cause == "commit":
            instead = "read it before the commit, or make the session with expire_on_commit=False"
        elif cause == "UPDATE":
            instead = f"refresh the object before the session ends, or have the UPDATE return it ({RETURNING})"
        what = f"{what_was_read(event)} {state} and the session of its object has ended: this read raises DetachedInstanceError"
        steps = [*model.source_of(event.entity)]
        if event.since is not None and event.since.path in model.paths:
            steps.append(model.step(event.since, "the object leaves its session here"))
        if event.via:
            steps.append(model.step(event.site, "the read is reached from here"))
        trail = (*steps, *model.way(event)[:-1])
        yield model.finding(CODE, NAME, event.end, f"{what}; {instead}", Confidence(event.confidence), trail, read.function)


RULE = Rule(CODE, NAME, "An attribute that is not loaded is read after the session has ended.", check)
