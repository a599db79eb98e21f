"""Conflicts with other transactions and sessions: what was read and written back, looked up and inserted, kept, compared.

A conflict is noted where it is met and handed on to each caller, which may hold a lock or handle the error that it does not: only what
comes to a function that nobody calls unguarded is left for the rules.
"""

from __future__ import annotations

import msgspec

from ormlint.facts import records as r
from ormlint.semantics.events import FRESH, Event, Live, Step
from ormlint.semantics.frame import Frame
from ormlint.semantics.handlers import handles_violation, waits_for_lock
from ormlint.semantics.keys import columns_of, key_within
from ormlint.semantics.observations import Conflict, Summary
from ormlint.semantics.summaries import Substitution
from ormlint.semantics.values import (
    NONE,
    Coll,
    Const,
    Entity,
    Plain,
    Seen,
    Session,
    Site,
    Tup,
    UnionOf,
    Value,
    computed,
    options_of,
    seen_in,
)

_MOST = 60
_CERTAIN = ("query", "get", "arg")
_HELD = ("query", "get", "arg", "param", "self", "declared", "field")
"""Origins of objects that have a row."""


def note(frame: Frame, event: Event) -> None:
    """Keeps a conflict for the function's callers, or for the rules."""
    if frame.dead or len(frame.conflicts) >= _MOST or not _stands(frame, event, event.site):
        return
    key = (event.kind, event.site, event.attr, event.entity.origin if event.entity is not None else None)
    frame.conflicts.setdefault(key, Conflict(event, frame.name))


def forward(frame: Frame, conflict: Conflict, back: Substitution, node: r.Node) -> None:
    """A conflict of a callee, as it stands at the call."""
    event = conflict.event
    session = None if event.session is None else back.session(event.session)
    entity = None if event.entity is None else back.entity(event.entity)
    if entity is not None and entity.origin.kind in ("new", "unknown") and event.kind != "unborn":
        return
    site = frame.site(node)
    via = (Step(site, "called here"), *event.via) if len(event.via) < 12 else event.via
    since = event.since
    if since is not None and since.path == "":
        since = None
    known = event.kind != "rewrite" or entity is None or entity.origin.kind in _CERTAIN
    confidence = event.confidence if known else min(event.confidence, 1)
    event = msgspec.structs.replace(event, session=session, entity=entity, via=via, since=since, confidence=confidence)
    if len(frame.conflicts) < _MOST and not frame.dead and _stands(frame, event, site):
        key = (event.kind, event.site, event.attr, entity.origin if entity is not None else None)
        frame.conflicts.setdefault(key, Conflict(event, conflict.function))


def _stands(frame: Frame, event: Event, at: Site) -> bool:
    """Whether nothing here takes the conflict away: a lock, an earlier write of its own, a handler of the error."""
    if event.kind in ("rewrite", "insert") and frame.world.is_serializable():
        return False
    if event.kind == "rewrite":
        assert event.entity is not None
        live = frame.state.live.get(event.entity.origin, FRESH)
        if at != event.site and path_of(event.entity, event.attr) in live.assigned:
            return False
        return not event.entity.origin.locked and not _locked(frame, event, at)
    if event.kind == "insert":
        return not _locked(frame, event, at) and not handles_violation(frame, at.start)
    return True


def _locked(frame: Frame, event: Event, at: Site) -> bool:
    if frame.guards or waits_for_lock(frame):
        return True
    session = event.session
    held = frame.state.sessions.get(session.id) if session is not None else None
    locks = held.locks if held is not None else frozenset()
    # A lock on a session that could not be told from this one may well be on this one.
    locks |= {
        other.attr
        for other in frame.state.events
        if other.kind == "lock" and (session is None or other.session is None or (other.via and other.session.id.kind == "param"))
    }
    model = event.entity.model if event.entity is not None else event.note
    if event.kind == "insert":
        # Locking the row that is not there locks nothing.
        return any(what == "any" or (what.startswith("rows ") and what != f"rows {model}") for what in locks)
    return any(what == "any" or what.startswith("rows ") or what == f"written {model}" for what in locks)


def path_of(entity: Entity, name: str) -> str:
    return ".".join((*entity.path, name))


# Read, computed, written back


def assigned(frame: Frame, entity: Entity, name: str, value: Value, node: r.Node) -> None:
    """A column of an object is set: noted where the value was computed from the column's own old value."""
    path = path_of(entity, name)
    live = frame.state.live.get(entity.origin, FRESH)
    own = [seen for seen in seen_in(value) if seen.attr == name and seen.entity.origin == entity.origin and seen.entity.path == entity.path]
    if entity.origin.kind in _HELD and any(seen.how == "computed" for seen in own):
        _rewritten(frame, entity, name, node)
        own = []
    if not own and path not in live.assigned:
        frame.state.live[entity.origin] = msgspec.structs.replace(live, assigned=live.assigned | {path})


