"""Runs one function's statements over abstract values: branches join, loops go round until stable, `try` and `with` have their edges.

Takes a frame and a body; changes the frame's state. `frame.dead` says that the current point cannot be reached. What leaves the
function is kept in `frame.ends` with the state it leaves in, so that `finally` and `with` can still act on it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from ormlint.facts import records as r
from ormlint.orms import registry as orms
from ormlint.semantics import autoflush, boundary, conflicts, identity, queries, serializing, unfetched
from ormlint.semantics.attributes import replaced
from ormlint.semantics.concurrency import block_ends, handed
from ormlint.semantics.containers import born_in, element_of, unpacked, with_item
from ormlint.semantics.contexts import invoke
from ormlint.semantics.crossing import linked, of_one_session
from ormlint.semantics.dependence import absent_for, containers, kept_by, resets
from ormlint.semantics.engines import kept
from ormlint.semantics.events import FRESH, Event, Loop, Step
from ormlint.semantics.frame import Frame
from ormlint.semantics.function_calls import resumed
from ormlint.semantics.handlers import is_lock, kind_of_error
from ormlint.semantics.holders import made_late, returned, stored
from ormlint.semantics.iteration import iterated
from ormlint.semantics.loops import for_loop, guard, is_row, names_key, one_key, while_loop
from ormlint.semantics.observations import Incident, Made, Repeated, Summary
from ormlint.semantics.reflection import classes_tested, narrow_names
from ormlint.semantics.repetition import note_repeated
from ormlint.semantics.settling import adopt, settle
from ormlint.semantics.sizes import measured
from ormlint.semantics.state import State, contains, join_states
from ormlint.semantics.summaries import Substitution
from ormlint.semantics.symbols import absolute, applied, last_name
from ormlint.semantics.transactions import (
    at_risk,
    carry,
    commits_one_like,
    end_all,
    end_blocks,
    enter_block,
    is_one_of,
    leave_block,
    leave_failed,
    not_begun,
    notice,
    raised,
    settle_loop,
    wrote,
)
from ormlint.semantics.unit_of_work import change, escape, hand_back, mark_grafted, mark_loaded, operate, sessions_in
from ormlint.semantics.values import (
    NEVER,
    NONE,
    UNKNOWN,
    Actual,
    Awaitable,
    ClassRef,
    Coll,
    Const,
    Entity,
    FuncRef,
    Instance,
    LibInstance,
    LibRef,
    Manager,
    ModuleRef,
    Never,
    Origin,
    Plain,
    Query,
    Result,
    Session,
    SessionId,
    Site,
    Tup,
    UnionOf,
    Unknown,
    Value,
    core_connection,
    join,
    options_of,
    union,
    unowned,
    widen,
    without_none,
)

_SENT = frozenset({"execute", "write"})
_NESTED = 4
"""Loops nested deeper than this go round once, so that time stays bounded."""


def run(frame: Frame, body: Sequence[r.Stmt]) -> None:
    """Runs statements in order until the point is dead."""
    depth = len(frame.conditions)
    for stmt in body:
        if frame.dead:
            break
        if frame.catches and not _cannot_raise(stmt):
            _may_raise(frame)
        frame.spend()
        _BY_TYPE[type(stmt)](frame, stmt)
    if len(frame.conditions) > depth:
        frame.conditions[depth:] = _lasting(frame, depth)


def _lasting(frame: Frame, depth: int) -> list[tuple[int, str]]:
    """Of the conditions noted in a block those that hold behind it too: a store outside was asked, and had nothing."""
    return [item for item in frame.conditions[depth:] if item[1].startswith("kept outer ")]


def _cannot_raise(stmt: r.Stmt) -> bool:
    """Statements that only move on: no handler ever sees the state before them."""
    if isinstance(stmt, r.Return):
        return stmt.value is None or isinstance(stmt.value, (r.Const, r.Name))
    return isinstance(stmt, (r.Pass, r.Break, r.Continue, r.Global, r.Function))


def _may_raise(frame: Frame) -> None:
    """Any statement of a `try` body may be the one that raises: its handler sees the state before it."""
    state = frame.state
    if frame.ending:
        # Blocks that the exception leaves on its way to the handler end the sessions, or the transactions, that they hold.
        state = state.copy()
        for session, closes in frame.ending:
            leave_block(state, session, closes)
    states = frame.catches[-1]
    if states:
        joined = join_states([states[0], state])
        assert joined is not None
        states[0] = joined
    else:
        states.append(state.copy())


# Simple statements


def _expression(frame: Frame, stmt: r.ExprStmt) -> None:
    value = frame.evaluate(stmt.value)
    if isinstance(value, (Result, Plain)):
        identity.ignored(frame, value, stmt.value)


def _assign(frame: Frame, stmt: r.Assign) -> None:
    value = frame.evaluate(stmt.value)
    if frame.dead:
        return
    for target in stmt.targets:
        bind_target(frame, target, value, stmt.value)
    if isinstance(value, (Result, Plain)) and len(stmt.targets) == 1 and isinstance(stmt.targets[0], r.Name):
        identity.unused(frame, value, stmt.value, stmt.targets[0])


def _ann_assign(frame: Frame, stmt: r.AnnAssign) -> None:
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


def _aug_assign(frame: Frame, stmt: r.AugAssign) -> None:
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
    frame.happens("mutate", target, session=session, entity=entity, attr=target.attr, how="mutate", varies=active)
    live = frame.state.live.get(entity.origin, FRESH)
    if session is not None and live.detached is None:
        change(frame, session, "mutate", frame.site(target))


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
        _may_raise(frame)
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
    from ormlint.semantics.expressions import captured

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


# Branches


def _if(frame: Frame, stmt: r.If) -> None:
    from ormlint.semantics.expressions import truth_of

    testing, frame.testing = frame.testing, True
    tested = frame.evaluate(stmt.test)
    frame.testing = testing
    truth = None if made_late(frame, stmt.test, tested) else truth_of(tested)
    measured(frame, stmt.test, tested, stmt.test, False)
    if frame.dead:
        return
    if truth is not None:
        depth = len(frame.conditions)
        _note_store(frame, stmt, stmt.body if truth else stmt.orelse, truth)
        around = len(frame.conditions)
        run(frame, stmt.body if truth else stmt.orelse)
        frame.conditions[depth:] = _lasting(frame, around)
        return
    told = conflicts.presence(tested)
    before = frame.state
    states: list[State] = []
    meaning = guard(stmt.test)
    untold = _tests_untold(frame, stmt.test)
    depth = len(frame.conditions)
    frame.state = before.copy()
    condition(frame, stmt.test, True, evaluate_it=False)
    if told:
        conflicts.settled(frame, told, True, stmt.test)
    if meaning:
        frame.conditions.append((stmt.start, meaning))
    if untold:
        frame.conditions.append((stmt.start, "untold type"))
    if told and all(seen.how == "absent" for seen in told):
        frame.conditions.append((stmt.start, absent_for(frame, stmt.test)))
    if frame.loops:
        frame.conditions.extend((stmt.start, one_key(loop)) for loop in frame.loops if loop.key and names_key(stmt.test, loop.key))
    _note_store(frame, stmt, stmt.body, True)
    frame.tests.append(frame.world.names(stmt.test))
    frame.known_loaded.append(names_known_loaded(stmt.test))
    around = len(frame.conditions)
    run(frame, stmt.body)
    frame.known_loaded.pop()
    frame.tests.pop()
    lasting = _lasting(frame, around)
    del frame.conditions[depth:]
    left = frame.dead
    if not frame.dead:
        states.append(frame.state)
    frame.dead = False
    frame.state = before
    condition(frame, stmt.test, False, evaluate_it=False)
    _note_store(frame, stmt, stmt.orelse, False)
    if told:
        conflicts.settled(frame, told, False, stmt.test)
    absent = bool(told) and all(seen.how == "present" for seen in told)
    if absent:
        frame.conditions.append((stmt.start, absent_for(frame, stmt.test)))
    run(frame, stmt.orelse)
    del frame.conditions[depth:]
    if not frame.dead:
        states.append(frame.state)
    _join(frame, states)
    frame.conditions.extend(lasting)
    if left and absent and not stmt.orelse and isinstance(stmt.body[-1], r.Return):
        frame.conditions.append((stmt.start, absent_for(frame, stmt.test)))  # `if found: return found`
    if left and not stmt.orelse and frame.function is not None:
        # `if key in cache: return cache[key]`: what follows asks for what is missing, and keeps it.
        _note_store(frame, stmt, frame.function.node.body, False, True)


def _tests_untold(frame: Frame, test: r.Expr) -> bool:
    """Whether a branch is taken for one type of a parameter of which nothing is known."""
    if type(test) is r.BoolOp and test.op == "and":
        return any(_tests_untold(frame, item) for item in test.items)
    if not (type(test) is r.Call and type(test.func) is r.Name and test.func.id == "isinstance" and test.args):
        return False
    tested = test.args[0].value
    return type(tested) is r.Name and isinstance(frame.state.vars.get(tested.id), Unknown)


def _note_store(frame: Frame, stmt: r.If, body: tuple[r.Stmt, ...], positive: bool, after: bool = False) -> None:
    """Notes that a branch, or what follows a branch that leaves, asks only for what a store does not have yet."""
    if not body:
        return
    whole = frame.function.node.body if frame.function is not None else body
    key = (id(stmt), id(body), positive)
    store = frame.world.kept.get(key)
    if store is None:
        store = frame.world.kept[key] = kept_by(frame.world, stmt.test, body, whole, positive)
    if store and not (after and "." not in store and store not in containers(frame.world, body)):
        root = store.split(".", 1)[0]
        params = () if frame.function is None else tuple(param.name for param in frame.function.node.params)
        scope = "param" if root in params else "local" if root in frame.state.vars and root not in frame.globals else "outer"
        frame.conditions.append((stmt.start, f"kept {scope} {store}"))


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


def _join(frame: Frame, states: list[State]) -> None:
    joined = join_states(states)
    if joined is None:
        frame.dead = True
    else:
        frame.dead = False
        frame.state = joined


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
    elif not positive and (asked := _asked_for_transaction(frame, test)) is not None:
        not_begun(frame, asked)
    elif isinstance(test, (r.Name, r.Attr)):
        _narrow(frame, test, lambda value: without_none(value) if positive else _falsy(value))
        if positive and type(test) is r.Attr:
            _has_key(frame, test)
    elif type(test) is r.Compare and len(test.ops) == 1 and type(test.rights[0]) is r.Const and test.rights[0].kind == "none":
        if test.ops[0] in ("is", "is not", "==", "!="):
            is_none = (test.ops[0] in ("is", "==")) is positive
            left = test.left.target if type(test.left) is r.Walrus else test.left
            _narrow(frame, left, lambda value: _only_none(value) if is_none else without_none(value))
            if not is_none and type(left) is r.Attr:
                _has_key(frame, left)
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


def _match(frame: Frame, stmt: r.Match) -> None:
    subject = frame.evaluate(stmt.subject)
    before = frame.state
    states: list[State] = [before.copy()]
    for case in stmt.cases:
        frame.state = before.copy()
        frame.dead = False
        for name in case.names:
            frame.state.vars[name] = UNKNOWN if len(case.names) > 1 or case.values else subject
        if case.guard is not None:
            condition(frame, case.guard, True)
        run(frame, case.body)
        if not frame.dead:
            states.append(frame.state)
    _join(frame, states)


# Loops


def _for(frame: Frame, stmt: r.For) -> None:
    frame.iterating = stmt.iter
    source = frame.evaluate(stmt.iter)
    frame.iterating = None
    lender, frame.suspended = frame.suspended, None
    if frame.dead:
        return
    iterable = iterated(frame, source, stmt.iter)
    loop = for_loop(frame, stmt, source, iterable)
    element = born_in(element_of(iterable), loop.site)
    met = origins_in(element)

    def enter() -> None:
        bind_target(frame, stmt.target, element, None)
        identity.next_row(frame, element)
        unfetched.next_row(frame, rows, loop.site)

    rows = frozenset([entity.origin for entity in identity.entities_in(element)])
    _go_round(frame, loop, stmt.body, stmt.orelse, enter, None, origins=met, rows=rows)
    if lender is not None and not frame.dead:
        resumed(frame, *lender, stmt.iter)


def origins_in(value: Value) -> frozenset[Origin]:
    """The origins of the entities that a loop's element is or holds."""
    if isinstance(value, Entity):
        return frozenset({value.origin})
    if isinstance(value, (Tup, UnionOf)):
        return frozenset([origin for item in value.items for origin in origins_in(item)])
    return frozenset()


