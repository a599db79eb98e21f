"""Records, in the process under test, what the ORM did at which line of the project: events in, one part file of a record out.

A recorder may never change what it watches: every exception of its own is caught and counted, it keeps no reference to a frame or an
object of the application, and it imports nothing but the standard library. Besides SQLAlchemy's public events (`events.py`) it wraps three
kinds of constructor, because no event tells of them: `Session`, and the exceptions of `_ERRORS`.

One part is written for each process; `record.py` merges them.
"""

from __future__ import annotations

import atexit
import functools
import hashlib
import json
import os
import re
import sys
import threading
import time
import uuid
import weakref
from collections import deque
from collections.abc import Callable
from types import FrameType
from typing import Any, Final

from ormlint.witness.events import Event, listen
from ormlint.witness.frames import Hit, ProjectFiles, ProjectFrame, is_test, lines_of, project_frames
from ormlint.witness.imports import when_imported
from ormlint.witness.lines import Lines, record_lines

VERSION: Final = 1
"""The version of the record's format."""

_RECORDED: Final = {"lazy", "deferred", "expired", "refresh", "cascade", "eager", "query", "dml", "flush", "commit", "rollback"}
_STATEMENTS: Final = {"select", "insert", "update", "delete"}
_ERRORS: Final = (
    ("sqlalchemy.orm.exc", "DetachedInstanceError"),
    ("sqlalchemy.orm.exc", "StaleDataError"),
    ("sqlalchemy.exc", "MissingGreenlet"),
    ("sqlalchemy.exc", "InvalidRequestError"),
    ("sqlalchemy.exc", "ResourceClosedError"),
)
_ERROR_NAMES: Final = {"PendingRollbackError", *(name for _, name in _ERRORS)}
_EXTERNAL: Final = {"socket.connect", "http.client.send", "smtplib.send", "ftplib.sendcmd", "subprocess.Popen", "time.sleep"}
"""Audit events of the interpreter that mean that something outside is waited for."""
_COMPREHENSION: Final = re.compile(r"(?:\.<locals>)?\.<(?:list|set|dict)comp>$")
_MOST_CHAINS: Final = 20
_MOST_TESTS: Final = 50
_SAVE_EVERY_S: Final = 10.0


class Site:
    """What happened at one line: aggregated, never one entry for each event."""

    __slots__ = ("chains", "count", "direct", "inside", "loop_frames", "max", "test_count", "tests")

    def __init__(self) -> None:
        self.count = 0
        self.max = 0
        self.direct = False
        self.inside = False
        self.loop_frames: dict[tuple[str, int], int] = {}
        self.chains: dict[tuple[tuple[str, int, str], ...], int] = {}
        self.tests: dict[str, None] = {}
        self.test_count = 0


SiteKey = tuple[str, str, int, int, str, str | None, str | None]
"""Kind, path, line, end line, function, class, attribute."""


class _OpenSession:
    __slots__ = ("key", "open", "place", "reference")

    def __init__(self) -> None:
        self.reference: Any = None
        self.key: SiteKey | None = None
        self.open = False
        self.place: tuple[int, int] = (0, 0)


