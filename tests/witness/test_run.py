"""`ormlint witness run`: a command and all Python processes below it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from recorded import environment, the_record

SCRIPT = """\
import multiprocessing
import subprocess
import sys

from app import service
from app.models import Base, Child, Parent
from sqlalchemy import create_engine
from sqlalchemy.orm import Session
from sqlalchemy.pool import StaticPool


def main():
    engine = create_engine("sqlite://", connect_args={"check_same_thread": False}, poolclass=StaticPool)
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add_all([Parent(children=[Child()]), Parent(children=[Child()])])
        session.commit()
        assert service.totals(session) == [1, 1]


if __name__ == "__main__":
    main()
    if len(sys.argv) == 1:
        subprocess.run([sys.executable, "script.py", "below"], check=True)
        process = multiprocessing.get_context("spawn").Process(target=main)
        process.start()
        process.join()
        sys.exit(3)
"""
RUN = "import sys; from ormlint.frontends.commands.witness import command; sys.exit(command(sys.argv[1:], standalone_mode=False))"


def run(application: Path, packages: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    (application / "script.py").write_text(SCRIPT, encoding="utf-8")
    (application / "pyproject.toml").write_text("[tool.ormlint]\n", encoding="utf-8")
    command = [sys.executable, "-c", RUN, "run", *arguments]
    return subprocess.run(
        command, cwd=application, env={**environment(packages), **more}, capture_output=True, text=True, timeout=120, check=False
    )


def test_every_process_below_the_command_is_recorded(application: Path, sqlalchemy_environment: Path) -> None:
    done = run(application, sqlalchemy_environment, "--", sys.executable, "script.py")
    assert done.returncode == 3, done.stderr
    (lazy,) = [site for site in the_record(application).sites if site.kind == "lazy"]
    assert (lazy.path, lazy.count, lazy.max, lazy.loop) == ("app/service.py", 6, 2, "call")
    assert "ormlint-witness.jsonl" in done.stderr
    assert not list(application.glob("*.parts"))


def test_append(application: Path, sqlalchemy_environment: Path) -> None:
    run(application, sqlalchemy_environment, "--", sys.executable, "script.py", "alone")
    run(application, sqlalchemy_environment, "--append", "--", sys.executable, "script.py", "alone")
    (lazy,) = [site for site in the_record(application).sites if site.kind == "lazy"]
    assert lazy.count == 4


def test_a_sitecustomize_of_ones_own_still_runs(application: Path, sqlalchemy_environment: Path) -> None:
    (application / "own").mkdir()
    (application / "own" / "sitecustomize.py").write_text("print('mine')\n", encoding="utf-8")
    paths = environment(sqlalchemy_environment, application / "own")["PYTHONPATH"]
    done = run(application, sqlalchemy_environment, "--", sys.executable, "-c", "print('hers')", PYTHONPATH=paths)
    assert done.stdout.splitlines()[-2:] == ["mine", "hers"]


def test_a_command_without_sqlalchemy_says_so(application: Path, sqlalchemy_environment: Path) -> None:
    done = run(application, sqlalchemy_environment, "--", sys.executable, "-c", "pass")
    assert done.returncode == 0
    assert "no Python process below the command imported SQLAlchemy" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--", "no-such-command-anywhere"), "cannot run no-such-command-anywhere: there is no such command"),
        (("--file", "taken/record.jsonl", "--", sys.executable, "-c", "pass"), "cannot write the witness record"),
    ],
)
def test_what_cannot_be_done_is_one_line(arguments: tuple[str, ...], message: str, application: Path, sqlalchemy_environment: Path) -> None:
    (application / "taken").write_text("", encoding="utf-8")
    done = run(application, sqlalchemy_environment, *arguments)
    assert done.returncode != 0
    assert message in done.stderr.splitlines()[-1]


def test_a_command_that_is_killed_leaves_what_it_did(application: Path, sqlalchemy_environment: Path) -> None:
    code = "import os, signal, runpy\nrunpy.run_path('script.py')['main']()\nos.kill(os.getpid(), signal.SIGKILL)\n"
    done = run(application, sqlalchemy_environment, "--", sys.executable, "-c", code)
    assert done.returncode == 128 + 9, done.stderr
    assert the_record(application).sites
    assert done.stderr.count("a process was ended from outside before its record was whole") == 1
