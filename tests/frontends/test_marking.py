"""Marked lines: which values are marked, and that the marks change nothing else."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from ormlint.frontends.marking import MARK, marked


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("x = a.b", "x = reveal_orm(reveal_orm(a).b)"),
        ("f(x, k=y)", "reveal_orm(f(reveal_orm(x), k=reveal_orm(y)))"),
        ("s.scalars(q).all()", "reveal_orm(reveal_orm(reveal_orm(s).scalars(reveal_orm(q))).all())"),
        ("for é in rows: pass", "for é in reveal_orm(rows): pass"),
        ("x: list[int] = y", "x: list[int] = reveal_orm(y)"),
        ("def f(a: A = b) -> C: return d", "def f(a: A = reveal_orm(b)) -> C: return reveal_orm(d)"),
        ("del x", "del x"),
        ("a['é'] = b", "reveal_orm(a)['é'] = reveal_orm(b)"),
        ("import a.b", "import a.b"),
        ("x = 1", "x = 1"),
    ],
)
def test_what_is_marked(line: str, expected: str) -> None:
    found = marked(f"# é\n{line}\n", 2)
    assert found is not None
    assert found.text == f"# é\n{expected}\n"
    for column, source in found.values.items():
        assert found.text.split("\n")[1][column - 1 :].startswith(MARK)
        assert source in line


def test_patterns_and_what_is_caught_are_left_alone() -> None:
    text = "try:\n    pass\nexcept a.B:\n    match x:\n        case a.C(): pass\n"
    for line in (3, 5):
        found = marked(text, line)
        assert found is not None
        assert found.text == text


def test_what_cannot_be_parsed() -> None:
    assert marked("def f(:\n", 1) is None


@pytest.mark.parametrize("path", sorted(Path(__file__).parent.glob("*.py")), ids=lambda path: path.name)
def test_every_line_can_be_marked(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    plain = ast.unparse(ast.parse(text))
    for line in range(1, text.count("\n") + 1, 7):
        found = marked(text, line)
        assert found is not None
        tree = ast.fix_missing_locations(Unmark().visit(ast.parse(found.text)))
        assert ast.unparse(tree) == plain


class Unmark(ast.NodeTransformer):
    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        return node.args[0] if isinstance(node.func, ast.Name) and node.func.id == "reveal_orm" else node
