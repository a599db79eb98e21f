"""The transaction of each session along each path: begun, opened, ended, inside a block, waiting for a rollback.

Takes what operations do to sessions and changes the frame's state; notes for the rules what an operation meets there (`Incident`), and
gives the function's summary what it does to the sessions of its caller. Does not know entities; those are `unit_of_work`'s.
"""

from __future__ import annotations

import msgspec

from ormlint.facts import records as r
from ormlint.orms.vocabulary import EFFECTS
from ormlint.semantics.announcements import announces_early, is_keyed
from ormlint.semantics.events import CALLS, UNTOUCHED, Event, Failure, SessionState, Step
from ormlint.semantics.frame import Frame
from ormlint.semantics.observations import Incident, Outcome, Risk, Summary
from ormlint.semantics.state import State, join_sessions
from ormlint.semantics.summaries import Substitution
from ormlint.semantics.values import NOWHERE, Awaitable, Coll, Instance, Session, SessionId, Site, Tup, UnionOf, Value, is_made

_STEPS = 8
"""A way down is kept this long."""
_OVER = _NEW = SessionState(inherits=False)
_COMMITS = frozenset({"commit", "commit_or_rollback", "commit_and_close"})
_UNDOES = frozenset({"rollback", "close", "reset", "invalidate", "remove", "close_all", "commit_and_close"})
_WRITES = frozenset({"add", "add_all", "delete", "delete_all", "write"})
_STRENGTH = {"flush": 2, "commit": 2, "commit_or_rollback": 2, "commit_and_close": 2, "write": 2, "prepare": 2,
             "query": 1, "get": 1, "execute": 1, "stream": 1, "refresh": 1, "merge": 1, "delete": 1}  # fmt: skip
ANY = SessionId("any", NOWHERE)
"""Stands for every session that others have too."""
_BEHIND = frozenset({"commit", "rollback", "close", "flush", "query", "write", "begin"})
_SHARED = frozenset({"param", "field", "global", "given", "passed"})


def advance(frame: Frame, session: Session, effect: str, site: Site, note: str = "", block: bool = False) -> None:
    """Lets an effect act on the session's transaction at `site`; `block` says that a block's end does it."""
    row = EFFECTS.get(effect)
    if row is None or frame.dead:
        return
    known = frame.state.sessions.get(session.id, UNTOUCHED)
    step = Step(site, note or _WORDS.get(effect, effect))
    _remember(frame, session, effect, step)
    changes: dict[str, object] = {}
    ends = row.ends_transaction
    if known.failed is not None and row.runs_sql and effect not in _UNDOES - {"commit_and_close"}:
        _notice_failed(frame, session, known.failed, step)
        changes["failed"] = None
    if known.lost and row.autobegins | row.runs_sql and not block and not (ends and effect not in _COMMITS):
        if known.block:
            notice(frame, Incident("lost", known.lost[0].site, session, frame.name, (step,), known.lost[0].note, via=known.lost[1:]))
            changes["lost"] = ()
        else:
            changes["reused"] = True
    if effect == "begin" and not session.autocommit:
        if known.began:
            _notice_begun(frame, session, known, site)
        changes.update(began="explicit")
    elif ends:
        changes.update(began="", opened=(), failed=None)
        if known.inherits or known.block:
            if known.block and block:
                changes.update(block=False, lost=(), reused=False)
            elif effect in ("commit", "rollback") and "lost" not in changes:
                changes["lost"] = known.lost or (step,)
        changes["inherits"] = False
        if not block and effect not in ("commit", "rollback"):
            changes.update(block=False, lost=(), reused=False)
        _end_others(frame, session)
    else:
        if row.writes:
            changes["began"] = "explicit" if known.began == "explicit" else "write"
        elif row.opens_transaction:
            changes["began"] = "read" if known.began in ("", "pending") else known.began
        elif row.autobegins:
            changes["began"] = known.began or "pending"
        if row.opens_transaction and not session.autocommit:
            if not known.opened:
                changes["opened"] = (step,)
            if known.inherits and row.runs_sql:
                changes["used"] = True
    if changes:
        frame.state.sessions[session.id] = msgspec.structs.replace(known, **changes)


