"""However the analysis is run, it finds the same: from a cold or a warm cache, in one process or in several, once or twice."""

from __future__ import annotations

from pathlib import Path

import pytest
from projects_of_suites import found, projects

from ormlint.testing.cases import analyse
from ormlint.testing.suites import SourceFile


@pytest.fixture(scope="module")
def everything() -> tuple[SourceFile, ...]:
    """One large project of all the suites' projects, each in a folder of its own."""
    files = []
    for number, (_, test) in enumerate(projects()):
        files += [SourceFile(f"p{number}/{file.path}", file.text, file.line) for file in test.files if file.path.endswith(".py")]
    return tuple(files)


def test_warm_is_cold(everything: tuple[SourceFile, ...], tmp_path: Path) -> None:
    cold = analyse(everything, cache=tmp_path / "cache")
    assert any((tmp_path / "cache").rglob("*"))
    assert len(cold.findings) > 50
    warm = analyse(everything, cache=tmp_path / "cache")
    none = analyse(everything)
    assert warm.findings == cold.findings == none.findings


def test_several_processes_find_what_one_does(everything: tuple[SourceFile, ...]) -> None:
    one = analyse(everything, jobs=1)
    assert analyse(everything, jobs=2).findings == one.findings


def test_files_that_cannot_matter_may_be_read_all_the_same(everything: tuple[SourceFile, ...]) -> None:
    config = SourceFile("pyproject.toml", "[tool.ormlint]\nrelevance = false\n", 1)
    assert found(analyse((*everything, config))) == found(analyse(everything))
