"""The shop's own tests prove its planted defects, and nothing on the lines that do it right."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from recorded import SOURCE

from ormlint.config import load_config
from ormlint.pipeline import check
from ormlint.rules import ALL_RULES
from ormlint.witness.confirmation import hold_against
from ormlint.witness.meaning import EVIDENCE
from ormlint.witnessed import Verdict, WitnessedFinding, WitnessedReport

TESTS = Path(__file__).resolve().parents[1]
sys.path.append(str(TESTS / "projects"))
from expected import Expected, read_expected  # noqa: E402

IMPLEMENTED = {rule.code for rule in ALL_RULES}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> tuple[Expected, WitnessedReport]:
    """What is planted in the shop, and the report on it with the record of its own tests."""
    folder = tmp_path_factory.mktemp("witness") / "shop"
    ignored = shutil.ignore_patterns("__pycache__", ".pytest_cache", ".ormlint_cache", "*.db")
    shutil.copytree(TESTS.parent / "fixtures" / "projects" / "shop", folder, ignore=ignored)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "COV_"))}
    variables = {**kept, "PYTHONPATH": os.pathsep.join((str(SOURCE), str(folder / "src")))}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "ormlint.witness.plugin", "-p", "no:cacheprovider", "--ormlint-witness"]
    done = subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    report = check(folder, load_config(folder))
    return read_expected(folder), hold_against(report, folder / "ormlint-witness.jsonl")


def test_every_planted_defect_that_a_run_can_show_is_confirmed(shop: tuple[Expected, WitnessedReport]) -> None:
    expected, report = shop
    planted = [one for one in expected.defects if one.test and one.code in EVIDENCE and one.code in IMPLEMENTED]
    assert len(planted) >= 30
    proved = {
        (finding.code, finding.at.path, finding.at.line)
        for finding in report.findings
        if isinstance(finding, WitnessedFinding) and finding.witness is not None and finding.witness.verdict is Verdict.confirmed
    }
    unproved = [
        f"{one.code} {one.path}:{one.lines[0]}" for one in planted if not any((one.code, one.path, line) in proved for line in one.lines)
    ]
    assert not unproved


def test_nothing_happens_on_the_lines_that_do_it_right(shop: tuple[Expected, WitnessedReport]) -> None:
    expected, report = shop
    clean = {(one.path, line): one.what for one in expected.clean for line in one.lines}
    assert len(clean) > 20
    happened = [f"{one.code} {one.at.path}:{one.at.line} {one.message}" for one in report.missed if (one.at.path, one.at.line) in clean]
    assert not happened


def test_what_has_no_rule_yet_is_missed_by_its_code(shop: tuple[Expected, WitnessedReport]) -> None:
    expected, report = shop
    missed = {(one.at.path, line): one.code for one in report.missed for line in range(one.at.line, one.at.end_line + 1)}
    for one in expected.defects:
        if one.code in {"ORM208", "ORM403", "ORM405", "ORM408"} - IMPLEMENTED and one.test:
            assert [missed.get((one.path, line)) for line in one.lines] == [one.code], f"{one.path}:{one.lines[0]}"
    assert all(one.witness.verdict is Verdict.confirmed for one in report.missed)