_WORDS = {
    "query": "runs a query", "get": "runs a query", "execute": "runs a statement", "stream": "runs a statement", "write": "writes",
    "flush": "flushes", "refresh": "reads the object again", "merge": "reads the object", "delete": "loads what is deleted with it",
    "commit": "commits", "rollback": "rolls back", "commit_or_rollback": "the block commits", "commit_and_close": "the block commits",
    "begin_nested": "sets a savepoint", "connection": "takes the connection", "add": "adds an object", "add_all": "adds objects",
}  # fmt: skip


def _remember(frame: Frame, session: Session, effect: str, step: Step) -> None:
    """What the function does to the session on any path."""
    id = session.id
    if effect in _COMMITS or effect == "prepare":
        frame.committed.add(id)
    if effect in _UNDOES:
        frame.undone.add(id)
    if effect in _WRITES and not session.autocommit:
        frame.wrote.setdefault(id, (session, (step,)))
    strength = _STRENGTH.get(effect)
    if strength is None:
        return
    if strength == 1:
        began = frame.state.sessions.get(id, UNTOUCHED).began
        strength = 1 if began in ("pending", "write") or id in frame.wrote else 0
    at_risk(frame, Risk(session, (step,), strength))


def at_risk(frame: Frame, risk: Risk) -> None:
    """Notes that a database error may come from here, for the handlers around it."""
    held = frame.risks[-1]
    known = held.get(risk.session.id)
    if known is None or known.strength < risk.strength:
        held[risk.session.id] = risk


def wrote(frame: Frame, session: Session, step: Step) -> None:
    """Notes a write that sends nothing yet: an attribute was set."""
    if not session.autocommit:
        frame.wrote.setdefault(session.id, (session, (step,)))


# Sessions that may be one


def _end_others(frame: Frame, session: Session) -> None:
    """Whoever ends a session that came from outside may have ended every other one that did: they may be the same."""
    if session.id.kind not in _SHARED:
        return
    for id, known in frame.state.sessions.items():
        if id != session.id and (known.opened or known.began or known.failed is not None) and _may_be(frame, id, session.id):
            frame.state.sessions[id] = msgspec.structs.replace(known, began="", opened=(), inherits=False, failed=None)


def commits_one_like(frame: Frame, id: SessionId) -> bool:
    """Whether the function commits this session, or one of those from outside that may be the same."""
    return any(id == other or other == ANY or _may_be(frame, id, other) for other in frame.committed)


def is_one_of(frame: Frame, id: SessionId, others: set[SessionId]) -> bool:
    """Whether a session may be one of several."""
    return any(_may_be(frame, id, other) for other in others)


def recovered(frame: Frame, session: Session) -> None:
    """The savepoint was rolled back: what failed in it is undone."""
    for id, known in frame.state.sessions.items():
        if known.failed is not None and _may_be(frame, id, session.id):
            frame.state.sessions[id] = msgspec.structs.replace(known, failed=None)


def _may_be(frame: Frame, one: SessionId, other: SessionId) -> bool:
    """Whether two sessions may be one: not two parameters of the function at hand, and not two fields of one class."""
    if one == other:
        return True
    if one.kind not in _SHARED or other.kind not in _SHARED:
        return False
    if one.kind == other.kind == "field":
        return one.name.rpartition(".")[0] != other.name.rpartition(".")[0]
    return not (one.kind == other.kind == "param" and is_own(frame, one) and is_own(frame, other))


def is_foreign(frame: Frame, id: SessionId) -> bool:
    """A session that an object of another class keeps, or another function was given: which one it is here, nobody can say for certain."""
    if id.kind == "param":
        return not is_own(frame, id)
    if id.kind != "field":
        return False
    info = frame.world.classes.infos.get(frame.cls)
    owner = id.name.rpartition(".")[0]
    return info is None or (owner not in info.mro and owner != frame.cls)


