"""Where the walk stands in the text, and how it gets from one token to the next.

Takes the decoded text; gives exact offsets without LibCST's position provider, which costs as much as parsing. The walk
visits the leaves (names, literals) in source order and every leaf knows its own length, so one regular expression that eats
what may stand between two leaves is enough to find the next one. Brackets are not eaten: the node that owns them takes them.
Knows nothing of nodes.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import cast

_Skip = Callable[[str, int], re.Match[str]]

_KEYWORDS = (
    "and|assert|async|as|await|break|class|continue|def|del|elif|else|except|finally|for|from|global|if|import|in|is|lambda|nonlocal"
    "|not|or|pass|raise|return|try|while|with|yield"
)
_QUIET = r"#[^\r\n]*|\\\r?\n|\\\r"


def _skip(blanks: str, keywords: str = "") -> _Skip:
    """A match of any number of these characters, comments, continued lines and keywords; it always matches, if nothing."""
    words = rf"|(?:{keywords})\b" if keywords else ""
    return cast(_Skip, re.compile(rf"(?:[ \t\f\r\n{blanks}]+|{_QUIET}{words})*").match)


_PUNCTUATION = r"=,:!<>+\-*/%@&|^~;"

gap = _skip(_PUNCTUATION + ".", _KEYWORDS)
"""Eats blanks, comments, operators, punctuation and keywords: all that may stand between two leaves, but brackets."""
gap_to_dot = _skip(_PUNCTUATION, _KEYWORDS)
"""As `gap`, for a leaf that starts with a dot: `...`, `.5`."""
gap_to_yield = _skip(_PUNCTUATION + ".", _KEYWORDS.removesuffix("|yield"))
"""As `gap`, for a bare `yield`."""
blank = _skip("")
"""Eats blanks and comments only."""
blank_or_comma = _skip(",")
statement_gap = _skip(";:")
"""Eats what may stand before a statement: blanks, comments, `;`, and the `:` of the header above."""

_piece = re.compile(r"#[^\r\n]*|[a-z]+|\*\*|.", re.DOTALL).finditer


def before(text: str, token: str, low: int, high: int) -> int:
    """Where the last `token` of the gap between `low` and `high` starts; `high` where there is none."""
    pos = high
    while text[pos - 1] in " \t" and pos > low:
        pos -= 1
    if text.endswith(token, low, pos):
        return pos - len(token)
    found = high
    for piece in _piece(text, low, high):
        if piece[0] == token:
            found = piece.start()
    return found


class TooDeep(Exception):
    """Code is nested deeper than a record may be."""


class Cursor:
    """The state of one walk: mutable, never kept after it."""

    __slots__ = ("checking", "checking_names", "outer", "pos", "strings", "text", "yields")

    def __init__(self, text: str, keep_strings: bool) -> None:
        self.text = text + "\0"
        """The decoded text and one character that no gap eats, so that looking at `text[pos]` is always possible."""
        self.pos = 0
        """Just after the last token that was taken."""
        self.outer = 0
        """Where the outermost parenthesis of the last parenthesised expression stands."""
        self.yields = False
        """Whether a `yield` of the function at hand was met."""
        self.checking = False
        """Whether the walk is under `if TYPE_CHECKING:`."""
        self.checking_names = {"TYPE_CHECKING"}
        self.strings: list[tuple[int, int]] | None = [] if keep_strings else None
        """The spans of string literals, kept only where a `#` in one could pass for a comment that suppresses."""

    def find(self, token: str, pos: int) -> int:
        """Where `token` stands at or after `pos`; where it does not, a place from which it still fits into the text."""
        found = self.text.find(token, pos)
        return found if found >= 0 else max(0, min(pos, len(self.text) - 1 - len(token)))

    def take(self, bracket: str) -> int:
        """Steps over a bracket, which only a gap separates from here; gives where it stands."""
        text = self.text
        pos = self.pos
        if text[pos] != bracket:
            pos = gap(text, pos).end()
            if text[pos] != bracket:
                pos = self.find(bracket, pos)
        self.pos = pos + 1
        return pos

    def word(self, name: str) -> int:
        """Steps over a name, which only a gap separates from here; gives where it starts."""
        text = self.text
        pos: int = gap(text, self.pos).end()
        if not text.startswith(name, pos):
            pos = self.find(name, pos)
        self.pos = pos + len(name)
        return pos

    def begin(self, keyword: str) -> int:
        """Steps over the keyword that starts a statement or clause; gives where it starts."""
        text = self.text
        pos = statement_gap(text, self.pos).end()
        if not text.startswith(keyword, pos):
            pos = self.find(keyword, pos)
        self.pos = pos + len(keyword)
        return pos

    def before(self, token: str, low: int, high: int) -> int:
        """Where the last `token` of the gap between `low` and `high` starts; `high` where there is none."""
        return before(self.text, token, low, high)
