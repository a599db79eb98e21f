"""Evaluates one expression over abstract values.

Takes a frame and a record's expression; gives a value and lets the expression's effects happen in the frame. Names resolve inside out: the
function's own, the enclosing functions', the module's, the builtins. Comprehensions are loops here too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ormlint.facts import records as r
from ormlint.facts.walking import walk
from ormlint.orms import registry as orms
from ormlint.semantics import boundary, conflicts, identity
from ormlint.semantics.assignment import bind_target
from ormlint.semantics.binding import evaluated
from ormlint.semantics.concurrency import handed, waited_for
from ormlint.semantics.containers import born_in, element_of, item_at, sliced
from ormlint.semantics.declared import type_value
from ormlint.semantics.definitions import DefinedClass, DefinedFunction, DefinedModule, FunctionNode, Library
from ormlint.semantics.dependence import resets
from ormlint.semantics.engines import kept_by_call
from ormlint.semantics.events import Loop
from ormlint.semantics.frame import Frame, World
from ormlint.semantics.handlers import HANDLING, REFUSED, kind_of_error
from ormlint.semantics.holders import made_late
from ormlint.semantics.iteration import iterated, sliced_query
from ormlint.semantics.library_functions import text_of
from ormlint.semantics.loops import comprehension_loop
from ormlint.semantics.members import note_built
from ormlint.semantics.narrowing import condition
from ormlint.semantics.paths import at_yield
from ormlint.semantics.reflection import names_of
from ormlint.semantics.repetition import loop_events
from ormlint.semantics.scope import uses_of
from ormlint.semantics.sizes import measured
from ormlint.semantics.state import State, contains, join_states
from ormlint.semantics.symbols import ModuleScope, last_name, statements
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
    Factory,
    FuncRef,
    Instance,
    LibInstance,
    LibRef,
    Manager,
    Method,
    ModelAttr,
    ModuleRef,
    NameOf,
    Plain,
    Query,
    Seen,
    Session,
    SessionId,
    Site,
    Tup,
    UnionOf,
    Unknown,
    Value,
    core_connection,
    join,
    seen_in,
    union,
    widen,
)


def evaluate(frame: Frame, expr: r.Expr) -> Value:
    """The value of an expression."""
    frame.spend()
    return _BY_TYPE[type(expr)](frame, expr)


def _name(frame: Frame, expr: r.Name) -> Value:
    id = expr.id
    value = frame.state.vars.get(id)
    if value is not None:
        return value
    value = frame.closure.get(id)
    if value is not None:
        return value
    return module_value(frame.world, frame.scope.name, id)


def module_value(world: World, module: str, name: str) -> Value:
    """What `name` at the top of `module` is."""
    key = (module, name)
    known = world.module_values.get(key)
    if known is not None:
        if key in world.weighty or key in world.filling:
            world.asks_value(key)
        return known
    world.module_values[key] = Unknown(f"{name} needs itself")
    value = _module_value(world, module, name)
    world.module_values[key] = value
    return value


def _module_value(world: World, module: str, name: str) -> Value:
    symbol = world.symbols.lookup(module, name)
    if symbol is None:
        if module not in world.symbols.modules:
            return Unknown(f"{module}.{name} is not in the project")
        builtin = f"builtins.{name}"
        if builtin in _BUILTINS or builtin in orms.FUNCTIONS or builtin in orms.CLASSES:
            return LibRef(builtin)
        return Unknown(f"{name} is not defined in the project")
    if isinstance(symbol, DefinedClass):
        return ClassRef(symbol.id)
    if isinstance(symbol, DefinedFunction):
        return FuncRef(symbol.id)
    if isinstance(symbol, DefinedModule):
        return ModuleRef(symbol.name)
    if isinstance(symbol, Library):
        return LibRef(symbol.name)
    if (symbol.module, symbol.name) != (module, name):
        world.begin_alias((module, name))
        try:
            return module_value(world, symbol.module, symbol.name)
        finally:
            world.end_alias((module, name), (symbol.module, symbol.name))
    held = world.begin_value((module, name))
    try:
        return _value_of_bindings(world, world.symbols.modules[module], name)
    finally:
        world.end_value((module, name), held)


def _is_cast(bindings: Sequence[object]) -> bool:
    """`NEW_SESSION: Session = cast("Session", None)`: it is None for good, whatever it declares."""
    return len(bindings) == 1 and isinstance(bindings[0], r.Call)


def _value_of_bindings(world: World, scope: ModuleScope, name: str) -> Value:
    module = scope.name
    values: list[Value] = []
    frame = Frame(world, scope, None)
    for binding in scope.bindings.get(name, ()):
        if binding is None or not isinstance(binding, r.Node) or isinstance(binding, (r.Class, r.Function)):
            if binding is None:
                values.append(UNKNOWN)
            continue
        values.append(frame.evaluate(binding))  # type: ignore[arg-type]
    # `engine = None` at the top, set later by a function: what functions assign through `global` counts too.
    if not values or all(value == NONE or isinstance(value, Unknown) for value in values):
        for assigned, function in _global_assignments(world, module).get(name, ()):
            inner = frame.function_frame(function)
            inner.module_level = True
            inner.globals.add(name)
            inner.budget = 4000
            values.append(inner.evaluate(assigned))
        values = [value for value in values if not isinstance(value, Unknown) and value != NONE] or values
    if any(isinstance(value, Session) and value.scoped for value in values):
        # `Session = scoped_session(Session)`: the factory has gone into the registry.
        values = [value for value in values if not isinstance(value, Factory)]
    value = union(tuple(values)) if values else UNKNOWN
    if isinstance(value, (Unknown, type(NEVER))) or (value == NONE and not _is_cast(scope.bindings.get(name, ()))):
        annotation = scope.annotations.get(name)
        if annotation is not None and not isinstance(annotation, r.Const):
            declared = frame.declared(annotation, name)
            if not isinstance(declared, Unknown):
                return declared
    if isinstance(value, Coll):
        kept = widen(value)
        # A constant of the module stays as long as it was written.
        return Coll(kept.kind, kept.elem, kept.key, value.size, kept.batches) if isinstance(kept, Coll) else kept
    return value


def _global_assignments(world: World, module: str) -> dict[str, list[tuple[r.Expr, str]]]:
    if not world.global_assignments:
        world.global_assignments[""] = {}
        for id, function in world.symbols.functions.items():
            if function.outer:
                continue
            names: set[str] = set()
            for stmt in statements(function.node.body):
                if type(stmt) is r.Global and not stmt.is_nonlocal:
                    names.update(stmt.names)
                elif type(stmt) is r.Assign and names:
                    for target in stmt.targets:
                        if type(target) is r.Name and target.id in names:
                            of_module = world.global_assignments.setdefault(function.module, {})
                            of_module.setdefault(target.id, []).append((stmt.value, id))
    return world.global_assignments.get(module, {})


_BUILTINS = frozenset(
    f"builtins.{name}"
    for name in [
        "int",
        "str",
        "float",
        "bool",
        "bytes",
        "bytearray",
        "complex",
        "object",
        "type",
        "list",
        "dict",
        "set",
        "frozenset",
        "tuple",
        "range",
        "enumerate",
        "zip",
        "map",
        "filter",
        "sorted",
        "reversed",
        "len",
        "sum",
        "min",
        "max",
        "any",
        "all",
        "abs",
        "round",
        "iter",
        "next",
        "getattr",
        "setattr",
        "hasattr",
        "delattr",
        "isinstance",
        "issubclass",
        "callable",
        "print",
        "repr",
        "hash",
        "id",
        "vars",
        "dir",
        "open",
        "input",
        "super",
        "property",
        "staticmethod",
        "classmethod",
        "format",
        "ord",
        "chr",
        "hex",
        "oct",
        "bin",
        "divmod",
        "pow",
        "slice",
        "memoryview",
        "aiter",
        "anext",
        "Exception",
        "BaseException",
        "ValueError",
        "TypeError",
        "KeyError",
        "IndexError",
        "RuntimeError",
        "NotImplementedError",
        "AttributeError",
        "StopIteration",
        "OSError",
        "IOError",
        "LookupError",
        "ArithmeticError",
        "ZeroDivisionError",
        "AssertionError",
        "ImportError",
        "PermissionError",
        "FileNotFoundError",
        "TimeoutError",
        "ConnectionError",
        "KeyboardInterrupt",
        "SystemExit",
        "NotImplemented",
        "exec",
        "eval",
        "compile",
        "globals",
        "locals",
        "__import__",
    ]
)


def _attr(frame: Frame, expr: r.Attr) -> Value:
    value = frame.evaluate(expr.value)
    if expr.attr == "no_autoflush" and type(value) is Unknown and isinstance(expr.value, (r.Name, r.Attr)) and not frame.coroutine:
        value = _proven(frame, expr, False)  # nothing else has it
    if type(expr.value) is r.Name:
        narrowed = frame.state.vars.get(f"{expr.value.id}.{expr.attr}")
        if narrowed is not None:
            if frame.in_domain:
                boundary.read(frame, expr, value, narrowed)
            return narrowed
    found = frame.attribute(value, expr.attr, expr)
    if frame.in_domain:
        boundary.read(frame, expr, value, found)
    return found


def _const(frame: Frame, expr: r.Const) -> Value:
    return NONE if expr.kind == "none" else Plain("") if expr.kind == "other" else Const(expr.value, expr.kind)


def _call(frame: Frame, expr: r.Call) -> Value:
    func = expr.func
    if type(func) is r.Name:
        if func.id == "reveal_orm" and expr.args:
            value = frame.evaluate(expr.args[0].value)
            site = frame.site(expr)
            known = frame.world.reveals.get(site)
            if known is None or type(known[0]) is Unknown:
                frame.world.reveals[site] = (value, frame.state.copy())
            return value
        if func.id == "reveal_orm" and frame.loops:
            # Without an argument: which kind of loop this stands in.
            frame.world.reveals.setdefault(
                frame.site(expr), (LibInstance("loop", (("kind", Const(frame.loops[-1].kind, "str")),)), frame.state)
            )
            return NONE
        if func.id == "super" and "super" not in frame.state.vars:
            return frame.call(LibRef("builtins.super"), (), expr)
    if type(func) is r.Attr and func.attr in _PARTIAL:
        boundary.spare_parts(frame, func.value)
    if type(func) is r.Attr and func.attr in _WRITERS and type(func.value) is r.Attr:
        frame.written = (func.value, expr)
    if (
        type(func) is r.Attr
        and func.attr in HANDLING
        and expr.args
        and kind_of_error(frame.world, frame.scope.name, expr.args[0].value) in REFUSED
    ):
        frame.world.raise_flag("violations_handled")
    callee = frame.evaluate(func)
    if type(callee) is LibRef and callee.name in _SEARCHES and expr.args and type(expr.args[0].value) is r.Comp:
        frame.searches.add(expr.args[0].value.start)
    if type(func) is r.Attr and type(callee) is Unknown:
        proven = _session_by_use(frame, func, expr)
        if proven is not None:
            callee = frame.attribute(proven, func.attr, func)
    complains = type(func) is r.Attr and func.attr in _COMPLAINTS and _is_log(func.value)
    frame.exceptional += complains
    actuals = evaluated(frame, expr.args)
    frame.exceptional -= complains
    if frame.dead:
        return NEVER
    if type(callee) is LibRef and callee.name in _SIZES and len(actuals) == 1 and not actuals[0].star:
        measured(frame, expr.args[0].value, actuals[0].value, expr, callee.name == "builtins.len")
    if last_name(func) in _REBUILDING or (type(callee) is LibRef and callee.name.endswith(".make_transient")):
        boundary.rebuild(frame, expr, callee, actuals)
    if actuals and frame.function is not None and type(func) is r.Attr:
        kept_by_call(frame, func.attr, tuple([actual.value for actual in actuals]))
    value = frame.call(callee, actuals, expr)
    if frame.in_domain:
        boundary.called(frame, expr, callee, value)
    return value


def _is_log(expr: r.Expr) -> bool:
    """Whether an expression is, by its name, a log: what is read only to complain is read where something has gone wrong."""
    name = expr.id if type(expr) is r.Name else expr.attr if type(expr) is r.Attr else ""
    return name.strip("_").lower().endswith(("log", "logger", "logging"))


_COMPLAINTS = frozenset({"warning", "warn", "error", "exception", "critical", "fatal"})
_PARTIAL = frozenset({"get", "pop", "setdefault", "update", "keys", "__contains__"})
_REBUILDING = frozenset({"__new__", "__setattr__", "update", "model_construct", "construct", "setattr"})
_WRITERS = frozenset({"append", "extend", "add", "insert", "update"})
"""Methods of a collection that put something into it and take nothing out."""
_SIZES = frozenset({"builtins.len", "builtins.bool"})
_SEARCHES = frozenset({"builtins.any", "builtins.all", "builtins.next"})
_TELLING = frozenset({"query", "scalars", "scalar", "execute", "get", "stream", "stream_scalars", "exec", "merge"})


_BEFORE_TELLING = frozenset({"add", "add_all", "delete", "flush", "begin"})
"""What a session is asked that other objects are asked too: what the function asks it elsewhere tells."""


def _tellings(frame: Frame, name: str) -> tuple[r.Call, ...]:
    """The first call in the function by which `name` may show that it is a session."""
    if frame.function is None:
        return ()
    known = frame.world.tellings.get(frame.function.id)
    if known is None:
        known = frame.world.tellings[frame.function.id] = {}
        for node in walk(frame.function.node.body):
            if isinstance(node, r.Call) and node.args and isinstance(node.func, r.Attr) and node.func.attr in _TELLING:
                known.setdefault(node.func.value.id if isinstance(node.func.value, r.Name) else "", (node,))
    return known.get(name, ())


def _session_by_use(frame: Frame, func: r.Attr, expr: r.Call) -> Session | None:
    """A value of unknown origin that is asked `.query(MappedClass)` or `.execute(select(…))` is a session: its use proves it."""
    if func.attr in _BEFORE_TELLING and isinstance(func.value, r.Name):
        for later in _tellings(frame, func.value.id):
            if later is not expr and isinstance(later.func, r.Attr):
                return _session_by_use(frame, later.func, later)
        return None
    if func.attr not in _TELLING or not expr.args or not isinstance(func.value, (r.Name, r.Attr)):
        return None
    first = expr.args[0].value
    if not isinstance(first, (r.Name, r.Attr, r.Call)):
        return None
    if not _is_statement(frame, first, func.attr):
        return None
    awaits = frame.awaited == frame.site(expr)
    if frame.coroutine and not awaits and func.attr != "query":
        return None  # in a coroutine it may as well be asynchronous, and awaited later
    return _proven(frame, func, awaits)


def _proven(frame: Frame, func: r.Attr, awaits: bool) -> Session:
    """The session that `func.value` turned out to be, known by its name from here on."""
    assert isinstance(func.value, (r.Name, r.Attr))
    name = func.value.id if isinstance(func.value, r.Name) else func.value.attr
    session = Session(
        SessionId("param", frame.site(func.value), name) if isinstance(func.value, r.Attr) else id_by_use(frame, name),
        awaits,
        None,
        born=tuple(loop.site for loop in frame.loops if name in loop.touched) if frame.loops and _rebinds(frame, name) else (),
        ended_by="caller",
    )
    if isinstance(func.value, r.Name):
        frame.state.vars[func.value.id] = session
        for caught in frame.catches:  # what it is now it was before too
            for state in caught:
                if isinstance(state.vars.get(func.value.id), Unknown):
                    state.vars[func.value.id] = session
    else:
        key = f"{func.value.value.id}.{func.value.attr}" if isinstance(func.value.value, r.Name) else ""
        if key:
            frame.state.vars[key] = session
        if isinstance(frame.self_value, Instance) and key.startswith(f"{_own_name(frame)}."):
            note_built(frame, frame.self_value.cls, name, session)
    return session


def _rebinds(frame: Frame, name: str) -> bool:
    """Whether a name is another thing later than what the function was given under it."""
    function = frame.function
    return function is None or name not in {param.name for param in function.node.params} or resets(function.node.body, name, -1)


def _own_name(frame: Frame) -> str:
    """What a method calls its own object."""
    return frame.function.node.params[0].name if frame.function is not None and frame.function.node.params else ""


def id_by_use(frame: Frame, name: str) -> SessionId:
    """Which session a name of this function stands for, once its use has proven that it is one."""
    return SessionId("param", _param_site(frame, name), name)


def _param_site(frame: Frame, name: str) -> Site:
    if frame.function is not None:
        for param in frame.function.node.params:
            if param.name == name:
                return frame.site(param)
        return frame.site(frame.function.node)
    return Site(frame.path, 0, 0)


def _is_statement(frame: Frame, first: r.Expr, method: str) -> bool:
    if method == "merge":
        if isinstance(first, r.Call):
            made = frame.evaluate(first.func) if isinstance(first.func, (r.Name, r.Attr)) else UNKNOWN
            return isinstance(made, ClassRef) and frame.world.classes.model(made.cls) is not None
        return isinstance(frame.evaluate(first), Entity)
    root: r.Expr = first
    while isinstance(root, r.Call):
        inner = root.func
        root = (
            inner.value
            if isinstance(inner, r.Attr) and isinstance(inner.value, (r.Call, r.Name, r.Attr)) and not isinstance(inner.value, r.Name)
            else inner
        )
        if isinstance(root, r.Name):
            break
    if (isinstance(root, r.Attr) and isinstance(root.value, r.Name)) or isinstance(root, r.Name):
        value = frame.evaluate(root)
    else:
        return False
    if method in ("query", "get"):
        if isinstance(value, ClassRef):
            return frame.world.classes.model(value.cls) is not None
        return isinstance(value, ModelAttr) and method == "query"
    if isinstance(value, Method) and isinstance(value.receiver, Query):  # `session.scalars(query.where(…))`
        value = value.receiver
    if isinstance(value, Query):
        return bool(value.columns)
    if isinstance(value, LibRef):
        row = orms.CLASSES.get(value.name)
        return (
            row is not None and row.kind in ("select", "insert", "update", "delete") and value.name.startswith(("sqlalchemy", "sqlmodel"))
        )
    return False


def _sub(frame: Frame, expr: r.Sub) -> Value:
    boundary.spare_parts(frame, expr.value)
    value = frame.evaluate(expr.value)
    if isinstance(value, ClassRef):
        index = expr.index
        items = index.items if isinstance(index, r.Seq) and index.kind == "tuple" else (index,)
        return ClassRef(value.cls, tuple(type_value(frame, item) for item in items))
    if isinstance(value, LibRef):
        short = value.name.rsplit(".", 1)[-1]
        if short[:1].isupper() or short in ("list", "dict", "tuple", "set", "type", "frozenset"):
            row = orms.CLASSES.get(value.name)
            if row is not None and row.kind in ("session_factory", "async_session_factory", "scoped_session", "async_scoped_session"):
                return value
            declared = frame.declared(expr)
            if not isinstance(declared, Unknown) or value.name.startswith(("typing", "collections")):
                return LibInstance("alias", (("value", declared),))
            return value
        return UNKNOWN
    if isinstance(expr.index, r.Slice):
        for part in (expr.index.lower, expr.index.upper, expr.index.step):
            if part is not None:
                frame.evaluate(part)
        if isinstance(value, Query):
            return sliced_query(frame, value, expr)
        return sliced(value)
    index_value = frame.evaluate(expr.index)
    if isinstance(value, Query):
        return element_of(iterated(frame, value, expr))
    if isinstance(value, Instance):
        member = frame.world.classes.member(value.cls, "__getitem__")
        if member is not None:
            return frame.call(FuncRef(member[1][0], value), (Actual(index_value),), expr)
    return item_at(value, index_value)


def _slice(frame: Frame, expr: r.Slice) -> Value:
    return UNKNOWN


def _seq(frame: Frame, expr: r.Seq) -> Value:
    items: list[Value] = []
    exact = True
    for item in expr.items:
        if isinstance(item, r.Star):
            inner = iterated(frame, frame.evaluate(item.value), item)
            if isinstance(inner, Tup):
                items.extend(inner.items)
            else:
                exact = False
                items.append(element_of(inner))
        else:
            items.append(frame.evaluate(item))
    if frame.unawaited:
        for value in items:
            handed(frame, value)
    if expr.kind == "tuple":
        return Tup(tuple(items)) if exact else Coll("tuple", union(tuple(items)))
    named = names_of(items) if exact else None
    return Coll(expr.kind, named or (union(tuple(items)) if items else NEVER), None, len(items) if exact else None)


def _dict(frame: Frame, expr: r.Dict) -> Value:
    keys: list[Value] = []
    values: list[Value] = []
    named: list[tuple[str, Value]] = []
    exact = True
    for key, item in zip(expr.keys, expr.values, strict=True):
        value = frame.evaluate(item)
        handed(frame, value)
        if key is None:
            exact = False
            if isinstance(value, Coll) and value.kind == "dict":
                values.append(value.elem)
                keys.append(value.key or UNKNOWN)
            elif isinstance(value, LibInstance) and value.cls == "kwargs":
                values.extend(item for _, item in value.data)
                keys.append(Plain("str"))
            else:
                values.append(UNKNOWN)
                keys.append(UNKNOWN)
            continue
        key_value = frame.evaluate(key)
        keys.append(key_value)
        values.append(value)
        if isinstance(key_value, Const) and isinstance(key_value.value, str):
            named.append((key_value.value, value))
    if (
        exact
        and named
        and len(named) == len(values)
        and any(isinstance(v, (Entity, Session, Coll, Instance, FuncRef, ClassRef, UnionOf)) for v in values)
    ):
        return LibInstance("kwargs", tuple(named))
    return Coll("dict", union(tuple(values)) if values else NEVER, union(tuple(keys)) if keys else NEVER, len(values) if exact else None)


def _binop(frame: Frame, expr: r.BinOp) -> Value:
    left = frame.evaluate(expr.left)
    right = frame.evaluate(expr.right)
    if isinstance(left, Coll):
        if isinstance(left.elem, NameOf) and expr.op == "-":
            return Coll(left.kind, Plain("str"))
        if isinstance(right, Coll) and expr.op in ("+", "|"):
            return Coll(left.kind, join(left.elem, right.elem), left.key)
        return Coll(left.kind, left.elem, left.key)
    if isinstance(left, Tup) and isinstance(right, Tup) and expr.op == "+":
        return Tup((*left.items, *right.items))
    if expr.op == "|" and isinstance(left, (ClassRef, LibRef)) and isinstance(right, (ClassRef, LibRef, Const)):
        return LibInstance("alias", (("value", frame.declared(expr)),))
    if expr.op == "%" and isinstance(left, (Const, Plain)):
        text_of(frame, right, expr)
        return Plain(left.kind if isinstance(left, Const) else left.type)
    if isinstance(left, ModelAttr) or isinstance(right, ModelAttr) or (isinstance(left, LibInstance) and left.cls == "expression"):
        return both(left, right) if expr.op == "&" else LibInstance("expression")
    value: Value = Plain(left.kind) if isinstance(left, Const) else left if isinstance(left, Plain) else UNKNOWN
    return conflicts.sum_of(value, join(left, right)) if seen_in(left) or seen_in(right) else value


def _is_class(frame: Frame, left: ClassRef, right: ClassRef) -> bool | None:
    """Whether two names of classes mean one; None where what one declares may be the other."""
    infos = frame.world.classes.infos
    one, other = infos.get(left.cls), infos.get(right.cls)
    if one is None or other is None:
        return None
    if left.cls == right.cls:
        return None if frame.world.classes.subclasses.get(left.cls) else True
    return None if left.cls in other.mro or right.cls in one.mro else False


def _compare(frame: Frame, expr: r.Compare) -> Value:
    left = frame.evaluate(expr.left)
    result: Value = Plain("bool")
    told: tuple[Seen, ...] = ()
    for op, right_expr in zip(expr.ops, expr.rights, strict=True):
        boundary.spare_parts(frame, right_expr)
        right = frame.evaluate(right_expr)
        if isinstance(left, (ModelAttr,)) or type(right) is ModelAttr or (type(left) is LibInstance and left.cls == "expression"):
            return equality(left, right) if op in ("==", "is") else LibInstance("expression")
        if isinstance(left, (Entity, UnionOf)) or isinstance(right, (Entity, UnionOf)):
            identity.compared(frame, left, op, right, expr)
        told = conflicts.of_comparison(left, op, right)
        if op in ("in", "not in"):
            if type(right) is LibInstance and right.cls == "kwargs" and type(left) is Const:
                held = dict(right.data)
                if left.value in held or "*" not in held:
                    found = left.value in held
                    return Const(found if op == "in" else not found, "bool")
            elif type(right) is Query:
                iterated(frame, right, right_expr)
            elif type(right) is Session and type(left) is Entity:
                known = _in_session(frame, left, right)
                if known is not None:
                    return Const(known if op == "in" else not known, "bool")
        elif type(left) is ClassRef and type(right) is ClassRef and op in ("is", "is not", "==", "!="):
            same = _is_class(frame, left, right)
            if same is not None:
                return Const(same if op in ("is", "==") else not same, "bool")
        elif op in ("is", "is not") and right == NONE:
            known = None if made_late(frame, expr.left, left) else _is_none(left)
            if known is not None:
                return Const(known if op == "is" else not known, "bool")
        elif op in ("==", "!=") and type(left) is Const and type(right) is Const:
            same = left.value == right.value
            return Const(same if op == "==" else not same, "bool")
        elif op in ("==", "!=") and type(left) is Entity:
            member = frame.world.classes.member(left.model, "__eq__")
            if member is not None:
                frame.call(FuncRef(member[1][0], left), (Actual(right),), expr)
    return Plain("bool", told) if told and len(expr.ops) == 1 else result


def equality(left: Value, right: Value) -> LibInstance:
    """`Order.number == number` as a criterion: it knows which attribute must equal a value."""
    for one, other in ((left, right), (right, left)):
        attribute = one if isinstance(one, ModelAttr) else dict(one.data).get("attribute") if isinstance(one, LibInstance) else None
        if isinstance(attribute, ModelAttr) and not isinstance(other, ModelAttr) and other != NONE:
            return LibInstance("expression", (("equals", attribute),))
    return LibInstance("expression")


def both(left: Value, right: Value) -> LibInstance:
    """Two criteria that must both hold."""
    data = tuple(pair for item in (left, right) if isinstance(item, LibInstance) for pair in item.data if pair[0] == "equals")
    return LibInstance("expression", data)


def _in_session(frame: Frame, entity: Entity, session: Session) -> bool | None:
    """Whether an object is in a session, where that is known: what the session's own query gave is."""
    live = frame.state.live.get(entity.origin)
    own = entity.origin.session
    if own is None or own.id != session.id or (live is not None and live.detached is not None):
        return None
    return True if entity.origin.kind in ("query", "get", "arg") else None


