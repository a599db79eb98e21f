"""The arithmetic of the benchmarks; what they measure is no matter of a test."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks import goals, trees
from benchmarks.timing import Command, Cost, Costs, in_turn, ratio


def costs(name: str, *walls: float) -> Costs:
    return Costs(name, tuple(Cost(wall, wall, 10.0, 0) for wall in walls))


def test_a_ratio_is_of_runs_of_the_same_round() -> None:
    assert ratio(costs("a", 1.0, 20.0, 3.0), costs("b", 2.0, 10.0, 2.0)) == 1.5
    assert ratio(costs("a"), costs("b", 1.0)) is None


@pytest.mark.parametrize(("power", "expected"), [(1.0, "met"), (1.05, "met"), (1.3, "missed")])
def test_the_exponent_of_growth(power: float, expected: str) -> None:
    sizes = {times: 1000 * times for times in (1, 2, 4)}
    measured = {goals.copies(times): costs(goals.copies(times), sizes[times] ** power) for times in sizes}
    (row,) = goals.growth(measured, sizes)
    assert (row.measured, row.verdict) == (f"{power:.2f}", expected)


def test_goals_are_judged_only_where_both_sides_ran() -> None:
    rows = goals.table({goals.COLD: costs(goals.COLD, 2.0), "semgrep": costs("semgrep", 4.0)}, {})
    assert [(row.measured, row.verdict) for row in rows] == [("0.50 ×", "met")]


def test_a_command_that_fails_is_no_figure(tmp_path: Path) -> None:
    good = Command("good", (sys.executable, "-c", "pass"), tmp_path)
    bad = Command("bad", (sys.executable, "-c", "raise SystemExit(3)"), tmp_path)
    said: list[str] = []
    found = in_turn([good, bad], 2, tmp_path, said.append)
    assert (len(found["good"].runs), len(found["bad"].runs)) == (2, 0)
    assert any("bad ended with status 3" in line for line in said)


def test_copies_import_themselves(tmp_path: Path) -> None:
    package = tmp_path / "source" / "shop"
    package.mkdir(parents=True)
    (package / "a.py").write_text("from shop.b import c\nimport shop.b\nworkshop = 1\n")
    trees.copied(tmp_path / "source", "shop", 2, tmp_path / "copies")
    assert (tmp_path / "copies" / "shop1" / "a.py").read_text() == "from shop1.b import c\nimport shop1.b\nworkshop = 1\n"
