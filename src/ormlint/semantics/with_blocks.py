"""`with`: what entering a context manager gives and does, and what leaving it does on each way out of the block.

Takes the statement, or the value that is entered by hand; knows sessions, transactions, generators, objects with `__enter__`, and context
managers that are not resolved.
"""

from __future__ import annotations

from ormlint.facts import records as r
from ormlint.semantics import autoflush, boundary
from ormlint.semantics.assignment import bind_target
from ormlint.semantics.concurrency import block_ends, handed
from ormlint.semantics.contexts import invoke
from ormlint.semantics.expressions import id_by_use
from ormlint.semantics.frame import Frame
from ormlint.semantics.handlers import is_lock
from ormlint.semantics.observations import Incident, Summary
from ormlint.semantics.paths import join_paths, pass_on, protected
from ormlint.semantics.settling import adopt, settle
from ormlint.semantics.summaries import Substitution
from ormlint.semantics.symbols import last_name
from ormlint.semantics.transactions import carry, commits_one_like, end_all, end_blocks, enter_block, leave_block, notice
from ormlint.semantics.unit_of_work import operate, released, sessions_in
from ormlint.semantics.values import (
    NONE,
    UNKNOWN,
    Actual,
    Awaitable,
    Entity,
    FuncRef,
    Instance,
    LibInstance,
    Manager,
    Session,
    SessionId,
    UnionOf,
    Unknown,
    Value,
    core_connection,
)


class _Entered:
    """One entered context manager, and what its exit does."""

    __slots__ = ("back", "node", "session", "summary", "value")

    def __init__(self, value: Value, node: r.Node) -> None:
        self.value = value
        self.node = node
        self.session: Session | None = None
        self.summary: Summary | None = None
        self.back: Substitution | None = None


def run_with(frame: Frame, stmt: r.With) -> None:
    _with_items(frame, stmt, 0)


def _with_items(frame: Frame, stmt: r.With, at: int) -> None:
    if at == len(stmt.items):
        frame.run(stmt.body)
        return
    item = stmt.items[at]
    outer = frame.awaited
    frame.awaited = frame.site(item.value) if stmt.is_async else None
    value = frame.evaluate(item.value)
    frame.awaited = outer
    if frame.dead:
        return
    handed(frame, value)
    if isinstance(value, Awaitable):
        value = value.value
    entered, given = _enter(frame, value, item.value)
    if frame.in_domain:
        boundary.receive(frame, item.value, given)
    if item.target is not None:
        bind_target(frame, item.target, given, None)
    locked = isinstance(value, LibInstance) and value.cls in ("lock", "async_lock")
    if locked:
        frame.conditions.append((stmt.start, "lock"))
    held = _held_by(entered, given)
    before_block = frame.committed, frame.wrote
    frame.committed, frame.wrote = set(), {}
    opaque = isinstance(entered.value, Unknown) or (isinstance(given, Unknown) and entered.summary is not None)
    if opaque and isinstance(item.target, r.Name):
        held.append((id_by_use(frame, item.target.id), True))
    frame.ending.extend(held)
    guards = is_lock(item.value)
    frame.guards += guards
    frame.risks.append({})
    suppresses = isinstance(value, Manager) and value.kind == "suppress"
    skipped = frame.state.copy() if suppresses else None
    undone = {session for session, _ in held}
    if isinstance(entered.value, Manager) and entered.value.kind == "nested" and entered.value.session is not None:
        undone.add(entered.value.session.id)

    def leave(kind: str) -> None:
        before, frame.undone = frame.undone, set()
        _leave(frame, entered, kind)
        if opaque and not frame.dead:
            _leave_opaque(frame, item.value, [session for session, _ in held])
        elif isinstance(entered.value, Manager) and entered.value.kind == "other":
            _leave_opaque(frame, None, [session for session, _ in held])
        undone.update(frame.undone)
        frame.undone |= before

    protected(frame, lambda: _with_items(frame, stmt, at + 1), leave)
    frame.guards -= guards
    if locked:
        frame.conditions.pop()
    del frame.ending[len(frame.ending) - len(held) :]
    pass_on(frame, undone)
    if isinstance(entered.value, Instance) and frame.wrote:
        _judge_block(frame, entered.value.cls, undone)
    frame.committed |= before_block[0]
    frame.wrote = frame.wrote | before_block[1]
    if skipped is not None:
        join_paths(frame, [skipped] if frame.dead else [frame.state, skipped])


