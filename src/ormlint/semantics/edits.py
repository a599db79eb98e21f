"""What an edit of a file has changed: the functions whose bodies differ, and where everything else stands now.

Takes two records of one file; gives their `Edit`, or refuses. What functions do may differ, and their parameters; functions and imports at
the top of a module may come and go; a class may get methods and columns: all this as far as who mentions their names can be run anew. An
edit of anything else that others read without running it (a base, a decorator, a constant, what a method assigns to its object) is refused,
and all is analysed anew.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

import msgspec

from ormlint.facts import records as r
from ormlint.facts.walking import walk
from ormlint.semantics.fillers import fills
from ormlint.semantics.mentions import functions_naming
from ormlint.semantics.symbols import ModuleScope, last_name
from ormlint.semantics.traces import Redo
from ormlint.semantics.values import Site

_HEAD = ("name", "decorators", "is_async", "is_generator", "type_params")
_SIGNATURE = ("params", "returns")
_SAYING = (r.Assign, r.AnnAssign, r.Import, r.If)
_PLAIN_DECORATORS = frozenset({"staticmethod", "classmethod", "property"})
_SCALARS = frozenset(
    {"int", "str", "float", "bool", "bytes", "datetime", "date", "time", "timedelta", "Decimal", "UUID", "Optional", "uuid", "decimal"}
)
_PLAIN_COLUMN = frozenset({"nullable", "default", "index", "comment", "doc", "server_default"})
"""The options of a column that say nothing of other columns, rows or classes."""
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
        self.signed: list[r.Function] = []
        """The functions of which the parameters or what they promise to return differ."""
        self.methods: dict[str, set[str]] = {}
        """The methods and columns that classes got, by the class's name in the module."""
        self.imported: set[str] = set()
        """The names at the top of the module that imports bind now, or do not any more."""
        self.starts: dict[int, int] = {0: 0}
        self.ends: dict[int, int] = {0: 0}
        if old.error is not None:
            raise Redo(f"{scope.path} could not be read")
        new = scope.record.body
        self._body(*self._without_imports(*self._without_functions_of_one(old.body, new)), "")
        if self.imported:
            self._run_what_names_imports()
        self.moves = any(before != after for table in (self.starts, self.ends) for before, after in table.items())

    def _body(self, old: tuple[r.Stmt, ...], new: tuple[r.Stmt, ...], owner: str) -> None:
        """Statements at the top of a module, or in the class `owner`."""
        if len(old) != len(new):
            raise Redo(f"{self.scope.path}: statements outside of functions came or went")
        for before, after in zip(old, new, strict=True):
            self._statement(before, after, owner)

    def _without_functions_of_one(self, old: tuple[r.Stmt, ...], new: tuple[r.Stmt, ...]) -> tuple[tuple[r.Stmt, ...], tuple[r.Stmt, ...]]:
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

    def _without_imports(self, old: tuple[r.Stmt, ...], new: tuple[r.Stmt, ...]) -> tuple[tuple[r.Stmt, ...], tuple[r.Stmt, ...]]:
        """The statements without the imports that only one of the records has, or has elsewhere."""
        before, after = ([_said(stmt) for stmt in body if isinstance(stmt, r.Import)] for body in (old, new))
        if before == after:
            return old, new
        common = set(before) & set(after)
        if [said for said in before if said in common] != [said for said in after if said in common]:
            raise Redo(f"{self.scope.path}: imports changed places")
        bound = [_bound(body, common) for body in (old, new)]
        self.imported = {name for name in bound[0].keys() | bound[1].keys() if bound[0].get(name) != bound[1].get(name)}
        if "*" in self.imported:
            raise Redo(f"{self.scope.path}: an import of everything changed")
        return (
            tuple([stmt for stmt in old if not isinstance(stmt, r.Import) or _said(stmt) in common]),
            tuple([stmt for stmt in new if not isinstance(stmt, r.Import) or _said(stmt) in common]),
        )

    def _run_what_names_imports(self) -> None:
        known = {id(function) for function in (*self.changed, *self.added)}
        body = tuple([stmt for stmt in self.scope.record.body if not isinstance(stmt, r.Import)])
        for function in functions_naming(body, self.imported):
            if function is None:
                raise Redo(f"{self.scope.path}: what is imported is used outside of functions")
            if id(function) not in known:
                _refuse_what_others_read(self.scope, function, function)
                if _returned(function):
                    raise Redo(f"{self.scope.path}: {function.name} returns what may be something else")
                self.changed.append(function)

    def _class_body(self, old: tuple[r.Stmt, ...], new: tuple[r.Stmt, ...], owner: str) -> None:
        had = {name for stmt in old for name in _defined(stmt)}
        kept: list[r.Stmt] = []
        for stmt in new:
            came = [name for name in _defined(stmt) if name not in had]
            if not came:
                kept.append(stmt)
                continue
            name = came[0]
            if name.startswith("__") or len(came) > 1 or name in self.methods.get(owner, ()):
                raise Redo(f"{self.scope.path}: {owner}.{name} came")
            if isinstance(stmt, r.Function):
                _refuse_what_others_read(self.scope, stmt, None)
                if any(last_name(item) not in _PLAIN_DECORATORS or not isinstance(item, r.Name) for item in stmt.decorators):
                    raise Redo(f"{self.scope.path}: {owner}.{name} came, and is decorated")
                self.added.append(stmt)
            elif not _is_plain_column(stmt):
                raise Redo(f"{self.scope.path}: {owner}.{name} came")
            self.methods.setdefault(owner, set()).add(name)
        self._body(old, tuple(kept), owner)

    def _statement(self, old: r.Stmt, new: r.Stmt, owner: str) -> None:
        if type(old) is not type(new):
            raise Redo(f"{self.scope.path}: a statement outside of functions changed")
        if isinstance(old, r.Function) and isinstance(new, r.Function):
            self._place(old, new)
            for field in _HEAD:
                if not self._same(getattr(old, field), getattr(new, field)):
                    raise Redo(f"{self.scope.path}: the head of {new.name} changed")
            signed = not self._same_places(_parts(old, _SIGNATURE), _parts(new, _SIGNATURE))
            if signed:
                if any(last_name(item) == "property" or not isinstance(item, r.Name) for item in new.decorators):
                    raise Redo(f"{self.scope.path}: the head of {new.name} changed, and it is decorated")
                self.signed.append(new)
            same = self._same_places(old.body, new.body)
            if not same or signed:
                _refuse_what_others_read(self.scope, old, new)
                self.changed.append(new)
            if not same:
                self._note_what_stays(old.body, new.body)
        elif isinstance(old, r.Class) and isinstance(new, r.Class):
            self._place(old, new)
            for field in ("name", "bases", "decorators", "type_params"):
                if not self._same(getattr(old, field), getattr(new, field)):
                    raise Redo(f"{self.scope.path}: the class {new.name} changed")
            self._class_body(old.body, new.body, f"{owner}.{new.name}" if owner else new.name)
        elif isinstance(old, (r.If, r.Try, r.With, r.For, r.While)) and _holds_definitions(old):
            self._compound(old, new, owner)
        elif not self._same(old, new):
            raise Redo(f"{self.scope.path}: a statement outside of functions changed")

    def _compound(self, old: r.Stmt, new: r.Stmt, owner: str) -> None:
        self._place(old, new)
        for field in _FIELDS[type(old)]:
            before, after = getattr(old, field), getattr(new, field)
            if field in ("body", "orelse", "final"):
                self._body(before, after, owner)
            elif field == "handlers":
                if len(before) != len(after):
                    raise Redo(f"{self.scope.path}: a statement outside of functions changed")
                for left, right in zip(before, after, strict=True):
                    self._place(left, right)
                    if not self._same(left.type, right.type) or left.name != right.name:
                        raise Redo(f"{self.scope.path}: a statement outside of functions changed")
                    self._body(left.body, right.body, owner)
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

    def _note_what_stays(self, old: tuple[r.Stmt, ...], new: tuple[r.Stmt, ...]) -> None:
        """Notes the places of the statements before and behind those that differ: others may know what an object is given there."""
        first = 0
        while first < min(len(old), len(new)) and self._same_places(old[first], new[first]):
            first += 1
        last = 1
        while last <= min(len(old), len(new)) - first and self._same_places(old[-last], new[-last]):
            last += 1

    def _same_places(self, old: object, new: object) -> bool:
        """Whether two parts say the same; only then notes where what they hold stands."""
        starts, ends = self.starts, self.ends
        self.starts, self.ends = {}, {}
        same = self._same(old, new)
        if same:
            starts.update(self.starts)
            ends.update(self.ends)
        self.starts, self.ends = starts, ends
        return same

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


