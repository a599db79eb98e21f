"""The page of each rule, in Markdown: the documentation that the rule's module carries."""

from __future__ import annotations

import inspect

from ..selection import TOOL_RULES, Named


def page(rule: Named) -> str:
    """The Markdown page of a rule: its title, and the documentation that its module carries."""
    title = f"# {rule.name} ({rule.code})"
    if rule in TOOL_RULES:
        return f"{title}\n\n{rule.summary}"
    module = inspect.getmodule(getattr(rule, "check", None))
    text = inspect.cleandoc(getattr(module, "__doc__", None) or rule.summary)
    return text if text.startswith("# ") else f"{title}\n\n{text}"
