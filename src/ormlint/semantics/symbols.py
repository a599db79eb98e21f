"""Names to definitions, across modules: what a name at the top of a module, or a dotted path, stands for.

Takes the records of all modules; gives `Symbol`s. Follows imports, re-exports, star imports and aliases, through cycles. Every
binding of a name counts, also those under `if` and `try`; a later step joins them. Does not evaluate expressions: a name that
is assigned is a `Variable` with its expressions.
"""

from __future__ import annotations

from collections.abc import Iterator

from ormlint.facts import records as r
from ormlint.facts.type_checking import checks_types
from ormlint.semantics.definitions import (
    ClassNode,
    DefinedClass,
    DefinedFunction,
    DefinedModule,
    FunctionNode,
    ImportedName,
    Library,
    Symbol,
    Variable,
)


class ModuleScope:
    """The bindings at the top of one module: for each name all that it is bound to, in order."""

    def __init__(
        self, name: str, path: str, is_package: bool, role: str, record: r.Record, root: str = "", own: frozenset[str] = frozenset()
    ) -> None:
        self.name = name
        self.root = root
        self.own = own
        self.path = path
        self.is_package = is_package
        self.role = role
        self.record = record
        self.bindings: dict[str, list[object]] = {}
        self.stars: list[str] = []
        self.annotations: dict[str, r.Expr] = {}
        self.patches: list[r.Assign] = []
        self._collect(record.body)

    def _collect(self, body: tuple[r.Stmt, ...], for_types: bool = False) -> None:
        for stmt in body:
            kind = type(stmt)
            if for_types and kind is r.Function and stmt.name in self.bindings:  # type: ignore[union-attr]
                continue  # a signature for type checkers, of what is something else at run time
            if kind is r.Import:
                assert isinstance(stmt, r.Import)
                self._collect_import(stmt)
            elif kind is r.Class or kind is r.Function:
                self.bindings.setdefault(stmt.name, []).append(stmt)  # type: ignore[union-attr]
            elif isinstance(stmt, r.Assign):
                for target in stmt.targets:
                    self._bind(target, stmt.value)
                    if type(target) is r.Attr:
                        self.patches.append(stmt)
            elif isinstance(stmt, r.AnnAssign):
                if isinstance(stmt.target, r.Name):
                    self.annotations[stmt.target.id] = stmt.annotation
                    self.bindings.setdefault(stmt.target.id, []).append(stmt.value)
            elif isinstance(stmt, r.TypeAlias):
                self.bindings.setdefault(stmt.name, []).append(stmt.value)
            elif isinstance(stmt, (r.If, r.While)):
                self._collect(stmt.body, checks_types(("TYPE_CHECKING",), stmt.test))
                self._collect(stmt.orelse)
            elif isinstance(stmt, r.For):
                self._bind(stmt.target, None)
                self._collect(stmt.body)
                self._collect(stmt.orelse)
            elif isinstance(stmt, r.Try):
                self._collect(stmt.body)
                for handler in stmt.handlers:
                    self._collect(handler.body)
                self._collect(stmt.orelse)
                self._collect(stmt.final)
            elif isinstance(stmt, r.With):
                for item in stmt.items:
                    if item.target is not None:
                        self._bind(item.target, None)
                self._collect(stmt.body)

    def _bind(self, target: r.Expr, value: r.Expr | None) -> None:
        if type(target) is r.Name:
            self.bindings.setdefault(target.id, []).append(value)
        elif type(target) is r.Seq:
            parts = value.items if type(value) is r.Seq and len(value.items) == len(target.items) else None
            for at, item in enumerate(target.items):
                self._bind(item, parts[at] if parts is not None else None)

    def _collect_import(self, stmt: r.Import) -> None:
        if not stmt.is_from:
            for name in stmt.names:
                if name.asname:
                    self.bindings.setdefault(name.asname, []).append(ImportedName(self.known_as(name.name), None))
                else:
                    top = name.name.split(".", 1)[0]
                    self.bindings.setdefault(top, []).append(ImportedName(self.known_as(top), None))
            return
        module = absolute(self, stmt)
        if module is None:
            return
        for name in stmt.names:
            if name.name == "*":
                self.stars.append(module)
            else:
                self.bindings.setdefault(name.asname or name.name, []).append(ImportedName(module, name.name))

    @property
    def imported_as(self) -> str:
        """The name by which this root's own code imports the module."""
        return self.name.removeprefix(f"{self.root}.") if self.own else self.name

    def known_as(self, module: str) -> str:
        """The name under which a module that is imported here is known: of namesakes that of this one's own source root."""
        return f"{self.root}.{module}" if self.own and module.split(".", 1)[0] in self.own else module


