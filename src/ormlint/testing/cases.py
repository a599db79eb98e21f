"""A suite's checks, one by one: the analysis of each test's project, and each script on each version of SQLAlchemy.

Takes the path of a suite, gives `Case`s that a test runner can name and run. Plugin authors run their own suites with it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Union

import msgspec

from ormlint.config import load_config
from ormlint.findings import Confidence, Report
from ormlint.testing.expectations import compare, expectations
from ormlint.testing.scripts import ScriptFailed, admitted, run_script, write_files
from ormlint.testing.suites import Script, SourceFile, Suite, SuiteTest, read_suite


class SuiteFailure(AssertionError):
    """What a suite expects is not what happens; the message shows each difference with its place."""


class Case(msgspec.Struct, frozen=True):
    """One check of a test: the analysis of its files (`script` None) or one script on one series of SQLAlchemy."""

    suite: Suite
    test: SuiteTest
    script: Union[Script, None] = None
    series: str = ""

    @property
    def id(self) -> str:
        """A name for test runners: suite, test, and for a script its number and the version."""
        name = f"{Path(self.suite.path).stem}/{self.test.title}"
        if self.script is None:
            return name
        number = self.test.scripts.index(self.script) + 1
        return f"{name}/run{number}-sqlalchemy{self.series}"

    def check(self) -> None:
        """Raises SuiteFailure where it is not as the suite says."""
        if self.script is None:
            problems = differences(self.suite, self.test)
            if problems:
                raise SuiteFailure(f"{self.suite.path}:{self.test.line}: {self.test.title}\n" + "\n".join(problems))
            return
        try:
            run_script(self.script, self.test.files, self.series, Path(self.suite.path).name)
        except ScriptFailed as failed:
            raise SuiteFailure(f"{self.suite.path}:{self.script.line - 1}: {self.test.title}: {failed}") from None


def suite_cases(path: Path) -> tuple[Case, ...]:
    """Every check of a suite: per test the analysis, then its scripts on each version that their condition admits."""
    suite = read_suite(path)
    cases = []
    for test in suite.tests:
        if test.files:
            cases.append(Case(suite, test))
        cases += [Case(suite, test, script, series) for script in test.scripts for series in admitted(script)]
    return tuple(cases)


def check_suite(path: Path) -> None:
    """Runs a whole suite. Raises SuiteFailure with every difference, SuiteError where the suite cannot be read."""
    failures = []
    for case in suite_cases(path):
        try:
            case.check()
        except SuiteFailure as failure:
            failures.append(str(failure))
    if failures:
        raise SuiteFailure("\n\n".join(failures))


def differences(suite: Suite, test: SuiteTest, files: Union[Sequence[SourceFile], None] = None) -> tuple[str, ...]:
    """What the analysis of a test's files, or of `files` in their place, finds otherwise than the comments in them say."""
    sources = tuple(test.files if files is None else files)
    expected = expectations(sources, suite.path)
    report = analyse(sources, suite.code)
    return compare(suite.code, expected, report.findings, report.reveals, sources)


def analyse(files: Sequence[SourceFile], code: Union[str, None] = None, jobs: int = 1, cache: Union[Path, None] = None) -> Report:
    """The report on a project made of `files` in a temporary folder, the rule `code` switched on even where it is off by default."""
    with tempfile.TemporaryDirectory(prefix="ormlint-suite-") as name:
        root = Path(name).resolve()
        write_files(files, root)
        written = load_config(root)
        config = msgspec.structs.replace(
            written,
            min_confidence=Confidence.possible,
            jobs=jobs,
            cache_dir=None if cache is None else str(cache),
            extend_select=written.extend_select if code is None else (*written.extend_select, code),
            preview=True,
        )
        from ormlint.pipeline import check  # not at the top: running scripts alone does not need the analysis

        return check(root, config)
