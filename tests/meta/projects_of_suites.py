"""The tests of the suites of implemented rules, as projects for tests about the analysis itself."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ormlint.findings import Report
from ormlint.rules import ALL_RULES
from ormlint.testing.suites import SourceFile, Suite, SuiteTest, read_suite

RULES = Path(__file__).resolve().parents[2] / "fixtures" / "rules"
CODES = {rule.code for rule in ALL_RULES}


def projects() -> list[tuple[Suite, SuiteTest]]:
    """Every test that has files, with its suite."""
    suites = [read_suite(path) for path in sorted(RULES.glob("ORM*.md")) if path.name[:6] in CODES]
    return [(suite, test) for suite in suites for test in suite.tests if test.files]


def name(project: tuple[Suite, SuiteTest]) -> str:
    return f"{project[0].code}: {project[1].title}"


def found(report: Report) -> list[tuple[str, str, int, str]]:
    """Code, path, line and confidence of each finding, sorted: what must not change when code is only written otherwise."""
    return sorted((finding.code, finding.at.path, finding.at.line, finding.confidence.name) for finding in report.findings)


def replaced(files: Sequence[SourceFile], texts: dict[str, str]) -> tuple[SourceFile, ...]:
    """The files with other texts, by path; further paths are added."""
    old = {file.path: file for file in files}
    kept = [SourceFile(file.path, texts.get(file.path, file.text), file.line) for file in files]
    return (*kept, *(SourceFile(path, text, 1) for path, text in texts.items() if path not in old))
