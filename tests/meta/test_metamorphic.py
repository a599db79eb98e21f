"""The same program written otherwise gives the same findings.

Mechanical rewritings of every project of every suite: they keep each statement on its line, so that code, path, line and confidence of
the findings can be compared as they are.
"""

from __future__ import annotations

import ast
import builtins
import io
import tokenize
from itertools import pairwise
from pathlib import Path

import pytest
from projects_of_suites import found, name, projects, replaced

from ormlint.testing.cases import analyse
from ormlint.testing.suites import SourceFile, Suite, SuiteTest

PROJECTS = projects()
UNRELATED = '''"""Names that others use too, for things of another kind."""


class Session:
    def commit(self):
        return None

    def query(self, *names):
        return [self for _ in names]


class Order:
    lines = ()


def commit(session=None):
    for order in Session().query("a", "b"):
        Session().commit()
        print(order)


def save(item):
    return item
'''


@pytest.mark.parametrize("project", PROJECTS, ids=name)
def test_an_unrelated_module_changes_nothing(project: tuple[Suite, SuiteTest]) -> None:
    suite, test = project
    before = found(analyse(test.files, suite.code))
    after = found(analyse(replaced(test.files, {"zz_unrelated/__init__.py": "", "zz_unrelated/names.py": UNRELATED}), suite.code))
    assert after == before


@pytest.mark.parametrize("project", PROJECTS, ids=name)
def test_imported_names_may_have_aliases(project: tuple[Suite, SuiteTest]) -> None:
    suite, test = project
    aliased = {file.path: _with_aliases(file, test.files) for file in test.files if file.path.endswith(".py")}
    if all(text == file.text for file in test.files for text in [aliased.get(file.path, file.text)]):
        pytest.skip("nothing is imported that could have an alias")
    assert found(analyse(replaced(test.files, aliased), suite.code)) == found(analyse(test.files, suite.code))


@pytest.mark.parametrize("project", PROJECTS, ids=name)
def test_comments_and_blank_lines_at_the_end_change_nothing(project: tuple[Suite, SuiteTest]) -> None:
    suite, test = project
    longer = {file.path: f"{file.text}\n\n# end\n" for file in test.files if file.path.endswith(".py")}
    assert found(analyse(replaced(test.files, longer), suite.code)) == found(analyse(test.files, suite.code))


# Without the rules about imports: a module that offers another's names imports them. And without the one that asks what a module is for,
# which its name says, too.
IMPORTS = frozenset({"ORM101", "ORM102", "ORM103", "ORM112", "ORM203"})


@pytest.mark.parametrize("project", [project for project in PROJECTS if project[0].code not in IMPORTS], ids=name)
def test_what_a_module_defines_may_live_in_another(project: tuple[Suite, SuiteTest]) -> None:
    suite, test = project
    moved: dict[str, str] = {}
    for file in test.files:
        path = Path(file.path)
        movable = path.suffix == ".py" and path.parent.parts and path.name != "__init__.py" and path.stem.isidentifier()
        names = _defined(file) if movable else []
        if names:
            target = f"{path.stem}_moved"
            moved[file.path] = f"from .{target} import {', '.join(names)}\n"
            moved[str(path.with_name(f"{target}.py"))] = file.text
    if not moved:
        pytest.skip("nothing is defined that could be moved")
    files = replaced(test.files, moved)
    after = [
        (code, path.replace("_moved.py", ".py"), *rest) for code, path, *rest in found(analyse(files, suite.code)) if code not in IMPORTS
    ]
    assert sorted(after) == [tuple(one) for one in found(analyse(test.files, suite.code)) if one[0] not in IMPORTS]


# What these rules ask is known of plain functions only: whether a decorator of the project's own retries, who calls what makes an engine.
PLAIN_FUNCTIONS = frozenset({"ORM210", "ORM304"})


@pytest.mark.parametrize("project", PROJECTS, ids=name)
def test_functions_may_be_static_methods(project: tuple[Suite, SuiteTest]) -> None:
    suite, test = project
    wrapped: dict[str, str] = {}
    lines: dict[tuple[str, int], int] = {}
    for file in test.files:
        if file.path.endswith(".py") and not Path(file.path).name.startswith(("test_", "conftest")):
            wrapped[file.path], numbers = _in_classes(file.text)
            lines.update({(file.path, new): old for new, old in numbers.items()})
    if all(wrapped.get(file.path, file.text) == file.text for file in test.files):
        pytest.skip("no function stands by itself")
    after = found(analyse(replaced(test.files, wrapped), suite.code))
    assert sorted((code, path, lines.get((path, line), line), sure) for code, path, line, sure in after if code not in PLAIN_FUNCTIONS) == [
        tuple(one) for one in found(analyse(test.files, suite.code)) if one[0] not in PLAIN_FUNCTIONS
    ]


def _in_classes(text: str) -> tuple[str, dict[int, int]]:
    """The file with each plain function at its top in a class of its own and under its old name, and the old line of each new one."""
    source = text.split("\n")
    plain = {
        node.lineno: node
        for node in ast.parse(text).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not node.decorator_list and not _has_long_strings(node)
    }
    made: list[str] = []
    numbers: dict[int, int] = {}
    number = 1
    while number <= len(source):
        node = plain.get(number)
        last = number if node is None or node.end_lineno is None else node.end_lineno
        if node is not None:
            made += [f"class _{node.name}_holder:", "    @staticmethod"]
        for old in range(number, last + 1):
            line = source[old - 1]
            made.append(f"    {line}" if node is not None and line.strip() else line)
            numbers[len(made)] = old
        if node is not None:
            made.append(f"{node.name} = _{node.name}_holder.{node.name}")
        number = last + 1
    return "\n".join(made), numbers


