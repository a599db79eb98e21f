"""One line for each finding: `path:line:column: CODE message`."""

from __future__ import annotations

from ..findings import Report
from .view import View, harmless


def render(report: Report, view: View) -> str:
    """The findings, one on a line, in the report's order."""
    return "".join(
        f"{view.path(found.at.path)}:{found.at.line}:{found.at.column}: {found.code} {harmless(found.message)}\n"
        for found in report.findings
    )
