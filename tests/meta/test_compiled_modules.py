"""What a compiled wheel leaves to the interpreter: the modules whose classes mypyc would make wrongly, and no others."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

STARTING = {"src/ormlint/facts/__main__.py", "src/ormlint/facts/reading.py", "src/ormlint/semantics/understanding.py"}
"""What only starts the others, and is made to start them otherwise in tests."""


def options_of_classes(path: Path) -> bool:
    """Whether a module defines a class with options for its metaclass (`frozen=True`), which mypyc does not pass on."""
    return any(isinstance(node, ast.ClassDef) and node.keywords for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))))


def test_exactly_the_modules_that_define_structs_are_left_out() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    hook = settings["tool"]["hatch"]["build"]["targets"]["wheel"]["hooks"]["mypyc"]
    assert not hook["enable-by-default"]
    left_out = {path for folder in hook["include"] for path in (ROOT / folder).rglob("*.py") if options_of_classes(path)}
    assert {path.relative_to(ROOT).as_posix() for path in left_out} == set(hook["exclude"]) - STARTING
