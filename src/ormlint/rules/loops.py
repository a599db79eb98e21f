"""What the in-loop rules share: which repeated events are one per row, and words for their loops."""

from __future__ import annotations

from collections.abc import Iterator

from ormlint.semantics.model import Model
from ormlint.semantics.observations import Repeated

EXEMPT_ROLES = frozenset({"test", "migration", "fixture"})


def per_row(model: Model, *kinds: str) -> Iterator[Repeated]:
    """The repeated events that happen once for each row, each with its innermost such loop."""
    seen: set[object] = set()
    for item in model.repeated(*kinds):
        if not item.rows or item.loop.kind not in ("rows", "unknown"):
            continue
        if model.role(item.event.site) in EXEMPT_ROLES or guarded(item, "batch") or guarded(item, "worker"):
            continue
        # One call may send several statements: each is one more round trip.
        key = (item.event.site, item.event.kind, item.event.attr, item.event.end if item.event.kind in ("query", "write") else None)
        if key in seen:
            continue
        seen.add(key)
        yield item


def guarded(item: Repeated, kind: str) -> bool:
    """Whether an `if` of this meaning stands between the loop and the event."""
    return any(meaning == kind and item.loop.site.start <= at < item.loop.site.end for at, meaning in item.event.conditions)


def each(item: Repeated) -> str:
    """The words for one iteration: `each Order`, `each payload`."""
    word = item.loop.each
    return f"each {word}" if word else "each element"
