"""A large project is analysed in parts: what is found does not depend on how many processes run them, nor on whether one of them dies."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from projects_of_suites import projects

from ormlint.config import load_config
from ormlint.facts.reading import read_records
from ormlint.findings import Report
from ormlint.project import discover
from ormlint.semantics import parts, understanding
from ormlint.semantics.frame import World
from ormlint.testing.cases import analyse
from ormlint.testing.suites import SourceFile

SMALL = 30_000


@pytest.fixture(scope="module")
def everything() -> tuple[SourceFile, ...]:
    """One project of every fourth suite's projects, each in a folder of its own."""
    files = []
    for number, (_, test) in enumerate(projects()):
        if not number % 4:
            files += [SourceFile(f"p{number}/{file.path}", file.text, file.line) for file in test.files if file.path.endswith(".py")]
    return tuple(files)


def told(report: Report) -> object:
    return report.findings, report.reveals, report.summary.resolved_calls, report.summary.unresolved_calls


@pytest.fixture
def divided(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "WORTH_A_PART", SMALL)


@pytest.mark.usefixtures("divided")
def test_any_number_of_processes_finds_the_same(everything: tuple[SourceFile, ...]) -> None:
    one = analyse(everything, jobs=1)
    assert len(one.findings) > 50
    for jobs in (2, 5):
        assert told(analyse(everything, jobs=jobs)) == told(one)


def test_projects_that_share_nothing_are_found_the_same_in_parts(
    everything: tuple[SourceFile, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = analyse(everything, jobs=1)
    monkeypatch.setattr(parts, "WORTH_A_PART", SMALL)
    assert analyse(everything, jobs=1).findings == whole.findings


def test_templates_that_a_part_read_are_known_to_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    rendering = [test for _, test in projects() if any("templates/" in file.path for file in test.files)]
    assert len(rendering) > 3
    for test in rendering[:8]:
        whole = analyse(test.files)
        with monkeypatch.context() as patch:
            patch.setattr(parts, "WORTH_A_PART", 100)
            assert told(analyse(test.files, jobs=2)) == told(whole)


def die(number: int) -> parts.Observed:
    os._exit(3)


@pytest.mark.usefixtures("divided")
def test_the_part_of_a_process_that_dies_is_run_all_the_same(everything: tuple[SourceFile, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    one = analyse(everything, jobs=1)
    monkeypatch.setattr(parts, "_run_inherited", die)
    assert told(analyse(everything, jobs=2)) == told(one)


def test_modules_stay_whole_and_parts_are_of_a_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    body = "".join(f"def work_{at}(value):\n    return value + {at}\n\n\n" for at in range(40))
    for at in range(12):
        (tmp_path / f"module_{at:02}.py").write_text(body)
    worlds: list[World] = []
    monkeypatch.setattr(understanding, "run_all", lambda world, *_, **__: worlds.append(world))
    config = load_config(tmp_path)
    project = discover(tmp_path, config)
    records, _ = read_records([(file.rel, tmp_path / file.rel) for file in project.files], cache_dir=None, jobs=1)
    understanding.analyse(project, records, config)
    ids = sorted(worlds[0].symbols.functions)
    assert parts.divided(worlds[0], ids) == [ids]
    monkeypatch.setattr(parts, "WORTH_A_PART", 4 * len(body))
    found = parts.divided(worlds[0], ids)
    assert sorted(id for part in found for id in part) == ids
    homes = [{id.partition(":")[0] for id in part} for part in found]
    assert len(found) in (2, 4)
    assert all(not left & right for left in homes for right in homes if left is not right)
    assert max(map(len, homes)) <= 2 * min(map(len, homes))
