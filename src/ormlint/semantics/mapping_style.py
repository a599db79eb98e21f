"""Which classes are mapped, in which style, to which table: declarative, Flask-SQLAlchemy, SQLModel, decorated, imperative.

Takes a class with its ancestors; gives its `Model`, still without attributes, or None. A class whose base belongs to a library that is not
known counts as mapped when its body says so itself (`__tablename__` with columns).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ormlint.facts import records as r
from ormlint.semantics.classes import Classes
from ormlint.semantics.definitions import DefinedClass, Library, Symbol, Variable
from ormlint.semantics.kinds import kind_of
from ormlint.semantics.mapped import ClassInfo, Model
from ormlint.semantics.mapped_annotations import mapped_form
from ormlint.semantics.symbols import absolute, last_name, statements
from ormlint.semantics.written_arguments import constants, last_names

_IMPERATIVE = frozenset({"map_imperatively", "mapper"})


def find_imperative(classes: Classes) -> None:
    """The classes that `map_imperatively` and its like map, and the names that stand for their mappers."""
    mapped_by: dict[int, str] = {}
    for module, scope in classes.symbols.modules.items():
        if _IMPERATIVE.isdisjoint(scope.record.words):
            continue
        for call in _calls_of(scope.record.body):
            name = last_name(call.func)
            if name not in _IMPERATIVE or not call.args:
                continue
            symbol = classes.resolve(module, call.func)
            if name == "mapper" and not (isinstance(symbol, Library) and symbol.name.startswith("sqlalchemy")):
                continue
            target = classes.resolve(module, call.args[0].value)
            if target is None and type(call.args[0].value) is r.Name:
                target = _local_import(classes, scope.record.body, module, call.args[0].value.id)
            if isinstance(target, DefinedClass):
                classes.imperative[target.id] = (module, call)
                mapped_by[id(call)] = target.id
        for stmt in statements(scope.record.body):
            if isinstance(stmt, r.Assign) and id(stmt.value) in mapped_by:
                for bound in stmt.targets:
                    if isinstance(bound, r.Name):
                        classes.mappers[(module, bound.id)] = mapped_by[id(stmt.value)]


def _local_import(classes: Classes, body: tuple[r.Stmt, ...], module: str, name: str) -> Symbol | None:
    scope = classes.symbols.modules[module]
    for stmt in statements(body):
        if isinstance(stmt, r.Import) and stmt.is_from and stmt.module:
            for imported in stmt.names:
                if (imported.asname or imported.name) == name:
                    target = absolute(scope, stmt)
                    return classes.symbols.member(target, imported.name) if target else None
    return None


def mapped_class(classes: Classes, id: str, memo: dict[str, Model | None]) -> Model | None:
    if id in memo:
        return memo[id]
    memo[id] = None
    info = classes.infos[id]
    style = _style(classes, info)
    if id in classes.imperative:
        style = "imperative"
    if not style:
        return None
    if style == "base":
        info.is_base = True
        return None
    parent = next((memo_model for base in info.mro[1:] if (memo_model := mapped_class(classes, base, memo)) is not None), None)
    table = table_name(classes, info)
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
        if table is None and parent is None and classes.subclasses.get(id) and not _declares_anything(classes, info):
            info.is_base = True
            return None
        if any(isinstance(base, Library) and kind_of(base.name) == "declarative_base" for base in info.bases) and table is None:
            table = snake(info.name)
        table = table or snake(info.name)
    elif style == "declarative":
        has_table = table is not None or any("__table__" in classes.infos[c].attrs for c in info.mro)
        dynamic = any("__tablename__" in classes.infos[c].methods or "__table_cls__" in classes.infos[c].methods for c in info.mro)
        if not has_table and parent is None:
            if not dynamic and not _declares_key(classes, info):
                info.is_base = True
                return None
            if dynamic and not _declares_columns(classes, info) and not _declares_key(classes, info):
                info.is_base = True
                return None
    elif style == "imperative":
        table = None
    memo[id] = Model(
        id,
        table,
        style,
        {},
        versioned=mapper_argument(classes, info, "version_id_col"),
        version=_version_column(classes, info),
        polymorphic=mapper_argument(classes, info, "with_polymorphic") or mapper_argument(classes, info, "polymorphic_load"),
    )
    return memo[id]


def mapper_argument(classes: Classes, info: ClassInfo, name: str) -> bool:
    """Whether `__mapper_args__` of the class or an ancestor has the argument `name`."""
    for cls in info.mro:
        args = classes.infos[cls].attrs.get("__mapper_args__")
        if isinstance(args, r.Dict) and any(isinstance(key, r.Const) and key.value == name for key in args.keys):
            return True
        if isinstance(args, r.Call) and any(arg.keyword == name for arg in args.args):
            return True
        if "__mapper_args__" in classes.infos[cls].methods:
            node = classes.symbols.functions[classes.infos[cls].methods["__mapper_args__"][0]].node
            if any(isinstance(c, r.Const) and c.value == name for c in constants(node.body)):
                return True
    return False


def _version_column(classes: Classes, info: ClassInfo) -> str:
    for cls in info.mro:
        args = classes.infos[cls].attrs.get("__mapper_args__")
        if isinstance(args, r.Dict):
            for key, value in zip(args.keys, args.values, strict=True):
                if isinstance(key, r.Const) and key.value == "version_id_col":
                    return (last_names(value) or ("",))[-1]
        for arg in args.args if isinstance(args, r.Call) else ():
            if arg.keyword == "version_id_col":
                return (last_names(arg.value) or ("",))[-1]
    return ""


def _declares_key(classes: Classes, info: ClassInfo) -> bool:
    return any(
        type(value) is r.Call
        and classes.kind(classes.resolve(classes.infos[cls].module, value.func)) == "column"
        and any(arg.keyword == "primary_key" for arg in value.args)
        for cls in info.mro
        for value in classes.infos[cls].attrs.values()
    )


def _declares_columns(classes: Classes, info: ClassInfo) -> bool:
    if any(
        type(value) is r.Call and classes.kind(classes.resolve(info.module, value.func)) in ("column", "relationship")
        for value in info.attrs.values()
    ):
        return True
    return any(mapped_form(classes, info.module, annotation) is not None for annotation in info.annotations.values())


def _declares_anything(classes: Classes, info: ClassInfo) -> bool:
    """Whether a class or an ancestor may give its table columns: Flask-SQLAlchemy makes no table of a class without a key."""
    return any(
        _declares_columns(classes, classes.infos[cls])
        or any(isinstance(value, r.Call) for value in classes.infos[cls].attrs.values())
        or any(_is_attr(classes, ids[0]) for ids in classes.infos[cls].methods.values())
        or "__tablename__" in classes.infos[cls].methods
        for cls in info.mro
    )


def _is_attr(classes: Classes, id: str) -> bool:
    return "declared_attr" in classes.symbols.decorator_names(classes.symbols.functions[id].module, classes.symbols.functions[id].node)


def _style(classes: Classes, info: ClassInfo) -> str:
    for decorator in info.node.decorators:
        func = decorator.func if type(decorator) is r.Call else decorator
        symbol = classes.resolve(info.module, func)
        if isinstance(symbol, Library):
            if symbol.name.endswith((".mapped", ".mapped_as_dataclass")) or kind_of(symbol.name) == "mapped_decorator":
                return "declarative"
            if symbol.name.endswith((".as_declarative", ".as_declarative_base")):
                return "base"
    direct = False
    for cls in info.mro:
        for base in classes.infos[cls].bases:
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
                    and table_name(classes, info) is None
                    and not _declares_columns(classes, info)
                ):
                    return "base"
                return "declarative"
        for decorator in classes.infos[cls].node.decorators:
            func = decorator.func if type(decorator) is r.Call else decorator
            symbol = classes.resolve(classes.infos[cls].module, func)
            if isinstance(symbol, Library) and symbol.name.endswith((".as_declarative", ".as_declarative_base")):
                return "base" if cls == info.id else "declarative"
        if "__metaclass__" in classes.infos[cls].attrs or "metaclass" in classes.infos[cls].keywords:
            meta = classes.resolve(classes.infos[cls].module, classes.infos[cls].keywords.get("metaclass"))
            if isinstance(meta, Library) and meta.name.endswith("DeclarativeMeta"):
                return "base" if cls == info.id and table_name(classes, info) is None else "declarative"
    tabled = "__tablename__" in info.attrs or "__table__" in info.attrs
    if tabled and _declares_columns(classes, info) and info.bases:
        return "declarative"
    if tabled and "__table__" in info.attrs and any(isinstance(b, (Library, Variable)) for b in info.bases):
        return "declarative"
    if any(
        "__tablename__" in classes.infos[cls].attrs and _declares_columns(classes, classes.infos[cls]) and classes.infos[cls].bases
        for cls in info.mro[1:]
    ):
        return "declarative"
    return ""


def table_name(classes: Classes, info: ClassInfo) -> str | None:
    for cls in info.mro:
        value = classes.infos[cls].attrs.get("__tablename__")
        if value is not None and not (isinstance(value, r.Const) and value.kind == "none"):
            if isinstance(value, r.Const) and isinstance(value.value, str):
                return value.value
            return f"?{cls}"
        table = classes.infos[cls].attrs.get("__table__")
        if table is not None:
            call = table
            if isinstance(table, (r.Name, r.Attr)):
                symbol = classes.resolve(classes.infos[cls].module, table)
                if isinstance(symbol, Variable):
                    bound = classes.symbols.modules[symbol.module].bindings.get(symbol.name) or [None]
                    call = bound[0] if isinstance(bound[0], r.Call) else table
            if isinstance(call, r.Call) and call.args and isinstance(call.args[0].value, r.Const):
                return str(call.args[0].value.value)
            return f"?{cls}"
    return None


def snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def _calls_of(body: tuple[r.Stmt, ...]) -> Iterator[r.Call]:
    """Calls that stand as statements or as assigned values, at any depth of blocks."""
    for stmt in statements(body):
        value = getattr(stmt, "value", None)
        if isinstance(value, r.Call):
            yield value
