"""GitLab's code quality report: a JSON array in the Code Climate shape."""

from __future__ import annotations

import json
from typing import Final

from ..findings import Confidence, Report
from .view import View, harmless

SEVERITY: Final = {Confidence.certain: "major", Confidence.likely: "minor", Confidence.possible: "info"}


def render(report: Report, view: View) -> str:
    """One object for each finding; paths relative to the project's root."""
    issues = [
        {
            "description": harmless(f"{finding.code} {finding.message}"),
            "check_name": finding.name,
            "fingerprint": finding.fingerprint,
            "severity": SEVERITY[finding.confidence],
            "location": {"path": harmless(finding.at.path), "lines": {"begin": finding.at.line, "end": finding.at.end_line}},
        }
        for finding in report.findings
    ]
    return json.dumps(issues, indent=2) + "\n"
