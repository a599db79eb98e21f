"""How a report is to be shown: on what, how wide, from where. Plain data, and the one place where analysed text is made harmless."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from ..config import printable

TAB = 4
"""How many columns a tab takes in a code frame."""


class RuleText(msgspec.Struct, frozen=True):
    """What a report says about a rule; `page` is Markdown."""

    code: str
    name: str
    summary: str
    page: str = ""


def no_lines(_: str) -> Sequence[str]:
    return ()


class View(msgspec.Struct, frozen=True):
    """What a renderer may know besides the report."""

    root: Path
    lines: Callable[[str], Sequence[str]] = no_lines
    """The source lines of a file, by its path relative to the root."""
    here: Path | None = None
    """Where the reader stands: paths in text are shown relative to it."""
    width: int | None = None
    """Columns of the terminal; None where nothing is to be wrapped."""
    colour: bool = False
    links: bool = False
    statistics: bool = False
    rules: tuple[RuleText, ...] = ()
    version: str = ""

    def path(self, rel: str) -> str:
        """The path of a file as the reader would type it, control characters escaped."""
        if self.here is None:
            return harmless(rel)
        return harmless(Path(os.path.relpath(self.root / rel, self.here)).as_posix())


def harmless(text: str) -> str:
    """Text on one line that no terminal interprets: control, format and unpaired surrogate characters become escapes."""
    return printable(text)


def code_line(line: str) -> str:
    """A line of source for a code frame: tabs as blanks, everything else that is not printable as escapes."""
    return harmless(line.replace("\t", " " * TAB))
