"""ORM310: a blocking Session, Connection or Engine call in an `async def`."""

from __future__ import annotations

from collections.abc import Iterator

from ormlint.findings import Finding
from ormlint.rules.loops import EXEMPT_ROLES
from ormlint.rules.rule import Rule
from ormlint.semantics.model import Model

CODE, NAME = "ORM310", "sync-session-in-async"
_WHAT = {"commit": "this commit", "flush": "this flush", "connect": "this connection"}


def check(model: Model) -> Iterator[Finding]:
    seen: set[object] = set()
    for item in model.in_coroutines():
        event = item.event
        if event.site in seen or item.detail or model.role(event.site) in EXEMPT_ROLES or model.shares_thread(event) is True:
            continue
        if (event.session is not None and event.session.is_async) or model.at_startup(item.function):
            continue
        seen.add(event.site)
        what = "this call" if event.via else _WHAT.get(event.kind, "this query")
        where = f" (through {model.text(event.end)})" if event.via else ""
        message = (
            f"{what}{where} blocks the event loop: no other request or task of the process runs until the database answers; "
            "make the function a plain `def`, use an AsyncSession, or run this work in a thread"
        )
        yield model.finding(CODE, NAME, event.site, message, trail=model.way(event), symbol=item.function)


RULE = Rule(CODE, NAME, "A blocking Session, Connection or Engine call in an `async def`.", check)
