"""The values of literals, from their source text. Knows escapes and prefixes; knows no nodes and no positions."""

from __future__ import annotations

import re
import unicodedata

_escape = re.compile(r"\\(\r\n|[0-7]{1,3}|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|N\{[^}]+\}|.)", re.DOTALL)
_newline = re.compile(r"\r\n?")
_surrogate = re.compile(r"[\ud800-\udfff]")
_SIMPLE = {
    "\n": "", "\r": "", "\r\n": "", "\\": "\\", "'": "'", '"': '"', "a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t",
    "v": "\v",
}  # fmt: skip


def _character(match: re.Match[str]) -> str:
    code = match[1]
    simple = _SIMPLE.get(code)
    if simple is not None:
        return simple
    try:
        if code[0] in "01234567":
            return chr(int(code, 8))
        if code[0] in "xuU" and len(code) > 1:
            return chr(int(code[1:], 16))
        if code[0] == "N" and len(code) > 1:
            return unicodedata.lookup(code[2:-1])
    except (ValueError, KeyError, OverflowError):
        pass
    return match[0]


def unescaped(body: str, raw: bool) -> str:
    """The characters that the text between the quotes stands for; lone surrogates become U+FFFD, so that it can be stored."""
    if "\r" in body:
        body = _newline.sub("\n", body)
    if not raw and "\\" in body:
        body = storable(_escape.sub(_character, body))
    return body


def storable(value: str) -> str:
    """A string without lone surrogates."""
    return _surrogate.sub("\ufffd", value) if _surrogate.search(value) else value


def string(source: str) -> str | None:
    """The value of a string literal with its quotes and prefix; None for bytes."""
    first = source[0]
    if (first == '"' or first == "'") and "\\" not in source and "\r" not in source:
        return source[3:-3] if source.startswith(first * 3) and len(source) >= 6 else source[1:-1]
    start = 0
    while source[start] not in "'\"":
        start += 1
    prefix = source[:start].lower()
    if "b" in prefix:
        return None
    quotes = 3 if source.startswith(source[start] * 3, start) and len(source) - start >= 6 else 1
    return unescaped(source[start + quotes : -quotes], "r" in prefix)


def integer(source: str) -> int | None:
    """The value of an integer literal; None where it does not fit into 64 bits, signed."""
    try:
        value = int(source, 0)
    except ValueError:
        return None
    return storable_integer(value)


def storable_integer(value: int) -> int | None:
    """The integer; None where it does not fit into 64 bits, signed."""
    return value if value < 1 << 63 else None


def real(source: str) -> float | None:
    """The value of a float literal."""
    try:
        return float(source)
    except ValueError:
        return None
