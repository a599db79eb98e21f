"""Loops go round until nothing changes, twice at most: what the first turn leaves, the second one meets.

Takes a `for` or `while` statement; runs its body and its `else`, and leaves the frame where the loop ends. Every element was visited: what
the body loads of each is loaded of all. Which kind a loop is, is told by `loops`; what happens again in it by `repetition`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from ormlint.facts import records as r
from ormlint.semantics import autoflush, identity, unfetched
from ormlint.semantics.assignment import bind_target
from ormlint.semantics.containers import born_in, element_of
from ormlint.semantics.events import FRESH, Loop
from ormlint.semantics.frame import Frame
from ormlint.semantics.function_calls import resumed
from ormlint.semantics.iteration import iterated
from ormlint.semantics.loops import for_loop, while_loop
from ormlint.semantics.narrowing import condition
from ormlint.semantics.paths import join_paths
from ormlint.semantics.repetition import loop_events
from ormlint.semantics.state import State, contains, join_states
from ormlint.semantics.transactions import settle_loop
from ormlint.semantics.values import Coll, Entity, Origin, Tup, UnionOf, Value, widen

_NESTED = 4
"""Loops nested deeper than this go round once, so that time stays bounded."""


def run_for(frame: Frame, stmt: r.For) -> None:
    frame.iterating = stmt.iter
    source = frame.evaluate(stmt.iter)
    frame.iterating = None
    lender, frame.suspended = frame.suspended, None
    if frame.dead:
        return
    iterable = iterated(frame, source, stmt.iter)
    loop = for_loop(frame, stmt, source, iterable)
    element = born_in(element_of(iterable), loop.site)
    met = origins_in(element)

    def enter() -> None:
        bind_target(frame, stmt.target, element, None)
        identity.next_row(frame, element)
        unfetched.next_row(frame, rows, loop.site)

    rows = frozenset([entity.origin for entity in identity.entities_in(element)])
    again = _go_round(frame, loop, stmt.body, stmt.orelse, enter, None, origins=met, rows=rows)
    if lender is not None and not frame.dead:
        resumed(frame, lender, stmt.iter, left=not again)


def origins_in(value: Value) -> frozenset[Origin]:
    """The origins of the entities that a loop's element is or holds."""
    if isinstance(value, Entity):
        return frozenset({value.origin})
    if isinstance(value, (Tup, UnionOf)):
        return frozenset([origin for item in value.items for origin in origins_in(item)])
    return frozenset()


def run_while(frame: Frame, stmt: r.While) -> None:
    loop = while_loop(frame, stmt)
    forever = isinstance(stmt.test, r.Const) and bool(stmt.test.value)
    _go_round(frame, loop, stmt.body, stmt.orelse, lambda: condition(frame, stmt.test, True), None if forever else stmt.test, forever)


def _go_round(
    frame: Frame,
    loop: Loop,
    body: Sequence[r.Stmt],
    orelse: Sequence[r.Stmt],
    enter: Callable[[], None],
    test: r.Expr | None,
    forever: bool = False,
    origins: frozenset[Origin] = frozenset(),
    rows: frozenset[Origin] = frozenset(),
) -> bool:
    """Runs the loop; gives whether some turn of it comes to its end."""
    before = frame.state
    head = before
    rounds = 1 if len(frame.loops) >= _NESTED else 2
    out: list[State] = []
    back: State | None = None
    depth = len(frame.conditions)
    for turn in range(rounds):
        frame.state = head.copy()
        frame.dead = False
        frame.loops.append(loop)
        frame.breaks.append([])
        frame.continues.append([])
        autoflush.turn(frame, loop)
        enter()
        if not frame.dead:
            frame.run(body)
        del frame.conditions[depth:]
        arrivals = frame.continues.pop()
        out = frame.breaks.pop()
        frame.loops.pop()
        if not frame.dead:
            arrivals.append(frame.state)
        back = join_states(arrivals)
        if back is None:
            break
        if turn + 1 < rounds:
            again = join_states([before.copy(), back.copy()])
            assert again is not None
            if not again.adds_to(head):
                break
            for origin in origins:
                known = again.live.get(origin)
                if known is not None and known.how == "expire" and known.expired is not None and contains(loop.site, known.expired):
                    again.live[origin] = before.live.get(origin, FRESH)  # only the element before was expired
                elif known is not None and known.expired is not None and contains(loop.site, known.expired):
                    # What the body read again, it read of the element before: the next one is still as the expiry left it.
                    again.live[origin] = msgspec.structs.replace(known, loaded=frozenset(), fresh=frozenset(), deleted=False)
            for origin in rows:
                known = again.live.get(origin)
                if known is not None and known.outdated:
                    # What the body wrote past the session, it wrote to the row of the turn before.
                    again.live[origin] = msgspec.structs.replace(known, outdated=before.live.get(origin, FRESH).outdated)
            again.vars = {
                name: widen(value) if name in loop.varying or isinstance(value, Coll) else value for name, value in again.vars.items()
            }
            head = again
    if back is not None:
        frame.state = back
        loop_events(frame, loop, list(back.events))
        back = frame.state
    exits = list(out)
    if not forever:
        leaving = before.copy()
        if back is not None:
            after = back.copy()
            live = after.live
            joined = join_states([leaving, after])
            assert joined is not None
            settle_loop(joined, before, back)
            # Every element was visited: what the body loaded for each is loaded for all.
            for origin, item in live.items():
                known = joined.live.get(origin)
                if known is not None and (item.loaded - known.loaded or item.fresh - known.fresh):
                    joined.live[origin] = msgspec.structs.replace(known, loaded=known.loaded | item.loaded, fresh=known.fresh | item.fresh)
            leaving = joined
        frame.state = leaving
        frame.dead = False
        if test is not None:
            condition(frame, test, False, evaluate_it=False)
        frame.run(orelse)
        if not frame.dead:
            exits.append(frame.state)
    join_paths(frame, exits)
    return back is not None
