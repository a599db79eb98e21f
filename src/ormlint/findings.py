"""Plain data that every later step shares: a finding, where it is, and the steps that lead to it.

Knows nothing of how findings are made or shown. `line` and `column` count from 1; paths are relative to the project's root,
with forward slashes.
"""

from __future__ import annotations

import enum
from typing import Union

import msgspec


class Confidence(enum.IntEnum):
    """How sure a finding is: `certain` cannot behave otherwise, `likely` has every fact resolved, `possible` guessed one."""

    possible = 1
    likely = 2
    certain = 3


class Location(msgspec.Struct, frozen=True, order=True):
    """A range in a file; the end is exclusive in its column."""

    path: str
    line: int
    column: int
    end_line: int
    end_column: int


class Step(msgspec.Struct, frozen=True):
    """One step of a trail: where, and what happens there."""

    at: Location
    note: str


Trail = tuple[Step, ...]


class Finding(msgspec.Struct, frozen=True):
    """One reported defect. `fingerprint` holds no line number: it survives code that moves."""

    code: str
    name: str
    at: Location
    message: str
    confidence: Confidence
    trail: Trail = ()
    symbol: str = ""
    """The dotted name of the function or class that the finding stands in."""
    fingerprint: str = ""


class Silence(msgspec.Struct, frozen=True):
    """One comment that silences findings: what it says, why, and what it silences, nothing where there is no such finding."""

    at: Location
    text: str
    reason: str
    findings: tuple[Finding, ...] = ()


class Summary(msgspec.Struct, frozen=True):
    """What one run did, for the end of a report."""

    files: int = 0
    parsed: int = 0
    models: int = 0
    resolved_calls: int = 0
    unresolved_calls: int = 0
    duration_s: float = 0.0
    unreadable: tuple[str, ...] = ()
    accepted: int = 0
    """How many further findings the baseline accepts."""


class Model(msgspec.Struct, frozen=True):
    """One mapped class, for `ormlint models`."""

    name: str
    module: str
    table: Union[str, None]
    style: str
    at: Location
    columns: tuple[str, ...] = ()
    relationships: tuple[str, ...] = ()
    """`name -> Target (lazy)` each."""


class Reveal(msgspec.Struct, frozen=True):
    """What `reveal_orm(x)` asked for in a suite."""

    at: Location
    text: str


class Report(msgspec.Struct, frozen=True):
    """Everything one run found, sorted by path, line, column, code."""

    root: str
    findings: tuple[Finding, ...] = ()
    summary: Summary = Summary()
    models: tuple[Model, ...] = ()
    reveals: tuple[Reveal, ...] = ()
    warnings: tuple[str, ...] = ()
    silences: tuple[Silence, ...] = ()
    unshown: tuple[Finding, ...] = ()
    """Findings that a comment, an option or the baseline silences, or that stand elsewhere than what was asked for."""
