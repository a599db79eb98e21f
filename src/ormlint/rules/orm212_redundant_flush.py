"""ORM212: a flush directly before the commit of the same session."""

from __future__ import annotations

from collections.abc import Iterator

from ormlint.findings import Finding
from ormlint.rules.loops import EXEMPT_ROLES
from ormlint.rules.rule import Rule
from ormlint.semantics.model import Model

CODE, NAME = "ORM212", "redundant-flush"


def check(model: Model) -> Iterator[Finding]:
    for function, flush, commit in model.flushes_before_commits():
        if model.role(flush.site) in EXEMPT_ROLES:
            continue
        message = "the commit flushes by itself, and nothing is read between; delete this flush"
        yield model.finding(CODE, NAME, flush.site, message, trail=(model.step(commit.site, "commits"),), symbol=function.id)


RULE = Rule(CODE, NAME, "A flush directly before the commit of the same session.", check, default=False)
