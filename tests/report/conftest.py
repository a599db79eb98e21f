"""A report to render, with hostile text in every place that comes from the analysed project."""

from __future__ import annotations

from pathlib import Path

import pytest

from ormlint.findings import Confidence, Finding, Location, Report, Step, Summary
from ormlint.report.view import RuleText, View

SOURCES = {
    "app/jobs.py": ("def run(session, rows):", "    for row in rows:", "\tsession.commit()  # 漢字 \x1b[31mred"),
    "app/we\nird\x1b]8;;x.py": ('x = "|`<b>@me%0A::error::"',),
}


@pytest.fixture
def report() -> Report:
    loop = Step(Location("app/jobs.py", 2, 5, 2, 8), "the loop")
    commit = Step(Location("app/jobs.py", 3, 2, 3, 18), "commits")
    return Report(
        root="/project",
        findings=(
            Finding(
                "ORM201",
                "commit-in-loop",
                Location("app/jobs.py", 3, 2, 3, 18),
                "one commit for each row; commit after the loop",
                Confidence.certain,
                (loop, commit),
                "app.jobs.run",
                "0123456789abcdef",
            ),
            Finding(
                "ORM302",
                "global-session",
                Location("app/we\nird\x1b]8;;x.py", 1, 1, 1, 2),
                "evil \x1b[2J | `x` <b> @me\n::error::100%",
                Confidence.likely,
                (),
                "",
                "fedcba9876543210",
            ),
        ),
        summary=Summary(files=7, parsed=6, models=2, resolved_calls=9, unresolved_calls=1, duration_s=1.25, unreadable=("bad.py",)),
        warnings=("could not read \x1b[31m",),
    )


@pytest.fixture
def view() -> View:
    return View(
        root=Path("/project"),
        lines=lambda path: SOURCES.get(path, ()),
        here=Path("/project/app"),
        rules=(
            RuleText("ORM201", "commit-in-loop", "One commit per row.", "# commit-in-loop"),
            RuleText("ORM302", "global-session", "x", ""),
        ),
        version="1.2.3",
    )
