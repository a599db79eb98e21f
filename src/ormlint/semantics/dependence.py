"""What an expression rests on: the parameters behind its names, the names that a loop's body changes, and stores that keep answers.

Takes the statements of one function or one loop's body; gives facts about names that hold whatever their values are. A query whose names
neither vary nor change with the loop is the same query each time; one behind a store that it fills itself is sent once for each key.
"""

from __future__ import annotations

from collections.abc import Iterator

from ormlint.facts import records as r
from ormlint.facts.walking import walk
from ormlint.semantics.definitions import FunctionNode
from ormlint.semantics.events import ABSENT
from ormlint.semantics.frame import Frame, World
from ormlint.semantics.state import names_in
from ormlint.semantics.symbols import Symbols, flat_statements, last_name, nested_bodies
from ormlint.semantics.values import Site

_FRESH = frozenset(
    {
        "now", "utcnow", "today", "time", "monotonic", "perf_counter", "time_ns", "random", "randint", "choice", "sample", "uuid4", "uuid1",
        "next", "anext", "pop", "popleft", "popitem", "get_nowait", "recv", "receive", "readline", "input", "send",
    }
)  # fmt: skip
"""Calls that give something else each time."""
_CHANGES = frozenset(
    {
        "append", "appendleft", "add", "update", "pop", "popleft", "popitem", "remove", "discard", "extend", "clear", "setdefault",
        "insert", "write", "put", "set", "push", "sort", "reverse", "next",
    }
)  # fmt: skip
_STORES = frozenset({"update", "setdefault", "set", "put", "__setitem__"})
_MEMOS = frozenset(
    {"lru_cache", "cache", "cached", "memoize", "memoized", "cache_on_arguments", "alru_cache", "memoized_func", "cachedmethod"}
)


def dotted(expr: r.Expr) -> str:
    """`self.repo` as text; "" for what is no plain chain of names."""
    if isinstance(expr, r.Name):
        return expr.id
    if isinstance(expr, r.Attr):
        inner = dotted(expr.value)
        return f"{inner}.{expr.attr}" if inner else ""
    return ""


def chains(node: object) -> frozenset[str]:
    """The names and chains of names that an expression mentions, each with its beginnings: `self`, `self.repo`."""
    found: set[str] = set()
    for item in walk(node):
        if isinstance(item, (r.Name, r.Attr)):
            chain = dotted(item)
            if chain:
                found.add(chain)
    return frozenset(found)


def calls_fresh(node: object) -> bool:
    """Whether an expression asks something that answers differently each time: a clock, a queue, chance."""
    for item in walk(node):
        if isinstance(item, r.Call):
            name = last_name(item.func)
            if name in _FRESH:
                return True
    return False


def touched(world: World, key: tuple[str, int], body: tuple[r.Stmt, ...]) -> frozenset[str]:
    """The names and chains that a loop's body rebinds to what is not computed from steady names alone, or whose object it changes."""
    known = world.touched.get(key)
    if known is not None:
        return known
    found: set[str] = set()
    flows: list[tuple[str, frozenset[str]]] = []
    for stmt in flat_statements(body):
        if isinstance(stmt, r.Assign):
            fresh = calls_fresh(stmt.value)
            for target in stmt.targets:
                for name, whole in _bound(target):
                    if fresh or not whole or "." in name:
                        found.add(name)
                    else:
                        flows.append((name, chains(stmt.value)))
        elif isinstance(stmt, (r.AnnAssign, r.AugAssign)):
            for name, _ in _bound(stmt.target):
                if isinstance(stmt, r.AnnAssign) and "." not in name:
                    flows.append((name, chains(stmt.value)))
                else:
                    found.add(name)
        elif isinstance(stmt, r.For):
            found.update(name for name, _ in _bound(stmt.target))
        elif isinstance(stmt, r.With):
            for item in stmt.items:
                if item.target is not None:
                    found.update(name for name, _ in _bound(item.target))
        elif isinstance(stmt, r.Delete):
            for target in stmt.targets:
                found.update(name for name, _ in _bound(target))
        elif isinstance(stmt, r.ExprStmt):
            value = stmt.value.value if isinstance(stmt.value, r.Await) else stmt.value
            if isinstance(value, r.Call) and isinstance(value.func, r.Attr) and value.func.attr in _CHANGES:
                found.add(dotted(value.func.value))
    changed = True
    while changed:
        changed = False
        for name, used in flows:
            if name not in found and not used.isdisjoint(found):
                found.add(name)
                changed = True
    found.discard("")
    result = world.touched[key] = frozenset(found)
    return result