def _while(frame: Frame, stmt: r.While) -> None:
    loop = while_loop(frame, stmt)
    forever = isinstance(stmt.test, r.Const) and bool(stmt.test.value)
    _go_round(frame, loop, stmt.body, stmt.orelse, lambda: condition(frame, stmt.test, True), None if forever else stmt.test, forever)


def _go_round(
    frame: Frame,
    loop: Loop,
    body: Sequence[r.Stmt],
    orelse: Sequence[r.Stmt],
    enter: Callable[[], None],
    test: r.Expr | None,
    forever: bool = False,
    origins: frozenset[Origin] = frozenset(),
    rows: frozenset[Origin] = frozenset(),
) -> None:
    before = frame.state
    head = before
    rounds = 1 if len(frame.loops) >= _NESTED else 2
    out: list[State] = []
    back: State | None = None
    depth = len(frame.conditions)
    for turn in range(rounds):
        frame.state = head.copy()
        frame.dead = False
        frame.loops.append(loop)
        frame.breaks.append([])
        frame.continues.append([])
        autoflush.turn(frame, loop)
        enter()
        if not frame.dead:
            run(frame, body)
        del frame.conditions[depth:]
        arrivals = frame.continues.pop()
        out = frame.breaks.pop()
        frame.loops.pop()
        if not frame.dead:
            arrivals.append(frame.state)
        back = join_states(arrivals)
        if back is None:
            break
        if turn + 1 < rounds:
            again = join_states([before.copy(), back.copy()])
            assert again is not None
            if not again.adds_to(head):
                break
            for origin in origins:
                known = again.live.get(origin)
                if known is not None and known.how == "expire" and known.expired is not None and contains(loop.site, known.expired):
                    again.live[origin] = before.live.get(origin, FRESH)  # only the element before was expired
                elif known is not None and known.expired is not None and contains(loop.site, known.expired):
                    # What the body read again, it read of the element before: the next one is still as the expiry left it.
                    again.live[origin] = msgspec.structs.replace(known, loaded=frozenset(), fresh=frozenset(), deleted=False)
            for origin in rows:
                known = again.live.get(origin)
                if known is not None and known.outdated:
                    # What the body wrote past the session, it wrote to the row of the turn before.
                    again.live[origin] = msgspec.structs.replace(known, outdated=before.live.get(origin, FRESH).outdated)
            again.vars = {
                name: widen(value) if name in loop.varying or isinstance(value, Coll) else value for name, value in again.vars.items()
            }
            head = again
    if back is not None:
        frame.state = back
        loop_events(frame, loop, list(back.events))
        back = frame.state
    exits = list(out)
    if not forever:
        leaving = before.copy()
        if back is not None:
            after = back.copy()
            live = after.live
            joined = join_states([leaving, after])
            assert joined is not None
            settle_loop(joined, before, back)
            # Every element was visited: what the body loaded for each is loaded for all.
            for origin, item in live.items():
                known = joined.live.get(origin)
                if known is not None and (item.loaded - known.loaded or item.fresh - known.fresh):
                    joined.live[origin] = msgspec.structs.replace(known, loaded=known.loaded | item.loaded, fresh=known.fresh | item.fresh)
            leaving = joined
        frame.state = leaving
        frame.dead = False
        if test is not None:
            condition(frame, test, False, evaluate_it=False)
        run(frame, orelse)
        if not frame.dead:
            exits.append(frame.state)
    _join(frame, exits)


