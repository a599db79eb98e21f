"""The identity map and what goes round it: old values, links that no longer fit their key, objects that outlive or leave their session.

Each function is asked where the thing may happen and notes a conflict where it does. What is not known for certain to be so is left alone.
"""

from __future__ import annotations

import msgspec

from ormlint.facts import records as r
from ormlint.facts.walking import calls_in, walk
from ormlint.semantics.conflicts import note, path_of
from ormlint.semantics.events import FRESH, Event
from ormlint.semantics.frame import Frame
from ormlint.semantics.handlers import kind_of_error
from ormlint.semantics.keys import local_columns
from ormlint.semantics.mapped import Attribute
from ormlint.semantics.queries import versioned_by
from ormlint.semantics.transactions import is_own
from ormlint.semantics.values import (
    Coll,
    Entity,
    LibInstance,
    Query,
    Result,
    Session,
    Site,
    Tup,
    UnionOf,
    Value,
    options_of,
    seen_in,
)

_LOADED = ("query", "get", "arg")
_ON_PURPOSE = ("expunge", "make_transient")


def read_column(frame: Frame, entity: Entity, mapped: Attribute, node: r.Node) -> None:
    """A column is read: its value may be older than a statement of this very transaction, or its key not made yet."""
    origin = entity.origin
    if origin in frame.state.unsaved and mapped.primary and not entity.path and not frame.testing:
        note(frame, Event("unborn", frame.site(node), "", origin.session, entity, mapped.name))
    live = frame.state.live.get(origin)
    if live is None or not live.outdated:
        return
    model = frame.world.classes.model(mapped.owner) or frame.world.classes.model(entity.model)
    path = path_of(entity, mapped.name)
    if model is None or path in live.assigned or mapped.primary:
        return
    for written in live.outdated:
        if written.table == model.table and (mapped.name in written.columns or "*" in written.columns):
            sure = 1 if "*" in written.columns else 2
            site = frame.site(node)
            note(frame, Event("stale", site, written.note, origin.session, entity, mapped.name, since=written.site, confidence=sure))
            return


# A relationship and its key


def key_set(frame: Frame, entity: Entity, column: Attribute, node: r.Node) -> None:
    """A foreign key is set: relationships over it that are loaded keep the old object."""
    live = frame.state.live.get(entity.origin, FRESH)
    if entity.origin.kind == "new" or live.expired is not None:
        return
    model = frame.world.classes.model(entity.model)
    for attribute in model.attributes.values() if model is not None else ():
        if attribute.kind != "relationship" or attribute.many or attribute.target is None:
            continue
        path = path_of(entity, attribute.name)
        loaded = path in live.loaded or path in entity.origin.loaded
        if loaded and path not in live.assigned and column.name in local_columns(frame.world.classes, entity.model, attribute):
            site = frame.site(node)
            if all(known != path for known, _ in live.mismatched):
                live = msgspec.structs.replace(live, mismatched=(*live.mismatched, (path, site))[:4])
                frame.state.live[entity.origin] = live


def linked(frame: Frame, entity: Entity, relationship: Attribute) -> None:
    """A relationship is set: it is what was asked for, whatever its key says."""
    live = frame.state.live.get(entity.origin, FRESH)
    path = path_of(entity, relationship.name)
    kept = tuple(item for item in live.mismatched if item[0] != path)
    frame.state.live[entity.origin] = msgspec.structs.replace(live, mismatched=kept, assigned=live.assigned | {path})


def next_row(frame: Frame, element: Value) -> None:
    """The next turn of a loop has another row: what was set on the last one says nothing of it."""
    for entity in entities_in(element):
        live = frame.state.live.get(entity.origin)
        if live is not None and (live.mismatched or live.assigned) and entity.origin.kind != "new":
            frame.state.live[entity.origin] = msgspec.structs.replace(live, mismatched=(), assigned=frozenset())


