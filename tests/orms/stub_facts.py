"""What the `sqlalchemy-stubs` package, the typing of the 1.3 era, has of names and methods, in the shape of `library_facts`."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import libcst as cst

Found = tuple[str, cst.CSTNode | str | None]
"""("class", its node) · ("function", its node) · ("alias", dotted path) · ("value", annotation) · ("module", None)."""


def stubs_folder() -> Path:
    """Where the stubs are installed; they lie beside the package that they describe."""
    spec = find_spec("sqlmypy")
    assert spec is not None, "the tests need sqlalchemy-stubs: pip install sqlalchemy-stubs"
    assert spec.origin is not None
    return Path(spec.origin).parent / "sqlalchemy-stubs"


def _file(module: str) -> Path | None:
    parts = module.split(".")[1:]
    for path in (stubs_folder().joinpath(*parts, "__init__.pyi"), stubs_folder().joinpath(*parts).with_suffix(".pyi")):
        if path.is_file():
            return path
    return None


def _dotted(node: cst.BaseExpression | None) -> str:
    return "" if node is None else cst.Module([]).code_for_node(node)


@cache
def contents(module: str) -> dict[str, Found]:
    """The top-level names of one stub module; {} when there is none."""
    path = _file(module)
    if path is None:
        return {}
    is_package = path.name == "__init__.pyi"
    names: dict[str, Found] = {}
    for statement in _flat(cst.parse_module(path.read_text(encoding="utf-8")).body):
        if isinstance(statement, cst.ClassDef):
            names[statement.name.value] = ("class", statement)
        elif isinstance(statement, cst.FunctionDef):
            names.setdefault(statement.name.value, ("function", statement))
        elif isinstance(statement, cst.ImportFrom) and not isinstance(statement.names, cst.ImportStar):
            package = module.split(".") if is_package else module.split(".")[:-1]
            level = len(statement.relative)
            start = package[: len(package) - level + 1] if level else []
            source = ".".join([*start, *([_dotted(statement.module)] if statement.module else [])])
            for alias in statement.names:
                name = alias.asname.name.value if alias.asname and isinstance(alias.asname.name, cst.Name) else _dotted(alias.name)
                names[name] = ("alias", f"{source}.{_dotted(alias.name)}")
        elif isinstance(statement, cst.Assign) and isinstance(statement.targets[0].target, cst.Name):
            names[statement.targets[0].target.value] = ("alias", f"{module}.{_dotted(statement.value)}")
        elif isinstance(statement, cst.AnnAssign) and isinstance(statement.target, cst.Name):
            names[statement.target.value] = ("value", _dotted(statement.annotation.annotation))
    return names


def _flat(body: Any) -> Iterator[cst.CSTNode]:
    for statement in body:
        if isinstance(statement, cst.SimpleStatementLine):
            yield from statement.body
        elif isinstance(statement, cst.If):
            yield from _flat(statement.body.body)
        else:
            yield statement


@cache
def resolve(dotted: str, depth: int = 0) -> tuple[str, Found] | None:
    """The module and the definition behind a dotted path, through aliases; None when the stubs have none."""
    module, _, name = dotted.rpartition(".")
    if not module or depth > 12:
        return None
    found = contents(module).get(name)
    if found is None:
        if _file(dotted) is not None:
            return dotted, ("module", None)
        outer = resolve(module, depth + 1)
        if outer is not None and outer[1][0] == "module" and outer[0] != module:
            return resolve(f"{outer[0]}.{name}", depth + 1)
        if outer is not None and outer[1][0] == "class":
            inner = _member(outer, name)
            return None if inner is None else (outer[0], ("function", inner))
        return None
    if found[0] == "alias":
        return resolve(str(found[1]), depth + 1) or (module, ("value", None))
    return module, found


def _member(owner: tuple[str, Found], name: str) -> cst.CSTNode | None:
    """The definition of a member, in the class or in a base of it."""
    module, (kind, node) = owner
    if kind != "class" or not isinstance(node, cst.ClassDef):
        return None
    for statement in _flat(node.body.body):
        if isinstance(statement, cst.FunctionDef) and statement.name.value == name:
            return statement
        if isinstance(statement, cst.AnnAssign) and _dotted(statement.target) == name:
            return statement
        if isinstance(statement, cst.Assign) and _dotted(statement.targets[0].target) == name:
            return statement
    for argument in node.bases:
        written = _dotted(argument.value).partition("[")[0]
        base = resolve(f"{module}.{written}")
        inner = None if base is None else _member(base, name)
        if inner is not None:
            return inner
    return None


def name_kind(dotted: str) -> str | None:
    """As `library_facts`: class, callable, value or None."""
    found = resolve(dotted)
    if found is None:
        return None
    return {"class": "class", "function": "callable", "module": "value"}.get(found[1][0], "callable")


def member_facts(dotted: str, name: str) -> dict[str, Any] | None:
    """As `library_facts`: what is known of a method; None when the stubs have none."""
    owner = resolve(dotted)
    found = None if owner is None else _member(owner, name)
    if found is None:
        return None
    if not isinstance(found, cst.FunctionDef):
        return {"property": True, "coroutine": False, "startable": None, "annotation": None}
    is_property = any("property" in _dotted(decorator.decorator) for decorator in found.decorators)
    annotation = _dotted(found.returns.annotation) if found.returns else None
    return {"property": is_property, "coroutine": False, "startable": None, "annotation": annotation}


def facts(names: set[str], members: dict[str, set[str]]) -> dict[str, Any]:
    """The answer of `library_facts`, for 1.3."""
    return {
        "version": "1.3.24",
        "names": {name: name_kind(name) for name in names},
        "members": {owner: {name: member_facts(owner, name) for name in found} for owner, found in members.items() if resolve(owner)},
    }
