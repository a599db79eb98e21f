"""The small application of these tests: variables for its processes, and its record."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

from ormlint.witness.record import Record, Site, read_record

SOURCE = Path(__file__).resolve().parents[2] / "src"
Run = Callable[..., "subprocess.CompletedProcess[str]"]


def environment(packages: Path, *more: Path) -> dict[str, str]:
    """Variables for a process that has these packages before all others."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "COV_", "ORMLINT_W"))}
    return {**kept, "PYTHONPATH": os.pathsep.join(map(str, (packages, SOURCE, *more))), "PYTHONDONTWRITEBYTECODE": "1"}


def the_record(application: Path) -> Record:
    return read_record(application / "ormlint-witness.jsonl")


def sites(record: Record, function: str, kind: str | None = None) -> list[Site]:
    """The sites of a function of the application, of one kind where it is named."""
    return [site for site in record.sites if site.function == function and (kind is None or site.kind == kind)]