def _is_none(value: Value) -> bool | None:
    if value == NONE:
        return True
    if isinstance(value, (Session, Factory, Instance, ClassRef, FuncRef, Coll, Tup, Query, Manager, LibRef, ModuleRef)):
        return False
    if isinstance(value, Const):
        return False
    return None


def _boolop(frame: Frame, expr: r.BoolOp) -> Value:
    values: list[Value] = []
    for at, item in enumerate(expr.items):
        if at == 0:
            values.append(frame.evaluate(item))
            continue
        previous = values[-1]
        truth = None if made_late(frame, expr.items[at - 1], previous) else truth_of(previous)
        if truth is not None and truth is (expr.op == "or"):
            break
        before = frame.state
        frame.state = before.copy()
        condition(frame, expr.items[at - 1], expr.op == "and", evaluate_it=False)
        if frame.dead:
            frame.dead = False
            frame.state = before
            break
        if truth is not None:
            values.pop()
        told = conflicts.presence(previous)
        if told:
            conflicts.settled(frame, told, expr.op == "and", expr.items[at - 1])
        values.append(frame.evaluate(item))
        after = frame.state
        if frame.dead:
            frame.dead = False
            frame.state = before
            break
        joined = join_states([before, after]) if truth is None else after
        assert joined is not None
        frame.state = joined
    if expr.op == "or":
        values = [_truthy_part(value) for value in values[:-1]] + values[-1:]
    return union(tuple(values))


