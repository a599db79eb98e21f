"""Records, in the process under test, what the ORM did at which line of the project: events in, one part file of a record out.

A recorder may never change what it watches: every exception of its own is caught and counted, it keeps no reference to a frame or an
object of the application, and it imports nothing but the standard library. Besides SQLAlchemy's public events (`events.py`) it wraps two
kinds of constructor, because no event tells of them: what is made once or for each job (`Session`, `sessionmaker`), and the exceptions
of `_ERRORS`; the hook that a dialect has for engines that are made; and `Session.close`, after which a session may be used again in
silence. `external.py` wraps what waits.

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
from itertools import islice
from types import CodeType, FrameType
from typing import Any, Final

from ormlint.witness.events import SQLALCHEMY, Event, listen
from ormlint.witness.external import watch_external
from ormlint.witness.frames import (
    Activation,
    Hit,
    ProjectFiles,
    ProjectFrame,
    is_test,
    lines_of,
    project_frames,
    suspended,
)
from ormlint.witness.imports import when_imported
from ormlint.witness.lines import Lines, record_lines
from ormlint.witness.replacing import replace
from ormlint.witness.starts import Starts

VERSION: Final = 1
"""The version of the record's format."""

_RECORDED: Final = {"lazy", "deferred", "expired", "refresh", "cascade", "query", "dml", "flush", "commit", "rollback"}
_ERRORS: Final = (
    ("sqlalchemy.orm.exc", "DetachedInstanceError"),
    ("sqlalchemy.orm.exc", "StaleDataError"),
    ("sqlalchemy.exc", "MissingGreenlet"),
    ("sqlalchemy.exc", "InvalidRequestError"),
    ("sqlalchemy.exc", "ResourceClosedError"),
)
_ERROR_NAMES: Final = {"PendingRollbackError", *(name for _, name in _ERRORS)}
_COMPREHENSION: Final = re.compile(r"(?:\.<locals>)?\.<(?:list|set|dict)comp>$")
_MOST_CHAINS: Final = 20
_MOST_TESTS: Final = 50
_SAVE_EVERY_S: Final = 10.0
_ENDED: Final = "a process was ended from outside before its record was whole: what it did last is missing"


SiteKey = tuple[str, str, int, int, str, str | None, str | None]
"""Kind, path, line, end line, function, class, attribute."""
Chain = tuple[tuple[str, int, str], ...]
"""Path, line and function of the project's frames, the innermost first."""


class Site:
    """What happened at one line: aggregated, never one entry for each event."""

    __slots__ = ("count", "direct", "inside", "loop_frames", "max", "test_count", "tests", "ways")

    def __init__(self) -> None:
        self.count = 0
        self.max = 0
        self.direct = False
        self.inside = False
        self.loop_frames: dict[tuple[str, int], int] = {}
        self.ways: dict[Chain, _Way] = {}
        self.tests: dict[str, None] = {}
        self.test_count = 0


class _Way:
    """How often a site's events came by one chain of frames."""

    __slots__ = ("count", "key", "site")

    def __init__(self, key: SiteKey, site: Site) -> None:
        self.key = key
        self.site = site
        self.count = 0


class _Stack:
    """One way that events come: the project's frames with their lines, told once for all events that come this way."""

    __slots__ = ("chain", "codes", "end_line", "in_test", "test_frames", "ways")

    def __init__(self, frames: list[ProjectFrame], files: ProjectFiles) -> None:
        self.codes = [code for code, *_ in frames]
        """Kept alive, because stacks are looked up by the ids of these."""
        self.chain: Chain = tuple(
            (files.path_of(code.co_filename) or "", lines_of(code, instruction)[0], _qualified(code)) for code, instruction, *_ in frames
        )
        self.end_line = lines_of(*frames[0][:2])[1] if frames else 0
        self.test_frames = [is_test(path) for path, _, _ in self.chain]
        self.in_test = bool(frames) and self.test_frames[0]
        self.ways: dict[tuple[str, str | None, str | None], _Way] = {}
        """By kind, class and attribute."""

    def key(self, kind: str, cls: str | None, attr: str | None) -> SiteKey:
        path, line, function = self.chain[0] if self.chain else ("", 0, "")
        return kind, path, line, self.end_line, function, cls, attr


def _nothing() -> None:
    """A weak reference to nothing."""


class _OpenSession:
    __slots__ = ("closed", "greenlet", "made", "open", "place", "reference", "thread", "used_by", "wrote")

    def __init__(self) -> None:
        self.reference: Any = None
        self.made: tuple[SiteKey, Chain] | None = None
        """Where the session was made."""
        self.open = False
        self.closed = False
        """`close()` was called, and the session was not used since."""
        self.wrote = False
        """It has sent rows that are neither committed nor rolled back."""
        self.place: tuple[int, int] = (0, 0)
        self.used_by: list[ProjectFrame] = []
        """The frames that it last worked for."""
        self.thread = 0
        self.greenlet: Callable[[], Any] = _nothing
        """The thread, and a weak reference to the greenlet, that it last worked in."""


