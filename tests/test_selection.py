"""Which rules a configuration chooses."""

from __future__ import annotations

from typing import Any

import pytest

from ormlint.config import Config, ConfigError
from ormlint.selection import ToolRule, select

RULES: Any = (
    ToolRule("ORM201", "commit-in-loop", "", True),
    ToolRule("ORM202", "commit-hidden-in-loop", "", True),
    ToolRule("ORM212", "redundant-flush", "", False),
    ToolRule("ORM302", "global-session", "", True),
)
TOOL = {"ORM900", "ORM901"}


def chosen(**options: Any) -> set[str]:
    return set(select(Config(**options), RULES).codes)


@pytest.mark.parametrize(
    ("options", "codes"),
    [
        ({}, {"ORM201", "ORM202", "ORM302", *TOOL}),
        ({"select": ("ORM201",)}, {"ORM201", "ORM901"}),
        ({"select": ("orm201",)}, {"ORM201", "ORM901"}),
        ({"select": ("ORM2",)}, {"ORM201", "ORM202", "ORM212", "ORM901"}),
        ({"select": ("ORM2xx",)}, {"ORM201", "ORM202", "ORM212", "ORM901"}),
        ({"select": ("ORM20",)}, {"ORM201", "ORM202", "ORM901"}),
        ({"select": ("global-session",)}, {"ORM302", "ORM901"}),
        ({"select": ("ALL",)}, {"ORM201", "ORM202", "ORM212", "ORM302", "ORM902", *TOOL}),
        ({"extend_select": ("ORM212",)}, {"ORM201", "ORM202", "ORM212", "ORM302", *TOOL}),
        ({"ignore": ("ORM2", "ORM900")}, {"ORM302", "ORM901"}),
        ({"select": ("ORM2",), "ignore": ("ORM201",)}, {"ORM202", "ORM212", "ORM901"}),
        ({"select": ("ORM201",), "ignore": ("ORM2",)}, {"ORM201", "ORM901"}),
        ({"select": ("ORM201",), "ignore": ("ORM201",)}, {"ORM901"}),
        ({"extend_select": ("ORM212",), "ignore": ("ORM2",)}, {"ORM212", "ORM302", *TOOL}),
        ({"select": ("ORM302",), "ignore": ("ORM901",)}, {"ORM302"}),
        ({"ignore": ("ALL",)}, set()),
    ],
)
def test_selectors(options: dict[str, Any], codes: set[str]) -> None:
    assert chosen(**options) == codes


def test_only_rules_that_are_chosen_run() -> None:
    assert [rule.code for rule in select(Config(select=("ORM2", "ORM901")), RULES).rules] == ["ORM201", "ORM202", "ORM212"]


def test_rules_that_are_tried_out_run_by_their_code_or_when_asked_for() -> None:
    rules: Any = (*RULES, ToolRule("ORM210", "retry-repeats-effect", "", True, preview=True))
    assert "ORM210" not in select(Config(select=("ORM2",)), rules).codes
    assert "ORM210" not in select(Config(), rules).codes
    assert "ORM210" in select(Config(preview=True), rules).codes
    assert "ORM210" in select(Config(extend_select=("ORM210",)), rules).codes
    assert "ORM210" in select(Config(select=("retry-repeats-effect",)), rules).codes


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"select": ("ORM203x",)}, 'select: unknown rule "ORM203x"'),
        ({"select": ("ORM209",)}, 'select: unknown rule "ORM209"; did you mean "ORM20'),
        ({"ignore": ("commit-in-lop",)}, 'ignore: unknown rule "commit-in-lop"; did you mean "commit-in-loop"?'),
        ({"extend_select": ("E501",)}, 'extend-select: unknown rule "E501"'),
        ({"select": ("",)}, 'select: unknown rule ""'),
        ({"per_file_ignores": {"a/*": ("ORM8",)}}, 'per-file-ignores "a/*": unknown rule "ORM8"'),
        ({"select": ("zzzzzz",)}, "`ormlint rule --all` lists them"),
    ],
)
def test_an_unknown_rule_is_named_with_a_suggestion(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        chosen(**options)
    assert message in str(caught.value)