def _parts(node: r.Node, fields: Sequence[str]) -> tuple[object, ...]:
    return tuple([getattr(node, field) for field in fields])


def _said(stmt: r.Import) -> object:
    """What an import says, wherever it stands."""
    return stmt.is_from, stmt.module, stmt.level, stmt.type_checking, tuple([(name.name, name.asname) for name in stmt.names])


def _bound(body: tuple[r.Stmt, ...], but: Collection[object]) -> dict[str, list[object]]:
    """What imports bind names to, those left out that say what is in `but`."""
    found: dict[str, list[object]] = {}
    for stmt in body:
        if isinstance(stmt, r.Import) and _said(stmt) not in but:
            for name in stmt.names:
                bound = name.asname or (name.name if stmt.is_from else name.name.split(".", 1)[0])
                found.setdefault(bound, []).append((stmt.is_from, stmt.module, stmt.level, name.name))
    return found


def _defined(stmt: r.Stmt) -> tuple[str, ...]:
    """The names that a statement in a class defines, as far as it is a method or a plain assignment."""
    if isinstance(stmt, r.Function):
        return (stmt.name,)
    if isinstance(stmt, r.AnnAssign) and isinstance(stmt.target, r.Name):
        return (stmt.target.id,)
    if isinstance(stmt, r.Assign):
        return tuple([target.id for target in stmt.targets if isinstance(target, r.Name)])
    return ()


