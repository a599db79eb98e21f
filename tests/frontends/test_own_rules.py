"""Rules that another package offers: run beside ours, named where they are broken."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .conftest import COMMIT_LINE, SEARCH_PATH, Run

RULES = """\
from ormlint.findings import Confidence, Finding, Location
from ormlint.rules.rule import Rule


def everywhere(model):
    at = Location("src/shop/models.py", 1, 1, 1, 5)
    yield Finding("ACME101", "house-style", at, "not as we do it", Confidence.certain)


def broken(model):
    yield from everywhere(model)
    raise KeyError("no\\x1b[31m")


GOOD = Rule("ACME101", "house-style", "Our style.", everywhere)
BROKEN = [Rule("ACME102", "house-bug", "Fails.", broken)]
TAKEN = Rule("ORM201", "mine", "Takes a code.", everywhere)
NO_RULE = [3]
"""


@pytest.fixture
def package(tmp_path: Path) -> Path:
    folder = tmp_path / "installed"
    folder.mkdir()
    (folder / "acme_rules.py").write_text(RULES, encoding="utf-8")
    return folder


def offer(package: Path, **points: str) -> dict[str, str]:
    """Register entry points; gives the environment in which they are installed."""
    info = package / "acme-1.0.dist-info"
    info.mkdir(exist_ok=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1.0\n", encoding="utf-8")
    lines = "\n".join(f"{name} = {value}" for name, value in points.items())
    (info / "entry_points.txt").write_text(f"[ormlint.rules]\n{lines}\n", encoding="utf-8")
    return {"PYTHONPATH": f"{package}:{SEARCH_PATH}"}


def test_an_own_rule_runs_is_chosen_and_is_documented(run: Run, package: Path) -> None:
    env = offer(package, good="acme_rules:GOOD")
    ran = run("check", "--output-format", "json", env=env)
    assert ran.codes() == [("ORM201", "src/shop/jobs.py", COMMIT_LINE), ("ACME101", "src/shop/models.py", 1)]
    assert run("check", "--select", "ACME", "--output-format", "json", env=env).codes() == [("ACME101", "src/shop/models.py", 1)]
    assert run("check", "--ignore", "house-style", "--output-format", "json", env=env).codes() == [
        ("ORM201", "src/shop/jobs.py", COMMIT_LINE)
    ]
    assert json.loads(run("rule", "ACME101", "--output-format", "json", env=env).out)[0]["summary"] == "Our style."


@pytest.mark.parametrize(
    ("point", "warning"),
    [
        ("acme_rules:BROKEN", "the rule ACME102 of acme_rules failed: KeyError: 'no\\x1b[31m'"),
        ("acme_rules:TAKEN", "the rules of acme (acme_rules:TAKEN) are left out: ValueError: ORM201 mine is in use already"),
        ("acme_rules:NO_RULE", "the rules of acme (acme_rules:NO_RULE) are left out: TypeError: int is no ormlint.rules.rule.Rule"),
        ("acme_rules:MISSING", "the rules of acme (acme_rules:MISSING) are left out: AttributeError"),
        ("nowhere:RULE", "the rules of acme (nowhere:RULE) are left out: ModuleNotFoundError"),
    ],
)
def test_a_broken_package_is_named_and_the_rest_still_runs(run: Run, package: Path, point: str, warning: str) -> None:
    env = offer(package, broken=point, good="acme_rules:GOOD")
    ran = run("check", env=env)
    assert (ran.status, ran.err) == (1, "")
    assert warning in ran.out
    assert "Found 2 findings." in ran.out
