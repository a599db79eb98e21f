"""What the rules about serialisers and templates share: the loads of one walk, and words for them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ormlint.findings import Confidence, Step, Trail
from ormlint.semantics.model import Model
from ormlint.semantics.observations import Misuse
from ormlint.semantics.revealing import short
from ormlint.semantics.values import Site


def walked(model: Model, kind: str) -> Iterator[tuple[Site, list[Misuse]]]:
    """The places where something is walked, each with the loads that this is."""
    places: dict[Site, list[Misuse]] = {}
    for item in model.misuses(kind):
        places.setdefault(item.event.site, []).append(item)
    yield from places.items()


_NAMED = 5
_FEW = 2
_SHOWN = 8
"""The reads of so many attributes are shown step by step."""


def sureness(items: Sequence[Misuse]) -> Confidence:
    """How sure it is that a walk is a fault: one SELECT or two more, for one object, may be what is wanted."""
    best = Confidence(max(item.event.confidence for item in items))
    fails = any(item.event.how == "detached" or (item.event.session is not None and item.event.session.is_async) for item in items)
    many = any(item.event.entity is not None and item.event.entity.born for item in items)
    read = {(item.event.entity.model, item.event.attr) for item in items if item.event.entity is not None}
    return best if fails or many or len(read) > _FEW else Confidence.possible


def nearest(items: Sequence[Misuse]) -> Misuse:
    """The load that a cure is told for: a sure one, with the shortest way from what was queried."""

    def rank(item: Misuse) -> tuple[int, int]:
        entity = item.event.entity
        return item.event.confidence, -len(entity.path) if entity is not None else 0

    return max(items, key=rank)


def loads(items: Sequence[Misuse]) -> str:
    """What is read, and what that does: `Order.customer, which is not loaded: one SELECT for each Order`."""
    names = list(dict.fromkeys(f"{short(item.event.entity.model)}.{item.event.attr}" for item in items if item.event.entity is not None))
    if len(names) > _NAMED:
        names = [*names[: _NAMED - 1], f"{len(names) - _NAMED + 1} more"]
    what = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
    verb = "is" if len(names) == 1 else "are"
    event = items[0].event
    if any(item.event.how == "detached" for item in items):
        return f"{what}, which {verb} not loaded, after the session has ended: DetachedInstanceError"
    if event.session is not None and event.session.is_async:
        return f"{what}, which {verb} not loaded, and nothing awaits it: MissingGreenlet"
    rows = next((short(item.event.entity.model) for item in items if item.event.entity is not None and item.event.entity.born), "")
    count = "one SELECT" if len(names) == 1 else "a SELECT for each of them"
    cost = f"{count} for each {rows} (N+1)" if rows else f"{count} more"
    return f"{what}, which {verb} not loaded: {cost}, out of sight of this code"


def trail_of(model: Model, items: Sequence[Misuse]) -> Trail:
    """Where the objects come from, and the steps of each read."""
    steps: dict[Step, None] = {}
    for item in items:
        if item.event.entity is not None:
            steps |= dict.fromkeys(model.source_of(item.event.entity))
    for item in items[:_SHOWN]:
        if item.other is not None and item.other.path in model.paths:
            steps[model.step(item.other, f"reads .{item.event.attr}")] = None
        steps |= dict.fromkeys(model.way(item.event))
        if item.other is None and not item.event.via:
            steps[model.step(item.event.site, f"the field {item.event.attr} is read")] = None
    return tuple(steps)
