"""What every suite of a rule must have, whatever its rule."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from ormlint.testing.expectations import expectations
from ormlint.testing.scripts import admitted
from ormlint.testing.suites import Suite, SuiteTest, read_suite

ROOT = Path(__file__).resolve().parents[2]
PATHS = sorted((ROOT / "fixtures" / "rules").glob("ORM*.md"))
FEWEST = 8


@pytest.fixture(params=PATHS, ids=lambda path: path.stem)
def suite(request: pytest.FixtureRequest) -> Suite:
    path: Path = request.param
    return read_suite(path)


def test_there_are_suites() -> None:
    assert len(PATHS) >= 8


def test_each_test_is_bad_or_good(suite: Suite) -> None:
    odd = [test.title for test in suite.tests if not test.title.startswith(("Bad: ", "Good: "))]
    assert not odd


def test_there_are_enough_of_both(suite: Suite) -> None:
    bad = sum(test.title.startswith("Bad: ") for test in suite.tests)
    good = sum(test.title.startswith("Good: ") for test in suite.tests)
    assert min(bad, good) >= FEWEST, f"{bad} bad, {good} good"


def test_bad_expects_a_finding_and_good_none(suite: Suite) -> None:
    for test in suite.tests:
        found = [item for item in expectations(test.files, suite.path) if item.code == suite.code and item.kind != "todo-ok"]
        if test.title.startswith("Bad: "):
            assert found, f"{test.title}: nothing is expected"
        else:
            shown = [item for item in found if item.kind in ("error", "todo-error")]
            assert not shown, f"{test.title}: {shown[0].path}:{shown[0].line} expects a finding"


def test_both_are_executed(suite: Suite) -> None:
    executed = {test.title.split(":")[0] for test in suite.tests if any(admitted(script) for script in test.scripts)}
    assert executed == {"Bad", "Good"}


def _asserting(test: SuiteTest) -> set[str]:
    """The functions of a test's files that assert, for its scripts to call."""
    functions = [
        node
        for file in test.files
        if file.path.endswith(".py")
        for node in ast.walk(ast.parse(file.text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    return {node.name for node in functions if any(isinstance(inner, ast.Assert) for inner in ast.walk(node))}


def test_scripts_of_bad_examples_assert(suite: Suite) -> None:
    silent = [
        f"{test.title}, line {script.line}"
        for test in suite.tests
        if test.title.startswith("Bad: ")
        for script in test.scripts
        if "assert" not in script.text.lower() and not _asserting(test) & set(re.findall(r"\w+", script.text))
    ]
    assert not silent
