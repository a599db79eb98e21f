"""A summary for a pull request, in Markdown: counts, then each finding with its trail folded away."""

from __future__ import annotations

import re
from collections import Counter
from itertools import groupby

from ..findings import Report, Step
from .view import View, harmless


def render(report: Report, view: View) -> str:
    """A Markdown document; paths relative to the project's root."""
    count = len(report.findings)
    parts = [f"## ormlint: {f'{count} finding' + ('' if count == 1 else 's') if count else 'no findings'}", ""]
    if report.findings:
        parts += ["| rule | name | findings |", "|---|---|---:|"]
        counted = Counter((finding.code, finding.name) for finding in report.findings)
        parts += [f"| {code} | {name} | {number} |" for (code, name), number in sorted(counted.items())]
        parts.append("")
    for path, findings in groupby(report.findings, key=lambda finding: finding.at.path):
        parts += [f"### {escaped(path)}", ""]
        for finding in findings:
            place = f"{finding.at.line}:{finding.at.column}"
            parts.append(f"- **{finding.code}** {finding.name}, line {place} ({finding.confidence.name}): {escaped(finding.message)}")
            parts += trail(finding.trail)
        parts.append("")
    summary = report.summary
    accepted = f" The baseline accepts {summary.accepted}{' more' if count else ''}." if summary.accepted else ""
    parts.append(f"Checked {summary.files} files, {summary.models} models in {summary.duration_s:.1f} s.{accepted}")
    return "\n".join(parts) + "\n"


def trail(steps: tuple[Step, ...]) -> list[str]:
    if not steps:
        return []
    listed = [f"  {number}. {escaped(step.at.path)}:{step.at.line}: {escaped(step.note)}" for number, step in enumerate(steps, 1)]
    return ["  <details><summary>trail</summary>", "", *listed, "", "  </details>"]


def escaped(text: str) -> str:
    """Text that Markdown shows as it is: no markup, no mention, no HTML."""
    plain = re.sub(r"([\\`*_{}\[\]()#+!|~])", r"\\\1", harmless(text))
    return plain.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("@", "&#64;")
