"""The site builds with nothing to complain of, and holds a page for each rule, option and command."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ormlint.config import option_names
from ormlint.extensions import existing_rules
from ormlint.frontends.cli import COMMANDS

from .conftest import ROOT, SEARCH_PATH


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    env = {**os.environ, "PYTHONPATH": SEARCH_PATH, "NO_MKDOCS_2_WARNING": "1"}
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_each_rule_has_a_page_with_both_examples(site: Path) -> None:
    listed = (site / "rules/index.html").read_text(encoding="utf-8")
    for rule in existing_rules().all:
        page = (site / f"rules/{rule.code}/index.html").read_text(encoding="utf-8")
        assert rule.name in page
        assert f'href="{rule.code}/"' in listed
        assert ">Bad: " in page, rule.code
        assert ">Good: " in page, rule.code


def test_each_option_and_command_is_described(site: Path) -> None:
    options = (site / "configuration/index.html").read_text(encoding="utf-8")
    assert [name for name in option_names() if f'id="{name}"' not in options] == []
    commands = (site / "commands/index.html").read_text(encoding="utf-8")
    assert [name for name in COMMANDS if f'id="ormlint-{name}"' not in commands] == []


def test_the_example_of_own_rules_is_shown_whole(site: Path) -> None:
    page = (site / "own-rules/index.html").read_text(encoding="utf-8")
    assert "table-name-in-plural" in page
    assert "--8&lt;--" not in page