def _truthy_part(value: Value) -> Value:
    if isinstance(value, UnionOf):
        return union(tuple(item for item in value.items if truth_of(item) is not False))
    return NEVER if truth_of(value) is False else value


def truth_of(value: Value) -> bool | None:
    """Whether a value is true, where that is known."""
    if type(value) is Const:
        return bool(value.value)
    if isinstance(value, (Session, Factory, ClassRef, FuncRef, Manager, LibRef, ModuleRef)):
        return True
    if type(value) is Tup:
        return bool(value.items)
    return None


def _unary(frame: Frame, expr: r.Unary) -> Value:
    value = frame.evaluate(expr.value)
    if expr.op == "not":
        measured(frame, expr.value, value, expr, False)
        truth = None if made_late(frame, expr.value, value) else truth_of(value)
        return Plain("bool", conflicts.negated(conflicts.presence(value))) if truth is None else Const(not truth, "bool")
    if isinstance(value, Const) and isinstance(value.value, (int, float)) and expr.op == "-":
        return Const(-value.value, value.kind)
    if isinstance(value, (ModelAttr, LibInstance)):
        return LibInstance("expression")
    return value if isinstance(value, Plain) else Plain()


def _ifexp(frame: Frame, expr: r.IfExp) -> Value:
    tested = frame.evaluate(expr.test)
    truth = None if made_late(frame, expr.test, tested) else truth_of(tested)
    measured(frame, expr.test, tested, expr.test, False)
    if truth is not None:
        return frame.evaluate(expr.body if truth else expr.orelse)
    told = conflicts.presence(tested)
    before = frame.state
    results: list[Value] = []
    states: list[State] = []
    for branch, positive in ((expr.body, True), (expr.orelse, False)):
        frame.state = before.copy()
        condition(frame, expr.test, positive, evaluate_it=False)
        if told:
            conflicts.settled(frame, told, positive, expr.test)
        if not frame.dead:
            results.append(frame.evaluate(branch))
        if not frame.dead:
            states.append(frame.state)
        frame.dead = False
    joined = join_states(states)
    frame.state = joined if joined is not None else before
    return union(tuple(results)) if results else UNKNOWN