def _bound(target: r.Expr) -> Iterator[tuple[str, bool]]:
    """The names that a target binds, or (False) whose object it changes."""
    if isinstance(target, r.Name):
        yield target.id, True
    elif isinstance(target, r.Attr):
        yield dotted(target), True
    elif isinstance(target, r.Sub):
        yield dotted(target.value), False
    elif isinstance(target, r.Seq):
        for item in target.items:
            yield from _bound(item)
    elif isinstance(target, r.Star):
        yield from _bound(target.value)


def unsteady(frame: Frame, node: r.Node) -> tuple[Site, ...]:
    """The active loops in which this expression is not shown to mean the same in each turn."""
    if not frame.loops:
        return ()
    known = frame.world.chains.get(id(node))
    if known is None:
        known = frame.world.chains[id(node)] = (chains(node), calls_fresh(node))
    mentioned, fresh = known
    if fresh:
        return tuple(loop.site for loop in frame.loops)
    return tuple(
        loop.site
        for loop in frame.loops
        if loop.infinite or loop.head is None or not mentioned.isdisjoint(loop.varying) or not mentioned.isdisjoint(loop.touched)
    )


# What stands behind a function's names


def parameters_behind(frame: Frame, node: r.Node) -> frozenset[str] | None:
    """The function's own parameters that the names of an expression are computed from; None outside of functions."""
    if frame.function is None:
        return None
    key = (frame.function.id, id(node))
    known = frame.world.rests_on.get(key)
    if known is None:
        known = frame.world.rests_on[key] = parameters_of(frame, frame.world.names(node))
    return known


def parameters_of(frame: Frame, names: frozenset[str]) -> frozenset[str]:
    """The function's own parameters that these names are computed from."""
    if frame.function is None:
        return frozenset()
    behind = _behind(frame.world, frame.function)
    found: set[str] = set()
    for name in names:
        found |= behind.get(name, frozenset())
    return frozenset(found)


def absent_for(frame: Frame, test: r.Expr) -> str:
    """The condition of what is done only where a row is missing, with the parameters by which it was looked up."""
    return f"{ABSENT} {' '.join(sorted(parameters_behind(frame, test) or ()))}"


def _behind(world: World, function: FunctionNode) -> dict[str, frozenset[str]]:
    known = world.behind.get(function.id)
    if known is not None:
        return known
    behind: dict[str, set[str]] = {param.name: {param.name} for param in function.node.params}
    flows: list[tuple[frozenset[str], frozenset[str]]] = []
    for stmt in flat_statements(function.node.body):
        if isinstance(stmt, r.Assign):
            flows.append((frozenset(_root(name) for target in stmt.targets for name, _ in _bound(target)), names_in(stmt.value)))
        elif isinstance(stmt, (r.AnnAssign, r.AugAssign)) and stmt.value is not None:
            flows.append((frozenset(_root(name) for name, _ in _bound(stmt.target)), names_in(stmt.value)))
        elif isinstance(stmt, r.For):
            flows.append((frozenset(_root(name) for name, _ in _bound(stmt.target)), names_in(stmt.iter)))
        elif isinstance(stmt, r.With):
            for item in stmt.items:
                if item.target is not None:
                    flows.append((frozenset(_root(name) for name, _ in _bound(item.target)), names_in(item.value)))
        elif isinstance(stmt, r.ExprStmt) and isinstance(stmt.value, r.Call) and isinstance(stmt.value.func, r.Attr):
            owner = dotted(stmt.value.func.value)
            if owner and stmt.value.func.attr in _CHANGES:
                flows.append((frozenset({_root(owner)}), names_in(stmt.value.args)))
    flows.extend(_inner_flows(function.node.body, frozenset(behind)))
    changed = True
    while changed:
        changed = False
        for bound, used in flows:
            more: set[str] = set()
            for name in used:
                more |= behind.get(name, set())
            for name in bound:
                mine = behind.setdefault(name, set())
                if not more <= mine:
                    mine |= more
                    changed = True
    result = world.behind[function.id] = {name: frozenset(params) for name, params in behind.items()}
    return result


