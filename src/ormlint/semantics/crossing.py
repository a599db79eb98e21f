"""Objects that come into a second session while the first still holds them.

Takes a frame, an object and a session, or two objects that a relationship links; notes what raises. Two sessions count as different
only where that is certain: both were made here at different places, or one was made here and the other was given from outside.
"""

from __future__ import annotations

from collections.abc import Sequence

from ormlint.facts import records as r
from ormlint.semantics.events import FRESH, Event
from ormlint.semantics.frame import Frame
from ormlint.semantics.transactions import is_own
from ormlint.semantics.values import Entity, Session, Value, options_of

_FROM_OUTSIDE = frozenset({"param", "arg", "given", "global"})


def different(frame: Frame, one: Session, other: Session) -> bool:
    """Whether these are two sessions for certain."""
    if one.id == other.id or any(id.kind == "param" and not is_own(frame, id) for id in (one.id, other.id)):
        return False
    kinds = {one.id.kind, other.id.kind}
    return kinds in ({"made"}, {"given"}, {"global"}) or ("made" in kinds and not kinds.isdisjoint(_FROM_OUTSIDE))


def held_by(frame: Frame, entity: Entity) -> Session | None:
    """The session that holds the object; None where it has left it, or never had one, or that is not known."""
    origin = entity.origin
    if origin.session is None or frame.state.live.get(origin, FRESH).detached is not None:
        return None
    id = origin.session.id
    known = frame.state.sessions.get(id)
    if known is not None and known.ended is not None:
        return None
    if id.kind == "made" and id not in frame.sessions_made and id not in frame.managed:
        return None  # it was made in a callee that kept it: nobody here knows whether it still lives
    return origin.session


def of_one_session(value: Value) -> bool:
    """Whether all entities that a value may be are of one session, as far as it is known."""
    items = [item for item in options_of(value) if isinstance(item, Entity)]
    return len(items) < 2 or len({item.origin.session.id for item in items if item.origin.session is not None}) < 2


def brought(frame: Frame, entities: Sequence[Entity], session: Session, node: r.Node) -> None:
    """Objects are added to a session, or deleted by it: those that another one holds, and those that they refer to, raise."""
    if frame.unsure:
        return
    for entity in entities:
        for part in (entity, *frame.links.get(entity.origin, ())):
            holder = held_by(frame, part)
            if holder is not None and different(frame, holder, session):
                _note(frame, node, part, holder, session)
                return


def linked(frame: Frame, owner: Entity, value: Value, node: r.Node) -> None:
    """A relationship of `owner` refers to `value` from now on."""
    mine = held_by(frame, owner)
    if not of_one_session(value):
        return  # which of the sessions its object is of may go with the owner's
    for item in options_of(value):
        theirs = held_by(frame, item) if isinstance(item, Entity) else None
        if theirs is None or not isinstance(item, Entity):
            continue
        if mine is not None:
            if different(frame, mine, theirs):
                _note(frame, node, item, theirs, mine)
        elif owner.origin.kind == "new":
            frame.links[owner.origin] = (*frame.links.get(owner.origin, ()), item)


def given_both(frame: Frame, entity: Entity, session: Session, event: Event) -> None:
    """A callee adds an object to a session, and the call has given it both."""
    holder = held_by(frame, entity)
    if holder is not None and different(frame, holder, session):
        end = event.via[-1].site if event.via else event.site
        frame.note("two-sessions", Event("crossing", end, session=session, entity=entity), entity.origin.site)


def _note(frame: Frame, node: r.Node, entity: Entity, holder: Session, session: Session) -> None:
    event = Event("crossing", frame.site(node), session=session, entity=entity)
    frame.note("two-sessions", event, entity.origin.site if entity.origin.site.path else holder.id.site)
