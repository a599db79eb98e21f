from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import postgres_server as server
import pytest

from ormlint.testing.scripts import write_files
from ormlint.testing.suites import read_suite

RULES = Path(__file__).resolve().parents[2] / "fixtures" / "rules"


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    """Where a PostgreSQL server listens, as `user@host:port/database`."""
    try:
        with server.running() as found:
            yield found
    except server.Unavailable as reason:
        pytest.skip(str(reason))


@pytest.fixture
def example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, str], Callable[[str], Any]]]:
    """Puts the files of one test of a suite in the way of imports: the code that is analysed is the code that runs."""
    before = set(sys.modules)

    def use(code: str, title: str) -> Callable[[str], Any]:
        path = next(RULES.glob(f"{code}-*.md"))
        tests = [test for test in read_suite(path).tests if test.title == title]
        assert len(tests) == 1, f"{path.name} has no test {title!r}"
        write_files(tests[0].files, tmp_path)
        monkeypatch.syspath_prepend(str(tmp_path))
        return importlib.import_module

    yield use
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", None) or "").startswith(str(tmp_path)):
            del sys.modules[name]
