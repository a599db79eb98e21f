"""What a callee did, at its call: the events of its summary and the states that it leaves become the caller's.

Takes a summary and the way back from its symbols; lets its events happen in the caller's frame, each with the conditions, loops and doubts
that hold there, and leaves the entities and sessions that were passed as the callee left them. Does not know how the summary was made.
"""

from __future__ import annotations

import msgspec

from ormlint.facts import records as r
from ormlint.semantics import conflicts, unfetched
from ormlint.semantics.announcements import announces_early
from ormlint.semantics.attributes import already_loaded, answered, once_for_each_query, shared, straightened
from ormlint.semantics.autoflush import flushes
from ormlint.semantics.concurrency import started_below
from ormlint.semantics.crossing import given_both
from ormlint.semantics.dependence import dotted, parameters_behind, unsteady
from ormlint.semantics.engines import passed_on
from ormlint.semantics.events import ABSENT, CALLS, DEFAULT, FRESH, Event, Overwritten, SessionState, Step
from ormlint.semantics.frame import Frame
from ormlint.semantics.loops import guard
from ormlint.semantics.observations import Summary
from ormlint.semantics.scope import USES, used
from ormlint.semantics.summaries import Substitution
from ormlint.semantics.transactions import meets
from ormlint.semantics.twins import has_twin
from ormlint.semantics.unit_of_work import attach, change, delete_one, detach_one, expire_one, hold, loosen, outdate, sessions_in
from ormlint.semantics.values import UNKNOWN, Entity, Session, SessionId, Site, is_made, options_of
from ormlint.semantics.variance import varies_with

_MET = frozenset({"callout", "begin"})
_INNER = 5
"""A load of a row that the callee fetched itself, so many calls down, is only possible: it may be the same row each time."""
_BUSINESS = 3
"""A change so many calls down is still what the code at hand is about."""


def adopt(frame: Frame, summary: Summary, back: Substitution) -> None:
    """What the callee's end state says of the entities that the caller now has."""
    unfetched.met_again(frame, back.origins.values())
    for origin in back.origins.values():
        frame.state.live[origin] = FRESH
    unfetched.settled(frame, summary.live, back)
    for origin, live in summary.live:
        actual = back.passed(origin)
        if actual is None:
            if origin in back.origins:
                frame.state.live[back.origins[origin]] = live
            continue
        if origin.kind == "new" and not origin.exact and actual.origin.exact:
            loosen(frame, actual)
            continue
        if live.loaded or live.fresh:
            known = frame.state.live.get(actual.origin, FRESH)
            prefix = ".".join(actual.path)
            more = frozenset([f"{prefix}.{path}" if prefix else path for path in live.loaded])
            fresh = frozenset([f"{prefix}.{path}".strip(".") for path in live.fresh])
            frame.state.live[actual.origin] = msgspec.structs.replace(known, loaded=known.loaded | more, fresh=known.fresh | fresh)
        if live.due or live.lost or live.loaded:
            unfetched.adopted(frame, actual, live, back.call)
        if live.assigned:
            known = frame.state.live.get(actual.origin, FRESH)
            frame.state.live[actual.origin] = conflicts.adopted(live, ".".join(actual.path), known)


def _is_idle(before: dict[SessionId, SessionState], session: Session) -> bool:
    """Whether nothing is open on a registry's session: what a callee takes and closes is then a session of its own."""
    known = before.get(session.id)
    return known is None or not (known.opened or known.began)


def _is_ended_in(summary: Summary, session: Session | None) -> bool:
    """Whether the callee closes a registry's session that it has taken."""
    return session is not None and any(
        event.kind == "close" and event.session is not None and event.session.id == session.id for event in summary.events
    )


def _to_several(summary: Summary, event: Event) -> bool:
    """Whether the callee's add is to one of several sessions: to which one, nobody knows."""
    return any(other.kind == "add" and other.end == event.end and other.session != event.session for other in summary.events)