def _rewritten(frame: Frame, entity: Entity, name: str, node: r.Node, how: str = "") -> None:
    model = frame.world.classes.model(entity.model)
    attribute = frame.world.classes.mapped_attribute(entity.model, name)
    if model is None or model.versioned or attribute is None or frame.scope.role not in ("code", ""):
        return
    sure = entity.origin.kind in _CERTAIN and counts(attribute.type)
    note(frame, Event("rewrite", frame.site(node), "", entity.origin.session, entity, name, how, confidence=2 if sure else 1))


_TEXTS = ("str", "text", "string", "unicode", "json", "varchar", "char", "array", "binary", "pickle", "dict", "list", "mutable")


def counts(type_: str) -> bool:
    """Whether a column's type is one that is counted with: what is appended to a text is another matter."""
    lowered = type_.lower()
    return not any(word in lowered for word in _TEXTS)


def rewritten_by_statement(
    frame: Frame, model: str, told: tuple[Seen, ...], keys: tuple[str, ...], session: Session | None, node: r.Node
) -> None:
    """An UPDATE of `model` sets a column to what was computed from its old value; one that asks for the old value is safe."""
    infos = frame.world.classes.infos
    for seen in told:
        if seen.entity.model not in infos[model].mro and model not in infos[seen.entity.model].mro:
            continue  # a column of another table that has the same name
        if seen.attr not in keys and seen.entity.origin.kind in _HELD:
            _rewritten(frame, seen.entity, seen.attr, node, "statement")


def sum_of(left: Value, right: Value) -> Value:
    """What `+`, `-` and the like give, as computed from both sides."""
    return computed(left, left, right)


# Looked up, not there, inserted


def presence(value: Value) -> tuple[Seen, ...]:
    """What the truth of a value tells of whether rows are there."""
    if type(value) is Plain:
        return tuple(_as_presence(seen) for seen in value.seen if seen.how in ("present", "absent", "count") and seen.entity.origin.keys)
    if type(value) is Coll:
        return tuple(Seen(item, "", "present") for item in options_of(value.elem) if type(item) is Entity and item.origin.keys)
    if type(value) is not UnionOf:
        return ()
    found: list[Seen] = []
    optional = NONE in value.items
    for item in value.items:
        if type(item) is Plain:
            found.extend(_as_presence(seen) for seen in item.seen if seen.entity.origin.keys and (optional or seen.how != "read"))
        elif type(item) is Entity and optional and item.origin.keys and not item.path:
            found.append(Seen(item, "", "present"))
        elif type(item) is Tup and optional:
            found.extend(Seen(seen.entity, "", "present") for part in item.items for seen in seen_in(part)[:1] if seen.entity.origin.keys)
    return tuple(dict.fromkeys(found))


def _as_presence(seen: Seen) -> Seen:
    return Seen(seen.entity, "", "absent" if seen.how == "absent" else "present")


def negated(told: tuple[Seen, ...]) -> tuple[Seen, ...]:
    """What the opposite of a truth tells."""
    return tuple(Seen(seen.entity, "", "present" if seen.how == "absent" else "absent") for seen in told)


def of_comparison(left: Value, op: str, right: Value) -> tuple[Seen, ...]:
    """What `x is None`, `count == 0`, `len(rows) > 0` tell."""
    told = presence(left)
    if not told:
        return ()
    if right == NONE and op in ("is", "=="):
        return negated(told)
    if right == NONE and op in ("is not", "!="):
        return told
    if isinstance(right, Const) and right.kind == "int" and isinstance(right.value, int):
        if (op, right.value) in (("==", 0), ("<", 1), ("<=", 0)):
            return negated(told)
        if (op, right.value) in ((">", 0), (">=", 1), ("!=", 0)):
            return told
    if isinstance(right, Const) and right.kind == "bool" and op in ("==", "is"):
        return told if right.value else negated(told)
    return ()


def settled(frame: Frame, told: tuple[Seen, ...], positive: bool, node: r.Node) -> None:
    """A test has gone one way: what was looked up is there, or is not."""
    for seen in told:
        if (seen.how == "absent") is positive:
            missed(frame, seen.entity, node)


