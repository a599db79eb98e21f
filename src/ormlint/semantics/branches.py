"""Branches: `if` and `match`, each way with what its test says, joined behind them.

Takes the statement; runs its branches, only one where the test's outcome is known. Notes the conditions under which what is in them
happens: a store that had nothing, a row that was missing, a batch that is full. What a test says of names is in `narrowing`.
"""

from __future__ import annotations

from ormlint.facts import records as r
from ormlint.semantics import conflicts
from ormlint.semantics.dependence import absent_for, containers, dotted, kept_by
from ormlint.semantics.expressions import truth_of
from ormlint.semantics.frame import Frame
from ormlint.semantics.holders import made_late
from ormlint.semantics.loops import guard, names_key, one_key
from ormlint.semantics.narrowing import condition, names_known_loaded, tests_untold
from ormlint.semantics.paths import join_paths, lasting_conditions
from ormlint.semantics.sizes import measured
from ormlint.semantics.state import State
from ormlint.semantics.values import UNKNOWN


def run_if(frame: Frame, stmt: r.If) -> None:
    testing, frame.testing = frame.testing, True
    tested = frame.evaluate(stmt.test)
    frame.testing = testing
    truth = None if made_late(frame, stmt.test, tested) else truth_of(tested)
    measured(frame, stmt.test, tested, stmt.test, False)
    if frame.dead:
        return
    if truth is not None:
        depth = len(frame.conditions)
        _note_store(frame, stmt, stmt.body if truth else stmt.orelse, truth)
        around = len(frame.conditions)
        frame.run(stmt.body if truth else stmt.orelse)
        frame.conditions[depth:] = lasting_conditions(frame, around)
        return
    told = conflicts.presence(tested)
    before = frame.state
    states: list[State] = []
    meaning = guard(stmt.test)
    untold = tests_untold(frame, stmt.test)
    depth = len(frame.conditions)
    frame.state = before.copy()
    condition(frame, stmt.test, True, evaluate_it=False)
    if told:
        conflicts.settled(frame, told, True, stmt.test)
    if meaning:
        frame.conditions.append((stmt.start, meaning))
    if untold:
        frame.conditions.append((stmt.start, "untold type"))
    if told and all(seen.how == "absent" for seen in told):
        frame.conditions.append((stmt.start, absent_for(frame, stmt.test)))
    if frame.loops:
        frame.conditions.extend((stmt.start, one_key(loop)) for loop in frame.loops if loop.key and names_key(stmt.test, loop.key))
    _note_store(frame, stmt, stmt.body, True)
    frame.tests.append(frame.world.names(stmt.test))
    frame.empty.append(_said_empty(stmt.test))
    frame.known_loaded.append(names_known_loaded(stmt.test))
    around = len(frame.conditions)
    frame.run(stmt.body)
    frame.known_loaded.pop()
    frame.empty.pop()
    frame.tests.pop()
    lasting = lasting_conditions(frame, around)
    del frame.conditions[depth:]
    left = frame.dead
    if not frame.dead:
        states.append(frame.state)
    frame.dead = False
    frame.state = before
    condition(frame, stmt.test, False, evaluate_it=False)
    _note_store(frame, stmt, stmt.orelse, False)
    if told:
        conflicts.settled(frame, told, False, stmt.test)
    absent = bool(told) and all(seen.how == "present" for seen in told)
    if absent:
        frame.conditions.append((stmt.start, absent_for(frame, stmt.test)))
    frame.run(stmt.orelse)
    del frame.conditions[depth:]
    if not frame.dead:
        states.append(frame.state)
    join_paths(frame, states)
    frame.conditions.extend(lasting)
    if left and absent and not stmt.orelse and isinstance(stmt.body[-1], r.Return):
        frame.conditions.append((stmt.start, absent_for(frame, stmt.test)))  # `if found: return found`
    if left and not stmt.orelse and frame.function is not None:
        # `if key in cache: return cache[key]`: what follows asks for what is missing, and keeps it.
        _note_store(frame, stmt, frame.function.node.body, False, True)


def _said_empty(test: r.Expr) -> str:
    """The attribute that has no value where a test holds: `not order.state`, `order.state is None`; "" where there is none."""
    if isinstance(test, r.Unary) and test.op == "not" and isinstance(test.value, r.Attr):
        return dotted(test.value)
    if isinstance(test, r.Compare) and test.ops in (("is",), ("==",)) and isinstance(test.left, r.Attr):
        right = test.rights[0]
        return dotted(test.left) if isinstance(right, r.Const) and right.kind == "none" else ""
    return ""


def _note_store(frame: Frame, stmt: r.If, body: tuple[r.Stmt, ...], positive: bool, after: bool = False) -> None:
    """Notes that a branch, or what follows a branch that leaves, asks only for what a store does not have yet."""
    if not body:
        return
    whole = frame.function.node.body if frame.function is not None else body
    key = (id(stmt), id(body), positive)
    store = frame.world.kept.get(key)
    if store is None:
        store = frame.world.kept[key] = kept_by(frame.world, stmt.test, body, whole, positive)
    if store and not (after and "." not in store and store not in containers(frame.world, body)):
        root = store.split(".", 1)[0]
        params = () if frame.function is None else tuple(param.name for param in frame.function.node.params)
        scope = "param" if root in params else "local" if root in frame.state.vars and root not in frame.globals else "outer"
        frame.conditions.append((stmt.start, f"kept {scope} {store}"))


def run_match(frame: Frame, stmt: r.Match) -> None:
    subject = frame.evaluate(stmt.subject)
    before = frame.state
    states: list[State] = [before.copy()]
    for case in stmt.cases:
        frame.state = before.copy()
        frame.dead = False
        for name in case.names:
            frame.state.vars[name] = UNKNOWN if len(case.names) > 1 or case.values else subject
        if case.guard is not None:
            condition(frame, case.guard, True)
        frame.run(case.body)
        if not frame.dead:
            states.append(frame.state)
    join_paths(frame, states)