def loop_events(frame: Frame, loop: Loop, events: list[Event]) -> None:
    """Notes which events of the loop's body happen again in each iteration, and in which sense."""
    inside = [
        event for event in events if contains(loop.site, event.site) and not (loop.head is not None and contains(loop.head, event.site))
    ]
    evidence = any(event.kind in ("query", "add", "write", "mutate", "load") and loop.site in event.varies for event in inside)
    rows = loop.kind == "rows" or (loop.kind == "unknown" and evidence)
    for event in inside:
        if event.exceptional or (loop.key and any(meaning == one_key(loop) for _, meaning in event.conditions)):
            continue
        if loop.cursor is not None and event.kind == "commit" and event.session is not None and event.session.id == loop.cursor:
            frame.note("commit-while-streaming", event, loop.head)
        if event.reported:
            continue
        if event.kind in ("commit", "rollback", "flush", "savepoint", "begin", "callout", "close", "autoflush"):
            if event.kind == "autoflush" and (event.since is None or not contains(loop.site, event.since)):
                continue
            session = event.session
            if session is not None and (loop.site in session.born or event.own):
                continue
            note_repeated(frame, Repeated(event, loop, frame.name, rows))
        elif event.kind == "load":
            if loop.site not in event.varies or any(contains(test, event.site) for test in loop.seeking):
                continue
            note_repeated(frame, Repeated(event, loop, frame.name, rows))
        elif event.kind == "query" or (event.kind == "write" and event.how in _SENT):
            if _is_sent_once(frame, loop, event, inside):
                continue
            note_repeated(frame, Repeated(event, loop, frame.name, rows))
        elif event.kind in ("write", "add"):
            note_repeated(frame, Repeated(event, loop, frame.name, rows and loop.site in event.varies))
        else:
            continue
        guarded = any(kind == "batch" and loop.site.start <= at < loop.site.end for at, kind in event.conditions)
        if rows and loop.kind in ("rows", "unknown") and not guarded and (event.kind != "query" or loop.site in event.varies):
            done = msgspec.structs.replace(event, reported=True)
            for events_of in (frame.state.events, frame.order):
                if event in events_of:
                    del events_of[event]
                    events_of[done] = None


