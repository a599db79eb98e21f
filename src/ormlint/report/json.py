"""The JSON contract, version 1: one object with the findings and the summary, and nothing that it does not promise."""

from __future__ import annotations

import json
from typing import Any

from ..findings import Finding, Report
from .view import View

VERSION = 1


def render(report: Report, view: View) -> str:
    """The report as one JSON object, indented, with a newline at its end."""
    return json.dumps(document(report), indent=2, ensure_ascii=True) + "\n"


def document(report: Report) -> dict[str, Any]:
    summary = report.summary
    return {
        "version": VERSION,
        "findings": [entry(finding) for finding in report.findings],
        "summary": {
            "files": summary.files,
            "parsed": summary.parsed,
            "models": summary.models,
            "unresolved_calls": summary.unresolved_calls,
            "resolved_calls": summary.resolved_calls,
            "duration_s": summary.duration_s,
        },
    }


def entry(finding: Finding) -> dict[str, Any]:
    """One finding: its path relative to the root with forward slashes, lines and columns from 1."""
    return {
        "code": finding.code,
        "name": finding.name,
        "path": finding.at.path,
        "line": finding.at.line,
        "column": finding.at.column,
        "end_line": finding.at.end_line,
        "end_column": finding.at.end_column,
        "message": finding.message,
        "confidence": finding.confidence.name,
        "trail": [{"path": step.at.path, "line": step.at.line, "column": step.at.column, "note": step.note} for step in finding.trail],
        "fingerprint": finding.fingerprint,
    }