def _is_plain_column(stmt: r.Stmt) -> bool:
    """Whether a statement in a class makes a column that has nothing to do with any other."""
    value = stmt.value if isinstance(stmt, (r.Assign, r.AnnAssign)) else None
    if isinstance(stmt, r.AnnAssign):
        annotation = stmt.annotation
        if not (isinstance(annotation, r.Sub) and last_name(annotation.value) == "Mapped"):
            return False
        if any(last_name(node) not in _SCALARS for node in walk(annotation.index) if isinstance(node, (r.Name, r.Attr))):
            return False
        if value is None:
            return True
    return (
        isinstance(value, r.Call)
        and last_name(value.func) in ("Column", "mapped_column")
        and all(arg.keyword in _PLAIN_COLUMN or (arg.keyword is None and not arg.star and _is_type(arg.value)) for arg in value.args)
    )


def _is_type(expr: r.Expr) -> bool:
    """Whether an argument of a column is its type: a name, or a call of one that is no constraint."""
    name = last_name(_applied(expr))
    return name[:1].isupper() and not name.endswith(("Key", "Constraint", "Identity", "Computed", "Sequence"))


def _holds_definitions(stmt: r.Stmt) -> bool:
    return any(isinstance(node, (r.Function, r.Class)) for node in walk(stmt))


def _refuse_what_others_read(scope: ModuleScope, old: r.Function, new: r.Function | None) -> None:
    """Refuses a change of a function whose text says something to those who do not call it."""
    name = f"{scope.path}: {old.name}"
    if old.name.startswith("__") or any("declared_attr" in last_name(_applied(item)) for item in old.decorators):
        raise Redo(f"{name} tells what its class is")
    for function in (old, *(() if new is None else (new,))):
        if any(isinstance(node, r.Class) or (isinstance(node, r.Global) and not node.is_nonlocal) for node in walk(function.body)):
            raise Redo(f"{name} holds a class or a global name")
    if not _alike(_giving(scope, old), () if new is None else _giving(scope, new)):
        raise Redo(f"{name} gives its object something else")
    if new is None:
        return
    if _promises_only(old) != _promises_only(new):
        raise Redo(f"{name} is not empty any more, or is now")
    if fills(old) != fills(new):
        raise Redo(f"{name} reads something else of what it puts into a list of its object")
    if not _alike(_returned(old), _returned(new)):
        raise Redo(f"{name} returns something else")


def _giving(scope: ModuleScope, function: r.Function) -> tuple[r.Stmt, ...]:
    """The statements that give an object its attributes, with those before them that may say what they give."""
    params = {param.name for param in function.params[:1]}
    giving = [any(_gives(scope, params, node) for node in walk(stmt)) for stmt in function.body]
    end = max([at + 1 for at, gives in enumerate(giving) if gives], default=0)
    return tuple([stmt for at, stmt in enumerate(function.body[:end]) if giving[at] or isinstance(stmt, _SAYING)])


def _gives(scope: ModuleScope, params: Collection[str], node: r.Node) -> bool:
    for target in _assigned(node):
        root = target.value
        while isinstance(root, (r.Attr, r.Sub, r.Call)):
            root = root.func if isinstance(root, r.Call) else root.value
        if not isinstance(root, r.Name) or root.id in params or root.id in scope.bindings:
            return True
    return False


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


Occurs = Callable[[str, bool], int]
"""How often a name is mentioned in the project's files, with the places where functions of that name begin, or without."""


def refuse_names_in_use(edit: Edit, occurs: Occurs) -> None:
    """What came or went means something to whoever mentions its name."""
    methods = {name for names in edit.methods.values() for name in names}
    for function in edit.added:
        if function.name not in methods and occurs(function.name, False):
            raise Redo(f"{edit.scope.path}: others name {function.name}, which came")
    for name in edit.removed:
        if occurs(name, False):
            raise Redo(f"{edit.scope.path}: others name {name}, which went")
    for name in sorted(methods):
        if occurs(name, True) > 1:
            raise Redo(f"{edit.scope.path}: others name {name}, which a class got")
