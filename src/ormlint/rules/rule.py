"""What a rule is: a code, a name, one line of summary, and a pure generator over the model."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec

from ormlint.findings import Finding
from ormlint.semantics.model import Model


class Rule(msgspec.Struct, frozen=True):
    """One rule. `preview` rules run only when chosen by their code or with `preview = true`."""

    code: str
    name: str
    summary: str
    check: Callable[[Model], Iterator[Finding]]
    default: bool = True
    preview: bool = False
