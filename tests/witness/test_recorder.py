"""What is recorded of an application's tests, on each SQLAlchemy: kinds, lines, counts, loops."""

from __future__ import annotations

from pathlib import Path

import pytest
from recorded import Run, sites, the_record

from ormlint.witness.record import Record, Site


@pytest.fixture
def record(application: Path, run_tests: Run) -> Record:
    done = run_tests("--ormlint-witness")
    assert done.returncode == 0, done.stdout + done.stderr
    return the_record(application)


def only(record: Record, function: str, kind: str) -> Site:
    found = sites(record, function, kind)
    assert len(found) == 1, [(site.kind, site.line) for site in sites(record, function)]
    return found[0]


def line_of(application: Path, text: str, nth: int = 1) -> int:
    lines = (application / "app" / "service.py").read_text(encoding="utf-8").split("\n")
    return [number for number, line in enumerate(lines, 1) if text in line][nth - 1]


def test_everything_that_the_tests_do(record: Record, application: Path) -> None:
    assert record.warnings == ()
    assert len(record.head.sqlalchemy) == 1

    # An N+1 through a helper: in the test itself, three threads, a fork and a process.
    lazy = only(record, "count_children", "lazy")
    assert (lazy.cls, lazy.attr, lazy.count, lazy.max, lazy.loop) == ("Parent", "children", 5 * 6, 5, "call")
    assert [(frame.path, frame.line, frame.max) for frame in lazy.loop_frames] == [
        ("app/service.py", line_of(application, "count_children(parent) for"), 5)
    ]
    assert lazy.line <= line_of(application, "parent.children") <= lazy.end_line
    assert lazy.test_count == 4

    # Commits per row: in the loop itself, and one call away; what they expire is read again.
    commit = only(record, "names", "commit")
    assert (commit.count, commit.max, commit.loop, commit.line) == (5, 5, "direct", line_of(application, "session.commit()"))
    expired = only(record, "names", "expired")
    assert (expired.cls, expired.attr, expired.count, expired.loop) == ("Parent", "name", 4, "direct")
    hidden = only(record, "save", "commit")
    assert (hidden.count, hidden.max, hidden.loop) == (5, 5, "call")
    assert [frame.line for frame in hidden.loop_frames] == [line_of(application, "save(session)", 2)]
    assert not sites(record, "save", "flush"), "the flush of a commit is part of the commit"

    # A savepoint is not a commit; its flushes show.
    assert not sites(record, "nested", "commit")
    assert only(record, "nested", "flush").count == 5

    # A session for each job is no commit in a loop; rows that nobody commits, sessions used after close() or never ended, engines.
    job = only(record, "jobs", "commit")
    assert (job.count, job.max, job.loop) == (3, 1, None)
    assert only(record, "forgotten", "lost").count == 1
    assert not sites(record, "jobs", "lost")
    again = only(record, "used_again", "reopened")
    assert (again.count, again.line) == (1, line_of(application, "session.query(Parent).all()", 7))
    assert only(record, "engines", "engine").count == 3
    assert only(record, "hold", "left").count == 1

    # Deferred columns, accessors, deletes.
    deferred = only(record, "stories", "deferred")
    assert (deferred.attr, deferred.count, deferred.loop) == ("story", 5, "direct")
    assert only(record, "Parent.__repr__", "lazy").loop is None
    assert only(record, "remove", "cascade").attr == "children"
    assert only(record, "remove", "flush").attr == "flush"

    # Queries, of the ORM and of Core; eager loads are no queries of their own.
    query = only(record, "look_up", "query")
    assert (query.cls, query.count, query.loop) == ("Parent", 3, "direct")
    core = only(record, "core", "core")
    assert (core.attr, core.count, core.loop) == ("select", 4, "direct")
    assert (only(record, "eager", "query").loop, only(record, "eager", "query").count) == (None, 4)
    assert not sites(record, "eager", "lazy")
    assert not sites(record, "nobody", "lazy")

    # Sessions that are collected while they are open, errors, waiting with a transaction open.
    assert only(record, "leak", "leak").count == 1
    assert not sites(record, "closed", "leak")
    assert only(record, "closed", "session").count == 1
    assert only(record, "detached", "error").cls == "DetachedInstanceError"
    assert only(record, "outside", "external").attr == "subprocess.Popen"
    assert not sites(record, "outside_after_commit", "external")
    assert {site.attr for site in sites(record, "calls", "external")} == {"socket.connect", "socket.send"}
    held = only(record, "calls_held", "external")
    assert (held.attr, held.count, held.line) == ("socket.send", 1, line_of(application, "held_socket.sendall"))

    # Reloads, rollbacks, sessions that an error has ended.
    refresh = only(record, "refreshed", "refresh")
    assert (refresh.cls, refresh.count, refresh.max, refresh.loop) == ("Parent", 3, 3, "direct")
    assert only(record, "refreshed", "rollback").count == 1
    assert [site.cls for site in sites(record, "pending", "error")] == ["PendingRollbackError"]

    # A session that is used while another task or thread is at work with it: told with what started it.
    shared = [site for site in record.sites if site.kind == "shared"]
    assert {site.function for site in shared} == {"one", "in_threads"}
    through = {frame.function for site in shared for chain in site.chains for frame in chain.frames}
    assert "together" in through
    assert not through & {"in_turn", "each_its_own", "each_its_own.<locals>.work", "in_threads_in_turn"}

    # Asynchronous code: the greenlets of SQLAlchemy do not hide who asked.
    later = only(record, "later", "commit")
    assert (later.count, later.max, later.loop) == (5, 5, "direct")
    assert [site.cls for site in sites(record, "too_late", "error")] == ["MissingGreenlet"]


def test_lines_that_ran(record: Record, application: Path) -> None:
    ran = {line for file in record.files if file.path == "app/service.py" for first, last in file.ran for line in range(first, last + 1)}
    assert record.head.lines
    assert line_of(application, "len(parent.children) for") in ran
    assert line_of(application, "for parent in session.query(Parent).filter") in ran
    assert line_of(application, "print(parent.children)") not in ran
    assert line_of(application, "return session.query(Parent).all()") not in ran
    assert line_of(application, "def never_called") in ran
    assert line_of(application, "except ValueError") in ran, "what was caught"


def test_chains_lead_from_the_event_to_the_test(record: Record) -> None:
    chain = only(record, "save", "commit").chains[0]
    assert [(frame.path, frame.function) for frame in chain.frames] == [
        ("app/service.py", "save"),
        ("app/service.py", "rename"),
        ("tests/test_service.py", "test_rename"),
    ]
    assert chain.count == 5


def test_what_loops_in_a_test_is_told_only_of_tests(record: Record) -> None:
    assert all(not frame.path.startswith("tests/") for site in record.sites if site.path.startswith("app/") for frame in site.loop_frames)
