"""Single attributes that are lost: columns that only the database knows after an UPDATE, and what `expire(obj, ["name"])` names.

Takes what is set, sent and expired; keeps it in the `Live` of the objects. An UPDATE expires the columns that the database computes or that
an SQL expression renews (`onupdate=func.now()`), whatever `expire_on_commit` says, unless the mapping has `eager_defaults`. The first read
of one of an object's lost columns reads all of them. What an INSERT leaves to the database is not told: most return it with the row.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from ormlint.semantics.events import FRESH, UNTOUCHED, Live, Lost
from ormlint.semantics.frame import Frame
from ormlint.semantics.mapped import Attribute
from ormlint.semantics.state import contains
from ormlint.semantics.summaries import Substitution
from ormlint.semantics.values import Entity, Origin, Session, Site

_SENDS = frozenset({"commit", "commit_or_rollback", "commit_and_close", "flush", "begin_nested", "prepare"})
_KNOWN = frozenset({"query", "get", "new", "arg"})


def touched(frame: Frame, entity: Entity, mapped: Attribute | None, site: Site) -> None:
    """An attribute of an object is set, so that an UPDATE is due; which one, is not known where `mapped` is None."""
    model = frame.world.classes.model(entity.model)
    if model is None or not model.renewed or entity.origin.kind not in _KNOWN or (mapped is not None and mapped.many):
        return
    known = frame.state.live.get(entity.origin, FRESH)
    if entity.origin.kind == "new" and not known.flushed:
        return
    set_here = mapped.name if mapped is not None else ""
    due = [name for name in model.renewed if name != set_here and _in_one_table(mapped, model.attributes[name], model.apart)]
    if due:
        paths = frozenset([Lost(".".join((*entity.path, name)), site, "flush") for name in due])
        frame.state.live[entity.origin] = msgspec.structs.replace(known, due=known.due | paths)


def _in_one_table(changed: Attribute | None, renewed: Attribute, apart: bool) -> bool:
    """Whether one UPDATE concerns both columns, where the class's columns may stand `apart`, in several tables."""
    return not apart or (changed is not None and changed.owner == renewed.owner)


def sent(frame: Frame, session: Session, effect: str, site: Site) -> None:
    """Pending changes of a session may be sent by what happens to it."""
    live = frame.state.live
    if effect not in _SENDS and (session.autoflush is False or frame.state.sessions.get(session.id, UNTOUCHED).quiet):
        return
    for origin, known in live.items():
        if known.due and known.detached is None and origin.session is not None and origin.session.id == session.id:
            now = frozenset([Lost(item.path, site, item.how) for item in known.due])
            live[origin] = msgspec.structs.replace(known, due=frozenset(), lost=known.lost | now)


def expire(frame: Frame, entity: Entity, names: Iterable[str], site: Site) -> None:
    """`session.expire(order, ["lines"])`: only what is named is read again."""
    known = frame.state.live.get(entity.origin, FRESH)
    paths = [".".join((*entity.path, name)) for name in names]
    below = frozenset([path for path in known.loaded if any(path == lost or path.startswith(f"{lost}.") for lost in paths)])
    lost = frozenset([Lost(path, site, "expire") for path in paths])
    frame.state.live[entity.origin] = msgspec.structs.replace(known, loaded=known.loaded - below, lost=known.lost | lost)


def lost_at(live: Live, path: str) -> Lost | None:
    """What has lost the attribute at a path; None where nothing has."""
    for item in live.lost:
        if item.path == path:
            return item
    return None


def found(known: Live, path: str) -> Live:
    """The state once the attribute at a path, and with it each lost column of its object, is read again."""
    prefix = path.rpartition(".")[0]
    left = frozenset([item for item in known.lost if item.path.rpartition(".")[0] != prefix])
    return msgspec.structs.replace(known, lost=left)


def met_again(frame: Frame, origins: Iterable[Origin]) -> None:
    """Queries give rows of some classes again: what was lost of those that the session holds comes with them."""
    losing = [(other, known) for other, known in frame.state.live.items() if known.lost and other.session is not None]
    if losing:
        given = {(origin.name, origin.session.id) for origin in origins if origin.session is not None}
        for other, known in losing:
            if other.session is not None and (other.name, other.session.id) in given:
                frame.state.live[other] = found(known, "*")


def kept(known: Live, paths: Iterable[str]) -> Live:
    """The state once attributes are set, or are read again by name."""
    again = frozenset(paths)
    return msgspec.structs.replace(known, lost=frozenset([item for item in known.lost if item.path not in again]))


def next_row(frame: Frame, origins: Iterable[object], loop: Site) -> None:
    """The next turn of a loop has another row: what the body changed and lost, it did with the one before."""
    for origin, known in frame.state.live.items():
        if (known.due or known.lost) and origin in origins:
            due = frozenset([item for item in known.due if not contains(loop, item.site)])
            lost = frozenset([item for item in known.lost if not contains(loop, item.site)])
            frame.state.live[origin] = msgspec.structs.replace(known, due=due, lost=lost)


def settled(frame: Frame, left: Iterable[tuple[Origin, Live]], back: Substitution) -> None:
    """What the caller had changed or lost of an object, and the callee has sent and read again: `update(order)` flushes and refreshes."""
    open_at_first = [(symbol, began.due | began.lost) for symbol, began in back.began.items() if began.due or began.lost]
    if not open_at_first:
        return
    ends = dict(left)
    for symbol, given in open_at_first:
        end = ends.get(symbol, FRESH)
        still = {item.path for item in end.due | end.lost}
        actual = back.entities[symbol]
        start = "".join(f"{name}." for name in actual.path)
        gone = {start + item.path for item in given if item.path not in still}
        known = frame.state.live.get(actual.origin, FRESH)
        if gone:
            due = frozenset([item for item in known.due if item.path not in gone])
            lost = frozenset([item for item in known.lost if item.path not in gone])
            frame.state.live[actual.origin] = msgspec.structs.replace(known, due=due, lost=lost)


def adopted(frame: Frame, actual: Entity, live: Live, call: Site) -> None:
    """What a callee has set, lost and read again of an object that the call gave it."""
    known = frame.state.live.get(actual.origin, FRESH)
    start = "".join(f"{name}." for name in actual.path)
    for path in live.loaded if known.lost else ():
        if lost_at(known, start + path) is not None:
            known = found(known, start + path)
    due = frozenset([Lost(start + item.path, call, item.how) for item in live.due if item.site.path])
    lost = frozenset([Lost(start + item.path, call, item.how) for item in live.lost if item.site.path])
    frame.state.live[actual.origin] = msgspec.structs.replace(known, due=known.due | due, lost=known.lost | lost)
