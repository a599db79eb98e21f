"""What a long run is doing, on standard error: only on a terminal, and only from its second second on."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from rich.progress import Progress

PATIENCE: Final = 1.0
"""Seconds that a run may take before anything is shown."""


@contextmanager
def progress() -> Iterator[Callable[[str], None]]:
    """Gives a function that is told what happens next. Leaves nothing on the terminal."""
    if not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        yield lambda _: None
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
        self._bar: Progress | None = None
        self._over = False

    def say(self, text: str) -> None:
        with self._lock:
            self._text = text
            if self._bar is not None:
                self._bar.update(self._bar.task_ids[0], description=text)

    def start(self) -> None:
        # Not at the top: a short run shows no bar and need not wait for the import.
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        with self._lock:
            if self._over:
                return
            console = Console(stderr=True, highlight=False)
            self._bar = Progress(
                TextColumn("ormlint: {task.description}", markup=False), BarColumn(20), TimeElapsedColumn(), console=console, transient=True
            )
            self._bar.add_task(self._text, total=None)
            self._bar.start()

    def stop(self) -> None:
        with self._lock:
            self._over = True
            if self._bar is not None:
                self._bar.stop()
                self._bar = None
