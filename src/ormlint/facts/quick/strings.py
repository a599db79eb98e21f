"""What stands between quotes: the literals that one constant is made of, and the fields of f-strings.

The parser joins adjacent literals and, before Python 3.12, misplaces what stands in f-strings. So f-strings are taken apart here, and each
expression in one is parsed by itself. Takes a source and the span of the whole; raises `Unsure` for what it does not follow.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, Union, cast

from ormlint.facts import literals
from ormlint.facts.cursor import blank
from ormlint.facts.quick.source import MAX_DEPTH, Source, Unsure
from ormlint.facts.records import Attr, Const, Expr, FString, Name

Walk = Callable[[Source, Any, int], Expr]

_QUOTES = ('"""', "'''", '"', "'")
_prefix = cast(Callable[[str, int], re.Match[str]], re.compile("[A-Za-z]*").match)
_FORMATTED = frozenset({"f", "fr", "rf", "t", "tr", "rt"})
_CONSTANTS: dict[str, tuple[bool | None, str]] = {"True": (True, "bool"), "False": (False, "bool"), "None": (None, "none")}


def _compiled(pattern: str) -> dict[str, Callable[[str, int], re.Match[str] | None]]:
    """The pattern for each kind of quotes: `@` is any character but these, a backslash and those named behind it."""
    found: dict[str, Callable[[str, int], re.Match[str] | None]] = {}
    for quote in _QUOTES:
        lone = f"{quote[0]}(?!{quote[0] * 2})" if len(quote) == 3 else "(?!)"
        found[quote] = re.compile(pattern.replace("@", f"{quote[0]}\\\\").replace("~", lone).replace("!!", quote), re.DOTALL).match
    return found


_rest = _compiled(r"[^@]*(?:(?:\\.|~)[^@]*)*!!")
_text = _compiled(r"(?:[^@{}]+|\{\{|\}\}|\\N\{[^}]*\}|\\[^{}]|\\(?=[{}])|~)*")
_raw_text = _compiled(r"(?:[^@{}]+|\{\{|\}\}|\\[^{}]|\\(?=[{}])|~)*")
_specification = _compiled(r"(?:[^@{}]+|\\[^{}]|~)*")
_mark = re.compile("[()\\[\\]{}'\"!:=<>#]").search
_conversion = re.compile(r"![ \t\f\r\n]*\w+").match
_newline = re.compile(r"\r\n?|\n")
_comment = cast(Callable[[str, int], re.Match[str]], re.compile(r"[^\r\n]*").match)
_dotted = re.compile(r"[ \t]*([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)[ \t]*", re.ASCII).fullmatch


class Text(NamedTuple):
    """Constant text of an f-string or of a format specification."""

    start: int
    end: int


class Field(NamedTuple):
    """A replacement field: the span of its expression, and what its format specification is made of."""

    start: int
    end: int
    specification: list[Union[Text, Field]]


def _opening(text: str, pos: int) -> tuple[str, str, int]:
    """The prefix in lower case and the quotes of the literal at an offset, and where its content starts."""
    after = _prefix(text, pos).end()
    for quote in _QUOTES:
        if text.startswith(quote, after):
            return text[pos:after].lower(), quote, after + len(quote)
    raise Unsure


def _closing(text: str, pos: int) -> int:
    """Where the literal at an offset ends."""
    prefix, quote, inner = _opening(text, pos)
    if prefix in _FORMATTED:
        return _formatted(text, inner, quote, "r" in prefix)[1]
    found = _rest[quote](text, inner)
    if found is None:
        raise Unsure
    return found.end()


def _formatted(text: str, pos: int, quote: str, raw: bool) -> tuple[list[Text | Field], int]:
    """The parts of an f-string whose content starts at an offset, and where it ends."""
    parts: list[Text | Field] = []
    constant = (_raw_text if raw else _text)[quote]
    while True:
        pos = _constant(parts, constant, text, pos)
        if text[pos] != "{":
            break
        pos = _field(parts, text, pos, quote)
    if not text.startswith(quote, pos):
        raise Unsure
    return parts, pos + len(quote)


def _constant(parts: list[Text | Field], constant: Callable[[str, int], re.Match[str] | None], text: str, pos: int) -> int:
    found = constant(text, pos)
    assert found is not None
    end = found.end()
    if end > pos:
        parts.append(Text(pos, end))
    return end


def _field(parts: list[Text | Field], text: str, pos: int, quote: str) -> int:
    """Adds the field whose brace is at an offset; gives where it ends."""
    start = pos + 1
    end = pos = _expression_end(text, start)
    if text[pos] == "=":
        pos = blank(text, pos + 1).end()
    if text[pos] == "!":
        found = _conversion(text, pos)
        if found is None:
            raise Unsure
        pos = blank(text, found.end()).end()
    inner: list[Text | Field] = []
    if text[pos] == ":":
        pos = _constant(inner, _specification[quote], text, pos + 1)
        while text[pos] == "{":
            if text[pos + 1] == "{":
                raise Unsure
            pos = _constant(inner, _specification[quote], text, _field(inner, text, pos, quote))
    if text[pos] != "}":
        raise Unsure
    parts.append(Field(start, end, inner))
    return pos + 1


