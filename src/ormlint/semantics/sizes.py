"""Collections of rows of which only the size is asked: counted, or tested for being empty.

Takes an expression that `len`, `bool` or a condition asks for its size, and its value; notes where rows were loaded for that alone. What
else a function does with a name or an attribute is told by its text: any other mention of it counts as a use of the rows.
"""

from __future__ import annotations

from ormlint.facts import records as r
from ormlint.facts.walking import inner, walk
from ormlint.semantics.definitions import FunctionNode
from ormlint.semantics.events import Event
from ormlint.semantics.frame import Frame, World
from ormlint.semantics.state import contains
from ormlint.semantics.values import Coll, Entity, Plain, Site, Tup, Value, options_of

_ASKS = frozenset({"len", "bool"})
_ANY = frozenset({(">", 0), ("==", 0), ("!=", 0), (">=", 1), ("<", 1)})
_QUIET = frozenset({"query", "begin", "autoflush"})


class Mentions:
    """What a function's text does with its names and attributes."""

    def __init__(self, function: r.Function) -> None:
        self.sized: set[int] = set()
        self.names: dict[str, list[r.Name]] = {}
        self.attributes: dict[str, list[r.Attr]] = {}
        self.assigned: dict[str, list[r.Expr]] = {}
        self.bound: set[int] = set()
        self.bases: set[int] = set()
        self.owners: set[int] = set()
        self.compared: set[int] = set()
        """The sizes that are compared with nought: they only tell whether there is any."""
        self.params = {param.name for param in function.params}
        for node in walk(function.body):
            self._take(node)

    def _take(self, node: object) -> None:
        if isinstance(node, r.Name):
            self.names.setdefault(node.id, []).append(node)
        elif isinstance(node, r.Attr):
            self.attributes.setdefault(node.attr, []).append(node)
            if isinstance(node.value, r.Name):
                self.bases.add(id(node.value))
        elif isinstance(node, r.Call):
            if isinstance(node.func, r.Name) and node.func.id in _ASKS and len(node.args) == 1:
                self.sized.add(id(node.args[0].value))
            elif isinstance(node.func, r.Attr) and isinstance(node.func.value, r.Name):
                self.owners.add(id(node.func.value))  # a method may use anything of its object
        elif isinstance(node, r.Compare) and isinstance(node.left, r.Call):
            right = node.rights[0]
            bound = right.value if len(node.ops) == 1 and isinstance(right, r.Const) else None
            if (node.ops[0], bound) in _ANY:
                self.compared.add(id(node.left))
        elif isinstance(node, r.Compare) and isinstance(node.left, r.Name):
            if all(isinstance(right, r.Const) and right.kind == "none" for right in node.rights):
                self.sized.add(id(node.left))
        elif isinstance(node, (r.If, r.While, r.IfExp, r.Assert)):
            self._test(node.test)
        elif isinstance(node, r.Unary) and node.op == "not":
            self._test(node.value)
        elif isinstance(node, r.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], r.Name):
            self.assigned.setdefault(node.targets[0].id, []).append(node.value)
            self.bound.add(id(node.targets[0]))
        elif isinstance(node, r.AnnAssign) and isinstance(node.target, r.Name) and node.value is not None:
            self.assigned.setdefault(node.target.id, []).append(node.value)
            self.bound.add(id(node.target))

    def _test(self, expr: r.Expr) -> None:
        if isinstance(expr, (r.Name, r.Attr)):
            self.sized.add(id(expr))
        elif isinstance(expr, r.BoolOp):
            for item in expr.items:
                self._test(item)

    def only_sized(self, name: str) -> bool:
        """Whether a local name is bound and asked for its size, and nothing else is done with it."""
        return name not in self.params and all(id(node) in self.sized or id(node) in self.bound for node in self.names.get(name, ()))

    def only_read(self, name: str) -> bool:
        """Whether the attributes of a local name are read and nothing else is done with it."""
        if name in self.params:
            return False
        found = self.names.get(name, ())
        return bool(self.assigned.get(name)) and all(
            (id(node) in self.bases and id(node) not in self.owners) or id(node) in self.bound or id(node) in self.sized for node in found
        )


def mentions_of(world: World, function: FunctionNode) -> Mentions:
    """The mentions in a function's text, read when they are first asked for."""
    known = world.text_of.get(function.id)
    if known is None:
        known = world.text_of[function.id] = Mentions(function.node)
    assert isinstance(known, Mentions)
    return known