def settle(frame: Frame, summary: Summary, back: Substitution, node: r.Node, wanted: object) -> None:
    """Lets a summary's events happen at the call `node`."""
    site = frame.site(node)
    call_varies = frame.varying(node)
    call_unsteady: tuple[Site, ...] | None = None
    conditions = tuple(frame.conditions)
    if frame.loops and isinstance(node, r.Call):
        # `store(row, commit=i == last)`: the call is told when the batch is full.
        told = any(isinstance(arg.value, (r.BoolOp, r.Compare)) and guard(arg.value) == "batch" for arg in node.args)
        conditions = (*conditions, (node.start, "batch")) if told else conditions
    before = dict(frame.state.sessions) if summary.events else {}
    world = frame.world
    for event in summary.events:
        if not wanted(event):  # type: ignore[operator]
            continue
        session = None
        if event.session is not None:
            inside = is_made(event.session.id) and event.session.id not in back.made and event.session.id not in back.sessions
            session = _given_each_turn(frame, back.session(event.session), back)
            if inside:  # another one at each call
                frame.state.sessions.pop(session.id, None)
        entity = event.entity
        given = back.is_given(event)
        if entity is not None:
            entity = back.entity(entity)
        varies = call_varies
        if entity is not None and given and event.kind == "load":
            # What else the call is given may change with the loop; only the entity itself decides.
            varies = varies_with(frame, entity, _expression_of(entity, back, node))
            if varies and shared(frame, entity, event.attr):
                varies = once_for_each_query(frame, varies, entity.origin)
            flushed = frame.state.live.get(entity.origin, FRESH).flushed
            if entity.origin.kind == "new" and (event.how in ("written", "cascade") or (event.how == "lazy" and not flushed)):
                continue
        if entity is not None and event.kind == "load" and event.how in ("lazy", "undone"):
            if given:
                entity = straightened(frame, entity, event.entity)
                if already_loaded(frame, entity, event.attr):
                    continue
            if answered(frame, entity, event.attr):
                if given:
                    continue
                world.leave("answered", (event.end, event.attr))
        if len(event.via) > 12:
            continue
        if event.kind == "autoflush" and session is not None and (known := frame.state.sessions.get(session.id)) and known.quiet:
            continue
        confidence = event.confidence
        if given and entity is not None and entity.origin.kind in ("param", "self", "declared") and world.eagerly(entity.model, event.attr):
            confidence = min(confidence, 1)
        if given and entity is not None and entity.origin.kind == "declared" and has_twin(world, entity.model):
            confidence = min(confidence, 1)
        if event.kind == "load" and not given and len(event.via) >= _INNER:
            confidence = min(confidence, 1)
        if any(meaning == "untold type" for _, meaning in event.conditions):
            confidence = min(confidence, 1)
        missing = ""
        if event.kind == "load" and event.conditions:
            missing = _missing_for(frame, event, back)
            # A row that was made is there the next time: what its making loads is no load of each turn.
            confidence = min(confidence, 1) if missing == ABSENT else confidence
        own = event.own or (
            event.session is not None
            and is_made(event.session.id)
            and event.session.id not in back.sessions
            and not _kept(summary, event.session)
        )
        if not own and session is not None and session.id.kind == "global":
            own = (
                session.ended_by == "registry" and not session.scoped and _is_ended_in(summary, event.session) and _is_idle(before, session)
            )
        since = event.since
        if since is not None and since.path == "" and entity is not None:
            live = frame.state.live.get(entity.origin, FRESH)
            single = unfetched.lost_at(live, ".".join((*entity.path, event.attr)))
            since = (
                live.detached
                if event.how == "detached"
                else single.site
                if single is not None
                else live.expired or entity.origin.expired or since
            )
        if event.kind == "autoflush":
            since = site  # as the caller sees it, the add is in the call as well
        step = Step(event.site, _words(event))
        around = conditions
        if event.kind in ("commit", "flush", "write") and any(meaning == "batch" for _, meaning in event.conditions):
            around = (*around, (site.start, "batch"))
        if any(meaning == "worker" for _, meaning in event.conditions):
            around = (*around, (site.start, "worker"))
        needs: frozenset[str] | None = None
        loose: tuple[Site, ...] = ()
        about_loops: tuple[Site, ...] = ()
        about: frozenset[str] = frozenset()
        if event.kind in ("query", "write") or (event.kind == "load" and not given):
            if call_unsteady is None:
                call_unsteady = unsteady(frame, node)
            around, needs, loose = (*around, *_kept_for(frame, event, site, back)), _needs_here(frame, event, back, node), call_unsteady
            if event.needs is not None and back.varying is not None:
                changing = {loop for name in event.needs for loop in back.varying.get(name, ())}
                varies = tuple(loop for loop in call_varies if loop in changing)
            if event.about and back.given is not None:
                about_loops = tuple(loop for name in event.about for loop in (back.varying or {}).get(name, ()))
                about = _behind_arguments(frame, event.about, back.given)
        if missing.startswith(f"{ABSENT} "):
            around = (*around, (site.start, missing))
        over, held = meets(frame, event, site, back) if event.kind in _MET else (event.settled, event.held)
        if event.kind == "engine":
            passed = passed_on(frame, event)
            if passed is None:
                continue
            event = passed
        early = None
        if event.kind == "callout" and not event.told and not event.exceptional:
            early = announces_early(frame, event.note, event.attr, before)
        mapped = Event(
            event.kind, site, event.note, session, entity, event.attr, event.how, varies, around, (step, *event.via),
            event.exceptional or frame.exceptional > 0, frame.state.yielded, event.reported, own, event.block, since, confidence,
            needs, loose, over, held, about_loops, about, event.aside or frame.coroutine or frame.offloaded > 0,
            event.told or early is not None,
        )  # fmt: skip
        frame.emit(mapped)
        if early is not None:
            frame.note("announced-early", mapped, early)
        adds = event.kind == "add" and given and back.gave(event.session)
        if adds and entity is not None and session is not None and not _to_several(summary, event):
            given_both(frame, entity, session, mapped)
        if frame.coroutine and not event.aside:
            frame.by_coroutine(mapped)
        if session is not None and event.kind in USES and not event.exceptional:
            earlier = before.get(session.id)
            known = frame.state.sessions.get(session.id)
            if earlier is not None and earlier.ended is not None and known is not None and known.ended == earlier.ended:
                used(frame, session, node, mapped)
        if event.kind in ("lock", "overwrite", "add"):
            _what_it_does(frame, event, mapped, node, given)
        if session is not None and not event.exceptional and event.kind != "load":
            if event.how in ("add", "add_all") and entity is not None and given:
                attach(frame, entity.origin, session)
                back.attached(entity.origin, session)
            elif event.how == "expire" and entity is not None and given and not event.note:
                expire_one(frame, entity, site, "expire")
            elif event.how in ("delete", "delete_all") and entity is not None and given:
                delete_one(frame, entity)
            elif event.how == "expunge" and entity is not None and given:
                detach_one(frame, entity, site, "expunge")
            flushes(frame, session, event.how, node, entity, via=mapped.via)
            change(frame, session, event.how, site, len(event.via) > _BUSINESS or event.note == DEFAULT)
    if summary.left:
        _settle_sessions(frame, summary, back, before)
    if summary.running:
        started_below(frame, summary, back)
    if summary.missing:
        conflicts.carried(frame, summary, back)


