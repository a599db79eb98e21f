"""Classes across files, by id: what names mean in their declarations, whom they inherit a member from, which of them are mapped.

Takes the symbols; `class_reading` fills it with a `ClassInfo` for every class and a `Model` for every mapped one. Declarations are read,
never run. Answers questions about them; knows nothing of values.
"""

from __future__ import annotations

from collections.abc import Iterator

from ormlint.facts import records as r
from ormlint.orms import registry as orms
from ormlint.semantics.annotations import parse_annotation
from ormlint.semantics.definitions import DefinedClass, DefinedFunction, DefinedModule, Library, Symbol, Variable
from ormlint.semantics.mapped import Attribute, ClassInfo, Model
from ormlint.semantics.symbols import Symbols, statements


class Classes:
    """All classes of the project by id; `subclasses` and `by_name` are indexes over them."""

    def __init__(self, symbols: Symbols) -> None:
        self.symbols = symbols
        self.infos: dict[str, ClassInfo] = {}
        self.subclasses: dict[str, list[str]] = {}
        self.by_name: dict[str, list[str]] = {}
        self.by_table: dict[str, list[str]] = {}
        self.imperative: dict[str, tuple[str, r.Call]] = {}
        """The classes that a call maps, with the module and the call."""
        self.mappers: dict[tuple[str, str], str] = {}
        """The names, by module, that stand for the mapper of a class."""
        self._protocols: dict[str, tuple[str, ...]] | None = None
        self._written: dict[tuple[str, str, str], tuple[str, r.Expr] | None] = {}
        self.failed: dict[str, str] = {}
        """The classes that could not be understood, with what went wrong inside this program."""
        self.pending: list[tuple[str, str, bool, dict[str, r.Expr], r.Expr | None]] = []
        """Relationships whose direction and other side are told once all have been read: the class and the name, whether the direction is
        open, the arguments, the backref."""

    def resolve(self, module: str, expr: r.Expr | None) -> Symbol | None:
        """The symbol that a dotted expression names; `db.X` of a Flask-SQLAlchemy object is `Library("flask_sqlalchemy.SQLAlchemy.X")`."""
        if type(expr) is r.Name:
            found = self.symbols.lookup(module, expr.id)
            if found is None and "." in module:
                return None
            return found
        if type(expr) is r.Const and expr.kind == "str" and isinstance(expr.value, str):
            parsed = parse_annotation(expr.value, expr.start, expr.end)
            return self.resolve(module, parsed) if parsed is not None and type(parsed) is not r.Const else None
        if type(expr) is r.Attr:
            owner = self.resolve(module, expr.value)
            if isinstance(owner, DefinedModule):
                return self.symbols.member(owner.name, expr.attr)
            if isinstance(owner, Library):
                return Library(f"{owner.name}.{expr.attr}")
            if isinstance(owner, DefinedClass):
                info = self.infos.get(owner.id)
                if info is not None and expr.attr in info.nested:
                    return DefinedClass(info.nested[expr.attr])
                return None
            if isinstance(owner, Variable):
                kind = self.variable_kind(owner)
                if kind:
                    return Library(f"{kind}.{expr.attr}")
                written = self.on_object(owner, expr.attr)
                return self.resolve(*written) if written is not None and type(written[1]) in (r.Name, r.Attr) else None
            return None
        if type(expr) is r.Sub:
            return self.resolve(module, expr.value)
        return None

    def variable_kind(self, variable: Variable, depth: int = 0) -> str:
        """The dotted library class that a module's variable is an instance of, for `db = SQLAlchemy()` and its like; else ""."""
        scope = self.symbols.modules.get(variable.module)
        if scope is None or depth > 8:
            return ""
        for binding in scope.bindings.get(variable.name, ()):
            if type(binding) is r.Call:
                called = self.resolve(variable.module, binding.func)
                if isinstance(called, Library):
                    return called.name
                if isinstance(called, DefinedClass):
                    for library in self._ancestral_libraries(called.id, set()):
                        if library.startswith("flask_sqlalchemy"):
                            return library
                if isinstance(called, DefinedFunction):
                    returned = self.returned_call(called.id)
                    if returned:
                        return returned
            elif type(binding) is r.Attr or type(binding) is r.Name:
                symbol = self.resolve(variable.module, binding)
                if isinstance(symbol, Library):
                    return symbol.name
                if isinstance(symbol, Variable) and symbol != variable:
                    return self.variable_kind(symbol, depth + 1)
        return ""

    def on_object(self, variable: Variable, name: str) -> tuple[str, r.Expr] | None:
        """What is written for an attribute of `db = Database()`, of a class of the project's own: in its body, or set on `self`; with the
        module whose names it is written in."""
        key = (variable.module, variable.name, name)
        if key not in self._written:
            self._written[key] = None
            for binding in self.symbols.modules[variable.module].bindings.get(variable.name, ()):
                called = self.resolve(variable.module, binding.func) if type(binding) is r.Call else None
                node = self.symbols.classes.get(called.id) if isinstance(called, DefinedClass) else None
                if node is not None:
                    self._written[key] = next(((node.module, value) for value in _values_of(node.node.body, name)), None)
        return self._written[key]

    def _ancestral_libraries(self, cls: str, seen: set[str]) -> Iterator[str]:
        """The libraries' classes that a class derives from, told from what is written: classes are asked before all are known."""
        node = self.symbols.classes.get(cls)
        if node is None or cls in seen:
            return
        seen.add(cls)
        for arg in node.node.bases:
            if arg.keyword is None and isinstance(arg.value, (r.Name, r.Attr)):
                base = self.resolve(node.module, arg.value)
                if isinstance(base, Library):
                    yield base.name
                elif isinstance(base, DefinedClass):
                    yield from self._ancestral_libraries(base.id, seen)

    def returned_call(self, function: str) -> str:
        node = self.symbols.functions[function]
        for stmt in node.node.body:
            if isinstance(stmt, r.Return) and type(stmt.value) is r.Call:
                called = self.resolve(node.module, stmt.value.func)
                if isinstance(called, Library):
                    return called.name
        return ""

    def kind(self, symbol: Symbol | None) -> str:
        """The vocabulary's kind of a library symbol, or ""."""
        if isinstance(symbol, Library):
            row = orms.CLASSES.get(symbol.name)
            return row.kind if row is not None else ""
        return ""

    def protocols_with(self, method: str) -> tuple[str, ...]:
        """The Protocols of the project that ask for a method of this name."""
        if self._protocols is None:
            found: dict[str, list[str]] = {}
            for id, info in self.infos.items():
                if any(library.endswith(".Protocol") for library in info.libraries):
                    for name in info.methods:
                        found.setdefault(name, []).append(id)
            self._protocols = {name: tuple(ids) for name, ids in found.items()}
        return self._protocols.get(method, ())

    def member(self, cls: str, name: str) -> tuple[str, list[str]] | None:
        """The class of the MRO that defines method `name`, and the ids of its definitions there."""
        info = self.infos.get(cls)
        if info is None:
            return None
        for ancestor in info.mro:
            found = self.infos[ancestor].methods.get(name)
            if found:
                return ancestor, found
        return None

    def attribute(self, cls: str, name: str) -> tuple[str, r.Expr] | None:
        """The class of the MRO that assigns `name` in its body, with the expression."""
        info = self.infos.get(cls)
        if info is None:
            return None
        for ancestor in info.mro:
            found = self.infos[ancestor].attrs.get(name)
            if found is not None:
                return ancestor, found
        return None

    def annotation(self, cls: str, name: str) -> tuple[str, r.Expr] | None:
        """The class of the MRO that annotates `name` in its body, with the annotation."""
        info = self.infos.get(cls)
        if info is None:
            return None
        for ancestor in info.mro:
            found = self.infos[ancestor].annotations.get(name)
            if found is not None:
                return ancestor, found
        return None

    def model(self, cls: str) -> Model | None:
        info = self.infos.get(cls)
        return info.model if info is not None else None

    def mapped_attribute(self, cls: str, name: str) -> Attribute | None:
        model = self.model(cls)
        return model.attributes.get(name) if model is not None else None

    def named(self, module: str, name: str) -> str | None:
        """The mapped class that a registry would find under a string: `Order`, `shop.models.Order`; None where ambiguous."""
        path, _, short = name.rpartition(".")
        found = self.by_name.get(short, [])
        if path:
            exact = [id for id in found if id.split(":")[0] == path or id.split(":")[0].endswith("." + path)]
            found = exact or found
        if len(found) <= 1:
            return found[0] if found else None
        near = [id for id in found if id.split(":")[0] == module]
        if len(near) == 1:
            return near[0]
        package = module.rsplit(".", 1)[0]
        near = [id for id in found if id.split(":")[0].rsplit(".", 1)[0] == package]
        if len(near) == 1:
            return near[0]
        top = module.split(".")[0]
        near = [id for id in found if id.split(":")[0].split(".")[0] == top and self.symbols.modules[id.split(":")[0]].role == "code"]
        return near[0] if len(near) == 1 else None


def _values_of(body: tuple[r.Stmt, ...], name: str) -> Iterator[r.Expr]:
    """What a class's body, or a method of it by `self.name = …`, binds to a name."""
    for stmt in body:
        if isinstance(stmt, (r.Assign, r.AnnAssign)) and stmt.value is not None:
            targets = stmt.targets if isinstance(stmt, r.Assign) else (stmt.target,)
            if any(type(target) is r.Name and target.id == name for target in targets):
                yield stmt.value
        elif isinstance(stmt, r.Function) and stmt.name == "__init__":
            for inner in statements(stmt.body):
                if isinstance(inner, (r.Assign, r.AnnAssign)) and inner.value is not None:
                    targets = inner.targets if isinstance(inner, r.Assign) else (inner.target,)
                    if any(type(target) is r.Attr and target.attr == name and _is_self(target.value) for target in targets):
                        yield inner.value


def _is_self(expr: r.Expr) -> bool:
    return type(expr) is r.Name and expr.id == "self"