def _expression_end(text: str, start: int) -> int:
    """Where what follows the expression of a field stands: `=`, `!`, `:` or `}`."""
    pos = start
    depth = 0
    while True:
        found = _mark(text, pos)
        if found is None:
            raise Unsure
        mark = found[0]
        pos = found.start()
        if mark in "'\"":
            first = pos
            while first > start and text[first - 1].isalpha():
                first -= 1
            pos = _closing(text, first if text[first:pos].lower() in _FORMATTED or pos - first < 3 else pos)
            continue
        if mark == "#":
            pos = _comment(text, pos).end()
            continue
        if mark in "([{":
            depth += 1
        elif depth:
            depth -= mark in ")]}"
        elif mark in "!=<>" and text[pos + 1] == "=":
            pos += 1
        elif mark in "!:=}":
            return pos
        elif mark in ")]":
            raise Unsure
        pos += 1


def _literals(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """The spans of the literals that stand side by side in a span."""
    pos = start
    while True:
        stop = _closing(text, pos)
        yield pos, stop
        if stop >= end:
            if stop > end:
                raise Unsure
            return
        pos = blank(text, stop).end()


def keep(at: Source, start: int, end: int) -> None:
    """Keeps the spans of plain literals that stand side by side."""
    if at.strings is not None:
        at.strings += _literals(at.text, start, end)


def written(at: Source, start: int, end: int) -> str:
    """The value of plain literals that stand side by side, from their text."""
    text = at.text
    return "".join([literals.string(text[first:last]) or "" for first, last in _literals(text, start, end)])


def interpolated(at: Source, start: int, end: int, depth: int, walk: Walk) -> Expr:
    """The record of an f-string, or of several literals of which one is."""
    if depth > MAX_DEPTH:
        raise Unsure
    text = at.text
    said: list[str] = []
    items: list[Expr] = []
    pos = start
    while True:
        prefix, quote, inner = _opening(text, pos)
        if prefix in _FORMATTED:
            raw = "r" in prefix
            parts, pos = _formatted(text, inner, quote, raw)
            _say(at, parts, raw, depth, walk, said, items)
        else:
            stop = _closing(text, pos)
            value = literals.string(text[pos:stop])
            if value is None:
                raise Unsure
            said.append(value)
            if at.strings is not None:
                at.strings.append((pos, stop))
            pos = stop
        if pos >= end:
            break
        pos = blank(text, pos).end()
    if pos != end:
        raise Unsure
    return FString(start, end, "".join(said), tuple(items))


def _say(at: Source, parts: list[Text | Field], raw: bool, depth: int, walk: Walk, said: list[str], items: list[Expr]) -> None:
    text = at.text
    for part in parts:
        if part.__class__ is Text:
            if at.strings is not None:
                at.strings.append((part.start, part.end))
            value = text[part.start : part.end]
            if "\\" in value or "\r" in value:
                value = literals.unescaped(value, raw)
            said.append(value.replace("{{", "{").replace("}}", "}"))
            continue
        items.append(_embedded(at, part.start, part.end, depth + 1, walk))
        said.append("{}")
        specification = cast(Field, part).specification
        if specification:
            nested: list[Expr] = []
            _say(at, specification, raw, depth, walk, [], nested)
            items += nested
            said.append("{}" * len(nested))


def _embedded(at: Source, start: int, end: int, depth: int, walk: Walk) -> Expr:
    """The record of the expression of a field."""
    code = at.code
    simple = _dotted(code, start, end)
    if simple is not None and simple[1] != "yield":
        return name_of(simple[1], simple.start(1))
    try:
        tree = compile(f"({code[start:end]})", "source", "eval", ast.PyCF_ONLY_AST, dont_inherit=True)
    except (SyntaxError, ValueError):
        raise Unsure from None
    outside = at.lines
    at.lines = [0, start - 1, *[found.end() for found in _newline.finditer(at.text, start, end)]]
    try:
        return walk(at, tree.body, depth)  # type: ignore[attr-defined]
    finally:
        at.lines = outside


def name_of(dotted: str, start: int) -> Expr:
    """The record of a dotted name that is written without blanks."""
    first, *rest = dotted.split(".")
    end = start + len(first)
    found: Expr
    if first in _CONSTANTS:
        value, kind = _CONSTANTS[first]
        found = Const(start, end, value, kind)
    else:
        found = Name(start, end, first)
    for attr in rest:
        end += 1 + len(attr)
        found = Attr(start, end, found, attr)
    return found
