"""`orm_budget`: a block of a test that may do only so much. Needs SQLAlchemy, no record and no flag."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ormlint.witness.counting import FIELDS, Counts
from ormlint.witness.events import ORM_KINDS, SQL_KINDS, Event, listen
from ormlint.witness.frames import Activation, ProjectFiles, lines_of, project_frames
from ormlint.witness.meaning import rule_of_line


class BudgetExceeded(AssertionError):
    """A block did more than its budget; the message has the counts, and each line with the rule that speaks of it."""


@contextmanager
def orm_budget(
    *,
    engine: Any = None,
    selects: int | None = None,
    inserts: int | None = None,
    updates: int | None = None,
    deletes: int | None = None,
    statements: int | None = None,
    commits: int | None = None,
    rollbacks: int | None = None,
    flushes: int | None = None,
    lazy_loads: int | None = None,
    column_loads: int | None = None,
) -> Iterator[Counts]:
    """Fails where the block does more than the budget says; what is left out has no limit. Gives the counts.

    `selects=3, commits=1, lazy_loads=0` and so on, as `Counts` has them. `engine` narrows statements and transactions to one Engine or
    AsyncEngine. Raises BudgetExceeded at the end of a block that raised nothing itself.
    """
    limits = {
        "selects": selects,
        "inserts": inserts,
        "updates": updates,
        "deletes": deletes,
        "statements": statements,
        "commits": commits,
        "rollbacks": rollbacks,
        "flushes": flushes,
        "lazy_loads": lazy_loads,
        "column_loads": column_loads,
    }
    counts = Counts()
    places: dict[tuple[str, Event, str, int, str], _Place] = {}
    files = ProjectFiles(os.getcwd())
    asked: dict[tuple[str, int], Event] = {}
    """What the ORM last did at a line: of the statements there, the one that it stands for is told by it."""

    def count(event: Event) -> None:
        names = [FIELDS[event.kind]] if event.kind in FIELDS else []
        if event.kind in SQL_KINDS:
            names.append("statements")
        for name in names:
            setattr(counts, name, getattr(counts, name) + 1)
        limited = [name for name in names if limits[name] is not None]
        if not limited and event.kind not in ORM_KINDS:
            return
        frames = project_frames(sys._getframe(1), files)
        if not frames:
            return
        code, instruction, activation, callee = frames[0]
        path, line = files.path_of(code.co_filename) or "", lines_of(code, instruction)[0]
        shown = Event("commit" if event.kind == "db_commit" else event.kind, event.cls, event.attr)
        if event.kind in ORM_KINDS:
            asked[path, line] = shown
        elif event.kind == "select":
            shown = asked.get((path, line), shown)
        for name in limited:
            place = places.setdefault((name, shown, path, line, code.co_qualname), _Place())
            place.count += 1
            place.looped |= (activation, instruction) in place.callees
            place.callees[activation, instruction] = callee

    stop = listen(count, getattr(engine, "sync_engine", engine))
    try:
        yield counts
    finally:
        stop()
    exceeded = {name: limit for name, limit in limits.items() if limit is not None and getattr(counts, name) > limit}
    if exceeded:
        raise BudgetExceeded(_message(exceeded, counts, places))


class _Place:
    __slots__ = ("callees", "count", "looped")

    def __init__(self) -> None:
        self.count = 0
        self.looped = False
        self.callees: dict[tuple[Activation, int], Activation | None] = {}


def _message(exceeded: dict[str, int], counts: Counts, places: dict[tuple[str, Event, str, int, str], _Place]) -> str:
    lines = ["the block did more than its budget"]
    for name, limit in exceeded.items():
        lines.append(f"{name}: {getattr(counts, name)}, allowed {limit}")
        of_name = [(key, place) for key, place in places.items() if key[0] == name]
        for (_, event, path, line, function), place in sorted(of_name, key=lambda item: -item[1].count):
            what = ".".join(part for part in (event.cls, event.attr) if part)
            repeated = "direct" if place.looped else "call" if place.count > 1 else None
            rule = rule_of_line(event.kind, event.cls, function, repeated, event.attr)
            lines.append(
                f"  {path}:{line}: {place.count} x {event.kind} {what}".rstrip() + f" in {function}" + (f" ({rule})" if rule else "")
            )
    return "\n".join(lines)
