"""`orm_budget`: within it nothing, above it a message that shows the lines."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from recorded import Run, environment

TESTS = """\
import pytest

from app import service
from ormlint.testing import orm_budget


def test_within(orm_budget, session):
    with orm_budget(selects=2, lazy_loads=0, commits=0) as counts:
        service.eager(session)
    assert (counts.selects, counts.lazy_loads) == (2, 0)


def test_above(orm_budget, session):
    with orm_budget(selects=3, lazy_loads=0):
        service.totals(session)


def test_commits(session, engine):
    with orm_budget(engine=engine, commits=1):
        service.rename(session)


def test_once(session, engine):
    with orm_budget(engine=engine, lazy_loads=0, selects=0, inserts=0, flushes=0, commits=0, rollbacks=0, column_loads=0):
        service.each_once(session)


def test_its_own_error_is_shown(orm_budget, session):
    with orm_budget(lazy_loads=0):
        service.totals(session)
        raise KeyError("of the test")


def test_unknown(orm_budget):
    with pytest.raises(TypeError, match="select"):
        with orm_budget(select=1):
            pass
"""


def test_budgets(application: Path, run_tests: Run) -> None:
    (application / "tests" / "test_budget.py").write_text(TESTS, encoding="utf-8")
    done = run_tests("tests/test_budget.py")
    assert "4 failed, 2 passed" in done.stdout, done.stdout
    source = (application / "app" / "service.py").read_text(encoding="utf-8").split("\n")
    line = next(number for number, text in enumerate(source, 1) if "len(parent.children)" in text)
    lazy = f"app/service.py:{line}: 5 x lazy Parent.children in count_children (ORM401 lazy-load-in-loop)"
    assert "selects: 6, allowed 3" in done.stdout
    assert "lazy_loads: 5, allowed 0" in done.stdout
    assert lazy in done.stdout
    assert "commits: 5, allowed 1" in done.stdout
    assert "(ORM202 commit-hidden-in-loop)" in done.stdout
    assert "KeyError: 'of the test'" in done.stdout
    once = [line.partition(" in each_once ")[2] for line in done.stdout.splitlines() if " 1 x " in line and " in each_once" in line]
    assert set(once) == {
        "(in a loop: ORM401 lazy-load-in-loop)",
        "(in a loop: ORM405 load-undone)",
        "(in a loop: ORM408 query-in-loop)",
        "(in a loop: ORM201 commit-in-loop)",
        "(in a loop: ORM411 autoflush-in-loop)",
        "(outside the unit of work: ORM203 commit-outside-unit-of-work)",
    }, done.stdout


def test_a_budget_needs_no_pytest(application: Path, sqlalchemy_environment: Path) -> None:
    script = (
        "from app.models import Base\n"
        "from ormlint.testing import orm_budget, sqlite_engine\n"
        "engine = sqlite_engine()\n"
        "with orm_budget(engine=engine, commits=1, selects=0):\n"
        "    with engine.begin() as connection:\n"
        "        Base.metadata.create_all(connection, checkfirst=False)\n"
    )
    command = [sys.executable, "-S", "-c", script]
    done = subprocess.run(command, cwd=application, env=environment(sqlalchemy_environment), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