def is_own(frame: Frame, id: SessionId) -> bool:
    """Whether a session comes from within the text of the function: its parameter, or made in it."""
    node = frame.function.node if frame.function is not None else None
    return node is not None and id.site.path == frame.path and node.start <= id.site.start < node.end


def end_all(frame: Frame) -> None:
    """Something that is not resolved ends a transaction: whichever session it was, of those that others have too."""
    for id, known in frame.state.sessions.items():
        if id.kind != "made" and (known.opened or known.began or known.inherits or known.written):
            frame.state.sessions[id] = msgspec.structs.replace(known, began="", opened=(), inherits=False, failed=None, written=None)
            frame.committed.add(id)
    frame.state.sessions[ANY] = _OVER


def not_begun(frame: Frame, session: Session) -> None:
    """A test has shown that no transaction is begun on this path."""
    known = frame.state.sessions.get(session.id, UNTOUCHED)
    frame.state.sessions[session.id] = msgspec.structs.replace(known, began="", opened=(), block=False, lost=(), inherits=False)


def works(frame: Frame, session: Session) -> None:
    """A test has shown that the session does not wait for a rollback on this path: `session.is_active`."""
    known = frame.state.sessions.get(session.id, UNTOUCHED)
    frame.state.sessions[session.id] = msgspec.structs.replace(known, failed=None, sound=True)


def let_go(frame: Frame, session: Session) -> None:
    """Somebody unknown has the session now: whether a transaction is open is not known any more."""
    known = frame.state.sessions.get(session.id, UNTOUCHED)
    frame.loose.add(session.id)
    frame.state.sessions[session.id] = msgspec.structs.replace(
        known, began="", opened=(), inherits=False, failed=None, lost=(), written=None
    )


def at_rest(frame: Frame) -> None:
    """What runs from here on does so when the function's transactions are over."""
    for id, known in frame.state.sessions.items():
        if known.opened or known.began or known.written is not None:
            frame.state.sessions[id] = msgspec.structs.replace(known, began="", opened=(), inherits=False, written=None)


# What an operation meets


def notice(frame: Frame, incident: Incident) -> None:
    """Keeps an incident of the context at hand; of two at one place the surer one."""
    found = frame.world.noticed.setdefault(frame.world.current, {})
    key = (incident.kind, incident.site)
    known = found.get(key)
    if known is None or known.confidence < incident.confidence:
        found[key] = incident


def _notice_failed(frame: Frame, session: Session, failure: Failure, use: Step) -> None:
    notice(frame, Incident("failed", failure.site, session, frame.name, (*failure.steps, use), confidence=failure.confidence))


def _notice_begun(frame: Frame, session: Session, known: SessionState, site: Site, via: tuple[Step, ...] = ()) -> None:
    confidence = 1 if known.began == "pending" else 2
    notice(frame, Incident("begun", site, session, frame.name, known.opened, known.began, confidence=confidence, via=via))


def noted_end(frame: Frame, session: Session, effect: str, site: Site, block: bool) -> None:
    """Notes a commit or rollback where it stands."""
    own = session.id.kind == "made" or (session.id.kind == "field" and not session.ended_by)
    notice(frame, Incident("ended", site, session, frame.name, note=effect, attr="block" if block else "", own=own))


def settled(frame: Frame) -> frozenset[SessionId]:
    """The sessions whose transaction is not the caller's any more."""
    return frozenset([id for id, known in frame.state.sessions.items() if not known.inherits and not is_made(id)])


def open_session(frame: Frame, over: frozenset[SessionId] = frozenset()) -> tuple[SessionId, SessionState] | None:
    """A session with an open transaction, leaving those aside that are `over`: of those that are known best the one opened last."""
    found: tuple[SessionId, SessionState] | None = None
    for id, known in frame.state.sessions.items():
        if not known.opened or (ANY in over and id.kind != "made") or any(_may_be(frame, id, other) for other in over):
            continue
        if found is None or not is_foreign(frame, id) or is_foreign(frame, found[0]):
            found = (id, known)
    return found


