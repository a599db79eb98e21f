"""The JSON contract, version 1: one object with the findings and the summary, and nothing that it does not promise.

Where a record of a run was held against the findings, each has a `witness`, and the object a list `missed`.
"""

from __future__ import annotations

import json
from typing import Any

from ..findings import Finding, Report
from ..witnessed import Missed, Witness, WitnessedFinding, WitnessedReport
from .view import View

VERSION = 1


def render(report: Report, view: View) -> str:
    """The report as one JSON object, indented, with a newline at its end."""
    return json.dumps(document(report), indent=2, ensure_ascii=True) + "\n"


def document(report: Report) -> dict[str, Any]:
    summary = report.summary
    missed = {"missed": [missing(item) for item in report.missed]} if isinstance(report, WitnessedReport) else {}
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
        **missed,
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
        **({"witness": verdict(finding.witness)} if isinstance(finding, WitnessedFinding) else {}),
    }


def verdict(witness: Witness | None) -> dict[str, Any] | None:
    """What a run says of a finding; null for rules of which no run can say anything."""
    if witness is None:
        return None
    return {
        "verdict": witness.verdict.name,
        "text": witness.text,
        "count": witness.count,
        "most": witness.most,
        "tests": witness.tests,
    }


def missing(missed: Missed) -> dict[str, Any]:
    """What happened at run time and no finding spoke of."""
    return {
        "code": missed.code,
        "name": missed.name,
        "path": missed.at.path,
        "line": missed.at.line,
        "message": missed.message,
        "witness": verdict(missed.witness),
        "chain": [{"path": at.path, "line": at.line} for at in missed.chain],
    }
