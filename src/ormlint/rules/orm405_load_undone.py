"""ORM405: what was loaded is thrown away by a commit, rollback or expiry, and read again once per object."""

from __future__ import annotations

from collections.abc import Iterator

from ormlint.findings import Confidence, Finding
from ormlint.rules.loops import each, per_row
from ormlint.rules.raising import RETURNING, lost, what_was_read
from ormlint.rules.rule import Rule
from ormlint.semantics.model import Model
from ormlint.semantics.observations import Repeated
from ormlint.semantics.state import contains
from ormlint.semantics.values import Site

CODE, NAME = "ORM405", "load-undone"
FAR = 3
"""A read that is more calls away is only possible: so long a way has branches that do not read."""


def check(model: Model) -> Iterator[Finding]:
    for items in _elements(model):
        item = items[0]
        event = item.event
        assert event.entity is not None
        cause = lost(event) or "commit"
        names = list(dict.fromkeys(what_was_read(other.event) for other in items))
        what = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
        verb = "was" if len(names) == 1 else "were"
        cost = "one SELECT" if len(names) == 1 else "SELECTs again"
        instead = f"take the values before the {cause}, or query again after it"
        if cause == "commit":
            instead = "take the values before the commit, commit after the loop, or make the session with expire_on_commit=False"
        elif cause == "UPDATE":
            instead = f"have the UPDATE return it ({RETURNING}), or query again after it"
        state = f"{what} {verb} loaded, and the {cause} has expired {'it' if len(names) == 1 else 'them'}"
        trail = [*model.source_of(event.entity)]
        if event.since is not None and event.since.path in model.paths:
            trail.append(model.step(event.since, f"the {cause} expires what was loaded"))
        trail.append(model.step(item.loop.site, f"the loop: {item.loop.why}"))
        trail.extend(model.ways([other.event for other in items]))
        others = [other.event for other in items[1:] if other.event.site != event.site]
        trail.extend(model.step(other.site, f"also reads .{other.attr}") for other in others)
        confidence = Confidence(max(_confidence(other) for other in items))
        yield model.finding(CODE, NAME, event.site, f"{state}: {cost} for {each(item)}; {instead}", confidence, tuple(trail), item.function)


def _elements(model: Model) -> Iterator[list[Repeated]]:
    """The reads of each element of each loop, the first one first; what one call reads is one."""
    found: dict[tuple[Site, object], list[Repeated]] = {}
    for item in per_row(model, "load"):
        event = item.event
        is_async = event.session is not None and event.session.is_async
        if event.entity is not None and event.how in ("expired", "undone") and not is_async:
            found.setdefault((item.loop.site, event.entity.origin), []).append(item)
    by_place: dict[Site, list[Repeated]] = {}
    for items in found.values():
        by_place.setdefault(items[0].event.site, []).extend(items)
    yield from by_place.values()


def _confidence(item: Repeated) -> int:
    """A row that the callee loads, commits and reads by itself, that only a failure has expired, or that the same turn expires (so as to
    read it again) is only possibly worth a change."""
    event = item.event
    assert event.entity is not None
    own = bool(event.via) and event.entity.origin.via[-1:] == (event.site,)
    renewed = event.note == "expire" and event.since is not None and (bool(event.via) or contains(item.loop.site, event.since))
    return min(event.confidence, 1) if own or renewed or event.note == "failure" or len(event.via) > FAR else event.confidence


RULE = Rule(CODE, NAME, "What was loaded is expired by a commit or rollback and loaded again per object.", check)
