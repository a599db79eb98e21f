"""Mapped attributes as a class body declares them: columns, relationships, properties, synonyms, proxies, hybrids.

Takes a name with its annotation and its value, or a method with its decorators; gives the attribute, None where it is not mapped. Knows 1.x
`Column`, 2.x `mapped_column`, SQLModel's `Field`, and helpers of the project that make them.
"""

from __future__ import annotations

import msgspec

from ormlint.facts import records as r
from ormlint.semantics.bases import variable_base
from ormlint.semantics.classes import Classes
from ormlint.semantics.definitions import DefinedClass, DefinedFunction, FunctionNode, Library, Symbol, Variable
from ormlint.semantics.kinds import kind_of
from ormlint.semantics.mapped import Attribute, ClassInfo
from ormlint.semantics.mapped_annotations import column_type, is_optional, mapped_form, target_of
from ormlint.semantics.mapping_style import table_name
from ormlint.semantics.relationships import relationship_of
from ormlint.semantics.symbols import statements
from ormlint.semantics.values import Site
from ormlint.semantics.written_arguments import flag, string


def attribute_of(
    classes: Classes, source: ClassInfo, path: str, name: str, annotation: r.Expr | None, value: r.Expr | None
) -> Attribute | None:
    found = None
    form = mapped_form(classes, source.module, annotation) if annotation is not None else None
    if (
        form is None
        and annotation is not None
        and type(value) is r.Call
        and _is_sqlmodel(classes, source)
        and declared_kind(classes, classes.resolve(source.module, value.func)) == "relationship"
    ):
        form = ("Mapped", annotation)
    if value is not None:
        found = call_attribute(classes, source.module, path, name, value, form, source.id)
        original = _aliased(source, value) if found is None and type(value) is r.Name else None
        if original is not None:
            inner = call_attribute(classes, source.module, path, name, original, None, source.id)
            if inner is not None and inner.kind == "column":
                found = inner
    if found is None and form is not None:
        wrapper, mapped = form
        target, many, kind = target_of(classes, source.module, mapped)
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
                nullable=is_optional(classes, source.module, mapped),
            )
        found = _declared_column(classes, source, name, site, mapped)
    if found is None and annotation is not None and _is_sqlmodel(classes, source) and not name.startswith("_"):
        site = Site(path, annotation.start, annotation.end)
        found = _declared_column(classes, source, name, site, annotation)
    return found


def _declared_column(classes: Classes, source: ClassInfo, name: str, site: Site, annotation: r.Expr) -> Attribute:
    """A column of which nothing but its annotation is written."""
    type_, optional = column_type(classes, source.module, annotation), is_optional(classes, source.module, annotation)
    return Attribute(name, "column", site, source.id, type=type_, nullable=optional)


def _is_sqlmodel(classes: Classes, source: ClassInfo) -> bool:
    return any(library.startswith("sqlmodel") for library in source.libraries)


def method_attribute(
    classes: Classes, source: ClassInfo, path: str, name: str, function: FunctionNode, info: ClassInfo
) -> Attribute | None:
    for decorator in function.node.decorators:
        func = decorator.func if type(decorator) is r.Call else decorator
        symbol = classes.resolve(source.module, func)
        if not isinstance(symbol, Library):
            continue
        kind = kind_of(symbol.name)
        site = Site(path, function.node.name_start, function.node.name_start + len(name))
        if kind == "declared_attr" or ".declared_attr" in symbol.name:
            for stmt in statements(function.node.body):
                if isinstance(stmt, r.Return) and stmt.value is not None:
                    form = mapped_form(classes, source.module, function.node.returns) if function.node.returns is not None else None
                    value, told = _told_by_class(classes, info, function, stmt.value)
                    return call_attribute(classes, source.module, path, name, value, form, info.id if told else source.id)
        elif kind == "hybrid":
            return Attribute(name, "hybrid", site, source.id)
    return None


def _told_by_class(classes: Classes, info: ClassInfo, function: FunctionNode, value: r.Expr) -> tuple[r.Expr, bool]:
    """A mixin's declaration with `cls.target_name` as the mapped class has it, and whether anything was said by the class."""
    if not isinstance(value, r.Call) or not function.node.params:
        return value, False
    owner = function.node.params[0].name
    args: list[r.Arg] = []
    for arg in value.args:
        inner = arg.value
        if isinstance(inner, r.Attr) and isinstance(inner.value, r.Name) and inner.value.id == owner:
            written = next((classes.infos[cls].attrs[inner.attr] for cls in info.mro if inner.attr in classes.infos[cls].attrs), None)
            inner = written if isinstance(written, r.Const) else inner
        elif isinstance(inner, r.Call):
            inner, _ = _told_by_class(classes, info, function, inner)
        args.append(arg if inner is arg.value else msgspec.structs.replace(arg, value=inner))
    if all(new is old for new, old in zip(args, value.args, strict=True)):
        return value, False
    return msgspec.structs.replace(value, args=tuple(args)), True