def _given_each_turn(frame: Frame, session: Session, back: Substitution) -> Session:
    """A session that only the callee declares, and that the loop's body binds anew: `with opened() as session: f(session)`."""
    if session.id.kind != "passed" or not frame.loops or back.given is None:
        return session
    for name, value in back.params.items():
        exprs = back.given.get(name, ())
        if len(exprs) == 1 and isinstance(exprs[0], r.Name) and any(found.id == session.id for found in sessions_in(value)):
            born = tuple(loop.site for loop in frame.loops if exprs[0].id in loop.touched)
            return msgspec.structs.replace(session, born=born) if born else session
    return session


def _settle_sessions(frame: Frame, summary: Summary, back: Substitution, before: dict[SessionId, SessionState]) -> None:
    """The callee's events were taken in one after the other, branches and all; what it leaves behind on its ways out decides."""
    sessions = frame.state.sessions
    for id, left in summary.left:
        session = back.sessions.get(id)
        own = back.made.get(id) if session is None else None
        actual = session.id if session is not None else own.id if own is not None else id
        known = sessions.get(actual)
        if known is None or (session is None and own is None and id.kind not in ("global", "field", "given")):
            continue
        earlier = before.get(actual)
        ended = known.ended
        if session is not None and left.ended is None:
            ended = earlier.ended if earlier is not None and not left.began else None
        written = known.written
        if left.written is None and written is not None and (earlier is None or earlier.written != written):
            written = None
        if ended != known.ended or written != known.written:
            sessions[actual] = msgspec.structs.replace(known, ended=ended, written=written)


def _kept_for(frame: Frame, event: Event, site: Site, back: Substitution) -> tuple[tuple[int, str], ...]:
    """A store that lives longer than the call still keeps what the call asks for."""
    if back.memo:
        return ((site.start, "kept outer ()"),)
    for _, meaning in event.conditions:
        if meaning.startswith("kept "):
            _, scope, store = meaning.split(" ", 2)
            if scope == "param" and "." in store and _is_looked_up(frame, back, store.split(".", 1)[0]):
                return ((site.start, "kept outer ()"),)  # `self.name` of what a collection keeps by its key
            if scope == "outer" or (scope == "param" and back.varying is not None and not back.varying.get(store.split(".", 1)[0])):
                return ((site.start, "kept outer ()"),)
            if scope == "param" and back.given is not None:
                # The caller's own parameter has the store: its callers know whether that is the same one each time.
                root, _, rest = store.partition(".")
                exprs = back.given.get(root, ())
                named = dotted(exprs[0]) if len(exprs) == 1 and isinstance(exprs[0], (r.Name, r.Attr)) else ""
                own = () if frame.function is None else tuple(param.name for param in frame.function.node.params)
                if named.partition(".")[0] in own:
                    return ((site.start, f"kept param {named}{rest and '.'}{rest}"),)
    return ()