_TRANSACTION_WORDS = ("begin", "transaction", "atomic", "session", "commit", "uow", "unit_of_work", "connect", "scope")


def _leave_opaque(frame: Frame, expr: r.Expr | None, given: list[SessionId]) -> None:
    """Leaving a context manager that is not resolved: it may have ended what it gave, and, by its name, any transaction."""
    for session in given:
        frame.committed.add(session)
        leave_block(frame.state, session, True)
    func = expr.func if isinstance(expr, r.Call) else expr
    name = last_name(func)
    if any(word in name.lower() for word in _TRANSACTION_WORDS):
        end_all(frame)


def _judge_block(frame: Frame, cls: str, undone: set[SessionId]) -> None:
    """A unit of work whose exit rolls back or closes its session: what the block wrote and did not commit is lost."""
    info = frame.world.classes.infos.get(cls)
    for id, (session, steps) in frame.wrote.items():
        owner = id.name.rpartition(".")[0] if id.kind == "field" else ""
        if (
            info is None
            or owner not in info.mro
            or session.ended_by
            or id not in undone
            or id in frame.loose
            or commits_one_like(frame, id)
        ):
            continue
        notice(frame, Incident("unwritten", steps[0].site, session, frame.name, steps[1:], attr="block"))


def _held_by(entered: _Entered, given: Value) -> list[tuple[SessionId, bool]]:
    """The sessions that leaving a block ends when an exception passes, each with whether it closes it too."""
    value = entered.value
    if isinstance(value, Session):
        return [(value.id, True)]
    core = core_connection(value)
    if core is not None:
        return [(core.id, True)]
    if isinstance(value, Manager) and value.session is not None and value.kind in ("begin", "begin_session", "closing"):
        return [(value.session.id, value.kind != "begin")]
    if isinstance(value, Manager) and value.kind == "other":
        return [(session.id, True) for session in sessions_in(value.enter)]  # declared to give a session: it ends it too
    if entered.summary is not None and entered.back is not None:
        mine = {session.id for session in sessions_in(given)}
        found: list[tuple[SessionId, bool]] = []
        for outcome in entered.summary.outcomes:
            session = entered.back.session(outcome.session)
            if outcome.undoes:
                found.append((session.id, session.id in mine and session.id.kind == "made"))
        return found
    return []


