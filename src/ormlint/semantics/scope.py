"""Uses of a session after its end: of the session itself, of a result that needs it, of rows that are fetched when they are consumed.

Takes a frame, a session and the place of the use; notes what is wrong there. A session that is used after its close opens again by
itself: that is a leak unless somebody closes it once more, so it is judged when the function has been run. Only sessions that the project
makes are judged: who closes a session that it was given may mean to use it again.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from ormlint.facts import records as r
from ormlint.semantics.events import Event, SessionState
from ormlint.semantics.frame import Frame
from ormlint.semantics.state import State
from ormlint.semantics.values import ClassRef, Coll, Query, Result, Session, is_core, options_of

USES = frozenset({"query", "write", "add", "flush", "commit"})
"""The kinds of events that open a closed session again."""
_REOPENED = "reopened"


def used(frame: Frame, session: Session, node: r.Node, via: Event | None = None) -> None:
    """A use of the session at `node`: notes it where the session has ended on every path that comes here."""
    known = ended(frame, session)
    if known is None:
        return
    event = Event("use", frame.site(node), session=session, via=via.via if via is not None else ())
    assert known.ended is not None
    frame.reused.setdefault(session.id, []).append((event, known.ended))
    frame.state.sessions[session.id] = msgspec.structs.replace(known, ended=None, fates=frozenset({_REOPENED}))


def ended(frame: Frame, session: Session) -> SessionState | None:
    """What is known of a session that the project made and that has ended here for certain."""
    known = frame.state.sessions.get(session.id)
    if known is None or known.ended is None or session.scoped or session.id.kind != "made" or is_core(session):
        return None
    return known


def consumed(frame: Frame, result: Result, node: r.Node) -> None:
    """Rows are taken from a result: of entities, or from an open cursor, they need the session."""
    if result.session is None:
        return
    known = ended(frame, result.session)
    if known is None or not (needs_session(frame, result.query) or result.is_async):
        return
    frame.note("after-scope", Event("use", frame.site(node), session=result.session), known.ended, "result")


def needs_session(frame: Frame, query: Query) -> bool:
    """Whether the rows of a query hold entities, which are put into the session when they are read."""
    return any(
        isinstance(item, ClassRef) and frame.world.classes.model(item.cls) is not None
        for column in query.columns
        for item in options_of(column)
    )


def exhausted(frame: Frame, rows: Coll, node: r.Node) -> None:
    """A lazy iterable is consumed here: now it uses its sessions."""
    for session in rows.lazy:
        used(frame, session, node)


def uses_of(events: Sequence[Event]) -> tuple[Session, ...]:
    """The sessions that these events use, each once."""
    found = {event.session.id: event.session for event in events if event.kind in USES and event.session is not None}
    return tuple(found.values())


def judge_reuse(frame: Frame, exits: Sequence[State]) -> None:
    """Keeps the uses after the end of those sessions that some way out leaves open again."""
    for id, uses in frame.reused.items():
        states = [state.sessions[id] for state in exits if id in state.sessions]
        if any(_REOPENED in known.fates for known in states):
            for event, since in uses:
                frame.note("after-scope", event, since)