def _has_long_strings(node: ast.AST) -> bool:
    return any(isinstance(inner, ast.Constant | ast.JoinedStr) and inner.lineno != inner.end_lineno for inner in ast.walk(node))


def _defined(file: SourceFile) -> list[str]:
    """All names that a module binds at its top, so that another can offer them as its own."""
    names: dict[str, None] = {}
    for node in ast.parse(file.text).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names[node.name] = None
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names.update(dict.fromkeys((alias.asname or alias.name).split(".")[0] for alias in node.names))
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names.update({inner.id: None for target in targets for inner in ast.walk(target) if isinstance(inner, ast.Name)})
    return [one for one in names if one not in ("*", "annotations", "__all__")]


def _with_aliases(file: SourceFile, files: tuple[SourceFile, ...]) -> str:
    """The file with `from x import Y` as `from x import Y as Y_`, wherever Y can be renamed in this file alone."""
    tree = ast.parse(file.text)
    imports = [
        (node, alias)
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and node.module != "__future__"
        for alias in node.names
        if alias.name != "*" and alias.asname is None
    ]
    # A module's own name (`from tqdm import tqdm`) cannot be renamed token by token.
    names = {alias.name for _, alias in imports} - {part for node, _ in imports for part in (node.module or "").split(".")}
    names -= {alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names if alias.asname}
    names -= _bound_otherwise(tree) | _in_strings(tree) | _imported_from(file, files) | set(dir(builtins))
    if file.path.endswith("__init__.py") or not names:
        return file.text
    pieces: list[tuple[int, int, str]] = []
    offsets = _line_offsets(file.text)
    in_import = {(alias.lineno, alias.col_offset): alias.name for _, alias in imports if alias.name in names}
    previous = ""
    following = _following(file.text)
    for token in tokenize.generate_tokens(io.StringIO(file.text).readline):
        if token.type == tokenize.NAME and token.string in names and previous != ".":
            start = offsets[token.start[0] - 1] + token.start[1]
            if token.start in in_import:
                pieces.append((start, start + len(token.string), f"{token.string} as {token.string}_"))
            elif following.get(token.start) != "=" or previous not in ("(", ","):
                pieces.append((start, start + len(token.string), f"{token.string}_"))
        if token.type not in (tokenize.NL, tokenize.COMMENT):
            previous = token.string
    text = file.text
    for start, end, new in reversed(pieces):
        text = text[:start] + new + text[end:]
    ast.parse(text)
    return text


def _bound_otherwise(tree: ast.Module) -> set[str]:
    """Names that the file binds by more than one import: parameters, assignments, definitions."""
    bound: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store | ast.Del):
            bound.add(node.id)
        elif isinstance(node, ast.arg):
            bound.add(node.arg)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            bound.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom) and node not in tree.body:
            bound |= {alias.asname or alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and any(other is not node and set(_names(other)) & set(_names(node)) for other in tree.body):
            bound |= set(_names(node))
    return bound


def _names(node: ast.stmt) -> list[str]:
    return [alias.asname or alias.name for alias in node.names] if isinstance(node, ast.ImportFrom) else []


def _in_strings(tree: ast.Module) -> set[str]:
    """Names that stand in a string: quoted annotations, targets of relationships, `__all__`; and in f-strings, one token before 3.12."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            found |= set("".join(char if char.isidentifier() or char.isdigit() else " " for char in node.value).split())
        elif isinstance(node, ast.JoinedStr):
            found |= {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)}
    return found


def _imported_from(file: SourceFile, files: tuple[SourceFile, ...]) -> set[str]:
    """Names that other files may take from this one, or from all of it by a star."""
    stem = Path(file.path).stem
    taken: set[str] = set()
    for other in files:
        if other is file or not other.path.endswith(".py"):
            continue
        for node in ast.walk(ast.parse(other.text)):
            if isinstance(node, ast.ImportFrom):
                taken |= {alias.name for alias in node.names}
                if any(alias.name == "*" for alias in node.names):
                    taken |= {inner.name for item in ast.parse(file.text).body if isinstance(item, ast.ImportFrom) for inner in item.names}
            elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == stem:
                taken.add(node.attr)
    own = {inner.name for item in ast.parse(file.text).body if isinstance(item, ast.ImportFrom) for inner in item.names}
    # A name that both this file and another import from a third place may be renamed in both.
    elsewhere = {
        alias.name
        for other in files
        if other is not file and other.path.endswith(".py")
        for node in ast.walk(ast.parse(other.text))
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[-1] == stem
        for alias in node.names
    }
    return (taken & elsewhere) | (own & elsewhere)


def _line_offsets(text: str) -> list[int]:
    offsets = [0]
    for line in text.splitlines(keepends=True):
        offsets.append(offsets[-1] + len(line))
    return offsets


def _following(text: str) -> dict[tuple[int, int], str]:
    """For each token's start, the token after it."""
    tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
    return {one.start: two.string for one, two in pairwise(tokens)}
