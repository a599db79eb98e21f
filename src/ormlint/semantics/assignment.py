"""What binding a value does: to a name, the parts of a tuple, an attribute or an entry of a container.

Takes a target and a value; changes the frame's variables. An attribute of an entity is a change of its row; what is put into an object or a
container that outlives the function takes sessions and entities along.
"""

from __future__ import annotations

from ormlint.facts import records as r
from ormlint.semantics import autoflush, boundary, conflicts, identity, unfetched
from ormlint.semantics.attributes import replaced
from ormlint.semantics.concurrency import handed
from ormlint.semantics.containers import element_of, unpacked, with_item
from ormlint.semantics.crossing import linked, of_one_session
from ormlint.semantics.dependence import dotted
from ormlint.semantics.engines import kept
from ormlint.semantics.events import DEFAULT, FRESH, Step
from ormlint.semantics.frame import Frame
from ormlint.semantics.holders import stored
from ormlint.semantics.iteration import iterated
from ormlint.semantics.observations import Made
from ormlint.semantics.transactions import wrote
from ormlint.semantics.unit_of_work import change, escape, mark_grafted, mark_loaded
from ormlint.semantics.values import (
    UNKNOWN,
    ClassRef,
    Coll,
    Const,
    Entity,
    Instance,
    LibRef,
    ModuleRef,
    Never,
    Plain,
    Result,
    Session,
    UnionOf,
    Unknown,
    Value,
    core_connection,
    join,
    options_of,
    unowned,
    widen,
)


def assign(frame: Frame, stmt: r.Assign) -> None:
    value = frame.evaluate(stmt.value)
    if frame.dead:
        return
    for target in stmt.targets:
        bind_target(frame, target, value, stmt.value)
    if isinstance(value, (Result, Plain)) and len(stmt.targets) == 1 and isinstance(stmt.targets[0], r.Name):
        identity.unused(frame, value, stmt.value, stmt.targets[0])


def ann_assign(frame: Frame, stmt: r.AnnAssign) -> None:
    if stmt.value is None:
        if isinstance(stmt.target, r.Name):
            frame.state.vars[stmt.target.id] = frame.declared(stmt.annotation, stmt.target.id)
        return
    value = frame.evaluate(stmt.value)
    if frame.dead:
        return
    empty = isinstance(value, Coll) and isinstance(value.elem, Never)
    if isinstance(value, Unknown) or empty:
        declared = frame.declared(stmt.annotation, stmt.target.id if isinstance(stmt.target, r.Name) else "")
        if isinstance(value, Unknown) and not isinstance(declared, Unknown):
            value = declared
    bind_target(frame, stmt.target, value, stmt.value)


def aug_assign(frame: Frame, stmt: r.AugAssign) -> None:
    left = frame.evaluate(stmt.target)
    right = frame.evaluate(stmt.value)
    if frame.dead:
        return
    value: Value = UNKNOWN
    if isinstance(left, Coll):
        other = iterated(frame, right, stmt.value)
        value = Coll(left.kind, join(left.elem, element_of(other)), left.key, None, left.batches)
    elif not isinstance(left, (Entity, Session)):
        value = conflicts.sum_of(widen(left), right)
    bind_target(frame, stmt.target, value, stmt.value)


