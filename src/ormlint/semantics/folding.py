"""What the computations of a run left, put together for all that is asked when everything has been run.

Takes a world; leaves in it what was observed where the project really reaches it. Whatever is found by several computations is told by one
of them, and which one does not depend on the order in which they were run.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any, TypeVar

from ormlint.semantics.events import Event
from ormlint.semantics.frame import World
from ormlint.semantics.observations import Crossing, Incident, Made, Repeated
from ormlint.semantics.traces import encoded
from ormlint.semantics.values import Site

Place = TypeVar("Place")
Observed = TypeVar("Observed")


def fold(world: World) -> None:
    """Puts what each computation left into the tables of the world."""
    resolved, unresolved, callers = world.resolved, world.unresolved, world.callers
    told: set[tuple[str, int]] = set()
    for trace in world.leavings():
        for path, node in trace.called:
            place = (path, id(node))  # files of the same content share their nodes
            if place not in told:
                told.add(place)
                resolved.add(Site(path, node.start, node.end))
        resolved.update(trace.sites)
        unresolved.update(trace.unresolved)
        for called, caller in trace.callers:
            found = callers.get(called)
            if found is None:
                callers[called] = {caller}
            else:
                found.add(caller)
        for table, item in trace.rest:
            _put(world, table, item)


def fold_table(world: World, name: str) -> None:
    """Puts what each computation left into one table, which is asked before all is run."""
    for trace in world.leavings():
        for table, item in trace.rest:
            if table == name:
                _put(world, table, item)


def _put(world: World, table: str, item: Any) -> None:
    if table == "made":
        keep_made(world, *item)
    elif table in ("registries", "listeners"):
        key, value = item
        held = getattr(world, table)
        held[key] = value if key not in held else min(held[key], value, key=text)
    elif table == "flags":
        setattr(world, item, True)
    else:
        getattr(world, table).add(item)


def keep_made(world: World, place: tuple[Site, str], made: Made) -> None:
    """Of what several contexts say of one session that may stay open, keeps the one with the most ways out; an exception is the least."""
    known = world.made.get(place)
    if known is None or _most_open(made, known) is made:
        world.made[place] = made


def _most_open(one: Made, other: Made) -> Made:
    def rank(made: Made) -> tuple[bool, int]:
        return not made.exits or made.exits[0][0] != "exception", len(made.exits)

    left, right = rank(one), rank(other)
    if left != right:
        return one if left > right else other
    return one if one == other else min(one, other, key=text)


def text(item: object) -> bytes:
    """All that is said, to tell which of two comes first where nothing else does."""
    return encoded(item)


def first_of(one: object, other: object, event: Event, known: Event) -> bool:
    """Whether the first of two that are said of one place is to be told: its event is surer, its way is shorter, or it comes first."""
    if (event.confidence, -len(event.via)) != (known.confidence, -len(known.via)):
        return (event.confidence, -len(event.via)) > (known.confidence, -len(known.via))
    ways = [step.site for step in event.via], [step.site for step in known.via]
    return ways[0] < ways[1] if ways[0] != ways[1] else text(one) < text(other)


def within(kept: Mapping[object, Mapping[Place, Observed]], reached: Collection[object]) -> Iterator[tuple[Place, Observed]]:
    """What was observed in the computations that are reached, each with its place."""
    for key, items in kept.items():
        if key in reached:
            yield from items.items()


def put_best(table: str, known: dict[Any, Any], found: Iterable[tuple[Any, Any]]) -> None:
    """Adds what was found at places to what is known there: of two at one place the one that says more, in no order."""
    better = _BETTER[table]
    for place, item in found:
        other = known.get(place)
        if other is None or (other != item and better(item, other)):
            known[place] = item


def _is_stronger(item: Repeated, other: Repeated) -> bool:
    """Whether one of two observations of one event in one loop says more: it is surer, of rows, or tells a shorter way."""
    left, right = (item.event.confidence, item.rows), (other.event.confidence, other.rows)
    return left > right if left != right else first_of(item, other, item.event, other.event)


def _comes_first(item: Any, other: Any) -> bool:
    return first_of(item, other, item.event, other.event)


def _is_shorter(item: Crossing, other: Crossing) -> bool:
    return (len(item.via), text(item)) < (len(other.via), text(other))


def _is_surer(item: Incident, other: Incident) -> bool:
    return (-item.confidence, len(item.via), text(item)) < (-other.confidence, len(other.via), text(other))


_BETTER: dict[str, Callable[[Any, Any], bool]] = {
    "observed": _is_stronger,
    "noted": _comes_first,
    "raising": _comes_first,
    "crossed": _is_shorter,
    "noticed": _is_surer,
}
OBSERVED = tuple(_BETTER)
"""The tables of what was observed in each computation, by place."""
