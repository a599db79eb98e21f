"""What changed since a git revision, and which findings take part in it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from ormlint.config import ConfigError
from ormlint.findings import Confidence, Finding, Location, Step
from ormlint.revisions import changed_lines, takes_part


def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q")
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "m.py").write_text("one\ntwo\nthree\nfour\nfive\n")
    (tmp_path / "app" / "gone.py").write_text("x\n")
    (tmp_path / "top.py").write_text("x\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "first")
    return tmp_path


def test_changed_added_and_removed_lines(repository: Path) -> None:
    (repository / "app" / "m.py").write_text("one\nTWO\nthree\nfive\nsix\nseven\n")
    assert changed_lines(repository, "HEAD") == {"app/m.py": frozenset({2, 3, 4, 5, 6})}


def test_new_files_committed_or_not_are_changed_as_a_whole(repository: Path) -> None:
    (repository / "app" / "new\n\x1b[31m é.py").write_text("x\n")
    (repository / "app" / "staged.py").write_text("x\n")
    git(repository, "add", "app/staged.py")
    (repository / "app" / "gone.py").unlink()
    assert changed_lines(repository, "HEAD") == {"app/new\n\x1b[31m é.py": None, "app/staged.py": None}


def test_paths_are_relative_to_the_root_and_end_there(repository: Path) -> None:
    (repository / "top.py").write_text("changed\n")
    (repository / "app" / "m.py").write_text("changed\n")
    assert set(changed_lines(repository / "app", "HEAD")) == {"m.py"}


def test_committed_changes_since_an_older_revision(repository: Path) -> None:
    (repository / "top.py").write_text("x\ny\n")
    git(repository, "commit", "-qam", "second")
    assert changed_lines(repository, "HEAD~1") == {"top.py": frozenset({2})}
    assert changed_lines(repository, "HEAD") == {}


def test_an_unknown_revision_and_a_folder_outside_git_are_one_line(
    repository: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    for revision in ("no-such-branch", "--help", "-n1", ""):
        with pytest.raises(ConfigError, match="git knows no revision"):
            changed_lines(repository, revision)
    outside = tmp_path_factory.mktemp("outside")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(outside.parent))
    with pytest.raises(ConfigError, match="is not in a git repository"):
        changed_lines(outside, "HEAD")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ConfigError, match="needs git"):
        changed_lines(repository, "HEAD")


def test_a_finding_takes_part_by_its_range_or_by_its_trail() -> None:
    at = Location("a.py", 3, 1, 5, 1)
    step = Step(Location("b.py", 9, 1, 9, 2), "commits")
    finding = Finding("ORM202", "commit-hidden-in-loop", at, "text", Confidence.certain, (step,))
    assert takes_part(finding, {"a.py": frozenset({4})})
    assert takes_part(finding, {"b.py": frozenset({9})})
    assert takes_part(finding, {"b.py": None})
    assert not takes_part(finding, {"a.py": frozenset({2, 6}), "b.py": frozenset({8, 10}), "c.py": None})