def _enter(frame: Frame, value: Value, node: r.Node) -> tuple[_Entered, Value]:
    """Enters a context manager: what its exit will do, and what `as` binds."""
    entered = _Entered(value, node)
    if isinstance(value, UnionOf):
        known = [item for item in value.items if isinstance(item, (Session, Manager, Instance)) or core_connection(item) is not None]
        if known:
            value = entered.value = known[0]
    if isinstance(value, Session):
        entered.session = value
        return entered, value
    if isinstance(value, Manager):
        if value.kind in ("begin_session",):
            entered.session = value.session
            if value.session is not None:
                operate(frame, value.session, "begin", node)
                enter_block(frame, value.session)
            return entered, value.enter
        if value.kind == "begin" and value.session is not None:
            enter_block(frame, value.session)
        if value.kind == "no_autoflush" and value.session is not None:
            autoflush.switched(frame, value.session, True)
            return entered, value.enter
        if value.kind == "closing":
            entered.session = value.session
            return entered, value.enter
        if value.kind == "function" and isinstance(value.func, FuncRef):
            actuals = (*(Actual(item) for item in value.args), *(Actual(item, name) for name, item in value.keywords))
            outcome = invoke(frame, value.func, actuals, node)
            if outcome is None:
                return entered, UNKNOWN
            entered.summary, entered.back = outcome
            settle(frame, entered.summary, entered.back, node, lambda event: not event.after_yield)
            adopt(frame, entered.summary, entered.back)
            given = entered.back.value(entered.summary.yielded)
            for session in sessions_in(given):
                if session.id.kind == "made":
                    frame.state.sessions.pop(session.id, None)
                    frame.managed.add(session.id)
            carry(frame, entered.summary, entered.back, frame.site(node), at_yield=True)
            return entered, given
        return entered, value.enter
    if isinstance(value, (Instance, Entity)):
        cls = value.cls if isinstance(value, Instance) else value.model
        member = frame.world.classes.member(cls, "__enter__") or frame.world.classes.member(cls, "__aenter__")
        if member is not None:
            given = frame.call(FuncRef(member[1][0], value), (), node)
            given = given.value if isinstance(given, Awaitable) else given
            same = isinstance(given, Instance) and isinstance(value, Instance) and given.cls == value.cls
            return entered, value if same or isinstance(given, Unknown) else given
        return entered, value
    if isinstance(value, LibInstance):
        return entered, value
    return entered, UNKNOWN


def _leave(frame: Frame, entered: _Entered, kind: str) -> None:
    """Leaves a context manager: normally, or with an exception (`kind` is "raise" or "yield")."""
    value, node = entered.value, entered.node
    failed = kind in ("raise", "yield")
    if frame.state.running:
        if failed:
            frame.state.running = frozenset()  # on the way of an exception nobody asks for what still runs
        elif isinstance(value, LibInstance):
            block_ends(frame, value)
    if isinstance(value, Session):
        if value.cls and not failed:
            _own_exit(frame, value, value.cls, (Actual(NONE), Actual(NONE), Actual(NONE)), node)
        operate(frame, value, "close", node)
    elif (core := core_connection(value)) is not None:
        operate(frame, core, "close", node)
    elif isinstance(value, Manager):
        if value.kind == "begin_session" and value.session is not None:
            operate(frame, value.session, "close" if failed else "commit_and_close", node, block=True)
        elif value.kind == "begin" and value.session is not None:
            operate(frame, value.session, "rollback" if failed else "commit_or_rollback", node, block=True)
        elif value.kind == "no_autoflush" and value.session is not None:
            autoflush.switched(frame, value.session, False)
        elif value.kind == "nested" and value.session is not None and not failed:
            released(frame, value.session, node)
        elif value.kind == "closing" and value.session is not None:
            operate(frame, value.session, "close", node)
        elif value.kind == "function" and entered.summary is not None and entered.back is not None:
            if failed:
                settle(frame, entered.summary, entered.back, node, lambda event: event.after_yield and event.kind == "close")
            else:
                settle(frame, entered.summary, entered.back, node, lambda event: event.after_yield and not event.exceptional)
            end_blocks(frame, entered.summary, entered.back, frame.site(node), failed)
    elif isinstance(value, (Instance, Entity)):
        cls = value.cls if isinstance(value, Instance) else value.model
        given = UNKNOWN if failed else NONE
        _own_exit(frame, value, cls, (Actual(given), Actual(given), Actual(given)), node)


def _own_exit(frame: Frame, value: Value, cls: str, actuals: tuple[Actual, ...], node: r.Node) -> None:
    """Runs what a class of the project does when its block is left."""
    member = frame.world.classes.member(cls, "__exit__") or frame.world.classes.member(cls, "__aexit__")
    if member is not None:
        dead = frame.dead
        frame.call(FuncRef(member[1][0], value), actuals, node)
        frame.dead = dead


def enter_value(frame: Frame, value: Value, node: r.Node) -> Value:
    """What entering a context manager by hand gives; whoever entered it ends it."""
    _, given = _enter(frame, value, node)
    return given
