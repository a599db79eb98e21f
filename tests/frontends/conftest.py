"""A small project with one finding that needs the whole project, and ways to run the real programs on it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

import ormlint

MODELS = """\
from sqlalchemy import Boolean, Column, Integer
from sqlalchemy.orm import declarative_base

Base = declarative_base()


class Order(Base):
    __tablename__ = "orders"
    id = Column(Integer, primary_key=True)
    closed = Column(Boolean)
"""
JOBS = """\
from sqlalchemy import select
from sqlalchemy.orm import Session

from shop.models import Order


def close_all(session: Session) -> None:
    for order in session.scalars(select(Order)).all():
        order.closed = True
        session.commit()
"""
COMMIT_LINE = 10


SEARCH_PATH = os.pathsep.join(os.path.abspath(path) for path in (Path(ormlint.__file__).parents[1], *filter(None, sys.path)))
"""Where the programs find what this test run itself uses."""


class Ran(msgspec.Struct, frozen=True):
    """How a program ended."""

    status: int
    out: str
    err: str

    def codes(self) -> list[tuple[str, str, int]]:
        """Code, path and line of each finding of a JSON report."""
        return [(item["code"], item["path"], item["line"]) for item in json.loads(self.out)["findings"]]


Run = Callable[..., Ran]


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """The root of the project; its only finding is ORM201 in `src/shop/jobs.py`."""
    root = tmp_path / "shop"
    package = root / "src" / "shop"
    package.mkdir(parents=True)
    (root / "pyproject.toml").write_text('[project]\nname = "shop"\nversion = "1"\n', encoding="utf-8")
    (package / "__init__.py").touch()
    (package / "models.py").write_text(MODELS, encoding="utf-8")
    (package / "jobs.py").write_text(JOBS, encoding="utf-8")
    return root


@pytest.fixture
def run(shop: Path) -> Run:
    """Run `python -m <program> …` in the project, or in another folder."""

    def start(
        *arguments: object, program: str = "ormlint", cwd: Path | None = None, stdin: bytes = b"", env: dict[str, str] | None = None
    ) -> Ran:
        quiet = {name: value for name, value in os.environ.items() if name not in ("FORCE_COLOR", "NO_COLOR", "COLUMNS")}
        quiet["PYTHONPATH"] = SEARCH_PATH
        done: Any = subprocess.run(
            [sys.executable, "-m", program, *map(str, arguments)],
            cwd=cwd or shop,
            input=stdin,
            capture_output=True,
            env={**quiet, **(env or {})},
            timeout=300,
            check=False,
        )
        return Ran(done.returncode, done.stdout.decode("utf-8", "surrogateescape"), done.stderr.decode("utf-8", "surrogateescape"))

    return start
