"""For a person at a terminal: grouped by file, each finding with its line of source and a numbered trail.

Builds rich `Text` piece by piece and never from markup, so that nothing in the analysed code can style or move anything.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterator
from itertools import groupby

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.style import Style
from rich.text import Text

from ..findings import Confidence, Finding, Location, Report
from .view import TAB, View, code_line, harmless

UNLIMITED = 10_000
CONFIDENCE_STYLE = {Confidence.certain: "bold red", Confidence.likely: "bold yellow", Confidence.possible: "bold cyan"}


def render(report: Report, view: View) -> str:
    """The whole report; colours and links only where the view asks for them."""
    buffer = io.StringIO()
    console = Console(
        file=buffer,
        width=view.width or UNLIMITED,
        force_terminal=view.colour,
        color_system="standard" if view.colour else None,
        no_color=not view.colour,
        highlight=False,
        markup=False,
        emoji=False,
        legacy_windows=False,
    )
    for path, findings in groupby(report.findings, key=lambda finding: finding.at.path):
        console.print(Text(view.path(path), style=linked("bold underline", path, view)), soft_wrap=True)
        for finding in findings:
            for line, wraps in finding_lines(finding, view):
                print_line(console, line, view, wraps)
        console.print()
    if view.statistics and report.findings:
        for line in statistics(report):
            console.print(line, soft_wrap=True)
        console.print()
    for line in closing(report):
        print_line(console, line, view, wraps=2)
    return "\n".join(line.rstrip() for line in buffer.getvalue().split("\n"))


def print_line(console: Console, line: Text, view: View, wraps: int | None) -> None:
    """One line: wrapped with an indent of `wraps`, or cut at the terminal's edge where that is None."""
    if view.width is None:
        console.print(line, soft_wrap=True)
    elif wraps is None:
        console.print(line, no_wrap=True, overflow="ellipsis", crop=True)
    else:
        pieces = line.wrap(console, max(view.width - wraps, 20), overflow="fold")
        for index, piece in enumerate(pieces):
            console.print(Text(" " * wraps if index else "") + piece, soft_wrap=True)


def finding_lines(finding: Finding, view: View) -> Iterator[tuple[Text, int | None]]:
    """The lines of one finding, each with the indent of its continuation; None for a line of source, which is cut."""
    at = finding.at
    yield (
        Text.assemble(
            "  ",
            (f"{at.line}:{at.column}", linked("dim", at.path, view)),
            " ",
            (finding.code, CONFIDENCE_STYLE[finding.confidence]),
            " ",
            (finding.name, "bold"),
            (f" [{finding.confidence.name}]", "dim"),
        ),
        4,
    )
    yield Text.assemble("    ", harmless(finding.message)), 4
    for frame in code_frame(at, view):
        yield frame, None
    for number, step in enumerate(finding.trail, 1):
        label = f"    {number:>2}. "
        place = f"{view.path(step.at.path)}:{step.at.line}:{step.at.column}"
        yield Text.assemble((label, "cyan"), (place, linked("dim", step.at.path, view)), "  ", harmless(step.note)), len(label)
        source = line_at(view, step.at)
        if source and (step.at.path, step.at.line) != (at.path, at.line):
            yield Text.assemble(" " * len(label), (code_line(source).strip(), "dim")), None


def code_frame(at: Location, view: View) -> Iterator[Text]:
    """The line of source that a finding stands on, and carets under the range."""
    source = line_at(view, at)
    if not source.strip():
        return
    shown = code_line(source)
    start = cell_len(code_line(source[: at.column - 1]))
    end = at.end_column - 1 if at.end_line == at.line else len(source.rstrip())
    length = max(1, cell_len(code_line(source[at.column - 1 : end])))
    cut = 0
    gutter = f"    {at.line:>5} | "
    if view.width is not None:
        room = max(20, view.width - len(gutter))
        if start + length > room:
            cut = min(start, max(0, cell_len(shown) - room))
        indent = cell_len(shown) - cell_len(shown.lstrip())
        cut = max(cut, min(indent, start) - 4 * TAB if indent > 6 * TAB else 0)
    if cut:
        shown, start = "…" + drop_cells(shown, cut + 1), max(1, start - cut)
    if view.width is not None:
        length = max(1, min(length, room - start))
    yield Text.assemble((gutter, "blue"), shown)
    yield Text.assemble((" " * (len(gutter) - 2) + "| ", "blue"), " " * start, ("^" * length, "bold red"))


def drop_cells(text: str, count: int) -> str:
    """The text without its first `count` terminal columns."""
    head = 0
    for index, char in enumerate(text):
        if head >= count:
            return set_cell_size("", head - count) + text[index:]
        head += cell_len(char)
    return ""


def line_at(view: View, at: Location) -> str:
    lines = view.lines(at.path)
    return lines[at.line - 1] if 0 < at.line <= len(lines) else ""


def linked(style: str, path: str, view: View) -> Style:
    parsed = Style.parse(style)
    return parsed + Style(link=(view.root / path).as_uri()) if view.links else parsed


def statistics(report: Report) -> Iterator[Text]:
    """How often each rule was found, most often first."""
    counted = Counter((finding.code, finding.name) for finding in report.findings)
    for (code, name), count in sorted(counted.items(), key=lambda item: (-item[1], item[0])):
        yield Text.assemble(f"{count:>6}  ", (code, "bold"), f"  {name}")


def closing(report: Report) -> Iterator[Text]:
    """What was found and what was looked at."""
    summary = report.summary
    for warning in report.warnings:
        yield Text.assemble(("warning: ", "yellow"), harmless(warning))
    count = len(report.findings)
    found = Text(f"Found {plural(count, 'finding')}." if count else "No findings.", style="bold red" if count else "bold green")
    calls = summary.resolved_calls + summary.unresolved_calls
    share = f", {100 * summary.resolved_calls // calls} % of {calls} calls resolved" if calls else ""
    unreadable = f", {plural(len(summary.unreadable), 'file')} unreadable" if summary.unreadable else ""
    checked = (
        f" Checked {plural(summary.files, 'file')}, {plural(summary.models, 'model')}{share}{unreadable} in {summary.duration_s:.1f} s."
    )
    yield Text.assemble(found, checked)


def plural(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
