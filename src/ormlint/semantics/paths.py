"""Where paths through a function meet, and by which ways they leave a block.

Takes a frame and the states that arrive; joins them, hands the state before a statement to the handlers around it, and runs what must run
on every way out. Does not know which statement it is.
"""

from __future__ import annotations

from collections.abc import Callable

from ormlint.facts import records as r
from ormlint.semantics.frame import Frame
from ormlint.semantics.state import State, join_states
from ormlint.semantics.transactions import at_risk, is_one_of, leave_block
from ormlint.semantics.values import SessionId, Site


def lasting_conditions(frame: Frame, depth: int) -> list[tuple[int, str]]:
    """Of the conditions noted in a block those that hold behind it too: a store outside was asked, and had nothing."""
    return [item for item in frame.conditions[depth:] if item[1].startswith("kept outer ")]


def may_raise(frame: Frame) -> None:
    """Any statement of a `try` body may be the one that raises: its handler sees the state before it."""
    state = frame.state
    if frame.ending:
        # Blocks that the exception leaves on its way to the handler end the sessions, or the transactions, that they hold.
        state = state.copy()
        for session, closes in frame.ending:
            leave_block(state, session, closes)
    states = frame.catches[-1]
    if states:
        joined = join_states([states[0], state])
        assert joined is not None
        states[0] = joined
    else:
        states.append(state.copy())


def join_paths(frame: Frame, states: list[State]) -> None:
    joined = join_states(states)
    if joined is None:
        frame.dead = True
    else:
        frame.dead = False
        frame.state = joined


def protected(frame: Frame, body: Callable[[], None], final: Callable[[str], None]) -> None:
    """Runs `body`, then `final` on every way out of it: falling through, returning, raising, breaking, continuing."""
    ends_before = len(frame.ends)
    breaks_before = len(frame.breaks[-1]) if frame.breaks else 0
    continues_before = len(frame.continues[-1]) if frame.continues else 0
    body()
    alive, state = not frame.dead, frame.state
    ways: list[tuple[list[object], int]] = []
    fresh = frame.ends[ends_before:]
    if len(fresh) > 6:
        merged: dict[str, tuple[str, Site, State]] = {}
        for kind, site, end_state in fresh:
            if kind in merged:
                joined = join_states([merged[kind][2], end_state])
                assert joined is not None
                merged[kind] = (kind, merged[kind][1], joined)
            else:
                merged[kind] = (kind, site, end_state)
        fresh = list(merged.values())
    del frame.ends[ends_before:]
    del ways
    kept: list[tuple[str, Site, State]] = []
    for kind, site, end_state in fresh:
        frame.state, frame.dead = end_state, False
        frame.final += 1
        final(kind)
        frame.final -= 1
        if not frame.dead:
            kept.append((kind, site, frame.state))
    frame.ends.extend(kept)
    for stack, count in ((frame.breaks, breaks_before), (frame.continues, continues_before)):
        if not stack:
            continue
        leaving = stack[-1][count:]
        del stack[-1][count:]
        for way in leaving:
            frame.state, frame.dead = way, False
            frame.final += 1
            final("leave")
            frame.final -= 1
            if not frame.dead:
                stack[-1].append(frame.state)
    frame.state, frame.dead = state, not alive
    if alive:
        frame.final += 1
        final("end")
        frame.final -= 1


def pass_on(frame: Frame, undone: set[SessionId]) -> None:
    """What may fail inside a block may fail around it, but for the sessions that leaving the block has rolled back or closed."""
    for id, risk in frame.risks.pop().items():
        if id not in undone and not is_one_of(frame, id, undone):
            at_risk(frame, risk)


def at_yield(frame: Frame, node: r.Node) -> None:
    """At a yield the caller may throw: that is a way out, unless a handler here takes it."""
    if frame.state.sessions and len(frame.yields) < 4:
        frame.yields.append(frame.state.copy())
    if frame.catches or not frame.state.sessions:
        return
    frame.ends.append(("yield", frame.site(node), frame.state.copy()))
