"""The hooks, run by the real pre-commit on a scratch repository: it clones this package and installs it with pip."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import COMMIT_LINE, JOBS

PACKAGE = Path(__file__).resolve().parents[2]
NO_REGISTRY = ("No matching distribution found", "Could not find a version", "ConnectionError", "Temporary failure in name resolution")

pytestmark = pytest.mark.skipif(importlib.util.find_spec("pre_commit") is None, reason="pre-commit is not installed")


def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


def committed(folder: Path) -> Path:
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "first")
    return folder


@pytest.fixture(scope="session")
def hooks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with this package as it is now."""
    folder = tmp_path_factory.mktemp("hooks") / "ormlint"
    folder.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE", ".pre-commit-hooks.yaml"):
        shutil.copy(PACKAGE / name, folder / name)
    shutil.copytree(PACKAGE / "fixtures" / "rules", folder / "fixtures" / "rules")
    shutil.copytree(PACKAGE / "src", folder / "src", ignore=shutil.ignore_patterns("__pycache__"))
    return committed(folder)


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where pre-commit keeps what it installs, shared by the tests of this process."""
    return tmp_path_factory.mktemp("pre-commit")


def hook(name: str, hooks: Path, home: Path, project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "FORCE_COLOR")}
    done = subprocess.run(
        [sys.executable, "-m", "pre_commit", "try-repo", str(hooks), name, "--color=never", *arguments],
        cwd=project,
        env={**environment, "PRE_COMMIT_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    output = done.stdout + done.stderr
    if any(sign in output for sign in NO_REGISTRY):
        pytest.skip("pip cannot reach a package registry")
    assert "An unexpected error has occurred" not in output, output
    return done


def test_the_whole_project_and_the_changed_files(hooks: Path, home: Path, shop: Path) -> None:
    committed(shop)
    found = f"{COMMIT_LINE}:9 ORM201 commit-in-loop"
    ran = hook("ormlint", hooks, home, shop)
    assert ran.returncode == 1, ran.stdout + ran.stderr
    assert found in ran.stdout
    assert ran.stdout.count(found) == 1

    ran = hook("ormlint-changed", hooks, home, shop, "--files", "src/shop/models.py")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    ran = hook("ormlint-changed", hooks, home, shop, "--files", "src/shop/jobs.py", "src/shop/models.py")
    assert ran.returncode == 1
    assert ran.stdout.count(found) == 1

    (shop / "src/shop/jobs.py").write_text(JOBS.replace("        session.commit()", "    session.commit()"), encoding="utf-8")
    git(shop, "add", ".")
    assert hook("ormlint", hooks, home, shop).returncode == 0
