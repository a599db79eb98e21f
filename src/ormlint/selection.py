"""Which rules take part: codes, families and names to the rules that they mean.

Takes the options `select`, `extend-select` and `ignore` and the rules that exist; gives the chosen ones. A longer selector beats a
shorter one, `ignore` beats `select` where both are as long. Runs no rule.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final, Protocol

import msgspec

from .config import Config, ConfigError, printable, suggestion

if TYPE_CHECKING:
    from .rules.rule import Rule


class Named(Protocol):
    """What a selector can mean: a rule, or a finding of the tool itself."""

    @property
    def code(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def summary(self) -> str: ...
    @property
    def default(self) -> bool: ...
    @property
    def preview(self) -> bool: ...


class ToolRule(msgspec.Struct, frozen=True):
    """A finding about the run itself, which no rule makes."""

    code: str
    name: str
    summary: str
    default: bool
    preview: bool = False


TOOL_RULES: Final = (
    ToolRule("ORM900", "unused-suppression", "A comment suppresses a finding that is not there.", True),
    ToolRule("ORM901", "unreadable-file", "A file cannot be read or parsed; the rest is still checked.", True),
    ToolRule("ORM902", "suppression-without-reason", "A suppression does not say why it is there.", False),
)
UNUSED_SUPPRESSION, UNREADABLE_FILE, SUPPRESSION_WITHOUT_REASON = TOOL_RULES
FAMILY: Final = re.compile(r"([A-Z]{2,})(\d*)x*", re.IGNORECASE)


class Selection(msgspec.Struct, frozen=True):
    """The rules that run, and the codes of all that may be reported."""

    rules: tuple[Rule, ...]
    codes: frozenset[str]
    known: tuple[Named, ...]


def select(config: Config, rules: Sequence[Rule]) -> Selection:
    """The rules that a configuration chooses. Raises `ConfigError` on a selector that means nothing."""
    known: tuple[Named, ...] = (*rules, *TOOL_RULES)
    wanted = [(text, prefix(text, known, "select")) for text in config.select]
    added = [(text, prefix(text, known, "extend-select")) for text in config.extend_select]
    refused = [prefix(text, known, "ignore") for text in config.ignore]
    for pattern, codes in config.per_file_ignores.items():
        for text in codes:
            prefix(text, known, f'per-file-ignores "{printable(pattern)}"')
    chosen: set[str] = set()
    for rule in known:
        # What could not be read hides findings of every rule: only `ignore` silences it.
        by_default = rule.default and (not wanted or rule.code == UNREADABLE_FILE.code)
        matching = [start for _, start in (*wanted, *added) if rule.code.startswith(start)]
        if rule.preview and not config.preview:
            matching = [start for start in matching if start == rule.code]
            by_default = False
        strength = max((len(start) for start in matching), default=0 if by_default else -1)
        against = max((len(start) for start in refused if rule.code.startswith(start)), default=-1)
        if against < strength:
            chosen.add(rule.code)
    return Selection(tuple(rule for rule in rules if rule.code in chosen), frozenset(chosen), known)


def prefix(selector: str, known: Iterable[Named], where: str) -> str:
    """The start of the codes that a selector means: `ORM201`, `ORM2`, `ORM2xx`, `commit-in-loop`, `ALL`. Raises `ConfigError`."""
    text = selector.strip()
    named = tuple(known)
    if text.upper() == "ALL":
        return ""
    for rule in named:
        if text.lower() == rule.name:
            return rule.code
    shape = FAMILY.fullmatch(text)
    if shape:
        start = f"{shape[1]}{shape[2]}".upper()
        if any(rule.code.startswith(start) for rule in named):
            return start
    choices = [rule.code for rule in named] + [rule.name for rule in named]
    # Letters that look like digits are the likeliest slip, and many codes are as near by their letters.
    digits = text[:3].upper() + text[3:].upper().translate(str.maketrans("OIL", "011"))
    hint = (
        suggestion(digits if digits in choices else text.upper(), choices)
        or suggestion(text.lower(), choices)
        or "; `ormlint rule --all` lists them"
    )
    raise ConfigError(f'{where}: unknown rule "{printable(text)}"{hint}')
