"""Classes across files, and which of them are mapped: bases, members, columns, relationships, backrefs, strategies.

Takes the symbols; gives `ClassInfo` for every class and `Model` for every mapped one. Declarations are read, never run:
1.x `Column` style, 2.x annotations, Flask-SQLAlchemy, SQLModel, decorators and imperative maps. A class whose base belongs to a
library that is not known counts as mapped when its body says so itself (`__tablename__` with columns). A relationship whose
target cannot be found has target None; nothing is concluded from it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator

import msgspec

from ormlint.facts import records as r
from ormlint.facts.walking import walk
from ormlint.orms import registry as orms
from ormlint.semantics.annotations import parse_annotation
from ormlint.semantics.definitions import ClassNode, DefinedClass, DefinedFunction, DefinedModule, FunctionNode, Library, Symbol, Variable
from ormlint.semantics.kinds import kind_of
from ormlint.semantics.mapped import Attribute, ClassInfo, Model
from ormlint.semantics.symbols import Symbols, absolute, last_name, nested_bodies, statements
from ormlint.semantics.values import Site

_PLURALS = {
    "list": "list", "List": "list", "Sequence": "list", "set": "set", "Set": "set", "frozenset": "set", "Collection": "list",
    "Iterable": "list", "MutableSequence": "list", "MutableSet": "set", "AbstractSet": "set", "InstrumentedList": "list",
    "dict": "dict", "Dict": "dict", "Mapping": "dict", "MutableMapping": "dict", "KeyFuncDict": "dict", "tuple": "list",
    "OrderingList": "list", "deque": "list", "InstrumentedSet": "set", "InstrumentedDict": "dict",
}  # fmt: skip


_IMPERATIVE = frozenset({"map_imperatively", "mapper"})


class Classes:
    """All classes of the project by id; `subclasses` and `by_name` are indexes over them."""

    def __init__(self, symbols: Symbols) -> None:
        self.symbols = symbols
        self.infos: dict[str, ClassInfo] = {}
        self.subclasses: dict[str, list[str]] = {}
        self.by_name: dict[str, list[str]] = {}
        self.by_table: dict[str, list[str]] = {}
        self._imperative: dict[str, tuple[str, r.Call]] = {}
        self._mapped_by: dict[int, str] = {}
        self._mappers: dict[tuple[str, str], str] = {}
        self._protocols: dict[str, tuple[str, ...]] | None = None
        self._written: dict[tuple[str, str, str], tuple[str, r.Expr] | None] = {}
        self.failed: dict[str, str] = {}
        """The classes that could not be understood, with what went wrong inside this program."""
        self._pending: list[tuple[str, str, bool, dict[str, r.Expr], r.Expr | None]] = []
        for id, node in symbols.classes.items():
            self.infos[id] = self._info(id, node)
        for id in self.infos:
            self._linearise(id, ())
        for id, info in self.infos.items():
            for base in info.mro[1:]:
                self.subclasses.setdefault(base, []).append(id)
        self._find_imperative()
        mapped: dict[str, Model | None] = {}
        self._each(self.infos, lambda info: self._mapped(info.id, mapped))
        models = [id for id, model in mapped.items() if model is not None]
        for id in models:
            self.infos[id].model = mapped[id]
            self.by_name.setdefault(self.infos[id].name, []).append(id)
            table = self.infos[id].model.table  # type: ignore[union-attr]
            if table:
                self.by_table.setdefault(table, []).append(id)
        self._each(models, self._declare)
        self._each(models, self._inherit)
        self._each(models, self._relate)
        self._each(sorted(models, key=lambda id: len(self.infos[id].mro)), self._inherit)
        self._each(models, self._renew)

    def _each(self, ids: Iterable[str], step: Callable[[ClassInfo], object]) -> None:
        """One step of understanding for each class; what fails costs what is known of that class, nothing else."""
        for id in list(ids):
            try:
                step(self.infos[id])
            except Exception as error:
                if os.environ.get("ORMLINT_DEBUG"):
                    raise
                self.failed[id] = type(error).__name__

    # Names

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
                written = self._on_object(owner, expr.attr)
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
                    returned = self._returned_call(called.id)
                    if returned:
                        return returned
            elif type(binding) is r.Attr or type(binding) is r.Name:
                symbol = self.resolve(variable.module, binding)
                if isinstance(symbol, Library):
                    return symbol.name
                if isinstance(symbol, Variable) and symbol != variable:
                    return self.variable_kind(symbol, depth + 1)
        return ""

    def _on_object(self, variable: Variable, name: str) -> tuple[str, r.Expr] | None:
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

    def _returned_call(self, function: str) -> str:
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

    # Structure

    def _info(self, id: str, node: ClassNode) -> ClassInfo:
        bases: list[Symbol] = []
        base_args: list[tuple[str, tuple[r.Expr, ...]]] = []
        keywords: dict[str, r.Expr] = {}
        for arg in node.node.bases:
            if arg.keyword:
                keywords[arg.keyword] = arg.value
            elif not arg.star:
                self._add_base(node, arg.value, bases, base_args)
        methods: dict[str, list[str]] = {}
        attrs: dict[str, r.Expr] = {}
        annotations: dict[str, r.Expr] = {}
        nested: dict[str, str] = {}
        self._members(node.node.body, methods, attrs, annotations, nested)
        return ClassInfo(
            id, node.node.name, node.module, node.node, tuple(bases), tuple(base_args), methods, attrs, annotations, keywords,
            type_params=node.node.type_params, nested=nested,
        )  # fmt: skip

    def _add_base(self, node: ClassNode, expr: r.Expr, bases: list[Symbol], base_args: list[tuple[str, tuple[r.Expr, ...]]]) -> None:
        if type(expr) is r.Call:  # with_metaclass(Meta, Base), automap_base()
            symbol = self.resolve(node.module, expr.func)
            if isinstance(symbol, Library) and kind_of(symbol.name) == "declarative_base_factory":
                bases.append(symbol)
            for arg in expr.args:
                if arg.keyword is None and not arg.star:
                    self._add_base(node, arg.value, bases, base_args)
            return
        args: tuple[r.Expr, ...] = ()
        if type(expr) is r.Sub:
            args = expr.index.items if type(expr.index) is r.Seq and expr.index.kind == "tuple" else (expr.index,)
            expr = expr.value
        symbol = self._sibling(node, expr) or self.resolve(node.module, expr)
        if isinstance(symbol, Variable):
            mixin = self._base_mixin(symbol)
            symbol = self._variable_base(symbol) or symbol
            if mixin is not None:
                bases.append(mixin)
        if symbol is None and type(expr) is r.Attr:
            owner = self.resolve(node.module, expr.value)
            written = self._on_object(owner, expr.attr) if isinstance(owner, Variable) else None
            symbol = self._base_of(*written) if written is not None and type(written[1]) is r.Call else None
        if symbol is None and type(expr) is r.Name:
            symbol = Library(f"builtins.{expr.id}")
        if isinstance(symbol, Library) and symbol.name.endswith(".Model") and type(expr) is r.Attr:
            bases.extend(self._model_class(self.resolve(node.module, expr.value)))
        if symbol is not None:
            bases.append(symbol)
            if args:
                name = symbol.id if isinstance(symbol, DefinedClass) else getattr(symbol, "name", "")
                base_args.append((name, args))

    def _sibling(self, node: ClassNode, expr: r.Expr) -> Symbol | None:
        """A class of the same enclosing class or function body."""
        if not node.outer or type(expr) is not r.Name:
            return None
        prefix = node.outer if node.outer in self.symbols.classes else node.outer + ".<locals>"
        id = f"{prefix}.{expr.id}"
        return DefinedClass(id) if id in self.symbols.classes and id != node.id else None

    def _model_class(self, database: Symbol | None) -> Iterator[Symbol]:
        """The project's class behind `db.Model`, where `db = SQLAlchemy(model_class=…)` says so."""
        if not isinstance(database, Variable):
            return
        for binding in self.symbols.modules[database.module].bindings.get(database.name, ()):
            for arg in binding.args if isinstance(binding, r.Call) else ():
                if arg.keyword != "model_class":
                    continue
                given = [arg.value]
                if isinstance(arg.value, r.Call):
                    given = [inner.value for inner in arg.value.args if inner.keyword == "cls"]
                for expr in given:
                    found = self.resolve(database.module, expr)
                    if isinstance(found, DefinedClass):
                        yield found

    def _base_mixin(self, variable: Variable) -> Symbol | None:
        """The `cls=` of `Base = declarative_base(cls=Mixin)`: every mapped class has its members."""
        for binding in self.symbols.modules[variable.module].bindings.get(variable.name, ()):
            if isinstance(binding, r.Call):
                for arg in binding.args:
                    if arg.keyword == "cls":
                        inner = self.resolve(variable.module, arg.value)
                        return inner if isinstance(inner, DefinedClass) else None
        return None

    def _variable_base(self, variable: Variable, depth: int = 0) -> Symbol | None:
        """What a variable used as a base class stands for: `Base = declarative_base()`, `Model = db.Model`."""
        scope = self.symbols.modules[variable.module]
        for binding in scope.bindings.get(variable.name, ()):
            if type(binding) is r.Call:
                made = self._base_of(variable.module, binding)
                if made is not None:
                    return made
            elif isinstance(binding, (r.Name, r.Attr)) and depth < 6:
                symbol = self.resolve(variable.module, binding)
                if isinstance(symbol, Variable) and symbol != variable:
                    symbol = self._variable_base(symbol, depth + 1) or symbol
                if symbol is not None and symbol != variable:
                    return symbol
        kind = self.variable_kind(variable)
        return Library(kind) if kind else None

    def _base_of(self, module: str, call: r.Expr) -> Symbol | None:
        """The base class that a call makes: `declarative_base()`, directly or through a helper or wrapper."""
        if type(call) is not r.Call:
            return None
        called = self.resolve(module, call.func)
        if self.kind(called) == "declarative_base_factory":
            return called
        if isinstance(called, Library) and called.name.endswith((".generate_base", ".make_declarative_base")):
            return Library("sqlalchemy.orm.declarative_base")
        if isinstance(called, DefinedFunction):
            returned = self._returned_call(called.id)
            if kind_of(returned) == "declarative_base_factory":
                return Library(returned)
        for arg in call.args:  # a wrapper such as cast(Any, declarative_base()) or six.add_metaclass
            if type(arg.value) is r.Call and self.kind(self.resolve(module, arg.value.func)) == "declarative_base_factory":
                return self.resolve(module, arg.value.func)
        return None

    def _members(
        self,
        body: tuple[r.Stmt, ...],
        methods: dict[str, list[str]],
        attrs: dict[str, r.Expr],
        annotations: dict[str, r.Expr],
        nested: dict[str, str],
    ) -> None:
        for stmt in body:
            if isinstance(stmt, r.Function):
                methods.setdefault(stmt.name, []).append(self.symbols.id_of(stmt))
            elif isinstance(stmt, r.Class):
                nested[stmt.name] = self.symbols.id_of(stmt)
            elif isinstance(stmt, r.Assign):
                for target in stmt.targets:
                    if type(target) is r.Name:
                        attrs[target.id] = stmt.value
            elif isinstance(stmt, r.AnnAssign) and type(stmt.target) is r.Name:
                annotations[stmt.target.id] = stmt.annotation
                if stmt.value is not None:
                    attrs[stmt.target.id] = stmt.value
            else:
                for inner in nested_bodies(stmt):
                    self._members(inner, methods, attrs, annotations, nested)

    def _linearise(self, id: str, active: tuple[str, ...]) -> tuple[str, ...]:
        info = self.infos[id]
        if info.mro:
            return info.mro
        if id in active:
            return ()
        order: list[str] = [id]
        libraries: list[str] = []
        chains = []
        for base in info.bases:
            if isinstance(base, DefinedClass) and base.id in self.infos:
                chains.append(self._linearise(base.id, (*active, id)))
                for library in self.infos[base.id].libraries:
                    if library not in libraries:
                        libraries.append(library)
            elif isinstance(base, Library) and base.name not in libraries:
                libraries.append(base.name)
        for at, chain in enumerate(chains):
            for cls in chain:
                if cls not in order and not any(cls in later for later in chains[at + 1 :]):
                    order.append(cls)
        info.mro = tuple(order)
        info.libraries = tuple(libraries)
        return info.mro

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

    # Which classes are mapped

    def _find_imperative(self) -> None:
        for module, scope in self.symbols.modules.items():
            if _IMPERATIVE.isdisjoint(scope.record.words):
                continue
            for call in _calls_of(scope.record.body):
                name = last_name(call.func)
                if name not in _IMPERATIVE or not call.args:
                    continue
                symbol = self.resolve(module, call.func)
                if name == "mapper" and not (isinstance(symbol, Library) and symbol.name.startswith("sqlalchemy")):
                    continue
                target = self.resolve(module, call.args[0].value)
                if target is None and type(call.args[0].value) is r.Name:
                    target = self._local_import(scope.record.body, module, call.args[0].value.id)
                if isinstance(target, DefinedClass):
                    self._imperative[target.id] = (module, call)
                    self._mapped_by[id(call)] = target.id
            for stmt in statements(scope.record.body):
                if isinstance(stmt, r.Assign) and id(stmt.value) in self._mapped_by:
                    for bound in stmt.targets:
                        if isinstance(bound, r.Name):
                            self._mappers[(module, bound.id)] = self._mapped_by[id(stmt.value)]

    def _local_import(self, body: tuple[r.Stmt, ...], module: str, name: str) -> Symbol | None:
        scope = self.symbols.modules[module]
        for stmt in statements(body):
            if isinstance(stmt, r.Import) and stmt.is_from and stmt.module:
                for imported in stmt.names:
                    if (imported.asname or imported.name) == name:
                        target = absolute(scope, stmt)
                        return self.symbols.member(target, imported.name) if target else None
        return None

    def _mapped(self, id: str, memo: dict[str, Model | None]) -> Model | None:
        if id in memo:
            return memo[id]
        memo[id] = None
        info = self.infos[id]
        style = self._style(info)
        if id in self._imperative:
            style = "imperative"
        if not style:
            return None
        if style == "base":
            info.is_base = True
            return None
        parent = next((memo_model for base in info.mro[1:] if (memo_model := self._mapped(base, memo)) is not None), None)
        table = self._table(info)
        abstract = info.attrs.get("__abstract__")
        if isinstance(abstract, r.Const) and abstract.value is True:
            info.is_base = True
            return None
        if style == "sqlmodel":
            flag = info.keywords.get("table")
            if not (isinstance(flag, r.Const) and flag.value is True):
                return None
            table = table or info.name.lower()
        elif style == "flask":
            if table is None and parent is None and self.subclasses.get(id) and not self._declares_anything(info):
                info.is_base = True
                return None
            if any(isinstance(base, Library) and kind_of(base.name) == "declarative_base" for base in info.bases) and table is None:
                table = _snake(info.name)
            table = table or _snake(info.name)
        elif style == "declarative":
            has_table = table is not None or any("__table__" in self.infos[c].attrs for c in info.mro)
            dynamic = any("__tablename__" in self.infos[c].methods or "__table_cls__" in self.infos[c].methods for c in info.mro)
            if not has_table and parent is None:
                if not dynamic and not self._declares_key(info):
                    info.is_base = True
                    return None
                if dynamic and not self._declares_columns(info) and not self._declares_key(info):
                    info.is_base = True
                    return None
        elif style == "imperative":
            table = None
        memo[id] = Model(
            id,
            table,
            style,
            {},
            versioned=self._mapper_argument(info, "version_id_col"),
            version=self._version_column(info),
            polymorphic=self._mapper_argument(info, "with_polymorphic") or self._mapper_argument(info, "polymorphic_load"),
        )
        return memo[id]

    def _mapper_argument(self, info: ClassInfo, name: str) -> bool:
        """Whether `__mapper_args__` of the class or an ancestor has the argument `name`."""
        for cls in info.mro:
            args = self.infos[cls].attrs.get("__mapper_args__")
            if isinstance(args, r.Dict) and any(isinstance(key, r.Const) and key.value == name for key in args.keys):
                return True
            if isinstance(args, r.Call) and any(arg.keyword == name for arg in args.args):
                return True
            if "__mapper_args__" in self.infos[cls].methods:
                node = self.symbols.functions[self.infos[cls].methods["__mapper_args__"][0]].node
                if any(isinstance(c, r.Const) and c.value == name for c in _constants(node.body)):
                    return True
        return False

    def _version_column(self, info: ClassInfo) -> str:
        for cls in info.mro:
            args = self.infos[cls].attrs.get("__mapper_args__")
            if isinstance(args, r.Dict):
                for key, value in zip(args.keys, args.values, strict=True):
                    if isinstance(key, r.Const) and key.value == "version_id_col":
                        return (_last_names(value) or ("",))[-1]
            for arg in args.args if isinstance(args, r.Call) else ():
                if arg.keyword == "version_id_col":
                    return (_last_names(arg.value) or ("",))[-1]
        return ""

    def _declares_key(self, info: ClassInfo) -> bool:
        return any(
            type(value) is r.Call
            and self.kind(self.resolve(self.infos[cls].module, value.func)) == "column"
            and any(arg.keyword == "primary_key" for arg in value.args)
            for cls in info.mro
            for value in self.infos[cls].attrs.values()
        )

    def _declares_columns(self, info: ClassInfo) -> bool:
        if any(
            type(value) is r.Call and self.kind(self.resolve(info.module, value.func)) in ("column", "relationship")
            for value in info.attrs.values()
        ):
            return True
        return any(self._mapped_form(info.module, annotation) is not None for annotation in info.annotations.values())

    def _declares_anything(self, info: ClassInfo) -> bool:
        """Whether a class or an ancestor may give its table columns: Flask-SQLAlchemy makes no table of a class without a key."""
        return any(
            self._declares_columns(self.infos[cls])
            or any(isinstance(value, r.Call) for value in self.infos[cls].attrs.values())
            or any(self._is_attr(ids[0]) for ids in self.infos[cls].methods.values())
            or "__tablename__" in self.infos[cls].methods
            for cls in info.mro
        )

    def _is_attr(self, id: str) -> bool:
        return "declared_attr" in self.symbols.decorator_names(self.symbols.functions[id].module, self.symbols.functions[id].node)

    def _style(self, info: ClassInfo) -> str:
        for decorator in info.node.decorators:
            func = decorator.func if type(decorator) is r.Call else decorator
            symbol = self.resolve(info.module, func)
            if isinstance(symbol, Library):
                if symbol.name.endswith((".mapped", ".mapped_as_dataclass")) or kind_of(symbol.name) == "mapped_decorator":
                    return "declarative"
                if symbol.name.endswith((".as_declarative", ".as_declarative_base")):
                    return "base"
        direct = False
        for cls in info.mro:
            for base in self.infos[cls].bases:
                if not isinstance(base, Library):
                    continue
                if base.name.startswith("flask_sqlalchemy") and base.name.endswith(".Model"):
                    return "flask"
                if base.name in ("sqlmodel.SQLModel", "sqlmodel.main.SQLModel"):
                    return "sqlmodel"
                kind = kind_of(base.name)
                if kind in ("declarative_base", "declarative_base_factory"):
                    direct = direct or cls == info.id
                    if (
                        direct
                        and kind == "declarative_base"
                        and info.id == cls
                        and self._table(info) is None
                        and not self._declares_columns(info)
                    ):
                        return "base"
                    return "declarative"
            for decorator in self.infos[cls].node.decorators:
                func = decorator.func if type(decorator) is r.Call else decorator
                symbol = self.resolve(self.infos[cls].module, func)
                if isinstance(symbol, Library) and symbol.name.endswith((".as_declarative", ".as_declarative_base")):
                    return "base" if cls == info.id else "declarative"
            if "__metaclass__" in self.infos[cls].attrs or "metaclass" in self.infos[cls].keywords:
                meta = self.resolve(self.infos[cls].module, self.infos[cls].keywords.get("metaclass"))
                if isinstance(meta, Library) and meta.name.endswith("DeclarativeMeta"):
                    return "base" if cls == info.id and self._table(info) is None else "declarative"
        tabled = "__tablename__" in info.attrs or "__table__" in info.attrs
        if tabled and self._declares_columns(info) and info.bases:
            return "declarative"
        if tabled and "__table__" in info.attrs and any(isinstance(b, (Library, Variable)) for b in info.bases):
            return "declarative"
        if any(
            "__tablename__" in self.infos[cls].attrs and self._declares_columns(self.infos[cls]) and self.infos[cls].bases
            for cls in info.mro[1:]
        ):
            return "declarative"
        return ""

    def _table(self, info: ClassInfo) -> str | None:
        for cls in info.mro:
            value = self.infos[cls].attrs.get("__tablename__")
            if value is not None and not (isinstance(value, r.Const) and value.kind == "none"):
                if isinstance(value, r.Const) and isinstance(value.value, str):
                    return value.value
                return f"?{cls}"
            table = self.infos[cls].attrs.get("__table__")
            if table is not None:
                call = table
                if isinstance(table, (r.Name, r.Attr)):
                    symbol = self.resolve(self.infos[cls].module, table)
                    if isinstance(symbol, Variable):
                        bound = self.symbols.modules[symbol.module].bindings.get(symbol.name) or [None]
                        call = bound[0] if isinstance(bound[0], r.Call) else table
                if isinstance(call, r.Call) and call.args and isinstance(call.args[0].value, r.Const):
                    return str(call.args[0].value.value)
                return f"?{cls}"
        return None

    # What a mapped class declares

    def _declare(self, info: ClassInfo) -> None:
        model = info.model
        assert model is not None
        if info.id in self._imperative:
            self._declare_imperative(info, model)
            return
        sources = [cls for cls in info.mro if cls == info.id or self.infos[cls].model is None]
        for cls in reversed(sources):
            source = self.infos[cls]
            path = self.symbols.modules[source.module].path
            for name in {**source.annotations, **source.attrs}:
                found = self._attribute(source, path, name, source.annotations.get(name), source.attrs.get(name))
                if found is not None:
                    model.attributes[name] = found
            for name, ids in source.methods.items():
                found = self._method_attribute(source, path, name, self.symbols.functions[ids[0]], info)
                if found is not None:
                    model.attributes[name] = found
        for cls in sources:
            self._constrain(self.infos[cls].module, self.infos[cls].attrs.get("__table_args__"), model)
            for module, args in self._table_arguments(self.infos[cls]):
                self._unique(module, args, model)
        table = info.attrs.get("__table__")
        if table is not None:
            self._columns_of_table(info.module, table, model)

    def _table_arguments(self, info: ClassInfo) -> Iterator[tuple[str, tuple[r.Expr, ...]]]:
        """What stands in `__table_args__`, also where a function gives it, and in a `Table` that the class names."""
        args = info.attrs.get("__table_args__")
        if isinstance(args, r.Seq):
            yield info.module, args.items
        for id in info.methods.get("__table_args__", ()):
            function = self.symbols.functions[id]
            for stmt in statements(function.node.body):
                if isinstance(stmt, r.Return) and isinstance(stmt.value, r.Seq):
                    yield function.module, stmt.value.items

    def _unique(self, module: str, items: tuple[r.Expr, ...], model: Model) -> None:
        """`UniqueConstraint("a", "b")`, `Index("ix", "a", unique=True)`: what tells rows apart."""
        for item in items:
            if not isinstance(item, r.Call):
                continue
            name = self.symbols.spelled(module, item.func)
            given = [arg for arg in item.args if arg.keyword is None and not arg.star]
            if name == "Index" and _flag(item, "unique") and not any((arg.keyword or "").endswith("_where") for arg in item.args):
                given = given[1:]
            elif name != "UniqueConstraint":
                continue
            columns = [self._column_named(module, arg.value, model) for arg in given]
            if columns and all(columns):
                model.keys = (*model.keys, frozenset(column for column in columns if column))

    def _column_named(self, module: str, expr: r.Expr, model: Model) -> str:
        if isinstance(expr, r.Const) and isinstance(expr.value, str):
            return expr.value
        return last_name(expr)

    def _constrain(self, module: str, args: r.Expr | None, model: Model) -> None:
        """`ForeignKeyConstraint` in `__table_args__`: its columns are foreign keys too."""
        for item in args.items if isinstance(args, r.Seq) else ():
            if not isinstance(item, r.Call) or self._declared_kind(self.resolve(module, item.func)) != "foreign_key" or len(item.args) < 2:
                continue
            columns, targets = item.args[0].value, item.args[1].value
            if isinstance(columns, r.Seq) and isinstance(targets, r.Seq):
                for column, target in zip(_last_names(columns), targets.items, strict=False):
                    attribute = model.attributes.get(column)
                    if attribute is not None and attribute.foreign is None:
                        model.attributes[column] = msgspec.structs.replace(attribute, foreign=self._foreign(module, target))

    def _columns_of_table(self, module: str, table: r.Expr | None, model: Model) -> None:
        on_class = self._table_on_class(module, table) if isinstance(table, r.Attr) else None
        if on_class is not None:
            table = on_class
        elif isinstance(table, (r.Name, r.Attr)):
            symbol = self.resolve(module, table)
            if not isinstance(symbol, Variable):
                return
            module = symbol.module
            table = next((b for b in self.symbols.modules[module].bindings.get(symbol.name, ()) if isinstance(b, r.Call)), None)
        if not isinstance(table, r.Call):
            return
        path = self.symbols.modules[module].path
        if table.args and isinstance(table.args[0].value, r.Const) and model.table is None:
            model.table = str(table.args[0].value.value)
        self._unique(module, tuple(arg.value for arg in table.args[1:]), model)
        for arg in table.args[1:]:
            call = arg.value
            if isinstance(call, r.Call) and self.kind(self.resolve(module, call.func)) == "column" and call.args:
                first = call.args[0].value
                if isinstance(first, r.Const) and isinstance(first.value, str):
                    model.attributes.setdefault(first.value, self._column(module, path, first.value, call, model.cls))

    def _declare_imperative(self, info: ClassInfo, model: Model) -> None:
        module, call = self._imperative[info.id]
        path = self.symbols.modules[module].path
        if len(call.args) > 1:
            self._columns_of_table(module, call.args[1].value, model)
        for arg in call.args:
            if arg.keyword == "version_id_col":
                model.versioned, model.version = True, (_last_names(arg.value) or ("",))[-1]
            if arg.keyword != "properties":
                continue
            for name, value in self._properties(module, arg.value):
                found = self._call_attribute(module, path, name, value, None, info.id)
                if found is not None:
                    model.attributes[name] = found

    def _properties(self, module: str, expr: r.Expr) -> Iterator[tuple[str, r.Expr]]:
        """The mapped names and what they are: of `{…}`, of `dict(…)`, of a name that stands for one."""
        if isinstance(expr, r.Name):
            for binding in self.symbols.modules[module].bindings.get(expr.id, ()):
                if isinstance(binding, (r.Dict, r.Call)):
                    yield from self._properties(module, binding)
        elif isinstance(expr, r.Dict):
            for key, value in zip(expr.keys, expr.values, strict=True):
                if isinstance(key, r.Const) and isinstance(key.value, str):
                    yield key.value, value
        elif isinstance(expr, r.Call) and isinstance(expr.func, r.Name) and expr.func.id == "dict":
            for arg in expr.args:
                if arg.keyword is not None:
                    yield arg.keyword, arg.value
                elif not arg.star:
                    yield from self._properties(module, arg.value)

    def _table_on_class(self, module: str, expr: r.Attr) -> r.Call | None:
        """`Order.table`, written in the class or assigned to it afterwards."""
        owner = self.resolve(module, expr.value)
        if not isinstance(owner, DefinedClass):
            return None
        written = self.infos[owner.id].attrs.get(expr.attr)
        if isinstance(written, r.Call):
            return written
        for stmt in self.symbols.modules[module].record.body:
            if isinstance(stmt, r.Assign) and isinstance(stmt.value, r.Call):
                for target in stmt.targets:
                    if isinstance(target, r.Attr) and target.attr == expr.attr and self.resolve(module, target.value) == owner:
                        return stmt.value
        return None

    def _attribute(self, source: ClassInfo, path: str, name: str, annotation: r.Expr | None, value: r.Expr | None) -> Attribute | None:
        found = None
        form = self._mapped_form(source.module, annotation) if annotation is not None else None
        if (
            form is None
            and annotation is not None
            and type(value) is r.Call
            and self._is_sqlmodel(source)
            and self._declared_kind(self.resolve(source.module, value.func)) == "relationship"
        ):
            form = ("Mapped", annotation)
        if value is not None:
            found = self._call_attribute(source.module, path, name, value, form, source.id)
            original = _aliased(source, value) if found is None and type(value) is r.Name else None
            if original is not None:
                inner = self._call_attribute(source.module, path, name, original, None, source.id)
                if inner is not None and inner.kind == "column":
                    found = inner
        if found is None and form is not None:
            wrapper, mapped = form
            target, many, kind = self._target(source.module, mapped)
            site = Site(path, annotation.start if annotation else 0, annotation.end if annotation else 0)
            if target is not None:
                lazy = {"WriteOnlyMapped": "write_only", "DynamicMapped": "dynamic"}.get(wrapper, "select")
                return Attribute(
                    name,
                    "relationship",
                    site,
                    source.id,
                    target,
                    many or lazy != "select",
                    lazy,
                    collection=kind,
                    nullable=self._optional(source.module, mapped),
                )
            found = self._declared_column(source, name, site, mapped)
        if found is None and annotation is not None and self._is_sqlmodel(source) and not name.startswith("_"):
            site = Site(path, annotation.start, annotation.end)
            found = self._declared_column(source, name, site, annotation)
        return found

    def _declared_column(self, source: ClassInfo, name: str, site: Site, annotation: r.Expr) -> Attribute:
        """A column of which nothing but its annotation is written."""
        type_, optional = self._column_type(source.module, annotation), self._optional(source.module, annotation)
        return Attribute(name, "column", site, source.id, type=type_, nullable=optional)

    def _is_sqlmodel(self, source: ClassInfo) -> bool:
        return any(library.startswith("sqlmodel") for library in source.libraries)

    def _method_attribute(self, source: ClassInfo, path: str, name: str, function: FunctionNode, info: ClassInfo) -> Attribute | None:
        for decorator in function.node.decorators:
            func = decorator.func if type(decorator) is r.Call else decorator
            symbol = self.resolve(source.module, func)
            if not isinstance(symbol, Library):
                continue
            kind = kind_of(symbol.name)
            site = Site(path, function.node.name_start, function.node.name_start + len(name))
            if kind == "declared_attr" or ".declared_attr" in symbol.name:
                for stmt in statements(function.node.body):
                    if isinstance(stmt, r.Return) and stmt.value is not None:
                        form = self._mapped_form(source.module, function.node.returns) if function.node.returns is not None else None
                        value, told = self._told_by_class(info, function, stmt.value)
                        return self._call_attribute(source.module, path, name, value, form, info.id if told else source.id)
            elif kind == "hybrid":
                return Attribute(name, "hybrid", site, source.id)
        return None

    def _told_by_class(self, info: ClassInfo, function: FunctionNode, value: r.Expr) -> tuple[r.Expr, bool]:
        """A mixin's declaration with `cls.target_name` as the mapped class has it, and whether anything was said by the class."""
        if not isinstance(value, r.Call) or not function.node.params:
            return value, False
        owner = function.node.params[0].name
        args: list[r.Arg] = []
        for arg in value.args:
            inner = arg.value
            if isinstance(inner, r.Attr) and isinstance(inner.value, r.Name) and inner.value.id == owner:
                written = next((self.infos[cls].attrs[inner.attr] for cls in info.mro if inner.attr in self.infos[cls].attrs), None)
                inner = written if isinstance(written, r.Const) else inner
            elif isinstance(inner, r.Call):
                inner, _ = self._told_by_class(info, function, inner)
            args.append(arg if inner is arg.value else msgspec.structs.replace(arg, value=inner))
        if all(new is old for new, old in zip(args, value.args, strict=True)):
            return value, False
        return msgspec.structs.replace(value, args=tuple(args)), True

    def _mapped_form(self, module: str, annotation: r.Expr | None) -> tuple[str, r.Expr] | None:
        """`Mapped[X]` and its kin as (wrapper, X)."""
        if isinstance(annotation, r.Const) and isinstance(annotation.value, str):
            annotation = parse_annotation(annotation.value, annotation.start, annotation.end)
        if type(annotation) is not r.Sub:
            return None
        symbol = self.resolve(module, annotation.value)
        if isinstance(symbol, Library) and kind_of(symbol.name) in ("mapped_annotation", "dynamic_annotation", "write_only_annotation"):
            return symbol.name.rsplit(".", 1)[1], annotation.index
        return None

    def _target(self, module: str, annotation: r.Expr | None) -> tuple[str | None, bool, str]:
        """The mapped class that an annotation names, whether as a collection, and of which kind."""
        if isinstance(annotation, r.Const) and isinstance(annotation.value, str):
            annotation = parse_annotation(annotation.value, annotation.start, annotation.end)
        if isinstance(annotation, r.BinOp) and annotation.op == "|":
            left = self._target(module, annotation.left)
            return left if left[0] is not None else self._target(module, annotation.right)
        if isinstance(annotation, r.Sub):
            name = self.symbols.spelled(module, annotation.value)
            if name in ("Optional", "Annotated", "Union"):
                index = annotation.index
                items = index.items if type(index) is r.Seq else (index,)
                for item in items if name == "Union" else items[:1]:
                    found = self._target(module, item)
                    if found[0] is not None:
                        return found
                return None, False, "list"
            if name in _PLURALS:
                index = annotation.index
                item = index.items[-1] if type(index) is r.Seq and index.items else index
                if name == "tuple" and type(index) is r.Seq and index.items:
                    item = index.items[0]
                return self._target(module, item)[0], True, _PLURALS[name]
            return self._target(module, annotation.value)
        if isinstance(annotation, (r.Name, r.Attr)):
            symbol = self.resolve(module, annotation)
            if isinstance(symbol, DefinedClass):
                return (symbol.id, False, "list") if self._may_be_mapped(symbol.id) else (None, False, "list")
            if symbol is None and isinstance(annotation, r.Name):
                return self.named(module, annotation.id), False, "list"
        return None, False, "list"

    def _may_be_mapped(self, id: str) -> bool:
        info = self.infos.get(id)
        return info is not None and (info.model is not None or info.is_base)

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

    def _column_type(self, module: str, annotation: r.Expr | None) -> str:
        if isinstance(annotation, r.Const) and isinstance(annotation.value, str):
            annotation = parse_annotation(annotation.value, annotation.start, annotation.end)
        if isinstance(annotation, r.BinOp):
            return self._column_type(module, annotation.left if not isinstance(annotation.left, r.Const) else annotation.right)
        if isinstance(annotation, r.Sub):
            name = self.symbols.spelled(module, annotation.value)
            if name in ("Optional", "Annotated"):
                return self._column_type(module, annotation.index.items[0] if type(annotation.index) is r.Seq else annotation.index)
            return name
        return self.symbols.spelled(module, annotation)

    def _optional(self, module: str, annotation: r.Expr) -> bool:
        if isinstance(annotation, r.Const) and isinstance(annotation.value, str):
            return "Optional" in annotation.value or "None" in annotation.value
        if isinstance(annotation, r.BinOp):
            return any(isinstance(side, r.Const) and side.kind == "none" for side in (annotation.left, annotation.right))
        return isinstance(annotation, r.Sub) and self.symbols.spelled(module, annotation.value) == "Optional"

    def _call_attribute(
        self, module: str, path: str, name: str, value: r.Expr, form: tuple[str, r.Expr] | None, owner: str
    ) -> Attribute | None:
        if type(value) is not r.Call:
            return None
        symbol = self.resolve(module, value.func)
        kind = self._declared_kind(symbol)
        site = Site(path, value.start, value.end)
        if kind == "column":
            found = self._column(module, path, name, value, owner)
            if form is not None:
                found = msgspec.structs.replace(
                    found, type=self._column_type(module, form[1]) or found.type, nullable=found.nullable or self._optional(module, form[1])
                )
            return found
        if kind == "relationship":
            return self._relationship(module, site, name, value, form, owner)
        if kind in ("column_property", "query_expression"):
            if (
                value.args
                and type(value.args[0].value) is r.Call
                and self._declared_kind(self.resolve(module, value.args[0].value.func)) == "column"
            ):
                inner = self._column(module, path, name, value.args[0].value, owner)
                return msgspec.structs.replace(inner, deferred=_flag(value, "deferred"))
            return Attribute(name, "property", site, owner, deferred=_flag(value, "deferred"))
        if kind == "deferred":
            inner_call = value.args[0].value if value.args else None
            if isinstance(inner_call, r.Call):
                inner = self._column(module, path, name, inner_call, owner)
                return msgspec.structs.replace(inner, deferred=True, group=_string(value, "group"))
            return Attribute(name, "column", site, owner, deferred=True)
        if kind == "synonym":
            target = value.args[0].value if value.args else None
            return Attribute(name, "synonym", site, owner, via=(str(target.value),) if isinstance(target, r.Const) else ())
        if kind == "composite":
            return Attribute(name, "composite", site, owner)
        if kind == "association_proxy":
            parts = tuple(str(arg.value.value) for arg in value.args[:2] if isinstance(arg.value, r.Const) and not arg.keyword)
            return Attribute(name, "proxy", site, owner, via=parts)
        if kind == "hybrid":
            return Attribute(name, "hybrid", site, owner)
        if isinstance(symbol, DefinedFunction):  # a project's own helper that builds a column
            node = self.symbols.functions[symbol.id]
            for stmt in statements(node.node.body):
                if isinstance(stmt, r.Return) and type(stmt.value) is r.Call:
                    inner_kind = self._declared_kind(self.resolve(node.module, stmt.value.func))
                    if inner_kind in ("column", "relationship"):
                        return self._call_attribute(node.module, path, name, stmt.value, form, owner)
        return None

    def _kind_of_partial(self, symbol: Variable) -> str:
        """`Column = partial(db.Column, nullable=False)`."""
        scope = self.symbols.modules.get(symbol.module)
        for bound in scope.bindings.get(symbol.name, ()) if scope is not None else ():
            if isinstance(bound, r.Call) and bound.args and self.symbols.spelled(symbol.module, bound.func) == "partial":
                inner = self.resolve(symbol.module, bound.args[0].value)
                return self._declared_kind(inner) if isinstance(inner, Library) else ""
        return ""

    def _declared_kind(self, symbol: Symbol | None) -> str:
        if not isinstance(symbol, Library):
            if isinstance(symbol, Variable):
                return self.kind(self._variable_base(symbol)) or self._kind_of_partial(symbol)
            return ""
        kind = kind_of(symbol.name)
        if not kind and symbol.name.startswith("flask_sqlalchemy"):
            kind = kind_of("sqlalchemy.orm." + symbol.name.rsplit(".", 1)[1]) or kind_of("sqlalchemy." + symbol.name.rsplit(".", 1)[1])
        return kind

    def _column(self, module: str, path: str, name: str, call: r.Call, owner: str) -> Attribute:
        foreign = None
        type_ = ""
        for arg in call.args:
            value = arg.value
            if arg.keyword == "foreign_key" and isinstance(value, r.Const):
                foreign = str(value.value)
            if arg.keyword is not None or not isinstance(value, (r.Call, r.Name, r.Attr)):
                continue
            func = value.func if type(value) is r.Call else value
            if type(value) is r.Call and value.args and self._declared_kind(self.resolve(module, func)) == "foreign_key":
                foreign = self._foreign(module, value.args[0].value)
            elif not type_:
                type_ = self.symbols.spelled(module, func)
        return Attribute(
            name, "column", Site(path, call.start, call.end), owner, deferred=_flag(call, "deferred"), primary=_flag(call, "primary_key"),
            foreign=foreign, type=type_, nullable=_flag(call, "nullable"), group=_string(call, "deferred_group"),
            unique=_flag(call, "unique"), generated=any(arg.keyword in ("server_default", "server_onupdate") for arg in call.args),
            preset=any(arg.keyword == "default_factory" for arg in call.args),
            computed=any(arg.keyword == "default" and not isinstance(arg.value, r.Const) for arg in call.args),
            renewed=any(self._renews(module, arg) for arg in call.args),
        )  # fmt: skip

    def _renews(self, module: str, arg: r.Arg) -> bool:
        """Whether an argument of a column has the database renew it: `server_onupdate=…`, `onupdate=func.now()`, `Computed(…)`."""
        if arg.keyword == "server_onupdate":
            return not (isinstance(arg.value, r.Const) and arg.value.kind == "none")
        if arg.keyword == "sa_column_kwargs" and isinstance(arg.value, r.Dict):
            pairs = zip(arg.value.keys, arg.value.values, strict=True)
            return any(
                self._renews(module, r.Arg(arg.start, arg.end, value, str(key.value))) for key, value in pairs if isinstance(key, r.Const)
            )
        if arg.keyword not in (None, "onupdate") or not isinstance(arg.value, r.Call):
            return False
        symbol = self.resolve(module, arg.value.func)
        name = symbol.name if isinstance(symbol, Library) else ""
        if arg.keyword is None:
            return kind_of(name) == "computed_column"
        return (name.startswith(_SQL_MAKERS) and (".func." in name or ".functions." in name)) or kind_of(name) == "text"

    def _renew(self, info: ClassInfo) -> None:
        """Which columns an UPDATE expires, and whether they stand in several tables."""
        model = info.model
        assert model is not None
        if self._mapper_argument(info, "eager_defaults"):
            return
        model.renewed = tuple(name for name, attribute in model.attributes.items() if attribute.renewed)
        tables = {parent.table for cls in info.mro if (parent := self.infos[cls].model) is not None and parent.table is not None}
        model.apart = len(tables) > 1

    def _foreign(self, module: str, expr: r.Expr) -> str:
        if isinstance(expr, r.Const):
            return str(expr.value)
        if isinstance(expr, r.Attr):
            symbol = self.resolve(module, expr.value)
            if isinstance(symbol, DefinedClass):
                return f"{self._table(self.infos[symbol.id]) or self.infos[symbol.id].name}.{expr.attr}"
        return "?"

    def _relationship(self, module: str, site: Site, name: str, call: r.Call, form: tuple[str, r.Expr] | None, owner: str) -> Attribute:
        keywords = {arg.keyword: arg.value for arg in call.args if arg.keyword}
        sa_args = keywords.get("sa_relationship_kwargs")
        if isinstance(sa_args, r.Dict):
            for key, value in zip(sa_args.keys, sa_args.values, strict=True):
                if isinstance(key, r.Const) and isinstance(key.value, str):
                    keywords.setdefault(key.value, value)
        first = next((arg.value for arg in call.args if arg.keyword is None and not arg.star), None) or keywords.get("argument")
        target = None
        many: bool | None = None
        collection = "list"
        lazy = "select"
        if form is not None:
            target, plural, collection = self._target(module, form[1])
            many = plural
            lazy = {"WriteOnlyMapped": "write_only", "DynamicMapped": "dynamic"}.get(form[0], lazy)
            if lazy != "select":
                many = True
        if first is not None:
            named = self._named_target(module, first)
            target = named or target
        if any(arg.star == 2 for arg in call.args):
            lazy = "unknown"
        written = keywords.get("lazy")
        if isinstance(written, r.Const):
            lazy = _strategy(written.value)
        elif written is not None:
            lazy = "unknown"
        uselist = keywords.get("uselist")
        if isinstance(uselist, r.Const) and isinstance(uselist.value, bool):
            many = uselist.value
        klass = keywords.get("collection_class")
        if isinstance(klass, r.Name) and self.symbols.spelled(module, klass) in _PLURALS:
            collection = _PLURALS[self.symbols.spelled(module, klass)]
        elif klass is not None and "dict" in repr(klass).lower():
            collection = "dict"
        back = keywords.get("back_populates")
        backref = keywords.get("backref")
        attribute = Attribute(
            name, "relationship", site, owner, target, bool(many), lazy,
            str(back.value) if isinstance(back, r.Const) else None, collection=collection,
            passive_deletes="passive_deletes" in keywords and not _false(keywords["passive_deletes"]),
            viewonly="viewonly" in keywords and not _false(keywords["viewonly"]),
            nullable=form is not None and self._optional(module, form[1]),
            local=tuple(_last_names(keywords["foreign_keys"])) if "foreign_keys" in keywords else (),
        )  # fmt: skip
        self._pending.append((owner, name, many is None, keywords, backref))
        return attribute

    def _named_target(self, module: str, expr: r.Expr) -> str | None:
        if isinstance(expr, r.Lambda):
            expr = expr.body
        if isinstance(expr, r.Const) and isinstance(expr.value, str):
            return self.named(module, expr.value)
        if isinstance(expr, (r.Name, r.Attr)):
            if isinstance(expr, r.Name) and (module, expr.id) in self._mappers:
                return self._mappers[(module, expr.id)]
            symbol = self.resolve(module, expr)
            if isinstance(symbol, DefinedClass):
                return symbol.id
            if symbol is None and isinstance(expr, r.Name):
                return self.named(module, expr.id)
        return None

    def _inherit(self, info: ClassInfo) -> None:
        assert info.model is not None
        for base in info.mro[1:]:
            parent = self.infos[base].model
            if parent is not None:
                for name, attribute in parent.attributes.items():
                    info.model.attributes.setdefault(name, attribute)
                info.model.keys = tuple(dict.fromkeys((*info.model.keys, *parent.keys)))

    def _relate(self, info: ClassInfo) -> None:
        """Directions of 1.x relationships by their foreign keys, and the other sides that `backref` makes."""
        model = info.model
        assert model is not None
        mine = set(info.mro)
        for owner, name, undirected, keywords, backref in self._pending:
            if owner not in mine or name not in model.attributes or model.attributes[name].owner != owner:
                continue
            attribute = model.attributes[name]
            if undirected and (attribute.target is not None or "secondary" in keywords):
                attribute = msgspec.structs.replace(attribute, many=self._is_many(model, attribute, keywords))
                model.attributes[name] = attribute
            if backref is None or attribute.target is None:
                continue
            self._backref(info, attribute, keywords, backref)

    def _backref(self, info: ClassInfo, attribute: Attribute, keywords: dict[str, r.Expr], backref: r.Expr) -> None:
        lazy, passive = "select", False
        uselist: bool | None = None
        if isinstance(backref, r.Const):
            name = str(backref.value)
        elif isinstance(backref, r.Call) and backref.args and isinstance(backref.args[0].value, r.Const):
            name = str(backref.args[0].value.value)
            for arg in backref.args[1:]:
                if arg.keyword == "lazy" and isinstance(arg.value, r.Const):
                    lazy = _strategy(arg.value.value)
                elif arg.keyword == "uselist" and isinstance(arg.value, r.Const):
                    uselist = bool(arg.value.value)
                elif arg.keyword == "passive_deletes":
                    passive = not _false(arg.value)
        else:
            return
        target = self.model(attribute.target or "")
        if target is None:
            return
        many = uselist if uselist is not None else ("secondary" in keywords or not attribute.many)
        target.attributes.setdefault(
            name,
            Attribute(
                name, "relationship", attribute.site, attribute.target or "", info.id, many, lazy, attribute.name, passive_deletes=passive
            ),
        )
        info.model.attributes[attribute.name] = msgspec.structs.replace(attribute, back=name)  # type: ignore[union-attr]

    def _is_many(self, model: Model, attribute: Attribute, keywords: dict[str, r.Expr]) -> bool:
        if "secondary" in keywords:
            return True
        target = self.model(attribute.target or "")
        if target is None:
            return True
        if attribute.target != model.cls:
            side = self._side_of(model, target, _foreign_keys(keywords))
            if side:
                return side == "theirs"
        remote = keywords.get("remote_side")
        if remote is not None:
            names = _last_names(remote)
            return not any(name in target.attributes and target.attributes[name].primary for name in names) and "id" not in names
        to_target = self._points(model, target)
        to_mine = self._points(target, model)
        if attribute.target == model.cls:
            return True
        if to_target and not to_mine:
            return False
        if to_mine and not to_target:
            return True
        join = keywords.get("primaryjoin")
        if join is not None:
            joined = set(_last_names(join)) | set(_words(join))
            own = any(a.foreign and a.name in joined for a in model.attributes.values())
            if own and not any(a.foreign and a.name in joined for a in target.attributes.values()):
                return False
        return not to_target

    def points_back(self, attribute: Attribute) -> bool:
        """Whether the foreign key of a relationship to one object stands in that object's table."""
        source, target = self.model(attribute.owner), self.model(attribute.target or "")
        return source is not None and target is not None and self._points(target, source) and not self._points(source, target)

    def references(self, source: str, target: str) -> tuple[str, ...]:
        """The columns of one mapped class that are foreign keys to the table of another."""
        mine, theirs = self.model(source), self.model(target)
        if mine is None or theirs is None:
            return ()
        return tuple(
            attribute.name
            for attribute in mine.attributes.values()
            if attribute.foreign is not None and self._names(attribute.foreign, theirs)
        )

    def _side_of(self, mine: Model, theirs: Model, keys: tuple[tuple[str, str], ...]) -> str:
        """Whose columns the foreign keys are, as (class, column): "mine", "theirs", or "" where that is not known."""
        sides = set()
        for owner, name in keys:
            is_mine = name in mine.attributes and owner in ("", self.infos[mine.cls].name)
            is_theirs = name in theirs.attributes and owner == self.infos[theirs.cls].name
            sides.add("mine" if is_mine else "theirs" if is_theirs else "")
        return sides.pop() if len(sides) == 1 else ""

    def _points(self, source: Model, target: Model) -> bool:
        """Whether a foreign key of `source` names the table of `target` or of one of its mapped ancestors."""
        tables = self._tables(target)
        return any(_table_of(attribute.foreign) in tables for attribute in source.attributes.values() if attribute.foreign is not None)

    def _names(self, foreign: str, target: Model) -> bool:
        return _table_of(foreign) in self._tables(target)

    def _tables(self, target: Model) -> set[str | None]:
        """The names by which foreign keys may speak of the table of a mapped class."""
        tables: set[str | None] = {target.table}
        for ancestor in self.infos[target.cls].mro:
            model = self.infos[ancestor].model
            if model is not None:
                tables.add(model.table)
        name = self.infos[target.cls].name
        tables.add(name)  # `ForeignKey(Parent.id)`
        if target.table is None:  # a computed name: what people compute
            tables |= {name.lower(), _snake(name), f"{name.lower()}s", f"{_snake(name)}s"}
        return tables


