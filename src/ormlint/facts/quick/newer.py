"""Syntax that is newer than the running Python, rewritten so that its parser accepts it, each character where it was.

Knows aliases (`type X = …`) and type parameters, which came with Python 3.12, and `except A, B:`, which came with 3.14. What was
rewritten is kept by its place, and the walk takes it from there; where something is left that the walk did not meet (it stood in a string),
nothing is sure.
Takes and gives code that is ASCII; what it does not recognise stays as it is, and is then no syntax.
"""

from __future__ import annotations

import ast
import re

from ormlint.facts.quick.strings import name_of
from ormlint.facts.records import Seq

_alias = re.compile(r"^[ \t]*(type[ \t]+(?!(?:in|is|if|and|or|not|else|for)\b)([A-Za-z_]\w*))[ \t]*(=(?!=)|\[)", re.MULTILINE)
_definition = re.compile(r"^[ \t]*(?:(?:async[ \t]+)?def|class)[ \t]+([A-Za-z_]\w*)[ \t]*\[", re.MULTILINE)
_name = r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*"
_caught = re.compile(rf"^[ \t]*(except)[ \t]*\*?[ \t]*\b({_name}(?:[ \t]*,[ \t]*{_name})+)[ \t]*:", re.MULTILINE)
_dotted = re.compile(_name)
_bracket = re.compile("[][(){},'\"#]")
_stars = re.compile(r"\A\s*\*{1,2}\s*(?=\w)")
_TRIPLE = (b'"""', b"'''")
_FAR = 5_000
"""Type parameters are shorter, in characters."""
_shown = re.compile(rb"[^\r\n]")
_last_of_line = re.compile(rb" (?=\r|\n)")


class Newer:
    """What was rewritten in one source; the walk takes out what it meets."""

    __slots__ = ("_code", "aliases", "caught", "parameters")

    def __init__(self, code: str) -> None:
        self._code = bytearray(code, "ascii")
        self.aliases: dict[int, str] = {}
        """Names of aliases, by where their statements start."""
        self.parameters: dict[int, tuple[tuple[str, ...], int]] = {}
        """Names of type parameters and where these end, by where the name of the definition starts."""
        self.caught: dict[int, Seq] = {}
        """What is caught, by where the `except` stands."""
        for found in _alias.finditer(code):
            start, end = found.span(1)
            if found[3] == "[":
                inner = _parameters(code, found.end())
                if inner is None:
                    continue
                self._blank(found.end() - 1, inner[1])
            self.aliases[start] = found[2]
            self._put(start, found[2].ljust(end - start).encode("ascii"))
        for found in _definition.finditer(code):
            inner = _parameters(code, found.end())
            if inner is not None:
                self.parameters[found.start(1)] = inner
                self._blank(found.end() - 1, inner[1])
        for found in _caught.finditer(code):
            items = tuple([name_of(name[0], name.start()) for name in _dotted.finditer(code, *found.span(2))])
            self.caught[found.start(1)] = Seq(*found.span(2), "tuple", items)
            self._blank(items[0].end, found.end(2))

    def __bool__(self) -> bool:
        """Whether something is rewritten that the walk has not met."""
        return bool(self.aliases or self.parameters or self.caught)

    def in_text(self) -> bool:
        """Whether something that was rewritten may stand in a string of several lines."""
        code = bytes(self._code)
        return any(code.count(mark, 0, at) % 2 for at in (*self.aliases, *self.parameters, *self.caught) for mark in _TRIPLE)

    @property
    def code(self) -> str:
        """The whole, rewritten."""
        return self._code.decode("ascii")

    def _put(self, start: int, code: bytes) -> None:
        self._code[start : start + len(code)] = code

    def _blank(self, start: int, end: int) -> None:
        """Puts blanks in place of what stands there; lines that end in there go on."""
        self._put(start, _last_of_line.sub(rb"\\", _shown.sub(b" ", bytes(self._code[start:end]))))


def _parameters(code: str, start: int) -> tuple[tuple[str, ...], int] | None:
    """The names of the type parameters that start behind an opening bracket, and where the closing one ends."""
    depth = 0
    first = start
    parts: list[str] = []
    for found in _bracket.finditer(code, start, start + _FAR):
        mark = found[0]
        if mark in "'\"#":
            return None
        if mark in "([{":
            depth += 1
        elif depth:
            depth -= mark in ")]}"
        else:
            parts.append(_stars.sub("", code[first : found.start()]))
            first = found.end()
            if mark != ",":
                break
    else:
        return None
    if parts and not parts[-1].strip():
        parts.pop()
    try:
        tree = ast.parse(f"def _(*, {','.join(parts)}): 0")
    except (SyntaxError, ValueError):
        return None
    (function,) = tree.body
    assert isinstance(function, ast.FunctionDef)
    return tuple([parameter.arg for parameter in function.args.kwonlyargs]), first
