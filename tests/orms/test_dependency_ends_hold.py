"""A request dependency ends when the rows say, on the FastAPI that is installed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import claims

from ormlint.orms import registry


def test_a_dependency_ends_when_its_row_says() -> None:
    probe = Path(__file__).with_name("dependency_probe.py")
    done = subprocess.run([sys.executable, str(probe)], capture_output=True, text=True, check=True)
    measured = json.loads(done.stdout)
    held = 0
    for row in registry.DEPENDENCY_ENDS:
        if not claims.applies(row.since, row.until, measured["version"]):
            continue
        did = measured[row.scope]
        assert did["task"] == (["end", "task"] if row.before_background_tasks else ["task", "end"]), row
        assert did["stream"] == (["end", "body"] if row.before_streaming else ["body", "end"]), row
        held += 1
    assert held >= 1


def test_every_version_has_one_row_without_a_scope() -> None:
    for version in ("0.65.0", "0.105.0", "0.106.0", "0.115.0", "0.117.1", "0.118.0", "0.165.0"):
        rows = [row for row in registry.DEPENDENCY_ENDS if not row.scope and claims.applies(row.since, row.until, version)]
        assert len(rows) == 1, version
