"""The lossless reader: LibCST and a walk over its tree, without its visitors and metadata.

The reference for what a record says, and the reader of every file that the quick one does not read: LibCST knows more syntax than the
running Python may, and its errors are those that are reported.
"""

from __future__ import annotations

import re
from bisect import bisect_right

import libcst as cst

from ormlint.facts.comments import comments, may_suppress
from ormlint.facts.cursor import Cursor, TooDeep
from ormlint.facts.records import Record
from ormlint.facts.statements import block

_where = re.compile(r"error at (\d+):")


def read(text: str, digest: str, lines: tuple[int, ...]) -> Record:
    """The record of a text that is not nested too deep for the parser's stack. Never raises for any text."""
    try:
        tree = cst.parse_module(text)
    except cst.ParserSyntaxError as error:
        reason, line = _syntax_error(error, text, lines)
        return Record(digest, lines, error=reason, error_line=line)
    except (KeyboardInterrupt, SystemExit, MemoryError):
        raise
    except BaseException as error:  # a panic of the native parser is no Exception
        return Record(digest, lines, error=f"the parser failed: {str(error).splitlines()[0] if str(error) else type(error).__name__}")
    keep = may_suppress(text)
    at = Cursor(text, keep)
    try:
        body = block(at, tree.body, 1)
    except (TooDeep, RecursionError):
        return Record(digest, lines, error="nested too deep to be analysed", error_line=_line(at, lines))
    except Exception as error:  # such as a node that a newer LibCST has: this file is lost, the others are not
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        reason = f"ormlint cannot transcribe this code ({reason}); please report it"
        return Record(digest, lines, error=reason, error_line=_line(at, lines))
    found = comments(text, lines, at.strings) if at.strings is not None else ()
    return Record(digest, lines, body, found)


def _line(at: Cursor, lines: tuple[int, ...]) -> int:
    return bisect_right(lines, max(0, at.pos))


def _syntax_error(error: cst.ParserSyntaxError, text: str, lines: tuple[int, ...]) -> tuple[str, int]:
    """What LibCST says in a line; its columns are those of the token after, so the source line says more."""
    match = _where.search(error.message)
    line = max(1, min(int(match[1]) if match else error.raw_line, len(lines)))
    if not match:
        said = error.message.splitlines()[0].removeprefix("tokenizer error: ") if error.message else "not Python"
        return f"syntax error: {said}", line
    source = text[lines[line - 1] :].splitlines()[:1]
    shown = " ".join(source[0].split()) if source else ""
    if not shown:
        return "syntax error at the end of the line before" if line > 1 else "syntax error", line
    return f"syntax error in `{shown if len(shown) <= 60 else shown[:57] + '...'}`", line
