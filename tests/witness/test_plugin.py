"""The pytest plugin: inert without its flag, alike under xdist, and never the cause of a failure."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from recorded import Run, the_record


def test_without_the_flag_nothing_happens(application: Path, run_tests: Run) -> None:
    before = sorted(application.rglob("*"))
    done = run_tests("-k", "totals or leak")
    assert done.returncode == 0, done.stdout
    assert "witness" not in done.stdout
    assert sorted(application.rglob("*")) == before


def test_workers_of_xdist_record_the_same(application: Path, run_tests: Run) -> None:
    assert run_tests("--ormlint-witness", "-k", "not fork and not process").returncode == 0
    alone = the_record(application)
    assert run_tests("--ormlint-witness", "-n2", "-k", "not fork and not process").returncode == 0
    together = the_record(application)
    shown = [
        [(site.kind, site.path, site.line, site.cls, site.attr, site.count, site.max, site.loop, site.test_count) for site in record.sites]
        for record in (alone, together)
    ]
    assert shown[0] == shown[1]
    assert [file.ran for file in alone.files] == [file.ran for file in together.files]
    assert not list(application.glob("*.parts"))


def test_append_keeps_what_was_recorded_before(application: Path, run_tests: Run) -> None:
    run_tests("--ormlint-witness", "-k", "test_names")
    run_tests("--ormlint-witness", "--ormlint-witness-append", "-k", "test_totals or test_names")
    record = the_record(application)
    assert {site.function: site.count for site in record.sites if site.kind == "commit" and site.path.startswith("app/")} == {"names": 10}
    assert [site.count for site in record.sites if site.function == "count_children" and site.kind == "lazy"] == [5]
    run_tests("--ormlint-witness", "-k", "test_totals")
    assert not [site for site in the_record(application).sites if site.function == "names"]


def test_the_summary_says_where_the_record_is(run_tests: Run) -> None:
    done = run_tests("--ormlint-witness", "-k", "test_totals")
    assert "ormlint-witness.jsonl" in done.stdout
    assert "SQLAlchemy " in done.stdout


def test_a_record_of_nothing_says_so(application: Path, run_tests: Run) -> None:
    elsewhere = application.parent / "elsewhere"
    elsewhere.mkdir()
    done = run_tests("--ormlint-witness", f"--ormlint-witness-root={elsewhere}", "-k", "test_totals")
    assert done.returncode == 0, done.stdout
    assert f"no line of the project below {elsewhere} used SQLAlchemy" in done.stdout


def test_a_recorder_that_fails_fails_no_test(application: Path, run_tests: Run) -> None:
    (application / "conftest.py").write_text(
        "from ormlint.witness import recorder\n\n"
        "def broken(*arguments):\n    raise ZeroDivisionError('of the recorder')\n\n"
        "recorder.project_frames = broken\n",
        encoding="utf-8",
    )
    done = run_tests("--ormlint-witness", "-k", "test_totals or test_names")
    assert done.returncode == 0, done.stdout
    assert "2 passed" in done.stdout
    assert "ZeroDivisionError: of the recorder" in done.stdout


def test_a_part_that_cannot_be_written_fails_no_test(application: Path, run_tests: Run) -> None:
    (application / "taken").write_text("", encoding="utf-8")
    done = run_tests("--ormlint-witness", "--ormlint-witness-file=taken/record.jsonl", "-k", "test_totals")
    assert done.returncode == 0, done.stdout
    assert "nothing is recorded" in done.stdout


def test_tests_that_replace_the_session_class(application: Path, run_tests: Run) -> None:
    (application / "tests" / "test_replaced.py").write_text(
        "from unittest import mock\n"
        "import sqlalchemy.orm\n"
        "from app import service\n\n"
        "def test_replaced(monkeypatch, engine):\n"
        "    real = sqlalchemy.orm.Session\n"
        "    class Session(real):\n"
        "        pass\n"
        "    monkeypatch.setattr(sqlalchemy.orm, 'Session', Session)\n"
        "    with Session(engine) as session:\n"
        "        assert len(service.names(session)) == 5\n\n"
        "def test_mocked():\n"
        "    service.save(mock.Mock())\n\n"
        "def test_init_replaced(monkeypatch, engine):\n"
        "    from sqlalchemy.orm import Session\n"
        "    real = Session.__init__\n"
        "    monkeypatch.setattr(Session, '__init__', lambda self, *a, **k: real(self, *a, **k))\n"
        "    with Session(engine) as session:\n"
        "        assert len(service.names(session)) == 5\n",
        encoding="utf-8",
    )
    done = run_tests("--ormlint-witness", "-k", "replaced or mocked or test_names")
    assert done.returncode == 0, done.stdout
    commits = [site for site in the_record(application).sites if site.kind == "commit" and site.function == "names"]
    assert sum(site.count for site in commits) == 15
    assert {site.cls for site in commits} == {"Session"}


def test_lines_may_be_left_out(application: Path, run_tests: Run) -> None:
    run_tests("--ormlint-witness", "--ormlint-witness-no-lines", "-k", "test_nobody")
    record = the_record(application)
    assert not record.head.lines
    assert all(not file.ran for file in record.files)


@pytest.mark.parametrize("broken", ["_execution", "_asked_by", "_from_orm", "_below_orm", "_in_savepoint"])
def test_reading_an_event_that_fails_fails_no_test(broken: str, application: Path, run_tests: Run) -> None:
    (application / "conftest.py").write_text(
        "from ormlint.witness import events\n\n"
        "def broken(*arguments):\n    raise ZeroDivisionError('of the recorder')\n\n"
        f"events.{broken} = broken\n",
        encoding="utf-8",
    )
    done = run_tests("--ormlint-witness", "-k", "test_totals or test_rename or test_core or test_nested")
    assert done.returncode == 0, done.stdout
    assert "4 passed" in done.stdout
    assert "ZeroDivisionError: of the recorder" in done.stdout


def test_a_process_that_is_killed_loses_only_what_it_did_last(application: Path, run_tests: Run) -> None:
    (application / "tests" / "test_crash.py").write_text(
        "import os\nimport signal\n\nfrom app import service\n\n"
        "def test_crash(engine, session):\n"
        "    child = os.fork()\n"
        "    if not child:\n"
        "        service.names(session)\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "    os.waitpid(child, 0)\n",
        encoding="utf-8",
    )
    done = run_tests("--ormlint-witness", "-k", "crash or totals")
    assert done.returncode == 0, done.stdout
    record = the_record(application)
    assert [site.count for site in record.sites if site.function == "count_children" and site.kind == "lazy"] == [5]
    (commits,) = [site for site in record.sites if site.function == "names" and site.kind == "commit"]
    assert 1 <= commits.count <= 5
    assert done.stdout.count("a process was ended from outside before its record was whole") == 1
    run_tests("--ormlint-witness", "-k", "test_fork")
    assert the_record(application).warnings == ()


def test_the_record_is_json_lines(application: Path, run_tests: Run) -> None:
    run_tests("--ormlint-witness", "-k", "test_totals")
    lines = (application / "ormlint-witness.jsonl").read_text(encoding="utf-8").splitlines()
    entries = [json.loads(line) for line in lines]
    assert entries[0]["t"] == "head"
    assert {entry["t"] for entry in entries} == {"head", "file", "site"}
    assert str(application) not in "".join(lines)