def _inner_flows(body: tuple[r.Stmt, ...], params: frozenset[str]) -> Iterator[tuple[frozenset[str], frozenset[str]]]:
    """The names that comprehensions, `:=` and lambdas bind, each with the names that they come from."""
    for node in walk(body, (r.Class,)):
        if type(node) is r.Generator:
            yield names_in(node.target), names_in(node.iter)
        elif type(node) is r.Walrus:
            yield names_in(node.target), names_in(node.value)
        elif type(node) is r.Lambda:
            yield frozenset(param.name for param in node.params), params


def _root(name: str) -> str:
    return name.split(".", 1)[0]


# Stores


def is_memo(symbols: Symbols, function: FunctionNode) -> bool:
    """Whether a decorator keeps a function's answers: `@lru_cache`, `@cache.memoize()`."""
    return not _MEMOS.isdisjoint(symbols.decorator_names(function.module, function.node))


def kept_by(world: World, test: r.Expr, branch: tuple[r.Stmt, ...], whole: tuple[r.Stmt, ...], positive: bool) -> str:
    """The store that a test asks before its branch fills it (`if key not in cache: cache[key] = …`), or ""."""
    if type(test) is r.Unary and test.op == "not":
        return kept_by(world, test.value, branch, whole, not positive)
    if type(test) is r.BoolOp:
        for item in test.items:
            found = kept_by(world, item, branch, whole, positive)
            if found:
                return found
        return ""
    if type(test) is r.Compare and len(test.ops) == 1:
        op, right = test.ops[0], test.rights[0]
        if op in ("in", "not in"):
            store = dotted(right)
            return store if (op == "not in") is positive and store in stores(world, branch) else ""
        if op in ("is", "==", "is not", "!=") and type(right) is r.Const and right.kind == "none":
            left = test.left.target if type(test.left) is r.Walrus else test.left
            return _filled(world, left, branch, whole) if (op in ("is", "==")) is positive else ""
        if op in ("is", "==", "is not", "!=") and _is_sentinel(right) and (op in ("is", "==")) is positive:
            return _looked_up(dotted(test.left), containers(world, branch), whole)  # `found is NO_VALUE`
        return ""
    if type(test) is r.Call and type(test.func) is r.Name and test.func.id == "isinstance" and test.args:
        return _looked_up(dotted(test.args[0].value), containers(world, branch), whole) if positive else ""
    if positive:
        return _missing(world, test.id, branch, whole) if type(test) is r.Name else ""
    if type(test) is r.Call and type(test.func) is r.Name and test.func.id == "hasattr" and len(test.args) == 2:
        name = test.args[1].value
        owner = dotted(test.args[0].value)
        chain = f"{owner}.{name.value}" if type(name) is r.Const and owner else ""
        return chain if chain in stores(world, branch) else ""
    if type(test) is r.Walrus:
        return _filled(world, test.target, branch, whole)
    return _filled(world, test, branch, whole) if isinstance(test, (r.Name, r.Attr)) else ""


