"""Runs one function's statements over abstract values, in order, until the point is dead.

Takes a frame and a body; changes the frame's state. `frame.dead` says that the current point cannot be reached. What leaves the function is
kept in `frame.ends` with the state it leaves in, so that `finally` and `with` can still act on it. Statements that have paths of their own
are known elsewhere: `branches`, `rounds`, `try_blocks`, `with_blocks`; what is bound to names and attributes in `assignment`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ormlint.facts import records as r
from ormlint.semantics import boundary, identity, serializing
from ormlint.semantics.assignment import ann_assign, assign, aug_assign
from ormlint.semantics.branches import run_if, run_match
from ormlint.semantics.concurrency import handed
from ormlint.semantics.expressions import captured
from ormlint.semantics.frame import Frame
from ormlint.semantics.holders import returned
from ormlint.semantics.narrowing import condition
from ormlint.semantics.paths import lasting_conditions, may_raise
from ormlint.semantics.rounds import run_for, run_while
from ormlint.semantics.symbols import absolute, applied
from ormlint.semantics.transactions import raised
from ormlint.semantics.try_blocks import run_try
from ormlint.semantics.unit_of_work import hand_back
from ormlint.semantics.values import NONE, UNKNOWN, Actual, ClassRef, FuncRef, LibRef, ModuleRef, Plain, Result, Unknown, Value, join
from ormlint.semantics.with_blocks import run_with


def run(frame: Frame, body: Sequence[r.Stmt]) -> None:
    """Runs statements in order until the point is dead."""
    depth = len(frame.conditions)
    for stmt in body:
        if frame.dead:
            break
        if frame.catches and not _cannot_raise(stmt):
            may_raise(frame)
        frame.spend()
        _BY_TYPE[type(stmt)](frame, stmt)
    if len(frame.conditions) > depth:
        frame.conditions[depth:] = lasting_conditions(frame, depth)


def _cannot_raise(stmt: r.Stmt) -> bool:
    """Statements that only move on: no handler ever sees the state before them."""
    if isinstance(stmt, r.Return):
        return stmt.value is None or isinstance(stmt.value, (r.Const, r.Name))
    return isinstance(stmt, (r.Pass, r.Break, r.Continue, r.Global, r.Function))


def _expression(frame: Frame, stmt: r.ExprStmt) -> None:
    value = frame.evaluate(stmt.value)
    if isinstance(value, (Result, Plain)):
        identity.ignored(frame, value, stmt.value)


def _return(frame: Frame, stmt: r.Return) -> None:
    value = frame.evaluate(stmt.value) if stmt.value is not None else NONE
    if frame.dead:
        return
    boundary.give(frame, stmt, value)
    serializing.answered(frame, stmt, value)
    frame.returned = join(frame.returned, value)
    handed(frame, value)
    returned(frame, value)
    hand_back(frame, value)
    frame.ends.append(("return", frame.site(stmt), frame.state))
    frame.dead = True


def _raise(frame: Frame, stmt: r.Raise) -> None:
    for part in (stmt.value, stmt.cause):
        if part is not None:
            frame.evaluate(part)
    if frame.dead:
        return
    raised(frame)
    if frame.catches:
        may_raise(frame)
    else:
        frame.ends.append(("raise", frame.site(stmt), frame.state))
    frame.dead = True


def _delete(frame: Frame, stmt: r.Delete) -> None:
    for target in stmt.targets:
        if isinstance(target, r.Name):
            frame.state.vars[target.id] = UNKNOWN


def _assert(frame: Frame, stmt: r.Assert) -> None:
    condition(frame, stmt.test, True)
    frame.dead = False


def _nothing(frame: Frame, stmt: r.Stmt) -> None:
    del frame, stmt


def _break(frame: Frame, stmt: r.Break) -> None:
    if frame.breaks:
        frame.breaks[-1].append(frame.state)
    frame.dead = True


def _continue(frame: Frame, stmt: r.Continue) -> None:
    if frame.continues:
        frame.continues[-1].append(frame.state)
    frame.dead = True


def _global(frame: Frame, stmt: r.Global) -> None:
    if not stmt.is_nonlocal:
        frame.globals.update(stmt.names)


def _import(frame: Frame, stmt: r.Import) -> None:
    if frame.module_level:
        return
    symbols = frame.world.symbols
    for name in stmt.names:
        if not stmt.is_from:
            bound = name.asname or name.name.split(".", 1)[0]
            path = frame.scope.known_as(name.name if name.asname else bound)
            frame.state.vars[bound] = ModuleRef(path) if symbols.is_module(path) else LibRef(path)
            continue
        module = absolute(frame.scope, stmt)
        if module is None or name.name == "*":
            continue
        if symbols.is_module(module):
            if module in symbols.modules and symbols.lookup(module, name.name) is not None:
                frame.state.vars[name.asname or name.name] = frame.world_value(module, name.name)
            elif symbols.is_module(f"{module}.{name.name}"):
                frame.state.vars[name.asname or name.name] = ModuleRef(f"{module}.{name.name}")
            else:
                frame.state.vars[name.asname or name.name] = Unknown(f"{module} does not define {name.name}")
        else:
            frame.state.vars[name.asname or name.name] = LibRef(f"{module}.{name.name}")


def _function(frame: Frame, stmt: r.Function) -> None:
    if frame.module_level and not frame.closure and frame.function is None:
        return
    id = frame.world.symbols.id_of(stmt)
    reference: Value = FuncRef(id, None, captured(frame, stmt))
    for decorator in reversed(stmt.decorators):
        func = applied(decorator)
        value = frame.evaluate(func)
        if isinstance(value, FuncRef) and not isinstance(decorator, r.Call):
            wrapped = frame.call(value, (Actual(reference),), decorator)
            if isinstance(wrapped, FuncRef):
                reference = wrapped
    frame.state.vars[stmt.name] = reference


def _class(frame: Frame, stmt: r.Class) -> None:
    if frame.module_level and frame.function is None:
        return
    frame.state.vars[stmt.name] = ClassRef(frame.world.symbols.id_of(stmt))


def _type_alias(frame: Frame, stmt: r.TypeAlias) -> None:
    del frame, stmt


_BY_TYPE: dict[type, Callable[..., None]] = {
    r.ExprStmt: _expression,
    r.Assign: assign,
    r.AnnAssign: ann_assign,
    r.AugAssign: aug_assign,
    r.Return: _return,
    r.Raise: _raise,
    r.Delete: _delete,
    r.Assert: _assert,
    r.Pass: _nothing,
    r.Break: _break,
    r.Continue: _continue,
    r.Global: _global,
    r.Import: _import,
    r.If: run_if,
    r.For: run_for,
    r.While: run_while,
    r.Try: run_try,
    r.With: run_with,
    r.Match: run_match,
    r.Function: _function,
    r.Class: _class,
    r.TypeAlias: _type_alias,
}
