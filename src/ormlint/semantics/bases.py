"""What a class derives from, and what its body binds: base classes as symbols, members, the order of its ancestors.

Takes a class's declaration; gives its `ClassInfo`. Knows the factories and objects of libraries that bases come from (`declarative_base()`,
`db.Model`), through variables, helpers and wrappers. Does not know which classes are mapped.
"""

from __future__ import annotations

from collections.abc import Iterator

from ormlint.facts import records as r
from ormlint.semantics.classes import Classes
from ormlint.semantics.definitions import ClassNode, DefinedClass, DefinedFunction, Library, Symbol, Variable
from ormlint.semantics.kinds import kind_of
from ormlint.semantics.mapped import ClassInfo
from ormlint.semantics.symbols import nested_bodies


def info_of(classes: Classes, id: str, node: ClassNode) -> ClassInfo:
    bases: list[Symbol] = []
    base_args: list[tuple[str, tuple[r.Expr, ...]]] = []
    keywords: dict[str, r.Expr] = {}
    for arg in node.node.bases:
        if arg.keyword:
            keywords[arg.keyword] = arg.value
        elif not arg.star:
            _add_base(classes, node, arg.value, bases, base_args)
    methods: dict[str, list[str]] = {}
    attrs: dict[str, r.Expr] = {}
    annotations: dict[str, r.Expr] = {}
    nested: dict[str, str] = {}
    _members(classes, node.node.body, methods, attrs, annotations, nested)
    return ClassInfo(
        id, node.node.name, node.module, node.node, tuple(bases), tuple(base_args), methods, attrs, annotations, keywords,
        type_params=node.node.type_params, nested=nested,
    )  # fmt: skip


def _add_base(
    classes: Classes, node: ClassNode, expr: r.Expr, bases: list[Symbol], base_args: list[tuple[str, tuple[r.Expr, ...]]]
) -> None:
    if type(expr) is r.Call:  # with_metaclass(Meta, Base), automap_base()
        symbol = classes.resolve(node.module, expr.func)
        if isinstance(symbol, Library) and kind_of(symbol.name) == "declarative_base_factory":
            bases.append(symbol)
        for arg in expr.args:
            if arg.keyword is None and not arg.star:
                _add_base(classes, node, arg.value, bases, base_args)
        return
    args: tuple[r.Expr, ...] = ()
    if type(expr) is r.Sub:
        args = expr.index.items if type(expr.index) is r.Seq and expr.index.kind == "tuple" else (expr.index,)
        expr = expr.value
    symbol = _sibling(classes, node, expr) or classes.resolve(node.module, expr)
    if isinstance(symbol, Variable):
        mixin = _base_mixin(classes, symbol)
        symbol = variable_base(classes, symbol) or symbol
        if mixin is not None:
            bases.append(mixin)
    if symbol is None and type(expr) is r.Attr:
        owner = classes.resolve(node.module, expr.value)
        written = classes.on_object(owner, expr.attr) if isinstance(owner, Variable) else None
        symbol = _base_of(classes, *written) if written is not None and type(written[1]) is r.Call else None
    if symbol is None and type(expr) is r.Name:
        symbol = Library(f"builtins.{expr.id}")
    if isinstance(symbol, Library) and symbol.name.endswith(".Model") and type(expr) is r.Attr:
        bases.extend(_model_class(classes, classes.resolve(node.module, expr.value)))
    if symbol is not None:
        bases.append(symbol)
        if args:
            name = symbol.id if isinstance(symbol, DefinedClass) else getattr(symbol, "name", "")
            base_args.append((name, args))


def _sibling(classes: Classes, node: ClassNode, expr: r.Expr) -> Symbol | None:
    """A class of the same enclosing class or function body."""
    if not node.outer or type(expr) is not r.Name:
        return None
    prefix = node.outer if node.outer in classes.symbols.classes else node.outer + ".<locals>"
    id = f"{prefix}.{expr.id}"
    return DefinedClass(id) if id in classes.symbols.classes and id != node.id else None


