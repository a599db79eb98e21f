"""Sessions that objects make and keep, and what ends them.

Takes a frame and what is stored; notes it. Whether anything ends such a session is known when the whole project has been run: `world.ended`
holds the identities of all sessions that something closes, or that somebody unknown may close.
"""

from __future__ import annotations

from ormlint.facts import records as r
from ormlint.semantics.definitions import FunctionNode
from ormlint.semantics.events import Event
from ormlint.semantics.frame import Frame, World
from ormlint.semantics.members import assigned_fields
from ormlint.semantics.symbols import Symbols
from ormlint.semantics.values import Instance, Session, SessionId, Site, Value, options_of

_REMEMBERING = frozenset({"cached_property", "reify", "locked_cached_property", "threaded_cached_property"})


def stored(frame: Frame, owner: Instance, name: str, value: Value) -> None:
    """`self.name = value` on an object: a session that was made here for it is kept from now on."""
    for item in options_of(value):
        if isinstance(item, Session) and _own(frame, item):
            _note(frame, owner.cls, name, item)


def returned(frame: Frame, value: Value) -> None:
    """What a property gives that remembers its result: the object keeps it."""
    function = frame.function
    if function is None or not function.cls or not remembers(frame.world.symbols, function):
        return
    owner = frame.self_value
    cls = owner.cls if isinstance(owner, Instance) else function.cls
    for item in options_of(value):
        if isinstance(item, Session) and _own(frame, item):
            _note(frame, cls, function.node.name, item)


def remembers(symbols: Symbols, function: FunctionNode) -> bool:
    """Whether a property runs once for each object."""
    return not _REMEMBERING.isdisjoint(symbols.decorator_names(function.module, function.node))


def _own(frame: Frame, session: Session) -> bool:
    if session.id.kind != "made" or session.scoped or session.ended_by:
        return False
    known = frame.state.sessions.get(session.id)
    return known is None or "escaped" not in known.fates


def _note(frame: Frame, cls: str, name: str, session: Session) -> None:
    frame.note("held", Event("held", session.id.site, session=session, attr=name), None, cls)


def held_as(cls: str, name: str, path: str) -> SessionId:
    """The identity of the session in a field, as every method of the class sees it."""
    return SessionId("field", Site(path, 0, 0), f"{cls}.{name}")


def is_ended(world: World, cls: str, name: str, session: Session) -> bool:
    """Whether something ends the session that objects of `cls` keep as `name`: a method of the class, of a base or subclass, a user."""
    if session.id in world.ended:
        return True
    infos = world.classes.infos
    for id in world.ended:
        owner, _, field = id.name.rpartition(".") if id.kind == "field" else ("", "", "")
        if field == name and owner in infos and (owner in infos[cls].mro or cls in infos[owner].mro):
            return True
    return False


def made_late(frame: Frame, node: r.Expr, value: Value) -> bool:
    """Whether `node` reads a field that holds a session or nothing yet: `if self._session is None:` has two branches."""
    if not (type(node) is r.Attr and type(value) is Session and value.id.kind == "field"):
        return False
    owner, _, name = value.id.name.rpartition(".")
    classes = frame.world.classes
    if name != node.attr or owner not in classes.infos:
        return False
    if isinstance(held := classes.attribute(owner, name), tuple) and _is_none(held[1]):
        return True
    assigned = (item for ancestor in classes.infos[owner].mro for item in assigned_fields(frame.world, ancestor).get(name, ()))
    return any(_is_none(expr) for _, expr, _ in assigned)


def _is_none(expr: object) -> bool:
    return isinstance(expr, r.Const) and expr.kind == "none"
