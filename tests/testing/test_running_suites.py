"""Suites as a whole: analysed, executed in forks on each SQLAlchemy, with failures that show where."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from ormlint.testing import check_suite, suite_cases
from ormlint.testing.cases import SuiteFailure
from ormlint.testing.environments import SERIES, environment
from ormlint.testing.scripts import ScriptFailed, run_script
from ormlint.testing.suites import Script, SourceFile

MODELS = """\
from sqlalchemy import Column, Integer
from sqlalchemy.orm import declarative_base

Base = declarative_base()


class Order(Base):
    __tablename__ = "orders"
    id = Column(Integer, primary_key=True)
    n = Column(Integer)
"""
COUNTED = """\
from sqlalchemy.orm import Session
from ormlint.testing import counted, sqlite_engine
from app.models import Base, Order

for file in (False, True):
    engine = sqlite_engine(file=file)
    Base.metadata.create_all(engine)
    with counted(engine) as c:
        with Session(engine) as session:
            session.add_all([Order(n=1), Order(n=2)])
            session.commit()
            for order in session.query(Order).order_by(Order.id).all():
                order.n += 1
                session.commit()
    assert c.commits == 3, c
    assert c.updates == 2, c
    assert c.selects == 2, c
    assert c.column_loads == 1, c
    assert (c.lazy_loads, c.deletes, c.flushes, c.checked_out) == (0, 0, 3, 0), c
    before = c.statements
    with Session(engine) as session:
        session.query(Order).all()
    assert c.statements == before, "it counts in its block only"
    with counted(engine) as c:
        open_session = Session(engine)
        open_session.query(Order).all()
    assert (c.selects, c.commits, c.checked_out) == (1, 0, 1), c
    open_session.close()
"""
ASYNC = """\
import asyncio
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from ormlint.testing import async_sqlite_engine, counted
from app.models import Base, Order

async def main():
    for file in (False, True):
        engine = async_sqlite_engine(file=file)
        async with engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)
        with counted(engine) as c:
            async with AsyncSession(engine) as session:
                session.add(Order(n=1))
                await session.commit()
                assert (await session.execute(select(Order))).scalars().one().n == 1
        assert (c.inserts, c.commits, c.selects, c.checked_out) == (1, 1, 1, 0), c
        await engine.dispose()

asyncio.run(main())
"""
FILES = (SourceFile("app/__init__.py", "", 1), SourceFile("app/models.py", MODELS, 1))


@pytest.mark.parametrize("series", SERIES)
@pytest.mark.parametrize("text", [COUNTED, ASYNC], ids=["sync", "async"])
def test_statements_and_commits_are_counted(text: str, series: str) -> None:
    assert run_script(Script(text, 1, ""), FILES, series, "t.md") == ""


@pytest.mark.parametrize("series", SERIES)
def test_each_script_runs_on_its_version_in_a_fresh_folder_and_process(series: str) -> None:
    text = (
        "import os, sys, sqlalchemy\n"
        "assert not hasattr(sqlalchemy, 'touched')\n"
        "sqlalchemy.touched = True\n"
        "assert sorted(os.listdir()) == ['app'], os.listdir()\n"
        "open('left', 'w').close()\n"
        "assert __name__ == '__main__' and 'app.models' not in sys.modules\n"
        "import app.models\n"
        "print(sqlalchemy.__version__, reveal_orm('x'))\n"
    )
    outputs = [run_script(Script(text, 1, ""), FILES, series, "t.md") for _ in range(2)]
    assert all(output.startswith(f"{series}.") and output.endswith(" x\n") for output in outputs)


def test_a_failure_shows_the_suites_lines_and_the_version() -> None:
    with pytest.raises(ScriptFailed) as raised:
        run_script(Script("x = 1\nassert x == 2, 'no'\n", 41, ""), FILES, "2.0", "ORM201.md")
    assert str(raised.value) == (
        "the script fails on SQLAlchemy 2.0:\n  ORM201.md:42 in <module>\n      assert x == 2, 'no'\nAssertionError: no"
    )


def test_a_script_that_hangs_or_dies_is_ended_and_the_next_one_runs() -> None:
    started = time.monotonic()
    with pytest.raises(ScriptFailed, match=r"ended after 0\.5 s"):
        run_script(Script("import time\ntime.sleep(60)\n", 1, ""), FILES, "2.1", "t.md", timeout_s=0.5)
    assert time.monotonic() - started < 30
    with pytest.raises(ScriptFailed, match="ended by signal 9"):
        run_script(Script("import os\nos.kill(os.getpid(), 9)\n", 1, ""), FILES, "2.1", "t.md")
    with pytest.raises(ScriptFailed, match="SyntaxError"):
        run_script(Script("def\n", 1, ""), FILES, "2.1", "t.md")
    with pytest.raises(ScriptFailed):
        run_script(Script("raise SystemExit('why')\n", 1, ""), FILES, "2.1", "t.md")
    assert run_script(Script("print('on')\nraise SystemExit(0)\n", 1, ""), FILES, "2.1", "t.md") == "on\n"


def test_environments_hold_the_version_and_are_made_once() -> None:
    for series in SERIES:
        folder = environment(series)
        names = [path.name for path in folder.iterdir()]
        assert any(name.lower().startswith(f"sqlalchemy-{series}.") for name in names)
        made = os.stat(folder).st_mtime_ns
        assert environment(series) == folder
        assert os.stat(folder).st_mtime_ns == made


SUITE = """\
# ORM201 commit-in-loop

```python path=app/models.py
{models}```

## Bad: a commit for each row

```python path=app/service.py
from sqlalchemy.orm import Session

from app.models import Order


def bump(session: Session) -> None:
    for order in session.query(Order).all():
        order.n += 1
        session.commit(){expected}
```

```python run
assert {claim}
```
"""


def test_a_whole_suite(tmp_path: Path) -> None:
    path = tmp_path / "ORM201-mine.md"
    path.write_text(SUITE.format(models=MODELS, expected="  # error: ORM201", claim="True"), encoding="utf-8")
    check_suite(path)
    assert [case.id.split("/")[2:] for case in suite_cases(path)] == [[], *([f"run1-sqlalchemy{series}"] for series in SERIES)]


def test_a_whole_suite_shows_every_difference(tmp_path: Path) -> None:
    path = tmp_path / "ORM201-mine.md"
    path.write_text(SUITE.format(models=MODELS, expected="", claim="False"), encoding="utf-8")
    with pytest.raises(SuiteFailure) as raised:
        check_suite(path)
    text = str(raised.value)
    assert "app/service.py:9: false alarm: ORM201" in text
    assert all(f"fails on SQLAlchemy {series}" in text for series in SERIES)
