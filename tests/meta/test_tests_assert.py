"""No test without an assertion that can fail."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
FAILING_CALLS = {"raises", "fail", "warns", "check_suite", "assert_called_once_with", "fnmatch_lines", "assert_outcomes"}


def _fails(function: ast.FunctionDef | ast.AsyncFunctionDef, asserting: set[str]) -> bool:
    for node in ast.walk(function):
        if isinstance(node, ast.Assert) and not (isinstance(node.test, ast.Constant) and node.test.value):
            return True
        if isinstance(node, ast.Call):
            called = node.func
            name = called.attr if isinstance(called, ast.Attribute) else called.id if isinstance(called, ast.Name) else ""
            if name in FAILING_CALLS or name in asserting:
                return True
    return False


def _functions(path: Path) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


@cache
def _asserting() -> set[str]:
    """Functions of the tests that assert: calling one is an assertion."""
    functions = [function for path in OWN for function in _functions(path) if not function.name.startswith("test_")]
    found: set[str] = set()
    for _ in range(3):
        found |= {function.name for function in functions if _fails(function, found)}
    return found


OWN = sorted(path for path in TESTS.rglob("*.py") if "application" not in path.parts)  # that is material, and has tests of its own


@pytest.mark.parametrize("path", OWN, ids=lambda path: str(path.relative_to(TESTS)))
def test_every_test_can_fail(path: Path) -> None:
    functions = _functions(path)
    asserting = _asserting()
    idle = [
        f"{function.name}, line {function.lineno}"
        for function in functions
        if function.name.startswith("test_") and not _fails(function, asserting)
    ]
    assert not idle
