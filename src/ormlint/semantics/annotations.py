"""The text of a string annotation as an expression: `"list[Order] | None"`.

Takes text and the place where it stands; gives the record's own expression form, or None where the text is no annotation of
names, attributes, subscripts and `|`. A small grammar on purpose: LibCST stays in `facts`.
"""

from __future__ import annotations

import re
from functools import lru_cache

from ormlint.facts import records as r

_TOKEN = re.compile(r"\s*(?:([A-Za-z_]\w*)|(\.\.\.|[\[\],|.])|(\"[^\"]*\"|'[^']*')|(\d+))")


@lru_cache(maxsize=4096)
def parse_annotation(text: str, start: int = 0, end: int = 0) -> r.Expr | None:
    """The annotation in `text`, every part of it placed at `start`..`end`; None where it is not understood."""
    tokens: list[tuple[str, str]] = []
    at = 0
    text = text.strip()
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            return None
        kind = ("name", "op", "str", "num")[(found.lastindex or 1) - 1]
        tokens.append((kind, found.group(found.lastindex or 1)))
        at = found.end()
    parser = _Parser(tokens, start, end)
    result = parser.union()
    return result if parser.at == len(tokens) else None


class _Parser:
    def __init__(self, tokens: list[tuple[str, str]], start: int, end: int) -> None:
        self.tokens = tokens
        self.at = 0
        self.start = start
        self.end = end

    def peek(self) -> str:
        return self.tokens[self.at][1] if self.at < len(self.tokens) and self.tokens[self.at][0] == "op" else ""

    def union(self) -> r.Expr | None:
        left = self.primary()
        while left is not None and self.peek() == "|":
            self.at += 1
            right = self.primary()
            left = None if right is None else r.BinOp(self.start, self.end, "|", left, right)
        return left

    def primary(self) -> r.Expr | None:
        if self.at >= len(self.tokens):
            return None
        kind, text = self.tokens[self.at]
        self.at += 1
        found: r.Expr
        if kind == "name":
            found = r.Const(self.start, self.end, None, "none") if text == "None" else r.Name(self.start, self.end, text)
        elif kind == "str":
            return r.Const(self.start, self.end, text[1:-1], "str")
        elif text == "[":
            inner = self.items()
            return None if inner is None else r.Seq(self.start, self.end, "list", inner)
        elif text == "..." or kind == "num":
            return r.Const(self.start, self.end, None, "other")
        else:
            return None
        while self.peek() in (".", "["):
            op = self.peek()
            self.at += 1
            if op == ".":
                if self.at >= len(self.tokens) or self.tokens[self.at][0] != "name":
                    return None
                found = r.Attr(self.start, self.end, found, self.tokens[self.at][1])
                self.at += 1
            else:
                items = self.items()
                if items is None:
                    return None
                index: r.Expr = items[0] if len(items) == 1 else r.Seq(self.start, self.end, "tuple", items)
                found = r.Sub(self.start, self.end, found, index)
        return found

    def items(self) -> tuple[r.Expr, ...] | None:
        found: list[r.Expr] = []
        while self.peek() != "]":
            item = self.union()
            if item is None:
                return None
            found.append(item)
            if self.peek() == ",":
                self.at += 1
            elif self.peek() != "]":
                return None
        self.at += 1
        return tuple(found)