def _is_looked_up(frame: Frame, back: Substitution, name: str) -> bool:
    """Whether what a call gives to a parameter was taken out of a collection that is the same in each turn."""
    exprs = back.given.get(name, ()) if back.given is not None else ()
    return len(exprs) == 1 and isinstance(exprs[0], r.Sub) and not frame.varying(exprs[0].value)


def _missing_for(frame: Frame, event: Event, back: Substitution) -> str:
    """Whether a callee's load needs a row to be missing: "" where each turn may look for another one, `ABSENT` where it is the same for
    all, else that with the caller's own parameters which tell."""
    told = [meaning for _, meaning in event.conditions if meaning.startswith(ABSENT)]
    if not told:
        return ""
    own = frozenset() if frame.function is None else frozenset(param.name for param in frame.function.node.params)
    behind: set[str] = set()
    for name in told[-1].split()[1:]:
        for expr in back.given.get(name, ()) if back.given is not None else ():
            of_element = isinstance(expr, r.Name) or (isinstance(expr, r.Attr) and isinstance(expr.value, r.Name))
            if not of_element or any(isinstance(part, (Entity, Session)) for part in options_of(back.params.get(name, UNKNOWN))):
                continue  # what an object refers to is often the same for all
            if frame.varying(expr):
                return ""
            if isinstance(expr, r.Name) and not frame.loops:
                behind |= {expr.id} & own
    return f"{ABSENT} {' '.join(sorted(behind))}" if behind else ABSENT


def _needs_here(frame: Frame, event: Event, back: Substitution, node: r.Node) -> frozenset[str] | None:
    """The caller's own parameters that the callee's query is computed from."""
    if event.needs is None or back.given is None:
        return parameters_behind(frame, node)
    return _behind_arguments(frame, event.needs, back.given)


def _behind_arguments(frame: Frame, names: frozenset[str], given: dict[str, tuple[r.Node, ...]]) -> frozenset[str]:
    found: set[str] = set()
    for name in names:
        for expr in given.get(name, ()):
            found |= parameters_behind(frame, expr) or frozenset()
    return frozenset(found)


def _expression_of(entity: Entity, back: Substitution, node: r.Node) -> r.Node:
    """The expression that gives the entity to the call: an argument where it is one, else the receiver."""
    for name, value in back.params.items():
        parts = [part for part in options_of(value) if isinstance(part, Entity)]
        if any(part.origin == entity.origin and part.path == entity.path[: len(part.path)] for part in parts):
            exprs = back.given.get(name, ()) if back.given is not None else ()
            if len(exprs) == 1:
                return exprs[0]
    return receiver_of(node)


def _what_it_does(frame: Frame, event: Event, mapped: Event, node: r.Node, given: bool) -> None:
    """What a callee's lock, raw write or insert means for the caller."""
    if event.kind == "lock":
        hold(frame, mapped.session, event.attr)
    elif event.kind == "overwrite":
        if mapped.session is not None:
            outdate(frame, mapped.session, Overwritten(event.attr, tuple(event.how.split(",")), mapped.site, event.note))
    elif event.entity is not None and mapped.entity is not None and event.entity.origin.kind == "new":
        conflicts.added(frame, mapped.entity, mapped.session, node, mapped.via, given)


def receiver_of(node: r.Node) -> r.Node:
    """The object that a method is called on, where the node is such a call."""
    if isinstance(node, r.Call):
        return node.func.value if isinstance(node.func, r.Attr) else node.func
    return node


def _kept(summary: Summary, session: Session) -> bool:
    return any(found.id == session.id for found in (*sessions_in(summary.returned), *sessions_in(summary.yielded)))


def _words(event: Event) -> str:
    if event.via:
        return CALLS
    if event.kind == "load":
        return f"reads .{event.attr}"
    if event.kind == "query":
        return event.note or "runs a query"
    return {"commit": "commits", "rollback": "rolls back", "flush": "flushes", "write": "writes", "close": "closes the session"}.get(
        event.kind, event.kind
    )
