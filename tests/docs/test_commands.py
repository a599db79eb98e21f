"""Every page's commands do what the page shows, run in order on a copy of the shop."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path

import pytest

from .conftest import ROOT, SEARCH_PATH
from .pages import Command, Written, pattern, steps

PAGES = [page for page in sorted((ROOT / "docs").glob("*.md")) if any(isinstance(step, Command) for step in steps(page))]
PROGRAMS = {"ormlint": "ormlint", "flake8": "flake8", "pre-commit": "pre_commit"}
IDENTITY = {f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER") for what, value in (("NAME", "t"), ("EMAIL", "t@example.org"))}


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    project = tmp_path / "shop"
    shutil.copytree(ROOT / "fixtures/projects/shop", project, ignore=shutil.ignore_patterns("__pycache__", ".ormlint_cache", "*.db"))
    configuration = project / "pyproject.toml"
    configuration.write_text(configuration.read_text(encoding="utf-8").partition("[tool.ormlint]")[0], encoding="utf-8")
    subprocess.run("git init -q && git add . && git commit -qm first", shell=True, cwd=project, env={**os.environ, **IDENTITY}, check=True)
    return project


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """With the programs of this test run first on the path."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, module in PROGRAMS.items():
        (programs / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" -m {module} "$@"\n', encoding="utf-8")
        (programs / name).chmod(0o755)
    (programs / "python").symlink_to(sys.executable)
    if not list(distributions(name="ormlint")):
        info = programs / "ormlint-0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: ormlint\nVersion: 0\n", encoding="utf-8")
        (info / "entry_points.txt").write_text(
            "[flake8.extension]\nORM = ormlint.frontends.flake8:Plugin\n[pytest11]\nwitness = ormlint.witness.plugin\n", encoding="utf-8"
        )
    quiet = {name: value for name, value in os.environ.items() if name not in ("FORCE_COLOR", "COLUMNS") and not name.startswith("PYTEST_")}
    path = os.pathsep.join((str(programs), quiet["PATH"]))
    return {
        **quiet,
        **IDENTITY,
        "PATH": path,
        "PYTHONPATH": os.pathsep.join((str(programs), SEARCH_PATH)),
        "PRE_COMMIT_HOME": str(tmp_path / "pre-commit"),
        "NO_COLOR": "1",
    }


def test_most_pages_show_commands() -> None:
    assert {page.name for page in PAGES} >= {
        "index.md",
        "guide.md",
        "living-with-it.md",
        "integrations.md",
        "formats.md",
        "cannot-see.md",
        "witness.md",
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_pages_commands(page: Path, shop: Path, environment: dict[str, str]) -> None:
    for step in steps(page):
        if isinstance(step, Written):
            (shop / step.path).parent.mkdir(parents=True, exist_ok=True)
            (shop / step.path).write_text(step.text, encoding="utf-8")
            continue
        ran = subprocess.run(
            step.line, shell=True, executable=shutil.which("bash"), cwd=shop, env=environment, capture_output=True, text=True, check=False
        )
        said = f"$ {step.line}\n{ran.stdout}{ran.stderr}"
        assert ran.returncode == step.status, said
        assert pattern(step.output).match(ran.stdout + ran.stderr), f"{said}\nis not as {page.name} shows it:\n" + "\n".join(step.output)