def absolute(scope: ModuleScope, stmt: r.Import) -> str | None:
    """The dotted module that a `from` import names; None where it climbs above the root."""
    if stmt.level == 0:
        return scope.known_as(stmt.module or "")
    parts = scope.name.split(".")
    drop = stmt.level - (1 if scope.is_package else 0)
    if drop > len(parts):
        return None
    head = parts[: len(parts) - drop]
    if stmt.module:
        head.append(stmt.module)
    return ".".join(head)


_NO_CYCLE = 1 << 30


class Symbols:
    """The project's modules, and every class and function in them at any depth."""

    def __init__(self, scopes: dict[str, ModuleScope]) -> None:
        self.modules = scopes
        self.by_path = {scope.path: scope for scope in scopes.values()}
        self.classes: dict[str, ClassNode] = {}
        self.functions: dict[str, FunctionNode] = {}
        self.packages: set[str] = set()
        self._nodes: dict[int, str] = {}
        self._memo: dict[tuple[str, str], Symbol | None] = {}
        self._open: dict[tuple[str, str], int] = {}
        """The lookups that are under way, each with how many others were when it began."""
        self._passing: dict[tuple[str, str], tuple[Symbol | None, int]] = {}
        """What was found while a lookup that it needs was under way: it holds until that one is done, which is the one of this number."""
        self._lowest = _NO_CYCLE
        self.asked: set[str] = set()
        """The modules that were not read and that somebody looked for a name in."""
        for name, scope in scopes.items():
            parts = name.split(".")
            for cut in range(1, len(parts)):
                self.packages.add(".".join(parts[:cut]))
            self._index(scope, scope.record.body, "", "", "")

    def _index(self, scope: ModuleScope, body: tuple[r.Stmt, ...], prefix: str, cls: str, outer: str) -> None:
        for stmt in body:
            kind = type(stmt)
            if kind is r.Function:
                assert isinstance(stmt, r.Function)
                id = self._fresh(self.functions, f"{scope.name}:{prefix}{stmt.name}")
                self.functions[id] = FunctionNode(id, scope.name, stmt, cls, outer)
                self._nodes[identity(stmt)] = id
                self._index(scope, stmt.body, id.split(":", 1)[1] + ".<locals>.", "", id)
            elif kind is r.Class:
                assert isinstance(stmt, r.Class)
                id = self._fresh(self.classes, f"{scope.name}:{prefix}{stmt.name}")
                self.classes[id] = ClassNode(id, scope.name, stmt, cls or outer)
                self._nodes[identity(stmt)] = id
                self._index(scope, stmt.body, id.split(":", 1)[1] + ".", id, outer)
            else:
                for inner in nested_bodies(stmt):
                    self._index(scope, inner, prefix, cls, outer)

    @staticmethod
    def _fresh(taken: dict[str, ClassNode] | dict[str, FunctionNode], id: str) -> str:
        if id not in taken:
            return id
        count = 2
        while f"{id}#{count}" in taken:
            count += 1
        return f"{id}#{count}"

    def id_of(self, node: r.Class | r.Function) -> str:
        """The id of a class or function statement of some record."""
        return self._nodes[identity(node)]

    def is_module(self, name: str) -> bool:
        return name in self.modules or name in self.packages

    def lookup(self, module: str, name: str) -> Symbol | None:
        """What `name` is at the top of `module`; None where the module does not bind it."""
        key = (module, name)
        if key in self._memo:
            return self._memo[key]
        passing = self._passing.get(key)
        if passing is not None:
            self._lowest = min(self._lowest, passing[1])
            return passing[0]
        at = self._open.get(key)
        if at is not None:
            self._lowest = min(self._lowest, at)
            return None  # an import cycle finds nothing new here
        own, outer = len(self._open), self._lowest
        self._open[key], self._lowest = own, _NO_CYCLE
        found = self._lookup(module, name)
        del self._open[key]
        lowest = self._lowest
        if lowest < own:
            self._passing[key] = (found, lowest)
            self._lowest = min(outer, lowest)
            return found
        self._memo[key] = found
        if lowest == own:
            self._passing = {other: item for other, item in self._passing.items() if item[1] < own}
        self._lowest = outer
        return found

    def _lookup(self, module: str, name: str) -> Symbol | None:
        scope = self.modules.get(module)
        if scope is None:
            return DefinedModule(f"{module}.{name}") if self.is_module(f"{module}.{name}") else None
        if not scope.record.lines:
            self.asked.add(module)
        found: Symbol | None = None
        for binding in scope.bindings.get(name, ()):
            symbol = self._symbol(module, name, binding)
            if symbol is None:
                continue
            # A project's own definition says more than a library's fallback for it under try/except or TYPE_CHECKING.
            if (
                found is None
                or isinstance(found, Library)
                or (isinstance(found, Variable) and isinstance(symbol, (DefinedClass, DefinedFunction)))
            ):
                found = symbol
        if found is not None:
            return found
        for star in scope.stars:
            if star == module:
                continue
            if star in self.modules:
                starred = self.lookup(star, name) if self._exports(star, name) else None
                if starred is not None:
                    return starred
            elif star.startswith(("sqlalchemy", "sqlmodel")) and not self.is_module(star.split(".")[0]):
                return Library(f"{star}.{name}")
        if scope.is_package and self.is_module(f"{module}.{name}"):
            return DefinedModule(f"{module}.{name}")
        if "__getattr__" in scope.bindings:
            return None
        return None

    def _exports(self, module: str, name: str) -> bool:
        """Whether `from module import *` brings `name`."""
        listed = self.modules[module].bindings.get("__all__")
        if listed and all(isinstance(value, r.Seq) for value in listed):
            return any(isinstance(item, r.Const) and item.value == name for value in listed for item in value.items)  # type: ignore[attr-defined]
        return not name.startswith("_")

    def _symbol(self, module: str, name: str, binding: object) -> Symbol | None:
        if isinstance(binding, ImportedName):
            if binding.name is None:
                return DefinedModule(binding.module) if self.is_module(binding.module) else Library(binding.module)
            return self.member(binding.module, binding.name)
        if isinstance(binding, r.Class):
            return DefinedClass(self.id_of(binding))
        if isinstance(binding, r.Function):
            return DefinedFunction(self.id_of(binding))
        return Variable(module, name)

    def member(self, module: str, name: str) -> Symbol | None:
        """What `module.name` is, for a module of the project or of a library."""
        if module in self.modules:
            found = self.lookup(module, name)
            if found is not None:
                return found
            return DefinedModule(f"{module}.{name}") if self.is_module(f"{module}.{name}") else None
        if self.is_module(module):
            return DefinedModule(f"{module}.{name}") if self.is_module(f"{module}.{name}") else None
        return Library(f"{module}.{name}" if module else name)

    def dotted(self, path: str) -> Symbol | None:
        """What a dotted path such as `pkg.mod.Class` is."""
        parts = path.split(".")
        for cut in range(len(parts) - 1, 0, -1):
            module = ".".join(parts[:cut])
            if module in self.modules:
                return self.lookup(module, parts[cut]) if cut == len(parts) - 1 else None
        return None

    def spelled(self, module: str, expr: r.Expr | None) -> str:
        """The last part of a name as its own module has it, whatever an import calls it here: `Optional` for `Optional_`."""
        if isinstance(expr, r.Name):
            found = self.lookup(module, expr.id)
            if isinstance(found, Library):
                return found.name.rpartition(".")[2]
            if isinstance(found, (DefinedClass, DefinedFunction)):
                return found.id.rpartition(":")[2].rpartition(".")[2]
        return last_name(expr)

    def decorator_names(self, module: str, node: r.Function) -> tuple[str, ...]:
        """The names of a function's decorators, as `spelled` has them."""
        return tuple([self.spelled(module, applied(item)) for item in node.decorators])


