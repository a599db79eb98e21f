"""Annotations of GitHub Actions: one workflow command for each finding."""

from __future__ import annotations

from typing import Final

from ..findings import Confidence, Report
from .view import View, harmless

COMMAND: Final = {Confidence.certain: "error", Confidence.likely: "warning", Confidence.possible: "notice"}


def render(report: Report, view: View) -> str:
    """Workflow commands; paths relative to the project's root. The trail follows the message, a step on a line."""
    lines: list[str] = []
    for finding in report.findings:
        at = finding.at
        trail = [f"{step.at.path}:{step.at.line}: {step.note}" for step in finding.trail]
        message = "%0A".join(data(text) for text in (finding.message, *trail))
        properties = f"file={value(at.path)},line={at.line},endLine={at.end_line},col={at.column},endColumn={at.end_column}"
        title = value(f"{finding.code} {finding.name}")
        lines.append(f"::{COMMAND[finding.confidence]} {properties},title={title}::{message}\n")
    return "".join(lines)


def data(text: str) -> str:
    """Text as a workflow command carries it."""
    return harmless(text).replace("%", "%25")


def value(text: str) -> str:
    """A property's value as a workflow command carries it."""
    return data(text).replace(":", "%3A").replace(",", "%2C")
