"""Who started the task or thread of the moment: the project's frames at `create_task()`, `gather()`, `Thread.start()`.

A task has a stack of its own, and so has a thread: what started it is not on it. Event loops that are not written in Python, and the
threads of executors, which work for one caller after the other, are not known. Imports nothing of what it wraps.
"""

from __future__ import annotations

import functools
import re
import sys
import threading
import weakref
from collections.abc import Callable
from types import FrameType
from typing import Any, Final

from ormlint.witness.frames import ProjectFiles, ProjectFrame, project_frames
from ormlint.witness.imports import when_imported
from ormlint.witness.replacing import replace

_EXECUTOR: Final = re.compile(r"[\\/]concurrent[\\/]futures[\\/]")


class Starts:
    """Knows the starts from `watch()` on. `failed` is called with what goes wrong."""

    def __init__(self, files: ProjectFiles, failed: Callable[[Exception], None]) -> None:
        self._files = files
        self._failed = failed
        self._tasks: weakref.WeakKeyDictionary[Any, list[ProjectFrame]] = weakref.WeakKeyDictionary()
        self._threads: weakref.WeakKeyDictionary[Any, list[ProjectFrame]] = weakref.WeakKeyDictionary()

    def of_this(self) -> list[ProjectFrame]:
        """The frames that started the running task, else the running thread; none where that is not known."""
        asyncio = sys.modules.get("asyncio")
        if asyncio is not None and asyncio._get_running_loop() is not None:
            return self._tasks.get(asyncio.current_task(), [])
        return self._threads.get(threading.current_thread(), [])

    def watch(self) -> Callable[[], None]:
        """Begins; returns the function that ends it."""
        undo: list[Callable[[], None]] = []

        def loops() -> None:
            undo.append(self._wrap_create_task(sys.modules["asyncio.base_events"].BaseEventLoop))

        undo.append(when_imported("asyncio.base_events", loops))
        undo.append(self._wrap_start(threading.Thread))

        def stop() -> None:
            for end in reversed(undo):
                end()

        return stop

    def _wrap_create_task(self, owner: Any) -> Callable[[], None]:
        real = owner.create_task

        @functools.wraps(real)
        def create_task(*arguments: Any, **keywords: Any) -> Any:
            task = real(*arguments, **keywords)
            self._note(self._tasks, task, sys._getframe().f_back)
            return task

        return replace(owner, "create_task", create_task)

    def _wrap_start(self, owner: Any) -> Callable[[], None]:
        real = owner.start

        @functools.wraps(real)
        def start(thread: Any) -> None:
            frame = sys._getframe().f_back
            if frame is not None and not _EXECUTOR.search(frame.f_code.co_filename):
                self._note(self._threads, thread, frame)
            real(thread)

        return replace(owner, "start", start)

    def _note(self, starts: weakref.WeakKeyDictionary[Any, list[ProjectFrame]], started: Any, frame: FrameType | None) -> None:
        try:
            frames = project_frames(frame, self._files)
            if frames:
                starts[started] = frames
        except Exception as error:
            self._failed(error)
