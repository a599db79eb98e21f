"""Run Markdown suites, and count what SQLAlchemy does in a test.

In a suite's script or any test: `counted(engine)`, `sqlite_engine()`, `async_sqlite_engine()`, `orm_budget(…)`. These need only
SQLAlchemy (1.4, 2.0 or 2.1).

For the author of a rule: `check_suite(path)` runs a whole suite, `suite_cases(path)` gives its checks one by one, for
`pytest.mark.parametrize`; both need the extra `ormlint[test]`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from ormlint.testing.engines import async_sqlite_engine, sqlite_engine
from ormlint.witness.budget import BudgetExceeded, orm_budget
from ormlint.witness.counting import Counts, counted

if TYPE_CHECKING:
    from pathlib import Path

    from ormlint.testing.cases import Case

__all__ = [
    "BudgetExceeded",
    "Counts",
    "async_sqlite_engine",
    "check_suite",
    "counted",
    "orm_budget",
    "reveal_orm",
    "sqlite_engine",
    "suite_cases",
]

T = TypeVar("T")


def reveal_orm(value: T = None) -> T:  # type: ignore[assignment]
    """The value itself; under analysis, a suite's `# revealed:` comment asserts what the core knows of it, or of the loop around it."""
    return value


def check_suite(path: Path) -> None:
    """Runs a whole suite. Raises an AssertionError that shows every difference, or SuiteError where the suite cannot be read."""
    _cases().check_suite(path)


def suite_cases(path: Path) -> tuple[Case, ...]:
    """The checks of a suite: each has an `id` and a `check()` that raises an AssertionError."""
    cases: tuple[Case, ...] = _cases().suite_cases(path)
    return cases


def _cases() -> Any:
    # Not at the top: scripts import this package where only SQLAlchemy is installed.
    from ormlint.testing import cases

    return cases
