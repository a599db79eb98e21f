"""The page of each rule, in Markdown: the documentation that the rule's module carries."""

from __future__ import annotations

import inspect

from ..extensions import existing_rules
from ..report.view import RuleText
from ..selection import TOOL_RULES, Named


def rule_texts() -> tuple[RuleText, ...]:
    """What reports say about each rule that exists."""
    known: tuple[Named, ...] = (*existing_rules().all, *TOOL_RULES)
    return tuple(RuleText(rule.code, rule.name, rule.summary, page(rule)) for rule in known)


def page(rule: Named) -> str:
    """The Markdown page of a rule: its title, and the documentation that its module carries."""
    title = f"# {rule.name} ({rule.code})"
    if rule in TOOL_RULES:
        return f"{title}\n\n{rule.summary}"
    module = inspect.getmodule(getattr(rule, "check", None))
    text = inspect.cleandoc(getattr(module, "__doc__", None) or rule.summary)
    return text if text.startswith("# ") else f"{title}\n\n{text}"