def _model_class(classes: Classes, database: Symbol | None) -> Iterator[Symbol]:
    """The project's class behind `db.Model`, where `db = SQLAlchemy(model_class=…)` says so."""
    if not isinstance(database, Variable):
        return
    for binding in classes.symbols.modules[database.module].bindings.get(database.name, ()):
        for arg in binding.args if isinstance(binding, r.Call) else ():
            if arg.keyword != "model_class":
                continue
            given = [arg.value]
            if isinstance(arg.value, r.Call):
                given = [inner.value for inner in arg.value.args if inner.keyword == "cls"]
            for expr in given:
                found = classes.resolve(database.module, expr)
                if isinstance(found, DefinedClass):
                    yield found


def _base_mixin(classes: Classes, variable: Variable) -> Symbol | None:
    """The `cls=` of `Base = declarative_base(cls=Mixin)`: every mapped class has its members."""
    for binding in classes.symbols.modules[variable.module].bindings.get(variable.name, ()):
        if isinstance(binding, r.Call):
            for arg in binding.args:
                if arg.keyword == "cls":
                    inner = classes.resolve(variable.module, arg.value)
                    return inner if isinstance(inner, DefinedClass) else None
    return None


def variable_base(classes: Classes, variable: Variable, depth: int = 0) -> Symbol | None:
    """What a variable used as a base class stands for: `Base = declarative_base()`, `Model = db.Model`."""
    scope = classes.symbols.modules[variable.module]
    for binding in scope.bindings.get(variable.name, ()):
        if type(binding) is r.Call:
            made = _base_of(classes, variable.module, binding)
            if made is not None:
                return made
        elif isinstance(binding, (r.Name, r.Attr)) and depth < 6:
            symbol = classes.resolve(variable.module, binding)
            if isinstance(symbol, Variable) and symbol != variable:
                symbol = variable_base(classes, symbol, depth + 1) or symbol
            if symbol is not None and symbol != variable:
                return symbol
    kind = classes.variable_kind(variable)
    return Library(kind) if kind else None


def _base_of(classes: Classes, module: str, call: r.Expr) -> Symbol | None:
    """The base class that a call makes: `declarative_base()`, directly or through a helper or wrapper."""
    if type(call) is not r.Call:
        return None
    called = classes.resolve(module, call.func)
    if classes.kind(called) == "declarative_base_factory":
        return called
    if isinstance(called, Library) and called.name.endswith((".generate_base", ".make_declarative_base")):
        return Library("sqlalchemy.orm.declarative_base")
    if isinstance(called, DefinedFunction):
        returned = classes.returned_call(called.id)
        if kind_of(returned) == "declarative_base_factory":
            return Library(returned)
    for arg in call.args:  # a wrapper such as cast(Any, declarative_base()) or six.add_metaclass
        if type(arg.value) is r.Call and classes.kind(classes.resolve(module, arg.value.func)) == "declarative_base_factory":
            return classes.resolve(module, arg.value.func)
    return None


def _members(
    classes: Classes,
    body: tuple[r.Stmt, ...],
    methods: dict[str, list[str]],
    attrs: dict[str, r.Expr],
    annotations: dict[str, r.Expr],
    nested: dict[str, str],
) -> None:
    for stmt in body:
        if isinstance(stmt, r.Function):
            methods.setdefault(stmt.name, []).append(classes.symbols.id_of(stmt))
        elif isinstance(stmt, r.Class):
            nested[stmt.name] = classes.symbols.id_of(stmt)
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
                _members(classes, inner, methods, attrs, annotations, nested)


def linearise(classes: Classes, id: str, active: tuple[str, ...]) -> tuple[str, ...]:
    info = classes.infos[id]
    if info.mro:
        return info.mro
    if id in active:
        return ()
    order: list[str] = [id]
    libraries: list[str] = []
    chains = []
    for base in info.bases:
        if isinstance(base, DefinedClass) and base.id in classes.infos:
            chains.append(linearise(classes, base.id, (*active, id)))
            for library in classes.infos[base.id].libraries:
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
