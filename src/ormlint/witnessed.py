"""Plain data that reports share with the witness: what a run says of a finding, and what no finding spoke of.

Knows nothing of how a run is recorded or compared. A report that no record was held against has none of this.
"""

from __future__ import annotations

import enum
from typing import Union

import msgspec

from ormlint.findings import Finding, Location, Report


class Verdict(enum.IntEnum):
    """`confirmed`: it happened. `refuted`: the line ran and it did not happen. `not_run`: the run says nothing of it."""

    refuted = 1
    not_run = 2
    confirmed = 3

    @property
    def label(self) -> str:
        """The verdict as a person writes it: "not run"."""
        return self.name.replace("_", " ")


class Witness(msgspec.Struct, frozen=True):
    """What a run says of a finding. `text` is for a person: "214 SELECTs in 3 tests, up to 71 in one call"."""

    verdict: Verdict
    text: str
    count: int = 0
    """How many events there were."""
    most: int = 0
    """The most events that one activation of one function caused."""
    tests: int = 0
    """In how many tests."""


class WitnessedFinding(Finding, frozen=True):
    """A finding that a record was held against; `witness` is None for the rules of plugins: nobody knows what a run says of them."""

    witness: Union[Witness, None] = None


class Missed(msgspec.Struct, frozen=True):
    """What happened at run time and no finding spoke of: the rule that would, the place, the project's frames from there outwards."""

    code: str
    name: str
    at: Location
    symbol: str
    message: str
    witness: Witness
    chain: tuple[Location, ...] = ()


class WitnessedReport(Report, frozen=True):
    """A report whose findings are `WitnessedFinding`s, what costs most first; `missed` likewise."""

    missed: tuple[Missed, ...] = ()