def _is_sent_once(frame: Frame, loop: Loop, event: Event, inside: list[Event]) -> bool:
    """Whether a query is not one for each turn: its session is the turn's own, it searches, a store keeps it, or it may differ."""
    session = event.session
    if event.own or (session is not None and loop.site in session.born):
        return True
    if loop.site in event.over or any(contains(place, event.site) for place in loop.sought):
        return True
    if any(_is_kept(frame, loop, at, meaning) for at, meaning in event.conditions):
        return True
    if loop.site in event.varies:
        return False
    if loop.site in event.unsteady or event.how == "get" or len(event.via) > 1 or event.kind == "write":
        return True
    return any(other.kind in ("add", "write", "mutate", "flush", "commit", "rollback", "savepoint") for other in inside)


def _is_kept(frame: Frame, loop: Loop, at: int, meaning: str) -> bool:
    if not meaning.startswith("kept ") or not loop.site.start <= at < loop.site.end:
        return False
    _, _, store = meaning.split(" ", 2)
    if "." in store:
        return store.split(".", 1)[0] not in loop.varying
    return not resets(frame.world.bodies.get((loop.site.path, loop.site.start), ()), store, at)


def per_element(frame: Frame, function: Value, elem: Value, node: r.Node, spread: bool) -> Value:
    """Calls `function` once for an element, as the body of a loop at `node` over a collection of such elements."""
    if isinstance(function, Unknown) or isinstance(elem, Never):
        return UNKNOWN
    site = Site(frame.path, node.start, node.end)
    loop = Loop(site, "rows" if is_row(elem) else "unknown", "one call for each element", frozenset({"<element>"}), is_comprehension=True)
    before = set(frame.state.events)
    frame.loops.append(loop)
    element = born_in(elem, site)
    parts = (
        unpacked(element, len(element.items)) if spread and hasattr(element, "items") and not isinstance(element, UnionOf) else [element]
    )
    value = frame.call(function, tuple(Actual(part) for part in parts), node)
    frame.loops.pop()
    fresh = [event for event in frame.state.events if event not in before]
    varying = [
        event if site in event.varies or event.kind == "load" else msgspec.structs.replace(event, varies=(*event.varies, site))
        for event in fresh
    ]
    for old, new in zip(fresh, varying, strict=True):
        if old is not new:
            for events_of in (frame.state.events, frame.order):
                if old in events_of:
                    del events_of[old]
                    events_of[new] = None
    loop_events(frame, loop, varying)
    return value


