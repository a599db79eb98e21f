"""The comments that may suppress, found in the text by what they say; LibCST's whitespace nodes are never entered."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence

from ormlint.facts.records import Comment

_suppresses = re.compile("noqa|ormlint:", re.IGNORECASE)
_candidate = re.compile(r"#[^\r\n]*?(?:noqa|ormlint:)", re.IGNORECASE)


def may_suppress(text: str) -> bool:
    """Whether the text has a comment, or a string that looks like one, that may suppress."""
    return _candidate.search(text) is not None


def comments(text: str, lines: Sequence[int], strings: Sequence[tuple[int, int]]) -> tuple[Comment, ...]:
    """The comments that may suppress, in order; `strings` are the spans of the string literals, in which `#` means nothing."""
    starts = [start for start, _ in strings]
    found: list[Comment] = []
    done = -1
    for match in _candidate.finditer(text):
        line = bisect_right(lines, match.start())
        if line == done:
            continue
        begin = lines[line - 1]
        end = len(text)
        for newline in "\r\n":
            stop = text.find(newline, match.start())
            end = min(end, stop) if stop >= 0 else end
        pos = text.find("#", begin, end)
        while pos >= 0:
            at = bisect_right(starts, pos) - 1
            if at < 0 or strings[at][1] <= pos:
                break
            pos = text.find("#", min(strings[at][1], end), end)
        if pos < 0 or not _suppresses.search(text, pos, end):
            continue
        done = line
        found.append(Comment(pos, end, text[pos:end], line, not text[begin:pos].strip(" \t\f")))
    return tuple(found)