def missed(frame: Frame, entity: Entity, node: r.Node) -> None:
    """A row that was looked up is known not to be there."""
    event = Event("missing", frame.site(node), session=entity.origin.session, entity=entity)
    if not frame.dead and len(frame.state.missing) < _MISSING:
        frame.state.missing |= {event}


_MISSING = 8


def added(frame: Frame, entity: Entity, session: Session | None, node: r.Node, via: tuple[Step, ...] = (), made_here: bool = True) -> None:
    """A new object is added: noted where its key was looked up before and found missing.

    What was missing when the object was made counts where it was made: a callee that makes and adds it has told so itself.
    """
    live = frame.state.live.get(entity.origin, FRESH)
    missing = live.missing | frame.state.missing if made_here else frame.state.missing
    if missing:
        inserted(frame, entity.model, live.assigned, session, node, missing, via)


def unsaved(frame: Frame, entity: Entity, session: Session) -> None:
    """A new object was added: its key is made by the flush."""
    origin = entity.origin if entity.origin.session is not None else msgspec.structs.replace(entity.origin, session=session)
    model = frame.world.classes.model(entity.model)
    if origin.kind != "new" or model is None:
        return
    live = frame.state.live.get(origin, FRESH)
    made = [attribute for attribute in model.attributes.values() if attribute.primary]
    if len(made) == 1 and made[0].foreign is None and not made[0].preset and not live.flushed and not {made[0].name, "*"} & live.assigned:
        frame.state.unsaved |= {origin}


def in_order(event: Event) -> tuple[object, ...]:
    """What was looked up, in an order that is the same in every run."""
    entity = event.entity
    return (event.site, *((entity.origin.site, entity.model, entity.path, sorted(entity.origin.keys)) if entity is not None else ()))


def inserted(
    frame: Frame,
    model: str,
    given: frozenset[str],
    session: Session | None,
    node: r.Node,
    missing: frozenset[Event],
    via: tuple[Step, ...] = (),
) -> None:
    """A row of `model` is inserted with these columns: noted where a look-up by them has just found nothing."""
    if not missing or frame.scope.role not in ("code", ""):
        return
    classes = frame.world.classes
    values = frozenset(column for name in given for column in columns_of(classes, model, name))
    for event in sorted(missing, key=in_order, reverse=True):
        looked = event.entity
        assert looked is not None
        if looked.model != model and looked.model not in classes.infos[model].mro and model not in classes.infos[looked.model].mro:
            continue
        if (
            session is not None
            and event.session is not None
            and session.id != event.session.id
            and "made" in (session.id.kind, event.session.id.kind)
        ):
            continue
        by = frozenset(column for name in looked.origin.keys for column in columns_of(classes, model, name))
        key = key_within(classes, model, by)
        made = False
        if key is not None:
            parts = [attribute for attribute in (classes.mapped_attribute(model, column) for column in key) if attribute is not None]
            primary = len(parts) == len(key) and all(attribute.primary for attribute in parts)
            # Two that look for the same made-up key are one that was sent twice.
            made = primary and any(attribute.preset or attribute.computed for attribute in parts)
            if not (key <= values or ("*" in values and not primary)):
                continue
        elif not by or "*" in by or not by <= values:
            continue
        wanted = key if key is not None else by
        note(
            frame,
            Event(
                "insert",
                frame.site(node),
                model,
                session or event.session,
                looked,
                ", ".join(sorted(wanted)),
                "unique" if key is not None else "",
                via=via,
                since=event.site,
                confidence=2 if key is not None and not made else 1,
            ),
        )
        return


# What callees did


def adopted(live: Live, prefix: str, own: Live) -> Live:
    """The state of the caller's object after a callee has set some of its attributes and relationships."""
    if not live.assigned and not live.mismatched:
        return own
    paths = frozenset(f"{prefix}.{path}" if prefix else path for path in live.assigned)
    return msgspec.structs.replace(own, assigned=own.assigned | paths)


def summary_of(frame: Frame, key: object) -> None:
    """Keeps what one run of a function met under the key of its context."""
    world = frame.world
    if frame.conflicts:
        world.conflicts[key] = tuple(frame.conflicts.values())
    else:
        world.conflicts.pop(key, None)


def carried(frame: Frame, summary: Summary, back: Substitution) -> None:
    """What a callee has found missing and has not inserted itself is known to be missing here."""
    made = {event.entity.model for event in summary.events if event.kind == "add" and event.entity is not None}
    for event in summary.missing:
        if event.entity is not None and event.entity.model not in made and len(frame.state.missing) < _MISSING:
            entity = back.entity(event.entity)
            session = None if event.session is None else back.session(event.session)
            frame.state.missing |= {Event("missing", event.site, session=session, entity=entity)}
