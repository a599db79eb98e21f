"""A line of source with each of its values marked, so that the analysis says what it knows of them.

Takes source text and a line number; gives the text with `reveal_orm(…)` around each name, attribute and call that the line reads, and
where each stood. Lines keep their numbers. What is called is left as it is, only what it is called on and what it gives is marked:
so that the marks change nothing that the analysis goes by.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator

import msgspec

MARK = "reveal_orm("


class Marked(msgspec.Struct, frozen=True):
    """The marked text; for the column at which each mark stands, counted from 1, the source of the value that it marks."""

    text: str
    values: dict[int, str]
    calls: dict[tuple[int, int, int], str]
    """For each call that begins on the line its column, last line and, where that is another line, last column; what is called."""


def marked(text: str, line: int) -> Marked | None:
    """The text with the values of one line marked; None where Python cannot parse it."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return None
    lines = text.split("\n")
    if not 0 < line <= len(lines):
        return Marked(text, {}, {})
    raw = lines[line - 1].encode("utf-8")
    ranges = sorted({(node.col_offset, node.end_col_offset or 0) for node in reads(tree) if node.lineno == line == node.end_lineno})
    opens = {start: sum(begin == start for begin, _ in ranges) for start, _ in ranges}
    closes = {end: sum(stop == end for _, stop in ranges) for _, end in ranges}
    out: list[str] = []
    values: dict[int, str] = {}
    begun = [node for node in reads(tree) if isinstance(node, ast.Call) and node.lineno == line]
    calls: dict[tuple[int, int, int], str] = {}
    written = 0
    for at in range(len(raw) + 1):
        piece = ")" * closes.get(at, 0)
        # Of values that begin at one place the longest is the outermost.
        inner = sorted((end for start, end in ranges if start == at), reverse=True)
        for number in range(opens.get(at, 0)):
            values[written + len(piece) + len(MARK) * number + 1] = raw[at : inner[number]].decode("utf-8")
        for call in begun:
            if call.col_offset == at:
                around = sum(end >= (call.end_col_offset or 0) for end in inner) if call.end_lineno == line else 0
                last = (call.end_lineno or line, 0 if call.end_lineno == line else (call.end_col_offset or 0) + 1)
                calls[(written + len(piece) + len(MARK) * around + 1, *last)] = ast.unparse(call.func)
        piece += MARK * opens.get(at, 0)
        if at < len(raw) and raw[at] & 0xC0 != 0x80:
            char = raw[at:].decode("utf-8", "ignore")[:1]
            piece += char
        out.append(piece)
        written += len(piece)
    lines[line - 1] = "".join(out)
    return Marked("\n".join(lines), values, calls)


def reads(tree: ast.AST) -> Iterator[ast.expr]:
    """The expressions whose value can be marked: names, attributes, subscripts and calls that are read and are not what is called."""
    stack: list[ast.AST] = [tree]
    while stack:
        node = stack.pop()
        read = isinstance(node, (ast.Name, ast.Attribute, ast.Subscript)) and isinstance(node.ctx, ast.Load)
        if isinstance(node, ast.expr) and (read or isinstance(node, ast.Call)):
            yield node
        stack += readable(node)


def readable(node: ast.AST) -> Iterator[ast.AST]:
    """The parts of a node in which values may be marked."""
    if isinstance(node, ast.Call):
        # The callee of a call says which call it is: only what stands before its last dot is a value of its own.
        yield from (node.func.value,) if isinstance(node.func, ast.Attribute) else () if isinstance(node.func, ast.Name) else (node.func,)
        yield from node.args
        yield from (keyword.value for keyword in node.keywords)
    elif isinstance(node, ast.AnnAssign):
        yield from (node.target, *((node.value,) if node.value is not None else ()))
    elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        yield from (*node.args.defaults, *(default for default in node.args.kw_defaults if default is not None), *node.body)
    elif isinstance(node, ast.ClassDef):
        yield from node.body
    elif isinstance(node, ast.JoinedStr):
        # Before Python 3.12 the positions inside an f-string are not those of the file.
        yield from ast.iter_child_nodes(node) if sys.version_info >= (3, 12) else ()
    elif isinstance(node, (ast.match_case, ast.ExceptHandler)):
        # A pattern is no expression, and the analysis goes by the name of what is caught.
        yield from node.body
    else:
        yield from ast.iter_child_nodes(node)
