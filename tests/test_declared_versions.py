"""Which versions of a library a project's own files declare."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ormlint.declared_versions import Declared, DeclaredVersions, range_of

POETRY_LOCK = '[[package]]\nname = "FastAPI"\nversion = "0.116.1"\n'


@pytest.mark.parametrize(
    ("clauses", "low", "high"),
    [
        ("==0.115.6", (0, 115, 6), (0, 115, 7)),
        ("==0.115.*", (0, 115, 0), (0, 116)),
        ("~=0.115.0", (0, 115, 0), (0, 116)),
        ("~=0.115", (0, 115, 0), (1,)),
        ("^0.115.0", (0, 115, 0), (0, 116)),
        ("^1.2", (1, 2, 0), (2,)),
        ("~0.115.2", (0, 115, 2), (0, 116)),
        (">=0.110,<0.118", (0, 110, 0), (0, 118, 0)),
        ("<0.118, >=0.110", (0, 110, 0), (0, 118, 0)),
        (">=0.165", (0, 165, 0), None),
        ("<=0.117.1", (), (0, 117, 2)),
        ("0.115.6", (0, 115, 6), (0, 115, 7)),
    ],
)
def test_a_range_is_read(clauses: str, low: tuple[int, ...], high: tuple[int, ...] | None) -> None:
    assert range_of(clauses) == Declared(low, high)


@pytest.mark.parametrize("clauses", ["", "*", "@ git+ssh://x", ">=banana", "!=0.115.0"])
def test_what_says_nothing_is_no_range(clauses: str) -> None:
    assert range_of(clauses) is None


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("pyproject.toml", '[project]\nname = "x"\ndependencies = ["fastapi[standard]==0.115.6; python_version > \'3.9\'"]\n'),
        ("pyproject.toml", '[project]\nname = "x"\n[project.optional-dependencies]\nweb = ["FastAPI == 0.115.6"]\n'),
        ("pyproject.toml", '[dependency-groups]\nweb = ["fastapi==0.115.6", {include-group = "dev"}]\n'),
        ("pyproject.toml", '[tool.poetry.dependencies]\nfastapi = {version = "0.115.6", extras = ["all"]}\n'),
        ("pyproject.toml", '[tool.poetry.group.web.dependencies]\nfastapi = "0.115.6"\n'),
        ("requirements.txt", "# web\n-r other.txt\nfastapi==0.115.6  # pinned\n"),
        ("requirements-dev.txt", "fastapi[all]==0.115.6\n"),
        ("requirements/base.txt", "fastapi==0.115.6\n"),
        ("setup.cfg", "[options]\ninstall_requires =\n    fastapi==0.115.6\n    sqlalchemy\n"),
        ("Pipfile", '[packages]\nfastapi = "==0.115.6"\n'),
        ("uv.lock", '[[package]]\nname = "fastapi"\nversion = "0.115.6"\n'),
        ("poetry.lock", '[[package]]\nname = "fastapi"\nversion = "0.115.6"\n'),
        ("Pipfile.lock", json.dumps({"default": {"fastapi": {"version": "==0.115.6"}}})),
    ],
)
def test_each_kind_of_file_declares(tmp_path: Path, name: str, text: str) -> None:
    file = tmp_path / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(text, "utf-8")
    assert DeclaredVersions(tmp_path).declared("fastapi", "app/main.py") == Declared((0, 115, 6), (0, 115, 7))


def test_a_lock_file_says_it_more_exactly(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "x"\ndependencies = ["fastapi>=0.100"]\n', "utf-8")
    (tmp_path / "poetry.lock").write_text(POETRY_LOCK, "utf-8")
    assert DeclaredVersions(tmp_path).declared("fastapi", "main.py") == Declared((0, 116, 1), (0, 116, 2))


def test_the_nearest_folder_decides(tmp_path: Path) -> None:
    (tmp_path / "backend").mkdir()
    (tmp_path / "requirements.txt").write_text("fastapi==0.100.0\n", "utf-8")
    (tmp_path / "backend" / "requirements.txt").write_text("fastapi==0.120.0\n", "utf-8")
    versions = DeclaredVersions(tmp_path)
    assert versions.declared("fastapi", "backend/app/api/main.py") == Declared((0, 120, 0), (0, 120, 1))
    assert versions.declared("fastapi", "main.py") == Declared((0, 100, 0), (0, 100, 1))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("pyproject.toml", "[project\n"),
        ("poetry.lock", "package = 3\n"),
        ("Pipfile.lock", "{"),
        ("Pipfile.lock", "[1]"),
        ("setup.cfg", "]"),
    ],
)
def test_a_broken_file_says_nothing(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text, "utf-8")
    assert DeclaredVersions(tmp_path).declared("fastapi", "main.py") is None


def test_a_range_meets_a_span_of_releases() -> None:
    within = range_of(">=0.110,<0.118")
    assert within is not None
    assert within.meets("0.106.0", "0.117")
    assert not within.meets("0.118.0", None)
    assert not within.meets("0.65", "0.105")
    exact = range_of("==0.117.1")
    assert exact is not None
    assert exact.meets("0.106.0", "0.117")
