"""JUnit XML, as test dashboards read it: one failing case for each finding, one passing case where there is none."""

from __future__ import annotations

from xml.etree import ElementTree

from ..findings import Finding, Report
from .view import View, harmless


def render(report: Report, view: View) -> str:
    """An XML document with one test suite."""
    count = str(len(report.findings))
    attributes = {"name": "ormlint", "tests": str(max(1, len(report.findings))), "failures": count, "errors": "0"}
    suites = ElementTree.Element("testsuites", attributes)
    suite = ElementTree.SubElement(suites, "testsuite", {**attributes, "time": f"{report.summary.duration_s:.3f}"})
    if not report.findings:
        ElementTree.SubElement(suite, "testcase", {"name": "ormlint", "classname": "ormlint"})
    for finding in report.findings:
        case = ElementTree.SubElement(suite, "testcase", named(finding))
        failure = ElementTree.SubElement(case, "failure", {"message": harmless(finding.message), "type": finding.confidence.name})
        failure.text = "\n".join(explained(finding))
    ElementTree.indent(suites)
    return ElementTree.tostring(suites, encoding="unicode", xml_declaration=True) + "\n"


def named(finding: Finding) -> dict[str, str]:
    path = harmless(finding.at.path)
    return {
        "name": f"{finding.code} {finding.name} {path}:{finding.at.line}:{finding.at.column}",
        "classname": path,
        "file": path,
        "line": str(finding.at.line),
    }


def explained(finding: Finding) -> list[str]:
    first = f"{harmless(finding.at.path)}:{finding.at.line}:{finding.at.column}: {harmless(finding.message)}"
    return [first, *(f"  {harmless(step.at.path)}:{step.at.line}: {harmless(step.note)}" for step in finding.trail)]
