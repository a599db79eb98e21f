"""What happens again in each turn of a loop, and who is told: the rules, or the callers who know which object it is.

Takes repeated events; keeps the surer of two of one place for the rules, and those of an object that was passed in for the callers. Does
not know which events are repeated.
"""

from __future__ import annotations

import msgspec

from ormlint.semantics.attributes import answered, shared
from ormlint.semantics.events import FRESH
from ormlint.semantics.frame import Frame
from ormlint.semantics.observations import Repeated
from ormlint.semantics.summaries import Substitution
from ormlint.semantics.values import Site

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