class Recorder:
    """Records from `start()` to `stop()`. `parts` is the folder that each process writes its part into.

    `often`: the part is written while the process runs, too, because something may end it from outside; a forked process always does so.
    """

    def __init__(self, root: str, parts: str, *, lines: bool = True, often: bool = False) -> None:
        self.files = ProjectFiles(root)
        self.parts = parts
        self.test: str | None = None
        """The test that runs now, where there is one."""
        self.failures: deque[str] = deque(maxlen=5)
        self.failed = 0
        self.warnings: list[str] = []
        self._sites: dict[SiteKey, Site] = {}
        self._stacks: dict[tuple[int, ...], _Stack] = {}
        self._sessions: dict[int, _OpenSession] = {}
        self._leaked: deque[tuple[SiteKey, Chain]] = deque()
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
        self._starts = Starts(self.files, self._failure)
        self._open = 0
        self._noted = 0
        self._next_save = 1 if often else 0
        """After how many events the part is written next: after 1, 2, 4 and so on; 0 where nothing asks for that."""

    def start(self) -> None:
        """Begins to record, now where SQLAlchemy is imported, else as soon as it is."""
        self._recording = True
        if self._want_lines:
            self._lines = record_lines(self.files.path_of)
            self._undo.append(self._lines.stop)
        self._undo.append(when_imported("sqlalchemy.orm", self._guard(self._attach)))
        self._undo.append(watch_external(self._on_external))
        self._undo.append(self._starts.watch())
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
        self._guard(self._count_left)()
        self.save()

    def save(self, *, last: bool = True) -> None:
        """Writes what was recorded so far as this process's part, whole or not at all; it says so where it is not the `last` time."""
        self._guard(functools.partial(self._save, last))()

    def save_now_and_then(self) -> None:
        """Writes the part if that has not been done for a while: what a crash can lose is bounded."""
        if time.monotonic() - self._saved > _SAVE_EVERY_S:
            self.save(last=False)

    # Attaching

    def _attach(self) -> None:
        import sqlalchemy
        from sqlalchemy.engine import Dialect
        from sqlalchemy.orm import Session, sessionmaker

        version = str(vars(sqlalchemy)["__version__"])
        self._versions.append(version)
        if int(version.split(".")[0]) < 2 and not version.startswith("1.4"):
            self.warnings.append(f"SQLAlchemy {version} is not supported, only 1.4 and later: nothing is recorded of this process")
            return
        self._undo.append(listen(self._on_event, all_statements=False, failed=self._failure))
        self._undo.append(self._wrap(Session, self._on_session_made))
        self._undo.append(self._wrap_close(Session))
        self._undo.append(self._wrap(sessionmaker, functools.partial(self._on_made, "factory")))
        self._undo.append(self._wrap_engine_created(Dialect))
        for module, name in _ERRORS:
            owner = getattr(sys.modules.get(module), name, None)
            if owner is not None:
                self._undo.append(self._wrap(owner, self._on_error))

    @staticmethod
    def _wrap(owner: Any, after: Callable[[Any, FrameType | None], None]) -> Callable[[], None]:
        """Calls `after` with each new object of a class and its subclasses; returns the function that ends it."""
        real = owner.__init__

        @functools.wraps(real)
        def __init__(self: Any, *arguments: Any, **keywords: Any) -> None:
            real(self, *arguments, **keywords)
            after(self, sys._getframe().f_back)

        return replace(owner, "__init__", __init__)

    def _wrap_engine_created(self, owner: Any) -> Callable[[], None]:
        # The constructor of an Engine must stay what it is: `create_engine()` reads off it which arguments there are.
        real = vars(owner)["engine_created"].__func__

        @functools.wraps(real)
        def engine_created(dialect: Any, engine: Any) -> None:
            real(dialect, engine)
            if type(engine.dialect) is dialect:  # else another dialect stood in for it and is told as well
                self._on_made("engine", engine, sys._getframe().f_back)

        return replace(owner, "engine_created", classmethod(engine_created))

    def _wrap_close(self, owner: Any) -> Callable[[], None]:
        real = owner.close

        @functools.wraps(real)
        def close(session: Any, *arguments: Any, **keywords: Any) -> Any:
            self._on_close(session, sys._getframe().f_back)  # none where a greenlet begins here
            return real(session, *arguments, **keywords)

        return replace(owner, "close", close)

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
        kind = event.kind
        if kind in _RECORDED:
            if event.attr != "commit":  # a commit's own flush is part of the commit
                self._note(kind, event.cls, event.attr, sys._getframe(1), event.session)
        elif kind == "db_commit":
            self._note("commit", "Connection", None, sys._getframe(1))
        elif event.attr == "core":
            self._note("core", None, kind, sys._getframe(1))
        elif kind == "opened":
            self._session(event.session, opened=True)
        elif kind == "ended":
            self._session(event.session, opened=False)

    def _on_error(self, error: Any, frame: FrameType | None) -> None:
        if not self._recording:
            return
        try:
            name = type(error).__name__
            if name in _ERROR_NAMES:
                self._note("error", name, None, frame)
        except Exception as failure:
            self._failure(failure)

    def _on_session_made(self, session: Any, frame: FrameType | None) -> None:
        if not self._recording:
            return
        try:
            self._known(session).made = self._note("session", type(session).__name__, None, frame)
        except Exception as error:
            self._failure(error)

    def _on_made(self, kind: str, made: Any, frame: FrameType | None) -> None:
        if not self._recording:
            return
        try:
            self._note(kind, type(made).__name__, None, frame)
        except Exception as error:
            self._failure(error)

    def _on_close(self, session: Any, frame: FrameType | None) -> None:
        if not self._recording:
            return
        try:
            known = self._known(session)
            known.closed = True
            if (known.wrote or session.new) and session.in_transaction():
                self._note("lost", type(session).__name__, None, frame)
            known.wrote = False
        except Exception as error:
            self._failure(error)

    def _session(self, session: Any, *, opened: bool) -> None:
        known = self._known(session)
        if opened is not known.open:
            self._open += 1 if opened else -1
        known.open = opened
        if opened:
            known.place = _place()
            if known.closed:
                known.closed = False
                self._note("reopened", type(session).__name__, None, sys._getframe(2))

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
                    if known.made is not None:
                        self._leaked.append(known.made)

            known.reference = weakref.ref(session, collected)
            self._sessions[identity] = known
        return known

    def _on_external(self, name: str, frame: FrameType | None) -> None:
        if not self._open or not self._recording:
            return
        try:
            here = _place()
            calling = self._activations(project_frames(frame, self.files))
            if not any(
                known.open and known.place == here and self._activations(known.used_by) & calling for known in list(self._sessions.values())
            ):
                return  # no transaction, or one that has nothing to do with this call: a global session's, a test's
            outer = frame
            while outer is not None:
                if SQLALCHEMY.search(outer.f_code.co_filename):
                    return  # the driver's own connection
                outer = outer.f_back
            self._note("external", None, name, frame)
        except Exception as error:
            self._failure(error)

    def _note(self, kind: str, cls: str | None, attr: str | None, frame: FrameType | None, session: Any = None) -> tuple[SiteKey, Chain]:
        """Counts one event; returns where it was: the place "":0 where no line of the project is on the stack (a framework's own)."""
        return self._note_at(project_frames(frame, self.files), kind, cls, attr, session)

    def _note_at(self, frames: list[ProjectFrame], kind: str, cls: str | None, attr: str | None, session: Any) -> tuple[SiteKey, Chain]:
        known = None
        if session is not None:
            known = self._known(session)
            known.used_by = frames
            greenlets = sys.modules.get("greenlet")
            greenlet = None if greenlets is None else greenlets.getcurrent()
            if known.greenlet() is not greenlet or known.thread != threading.get_ident():
                self._moved(known, session, frames, greenlet)
            if kind in ("flush", "dml"):
                known.wrote = True
            elif kind in ("commit", "rollback"):
                known.wrote = False
        with self._lock:
            where: list[int] = []
            for code, instruction, _, _ in frames:
                where += (id(code), instruction)
            found = tuple(where)
            stack = self._stacks.get(found)
            if stack is None:
                stack = self._stacks[found] = _Stack(frames, self.files)
            way = stack.ways.get((kind, cls, attr))
            if way is None:
                key = stack.key(kind, cls, attr)
                site = self._site(key)
                way = stack.ways[kind, cls, attr] = site.ways.setdefault(stack.chain, _Way(key, site))
            self._count(way, frames, stack, known if kind == "commit" else None)
            if self._next_save:
                self._noted += 1
                if self._noted >= self._next_save:
                    self._next_save *= 2
                    self.save(last=False)
        return way.key, stack.chain

    def _moved(self, known: _OpenSession, session: Any, frames: list[ProjectFrame], greenlet: Any) -> None:
        """A session works in another thread or greenlet than before: notes it where it is still at work there."""
        thread = threading.get_ident()
        at_work = sys._current_frames().get(known.thread) if known.thread != thread else suspended(known.greenlet(), greenlet)
        known.thread = thread
        known.greenlet = _nothing if greenlet is None else weakref.ref(greenlet)
        while at_work is not None:
            if SQLALCHEMY.search(at_work.f_code.co_filename) and at_work.f_locals.get("self") is session:
                self._note_at([*frames, *self._starts.of_this()], "shared", type(session).__name__, None, None)
                return
            at_work = at_work.f_back

    def _activations(self, frames: list[ProjectFrame]) -> frozenset[Activation]:
        """Those of the application, without those of its tests."""
        return frozenset(activation for code, _, activation, _ in frames if not is_test(self.files.path_of(code.co_filename) or ""))

    def _count(self, way: _Way, frames: list[ProjectFrame], stack: _Stack, owner: _OpenSession | None) -> None:
        if self._leaked:
            self._count_leaks()
        site = way.site
        site.count += 1
        way.count += 1
        test = self.test
        if test is not None and test not in site.tests:
            site.test_count += 1
            if len(site.tests) < _MOST_TESTS:
                site.tests[test] = None
        most = 1
        for number, (_, instruction, activation, callee) in enumerate(frames):
            hits = activation.hits
            if hits is None:
                hits = activation.hits = {}
            where = (instruction, site)
            hit = hits.get(where)
            if hit is None or hit.owner is not owner:
                # A loop that makes a session for each job commits once in each.
                hit = hits[where] = Hit(owner)
            hit.add(callee)
            if hit.count == 1:
                continue
            if number == 0:
                most = hit.count
                if hit.executions > 1:
                    site.direct = True
                else:
                    site.inside = True
            elif hit.executions > 1 and (stack.in_test or not stack.test_frames[number]):
                place = stack.chain[number][:2]
                if hit.count > site.loop_frames.get(place, 0):
                    site.loop_frames[place] = hit.count
                most = max(most, hit.count)
        if most > site.max:
            site.max = most

    def _count_leaks(self) -> None:
        while self._leaked:
            self._count_made("leak", self._leaked.popleft())

    def _count_left(self) -> None:
        """Counts the sessions that are still open when all is over: those that a global or a long-lived object holds."""
        with self._lock:
            for known in list(self._sessions.values()):
                if known.open and known.made is not None:
                    self._count_made("left", known.made)

    def _count_made(self, kind: str, made: tuple[SiteKey, Chain]) -> None:
        (_, path, line, end_line, function, cls, attr), chain = made
        key = (kind, path, line, end_line, function, cls, attr)
        site = self._site(key)
        site.count += 1
        site.max = max(site.max, 1)
        site.ways.setdefault(chain, _Way(key, site)).count += 1

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
        self._stacks = {}
        self._leaked.clear()
        self._part = self._new_part()
        self._noted, self._next_save = 0, 1

    def _save(self, last: bool) -> None:
        self._saved = time.monotonic()
        if not self._versions and not self._sites:
            return  # a process without SQLAlchemy, such as multiprocessing's own, leaves nothing behind
        with self._lock:
            self._count_leaks()
            ran = {} if self._lines is None else self._lines.ran()
            sites = [self._site_line(key, site) for key, site in list(self._sites.items())]
            paths = {key[1] for key in self._sites if key[1]} | {
                place[0] for site in self._sites.values() for chain in _chains(site) for place in chain
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
        lines += [{"t": "warning", "text": text} for text in (*self.warnings, *(() if last else (_ENDED,)))]
        lines += [
            {"t": "warning", "text": f"the recorder failed {self.failed} times ({text}): those events are missing"}
            for text in self.failures
        ]
        os.makedirs(self.parts, exist_ok=True)
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
            "chains": [[[list(frame) for frame in chain], count] for chain, count in _chains(site).items()],
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


def _chains(site: Site) -> dict[Chain, int]:
    """The first chains that a site's events came by, with how many came so."""
    return {chain: way.count for chain, way in islice(site.ways.items(), _MOST_CHAINS)}


def _qualified(code: CodeType) -> str:
    """The function's qualified name; before Python 3.12 a comprehension is a function of its own, here it is its function's."""
    return _COMPREHENSION.sub("", code.co_qualname)


def _place() -> tuple[int, int]:
    """The thread and the asyncio task of the moment."""
    asyncio = sys.modules.get("asyncio")
    if asyncio is None or asyncio._get_running_loop() is None:
        return threading.get_ident(), 0
    return threading.get_ident(), id(asyncio.current_task())


def _spans(lines: Any) -> list[list[int]]:
    """Sorted lines as ranges `[first, last]`."""
    spans: list[list[int]] = []
    for line in sorted(lines):
        if spans and line == spans[-1][1] + 1:
            spans[-1][1] = line
        else:
            spans.append([line, line])
    return spans
