"""ORM405: what was loaded is thrown away by a commit, rollback or expiry, and read again once per object."""

from __future__ import annotations

from collections.abc import Iterator

from ormlint.findings import Confidence, Finding
from ormlint.rules.loops import each, per_row
from ormlint.rules.raising import lost, what_was_read
from ormlint.rules.rule import Rule
from ormlint.semantics.model import Model
from ormlint.semantics.state import Repeated
from ormlint.semantics.values import Site

CODE, NAME = "ORM405", "load-undone"


def check(model: Model) -> Iterator[Finding]:
    elements: dict[tuple[Site, object], list[Repeated]] = {}
    for item in per_row(model, "load"):
        event = item.event
        is_async = event.session is not None and event.session.is_async
        if event.entity is not None and event.how in ("expired", "undone") and not is_async:
            elements.setdefault((item.loop.site, event.entity.origin), []).append(item)
    for items in elements.values():
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
        message = f"{what} {verb} loaded, and the {cause} has expired it: {cost} for {each(item)}; {instead}"
        trail = [*model.source_of(event.entity)]
        if event.since is not None and event.since.path in model.paths:
            trail.append(model.step(event.since, f"the {cause} expires what was loaded"))
        trail.append(model.step(item.loop.site, f"the loop: {item.loop.why}"))
        trail.extend(model.ways([other.event for other in items]))
        trail.extend(
            model.step(other.event.site, f"also reads .{other.event.attr}") for other in items[1:] if other.event.site != event.site
        )
        confidence = Confidence(max(other.event.confidence for other in items))
        yield model.finding(CODE, NAME, event.site, message, confidence, tuple(trail), item.function)


RULE = Rule(CODE, NAME, "What was loaded is expired by a commit or rollback and loaded again per object.", check)