def call_out(frame: Frame, node: r.Node, category: str, attr: str) -> None:
    """A call that leaves the process: an event, and an incident where a transaction is open."""
    if frame.dead:
        return
    site = frame.site(node)
    met = open_session(frame)
    if met is not None:
        confidence = 1 if is_foreign(frame, met[0]) else 2
        notice(frame, Incident("call_out", site, Session(met[0]), frame.name, met[1].opened, category, attr, confidence))
    how = "keyed" if is_keyed(node) else ""
    over = settled(frame)
    told = announces_early(frame, category, attr)
    event = frame.happens(
        "callout",
        node,
        note=category,
        attr=attr,
        how=how,
        varies=frame.varying(node),
        settled=over,
        held=met is not None,
        told=told is not None,
    )
    if told is not None:
        frame.note("announced-early", event, told)


def meets(frame: Frame, event: Event, site: Site, back: Substitution) -> tuple[frozenset[SessionId], bool]:
    """A callee's external call or `begin()` as seen from the call: which transactions are over, and whether one was met here."""
    over = frozenset([_seen(back, id) for id in event.settled])
    held = event.held
    if event.kind == "callout" and not held and not event.exceptional:
        met = open_session(frame, over)
        if met is not None:
            held = True
            confidence = 1 if is_foreign(frame, met[0]) else 2
            way = (Step(event.site, CALLS if event.via else f"calls {event.attr}"), *event.via)
            notice(frame, Incident("call_out", site, Session(met[0]), frame.name, met[1].opened, event.note, event.attr, confidence, way))
    elif event.kind == "begin" and event.session is not None and not event.exceptional:
        session = back.session(event.session)
        known = frame.state.sessions.get(session.id, UNTOUCHED)
        if known.began and not over & {session.id, ANY} and event.how == "begin" and not session.autocommit:
            _notice_begun(frame, session, known, site, (Step(event.site, "begins"), *event.via))
    return over | settled(frame), held


def _seen(back: Substitution, id: SessionId) -> SessionId:
    actual = back.sessions.get(id)
    return actual.id if actual is not None else id


# Through calls


def outcomes(frame: Frame, given: tuple[Session, ...]) -> tuple[Outcome, ...]:
    """What the function does to each session that its caller may have: those from outside, and those that it hands out (`given`)."""
    finals = [state for kind, _, state in frame.ends if kind in ("return", "end")]
    ids: dict[SessionId, None] = {}
    for state in (*finals, *frame.yields):
        ids.update(dict.fromkeys(state.sessions))
    ids.update(dict.fromkeys(frame.wrote))
    ids.update(dict.fromkeys(frame.committed))
    ids.update(dict.fromkeys(frame.undone))
    ids.update(dict.fromkeys(frame.risks[0]))
    handed = {session.id: session for session in given}
    found: list[Outcome] = []
    for id in ids:
        if is_made(id) and id not in handed:
            continue
        if id.kind == "field" and _of_own_object(frame, id):
            continue
        if id.kind == "param" and is_own(frame, id):
            # A parameter that stands for itself was given something unknown.
            if not _joined(finals, id).inherits:
                found.append(Outcome(Session(ANY), _OVER))
            continue
        session = handed.get(id) or Session(id)
        written = frame.wrote.get(id)
        outcome = Outcome(
            session,
            _joined(finals, id),
            _joined(frame.yields, id) if frame.yields else UNTOUCHED,
            written[1] if written is not None else (),
            id in frame.committed,
            id in frame.undone,
            frame.risks[0].get(id),
        )
        found.append(outcome)
        if len(found) >= 24:
            break
    return tuple(found)


def _of_own_object(frame: Frame, id: SessionId) -> bool:
    """Whether a field's session is that of an object which the function has made and keeps for itself: nobody else meets it."""
    infos, owner = frame.world.classes.infos, id.name.rpartition(".")[0]
    mine = [cls for cls in frame.constructed if cls in infos and owner in infos[cls].mro]
    return bool(mine) and not any(_holds_object(value, mine) for value in (frame.returned, frame.yielded))


