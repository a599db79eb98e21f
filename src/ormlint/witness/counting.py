"""Counts what an engine and the sessions did inside one block: the small face of the recorder, for suites and tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from ormlint.witness.events import SQL_KINDS, Event, listen


class Counts:
    """What happened since the block began, all ints; they stay as they were when the block ended.

    `selects`, `inserts`, `updates`, `deletes`, `statements`: cursor executions (an executemany is one).
    `commits`, `rollbacks`: COMMIT and ROLLBACK of the connection; closing a session that has read something is a ROLLBACK.
    `lazy_loads`: relationships loaded because they were read; `column_loads`: expired and deferred columns loaded because they were read.
    `flushes`: flushes that sent something. `checked_out`: connections that were taken from the pool in the block and not given back.
    """

    def __init__(self) -> None:
        self.selects = 0
        self.inserts = 0
        self.updates = 0
        self.deletes = 0
        self.statements = 0
        self.commits = 0
        self.rollbacks = 0
        self.lazy_loads = 0
        self.column_loads = 0
        self.flushes = 0
        self.checked_out = 0

    def __repr__(self) -> str:
        return "Counts(" + ", ".join(f"{name}={value}" for name, value in vars(self).items()) + ")"


FIELDS: Final = {
    "select": "selects",
    "insert": "inserts",
    "update": "updates",
    "delete": "deletes",
    "db_commit": "commits",
    "db_rollback": "rollbacks",
    "lazy": "lazy_loads",
    "deferred": "column_loads",
    "expired": "column_loads",
    "flush": "flushes",
}
"""Which count an event adds to."""


@contextmanager
def counted(engine: Any) -> Iterator[Counts]:
    """Counts what runs on `engine`, an Engine or AsyncEngine, inside the `with` block."""
    counts = Counts()

    def count(event: Event) -> None:
        kind = event.kind
        if kind in SQL_KINDS:
            counts.statements += 1
        if kind == "checkout":
            counts.checked_out += 1
        elif kind == "checkin":
            counts.checked_out -= 1
        elif kind in FIELDS:
            name = FIELDS[kind]
            setattr(counts, name, getattr(counts, name) + 1)

    stop = listen(count, getattr(engine, "sync_engine", engine))
    try:
        yield counts
    finally:
        stop()
