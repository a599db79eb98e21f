"""The whole applications: their own tests pass and run into each planted defect; the command finds exactly those, and no clean twin."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from expected import Expected, read_expected

from ormlint.config import load_config
from ormlint.pipeline import check
from ormlint.rules import ALL_RULES

PROJECTS = Path(__file__).resolve().parents[2] / "fixtures" / "projects"
WITH_DEFECTS = ("shop", "layered_leaks")
CLEAN = ("layered", "imperative", "active_record")


@pytest.fixture(params=[*WITH_DEFECTS, *CLEAN])
def application(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A copy, so that neither the configuration nor the ignore files around the original have a say."""
    name: str = request.param
    ignored = shutil.ignore_patterns("__pycache__", ".pytest_cache", ".ruff_cache", ".ormlint_cache", "*.db")
    return Path(shutil.copytree(PROJECTS / name, tmp_path / name, ignore=ignored))


def shown(expected: Expected) -> str:
    return "\n".join(f"{planted.code} {planted.path}:{planted.lines[0]} {planted.text}" for planted in expected.defects)


def test_the_application_works_and_runs_into_its_defects(application: Path) -> None:
    record = application.parent / "lines-run"
    environment = {name: value for name, value in os.environ.items() if name != "PYTEST_ADDOPTS"}
    environment |= {
        "PYTHONPATH": os.pathsep.join([str(application / "src"), str(Path(__file__).parent)]),
        "LINES_RUN": str(record),
    }
    command = [sys.executable, "-m", "pytest", "-q", "-p", "lines_run", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=application, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    run = set(record.read_text(encoding="utf-8").split("\n"))
    reached = [planted for planted in read_expected(application).defects if planted.test]
    assert not [planted for planted in reached if f"{planted.path}:{planted.lines[0]}" not in run]


def test_the_list_of_defects_names_real_tests_and_contradicts_itself_nowhere(application: Path) -> None:
    expected = read_expected(application)
    assert bool(expected.defects) == (application.name in WITH_DEFECTS)
    places = [(planted.code, planted.path, planted.lines[0]) for planted in expected.defects]
    assert len(places) == len(set(places)), shown(expected)
    defects = {(planted.path, line) for planted in expected.defects for line in planted.lines}
    assert not [twin for twin in expected.clean if (twin.path, twin.lines[0]) in defects]
    for planted in expected.defects:
        if planted.test:
            file, _, function = planted.test.partition("::")
            assert f"def {function}(" in (application / file).read_text(encoding="utf-8"), planted.test


def test_exactly_the_defects_are_found(application: Path) -> None:
    expected = read_expected(application)
    implemented = {rule.code for rule in ALL_RULES}
    found = {(finding.code, finding.at.path, finding.at.line) for finding in check(application, load_config(application)).findings}
    planted = [defect for defect in expected.defects if defect.code in implemented]
    places = {(defect.code, defect.path, line) for defect in planted for line in defect.lines}
    missed = [
        f"missed: {defect.code} {defect.path}:{defect.lines[0]} {defect.what}"
        for defect in planted
        if not any((defect.code, defect.path, line) in found for line in defect.lines)
    ]
    twins = {(twin.path, twin.lines[0]): f" (clean: {twin.what})" for twin in expected.clean}
    false = [f"false: {code} {path}:{line}{twins.get((path, line), '')}" for code, path, line in sorted(found - places)]
    assert not missed + false, "\n" + "\n".join(missed + false)
