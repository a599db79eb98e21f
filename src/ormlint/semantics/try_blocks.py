"""`try`: handlers see the state before any statement of the body, `finally` runs on every way out.

Takes the statement; runs its parts. A handler that catches an error of the database leaves the session as the failure left it
(`transactions`).
"""

from __future__ import annotations

from ormlint.facts import records as r
from ormlint.orms import registry as orms
from ormlint.semantics import conflicts, identity
from ormlint.semantics.frame import Frame
from ormlint.semantics.handlers import kind_of_error
from ormlint.semantics.paths import join_paths, pass_on, protected
from ormlint.semantics.state import State
from ormlint.semantics.transactions import at_risk, is_one_of, leave_failed
from ormlint.semantics.values import UNKNOWN, LibRef, SessionId, Site, options_of


def run_try(frame: Frame, stmt: r.Try) -> None:
    if stmt.final:
        final_body = stmt.final
        frame.risks.append({})
        undone, frame.undone = frame.undone, set()

        def last(kind: str) -> None:
            before, frame.undone = frame.undone, set()
            frame.run(final_body)
            in_final.update(frame.undone)
            frame.undone |= before

        in_final: set[SessionId] = set()
        protected(frame, lambda: _try_body(frame, stmt), last)
        frame.undone |= undone
        pass_on(frame, in_final)
    else:
        _try_body(frame, stmt)


def _try_body(frame: Frame, stmt: r.Try) -> None:
    if not stmt.handlers:
        outer = frame.catches
        frame.run(stmt.body)
        frame.catches = outer
        if not frame.dead:
            frame.run(stmt.orelse)
        return
    frame.catches.append([frame.state.copy()])
    looked = len(frame.looked_up)
    ending, frame.ending = frame.ending, []
    frame.risks.append({})
    frame.run(stmt.body)
    risks = frame.risks.pop()
    frame.ending = ending
    caught = frame.catches.pop()
    identity.swallowed(frame, stmt)
    states: list[State] = []
    if not frame.dead:
        frame.run(stmt.orelse)
    if not frame.dead:
        states.append(frame.state)
    uncaught = bool(risks)
    for handler in stmt.handlers:
        frame.state = caught[0].copy()
        frame.dead = False
        if handler.name:
            frame.state.vars[handler.name] = UNKNOWN
        goes_on = False
        if uncaught:
            floor, uncaught = _catches(frame, handler)
            goes_on = floor is not None and isinstance(handler.body[-1], r.Raise)
            if floor is not None and not goes_on:
                end = handler.type.end if handler.type is not None else handler.start + len("except")
                leave_failed(frame, risks, Site(frame.path, handler.start, end), floor)
        if len(frame.looked_up) > looked and kind_of_error(frame.world, frame.scope.name, handler.type) == "row_count":
            for entity in frame.looked_up[looked:]:
                conflicts.missed(frame, entity, handler)
        before, frame.undone = frame.undone, set()
        frame.exceptional += 1
        frame.run(handler.body)
        frame.exceptional -= 1
        if goes_on:  # what it does on its way to the handlers around is not judged, but for a rollback
            for id, risk in risks.items():
                if id not in frame.undone and not is_one_of(frame, id, frame.undone):
                    at_risk(frame, risk)
        frame.undone |= before
        if not frame.dead:
            states.append(frame.state)
    if uncaught:
        for risk in risks.values():
            at_risk(frame, risk)
    join_paths(frame, states)


_EVERY = ("SQLAlchemyError", "StatementError", "DBAPIError")
"""Classes of which every error of the database is one."""


def _catches(frame: Frame, handler: r.Handler) -> tuple[int | None, bool]:
    """Which failures a handler catches: the least strength that counts (None: none of the database), and whether some go past it."""
    if handler.type is None:
        return 2, False
    parts = handler.type.items if isinstance(handler.type, r.Seq) else (handler.type,)
    floor: int | None = None
    goes_on = True
    for part in parts:
        for value in options_of(frame.evaluate(part)):
            row = orms.ERRORS.get(value.name) if isinstance(value, LibRef) else None
            if row is None or not row.needs_rollback:
                continue
            floor = min(floor if floor is not None else 2, 2 if row.meaning == "any" else 0)
            if row.meaning == "any" or (isinstance(value, LibRef) and value.name.endswith(_EVERY)):
                goes_on = False
    return floor, goes_on
