"""Who caused an event: the project's own frames on the stack, and which of them are one and the same activation.

Takes the stack of the moment; gives project frames from the innermost outwards. Knows files and frames, nothing of SQLAlchemy but that
its asynchronous half runs in greenlets. Imports nothing but the standard library.
"""

from __future__ import annotations

import os
import re
import sys
import sysconfig
from functools import cache
from itertools import islice
from types import CodeType, FrameType
from typing import Any

from ormlint.file_roles import role_of

DEPTH = 8
"""How many project frames of one stack are looked at, the innermost first."""

_FOREIGN = re.compile(r"(?:^|/)(?:site-packages|dist-packages|node_modules|__pypackages__|\.[^/]+|venv|env)(?:/|$)")


@cache
def is_test(path: str) -> bool:
    """Whether a file of the project is a test, by its place and name: what loops there is not the application's loop."""
    return role_of(path.split("/")) == "test"


class ProjectFiles:
    """Which code files are the project's own: those below its root, outside environments, hidden folders and the standard library."""

    def __init__(self, root: str) -> None:
        self.root = os.path.realpath(root)
        self.known: dict[str, str | None] = {}
        """The answers of `path_of` so far."""
        self.runners: set[str] = set()
        """Files of what runs the tests: nothing of the project is looked for above them."""
        self._foreign = tuple(
            os.path.realpath(path) + os.sep
            for path in {*sysconfig.get_paths().values(), sys.prefix, os.path.dirname(__file__)}
            if not (self.root + os.sep).startswith(os.path.realpath(path) + os.sep)
        )

    def path_of(self, filename: str) -> str | None:
        """The path of a code object's file relative to the root, with forward slashes; None where it is not the project's."""
        try:
            return self.known[filename]
        except KeyError:
            path = self.known[filename] = self._relative(filename)
            return path

    def _relative(self, filename: str) -> str | None:
        if not filename.endswith(".py"):
            return None  # "<string>", and templates, whose lines are not those of their code
        full = os.path.realpath(filename)
        if not full.startswith(self.root + os.sep) or full.startswith(self._foreign):
            return None
        path = full[len(self.root) + 1 :].replace(os.sep, "/")
        return None if _FOREIGN.search(path) else path


class Activation:
    """One call of a function, from its first line to its return; it lives and dies with the frame.

    It sits in `frame.f_trace`, the one slot of a frame that outside code may fill: a frame's `id` is reused as soon as it returns, and a
    reference to it would keep the caller's objects alive. Nothing calls it unless something traces; then it passes the call on.
    """

    __slots__ = ("hits", "previous")

    def __init__(self, previous: Any) -> None:
        self.previous = previous
        self.hits: dict[Any, Hit] | None = None
        """What the activation's instructions have caused, by a key of the recorder's."""

    def __call__(self, frame: FrameType, event: str, argument: Any) -> Any:
        if self.previous is not None:
            result = self.previous(frame, event, argument)
            if result is not None:
                self.previous = result
        return self


class Hit:
    """What one instruction of an activation caused: how many events, in how many executions of the instruction."""

    __slots__ = ("callee", "count", "executions", "owner")

    def __init__(self, owner: Any = None) -> None:
        self.owner = owner
        """What the events must have in common to count together."""
        self.count = 0
        self.executions = 0
        self.callee: Activation | None = None

    def add(self, callee: Activation | None) -> None:
        """One more event, which `callee` led to: another activation of it means that the instruction ran again."""
        self.count += 1
        if callee is None or callee is not self.callee:
            self.executions += 1
            self.callee = callee


def activation(frame: FrameType) -> Activation:
    """The activation that a frame belongs to; the same object for as long as the frame lives."""
    found = frame.f_trace
    if type(found) is Activation:
        return found
    made = Activation(found)
    frame.f_trace = made
    return made


def suspended(greenlet: Any, running: Any) -> FrameType | None:
    """Where a greenlet of this thread waits; None where it has ended, or waits only for the one that is running."""
    if greenlet is None or greenlet.dead:
        return None
    while running is not None:
        if running is greenlet:
            return None
        running = running.parent
    frame: FrameType | None = greenlet.gr_frame
    return frame


ProjectFrame = tuple[CodeType, int, Activation, Activation | None]
"""The code, the instruction it is at, the activation, and that of what it has called, in whichever file; None where that is no Python."""


_lines: dict[int, tuple[CodeType, dict[int, tuple[int, int]]]] = {}


def lines_of(code: CodeType, instruction: int) -> tuple[int, int]:
    """The first and the last line of an instruction."""
    # By id, with the code kept alive: to hash a code object is to hash all that is in it.
    try:
        return _lines[id(code)][1][instruction]
    except KeyError:
        line, end, _, _ = next(islice(code.co_positions(), instruction // 2, None), (None, None, None, None))
        first = line or code.co_firstlineno
        found = (first, max(first, end or first))
        _lines.setdefault(id(code), (code, {}))[1][instruction] = found
        return found


def project_frames(frame: FrameType | None, files: ProjectFiles) -> list[ProjectFrame]:
    """The project's frames on the stack that ends in `frame`, the innermost first, at most `DEPTH`."""
    found: list[ProjectFrame] = []
    below: FrameType | None = None
    greenlet: Any = None
    known = files.known
    while True:
        while frame is not None:
            code = frame.f_code
            try:
                path = known[code.co_filename]
            except KeyError:
                path = files.path_of(code.co_filename)
            if path is not None:
                found.append((code, frame.f_lasti, activation(frame), None if below is None else activation(below)))
                if len(found) == DEPTH:
                    return found
            elif code.co_filename in files.runners:
                return found
            below = frame
            frame = frame.f_back
        if greenlet is None:
            module = sys.modules.get("greenlet")
            if module is None:
                return found
            greenlet = module.getcurrent()
        greenlet = greenlet.parent
        if greenlet is None:
            return found
        frame = greenlet.gr_frame
