"""The report that a person reads."""

from __future__ import annotations

import re

import msgspec
import pytest
from rich.cells import cell_len

from ormlint.findings import Report, Summary
from ormlint.report.text import render
from ormlint.report.view import View


def test_groups_by_file_with_code_frame_and_numbered_trail(report: Report, view: View) -> None:
    assert render(report, view) == (
        "jobs.py\n"
        "  3:2 ORM201 commit-in-loop [certain]\n"
        "    one commit for each row\n"
        "        3 |     session.commit()  # 漢字 \\x1b[31mred\n"
        "          |     ^^^^^^^^^^^^^^^^\n"
        "    help: commit after the loop\n"
        "     1. the loop\n"
        "        jobs.py:2:5  for row in rows:\n"
        "     2. commits\n"
        "        jobs.py:3:2\n"
        "\n"
        "we\\nird\\x1b]8;;x.py\n"
        "  1:1 ORM302 global-session [likely]\n"
        "    evil \\x1b[2J | `x` <b> @me\\n::error::100%\n"
        '        1 | x = "|`<b>@me%0A::error::"\n'
        "          | ^\n"
        "\n"
        "warning: could not read \\x1b[31m\n"
        "Found 2 findings.\n"
        "Checked 7 files in 1.2 s: 2 mapped classes, 9 of 10 calls resolved (90%).\n"
        "Could not read 1 file: bad.py.\n"
    )


def test_nothing_found_says_so(view: View) -> None:
    report = Report("/project", summary=Summary(files=1, parsed=1, duration_s=0.04))
    assert render(report, view) == "No findings.\nChecked 1 file in 0.0 s: 0 mapped classes.\n"


@pytest.mark.parametrize(
    ("count", "said"), [(0, "No findings. The baseline accepts 3."), (2, "Found 2 findings. The baseline accepts 3 more.")]
)
def test_what_the_baseline_accepts_is_counted(report: Report, view: View, count: int, said: str) -> None:
    accepted = msgspec.structs.replace(report, findings=report.findings[:count], summary=Summary(files=1, accepted=3))
    assert said in render(accepted, view).splitlines()


def test_files_that_could_not_be_read_are_named(view: View) -> None:
    rels = tuple(f"{letter}\x1b[31m.py" for letter in "abcdefg")
    text = render(Report("/project", summary=Summary(files=9, parsed=2, unreadable=rels)), view)
    listed = ", ".join(f"{letter}\\x1b[31m.py" for letter in "abcde")
    assert text.splitlines()[-1] == f"Could not read 7 files: {listed} and 2 more."


@pytest.mark.parametrize("width", [30, 80])
def test_a_steps_source_stands_beside_its_place_where_both_fit(report: Report, view: View, width: int) -> None:
    text = render(report, msgspec.structs.replace(view, width=width))
    assert ("        jobs.py:2:5  for row in rows:\n" in text) == (width == 80)
    assert ("        jobs.py:2:5\n        for row in rows:\n" in text) == (width == 30)


def test_statistics_count_each_rule(report: Report, view: View) -> None:
    text = render(report, msgspec.structs.replace(view, statistics=True))
    assert "     1  ORM201  commit-in-loop\n     1  ORM302  global-session\n" in text


def test_colour_only_where_asked_for_and_only_ours(report: Report, view: View) -> None:
    assert "\x1b" not in render(report, view)
    coloured = render(report, msgspec.structs.replace(view, colour=True))
    assert "\x1b[" in coloured
    assert set(re.findall(r"\x1b(.)", coloured)) == {"["}
    assert all(re.fullmatch(r"[\d;]*m", rest) for rest in re.findall(r"\x1b\[([^m]*m)", coloured))
    assert re.sub(r"\x1b\[[\d;]*m", "", coloured) == render(report, view)


def test_links_lead_to_the_file(report: Report, view: View) -> None:
    text = render(report, msgspec.structs.replace(view, colour=True, links=True))
    assert "file:///project/app/jobs.py" in text
    assert "\x1b]8;;x.py" not in text


@pytest.mark.parametrize("width", [40, 80, 160])
def test_no_line_is_wider_than_the_terminal(report: Report, view: View, width: int) -> None:
    long = msgspec.structs.replace(report.findings[0], message="word " * 60)
    wide = msgspec.structs.replace(long, at=msgspec.structs.replace(long.at, line=1, column=150, end_line=1, end_column=170))
    source = "x = " + "a" * 145 + "b" * 20 + "c" * 100
    narrow = msgspec.structs.replace(view, width=width, lines=lambda path: (source,))
    text = render(msgspec.structs.replace(report, findings=(long, wide)), narrow)
    lines = text.splitlines()
    assert all(cell_len(line) <= width for line in lines)
    frame = next(index for index, line in enumerate(lines) if "^" in line and "bbb" in lines[index - 1])
    caret = lines[frame].index("^")
    assert lines[frame - 1][caret] == "b"
