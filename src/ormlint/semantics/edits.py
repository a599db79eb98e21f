"""What an edit of a file has changed: the functions whose bodies differ, and where everything else stands now.

Takes two records of one file; gives their `Edit`, or refuses. Only what functions do may differ, and functions at the top of a module may
come and go: an edit of anything that others read without running it (a class, a name, a signature, what a method assigns to its object) is
refused, and all is analysed anew.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence

import msgspec

from ormlint.facts import records as r
from ormlint.facts.walking import walk
from ormlint.semantics.fillers import fills
from ormlint.semantics.symbols import ModuleScope, last_name
from ormlint.semantics.traces import Redo
from ormlint.semantics.values import Site

_HEAD = ("name", "params", "returns", "decorators", "is_async", "is_generator", "type_params")
_PLACES = frozenset({"start", "end", "name_start"})
_FIELDS: dict[type, tuple[str, ...]] = {
    kind: tuple([field for field in kind.__struct_fields__ if field not in _PLACES])
    for kind in vars(r).values()
    if isinstance(kind, type) and issubclass(kind, r.Node)
}


class Edit:
    """What has become of one file: the functions whose bodies differ, those that came and went, by their nodes; and for each offset at
    which something begins or ends that is still there, its offset now."""

    def __init__(self, scope: ModuleScope, old: r.Record) -> None:
        self.scope = scope
        self.changed: list[r.Function] = []
        self.added: list[r.Function] = []
        self.removed: list[str] = []
        self.has_made_defaults = False
        """Whether a function that came or went has a default that a call makes."""
        self.starts: dict[int, int] = {0: 0}
        self.ends: dict[int, int] = {0: 0}
        if old.error is not None:
            raise Redo(f"{scope.path} could not be read")
        self._body(old.body, scope.record.body, top=True)
        self.moves = any(before != after for table in (self.starts, self.ends) for before, after in table.items())

    def _body(self, old: tuple[r.Stmt, ...], new: tuple[r.Stmt, ...], top: bool = False) -> None:
        """Statements at the top of a module, or in a class."""
        if top:
            old, new = self._without_those_of_one(old, new)
        if len(old) != len(new):
            raise Redo(f"{self.scope.path}: statements outside of functions came or went")
        for before, after in zip(old, new, strict=True):
            self._statement(before, after)

    def _without_those_of_one(self, old: tuple[r.Stmt, ...], new: tuple[r.Stmt, ...]) -> tuple[tuple[r.Stmt, ...], tuple[r.Stmt, ...]]:
        names = [{stmt.name for stmt in body if isinstance(stmt, r.Function)} for body in (old, new)]
        went, came = names[0] - names[1], names[1] - names[0]
        for body, gone in ((old, went), (new, came)):
            told = [stmt.name for stmt in body if isinstance(stmt, r.Function) and stmt.name in gone]
            if len(told) != len(gone) or any(name.startswith("__") for name in gone):
                raise Redo(f"{self.scope.path}: functions of one name came or went")
        self.removed = sorted(went)
        self.added = [stmt for stmt in new if isinstance(stmt, r.Function) and stmt.name in came]
        for stmt in [*self.added, *(stmt for stmt in old if isinstance(stmt, r.Function) and stmt.name in went)]:
            _refuse_what_others_read(self.scope, stmt, None)
            self.has_made_defaults = self.has_made_defaults or any(isinstance(param.default, r.Call) for param in stmt.params)
        return (
            tuple([stmt for stmt in old if not (isinstance(stmt, r.Function) and stmt.name in went)]),
            tuple([stmt for stmt in new if not (isinstance(stmt, r.Function) and stmt.name in came)]),
        )

    def _statement(self, old: r.Stmt, new: r.Stmt) -> None:
        if type(old) is not type(new):
            raise Redo(f"{self.scope.path}: a statement outside of functions changed")
        if isinstance(old, r.Function) and isinstance(new, r.Function):
            self._place(old, new)
            for field in _HEAD:
                if not self._same(getattr(old, field), getattr(new, field)):
                    raise Redo(f"{self.scope.path}: the head of {new.name} changed")
            before = len(self.starts), len(self.ends)
            starts, ends = self.starts, self.ends
            self.starts, self.ends = {}, {}
            same = self._same(old.body, new.body)
            if same:
                starts.update(self.starts)
                ends.update(self.ends)
            self.starts, self.ends = starts, ends
            if not same:
                assert before == (len(starts), len(ends))
                _refuse_what_others_read(self.scope, old, new)
                self.changed.append(new)
        elif isinstance(old, r.Class) and isinstance(new, r.Class):
            self._place(old, new)
            for field in ("name", "bases", "decorators", "type_params"):
                if not self._same(getattr(old, field), getattr(new, field)):
                    raise Redo(f"{self.scope.path}: the class {new.name} changed")
            self._body(old.body, new.body)
        elif isinstance(old, (r.If, r.Try, r.With, r.For, r.While)) and _holds_definitions(old):
            self._compound(old, new)
        elif not self._same(old, new):
            raise Redo(f"{self.scope.path}: a statement outside of functions changed")

    def _compound(self, old: r.Stmt, new: r.Stmt) -> None:
        self._place(old, new)
        for field in _FIELDS[type(old)]:
            before, after = getattr(old, field), getattr(new, field)
            if field in ("body", "orelse", "final"):
                self._body(before, after)
            elif field == "handlers":
                if len(before) != len(after):
                    raise Redo(f"{self.scope.path}: a statement outside of functions changed")
                for left, right in zip(before, after, strict=True):
                    self._place(left, right)
                    if not self._same(left.type, right.type) or left.name != right.name:
                        raise Redo(f"{self.scope.path}: a statement outside of functions changed")
                    self._body(left.body, right.body)
            elif not self._same(before, after):
                raise Redo(f"{self.scope.path}: a statement outside of functions changed")

    def _place(self, old: r.Node, new: r.Node) -> None:
        self.starts[old.start] = new.start
        self.ends[old.end] = new.end
        name = getattr(old, "name_start", None)
        if name is not None:
            after: int = new.name_start  # type: ignore[attr-defined]
            self.starts[name] = after
            self.ends[name + len(old.name)] = after + len(new.name)  # type: ignore[attr-defined]
        elif type(old) is r.Attr:
            self.starts[old.end - len(old.attr)] = new.end - len(old.attr)

    def _same(self, old: object, new: object) -> bool:
        """Whether two parts say the same; notes where what they hold stands."""
        kind = type(old)
        if kind is not type(new):
            return False
        if kind is tuple:
            assert isinstance(old, tuple)
            assert isinstance(new, tuple)
            return len(old) == len(new) and False not in [self._same(one, other) for one, other in zip(old, new, strict=True)]
        fields = _FIELDS.get(kind)
        if fields is None:
            return old == new
        self._place(old, new)  # type: ignore[arg-type]
        # Each of them, to note all places.
        return False not in [self._same(getattr(old, field), getattr(new, field)) for field in fields]


def _holds_definitions(stmt: r.Stmt) -> bool:
    return any(isinstance(node, (r.Function, r.Class)) for node in walk(stmt))


def _refuse_what_others_read(scope: ModuleScope, old: r.Function, new: r.Function | None) -> None:
    """Refuses a change of a function whose text says something to those who do not call it."""
    name = f"{scope.path}: {old.name}"
    if old.name.startswith("__") or any("declared_attr" in last_name(_applied(item)) for item in old.decorators):
        raise Redo(f"{name} tells what its class is")
    for function in (old, *(() if new is None else (new,))):
        params = {param.name for param in function.params[:1]}
        for node in walk(function.body):
            if isinstance(node, r.Class) or (isinstance(node, r.Global) and not node.is_nonlocal):
                raise Redo(f"{name} holds a class or a global name")
            for target in _assigned(node):
                root = target.value
                while isinstance(root, (r.Attr, r.Sub, r.Call)):
                    root = root.func if isinstance(root, r.Call) else root.value
                if not isinstance(root, r.Name) or root.id in params or root.id in scope.bindings:
                    raise Redo(f"{name} assigns to its object")
    if new is None:
        return
    if _promises_only(old) != _promises_only(new):
        raise Redo(f"{name} is not empty any more, or is now")
    if fills(old) != fills(new):
        raise Redo(f"{name} reads something else of what it puts into a list of its object")
    if not _alike(_returned(old), _returned(new)):
        raise Redo(f"{name} returns something else")


def _applied(decorator: r.Expr) -> r.Expr:
    return decorator.func if isinstance(decorator, r.Call) else decorator


def _assigned(node: r.Node) -> Iterator[r.Attr]:
    """The attributes that a statement assigns to."""
    if isinstance(node, r.Assign):
        targets: Sequence[r.Expr | None] = node.targets
    elif isinstance(node, (r.AnnAssign, r.AugAssign, r.For)):
        targets = (node.target,)
    elif isinstance(node, r.With):
        targets = [item.target for item in node.items]
    else:
        return
    stack = list(targets)
    while stack:
        target = stack.pop()
        if isinstance(target, r.Seq):
            stack.extend(target.items)
        elif isinstance(target, r.Attr):
            yield target


def _promises_only(function: r.Function) -> bool:
    return all(isinstance(stmt, (r.Pass, r.Raise)) or _is_constant(stmt) for stmt in function.body)


def _is_constant(stmt: r.Stmt) -> bool:
    return isinstance(stmt, r.ExprStmt) and isinstance(stmt.value, r.Const)


def _returned(function: r.Function) -> tuple[r.Expr, ...]:
    """What a function returns by a call or a display: a helper that makes a column is understood by that."""
    return tuple([node.value for node in walk(function.body) if isinstance(node, r.Return) and isinstance(node.value, (r.Call, r.Seq))])


def _alike(old: object, new: object) -> bool:
    kind = type(old)
    if kind is not type(new):
        return False
    if kind is tuple:
        assert isinstance(old, tuple)
        assert isinstance(new, tuple)
        return len(old) == len(new) and all(_alike(one, other) for one, other in zip(old, new, strict=True))
    fields = _FIELDS.get(kind)
    return old == new if fields is None else all(_alike(getattr(old, field), getattr(new, field)) for field in fields)


class Moves:
    """Where what stood in edited files stands now. Refuses what is not there any more."""

    def __init__(self, edits: Mapping[str, Edit]) -> None:
        self.edits = {path: edit for path, edit in edits.items() if edit.moves}
        self.pattern = re.compile(f"({'|'.join(map(re.escape, self.edits))}):(\\d+)") if self.edits else None
        self.known: dict[object, object] = {}

    def __bool__(self) -> bool:
        return bool(self.edits)

    def site(self, site: Site) -> Site:
        edit = self.edits.get(site.path)
        if edit is None:
            return site
        start, end = edit.starts.get(site.start), edit.ends.get(site.end)
        if start is None or end is None:
            raise Redo(f"{site.path}: what stood at {site.start} is not there any more")
        return Site(site.path, start, end)

    def text(self, text: str) -> str:
        """A text with the places in it, which names of lambdas and of registries hold."""
        if self.pattern is None:
            return text

        def moved(found: re.Match[str]) -> str:
            start = self.edits[found[1]].starts.get(int(found[2]))
            if start is None:
                raise Redo(f"{found[1]}: what stood at {found[2]} is not there any more")
            return f"{found[1]}:{start}"

        return self.pattern.sub(moved, text)

    def conditions(self, path: str, items: tuple[tuple[int, str], ...]) -> tuple[tuple[int, str], ...]:
        edit = self.edits.get(path)
        if edit is None:
            return items
        if any(at not in edit.starts for at, _ in items):
            raise Redo(f"{path}: a condition is not there any more")
        return tuple([(edit.starts[at], meaning) for at, meaning in items])

    def value(self, item: object) -> object:
        """Any part of an observation, with all that it holds."""
        kind = type(item)
        if kind is str:
            return self.text(item) if ":" in item else item  # type: ignore[arg-type, operator]
        if kind is Site:
            return self.site(item)  # type: ignore[arg-type]
        if kind is tuple:
            return tuple([self.value(part) for part in item])  # type: ignore[attr-defined]
        if kind is list:
            return [self.value(part) for part in item]  # type: ignore[attr-defined]
        if kind is frozenset:
            return frozenset([self.value(part) for part in item])  # type: ignore[attr-defined]
        if kind is dict:
            return {self.value(key): self.value(part) for key, part in item.items()}  # type: ignore[attr-defined]
        if not isinstance(item, msgspec.Struct):
            return item
        try:
            known = self.known.get(item)
        except TypeError:
            return self._struct(item)
        if known is None:
            known = self.known[item] = self._struct(item)
        return known

    def _struct(self, item: msgspec.Struct) -> object:
        parts = {field: self.value(getattr(item, field)) for field in item.__struct_fields__}
        conditions = getattr(item, "conditions", None)
        if conditions:
            parts["conditions"] = self.conditions(item.site.path, conditions)  # type: ignore[attr-defined]
        return type(item)(**parts)


Occurs = Callable[[str], int]
"""How often a name is mentioned in the project's files, apart from where functions of that name begin."""


def refuse_names_in_use(edit: Edit, occurs: Occurs) -> None:
    """A function that came or went means something to whoever mentions its name."""
    for function in edit.added:
        if occurs(function.name):
            raise Redo(f"{edit.scope.path}: others name {function.name}, which came")
    for name in edit.removed:
        if occurs(name):
            raise Redo(f"{edit.scope.path}: others name {name}, which went")