def _lambda(frame: Frame, expr: r.Lambda) -> Value:
    id = f"{frame.name}.<lambda {frame.path}:{expr.start}>"
    world = frame.world
    if id not in world.symbols.functions:
        node = r.Function(
            expr.start,
            expr.end,
            "<lambda>",
            expr.start,
            expr.params,
            None,
            (),
            (r.Return(expr.body.start, expr.body.end, expr.body),),
            False,
            False,
        )
        world.symbols.functions[id] = FunctionNode(id, frame.scope.name, node, "", frame.name)
    return FuncRef(id, None, captured(frame, expr))


def captured(frame: Frame, node: r.Node) -> tuple[tuple[str, Value], ...]:
    """The enclosing function's names that an inner function mentions."""
    if frame.module_level and not frame.closure:
        return ()
    names = frame.world.names(node)
    found: list[tuple[str, Value]] = []
    for name in sorted(names):
        value = frame.state.vars.get(name)
        if value is None:
            value = frame.closure.get(name)
        if value is not None:
            handed(frame, value)
            found.append((name, widen(value)))
    return tuple(found)


def _comp(frame: Frame, expr: r.Comp) -> Value:
    outer_vars = frame.state.vars
    frame.state.vars = dict(outer_vars)
    loops: list[Loop] = []
    sizes: list[int | None] = []
    batches = False
    before = set(frame.state.events)
    at_once = frame.site(expr.generators[0].iter) if expr.generators else None
    heads: list[Site] = []
    for generator in expr.generators:
        source = frame.evaluate(generator.iter)
        iterable = iterated(frame, source, generator.iter)
        loop = comprehension_loop(frame, generator, source, iterable, expr)
        frame.loops.append(loop)
        loops.append(loop)
        heads.append(frame.site(generator.iter))
        sizes.append(iterable.size if isinstance(iterable, Coll) else None)
        batches = batches or (isinstance(iterable, Coll) and iterable.batches)
        bind_target(frame, generator.target, born_in(element_of(iterable), loop.site), None)
        for test in generator.ifs:
            condition(frame, test, True)
            frame.dead = False
    elt = frame.evaluate(expr.elt)
    value = frame.evaluate(expr.value) if expr.value is not None else None
    handed(frame, elt)
    for at in reversed(range(len(loops))):
        frame.loops.pop()
        # What an outer `for` iterates over is evaluated outside of the inner ones.
        new = [event for event in frame.state.events if event not in before]
        loop_events(frame, loops[at], [event for event in new if not any(contains(head, event.site) for head in heads[:at])])
    frame.state.vars = outer_vars
    size = sizes[0] if len(sizes) == 1 and not expr.generators[0].ifs else None
    if expr.kind == "dict":
        return Coll("dict", value if value is not None else UNKNOWN, elt, size)
    if isinstance(elt, Awaitable) and expr.kind == "list":
        return Coll("list", elt, None, size)
    if expr.kind in ("list", "set"):
        return Coll(expr.kind, elt, None, size, batches and isinstance(elt, Coll))
    lazy = uses_of(
        [event for event in frame.state.events if event not in before and (at_once is None or not contains(at_once, event.site))]
    )
    return Coll("iterator", elt, None, size, batches and isinstance(elt, Coll), lazy)


