"""The runs of `ormlint` that are measured: cold and warm, on one core and on all, after an edit, on copies."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from benchmarks.timing import Command

SOURCE = Path(__file__).resolve().parents[1] / "src"
CACHE = ".ormlint_cache"


def frozen(work: Path) -> None:
    """From here on a copy of the sources is measured: an edit to them in between would make another ormlint of it."""
    copy = work / "src"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(SOURCE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    globals()["SOURCE"] = copy


def ormlint(name: str, tree: Path, *options: str, **more: object) -> Command:
    """A run on a whole tree. 2 is the exit status of a run that could not be made."""
    arguments = (sys.executable, "-m", "ormlint", "check", ".", "--output-format", "json", *options)
    return Command(name, arguments, tree, {"PYTHONPATH": str(SOURCE)}, **more)  # type: ignore[arg-type]


def forgotten(tree: Path) -> None:
    shutil.rmtree(tree / CACHE, ignore_errors=True)


def cold(name: str, tree: Path, jobs: int = 0) -> Command:
    return ormlint(name, tree, "--jobs", str(jobs), before=lambda: forgotten(tree))
