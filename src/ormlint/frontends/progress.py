"""What a long run is doing, on standard error: only on a terminal, and only from its second second on."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from ..pipeline import Notify, silent

if TYPE_CHECKING:
    from rich.progress import Progress

PATIENCE: Final = 1.0
"""Seconds that a run may take before anything is shown."""


@contextmanager
def progress() -> Iterator[Notify]:
    """Gives a function that is told what happens next, and how much of it is done. Leaves nothing on the terminal."""
    if not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        yield silent
        return
    shown = Shown()
    timer = threading.Timer(PATIENCE, shown.start)
    timer.daemon = True
    timer.start()
    try:
        yield shown.say
    finally:
        timer.cancel()
        shown.stop()


class Shown:
    """A bar, or nothing yet; told from one thread, started by another."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._text = "starting"
        self._share: float | None = None
        self._bar: Progress | None = None
        self._over = False

    def say(self, text: str, share: float | None = None, /) -> None:
        with self._lock:
            self._text, self._share = text, share
            if self._bar is not None:
                self._show(self._bar)

    def _show(self, bar: Progress) -> None:
        task = bar.tasks[0]
        task.total = None if self._share is None else 1.0  # `update` cannot take a total back
        bar.update(
            task.id, description=self._text, completed=self._share or 0.0, percent="" if self._share is None else f"{self._share:4.0%}"
        )

    def start(self) -> None:
        # Not at the top: a short run shows no bar and need not wait for the import.
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        with self._lock:
            if self._over:
                return
            console = Console(stderr=True, highlight=False)
            self._bar = Progress(
                TextColumn("ormlint: {task.description}", markup=False),
                BarColumn(20),
                TextColumn("{task.fields[percent]}", markup=False),
                TimeElapsedColumn(),
                console=console,
                transient=True,
            )
            self._bar.add_task(self._text, total=None, percent="")
            self._show(self._bar)
            self._bar.start()

    def stop(self) -> None:
        with self._lock:
            self._over = True
            if self._bar is not None:
                self._bar.stop()
                self._bar = None