# try and with


def _protected(frame: Frame, body: Callable[[], None], final: Callable[[str], None]) -> None:
    """Runs `body`, then `final` on every way out of it: falling through, returning, raising, breaking, continuing."""
    ends_before = len(frame.ends)
    breaks_before = len(frame.breaks[-1]) if frame.breaks else 0
    continues_before = len(frame.continues[-1]) if frame.continues else 0
    body()
    alive, state = not frame.dead, frame.state
    ways: list[tuple[list[object], int]] = []
    fresh = frame.ends[ends_before:]
    if len(fresh) > 6:
        merged: dict[str, tuple[str, Site, State]] = {}
        for kind, site, end_state in fresh:
            if kind in merged:
                joined = join_states([merged[kind][2], end_state])
                assert joined is not None
                merged[kind] = (kind, merged[kind][1], joined)
            else:
                merged[kind] = (kind, site, end_state)
        fresh = list(merged.values())
    del frame.ends[ends_before:]
    del ways
    kept: list[tuple[str, Site, State]] = []
    for kind, site, end_state in fresh:
        frame.state, frame.dead = end_state, False
        frame.final += 1
        final(kind)
        frame.final -= 1
        if not frame.dead:
            kept.append((kind, site, frame.state))
    frame.ends.extend(kept)
    for stack, count in ((frame.breaks, breaks_before), (frame.continues, continues_before)):
        if not stack:
            continue
        leaving = stack[-1][count:]
        del stack[-1][count:]
        for way in leaving:
            frame.state, frame.dead = way, False
            frame.final += 1
            final("leave")
            frame.final -= 1
            if not frame.dead:
                stack[-1].append(frame.state)
    frame.state, frame.dead = state, not alive
    if alive:
        frame.final += 1
        final("end")
        frame.final -= 1