def measured(frame: Frame, expr: r.Expr, value: Value, asked: r.Node, counts: bool) -> None:
    """The size of `value`, which `expr` gave, is asked at `asked`: counted, or tested."""
    if not isinstance(value, Coll) or value.kind == "dict" or value.size is not None or frame.function is None or frame.walk is not None:
        return
    of = row_class(value.elem)
    if of is None:
        return
    if isinstance(expr, r.Await):
        expr = expr.value
    found: tuple[Site, Entity | None, str] | None = None
    if isinstance(expr, r.Call):
        site = fetched(frame, expr)
        found = (site, None, "") if site is not None else None
    elif isinstance(expr, r.Name):
        text = mentions_of(frame.world, frame.function)
        made = text.assigned.get(expr.id, [])
        if made and text.only_sized(expr.id):
            sites = [fetched(frame, part) for part in made]
            found = (sites[0], None, "") if sites[0] is not None and None not in sites else None
    elif isinstance(expr, r.Attr):
        load = _lazy(frame, expr)
        root: r.Expr = expr
        while isinstance(root, r.Attr):
            root = root.value
        if load is not None and load.entity is not None and isinstance(root, r.Name):
            text = mentions_of(frame.world, frame.function)
            if text.only_read(root.id) and all(id(node) in text.sized for node in text.attributes.get(expr.attr, ())):
                found = (load.entity.origin.site, load.entity, expr.attr)
    if found is None:
        return
    counts = counts and id(asked) not in mentions_of(frame.world, frame.function).compared
    event = Event("size", frame.site(asked), of, None, found[1], found[2], "count" if counts else "test")
    frame.note("size", event, found[0])


def row_class(elem: Value) -> str | None:
    """What each row is, in a word; None where they are no rows that a query gave."""
    for item in options_of(elem):
        if isinstance(item, Entity) and item.origin.kind in ("query", "get"):
            return item.model
        if isinstance(item, Tup) and item.names and any(isinstance(part, (Entity, Plain)) for part in item.items):
            return next((part.model for part in item.items if isinstance(part, Entity)), "")
    return None


def fetched(frame: Frame, expr: r.Expr) -> Site | None:
    """Where the query is that an expression has just run, if it does nothing but run it; None else."""
    if isinstance(expr, r.Await):
        expr = expr.value
    if not isinstance(expr, r.Call):
        return None
    site = frame.site(expr)
    inside = [event for event in frame.state.events if contains(site, event.site)]
    queries = [event for event in inside if event.kind == "query"]
    if not inside and frame.function is not None:  # `result = session.execute(…)`, then `len(result.scalars().all())`
        root: r.Expr = expr
        while isinstance(root, (r.Call, r.Attr)):
            root = root.func if isinstance(root, r.Call) else root.value
        text = mentions_of(frame.world, frame.function)
        made = text.assigned.get(root.id, []) if isinstance(root, r.Name) else []
        once = isinstance(root, r.Name) and len(text.names[root.id]) == 2 and len(made) == 1
        return fetched(frame, made[0]) if once and made[0].end <= expr.start else None
    if len(queries) != 1 or any(event.kind not in _QUIET for event in inside):
        return None
    event = queries[0]
    if event.via and not (len(event.via) == 1 and _is_returned(frame.world, event.end)):
        return None
    return event.end


def _is_returned(world: World, site: Site) -> bool:
    """Whether the expression at a site is, or is part of the chain of calls of, what its function returns."""
    scope = world.symbols.by_path.get(site.path)
    stack: list[object] = list(scope.record.body) if scope is not None else []
    while stack:
        node = stack.pop()
        if isinstance(node, r.Node) and not (node.start <= site.start and site.end <= node.end):
            continue
        if isinstance(node, r.Return):
            value = node.value.value if isinstance(node.value, r.Await) else node.value
            return isinstance(value, r.Call) and isinstance(value.func, (r.Attr, r.Name))
        if isinstance(node, r.Node):
            stack.extend(inner(node))
        elif type(node) is tuple:
            stack.extend(node)
    return False


def _lazy(frame: Frame, expr: r.Attr) -> Event | None:
    """The load that reading an attribute has just been, of an object that this function has fetched itself."""
    site = frame.site(expr)
    active = {loop.site for loop in frame.loops}
    for event in frame.state.events:
        if event.kind == "load" and event.site == site and event.attr == expr.attr and event.how == "lazy" and not event.via:
            entity = event.entity
            if entity is not None and entity.origin.kind in ("query", "get") and active.isdisjoint(event.varies):
                return event
    return None
