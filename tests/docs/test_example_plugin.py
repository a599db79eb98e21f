"""The package of own rules that the documentation shows: its suite passes, and an installed one is run."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from .conftest import ROOT, SEARCH_PATH

EXAMPLE = ROOT / "docs/examples/acme-rules"


@pytest.fixture
def installed(tmp_path: Path) -> dict[str, str]:
    """The environment of a machine on which the package is installed, as its `pyproject.toml` says."""
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    folder = tmp_path / "site"
    info = folder / f"acme_rules-{project['version']}.dist-info"
    info.mkdir(parents=True)
    shutil.copy(EXAMPLE / "acme_rules.py", folder)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n", encoding="utf-8")
    groups = "".join(
        f"[{group}]\n" + "".join(f"{name} = {value}\n" for name, value in points.items())
        for group, points in project["entry-points"].items()
    )
    (info / "entry_points.txt").write_text(groups, encoding="utf-8")
    return {**os.environ, "PYTHONPATH": os.pathsep.join((str(folder), SEARCH_PATH)), "NO_COLOR": "1"}


def python(arguments: list[str], cwd: Path, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", *arguments], cwd=cwd, env=env, capture_output=True, text=True, check=False)


def test_its_own_tests_pass(installed: dict[str, str], tmp_path: Path) -> None:
    for path in EXAMPLE.glob("*ACME101*"):
        shutil.copy(path, tmp_path)
    shutil.copy(EXAMPLE / "test_acme_rules.py", tmp_path)
    ran = python(["pytest", "-q", "-p", "no:cacheprovider", str(tmp_path / "test_acme_rules.py")], tmp_path, installed)
    assert ran.returncode == 0, ran.stdout
    assert "2 passed" in ran.stdout


def test_it_runs_is_chosen_and_has_a_page(installed: dict[str, str], tmp_path: Path) -> None:
    app = tmp_path / "app"
    app.mkdir()
    (app / "__init__.py").touch()
    source = (EXAMPLE / "ACME101-table-name-in-plural.md").read_text(encoding="utf-8").split("```")[1].partition("\n")[2]
    (app / "models.py").write_text(source, encoding="utf-8")
    ran = python(["ormlint", "check", "--select", "ACME", "--output-format", "json"], tmp_path, installed)
    [found] = json.loads(ran.stdout)["findings"]
    assert (ran.returncode, found["code"], found["path"]) == (1, "ACME101", "app/models.py")
    shown = python(["ormlint", "rule", "ACME101"], tmp_path, installed)
    assert "Our database names tables in the plural" in shown.stdout
