"""One source file in, one record out.

Takes bytes; decodes them and asks the quick reader; what that does not read, the lossless one does, whose LibCST is imported only then.
Gives a record in every case: what cannot be read has a record that says why. Knows nothing of files, caches and processes.
"""

from __future__ import annotations

import gc
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from ormlint.facts import nesting
from ormlint.facts.decoding import Undecodable, decode, line_starts
from ormlint.facts.marks import marks_in
from ormlint.facts.quick import reading as quick
from ormlint.facts.records import Record


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
        found = quick.read(text, digest, lines)
        if found is None:
            from ormlint.facts import lossless

            found = lossless.read(text, digest, lines)
        return msgspec.structs.replace(found, words=marks_in(text))


@contextmanager
def _without_collector() -> Iterator[None]:
    """A syntax tree is large and has no cycles: collecting while it grows costs a third of the parse and frees nothing."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