def bind_target(frame: Frame, target: r.Expr, value: Value, expr: r.Expr | None) -> None:
    """Binds a value to an assignment's target."""
    if type(target) is r.Name:
        variables = frame.state.vars
        dotted = target.id + "."
        for key in [key for key in variables if key.startswith(dotted)]:
            del variables[key]
        variables[target.id] = value
        if target.id in frame.globals:
            if type(value) is Session and type(expr) is r.Call and not value.scoped:
                site = frame.site(expr)
                frame.world.leave("made", ((site, "global"), Made(value, site, frame.name, (), "module", target.id)))
            identity.kept(frame, target, value)
            escape(frame, value)
            kept(frame, value)
    elif type(target) is r.Seq:
        count = len(target.items)
        if any(type(item) is r.Star for item in target.items):
            inner = element_of(iterated(frame, value, target))
            for item in target.items:
                if type(item) is r.Star:
                    bind_target(frame, item.value, Coll("list", inner), None)
                else:
                    bind_target(frame, item, inner, None)
            return
        source = iterated(frame, value, target) if type(value) is not UnionOf else value
        for item, piece in zip(target.items, unpacked(source, count), strict=True):
            bind_target(frame, item, piece, None)
    elif type(target) is r.Attr:
        owner = frame.evaluate(target.value)
        if core_connection(value) is not None:
            escape(frame, value, stored=True)
            value = unowned(value)
        if type(target.value) is r.Name:
            frame.state.vars[f"{target.value.id}.{target.attr}"] = value
        if isinstance(owner, (LibRef, ModuleRef)) and type(value) is Const and value.kind == "bool":
            frame.state.vars[ambient(owner, target.attr)] = value
        certain = of_one_session(owner)
        for part in options_of(owner):
            if type(part) is Session and target.attr == "autoflush":
                autoflush.told(frame, part, value)
            if type(part) is Entity:
                if certain and _is_relationship(frame, part, target.attr):
                    linked(frame, part, value, target)
                _set_attribute(frame, part, target, value)
            elif type(part) is Instance:
                if type(value) is Instance:
                    frame.constructed.discard(value.cls)
                stored(frame, part, target.attr, value)
            elif isinstance(part, (ModuleRef, ClassRef)):
                identity.kept(frame, target, value)
        handed(frame, value)
        escape(frame, value, stored=True)
        kept(frame, value)
    elif type(target) is r.Sub:
        boundary.spare_parts(frame, target.value)
        owner = frame.evaluate(target.value)
        index = frame.evaluate(target.index) if type(target.index) is not r.Slice else UNKNOWN
        if identity.is_global(frame, target.value):
            identity.kept(frame, target, value)
        if type(target.value) is r.Name:
            holding = with_item(owner, index, value)
            if holding is not owner:
                frame.state.vars[target.value.id] = holding
        handed(frame, value)
        escape(frame, value)
        kept(frame, value)
    elif type(target) is r.Star:
        bind_target(frame, target.value, value, expr)


def ambient(owner: LibRef | ModuleRef, name: str) -> str:
    """The key of a flag on a global object: callees see it while it is set."""
    return f"@{owner.name}.{name}"


def _is_relationship(frame: Frame, entity: Entity, name: str) -> bool:
    mapped = frame.world.classes.mapped_attribute(entity.model, name)
    return mapped is not None and mapped.kind == "relationship"


def _set_attribute(frame: Frame, entity: Entity, target: r.Attr, value: Value) -> None:
    mapped = frame.world.classes.mapped_attribute(entity.model, target.attr)
    if mapped is None:
        return
    if frame.in_domain:
        boundary.write(frame, target, entity)
    if entity.origin.session is not None and frame.state.live.get(entity.origin, FRESH).detached is None:
        wrote(frame, entity.origin.session, Step(frame.site(target), f"sets {target.attr}"))
    frame.state.vars.pop(f"{target.value.id}.{target.attr}" if isinstance(target.value, r.Name) else "", None)
    if mapped.kind == "relationship":
        replaced(frame, entity, mapped, target)
        identity.linked(frame, entity, mapped)
    else:
        conflicts.assigned(frame, entity, target.attr, value, target)
        if mapped.foreign is not None:
            identity.key_set(frame, entity, mapped, target)
    path = ".".join((*entity.path, target.attr))
    mark_loaded(frame, entity.origin, path, asked=True)
    unfetched.touched(frame, entity, mapped, frame.site(target))
    if mapped.kind == "relationship":
        mark_grafted(frame, entity.origin, path)
    by_name = frame.varying(target.value)
    active = tuple(loop.site for loop in frame.loops if loop.site in entity.born or loop.site in by_name)
    session = entity.origin.session
    is_default = mapped.kind != "relationship" and bool(frame.empty) and frame.empty[-1] != "" and frame.empty[-1] == dotted(target)
    note = DEFAULT if is_default else ""
    frame.happens("mutate", target, note=note, session=session, entity=entity, attr=target.attr, how="mutate", varies=active)
    live = frame.state.live.get(entity.origin, FRESH)
    if session is not None and live.detached is None and not is_default:
        change(frame, session, "mutate", frame.site(target))
