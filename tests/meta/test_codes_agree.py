"""What there is of a rule, everywhere: its file, its suite, its line in the registry."""

from __future__ import annotations

import re
from pathlib import Path

from ormlint.rules import ALL_RULES
from ormlint.testing.suites import read_suite

ROOT = Path(__file__).resolve().parents[2]
SUITES = {path.name[:6]: path for path in sorted((ROOT / "fixtures" / "rules").glob("ORM*.md"))}
RULE_FILES = {path.name[:6].upper(): path for path in (ROOT / "src" / "ormlint" / "rules").glob("orm[0-9]*.py")}


def test_each_rule_has_one_file_and_one_suite() -> None:
    codes = [rule.code for rule in ALL_RULES]
    assert codes == sorted(set(codes))
    assert set(codes) == set(RULE_FILES)
    assert set(codes) <= set(SUITES), "rules without a suite"


def test_names_are_the_same_in_the_file_the_suite_and_the_registry() -> None:
    for rule in ALL_RULES:
        snake = rule.name.replace("-", "_")
        assert RULE_FILES[rule.code].stem == f"{rule.code.lower()}_{snake}"
        assert SUITES[rule.code].stem == f"{rule.code}-{rule.name}"
        assert read_suite(SUITES[rule.code]).title == f"{rule.code} {rule.name}"


def test_a_rule_says_what_it_is_for() -> None:
    for rule in ALL_RULES:
        assert re.fullmatch(r"ORM[1-5]\d\d", rule.code), rule.code
        assert re.fullmatch(r"[a-z0-9]+(?:-[a-z0-9]+)+", rule.name), rule.name
        assert len(rule.summary) >= 20, rule.code


def test_documentation_names_no_other_rules() -> None:
    pages = {path.stem[:6] for path in (ROOT / "docs" / "rules").glob("ORM*.md")}
    assert pages <= {rule.code for rule in ALL_RULES} | {"ORM900", "ORM901", "ORM902"}