def _table_of(foreign: str) -> str:
    return foreign.rsplit(".", 1)[0].rsplit(".", 1)[-1]


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


_SQL_MAKERS = ("sqlalchemy.", "sqlmodel.", "flask_sqlalchemy.")


def _aliased(source: ClassInfo, name: r.Name) -> r.Expr | None:
    """What the last of a chain of names in a class body stands for; None where the chain is a ring."""
    seen: set[str] = set()
    value: r.Expr | None = name
    while type(value) is r.Name:
        if value.id in seen:
            return None
        seen.add(value.id)
        value = source.attrs.get(value.id)
    return value


def _words(expr: r.Expr) -> tuple[str, ...]:
    return tuple(
        word for const in _constants((r.ExprStmt(0, 0, expr),)) if isinstance(const.value, str) for word in re.findall(r"\w+", const.value)
    )


def _last_names(expr: r.Expr) -> tuple[str, ...]:
    if isinstance(expr, r.Seq):
        return tuple(name for item in expr.items for name in _last_names(item))
    if isinstance(expr, r.Attr):
        return (expr.attr,)
    if isinstance(expr, r.Name):
        return (expr.id,)
    if isinstance(expr, r.Const) and isinstance(expr.value, str):
        return tuple(part.strip(" []").rsplit(".", 1)[-1] for part in expr.value.split(","))
    if isinstance(expr, r.Lambda):
        return _last_names(expr.body)
    if isinstance(expr, r.Call) and expr.args:
        return tuple(name for arg in expr.args for name in _last_names(arg.value))
    if isinstance(expr, r.Compare):
        return (*_last_names(expr.left), *(name for item in expr.rights for name in _last_names(item)))
    if isinstance(expr, r.BoolOp):
        return tuple(name for item in expr.items for name in _last_names(item))
    return ()


