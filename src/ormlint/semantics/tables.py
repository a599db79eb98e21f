"""What a mapped class has in all: the attributes of its body and mixins, and what its table says of keys and columns.

Takes a mapped class; fills its `Model`: from the bodies, from `__table_args__`, from a `Table`, from the properties of an imperative
mapping.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from ormlint.facts import records as r
from ormlint.semantics.classes import Classes
from ormlint.semantics.definitions import DefinedClass, Variable
from ormlint.semantics.mapped import ClassInfo, Model
from ormlint.semantics.mapped_attributes import attribute_of, call_attribute, column_of, declared_kind, foreign_key_of, method_attribute
from ormlint.semantics.symbols import last_name, statements
from ormlint.semantics.written_arguments import flag, last_names


def declare(classes: Classes, info: ClassInfo) -> None:
    model = info.model
    assert model is not None
    if info.id in classes.imperative:
        _declare_imperative(classes, info, model)
        return
    sources = [cls for cls in info.mro if cls == info.id or classes.infos[cls].model is None]
    for cls in reversed(sources):
        source = classes.infos[cls]
        path = classes.symbols.modules[source.module].path
        for name in {**source.annotations, **source.attrs}:
            found = attribute_of(classes, source, path, name, source.annotations.get(name), source.attrs.get(name))
            if found is not None:
                model.attributes[name] = found
        for name, ids in source.methods.items():
            found = method_attribute(classes, source, path, name, classes.symbols.functions[ids[0]], info)
            if found is not None:
                model.attributes[name] = found
    for cls in sources:
        _constrain(classes, classes.infos[cls].module, classes.infos[cls].attrs.get("__table_args__"), model)
        for module, args in _table_arguments(classes, classes.infos[cls]):
            _unique(classes, module, args, model)
    table = info.attrs.get("__table__")
    if table is not None:
        _columns_of_table(classes, info.module, table, model)


def _table_arguments(classes: Classes, info: ClassInfo) -> Iterator[tuple[str, tuple[r.Expr, ...]]]:
    """What stands in `__table_args__`, also where a function gives it, and in a `Table` that the class names."""
    args = info.attrs.get("__table_args__")
    if isinstance(args, r.Seq):
        yield info.module, args.items
    for id in info.methods.get("__table_args__", ()):
        function = classes.symbols.functions[id]
        for stmt in statements(function.node.body):
            if isinstance(stmt, r.Return) and isinstance(stmt.value, r.Seq):
                yield function.module, stmt.value.items


def _unique(classes: Classes, module: str, items: tuple[r.Expr, ...], model: Model) -> None:
    """`UniqueConstraint("a", "b")`, `Index("ix", "a", unique=True)`: what tells rows apart."""
    for item in items:
        if not isinstance(item, r.Call):
            continue
        name = classes.symbols.spelled(module, item.func)
        given = [arg for arg in item.args if arg.keyword is None and not arg.star]
        if name == "Index" and flag(item, "unique") and not any((arg.keyword or "").endswith("_where") for arg in item.args):
            given = given[1:]
        elif name != "UniqueConstraint":
            continue
        columns = [_column_named(classes, module, arg.value, model) for arg in given]
        if columns and all(columns):
            model.keys = (*model.keys, frozenset(column for column in columns if column))


def _column_named(classes: Classes, module: str, expr: r.Expr, model: Model) -> str:
    if isinstance(expr, r.Const) and isinstance(expr.value, str):
        return expr.value
    return last_name(expr)


def _constrain(classes: Classes, module: str, args: r.Expr | None, model: Model) -> None:
    """`ForeignKeyConstraint` in `__table_args__`: its columns are foreign keys too."""
    for item in args.items if isinstance(args, r.Seq) else ():
        if (
            not isinstance(item, r.Call)
            or declared_kind(classes, classes.resolve(module, item.func)) != "foreign_key"
            or len(item.args) < 2
        ):
            continue
        columns, targets = item.args[0].value, item.args[1].value
        if isinstance(columns, r.Seq) and isinstance(targets, r.Seq):
            for column, target in zip(last_names(columns), targets.items, strict=False):
                attribute = model.attributes.get(column)
                if attribute is not None and attribute.foreign is None:
                    model.attributes[column] = msgspec.structs.replace(attribute, foreign=foreign_key_of(classes, module, target))


def _columns_of_table(classes: Classes, module: str, table: r.Expr | None, model: Model) -> None:
    on_class = _table_on_class(classes, module, table) if isinstance(table, r.Attr) else None
    if on_class is not None:
        table = on_class
    elif isinstance(table, (r.Name, r.Attr)):
        symbol = classes.resolve(module, table)
        if not isinstance(symbol, Variable):
            return
        module = symbol.module
        table = next((b for b in classes.symbols.modules[module].bindings.get(symbol.name, ()) if isinstance(b, r.Call)), None)
    if not isinstance(table, r.Call):
        return
    path = classes.symbols.modules[module].path
    if table.args and isinstance(table.args[0].value, r.Const) and model.table is None:
        model.table = str(table.args[0].value.value)
    _unique(classes, module, tuple(arg.value for arg in table.args[1:]), model)
    for arg in table.args[1:]:
        call = arg.value
        if isinstance(call, r.Call) and classes.kind(classes.resolve(module, call.func)) == "column" and call.args:
            first = call.args[0].value
            if isinstance(first, r.Const) and isinstance(first.value, str):
                model.attributes.setdefault(first.value, column_of(classes, module, path, first.value, call, model.cls))


def _declare_imperative(classes: Classes, info: ClassInfo, model: Model) -> None:
    module, call = classes.imperative[info.id]
    path = classes.symbols.modules[module].path
    if len(call.args) > 1:
        _columns_of_table(classes, module, call.args[1].value, model)
    for arg in call.args:
        if arg.keyword == "version_id_col":
            model.versioned, model.version = True, (last_names(arg.value) or ("",))[-1]
        if arg.keyword != "properties":
            continue
        for name, value in _properties(classes, module, arg.value):
            found = call_attribute(classes, module, path, name, value, None, info.id)
            if found is not None:
                model.attributes[name] = found


def _properties(classes: Classes, module: str, expr: r.Expr) -> Iterator[tuple[str, r.Expr]]:
    """The mapped names and what they are: of `{…}`, of `dict(…)`, of a name that stands for one."""
    if isinstance(expr, r.Name):
        for binding in classes.symbols.modules[module].bindings.get(expr.id, ()):
            if isinstance(binding, (r.Dict, r.Call)):
                yield from _properties(classes, module, binding)
    elif isinstance(expr, r.Dict):
        for key, value in zip(expr.keys, expr.values, strict=True):
            if isinstance(key, r.Const) and isinstance(key.value, str):
                yield key.value, value
    elif isinstance(expr, r.Call) and isinstance(expr.func, r.Name) and expr.func.id == "dict":
        for arg in expr.args:
            if arg.keyword is not None:
                yield arg.keyword, arg.value
            elif not arg.star:
                yield from _properties(classes, module, arg.value)


def _table_on_class(classes: Classes, module: str, expr: r.Attr) -> r.Call | None:
    """`Order.table`, written in the class or assigned to it afterwards."""
    owner = classes.resolve(module, expr.value)
    if not isinstance(owner, DefinedClass):
        return None
    written = classes.infos[owner.id].attrs.get(expr.attr)
    if isinstance(written, r.Call):
        return written
    for stmt in classes.symbols.modules[module].record.body:
        if isinstance(stmt, r.Assign) and isinstance(stmt.value, r.Call):
            for target in stmt.targets:
                if isinstance(target, r.Attr) and target.attr == expr.attr and classes.resolve(module, target.value) == owner:
                    return stmt.value
    return None