def _holds_object(value: Value, classes: list[str], depth: int = 0) -> bool:
    if type(value) is Instance:
        return value.cls in classes or (depth < 3 and any(_holds_object(item, classes, depth + 1) for _, item in value.fields))
    if type(value) is Coll:
        return _holds_object(value.elem, classes, depth + 1)
    if type(value) is Awaitable:
        return _holds_object(value.value, classes, depth + 1)
    if type(value) is UnionOf or type(value) is Tup:
        return any(_holds_object(item, classes, depth + 1) for item in value.items)
    return False


def _joined(states: list[State], id: SessionId) -> SessionState:
    found: SessionState | None = None
    for state in states:
        known = state.sessions.get(id, UNTOUCHED)
        found = known if found is None else join_sessions(found, known)
    return UNTOUCHED if found is None else msgspec.structs.replace(found, fates=frozenset(), ended=None, failed=None, stored=frozenset())


def carry(frame: Frame, summary: Summary, back: Substitution, site: Site, at_yield: bool = False) -> None:
    """Lets a callee act on the transactions of the caller's sessions; `at_yield` where it is entered as a context manager."""
    if back.memo:
        return  # a memoised function mostly answers without SQL: no transaction is open because of it
    for outcome in summary.outcomes:
        if outcome.session.id == ANY:
            if not outcome.state.inherits:
                end_all(frame)
            continue
        session = back.session(outcome.session)
        id = session.id
        if id.kind == "passed":
            if not outcome.state.inherits:
                _end_others(frame, session)
            continue
        if outcome.commits:
            frame.committed.add(id)
        if outcome.undoes:
            frame.undone.add(id)
        if outcome.wrote and not session.autocommit:
            frame.wrote.setdefault(id, (session, _longer(site, outcome.wrote)))
        if outcome.risk is not None:
            at_risk(frame, Risk(session, _longer(site, outcome.risk.steps), outcome.risk.strength))
        after = outcome.at_yield if at_yield else outcome.state
        if after == UNTOUCHED:
            continue
        known = frame.state.sessions.get(id, UNTOUCHED)
        if session is not outcome.session and is_made(id) and outcome.session.id not in back.sessions:
            known = msgspec.structs.replace(_NEW, fates=known.fates, ended=known.ended, written=known.written)
        changes: dict[str, object] = {"inherits": known.inherits and after.inherits}
        if known.failed is not None and after.used:
            _notice_failed(frame, session, known.failed, Step(site, "uses the session"))
            changes["failed"] = None
        if known.lost and after.used:
            if known.block:
                use = Step(site, "uses the session")
                notice(frame, Incident("lost", known.lost[0].site, session, frame.name, (use,), known.lost[0].note))
            else:
                changes["reused"] = True
        if after.lost and (known.block or known.inherits):
            lost = _longer(site, after.lost)
            if known.block and after.reused:
                notice(frame, Incident("lost", site, session, frame.name, (), after.lost[-1].note, via=lost[1:]))
            elif not known.lost:
                changes["lost"] = lost
                changes["reused"] = after.reused
        opened = known.opened if after.inherits else ()
        changes["opened"] = opened or (_longer(site, after.opened) if after.opened else ())
        order = ("", "pending", "read", "write", "explicit")
        changes["began"] = max(known.began, after.began, key=order.index) if after.inherits else after.began
        changes["used"] = known.used or (known.inherits and after.used)
        changes["block"] = known.block or after.block
        if not after.inherits or after.sound:
            changes["failed"] = None
        frame.state.sessions[id] = msgspec.structs.replace(known, **changes)
        if not after.inherits:
            _end_others(frame, session)


