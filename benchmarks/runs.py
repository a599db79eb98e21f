"""The runs of `ormlint` that are measured: cold and warm, on one core and on all, after an edit, on copies."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from benchmarks.timing import Command

CACHE = ".ormlint_cache"


def ormlint(name: str, build: Path, tree: Path, *options: str, **more: object) -> Command:
    """A run of the `ormlint` that lies in `build`, on a whole tree. 2 is the exit status of a run that could not be made."""
    arguments = (sys.executable, "-m", "ormlint", "check", ".", "--output-format", "json", *options)
    return Command(name, arguments, tree, {"PYTHONPATH": str(build)}, **more)  # type: ignore[arg-type]


def forgotten(tree: Path) -> None:
    shutil.rmtree(tree / CACHE, ignore_errors=True)


def cold(name: str, build: Path, tree: Path, jobs: int = 0) -> Command:
    return ormlint(name, build, tree, "--jobs", str(jobs), before=lambda: forgotten(tree))
