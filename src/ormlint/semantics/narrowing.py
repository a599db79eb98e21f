"""What is known where a test was true, or false: what names may be, which attributes are loaded, that the point cannot be reached.

Takes the test; changes the frame's variables. Runs neither branch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from ormlint.facts import records as r
from ormlint.semantics.assignment import ambient
from ormlint.semantics.conflicts import path_of
from ormlint.semantics.frame import Frame
from ormlint.semantics.keys import local_columns
from ormlint.semantics.reflection import classes_tested, narrow_names
from ormlint.semantics.transactions import not_begun, works
from ormlint.semantics.unit_of_work import mark_loaded
from ormlint.semantics.values import (
    NEVER,
    NONE,
    UNKNOWN,
    ClassRef,
    Coll,
    Const,
    Entity,
    Instance,
    LibRef,
    ModuleRef,
    Never,
    Session,
    UnionOf,
    Unknown,
    Value,
    options_of,
    union,
    without_none,
)


def tests_untold(frame: Frame, test: r.Expr) -> bool:
    """Whether a branch is taken for one type of a parameter of which nothing is known."""
    if type(test) is r.BoolOp and test.op == "and":
        return any(tests_untold(frame, item) for item in test.items)
    if not (type(test) is r.Call and type(test.func) is r.Name and test.func.id == "isinstance" and test.args):
        return False
    tested = test.args[0].value
    return type(tested) is r.Name and isinstance(frame.state.vars.get(tested.id), Unknown)


_LOADED_STATE = frozenset({"__dict__", "dict", "unloaded", "loaded_value"})


def names_known_loaded(test: r.Expr) -> frozenset[str]:
    """The attributes that a test has found loaded: `"lines" in order.__dict__`, `attrs.lines.loaded_value is not NO_VALUE`."""
    if type(test) is r.BoolOp and test.op == "and":
        return frozenset(name for item in test.items for name in names_known_loaded(item))
    if type(test) is not r.Compare or len(test.ops) != 1:
        return frozenset()
    left, op, right = test.left, test.ops[0], test.rights[0]
    if type(left) is r.Const and isinstance(left.value, str) and type(right) is r.Attr and right.attr in _LOADED_STATE:
        loaded = op == "not in" if right.attr == "unloaded" else op == "in"
        return frozenset({left.value}) if loaded else frozenset()
    if type(left) is r.Attr and left.attr == "loaded_value" and op in ("is not", "!=") and type(left.value) is r.Attr:
        return frozenset({left.value.attr})
    return frozenset()


def condition(frame: Frame, test: r.Expr, positive: bool, evaluate_it: bool = True) -> None:
    """Goes on where `test` was true (or false): narrows what names may be; the point is dead where that cannot be."""
    if evaluate_it:
        frame.evaluate(test)
    if type(test) is r.Unary and test.op == "not":
        condition(frame, test.value, not positive, False)
    elif type(test) is r.BoolOp:
        if (test.op == "and") is positive:
            for item in test.items:
                condition(frame, item, positive, False)
        elif test.op == "and" and _is_in_session(frame, test.items):
            frame.dead = True
    elif type(test) is r.Walrus:
        condition(frame, test.target, positive, False)
    elif positive and _flag_named(test) is not None:
        owner_expr, name = _flag_named(test) or (test, "")
        owner = frame.evaluate(owner_expr)
        if isinstance(owner, (LibRef, ModuleRef)):
            frame.state.vars[ambient(owner, name)] = Const(True, "bool")
    elif (asked := _asked_for_transaction(frame, test)) is not None:
        if not positive:
            not_begun(frame, asked)
        elif type(test) is r.Attr:
            works(frame, asked)
    elif isinstance(test, (r.Name, r.Attr)):
        _narrow(frame, test, lambda value: without_none(value) if positive else _falsy(value))
        if type(test) is r.Attr:
            (_has_key if positive else _has_no_target)(frame, test)
    elif type(test) is r.Compare and len(test.ops) == 1 and type(test.rights[0]) is r.Const and test.rights[0].kind == "none":
        if test.ops[0] in ("is", "is not", "==", "!="):
            is_none = (test.ops[0] in ("is", "==")) is positive
            left = test.left.target if type(test.left) is r.Walrus else test.left
            _narrow(frame, left, lambda value: _only_none(value) if is_none else without_none(value))
            if type(left) is r.Attr:
                (_has_no_target if is_none else _has_key)(frame, left)
    elif type(test) is r.Call and type(test.func) is r.Name and test.func.id == "isinstance" and len(test.args) == 2:
        _narrow_class(frame, test.args[0].value, test.args[1].value, positive)
    if isinstance(test, (r.Compare, r.Call)):
        narrow_names(frame, test, positive)


def _has_key(frame: Frame, test: r.Attr) -> None:
    """`if order.id:` was true: the object is not one that still waits for its first flush."""
    if not frame.state.unsaved or frame.dead or not isinstance(test.value, r.Name):
        return
    for item in options_of(frame.evaluate(test.value)):
        if isinstance(item, Entity) and item.origin in frame.state.unsaved:
            mapped = frame.world.classes.mapped_attribute(item.model, test.attr)
            if mapped is not None and mapped.primary:
                frame.state.unsaved -= {item.origin}


def _has_no_target(frame: Frame, test: r.Attr) -> None:
    """`order.customer_id or order.customer.id`: where there is no key, the relationship over it is None, and reading it sends nothing."""
    if frame.dead:
        return
    for entity in options_of(frame.evaluate(test.value)):
        mapped = frame.world.classes.mapped_attribute(entity.model, test.attr) if isinstance(entity, Entity) else None
        model = frame.world.classes.model(entity.model) if isinstance(entity, Entity) else None
        if not isinstance(entity, Entity) or mapped is None or mapped.foreign is None or model is None:
            continue
        for attribute in model.attributes.values():
            single = attribute.kind == "relationship" and not attribute.many and attribute.target is not None
            if single and local_columns(frame.world.classes, entity.model, attribute) == (mapped.name,):
                mark_loaded(frame, entity.origin, path_of(entity, attribute.name))


def _is_in_session(frame: Frame, items: Sequence[r.Expr]) -> bool:
    """`object_session(self) and self.id`: where that is false the object is in no session, and nothing that is read of it is SQL."""
    asked, *keys = items
    held = frame.state.vars.get(asked.id) if isinstance(asked, r.Name) else None
    sessions = [item for item in options_of(held) if item != NONE] if held is not None else []
    if len(sessions) != 1 or not isinstance(sessions[0], Session) or not keys:
        return False
    for key in keys:
        if not isinstance(key, r.Attr) or not isinstance(key.value, r.Name):
            return False
        owner = frame.state.vars.get(key.value.id)
        if not isinstance(owner, Entity) or owner.origin.kind == "new":
            return False
        mapped = frame.world.classes.mapped_attribute(owner.model, key.attr)
        if mapped is None or not mapped.primary or (sessions[0].id.name != "object_session" and sessions[0] != owner.origin.session):
            return False
    return True


def _asked_for_transaction(frame: Frame, test: r.Expr) -> Session | None:
    """The session that `session.in_transaction()` or `session.is_active` asks."""
    named = test.func if type(test) is r.Call and not test.args else test
    if type(named) is not r.Attr or named.attr not in ("in_transaction", "is_active", "get_transaction"):
        return None
    owner = frame.evaluate(named.value) if isinstance(named.value, (r.Name, r.Attr)) else UNKNOWN
    return owner if type(owner) is Session else None


def _flag_named(test: r.Expr) -> tuple[r.Expr, str] | None:
    """`getattr(g, "in_transaction", False)` as the object and the name of the flag."""
    if isinstance(test, r.Call) and isinstance(test.func, r.Name) and test.func.id == "getattr" and len(test.args) >= 2:
        name = test.args[1].value
        if isinstance(name, r.Const) and isinstance(name.value, str):
            return test.args[0].value, name.value
    return None


def _falsy(value: Value) -> Value:
    if isinstance(value, UnionOf):
        kept = tuple(item for item in value.items if not isinstance(item, (Session, Entity, Instance)))
        return union(tuple(_emptied(item) for item in kept)) if kept else value
    return NEVER if isinstance(value, (Session,)) else _emptied(value)


def _emptied(value: Value) -> Value:
    """A collection that is false holds nothing."""
    held = isinstance(value, Coll) and value.kind in ("list", "set", "tuple", "dict") and not isinstance(value.elem, Never)
    return msgspec.structs.replace(value, elem=NEVER) if held else value


def _only_none(value: Value) -> Value:
    if isinstance(value, UnionOf):
        return NONE if any(item == NONE for item in value.items) else value
    return value


def _key(expr: r.Expr) -> str:
    if isinstance(expr, r.Name):
        return expr.id
    if isinstance(expr, r.Attr) and isinstance(expr.value, r.Name):
        return f"{expr.value.id}.{expr.attr}"
    return ""


def _narrow(frame: Frame, expr: r.Expr, change: Callable[[Value], Value]) -> None:
    key = _key(expr)
    if not key:
        return
    value = frame.state.vars.get(key)
    if value is None:
        if isinstance(expr, r.Name):
            value = frame.closure.get(key)
        elif isinstance(expr, r.Attr) and isinstance(expr.value, r.Name):
            owner = frame.state.vars.get(expr.value.id)
            if isinstance(owner, Instance):
                quiet = dict(owner.fields).get(expr.attr)
                value = quiet
    if value is None:
        return
    changed = change(value)
    if isinstance(changed, Never):
        frame.dead = True
    elif changed is not value:
        frame.state.vars[key] = changed


def _narrow_class(frame: Frame, expr: r.Expr, cls: r.Expr, positive: bool) -> None:
    key = _key(expr)
    if not key:
        return
    classes = cls.items if isinstance(cls, r.Seq) else (cls,)
    found: list[Value] = []
    current = frame.state.vars.get(key)
    if current is not None and not isinstance(current, Unknown):
        left = classes_tested(frame, current, [frame.evaluate(item) for item in classes], positive)
        if isinstance(left, Never):
            frame.dead = True
            return
        frame.state.vars[key] = current = left
    if not positive:
        return
    for item in classes:
        type_ = frame.evaluate(item)
        if isinstance(type_, ClassRef) and current is not None and not isinstance(current, Unknown):
            for part in options_of(current):
                model = part.model if isinstance(part, Entity) else part.cls if isinstance(part, Instance) else ""
                info = frame.world.classes.infos.get(model)
                if info is not None and type_.cls in info.mro:
                    found.append(part)
                elif isinstance(part, Entity) and info is not None and model in frame.world.classes.infos[type_.cls].mro:
                    found.append(Entity(type_.cls, part.origin, part.path, part.born, part.base or part.model))
        elif isinstance(type_, (ClassRef, LibRef)) and (current is None or isinstance(current, Unknown)):
            declared = frame.declared(item, key)
            if not isinstance(declared, Unknown):
                found.append(declared)
    if found:
        frame.state.vars[key] = union(tuple(found), len(found))