def call_attribute(
    classes: Classes, module: str, path: str, name: str, value: r.Expr, form: tuple[str, r.Expr] | None, owner: str
) -> Attribute | None:
    if type(value) is not r.Call:
        return None
    symbol = classes.resolve(module, value.func)
    kind = declared_kind(classes, symbol)
    site = Site(path, value.start, value.end)
    if kind == "column":
        found = column_of(classes, module, path, name, value, owner)
        if form is not None:
            found = msgspec.structs.replace(
                found,
                type=column_type(classes, module, form[1]) or found.type,
                nullable=found.nullable or is_optional(classes, module, form[1]),
            )
        return found
    if kind == "relationship":
        return relationship_of(classes, module, site, name, value, form, owner)
    if kind in ("column_property", "query_expression"):
        if (
            value.args
            and type(value.args[0].value) is r.Call
            and declared_kind(classes, classes.resolve(module, value.args[0].value.func)) == "column"
        ):
            inner = column_of(classes, module, path, name, value.args[0].value, owner)
            return msgspec.structs.replace(inner, deferred=flag(value, "deferred"))
        return Attribute(name, "property", site, owner, deferred=flag(value, "deferred"))
    if kind == "deferred":
        inner_call = value.args[0].value if value.args else None
        if isinstance(inner_call, r.Call):
            inner = column_of(classes, module, path, name, inner_call, owner)
            return msgspec.structs.replace(inner, deferred=True, group=string(value, "group"))
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
        node = classes.symbols.functions[symbol.id]
        for stmt in statements(node.node.body):
            if isinstance(stmt, r.Return) and type(stmt.value) is r.Call:
                inner_kind = declared_kind(classes, classes.resolve(node.module, stmt.value.func))
                if inner_kind in ("column", "relationship"):
                    return call_attribute(classes, node.module, path, name, stmt.value, form, owner)
    return None


def _kind_of_partial(classes: Classes, symbol: Variable) -> str:
    """`Column = partial(db.Column, nullable=False)`."""
    scope = classes.symbols.modules.get(symbol.module)
    for bound in scope.bindings.get(symbol.name, ()) if scope is not None else ():
        if isinstance(bound, r.Call) and bound.args and classes.symbols.spelled(symbol.module, bound.func) == "partial":
            inner = classes.resolve(symbol.module, bound.args[0].value)
            return declared_kind(classes, inner) if isinstance(inner, Library) else ""
    return ""


def declared_kind(classes: Classes, symbol: Symbol | None) -> str:
    if not isinstance(symbol, Library):
        if isinstance(symbol, Variable):
            return classes.kind(variable_base(classes, symbol)) or _kind_of_partial(classes, symbol)
        return ""
    kind = kind_of(symbol.name)
    if not kind and symbol.name.startswith("flask_sqlalchemy"):
        kind = kind_of("sqlalchemy.orm." + symbol.name.rsplit(".", 1)[1]) or kind_of("sqlalchemy." + symbol.name.rsplit(".", 1)[1])
    return kind


def column_of(classes: Classes, module: str, path: str, name: str, call: r.Call, owner: str) -> Attribute:
    foreign = None
    type_ = ""
    for arg in call.args:
        value = arg.value
        if arg.keyword == "foreign_key" and isinstance(value, r.Const):
            foreign = str(value.value)
        if arg.keyword is not None or not isinstance(value, (r.Call, r.Name, r.Attr)):
            continue
        func = value.func if type(value) is r.Call else value
        if type(value) is r.Call and value.args and declared_kind(classes, classes.resolve(module, func)) == "foreign_key":
            foreign = foreign_key_of(classes, module, value.args[0].value)
        elif not type_:
            type_ = classes.symbols.spelled(module, func)
    return Attribute(
        name, "column", Site(path, call.start, call.end), owner, deferred=flag(call, "deferred"), primary=flag(call, "primary_key"),
        foreign=foreign, type=type_, nullable=flag(call, "nullable"), group=string(call, "deferred_group"),
        unique=flag(call, "unique"), generated=any(arg.keyword in ("server_default", "server_onupdate") for arg in call.args),
        preset=any(arg.keyword == "default_factory" for arg in call.args),
        computed=any(arg.keyword == "default" and not isinstance(arg.value, r.Const) for arg in call.args),
        renewed=any(_renews(classes, module, arg) for arg in call.args),
    )  # fmt: skip


def _renews(classes: Classes, module: str, arg: r.Arg) -> bool:
    """Whether an argument of a column has the database renew it: `server_onupdate=…`, `onupdate=func.now()`, `Computed(…)`."""
    if arg.keyword == "server_onupdate":
        return not (isinstance(arg.value, r.Const) and arg.value.kind == "none")
    if arg.keyword == "sa_column_kwargs" and isinstance(arg.value, r.Dict):
        pairs = zip(arg.value.keys, arg.value.values, strict=True)
        return any(
            _renews(classes, module, r.Arg(arg.start, arg.end, value, str(key.value))) for key, value in pairs if isinstance(key, r.Const)
        )
    if arg.keyword not in (None, "onupdate") or not isinstance(arg.value, r.Call):
        return False
    symbol = classes.resolve(module, arg.value.func)
    name = symbol.name if isinstance(symbol, Library) else ""
    if arg.keyword is None:
        return kind_of(name) == "computed_column"
    return (name.startswith(_SQL_MAKERS) and (".func." in name or ".functions." in name)) or kind_of(name) == "text"


def foreign_key_of(classes: Classes, module: str, expr: r.Expr) -> str:
    if isinstance(expr, r.Const):
        return str(expr.value)
    if isinstance(expr, r.Attr):
        symbol = classes.resolve(module, expr.value)
        if isinstance(symbol, DefinedClass):
            return f"{table_name(classes, classes.infos[symbol.id]) or classes.infos[symbol.id].name}.{expr.attr}"
    return "?"


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