def _foreign_keys(keywords: dict[str, r.Expr]) -> tuple[tuple[str, str], ...]:
    """The columns, as (class or "", name), that `foreign_keys=` or `foreign(…)` in the join condition names."""
    written = keywords.get("foreign_keys")
    if written is not None:
        return _qualified(written)
    join = keywords.get("primaryjoin")
    if join is None:
        return ()
    found: list[tuple[str, str]] = []
    for const in _constants((r.ExprStmt(0, 0, join),)):
        if isinstance(const.value, str):
            found += [(cls.rsplit(".", 1)[-1], name) for cls, name in re.findall(r"\bforeign\(\s*([\w.]+)\.(\w+)", const.value)]
    for node in walk(join):
        if isinstance(node, r.Call) and isinstance(node.func, (r.Name, r.Attr)) and _last_names(node.func) == ("foreign",):
            found += [pair for arg in node.args for pair in _qualified(arg.value)]
    return tuple(found)


def _qualified(expr: r.Expr) -> tuple[tuple[str, str], ...]:
    """Columns as (class or "", name)."""
    if isinstance(expr, r.Seq):
        return tuple(pair for item in expr.items for pair in _qualified(item))
    if isinstance(expr, r.Attr):
        owner = expr.value.attr if isinstance(expr.value, r.Attr) else expr.value.id if isinstance(expr.value, r.Name) else "?"
        return ((owner, expr.attr),)
    if isinstance(expr, r.Name):
        return (("", expr.id),)
    if isinstance(expr, r.Lambda):
        return _qualified(expr.body)
    if isinstance(expr, r.Const) and isinstance(expr.value, str):
        parts = [part.strip(" []()").split(".") for part in expr.value.split(",")]
        return tuple((part[-2] if len(part) > 1 else "", part[-1]) for part in parts)
    return (("?", "?"),)


def _strategy(value: str | float | bool | None) -> str:
    """The strategy that a written `lazy=` means, by its long name."""
    if isinstance(value, str):
        return value
    return "select" if value is True else "joined" if value is False else "noload"


def _flag(call: r.Call, keyword: str) -> bool:
    return any(arg.keyword == keyword and isinstance(arg.value, r.Const) and arg.value.value is True for arg in call.args)


def _string(call: r.Call, keyword: str) -> str:
    return next((str(arg.value.value) for arg in call.args if arg.keyword == keyword and isinstance(arg.value, r.Const)), "")


def _false(expr: r.Expr) -> bool:
    return isinstance(expr, r.Const) and expr.value is False


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def _calls_of(body: tuple[r.Stmt, ...]) -> Iterator[r.Call]:
    """Calls that stand as statements or as assigned values, at any depth of blocks."""
    for stmt in statements(body):
        value = getattr(stmt, "value", None)
        if isinstance(value, r.Call):
            yield value


def _constants(body: tuple[r.Stmt, ...]) -> Iterator[r.Const]:
    for node in walk(body):
        if isinstance(node, r.Const):
            yield node
