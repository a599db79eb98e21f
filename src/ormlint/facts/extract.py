"""One source file in, one record out.

Takes bytes; decodes them, parses them once with LibCST and walks the tree once, without LibCST's visitors and metadata.
Gives a record in every case: what cannot be read has a record that says why. Knows nothing of files, caches and processes.
"""

from __future__ import annotations

import gc
import hashlib
import re
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import contextmanager

import libcst as cst

from ormlint.facts import nesting
from ormlint.facts.comments import comments, may_suppress
from ormlint.facts.cursor import Cursor, TooDeep
from ormlint.facts.decoding import Undecodable, decode, line_starts
from ormlint.facts.records import Record
from ormlint.facts.statements import block

_where = re.compile(r"error at (\d+):")


def extract(source: bytes, digest: str | None = None) -> Record:
    """The record of one source file.

    Never raises for any content: what cannot be read gives a record with `error`, one line, and `error_line`, from 1.
    `digest` is the sha256 of `source` in hex, for those who have it already.
    """
    if digest is None:
        digest = hashlib.sha256(source).hexdigest()
    try:
        text = decode(source)
    except Undecodable as error:
        return Record(digest, (0,), error=error.reason, error_line=error.line)
    lines = line_starts(text)
    return nesting.on_deep_stack(_record, text, digest, lines)


def _record(text: str, digest: str, lines: tuple[int, ...]) -> Record:
    unfit = nesting.unfit(text)
    if unfit is not None:
        return Record(digest, lines, error=unfit[0], error_line=unfit[1])
    with _without_collector():
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


@contextmanager
def _without_collector() -> Iterator[None]:
    """A LibCST tree is large and has no cycles: collecting while it grows costs a third of the parse and frees nothing."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
