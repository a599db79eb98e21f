"""What happens again in each turn of a loop, and who is told: the rules, or the callers who know which object it is.

Takes the events of a loop's body, or of a call for each element; says which are one for each turn, keeps the surer of two of one place for
the rules, and those of an object that was passed in for the callers. Does not run the loop.
"""

from __future__ import annotations

import msgspec

from ormlint.facts import records as r
from ormlint.semantics.attributes import answered, shared
from ormlint.semantics.containers import born_in, unpacked
from ormlint.semantics.dependence import resets
from ormlint.semantics.events import FRESH, Event, Loop
from ormlint.semantics.frame import Frame
from ormlint.semantics.loops import is_row, one_key
from ormlint.semantics.observations import Repeated
from ormlint.semantics.state import contains
from ormlint.semantics.summaries import Substitution
from ormlint.semantics.values import UNKNOWN, Actual, Never, Site, UnionOf, Unknown, Value

_PENDING = 48


def forward(frame: Frame, item: Repeated, back: Substitution) -> None:
    """A repeated load on an entity that was passed in: now it is known which."""
    event = item.event
    if event.entity is None:
        return
    entity = back.entity(event.entity)
    if entity.origin.kind in ("new", "unknown") and not (entity.origin.kind == "new" and event.how in ("expired", "undone")):
        return
    if event.how == "lazy" and (answered(frame, entity, event.attr) or shared(frame, entity, event.attr)):
        return
    session = None if event.session is None else back.session(event.session)
    confidence = event.confidence
    if entity.origin.kind in ("param", "self", "declared") and frame.world.eagerly(entity.model, event.attr):
        confidence = 1
    since = event.since
    if since is not None and since.path == "":
        live = frame.state.live.get(entity.origin, FRESH)
        since = live.expired or entity.origin.expired or live.detached or since
    note_repeated(
        frame,
        msgspec.structs.replace(
            item, event=msgspec.structs.replace(event, entity=entity, session=session, since=since, confidence=confidence)
        ),
    )


def note_repeated(frame: Frame, item: Repeated) -> None:
    """Keeps a repeated event for the rules, or for the callers where its entity is still a symbol."""
    entity = item.event.entity
    if item.event.kind == "load" and entity is not None and entity.origin.kind == "arg":
        place = (item.event.site, item.event.attr, item.loop.site, entity.origin.name, entity.path)
        if len(frame.pending) < _PENDING:
            frame.pending.setdefault(place, item)
        return
    world = frame.world
    keep_stronger(world.observed.setdefault(world.current, {}), item)


def keep_stronger(found: dict[tuple[str, Site, str, Site, Site | None], Repeated], item: Repeated) -> None:
    """Of two observations of one place the surer one stays."""
    event = item.event
    key = (event.kind, event.site, event.attr, item.loop.site, event.end if event.kind in ("query", "write") else None)
    known = found.get(key)
    if known is None or known.event.confidence < item.event.confidence or (not known.rows and item.rows):
        found[key] = item


_SENT = frozenset({"execute", "write"})
_OF_BATCH = frozenset({"commit", "flush", "write"})


