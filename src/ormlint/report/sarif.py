"""SARIF 2.1.0, as code-scanning services read it: rules with help, results with code flows for trails, fingerprints."""

from __future__ import annotations

import hashlib
import json
from typing import Any, Final
from urllib.parse import quote

from ..findings import Confidence, Finding, Location, Report
from ..witnessed import Missed, Witness, WitnessedFinding, WitnessedReport
from .view import RuleText, View, harmless

SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
BASE: Final = "SRCROOT"
LEVEL: Final = {Confidence.certain: "error", Confidence.likely: "warning", Confidence.possible: "note"}
RANK: Final = {Confidence.certain: 90.0, Confidence.likely: 60.0, Confidence.possible: 20.0}


def render(report: Report, view: View) -> str:
    """One SARIF log with one run."""
    missed = report.missed if isinstance(report, WitnessedReport) else ()
    used = {finding.code for finding in report.findings} | {one.code for one in missed}
    rules = sorted((rule for rule in view.rules if rule.code in used), key=lambda rule: rule.code)
    index = {rule.code: position for position, rule in enumerate(rules)}
    run = {
        "tool": {"driver": {"name": "ormlint", "version": view.version or "0", "rules": [descriptor(rule) for rule in rules]}},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {BASE: {"uri": view.root.as_uri().rstrip("/") + "/"}},
        "invocations": [
            {
                "executionSuccessful": True,
                "toolExecutionNotifications": [{"level": "warning", "message": {"text": harmless(warning)}} for warning in report.warnings],
            }
        ],
        "results": [*(result(finding, index) for finding in report.findings), *(missing(one, index) for one in missed)],
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def descriptor(rule: RuleText) -> dict[str, Any]:
    pascal = "".join(part.capitalize() for part in rule.name.split("-"))
    page = rule.page or rule.summary
    return {
        "id": rule.code,
        "name": pascal,
        "shortDescription": {"text": rule.summary},
        "help": {"text": page, "markdown": page},
        "defaultConfiguration": {"level": "warning"},
    }


def result(finding: Finding, index: dict[str, int]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "ruleId": finding.code,
        "level": LEVEL[finding.confidence],
        "rank": RANK[finding.confidence],
        "message": {"text": harmless(finding.message)},
        "locations": [location(finding.at)],
        "partialFingerprints": {"ormlint/v1": finding.fingerprint},
        "properties": {"confidence": finding.confidence.name, **evidence(finding)},
    }
    if finding.code in index:
        found["ruleIndex"] = index[finding.code]
    if finding.trail:
        steps = [{"location": location(step.at, step.note), "executionOrder": number} for number, step in enumerate(finding.trail, 1)]
        found["codeFlows"] = [{"message": {"text": "The steps that lead here."}, "threadFlows": [{"locations": steps}]}]
    return found


def missing(missed: Missed, index: dict[str, int]) -> dict[str, Any]:
    """What happened at run time and no finding spoke of: a note, with the frames that led there as its flow."""
    identity = f"{missed.code}:{missed.at.path}:{missed.symbol}:{missed.message}"
    found: dict[str, Any] = {
        "ruleId": missed.code,
        "level": "note",
        "message": {"text": harmless(f"seen at run time, and not found: {missed.message} ({missed.witness.text})")},
        "locations": [location(missed.at)],
        "partialFingerprints": {"ormlint/missed/v1": hashlib.sha256(identity.encode("utf-8", "surrogateescape")).hexdigest()[:16]},
        "properties": {"missed": True, **said(missed.witness)},
    }
    if missed.code in index:
        found["ruleIndex"] = index[missed.code]
    if missed.chain:
        frames = [{"location": location(at), "executionOrder": number} for number, at in enumerate((*missed.chain[::-1], missed.at), 1)]
        found["codeFlows"] = [{"message": {"text": "The calls that led here."}, "threadFlows": [{"locations": frames}]}]
    return found


def evidence(finding: Finding) -> dict[str, Any]:
    """What a run says of a finding."""
    witness = finding.witness if isinstance(finding, WitnessedFinding) else None
    return {} if witness is None else said(witness)


def said(witness: Witness) -> dict[str, Any]:
    """A verdict with its numbers."""
    numbers = {"count": witness.count, "most": witness.most, "tests": witness.tests}
    return {"witness": witness.verdict.label, "witnessed": harmless(witness.text), **numbers}


def location(at: Location, note: str = "") -> dict[str, Any]:
    region = {"startLine": at.line, "startColumn": at.column, "endLine": max(at.end_line, at.line), "endColumn": max(at.end_column, 1)}
    uri = quote(at.path.encode("utf-8", "surrogateescape"), safe="/")
    found: dict[str, Any] = {"physicalLocation": {"artifactLocation": {"uri": uri, "uriBaseId": BASE}, "region": region}}
    if note:
        found["message"] = {"text": harmless(note)}
    return found
