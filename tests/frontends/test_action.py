"""The GitHub action: its script, run as a runner would, with the inputs' defaults and without."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from .conftest import COMMIT_LINE, JOBS, SEARCH_PATH

ACTION = Path(__file__).resolve().parents[2] / "action.yml"
IDENTITY = {f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER") for what, value in (("NAME", "t"), ("EMAIL", "t@example.org"))}


@pytest.fixture
def action() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(ACTION.read_text(encoding="utf-8"))
    return loaded


def run_action(action: dict[str, Any], shop: Path, temp: Path, **inputs: str) -> subprocess.CompletedProcess[str]:
    programs = temp / "ormlint" / "bin"
    programs.mkdir(parents=True)
    (programs / "ormlint").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m ormlint "$@"\n', encoding="utf-8")
    (programs / "ormlint").chmod(0o755)
    given = {name: str(item["default"]) for name, item in action["inputs"].items()} | inputs
    variables = {}
    for name, value in action["runs"]["steps"][-1]["env"].items():
        expression = value.removeprefix("${{ ").removesuffix(" }}")
        variables[name] = given["base"] if expression == "github.base_ref" else given[expression.removeprefix("inputs.")]
    env = {**os.environ, **variables, "RUNNER_TEMP": str(temp), "GITHUB_STEP_SUMMARY": str(temp / "summary.md"), "PYTHONPATH": SEARCH_PATH}
    script = action["runs"]["steps"][-1]["run"]
    command = [shutil.which("bash") or "bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script]
    return subprocess.run(command, cwd=shop, env=env, capture_output=True, text=True, check=False)


def test_every_step_says_its_shell_and_takes_inputs_by_the_environment(action: dict[str, Any]) -> None:
    for step in action["runs"]["steps"]:
        if "run" in step:
            assert step["shell"] == "bash"
            assert "${{" not in step["run"]


def test_findings_are_annotated_summed_up_and_logged(action: dict[str, Any], shop: Path, tmp_path: Path) -> None:
    inputs = {"base": "", "arguments": "--select ORM2", "sarif-file": "found.sarif"}
    done = run_action(action, shop, tmp_path / "runner", **inputs)
    assert done.returncode == 1, done.stderr
    assert f"file=src/shop/jobs.py,line={COMMIT_LINE}," in done.stdout
    assert "## ormlint: 1 finding" in (tmp_path / "runner/summary.md").read_text(encoding="utf-8")
    assert len(json.loads((shop / "found.sarif").read_text(encoding="utf-8"))["runs"][0]["results"]) == 1


@pytest.mark.parametrize(("changed", "status"), [(False, 0), (True, 1)])
def test_in_a_pull_request_only_what_changed_counts(action: dict[str, Any], shop: Path, tmp_path: Path, changed: bool, status: int) -> None:
    env = {**os.environ, **IDENTITY}
    subprocess.run(
        "git init -q && git add . && git commit -qm 1 && git update-ref refs/remotes/origin/main HEAD",
        shell=True,
        cwd=shop,
        env=env,
        check=True,
    )
    if changed:
        (shop / "src/shop/jobs.py").write_text(JOBS.replace("commit()", "commit() "), encoding="utf-8")
    done = run_action(action, shop, tmp_path / "runner", base="main", **{"changed-only": "true"})
    assert done.returncode == status, done.stderr


def test_a_run_that_cannot_work_fails(action: dict[str, Any], shop: Path, tmp_path: Path) -> None:
    done = run_action(action, shop, tmp_path / "runner", base="", arguments="--select ORM999")
    assert done.returncode == 2
    assert 'unknown rule "ORM999"' in done.stderr
