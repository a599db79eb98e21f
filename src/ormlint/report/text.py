"""For a person at a terminal: grouped by file, each finding with its line of source, what helps, and a numbered trail.

Builds rich `Text` piece by piece and never from markup, so that nothing in the analysed code can style or move anything.
A message says what is wrong and, behind its last semicolon, what to do; the two are shown apart.
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
from ..witnessed import Verdict, WitnessedFinding, WitnessedReport
from .view import TAB, View, code_line, harmless

UNLIMITED = 10_000
UNWRAPPED = -1
"""The indent of a line that may run over the terminal's edge."""
VERDICT_STYLE = {Verdict.confirmed: "bold red", Verdict.not_run: "dim", Verdict.refuted: "green"}
PROSE = 100
"""Columns that a sentence takes at most: a line that is longer is hard to follow."""
NAMED = 5
"""How many of the files that could not be read are named."""
CONFIDENCE_STYLE = {Confidence.certain: "bold red", Confidence.likely: "bold magenta", Confidence.possible: "bold cyan"}


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
    plain = view.width is None and not view.colour and not view.links
    for line, wraps in report_lines(report, view):
        if plain:
            buffer.write(f"{line.plain}\n")  # what rich would write, in a tenth of the time
        else:
            print_line(console, line, view, wraps)
    return "\n".join(line.rstrip() for line in buffer.getvalue().split("\n"))


def report_lines(report: Report, view: View) -> Iterator[tuple[Text, int | None]]:
    """All lines, each with the indent of its continuation; None for one that is cut."""
    for path, findings in groupby(report.findings, key=lambda finding: finding.at.path):
        yield Text(view.path(path), style=linked("bold underline", path, view)), UNWRAPPED
        for finding in findings:
            yield from finding_lines(finding, view)
            yield Text(""), UNWRAPPED
    if view.statistics and report.findings:
        yield from ((line, UNWRAPPED) for line in statistics(report))
        yield Text(""), UNWRAPPED
    yield from missed_lines(report, view)
    yield from ((line, 2) for line in closing(report))


def print_line(console: Console, line: Text, view: View, wraps: int | None) -> None:
    """One line: wrapped with an indent of `wraps`, or cut at the terminal's edge where that is None."""
    if view.width is None or wraps == UNWRAPPED:
        console.print(line, soft_wrap=True)
    elif wraps is None:
        console.print(line, no_wrap=True, overflow="ellipsis", crop=True)
    else:
        pieces = line.wrap(console, max(min(view.width, PROSE) - wraps, 20), overflow="fold")
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
    wrong, helps = parted(finding.message)
    yield Text.assemble("    ", harmless(wrong)), 4
    yield from ((frame, None) for frame in code_frame(at, view))
    if helps:
        yield Text.assemble("    ", ("help:", "bold green"), f" {harmless(helps)}"), 6
    if isinstance(finding, WitnessedFinding) and finding.witness is not None:
        verdict = finding.witness.verdict
        said = f": {harmless(finding.witness.text)}" if finding.witness.text else ""
        yield Text.assemble("    ", ("run:", "bold blue"), " ", (verdict.label, VERDICT_STYLE[verdict]), said), 6
    for number, step in enumerate(finding.trail, 1):
        label = f"    {number:>2}. "
        yield Text.assemble((label, "cyan"), harmless(step.note)), len(label)
        yield from ((line, None) for line in place(step.at, at, " " * len(label), view))


def parted(message: str) -> tuple[str, str]:
    """What is wrong, and what to do, which is empty where the message does not say it."""
    wrong, _, helps = message.rpartition("; ")
    return (wrong, helps) if wrong else (message, "")


def place(at: Location, finding: Location, indent: str, view: View) -> Iterator[Text]:
    """Where a step happens, and its line of source: beside it where both fit, else below it; none where the finding shows it already."""
    where = f"{view.path(at.path)}:{at.line}:{at.column}"
    shown = "" if (at.path, at.line) == (finding.path, finding.line) else code_line(line_at(view, at)).strip()
    linked_place = (where, linked("dim", at.path, view))
    if not shown:
        yield Text.assemble(indent, linked_place)
    elif view.width is None or cell_len(f"{indent}{where}  {shown}") <= view.width:
        yield Text.assemble(indent, linked_place, "  ", shown)
    else:
        yield Text.assemble(indent, linked_place)
        yield Text.assemble(indent, shown)


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
            # A range that is wider than the terminal keeps its beginning, and some of what stands before it.
            cut = min(max(0, start - room // 4), max(0, start + length - room))
        indent = cell_len(shown) - cell_len(shown.lstrip())
        cut = max(cut, min(indent, start) - 4 * TAB if indent > 6 * TAB else 0)
    if cut:
        shown, start = "…" + drop_cells(shown, cut + 1), max(1, start - cut)
    if view.width is not None:
        length = max(1, min(length, room - start))
    yield Text.assemble((gutter, "bold blue"), shown)
    yield Text.assemble((" " * (len(gutter) - 2) + "| ", "bold blue"), " " * start, ("^" * length, "bold red"))


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


def missed_lines(report: Report, view: View) -> Iterator[tuple[Text, int | None]]:
    """What happened at run time and no finding spoke of."""
    if not isinstance(report, WitnessedReport) or not report.missed:
        return
    yield Text("Seen at run time, and not found:", style="bold"), 2
    for missed in report.missed:
        where = f"{view.path(missed.at.path)}:{missed.at.line}"
        yield (
            Text.assemble("  ", (where, linked("dim", missed.at.path, view)), " ", (missed.code, "bold"), f" {harmless(missed.message)}"),
            4,
        )
        yield Text.assemble("    ", ("run:", "bold blue"), f" {harmless(missed.witness.text)}"), 6
    yield Text(""), None


def closing(report: Report) -> Iterator[Text]:
    """What was found and what was looked at."""
    summary = report.summary
    for warning in report.warnings:
        yield Text.assemble(("warning: ", "yellow"), harmless(warning))
    count = len(report.findings)
    found = Text(f"Found {plural(count, 'finding')}." if count else "No findings.", style="bold red" if count else "bold green")
    if summary.accepted:
        found = Text.assemble(found, f" The baseline accepts {summary.accepted}{' more' if count else ''}.")
    calls = summary.resolved_calls + summary.unresolved_calls
    share = f", {summary.resolved_calls} of {plural(calls, 'call')} resolved ({100 * summary.resolved_calls // calls}%)" if calls else ""
    yield found
    yield Text(f"Checked {plural(summary.files, 'file')} in {summary.duration_s:.1f} s: {plural(summary.models, 'mapped class')}{share}.")
    if summary.unreadable:
        named = ", ".join(harmless(rel) for rel in summary.unreadable[:NAMED])
        more = f" and {len(summary.unreadable) - NAMED} more" if len(summary.unreadable) > NAMED else ""
        yield Text.assemble(("Could not read ", "yellow"), f"{plural(len(summary.unreadable), 'file')}: {named}{more}.")


def plural(count: int, noun: str) -> str:
    """The number and the noun, in the plural where there is not one."""
    ending = "es" if noun.endswith("s") else "s"
    return f"{count} {noun}" if count == 1 else f"{count} {noun}{ending}"