def _filled(world: World, tested: r.Expr, branch: tuple[r.Stmt, ...], whole: tuple[r.Stmt, ...]) -> str:
    """What was found missing is bound by the branch, or put into the container that it was looked up in."""
    name = dotted(tested)
    if not name:
        return ""
    return _looked_up(name, containers(world, branch), whole) or (name if name in stores(world, branch) else "")


def _is_sentinel(expr: r.Expr) -> bool:
    """A name in capitals, as a store's word for "nothing" has it."""
    name = expr.id if isinstance(expr, r.Name) else expr.attr if isinstance(expr, r.Attr) else ""
    return name.isupper()


def _looked_up(name: str, filled: frozenset[str], whole: tuple[r.Stmt, ...]) -> str:
    """The store, among those that are filled, in which what is bound to `name` was looked up."""
    for stmt in flat_statements(whole) if filled and name else ():
        if isinstance(stmt, r.Assign) and any(bound == name for target in stmt.targets for bound, _ in _bound(target)):
            value = stmt.value.value if isinstance(stmt.value, r.Await) else stmt.value
            asked = value.func.value if isinstance(value, r.Call) and isinstance(value.func, r.Attr) else None
            asked = value.value if isinstance(value, r.Sub) else asked
            if asked is not None and dotted(asked) in filled:
                return dotted(asked)
    return ""


def _missing(world: World, name: str, branch: tuple[r.Stmt, ...], whole: tuple[r.Stmt, ...]) -> str:
    """The store of `missing = [key for key in keys if key not in store]`, where the branch puts into it what it finds."""
    filled = containers(world, branch)
    if not filled:
        return ""
    for stmt in flat_statements(whole):
        if not (isinstance(stmt, r.Assign) and isinstance(stmt.value, r.Comp)):
            continue
        if any(found == (name, True) for target in stmt.targets for found in _bound(target)):
            for test in (test for generator in stmt.value.generators for test in generator.ifs):
                if isinstance(test, r.Compare) and test.ops == ("not in",) and dotted(test.rights[0]) in filled:
                    return dotted(test.rights[0])
    return ""


def stores(world: World, body: tuple[r.Stmt, ...]) -> frozenset[str]:
    """The names and chains that statements assign, put items into, or fill by a method."""
    return _stored(world, body)[0]


def containers(world: World, body: tuple[r.Stmt, ...]) -> frozenset[str]:
    """The names and chains that statements put items into."""
    return _stored(world, body)[1]


def _stored(world: World, body: tuple[r.Stmt, ...]) -> tuple[frozenset[str], frozenset[str]]:
    known = world.stored.get(id(body))
    if known is not None:
        return known
    bound: set[str] = set()
    filled: set[str] = set()
    for stmt in flat_statements(body):
        if type(stmt) is r.Assign:
            for target in stmt.targets:
                for name, whole in _bound(target):
                    (bound if whole else filled).add(name)
        elif isinstance(stmt, (r.AnnAssign, r.AugAssign)):
            bound.update(name for name, _ in _bound(stmt.target))
        elif type(stmt) is r.ExprStmt:
            value = stmt.value.value if type(stmt.value) is r.Await else stmt.value
            if type(value) is r.Call and type(value.func) is r.Attr and value.func.attr in _STORES and len(value.args) >= 1:
                filled.add(dotted(value.func.value))
    filled.discard("")
    bound.discard("")
    result = world.stored[id(body)] = (frozenset(bound | filled), frozenset(filled))
    return result


def resets(body: tuple[r.Stmt, ...], name: str, guard: int) -> bool:
    """Whether a loop's body binds `name` outside of the `if` at `guard`, so that nothing is kept from turn to turn."""
    for stmt in body:
        if isinstance(stmt, r.If) and stmt.start == guard:
            continue
        if isinstance(stmt, r.Assign) and any(bound == name and whole for target in stmt.targets for bound, whole in _bound(target)):
            return True
        if isinstance(stmt, r.For) and any(bound == name for bound, _ in _bound(stmt.target)):
            return True
        if any(resets(inner, name, guard) for inner in nested_bodies(stmt)):
            return True
    return False


