"""Notices when the process waits for something outside: sockets, HTTP, mail, subprocesses, sleep.

Wraps a few methods of the standard library for as long as it watches. (An audit hook would see the same and cannot be taken away again; the
interpreter asks it at every look at a frame, which costs more than all the rest of the recorder.) Imports nothing of what it wraps.
"""

from __future__ import annotations

import functools
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any, Final

from ormlint.witness.imports import when_imported
from ormlint.witness.replacing import replace

_WAITS: Final = (
    ("socket", "socket", "connect", "socket.connect"),
    ("socket", "socket", "send", "socket.send"),
    ("socket", "socket", "sendall", "socket.send"),
    ("ssl", "SSLSocket", "send", "socket.send"),
    ("ssl", "SSLSocket", "sendall", "socket.send"),
    ("http.client", "HTTPConnection", "send", "http.client.send"),
    ("smtplib", "SMTP", "send", "smtplib.send"),
    ("subprocess", "Popen", "__init__", "subprocess.Popen"),
    ("time", "", "sleep", "time.sleep"),
)
"""Module, class ("" for a function), name, and what it is called in a record."""
_UNIX: Final = 1
"""The family of such sockets; `socket` itself is not imported for it."""
_WITHIN: Final = threading.local()
"""`active` while one of these runs in this thread: what it uses itself is part of it."""


def watch_external(call: Callable[[str, FrameType | None], None]) -> Callable[[], None]:
    """Calls `call` with a name such as "socket.connect" and the frame that waits, before it does; returns the function that ends it."""
    undo: list[Callable[[], None]] = []
    for module, cls, name, shown in _WAITS:
        undo.append(when_imported(module, functools.partial(_wrap, module, cls, name, shown, call, undo)))

    def stop() -> None:
        for end in reversed(undo):
            end()

    return stop


def _is_local(arguments: tuple[Any, ...]) -> bool:
    """Whether a socket stays on the machine, such as the pair that wakes an event loop."""
    return bool(arguments) and arguments[0].family == _UNIX


def _wrap(
    module: str, cls: str, name: str, shown: str, call: Callable[[str, FrameType | None], None], undo: list[Callable[[], None]]
) -> None:
    owner: Any = getattr(sys.modules[module], cls) if cls else sys.modules[module]
    real = getattr(owner, name)

    @functools.wraps(real)
    def waits(*arguments: Any, **keywords: Any) -> Any:
        if getattr(_WITHIN, "active", False) or (shown == "socket.send" and _is_local(arguments)):
            return real(*arguments, **keywords)
        call(shown, sys._getframe().f_back)
        _WITHIN.active = True
        try:
            return real(*arguments, **keywords)
        finally:
            _WITHIN.active = False

    undo.append(replace(owner, name, waits))