def _try(frame: Frame, stmt: r.Try) -> None:
    if stmt.final:
        final_body = stmt.final
        frame.risks.append({})
        undone, frame.undone = frame.undone, set()

        def last(kind: str) -> None:
            before, frame.undone = frame.undone, set()
            run(frame, final_body)
            in_final.update(frame.undone)
            frame.undone |= before

        in_final: set[SessionId] = set()
        _protected(frame, lambda: _try_body(frame, stmt), last)
        frame.undone |= undone
        _pass_on(frame, in_final)
    else:
        _try_body(frame, stmt)


def _pass_on(frame: Frame, undone: set[SessionId]) -> None:
    """What may fail inside a block may fail around it, but for the sessions that leaving the block has rolled back or closed."""
    for id, risk in frame.risks.pop().items():
        if id not in undone and not is_one_of(frame, id, undone):
            at_risk(frame, risk)


def _try_body(frame: Frame, stmt: r.Try) -> None:
    if not stmt.handlers:
        outer = frame.catches
        run(frame, stmt.body)
        frame.catches = outer
        if not frame.dead:
            run(frame, stmt.orelse)
        return
    frame.catches.append([frame.state.copy()])
    looked = len(frame.looked_up)
    ending, frame.ending = frame.ending, []
    frame.risks.append({})
    run(frame, stmt.body)
    risks = frame.risks.pop()
    frame.ending = ending
    caught = frame.catches.pop()
    identity.swallowed(frame, stmt)
    states: list[State] = []
    if not frame.dead:
        run(frame, stmt.orelse)
    if not frame.dead:
        states.append(frame.state)
    uncaught = bool(risks)
    for handler in stmt.handlers:
        frame.state = caught[0].copy()
        frame.dead = False
        if handler.name:
            frame.state.vars[handler.name] = UNKNOWN
        goes_on = False
        if uncaught:
            floor, uncaught = _catches(frame, handler)
            goes_on = floor is not None and isinstance(handler.body[-1], r.Raise)
            if floor is not None and not goes_on:
                end = handler.type.end if handler.type is not None else handler.start + len("except")
                leave_failed(frame, risks, Site(frame.path, handler.start, end), floor)
        if len(frame.looked_up) > looked and kind_of_error(frame.world, frame.scope.name, handler.type) == "row_count":
            for entity in frame.looked_up[looked:]:
                conflicts.missed(frame, entity, handler)
        before, frame.undone = frame.undone, set()
        frame.exceptional += 1
        run(frame, handler.body)
        frame.exceptional -= 1
        if goes_on:  # what it does on its way to the handlers around is not judged, but for a rollback
            for id, risk in risks.items():
                if id not in frame.undone and not is_one_of(frame, id, frame.undone):
                    at_risk(frame, risk)
        frame.undone |= before
        if not frame.dead:
            states.append(frame.state)
    if uncaught:
        for risk in risks.values():
            at_risk(frame, risk)
    _join(frame, states)


