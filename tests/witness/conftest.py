"""A small application whose tests are run in a process of their own, with one SQLAlchemy and the recorder."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ormlint.witness.record import Record, Site, read_record

collect_ignore_glob = ["application/*"]
SOURCE = Path(__file__).resolve().parents[2] / "src"
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def application(tmp_path: Path) -> Path:
    """A fresh copy of the application."""
    ignored = shutil.ignore_patterns("__pycache__")
    return Path(shutil.copytree(Path(__file__).parent / "application", tmp_path / "application", ignore=ignored))


def environment(packages: Path, *more: Path) -> dict[str, str]:
    """Variables for a process that has these packages before all others."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "COV_", "ORMLINT_W"))}
    return {**kept, "PYTHONPATH": os.pathsep.join(map(str, (packages, SOURCE, *more))), "PYTHONDONTWRITEBYTECODE": "1"}


@pytest.fixture
def run_tests(application: Path, sqlalchemy_environment: Path) -> Run:
    """Runs the application's tests with the plugin and further arguments of pytest."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "ormlint.witness.plugin",
            "-p",
            "no:cacheprovider",
            "-W",
            "ignore",
            *arguments,
        ]
        return subprocess.run(
            command, cwd=application, env=environment(sqlalchemy_environment), capture_output=True, text=True, timeout=120, check=False
        )

    return run


def the_record(application: Path) -> Record:
    return read_record(application / "ormlint-witness.jsonl")


def sites(record: Record, function: str, kind: str | None = None) -> list[Site]:
    """The sites of a function of the application, of one kind where it is named."""
    return [site for site in record.sites if site.function == function and (kind is None or site.kind == kind)]