def last_name(expr: r.Expr | None) -> str:
    """The last part of a name as it is written: `Session` of `orm.Session`."""
    return expr.attr if type(expr) is r.Attr else expr.id if type(expr) is r.Name else ""


def applied(decorator: r.Expr) -> r.Expr:
    """What a decorator names: itself, or what it calls."""
    return decorator.func if type(decorator) is r.Call else decorator


def identity(node: object) -> int:
    return id(node)


def nested_bodies(stmt: r.Stmt) -> Iterator[tuple[r.Stmt, ...]]:
    """The blocks inside a compound statement, not those of functions and classes."""
    if isinstance(stmt, (r.If, r.While, r.For)):
        yield stmt.body
        yield stmt.orelse
    elif type(stmt) is r.Try:
        yield stmt.body
        for handler in stmt.handlers:
            yield handler.body
        yield stmt.orelse
        yield stmt.final
    elif type(stmt) is r.With:
        yield stmt.body
    elif type(stmt) is r.Match:
        for case in stmt.cases:
            yield case.body


def statements(body: tuple[r.Stmt, ...]) -> Iterator[r.Stmt]:
    """Every statement of a body, those of nested blocks and functions included."""
    for stmt in body:
        yield stmt
        if isinstance(stmt, (r.Function, r.Class)):
            yield from statements(stmt.body)
        for inner in nested_bodies(stmt):
            yield from statements(inner)


def flat_statements(body: tuple[r.Stmt, ...]) -> Iterator[r.Stmt]:
    """Every statement of a body and its nested blocks, those of inner functions and classes left out."""
    for stmt in body:
        yield stmt
        for inner in nested_bodies(stmt):
            yield from flat_statements(inner)