def loop_events(frame: Frame, loop: Loop, events: list[Event]) -> None:
    """Notes which events of the loop's body happen again in each iteration, and in which sense."""
    inside = [
        event for event in events if contains(loop.site, event.site) and not (loop.head is not None and contains(loop.head, event.site))
    ]
    evidence = any(event.kind in ("query", "add", "write", "mutate", "load") and loop.site in event.varies for event in inside)
    rows = loop.kind == "rows" or (loop.kind == "unknown" and evidence)
    if loop.kind == "worker":
        # What a worker does for each message is no repetition of those who start one for each element.
        inside = [
            _instead(frame, event, msgspec.structs.replace(event, conditions=(*event.conditions, (loop.site.start, "worker"))))
            for event in inside
        ]
    for event in inside:
        if event.exceptional or (loop.key and any(meaning == one_key(loop) for _, meaning in event.conditions)):
            continue
        if loop.cursor is not None and event.kind == "commit" and event.session is not None and event.session.id == loop.cursor:
            frame.note("commit-while-streaming", event, loop.head)
        if event.reported:
            continue
        if event.kind in ("commit", "rollback", "flush", "savepoint", "begin", "callout", "close", "autoflush"):
            if event.kind == "autoflush" and (event.since is None or not contains(loop.site, event.since)):
                continue
            session = event.session
            if session is not None and (loop.site in session.born or event.own):
                continue
            note_repeated(frame, Repeated(event, loop, frame.name, rows))
        elif event.kind == "load":
            if loop.site not in event.varies or any(contains(test, event.site) for test in loop.seeking):
                continue
            note_repeated(frame, Repeated(event, loop, frame.name, rows))
        elif event.kind == "query" or (event.kind == "write" and event.how in _SENT):
            if _is_sent_once(frame, loop, event, inside):
                continue
            note_repeated(frame, Repeated(event, loop, frame.name, rows))
        elif event.kind in ("write", "add"):
            note_repeated(frame, Repeated(event, loop, frame.name, rows and loop.site in event.varies))
        else:
            continue
        if loop.kind == "batch" and event.kind in _OF_BATCH:
            # For the loops around this one it is one for each batch, not for each of their elements.
            event = _instead(frame, event, msgspec.structs.replace(event, conditions=(*event.conditions, (loop.site.start, "batch"))))
        guarded = any(kind == "batch" and loop.site.start <= at < loop.site.end for at, kind in event.conditions)
        if rows and loop.kind in ("rows", "unknown") and not guarded and (event.kind != "query" or loop.site in event.varies):
            _instead(frame, event, msgspec.structs.replace(event, reported=True))


def _instead(frame: Frame, event: Event, other: Event) -> Event:
    """Puts an event in the place of one that has happened."""
    for events_of in (frame.state.events, frame.order):
        if event in events_of:
            del events_of[event]
            events_of[other] = None
    return other


def _is_sent_once(frame: Frame, loop: Loop, event: Event, inside: list[Event]) -> bool:
    """Whether a query is not one for each turn: its session is the turn's own, it searches, a store keeps it, or it may differ."""
    session = event.session
    if event.own or (session is not None and loop.site in session.born):
        return True
    if loop.site in event.over or any(contains(place, event.site) for place in loop.sought):
        return True
    if any(_is_kept(frame, loop, at, meaning) for at, meaning in event.conditions):
        return True
    if loop.site in event.varies:
        return False
    if loop.site in event.unsteady or event.how == "get" or len(event.via) > 1 or event.kind == "write":
        return True
    return any(other.kind in ("add", "write", "mutate", "flush", "commit", "rollback", "savepoint") for other in inside)


def _is_kept(frame: Frame, loop: Loop, at: int, meaning: str) -> bool:
    if not meaning.startswith("kept ") or not loop.site.start <= at < loop.site.end:
        return False
    _, _, store = meaning.split(" ", 2)
    if "." in store:
        return store.split(".", 1)[0] not in loop.varying
    return not resets(frame.world.bodies.get((loop.site.path, loop.site.start), ()), store, at)


def per_element(frame: Frame, function: Value, elem: Value, node: r.Node, spread: bool) -> Value:
    """Calls `function` once for an element, as the body of a loop at `node` over a collection of such elements."""
    if isinstance(function, Unknown) or isinstance(elem, Never):
        return UNKNOWN
    site = Site(frame.path, node.start, node.end)
    loop = Loop(site, "rows" if is_row(elem) else "unknown", "one call for each element", frozenset({"<element>"}), is_comprehension=True)
    before = set(frame.state.events)
    frame.loops.append(loop)
    element = born_in(elem, site)
    parts = (
        unpacked(element, len(element.items)) if spread and hasattr(element, "items") and not isinstance(element, UnionOf) else [element]
    )
    value = frame.call(function, tuple(Actual(part) for part in parts), node)
    frame.loops.pop()
    fresh = [event for event in frame.state.events if event not in before]
    varying = [
        event if site in event.varies or event.kind == "load" else msgspec.structs.replace(event, varies=(*event.varies, site))
        for event in fresh
    ]
    for old, new in zip(fresh, varying, strict=True):
        if old is not new:
            _instead(frame, old, new)
    loop_events(frame, loop, varying)
    return value