def _await(frame: Frame, expr: r.Await) -> Value:
    outer = frame.awaited
    frame.awaited = frame.site(expr.value) if isinstance(expr.value, r.Call) else None
    value = frame.evaluate(expr.value)
    frame.awaited = outer
    waited_for(frame, value)
    return awaited(value)


def awaited(value: Value) -> Value:
    """What `await value` gives."""
    if isinstance(value, Awaitable):
        return value.value
    if isinstance(value, UnionOf):
        return union(tuple(awaited(item) for item in value.items))
    if isinstance(value, Manager):
        return value if core_connection(value.enter) is None or value.kind != "closing" else value.enter
    return value if isinstance(value, Unknown) else UNKNOWN if not isinstance(value, (Session, Instance, Entity, Coll)) else value


def _yield(frame: Frame, expr: r.Yield) -> Value:
    if expr.value is not None:
        value = frame.evaluate(expr.value)
        handed(frame, value)
        if expr.is_from:
            rows = iterated(frame, value, expr)
            if isinstance(rows, Coll) and rows.streams and rows.lazy:
                frame.streamed = rows.lazy[0]
            value = element_of(rows)
        boundary.give(frame, expr, value)
        frame.yielded = join(frame.yielded, value)
        for loop in frame.loops:
            if loop.cursor is not None:
                frame.streamed = Session(loop.cursor)
    else:
        frame.yielded = join(frame.yielded, NONE)
    at_yield(frame, expr)
    frame.state.yielded = True
    return UNKNOWN


def _star(frame: Frame, expr: r.Star) -> Value:
    return frame.evaluate(expr.value)


def _fstring(frame: Frame, expr: r.FString) -> Value:
    for item in expr.items:
        text_of(frame, frame.evaluate(item), item)
    return Plain("str")


def _walrus(frame: Frame, expr: r.Walrus) -> Value:
    value = frame.evaluate(expr.value)
    bind_target(frame, expr.target, value, expr.value)
    return value


_BY_TYPE: dict[type, Callable[..., Value]] = {
    r.Name: _name,
    r.Attr: _attr,
    r.Const: _const,
    r.Call: _call,
    r.Sub: _sub,
    r.Slice: _slice,
    r.Seq: _seq,
    r.Dict: _dict,
    r.BinOp: _binop,
    r.Compare: _compare,
    r.BoolOp: _boolop,
    r.Unary: _unary,
    r.IfExp: _ifexp,
    r.Lambda: _lambda,
    r.Comp: _comp,
    r.Await: _await,
    r.Yield: _yield,
    r.Star: _star,
    r.FString: _fstring,
    r.Walrus: _walrus,
}