class Recorder:
    """Records from `start()` to `stop()`. `parts` is the folder that each process writes its part into."""

    def __init__(self, root: str, parts: str, *, lines: bool = True) -> None:
        self.files = ProjectFiles(root)
        self.parts = parts
        self.test: str | None = None
        """The test that runs now, where there is one."""
        self.failures: deque[str] = deque(maxlen=5)
        self.failed = 0
        self.warnings: list[str] = []
        self._sites: dict[SiteKey, Site] = {}
        self._sessions: dict[int, _OpenSession] = {}
        self._leaked: deque[SiteKey] = deque()
        self._lock = threading.RLock()
        self._undo: list[Callable[[], None]] = []
        self._want_lines = lines
        self._lines: Lines | None = None
        self._hashes: dict[str, str | None] = {}
        self._versions: list[str] = []
        self._recording = False
        self._owner = os.getpid()
        self._part = self._new_part()
        self._saved = time.monotonic()
        self._open = 0

    def start(self) -> None:
        """Begins to record, now where SQLAlchemy is imported, else as soon as it is."""
        self._recording = True
        os.makedirs(self.parts, exist_ok=True)
        if self._want_lines:
            self._lines = record_lines(self.files.path_of)
            self._undo.append(self._lines.stop)
        self._undo.append(when_imported("sqlalchemy.orm", self._guard(self._attach)))
        sys.addaudithook(self._audit)
        os.register_at_fork(after_in_child=self._in_child)
        real_exit = os._exit

        @functools.wraps(real_exit)
        def exit_saved(status: int) -> None:
            self.save()
            real_exit(status)

        os._exit = exit_saved  # type: ignore[assignment]
        self._undo.append(lambda: setattr(os, "_exit", real_exit))
        atexit.register(self.stop)

    def stop(self) -> None:
        """Ends the recording and writes this process's part; a second call does nothing."""
        if not self._recording:
            return
        self._recording = False
        atexit.unregister(self.stop)
        for undo in reversed(self._undo):
            self._guard(undo)()
        self._undo.clear()
        self.save()

    def save(self) -> None:
        """Writes what was recorded so far as this process's part, whole or not at all."""
        self._guard(self._save)()

    def save_now_and_then(self) -> None:
        """Writes the part if that has not been done for a while: what a crash can lose is bounded."""
        if time.monotonic() - self._saved > _SAVE_EVERY_S:
            self.save()

    # Attaching

    def _attach(self) -> None:
        import sqlalchemy
        from sqlalchemy.orm import Session

        version = str(vars(sqlalchemy)["__version__"])
        self._versions.append(version)
        if int(version.split(".")[0]) < 2 and not version.startswith("1.4"):
            self.warnings.append(f"SQLAlchemy {version} is not supported, only 1.4 and later: nothing is recorded of this process")
            return
        self._undo.append(listen(self._on_event))
        self._undo.append(self._wrap(Session, self._on_session_made))
        for module, name in _ERRORS:
            owner = getattr(sys.modules.get(module), name, None)
            if owner is not None:
                self._undo.append(self._wrap(owner, self._on_error))

    @staticmethod
    def _wrap(owner: Any, after: Callable[[Any, FrameType], None]) -> Callable[[], None]:
        """Calls `after` with each new object of a class and its subclasses; returns the function that ends it."""
        real = owner.__init__
        own = "__init__" in vars(owner)

        @functools.wraps(real)
        def __init__(self: Any, *arguments: Any, **keywords: Any) -> None:
            real(self, *arguments, **keywords)
            after(self, sys._getframe(1))

        owner.__init__ = __init__

        def undo() -> None:
            if vars(owner).get("__init__") is __init__:
                if own:
                    owner.__init__ = real
                else:
                    del owner.__init__

        return undo

    def _guard(self, call: Callable[[], None]) -> Callable[[], None]:
        def guarded() -> None:
            try:
                call()
            except Exception as error:
                self._failure(error)

        return guarded

    def _failure(self, error: BaseException) -> None:
        self.failed += 1
        text = f"{type(error).__name__}: {error}"
        if text not in self.failures:
            self.failures.append(text)

    # Events

    def _on_event(self, event: Event) -> None:
        if not self._recording:
            return
        try:
            kind = event.kind
            if kind in _STATEMENTS:
                self._note("core" if event.attr == "core" else kind, None, kind if event.attr == "core" else None, sys._getframe(1))
            elif kind in _RECORDED:
                self._note(kind, event.cls, event.attr, sys._getframe(1))
            elif kind == "db_commit" and event.cls == "Connection":
                self._note("commit", "Connection", None, sys._getframe(1))
            elif kind == "db_rollback" and event.cls == "Connection":
                self._note("rollback", "Connection", None, sys._getframe(1))
            elif kind == "opened":
                self._session(event.session, sys._getframe(1), True)
            elif kind == "ended":
                self._session(event.session, None, False)
        except Exception as error:
            self._failure(error)

    def _on_error(self, error: Any, frame: FrameType) -> None:
        if not self._recording:
            return
        try:
            name = type(error).__name__
            if name in _ERROR_NAMES:
                self._note("error", name, None, frame)
        except Exception as failure:
            self._failure(failure)

    def _on_session_made(self, session: Any, frame: FrameType) -> None:
        if not self._recording:
            return
        try:
            frames = project_frames(frame, self.files.path_of)
            if frames:
                key = self._key("session", type(session).__name__, None, frames[0])
                self._count(key, frames)
                self._known(session).key = key
        except Exception as error:
            self._failure(error)

    def _session(self, session: Any, frame: FrameType | None, opened: bool) -> None:
        known = self._known(session)
        if opened is not known.open:
            self._open += 1 if opened else -1
        known.open = opened
        if opened:
            known.place = _place()
            if known.key is None:
                frames = project_frames(frame, self.files.path_of)
                if frames:
                    known.key = self._key("session", type(session).__name__, None, frames[0])

    def _known(self, session: Any) -> _OpenSession:
        identity = id(session)
        known = self._sessions.get(identity)
        if known is None or known.reference() is not session:
            known = _OpenSession()

            def collected(_: Any, known: _OpenSession = known) -> None:
                # May run at any moment, in the middle of anything: it only takes note.
                if self._sessions.get(identity) is known:
                    self._sessions.pop(identity, None)
                if known.open:
                    self._open -= 1
                    if known.key is not None:
                        self._leaked.append(known.key)

            known.reference = weakref.ref(session, collected)
            self._sessions[identity] = known
        return known

    def _audit(self, name: str, arguments: Any) -> None:
        if not self._open or name not in _EXTERNAL or not self._recording:
            return
        try:
            here = _place()
            if not any(known.open and known.place == here for known in list(self._sessions.values())):
                return
            frame: FrameType | None = sys._getframe(1)
            outer = frame
            while outer is not None:
                if "/sqlalchemy/" in outer.f_code.co_filename.replace(os.sep, "/"):
                    return  # the driver's own connection
                outer = outer.f_back
            self._note("external", None, name, frame)
        except Exception as error:
            self._failure(error)

    def _note(self, kind: str, cls: str | None, attr: str | None, frame: FrameType | None) -> None:
        frames = project_frames(frame, self.files.path_of)
        # Events that no line of the project is on the stack of (a framework that serialises a response) have the place "":0.
        self._count(self._key(kind, cls, attr, frames[0]) if frames else (kind, "", 0, 0, "", cls, attr), frames)

    @staticmethod
    def _key(kind: str, cls: str | None, attr: str | None, frame: ProjectFrame) -> SiteKey:
        line, end_line = lines_of(frame.code, frame.instruction)
        return kind, frame.path, line, end_line, _qualified(frame), cls, attr

    def _count(self, key: SiteKey, frames: list[ProjectFrame]) -> None:
        with self._lock:
            while self._leaked:
                _, *rest = self._leaked.popleft()
                self._site(("leak", *rest)).count += 1  # type: ignore[arg-type]
            site = self._site(key)
            site.count += 1
            if self.test is not None and self.test not in site.tests:
                site.test_count += 1
                if len(site.tests) < _MOST_TESTS:
                    site.tests[self.test] = None
            if not frames:
                return
            innermost = frames[0]
            hit = _hit(innermost, key)
            if hit.executions > 1:
                site.direct = True
            elif hit.count > 1:
                site.inside = True
            most = hit.count
            in_test = is_test(innermost.path)
            for outer in frames[1:]:
                hit = _hit(outer, key)
                if hit.executions > 1 and (in_test or not is_test(outer.path)):
                    place = (outer.path, lines_of(outer.code, outer.instruction)[0])
                    site.loop_frames[place] = max(site.loop_frames.get(place, 0), hit.count)
                    most = max(most, hit.count)
            site.max = max(site.max, most)
            chain = tuple((frame.path, lines_of(frame.code, frame.instruction)[0], _qualified(frame)) for frame in frames)
            if chain in site.chains or len(site.chains) < _MOST_CHAINS:
                site.chains[chain] = site.chains.get(chain, 0) + 1

    def _site(self, key: SiteKey) -> Site:
        site = self._sites.get(key)
        if site is None:
            site = self._sites[key] = Site()
        return site

    # Writing

    def _new_part(self) -> str:
        return os.path.join(self.parts, f"{os.getpid()}-{uuid.uuid4().hex[:8]}.jsonl")

    def _in_child(self) -> None:
        """In a forked process: what the parent recorded is the parent's, and a lock that another thread held is nobody's."""
        if not self._recording:
            return
        self._lock = threading.RLock()
        self._sites = {}
        self._leaked.clear()
        self._part = self._new_part()

    def _save(self) -> None:
        self._saved = time.monotonic()
        with self._lock:
            for leaked in list(self._leaked):
                _, *rest = leaked
                self._site(("leak", *rest)).count += 1  # type: ignore[arg-type]
            self._leaked.clear()
            ran = {} if self._lines is None else self._lines.ran()
            sites = [self._site_line(key, site) for key, site in list(self._sites.items())]
            paths = {key[1] for key in self._sites if key[1]} | {
                place[0] for site in self._sites.values() for chain in site.chains for place in chain
            }
        head = {
            "t": "head",
            "version": VERSION,
            "project": os.path.basename(self.files.root),
            "sqlalchemy": list(dict.fromkeys(self._versions)),
            "python": ".".join(map(str, sys.version_info[:3])),
            "lines": self._lines is not None,
        }
        lines: list[dict[str, Any]] = [head]
        lines += [
            {"t": "file", "path": path, "sha256": self._hash(path), "ran": _spans(ran.get(path, ()))} for path in sorted(paths | set(ran))
        ]
        lines += sites
        lines += [{"t": "warning", "text": text} for text in self.warnings]
        lines += [
            {"t": "warning", "text": f"the recorder failed {self.failed} times ({text}): those events are missing"}
            for text in self.failures
        ]
        temporary = f"{self._part}.writing"
        with open(temporary, "w", encoding="utf-8") as file:
            for line in lines:
                file.write(json.dumps(line, separators=(",", ":")))
                file.write("\n")
        os.replace(temporary, self._part)

    @staticmethod
    def _site_line(key: SiteKey, site: Site) -> dict[str, Any]:
        kind, path, line, end_line, function, cls, attr = key
        loop = "direct" if site.direct else "inside" if site.inside else "call" if site.loop_frames else None
        return {
            "t": "site",
            "kind": kind,
            "path": path,
            "line": line,
            "end_line": end_line,
            "function": function,
            "cls": cls,
            "attr": attr,
            "count": site.count,
            "max": site.max,
            "loop": loop,
            "loop_frames": [[*place, most] for place, most in site.loop_frames.items()],
            "chains": [[[list(frame) for frame in chain], count] for chain, count in site.chains.items()],
            "test_count": site.test_count,
            "tests": list(site.tests),
        }

    def _hash(self, path: str) -> str | None:
        if path not in self._hashes:
            try:
                with open(os.path.join(self.files.root, path), "rb") as file:
                    self._hashes[path] = hashlib.sha256(file.read()).hexdigest()
            except OSError:
                self._hashes[path] = None
        return self._hashes[path]


def _hit(frame: ProjectFrame, key: SiteKey) -> Hit:
    hits = frame.activation.hits
    where = (frame.instruction, key)
    hit = hits.get(where)
    if hit is None:
        hit = hits[where] = Hit()
    hit.count += 1
    if hit.callee is None or frame.callee is not hit.callee:
        hit.executions += 1
        hit.callee = frame.callee
    return hit


def _qualified(frame: ProjectFrame) -> str:
    """The function's qualified name; before Python 3.12 a comprehension is a function of its own, here it is its function's."""
    return _COMPREHENSION.sub("", frame.code.co_qualname)


def _place() -> tuple[int, int]:
    """The thread and the asyncio task of the moment."""
    task = None
    asyncio = sys.modules.get("asyncio")
    if asyncio is not None:
        try:
            task = asyncio.current_task()
        except RuntimeError:
            task = None
    return threading.get_ident(), 0 if task is None else id(task)


def _spans(lines: Any) -> list[list[int]]:
    """Sorted lines as ranges `[first, last]`."""
    spans: list[list[int]] = []
    for line in sorted(lines):
        if spans and line == spans[-1][1] + 1:
            spans[-1][1] = line
        else:
            spans.append([line, line])
    return spans
