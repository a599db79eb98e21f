"""What is aimed at, and how near a run came. Takes costs by name; gives the rows of a table. Fails nothing."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import msgspec

from benchmarks.timing import Costs, ratio

ONE_CORE = "ormlint cold, one process"
INTERPRETED = "ormlint cold, one process, not compiled"
COLD = "ormlint cold, all cores"
WARM = "ormlint warm"
EDITED_LEAF = "ormlint, leaf edited"
EDITED_MODEL = "ormlint, model edited"
LARGE_COLD = "ormlint cold, homeassistant"
LARGE_WARM = "ormlint warm, homeassistant"
PLUGIN_WITHOUT = "flake8 alone, beside it"
PLUGIN_WITH = "flake8 with the plugin, warm"


def copies(times: int) -> str:
    return f"ormlint cold, one process, {times} copies"


class Row(msgspec.Struct, frozen=True):
    goal: str
    measured: str
    verdict: str


def table(costs: Mapping[str, Costs], sizes: Mapping[int, int]) -> list[Row]:
    """A row for each goal that the run measured."""
    return [*ratios(costs), *absolutes(costs), *growth(costs, sizes)]


RATIOS = (
    ("cold on one core: at most 1.3 × libcst.parse_module", ONE_CORE, "libcst.parse_module", "cpu", 1.3, False),
    ("the same, not compiled", INTERPRETED, "libcst.parse_module", "cpu", 1.3, False),
    ("two cores: at least 1.7 × faster than one", ONE_CORE, COLD, "wall", 1.7, True),
    ("cold: at least 15 × faster than fixit", "fixit", COLD, "wall", 15, True),
    ("cold: at least 15 × faster than flake8", "flake8", COLD, "wall", 15, True),
    ("cold: at least 15 × faster than pylint", "pylint", COLD, "wall", 15, True),
    ("cold: no slower than semgrep", COLD, "semgrep", "wall", 1.0, False),
    ("warm: at most the time of ruff without cache", WARM, "ruff", "wall", 1.0, False),
    ("a leaf edited: at most 10 % of cold", EDITED_LEAF, COLD, "cpu", 0.10, False),
    ("a model edited: at most 35 % of cold", EDITED_MODEL, COLD, "cpu", 0.35, False),
    ("homeassistant cold: at most 3 × airflow-core cold", LARGE_COLD, COLD, "wall", 3, False),
    ("flake8 plugin, warm: at most 1.1 × flake8 alone", PLUGIN_WITH, PLUGIN_WITHOUT, "cpu", 1.1, False),
)


def ratios(costs: Mapping[str, Costs]) -> Iterator[Row]:
    for goal, left, right, what, limit, at_least in RATIOS:
        if left in costs and right in costs:
            value = ratio(costs[left], costs[right], what)
            if value is not None:
                met = value >= limit if at_least else value <= limit
                yield Row(goal, f"{value:.2f} ×", verdict(met))


def absolutes(costs: Mapping[str, Costs]) -> Iterator[Row]:
    for goal, name, what, limit, unit in (
        ("warm: at most 0.25 s", WARM, "wall", 0.25, "s"),
        ("homeassistant warm: at most 1 s", LARGE_WARM, "wall", 1.0, "s"),
        ("homeassistant: at most 600 MB", LARGE_COLD, "memory", 600, "MB"),
    ):
        if name in costs and costs[name].runs:
            value = getattr(costs[name], what)
            yield Row(goal, f"{value:.2f} {unit}" if unit == "s" else f"{value:.0f} {unit}", verdict(value <= limit))


def growth(costs: Mapping[str, Costs], sizes: Mapping[int, int]) -> Iterator[Row]:
    points = [(sizes[times], costs[copies(times)].cpu) for times in sizes if costs.get(copies(times)) and costs[copies(times)].runs]
    if len(points) > 1:
        value = exponent(points)
        yield Row(f"growth over {', '.join(map(str, sizes))} copies: exponent at most 1.1", f"{value:.2f}", verdict(value <= 1.1))


def exponent(points: list[tuple[int, float]]) -> float:
    """The slope of the line through the logarithms: time = c × lines ** slope."""
    xs = [math.log(lines) for lines, _ in points]
    ys = [math.log(seconds) for _, seconds in points]
    middle_x, middle_y = sum(xs) / len(xs), sum(ys) / len(ys)
    return sum((x - middle_x) * (y - middle_y) for x, y in zip(xs, ys, strict=True)) / sum((x - middle_x) ** 2 for x in xs)


def verdict(met: bool) -> str:
    return "met" if met else "missed"