_EVERY = ("SQLAlchemyError", "StatementError", "DBAPIError")
"""Classes of which every error of the database is one."""


def _catches(frame: Frame, handler: r.Handler) -> tuple[int | None, bool]:
    """Which failures a handler catches: the least strength that counts (None: none of the database), and whether some go past it."""
    if handler.type is None:
        return 2, False
    parts = handler.type.items if isinstance(handler.type, r.Seq) else (handler.type,)
    floor: int | None = None
    goes_on = True
    for part in parts:
        for value in options_of(frame.evaluate(part)):
            row = orms.ERRORS.get(value.name) if isinstance(value, LibRef) else None
            if row is None or not row.needs_rollback:
                continue
            floor = min(floor if floor is not None else 2, 2 if row.meaning == "any" else 0)
            if row.meaning == "any" or (isinstance(value, LibRef) and value.name.endswith(_EVERY)):
                goes_on = False
    return floor, goes_on


class _Entered:
    """One entered context manager, and what its exit does."""

    __slots__ = ("back", "node", "session", "summary", "value")

    def __init__(self, value: Value, node: r.Node) -> None:
        self.value = value
        self.node = node
        self.session: Session | None = None
        self.summary: Summary | None = None
        self.back: Substitution | None = None


def _with(frame: Frame, stmt: r.With) -> None:
    _with_items(frame, stmt, 0)


def _with_items(frame: Frame, stmt: r.With, at: int) -> None:
    if at == len(stmt.items):
        run(frame, stmt.body)
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
        from ormlint.semantics.expressions import id_by_use

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

    _protected(frame, lambda: _with_items(frame, stmt, at + 1), leave)
    frame.guards -= guards
    if locked:
        frame.conditions.pop()
    del frame.ending[len(frame.ending) - len(held) :]
    _pass_on(frame, undone)
    if isinstance(entered.value, Instance) and frame.wrote:
        _judge_block(frame, entered.value.cls, undone)
    frame.committed |= before_block[0]
    frame.wrote = frame.wrote | before_block[1]
    if skipped is not None:
        _join(frame, [skipped] if frame.dead else [frame.state, skipped])


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
        known = [item for item in value.items if isinstance(item, (Session, Manager, Instance))]
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


def at_yield(frame: Frame, node: r.Node) -> None:
    """At a yield the caller may throw: that is a way out, unless a handler here takes it."""
    if frame.state.sessions and len(frame.yields) < 4:
        frame.yields.append(frame.state.copy())
    if frame.catches or not frame.state.sessions:
        return
    frame.ends.append(("yield", frame.site(node), frame.state.copy()))


def sliced_query(frame: Frame, query: object, node: r.Node) -> Value:
    """`query[a:b]` runs the query and gives a list."""
    assert isinstance(query, Query)
    element = queries.iterate(frame, query, node)
    return Coll("list", element if element is not None else UNKNOWN)


_BY_TYPE: dict[type, Callable[..., None]] = {
    r.ExprStmt: _expression,
    r.Assign: _assign,
    r.AnnAssign: _ann_assign,
    r.AugAssign: _aug_assign,
    r.Return: _return,
    r.Raise: _raise,
    r.Delete: _delete,
    r.Assert: _assert,
    r.Pass: _nothing,
    r.Break: _break,
    r.Continue: _continue,
    r.Global: _global,
    r.Import: _import,
    r.If: _if,
    r.For: _for,
    r.While: _while,
    r.Try: _try,
    r.With: _with,
    r.Match: _match,
    r.Function: _function,
    r.Class: _class,
    r.TypeAlias: _type_alias,
}