# Searches


def sought(body: tuple[r.Stmt, ...], path: str) -> tuple[Site, ...]:
    """The expressions whose hit ends the loop: `found = …; if found: return found`, or the test itself."""
    names: set[str] = set()
    sites: list[Site] = []
    for stmt in _own_statements(body):
        if isinstance(stmt, r.If) and stmt.body and isinstance(stmt.body[-1], (r.Return, r.Break)):
            hit = _hit(stmt.test)
            if hit is None or (isinstance(stmt.body[-1], r.Return) and _refuses(stmt.body[-1])):
                continue
            sites.append(Site(path, stmt.test.start, stmt.test.end))
            names |= hit
    if names:
        for stmt in _own_statements(body):
            if isinstance(stmt, r.Assign) and any(bound in names for target in stmt.targets for bound, _ in _bound(target)):
                sites.append(Site(path, stmt.value.start, stmt.value.end))
    return tuple(sites)


def first_found(body: tuple[r.Stmt, ...], path: str) -> tuple[Site, ...]:
    """The expressions of a loop that returns at the first element which has something, whatever it is: `if order.lines: return order`."""
    names: set[str] = set()
    sites: list[Site] = []
    for stmt in _own_statements(body):
        if not (isinstance(stmt, r.If) and stmt.body and isinstance(stmt.body[-1], r.Return)):
            continue
        if not _refuses(stmt.body[-1]) and _asks_presence(stmt.test):
            sites.append(Site(path, stmt.test.start, stmt.test.end))
            names |= names_in(stmt.test)
    if names:
        for stmt in _own_statements(body):
            if not (isinstance(stmt, r.Assign) and _asks_presence(stmt.value)):
                continue
            if any(bound in names for target in stmt.targets for bound, _ in _bound(target)):
                sites.append(Site(path, stmt.value.start, stmt.value.end))
    return tuple(sites)


def _asks_presence(expr: r.Expr) -> bool:
    """Whether an expression only gives something or nothing: nothing in it is compared with what is looked for."""
    if isinstance(expr, r.BoolOp):
        return all(_asks_presence(item) for item in expr.items)
    if isinstance(expr, r.Walrus):
        return _asks_presence(expr.value)
    if isinstance(expr, r.Compare):
        is_none = len(expr.ops) == 1 and isinstance(expr.rights[0], r.Const) and expr.rights[0].kind == "none"
        return is_none and expr.ops[0] in ("is not", "!=") and _asks_presence(expr.left)
    if isinstance(expr, r.Call):
        return isinstance(expr.func, r.Attr) and not expr.args and _asks_presence(expr.func.value)
    return bool(dotted(expr))


def _refuses(stmt: r.Return) -> bool:
    return isinstance(stmt.value, r.Const) and stmt.value.value is False


def _own_statements(body: tuple[r.Stmt, ...]) -> Iterator[r.Stmt]:
    """The statements of a loop's body, those of loops inside it left out."""
    for stmt in body:
        yield stmt
        if not isinstance(stmt, (r.For, r.While)):
            for inner in nested_bodies(stmt):
                yield from _own_statements(inner)


def _hit(test: r.Expr) -> frozenset[str] | None:
    """The names whose being there makes the test true; None where it asks for something missing."""
    if isinstance(test, r.Unary) and test.op == "not":
        return None
    if isinstance(test, r.BoolOp):
        parts = [_hit(item) for item in test.items]
        known = [part for part in parts if part is not None]
        return frozenset(name for part in known for name in part) if known and (test.op == "and" or len(known) == len(parts)) else None
    if isinstance(test, r.Compare) and len(test.ops) == 1:
        is_none = isinstance(test.rights[0], r.Const) and test.rights[0].kind == "none"
        if test.ops[0] not in (("is not", "!=") if is_none else ("==", "is", "in", ">", ">=", "<", "<=")):
            return None
    if isinstance(test, r.Walrus):
        return names_in(test.target)
    return names_in(test)