def read_link(frame: Frame, entity: Entity, mapped: Attribute, node: r.Node) -> None:
    """A relationship is read that is loaded, though its key was set since."""
    live = frame.state.live.get(entity.origin)
    if live is None or not live.mismatched:
        return
    path = path_of(entity, mapped.name)
    for known, site in live.mismatched:
        if known == path:
            note(frame, Event("stale_link", frame.site(node), "", entity.origin.session, entity, mapped.name, since=site))
            return


# Objects that are kept


def is_global(frame: Frame, expr: r.Expr) -> bool:
    """Whether an expression names a container that lives as long as the process: of a module, or of a class."""
    if isinstance(expr, r.Name):
        if frame.function is None or expr.id in frame.state.vars or expr.id in frame.closure:
            return expr.id in frame.globals
        return any(
            isinstance(binding, (r.Dict, r.Seq, r.Call)) for binding in frame.scope.bindings.get(expr.id, ())
        ) or _imported_container(frame, expr.id)
    if isinstance(expr, r.Attr) and isinstance(expr.value, r.Name):
        owner = frame.evaluate(expr.value)
        return type(owner).__name__ in ("ModuleRef", "ClassRef")
    return False


def _imported_container(frame: Frame, name: str) -> bool:
    return isinstance(frame.evaluate(r.Name(0, 0, name)), Coll) and frame.world.symbols.lookup(frame.scope.name, name) is not None


def kept(frame: Frame, node: r.Node, value: Value, where: str = "") -> None:
    """A value is put where it outlives its session."""
    if frame.function is None or frame.scope.role not in ("code", ""):
        return
    for entity in entities_in(value):
        live = frame.state.live.get(entity.origin, FRESH)
        if entity.origin.kind not in ("query", "get", "arg") or live.detached_how in _ON_PURPOSE:
            continue
        note(frame, Event("kept", frame.site(node), where, entity.origin.session, entity, ""))
        return


def entities_in(value: Value, depth: int = 0) -> tuple[Entity, ...]:
    """The entities that a value is or holds in plain containers."""
    if type(value) is Entity:
        return (value,)
    if depth > 3:
        return ()
    if type(value) is UnionOf:
        return tuple(found for item in value.items for found in entities_in(item, depth + 1))
    if type(value) is Coll:
        inner = entities_in(value.elem, depth + 1)
        return inner if value.kind != "iterator" else ()
    if type(value) is Tup:
        return tuple(found for item in value.items for found in entities_in(item, depth + 1))
    if type(value) is LibInstance and value.cls == "kwargs":
        return tuple(found for _, item in value.data for found in entities_in(item, depth + 1))
    return ()


# Objects of two sessions


def compared(frame: Frame, left: Value, op: str, right: Value, node: r.Node) -> None:
    """Two objects are compared that can never be the same one: each session makes its own."""
    if op not in ("==", "!=", "is", "is not", "in", "not in"):
        return
    mine = [item for item in options_of(left) if isinstance(item, Entity)]
    other = right
    if op in ("in", "not in"):
        if not isinstance(right, Coll):
            return
        other = right.key if right.kind == "dict" and right.key is not None else right.elem
    theirs = [item for item in options_of(other) if isinstance(item, Entity)]
    if len(mine) != 1 or len(theirs) != 1:
        return
    apart(frame, mine[0], theirs[0], node, "is" if op in ("is", "is not") else "==")


def apart(frame: Frame, one: Entity, other: Entity, node: r.Node, op: str) -> None:
    """Notes a comparison of two objects whose sessions are known to be two."""
    classes = frame.world.classes
    if one.model != other.model or not _two(frame, one.origin.session, other.origin.session):
        return
    if op != "is" and (classes.member(one.model, "__eq__") is not None or _is_dataclass(frame, one.model)):
        return
    if one.origin.kind not in _LOADED or other.origin.kind not in _LOADED:
        return
    note(frame, Event("compared", frame.site(node), "", one.origin.session, one, other.origin.name, op, since=other.origin.site))


