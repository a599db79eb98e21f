"""What a shell offers where the user presses the tab key: rules, formats, levels. Never fails and never prints."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import click
from click.shell_completion import CompletionItem

Complete = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def one_of(values: Iterable[str]) -> Complete:
    """Offers those of some values that begin with what is typed."""
    known = tuple(values)
    return lambda ctx, parameter, incomplete: [CompletionItem(value) for value in known if value.startswith(incomplete)]


def rules(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Offers codes with their names, and names where no code begins so; behind a comma the next one."""
    from ..extensions import existing_rules
    from ..selection import TOOL_RULES, Named

    before, comma, typed = incomplete.rpartition(",")
    known: tuple[Named, ...] = (*existing_rules().all, *TOOL_RULES)
    codes = [CompletionItem(f"{before}{comma}{rule.code}", help=rule.name) for rule in known if rule.code.startswith(typed.upper())]
    return codes or [CompletionItem(f"{before}{comma}{rule.name}", help=rule.code) for rule in known if rule.name.startswith(typed)]
