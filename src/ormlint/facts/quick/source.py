"""Where a node of Python's own parser stands in the text, and which parentheses stand around it.

Such a node knows lines and columns, no offsets, and not the parentheses around it, which a record counts to the node outside. Takes the
decoded text; knows nothing of kinds of nodes but that the span of a tuple and of a generator expression includes their parentheses.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from ormlint.facts.quick.newer import Newer

MAX_DEPTH = 120
"""Deeper code is left to the lossless reader, which counts the depth of a record exactly."""

_parenthesis = re.compile(r"#[^\r\n]*|\(").finditer
_Match = Callable[[str, int], re.Match[str]]
blank_or_closing = cast(_Match, re.compile(r"(?:[ \t\f\r\n),\]]+|#[^\r\n]*|\\\r?\n|\\\r)*").match)
"""Eats blanks, comments, commas and closing brackets."""
_blank = cast(_Match, re.compile(r"(?:[ \t\f\r\n]+|#[^\r\n]*|\\\r?\n|\\\r)*").match)
_OWN_PARENTHESES = frozenset({ast.Tuple, ast.GeneratorExp})


class Unsure(Exception):
    """This walk cannot tell what the lossless reader would say of the text."""


class Source:
    """The state of one walk: mutable, never kept after it."""

    __slots__ = ("checking", "checking_names", "code", "end", "lines", "newer", "strings", "text", "yields")

    def __init__(self, text: str, code: str, lines: Sequence[int], keep_strings: bool) -> None:
        self.text = text + "\0"
        """The decoded text and one character that is nowhere else, so that looking at `text[pos]` is always possible."""
        self.code = code
        """The text with a question mark for each character that is not ASCII: in it columns in bytes are columns in characters."""
        self.lines = [0, *lines]
        """The offset at which each line starts, by its number from 1."""
        self.end = 0
        """Where the last statement of the last block ends."""
        self.yields = False
        """Whether a `yield` of the function at hand was met."""
        self.checking = False
        """Whether the walk is under `if TYPE_CHECKING:`."""
        self.checking_names = {"TYPE_CHECKING"}
        self.newer: Newer | None = None
        """What `code` says in another way than the text, because the running Python does not know it."""
        self.strings: list[tuple[int, int]] | None = [] if keep_strings else None
        """The spans of string literals in any order, kept only where a `#` in one could pass for a comment that suppresses."""

    def span(self, node: Any) -> tuple[int, int]:
        """Where a node stands."""
        lines = self.lines
        return lines[node.lineno] + node.col_offset, lines[node.end_lineno] + node.end_col_offset

    def opened(self, low: int, high: int) -> list[int]:
        """Where the opening parentheses stand between two offsets; there is no string in between."""
        if self.text.find("(", low, high) < 0:
            return []
        return [found.start() for found in _parenthesis(self.text, low, high) if found[0] == "("]

    def closed(self, pos: int, most: int) -> tuple[int, int]:
        """How many parentheses, of at most so many, close directly behind an offset, and where the last of them ends."""
        text = self.text
        for count in range(most):
            stop = _blank(text, pos).end()
            if text[stop] != ")":
                return count, pos
            pos = stop + 1
        return most, pos

    def around(self, low: int, node: Any, found: Any) -> tuple[int, int]:
        """Where the parentheses around a node, whose record is `found`, start and end; `low` is where the token before them ends."""
        start, end = self.span(node) if node.__class__ in _OWN_PARENTHESES else (found.start, found.end)
        if self.text.find("(", low, start) < 0:
            return start, end
        opened = self.opened(low, start)
        if not opened:
            return start, end
        return opened[0], self.closed(end, len(opened))[1]