def _is_dataclass(frame: Frame, model: str) -> bool:
    info = frame.world.classes.infos.get(model)
    return info is not None and (
        any(library.rsplit(".", 1)[-1] in ("MappedAsDataclass", "SQLModel") for library in info.libraries)
        or any("dataclass" in repr(decorator) for decorator in info.node.decorators)
    )


def _two(frame: Frame, one: Session | None, other: Session | None) -> bool:
    if one is None or other is None or one.id == other.id or one.scoped or other.scoped:
        return False
    if any(id.kind == "param" and not is_own(frame, id) for id in (one.id, other.id)):
        return False  # a callee's parameter that was given something unknown: it may be any session
    kinds = {one.id.kind, other.id.kind}
    return "made" in kinds or kinds == {"param"} or kinds == {"arg"}


# Statements that must hit


def ignored(frame: Frame, value: Value, expr: r.Expr) -> None:
    """A statement stands alone: nobody looks how many rows it has hit."""
    if isinstance(value, Result):
        _unchecked(frame, value.query, expr)
    for seen in seen_in(value):
        if seen.how == "hits":
            note(frame, Event("unchecked", frame.site(expr), seen.entity.model, seen.entity.origin.session, None, seen.attr))


def unused(frame: Frame, value: Value, expr: r.Expr, target: r.Name) -> None:
    """The result of a statement has a name that nothing reads."""
    if isinstance(value, Result) and versioned_by(frame.world.classes, value.query) and _mentions(frame, target.id) <= 1:
        _unchecked(frame, value.query, expr)


def _unchecked(frame: Frame, query: Query, node: r.Node) -> None:
    column = versioned_by(frame.world.classes, query)
    if column and not query.columns[1:]:
        note(frame, Event("unchecked", frame.site(node), query.keys[0].model, query.session, None, column))


def _mentions(frame: Frame, name: str) -> int:
    body = frame.function.node.body if frame.function is not None else ()
    return sum(isinstance(item, r.Name) and item.id == name for item in walk(body))


def swallowed(frame: Frame, stmt: r.Try) -> None:
    """A handler of StaleDataError goes on as if the write had happened."""
    for handler in stmt.handlers:
        if handler.type is None or kind_of_error(frame.world, frame.scope.name, handler.type) != "stale":
            continue
        if _acts(handler.body) or frame.loops or not _writes(frame):
            continue  # a row that should go and has gone is no loss
        call = _sending(stmt.body)
        site = frame.site(call) if call is not None else Site(frame.path, handler.start, handler.end)
        note(frame, Event("swallowed", site, "", since=Site(frame.path, handler.start, handler.end)))


def _writes(frame: Frame) -> bool:
    return any(event.kind == "mutate" or event.how in ("add", "add_all") for event in frame.state.events)


def _acts(body: tuple[r.Stmt, ...]) -> bool:
    """Whether a handler does more than write a line and undo: it raises, returns, retries, reads again, or keeps what happened."""
    for stmt in body:
        if isinstance(stmt, r.Pass):
            continue
        if isinstance(stmt, r.ExprStmt):
            call = stmt.value.value if isinstance(stmt.value, r.Await) else stmt.value
            name = call.func.attr if isinstance(call, r.Call) and isinstance(call.func, r.Attr) else ""
            if name in ("rollback", "debug", "info", "warning", "exception", "error", "expire_all", "close") or isinstance(call, r.Const):
                continue
            if isinstance(call, r.Call) and isinstance(call.func, r.Name) and call.func.id == "print":
                continue
        if isinstance(stmt, r.Return) and (stmt.value is None or (isinstance(stmt.value, r.Const) and stmt.value.kind == "none")):
            continue
        return True
    return False


def _sending(body: tuple[r.Stmt, ...]) -> r.Call | None:
    found = (call for call in calls_in(body) if isinstance(call.func, r.Attr) and call.func.attr in ("commit", "flush"))
    return min(found, key=lambda call: call.start, default=None)
