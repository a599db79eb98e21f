"""Notices when the process waits for something outside: sockets, HTTP, mail, subprocesses, sleep.

Wraps a few methods of the standard library for as long as it watches. (An audit hook would see the same and cannot be taken away again; the
interpreter asks it at every look at a frame, which costs more than all the rest of the recorder.) Imports nothing of what it wraps.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any, Final

from ormlint.witness.imports import when_imported

_WAITS: Final = (
    ("socket", "socket", "connect"),
    ("http.client", "HTTPConnection", "send"),
    ("smtplib", "SMTP", "send"),
    ("subprocess", "Popen", "__init__"),
    ("time", "", "sleep"),
)
"""Module, class ("" for a function), name."""


def watch_external(call: Callable[[str, FrameType | None], None]) -> Callable[[], None]:
    """Calls `call` with a name such as "socket.connect" and the frame that waits, before it does; returns the function that ends it."""
    undo: list[Callable[[], None]] = []
    for module, cls, name in _WAITS:
        shown = "subprocess.Popen" if name == "__init__" else f"{module}.{name}"
        undo.append(when_imported(module, functools.partial(_wrap, module, cls, name, shown, call, undo)))

    def stop() -> None:
        for end in reversed(undo):
            end()

    return stop


def _wrap(
    module: str, cls: str, name: str, shown: str, call: Callable[[str, FrameType | None], None], undo: list[Callable[[], None]]
) -> None:
    owner: Any = getattr(sys.modules[module], cls) if cls else sys.modules[module]
    real = getattr(owner, name)
    own = name in vars(owner)

    @functools.wraps(real)
    def waits(*arguments: Any, **keywords: Any) -> Any:
        call(shown, sys._getframe().f_back)
        return real(*arguments, **keywords)

    def end() -> None:
        if vars(owner).get(name) is waits:
            if own:
                setattr(owner, name, real)
            else:
                delattr(owner, name)

    setattr(owner, name, waits)
    undo.append(end)