def one_of(before: dict[SessionId, SessionState], ways: list[dict[SessionId, SessionState]]) -> dict[SessionId, SessionState]:
    """One of several functions was called. What one of them ended counts as ended: a stand-in for tests ends nothing; what only some of
    them opened does not count as open: the receiver of the next call is the same one of several."""
    first = ways[0]
    for other in ways[1:]:
        for id, state in other.items():
            known = first.get(id)
            first[id] = state if known is None else join_sessions(known, state)
    if len(ways) > 1:
        for id, state in first.items():
            started = before.get(id, UNTOUCHED)
            over = any(not way.get(id, UNTOUCHED).inherits for way in ways) and started.inherits
            left = any(not way.get(id, UNTOUCHED).opened for way in ways) and started.opened
            if state.written is not None and started.written is not None and any(way.get(id, UNTOUCHED).written is None for way in ways):
                state = first[id] = msgspec.structs.replace(state, written=None)
            if over or left or (state.opened and not started.opened and not all(way.get(id, UNTOUCHED).opened for way in ways)):
                first[id] = msgspec.structs.replace(state, inherits=False, opened=(), began="", failed=None)
    return first


def _longer(site: Site, steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """The way with the call in front, as the caller sees it."""
    return (Step(site, CALLS), *steps)[:_STEPS]


# Blocks


def enter_block(frame: Frame, session: Session) -> None:
    """`with session.begin():` holds the transaction from here on: what was ended before is another one."""
    known = frame.state.sessions.get(session.id, UNTOUCHED)
    frame.state.sessions[session.id] = msgspec.structs.replace(known, block=True, lost=(), reused=False)


def leave_block(state: State, id: SessionId, closes: bool) -> None:
    """An exception leaves the block that held the transaction, and closes the session where the block does."""
    known = state.sessions.get(id)
    if known is None:
        return
    fates = frozenset({"closed"}) if closes and "open" in known.fates else known.fates
    state.sessions[id] = msgspec.structs.replace(
        known, fates=fates, began="", opened=(), block=False, lost=(), reused=False, failed=None, inherits=False
    )


def end_blocks(frame: Frame, summary: Summary, back: Substitution, site: Site, failed: bool) -> None:
    """Leaving a context manager of the project: what stands after its `yield` acts on the transactions."""
    blocks = {back.session(outcome.session).id for outcome in summary.outcomes if outcome.at_yield.block}
    for event in summary.events:
        if event.session is None or not event.after_yield or event.kind not in _BEHIND:
            continue
        if event.kind != "close" if failed else event.exceptional:
            continue
        session = back.session(event.session)
        advance(frame, session, event.how, site, block=session.id in blocks or event.block)
    for id in blocks:
        known = frame.state.sessions.get(id)
        if known is not None and known.block:
            frame.state.sessions[id] = msgspec.structs.replace(known, block=False, lost=(), began="", opened=())


def settle_loop(joined: State, before: State, back: State) -> None:
    """A loop that ends the transaction in each turn is taken to have had one."""
    for id, after in back.sessions.items():
        known = before.sessions.get(id)
        if known is not None and known.opened and not after.opened and not after.inherits:
            joined.sessions[id] = msgspec.structs.replace(joined.sessions[id], opened=(), began=after.began)
        if known is not None and "open" in known.fates and "open" not in after.fates and not known.opened:
            # Nothing was sent before the loop, and each turn closes: without a turn there is nothing to close.
            joined.sessions[id] = msgspec.structs.replace(joined.sessions[id], fates=after.fates)


# Handlers


def leave_failed(frame: Frame, risks: dict[SessionId, Risk], site: Site, floor: int) -> None:
    """A handler at `site` has caught an error of the database: the sessions at risk wait for a rollback. `floor` is the least strength
    that counts: `except Exception` mostly catches something else than a failed SELECT."""
    for id, risk in risks.items():
        if risk.strength < floor or risk.session.autocommit:
            continue
        if id.kind == "passed":
            continue
        known = frame.state.sessions.get(id, UNTOUCHED)
        failure = Failure(site, risk.steps, 2 if risk.strength else 1, risk.strength)
        frame.state.sessions[id] = msgspec.structs.replace(known, failed=failure, opened=())


def raised(frame: Frame) -> None:
    """A handler raises on without a rollback: the outer handlers have the same to do."""
    for id, known in frame.state.sessions.items():
        if known.failed is not None:
            at_risk(frame, Risk(Session(id), known.failed.steps, known.failed.strength))
