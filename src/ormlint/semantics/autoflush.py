"""Autoflush: which objects wait in a session, and which query sends them first.

Takes what happens to a session; keeps in its state the place of the add that waits, and notes an `autoflush` event where a query sends
it. Lazy loads flush too; they are left to the rules about loads.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from ormlint.facts import records as r
from ormlint.semantics.events import UNTOUCHED, Loop, Step
from ormlint.semantics.frame import Frame
from ormlint.semantics.state import contains
from ormlint.semantics.values import Actual, Const, Entity, Session, Value

_ADDS = frozenset({"add", "add_all"})
_QUERIES = frozenset({"query", "get", "execute", "stream"})
_SENDS = frozenset({"commit", "commit_or_rollback", "commit_and_close", "rollback", "flush", "begin_nested", "close", "expunge_all"})


def option_of(frame: Frame, actuals: Sequence[Actual]) -> bool | None:
    """`autoflush` of a session or factory, by the arguments that it is made with; None where it is not known."""
    for actual in actuals:
        if actual.keyword == "autoflush":
            said = actual.value.value if isinstance(actual.value, Const) and isinstance(actual.value.value, bool) else None
            if said is not True:
                frame.world.leave("flags", "manual")
            return said
        if actual.star == 2:
            return None
    return True


def switched(frame: Frame, session: Session, quiet: bool) -> None:
    """`with session.no_autoflush:` begins or ends, or `session.autoflush` is set."""
    known = frame.state.sessions.get(session.id, UNTOUCHED)
    if known.quiet is not quiet:
        frame.state.sessions[session.id] = msgspec.structs.replace(known, quiet=quiet)


def told(frame: Frame, session: Session, value: Value) -> None:
    """`session.autoflush = value`."""
    if isinstance(value, Const) and isinstance(value.value, bool):
        switched(frame, session, not value.value)


def flushes(
    frame: Frame, session: Session, effect: str, node: r.Node, entity: Entity | None = None, asks: bool = True, via: tuple[Step, ...] = ()
) -> None:
    """Takes in an operation on a session: something is added, sent, or sent first because a query `asks` for it."""
    known = frame.state.sessions.get(session.id, UNTOUCHED)
    if effect in _ADDS:
        if known.pending is None and entity is not None and entity.origin.kind == "new" and len(via) <= 1:
            frame.state.sessions[session.id] = msgspec.structs.replace(known, pending=frame.site(node))
        return
    if known.pending is None or (effect not in _QUERIES and effect not in _SENDS):
        return
    if effect in _QUERIES:
        if known.quiet or session.autoflush is False or not asks:
            return
        frame.happens("autoflush", node, session=session, since=known.pending, via=via)
    frame.state.sessions[session.id] = msgspec.structs.replace(known, pending=None)


def turn(frame: Frame, loop: Loop) -> None:
    """A new turn of a loop: what the last one added is a matter of the last one."""
    for id, known in frame.state.sessions.items():
        if known.pending is not None and contains(loop.site, known.pending):
            frame.state.sessions[id] = msgspec.structs.replace(known, pending=None)
