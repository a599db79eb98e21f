"""All rules of a run: the built-in ones, and those that installed packages offer by the entry point `ormlint.rules`.

Takes nothing; gives the rules and one warning for each package whose rules cannot be used. An entry point names a `Rule` or an
iterable of them. Runs no rule, except through `judge`, which keeps a foreign rule's failure to that rule.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from importlib.metadata import EntryPoint, entry_points
from typing import Final

import msgspec

from .config import printable
from .findings import Finding
from .rules import ALL_RULES
from .rules.rule import Rule
from .selection import TOOL_RULES, Named
from .semantics.model import Model

GROUP: Final = "ormlint.rules"
CODE: Final = re.compile(r"[A-Z]{2,}[0-9]{3,}")


class Rules(msgspec.Struct, frozen=True):
    """The rules that exist, and what was wrong with those that do not."""

    all: tuple[Rule, ...]
    warnings: tuple[str, ...] = ()


def existing_rules() -> Rules:
    """The built-in rules and those of installed packages, which may not take a code or name that is in use."""
    rules: list[Rule] = list(ALL_RULES)
    warnings: list[str] = []
    known: tuple[Named, ...] = (*ALL_RULES, *TOOL_RULES)
    taken = {text for rule in known for text in (rule.code, rule.name)}
    for point in sorted(entry_points(group=GROUP), key=lambda point: (point.name, point.value)):
        try:
            for rule in offered(point):
                if not CODE.fullmatch(rule.code):
                    raise ValueError(f'"{rule.code}" is no code; a code is letters and digits, such as ACME101')
                if rule.code in taken or rule.name in taken:
                    raise ValueError(f"{rule.code} {rule.name} is in use already")
                taken |= {rule.code, rule.name}
                rules.append(rule)
        except Exception as error:
            warnings.append(f"the rules of {named(point)} are left out: {said(error)}")
    return Rules(tuple(rules), tuple(warnings))


def offered(point: EntryPoint) -> Iterator[Rule]:
    """The rules that an entry point names."""
    loaded = point.load()
    for rule in (loaded,) if isinstance(loaded, Rule) else loaded:
        if not isinstance(rule, Rule):
            raise TypeError(f"{type(rule).__name__} is no ormlint.rules.rule.Rule")
        yield rule


def judge(rules: Iterable[Rule], model: Model, warnings: list[str]) -> Iterator[Finding]:
    """What the rules find. A foreign rule that fails adds a line to `warnings`, and the others still run."""
    for rule in rules:
        if rule in ALL_RULES:
            yield from rule.check(model)
            continue
        try:
            yield from list(rule.check(model))
        except Exception as error:
            warnings.append(f"the rule {rule.code} of {printable(rule.check.__module__)} failed: {said(error)}")


def named(point: EntryPoint) -> str:
    return printable(f"{point.dist.name} ({point.value})" if point.dist is not None else point.value)


def said(error: Exception) -> str:
    return printable(f"{type(error).__name__}: {error}")
