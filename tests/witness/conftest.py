"""A small application whose tests are run in a process of their own, with one SQLAlchemy and the recorder."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from recorded import Run, environment

collect_ignore_glob = ["application/*"]


@pytest.fixture
def application(tmp_path: Path) -> Path:
    """A fresh copy of the application."""
    ignored = shutil.ignore_patterns("__pycache__")
    return Path(shutil.copytree(Path(__file__).parent / "application", tmp_path / "application", ignore=ignored))


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
