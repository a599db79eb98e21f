"""Every Markdown suite of the rules and of the core: each test analysed, each script executed on each SQLAlchemy."""

from __future__ import annotations

from pathlib import Path

import pytest

from ormlint.rules import ALL_RULES
from ormlint.selection import TOOL_RULES
from ormlint.testing import suite_cases
from ormlint.testing.cases import Case
from ormlint.testing.suites import SuiteError

IMPLEMENTED = {rule.code for rule in ALL_RULES} | {rule.code for rule in TOOL_RULES}
FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"
SUITES = sorted([*FIXTURES.glob("rules/*.md"), *FIXTURES.glob("inference/*.md")])


def _parameters() -> list[object]:
    parameters: list[object] = []
    for path in SUITES:
        try:
            parameters += [pytest.param(case, id=case.id) for case in suite_cases(path)]
        except SuiteError as error:
            parameters.append(pytest.param(error, id=f"{path.stem}/unreadable"))
    return parameters


@pytest.mark.parametrize("case", _parameters())
def test_suite(case: Case | SuiteError) -> None:
    __tracebackhide__ = True
    if isinstance(case, SuiteError):
        pytest.fail(str(case), pytrace=False)
    if case.script is None and case.suite.code is not None and case.suite.code not in IMPLEMENTED:
        pytest.skip(f"{case.suite.code} is specified and has no rule yet")
    try:
        case.check()
    except AssertionError as failure:
        pytest.fail(str(failure), pytrace=False)
