"""What all tests share: where the suites are, and one folder of installed packages per supported SQLAlchemy."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ormlint.testing.environments import SERIES, environment

ROOT = Path(__file__).resolve().parents[1]
os.environ.setdefault("ORMLINT_TEST_ENVS", str(ROOT / ".ormlint_test_envs"))


@pytest.fixture(scope="session", params=SERIES)
def sqlalchemy_environment(request: pytest.FixtureRequest) -> Path:
    """A folder for PYTHONPATH with one series of SQLAlchemy; the test runs once for each. Safe under pytest-xdist."""
    series: str = request.param
    return environment(series)
