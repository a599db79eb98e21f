"""ORM303: an object makes a session and keeps it, and nothing ends it."""

from __future__ import annotations

from collections.abc import Iterator

from ormlint.findings import Finding
from ormlint.rules.loops import EXEMPT_ROLES
from ormlint.rules.rule import Rule
from ormlint.semantics.model import Model
from ormlint.semantics.revealing import short

CODE, NAME = "ORM303", "session-held-by-object"


def check(model: Model) -> Iterator[Finding]:
    seen = set()
    for made in model.held_sessions():
        if model.role(made.site) in EXEMPT_ROLES or made.site in seen:
            continue
        seen.add(made.site)
        message = (
            f"{short(made.function)} makes this session and keeps it as .{made.name}, and nothing ends it: its connection and transaction "
            "stay open as long as the object lives; keep the factory, take the session from the caller, or close it in a close()"
        )
        yield model.finding(CODE, NAME, made.site, message, symbol=made.function)


RULE = Rule(CODE, NAME, "An object makes and keeps a session that nothing ends.", check)
