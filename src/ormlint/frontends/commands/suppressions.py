"""`ormlint suppressions`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import click

from ...config import printable
from ...findings import Report, Silence
from ...pipeline import Request, check
from ...report.view import View, harmless
from ..asking import text_or_json
from ..options import choosing, configuration, project_root
from ..output import colour, deliver
from ..progress import progress

EXAMPLES = """\b
Examples:
  ormlint suppressions
  ormlint suppressions src/shop --output-format json
"""


@click.command("suppressions", epilog=EXAMPLES)
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="[PATH]...")
@click.option("--output-format", default="text", metavar="FORMAT", help="text or json.")
@click.option("--output-file", "-o", type=click.Path(path_type=Path), help="Write the list there, whole or not at all.")
@choosing
def command(paths: tuple[Path, ...], output_format: str, output_file: Path | None, **options: Any) -> int:
    """List each comment that silences findings, with its reason and what it silences.

    Listed are `# ormlint: ignore` comments and those `# noqa` that name one of our rules or silence one of our findings.
    """
    text_or_json(output_format)
    named = paths or (Path.cwd(),)
    root = project_root(named)
    config = configuration(named[0] if len(named) == 1 else root, options)
    with progress() as notify:
        report = check(root, config, request=Request(paths=named, notify=notify))
    for warning in report.warnings:
        click.echo(f"ormlint: warning: {printable(warning)}", err=True)
    view = View(root=root, here=Path.cwd(), colour=output_file is None and colour(sys.stdout))
    deliver(as_json(report) if output_format == "json" else "".join(f"{line}\n" for line in as_text(report, view)), output_file)
    return 0


def as_text(report: Report, view: View) -> Iterator[str]:
    """Grouped by file, one paragraph for each comment."""
    bold, dim, yellow, end = ("\x1b[1m", "\x1b[2m", "\x1b[33m", "\x1b[0m") if view.colour else ("", "", "", "")
    for path, silences in groupby(report.silences, key=lambda silence: silence.at.path):
        yield f"{bold}{view.path(path)}{end}"
        for silence in silences:
            yield f"  {dim}{silence.at.line}:{silence.at.column}{end} {harmless(without_reason(silence))}"
            yield f"    {harmless(silence.reason)}" if silence.reason else f"    {yellow}no reason is given{end}"
            for finding in silence.findings:
                yield f"    {finding.at.line}: {bold}{finding.code}{end} {finding.name}"
            if not silence.findings:
                yield f"    {yellow}silences nothing{end}"
        yield ""
    count, bare = len(report.silences), sum(not silence.reason for silence in report.silences)
    silenced = len({finding for silence in report.silences for finding in silence.findings})
    told = f", {bare} without a reason" if bare else ""
    yield f"{plural(count, 'suppression')}{told}; {plural(silenced, 'finding')} silenced."


def without_reason(silence: Silence) -> str:
    """The comment as it is written, up to its reason."""
    text = silence.text
    return text[: text.rfind(silence.reason)].rstrip(" \t:-\u2014\u2013") if silence.reason and silence.reason in text else text


def plural(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def as_json(report: Report) -> str:
    """A list of objects; paths relative to the root, lines and columns from 1."""
    return (
        json.dumps(
            [
                {
                    "path": silence.at.path,
                    "line": silence.at.line,
                    "column": silence.at.column,
                    "comment": silence.text,
                    "reason": silence.reason,
                    "findings": [
                        {
                            "code": finding.code,
                            "name": finding.name,
                            "line": finding.at.line,
                            "column": finding.at.column,
                            "message": finding.message,
                            "confidence": finding.confidence.name,
                        }
                        for finding in silence.findings
                    ],
                }
                for silence in report.silences
            ],
            indent=2,
        )
        + "\n"
    )
