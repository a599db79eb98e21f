"""A record that is odd in some way: one clear line, and the rest is used."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from recorded import environment

from ormlint.testing.environments import environment as packages_of
from ormlint.witness.record import Record, merge_parts, read_record, write_record

RUN = "import sys; from ormlint.frontends.cli import main; sys.exit(main())"


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small project that was recorded in two processes, one of them with another SQLAlchemy."""
    project = tmp_path_factory.mktemp("odd") / "project"
    (project / "app").mkdir(parents=True)
    (project / "pyproject.toml").write_text("[tool.ormlint]\n", encoding="utf-8")
    (project / "app" / "__init__.py").touch()
    (project / "app" / "models.py").write_text(
        "from sqlalchemy import Column, Integer, create_engine\n"
        "from sqlalchemy.orm import Session, declarative_base\n\n"
        "Base = declarative_base()\n\n\n"
        "class Row(Base):\n    __tablename__ = 'row'\n    id = Column(Integer, primary_key=True)\n",
        encoding="utf-8",
    )
    (project / "app" / "jobs.py").write_text(
        "import os\nimport subprocess\nimport sys\n\n"
        "from app.models import Base, Row, Session, create_engine\n\n\n"
        "def job():\n"
        "    engine = create_engine('sqlite://')\n"
        "    Base.metadata.create_all(engine)\n"
        "    with Session(engine) as session:\n"
        "        session.add_all([Row(), Row(), Row()])\n"
        "        session.commit()\n"
        "        for row in session.query(Row).all():\n"
        "            row.id\n"
        "            session.commit()\n\n\n"
        "job()\n"
        "if len(sys.argv) > 1:\n"
        "    older = {**os.environ, 'PYTHONPATH': os.environ['PYTHONPATH'].replace(sys.argv[1], sys.argv[2])}\n"
        "    subprocess.run([sys.executable, '-m', 'app.jobs'], check=True, env=older)\n",
        encoding="utf-8",
    )
    newer, older = packages_of("2.0"), packages_of("1.4")
    command = ["witness", "run", "--", sys.executable, "-c", "import app.jobs", str(newer), str(older)]
    done = run(project, newer, *command)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("the record holds runs on more than one SQLAlchemy (") == 1, done.stderr
    return project


def run(project: Path, packages: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    variables = {**environment(packages, *map(Path, filter(None, sys.path))), "NO_COLOR": "1", "COLUMNS": "240"}
    variables["PYTHONPATH"] += f":{project}"
    return subprocess.run(
        [sys.executable, "-c", RUN, *arguments], cwd=project, env=variables, capture_output=True, text=True, timeout=120, check=False
    )


def check(project: Path, record: Path) -> subprocess.CompletedProcess[str]:
    return run(project, packages_of("2.0"), "check", "--no-cache", "--witness", str(record))


def said(done: subprocess.CompletedProcess[str]) -> str:
    """What was written, in one line: a report is wrapped."""
    return " ".join((done.stdout + done.stderr).split())


def test_two_versions_in_one_tree_are_added_up(recorded: Path) -> None:
    record = read_record(recorded / "ormlint-witness.jsonl")
    assert sorted(version[:3] for version in record.head.sqlalchemy) == ["1.4", "2.0"]
    (commit,) = [site for site in record.sites if site.kind == "commit" and site.loop]
    assert (commit.count, commit.max) == (6, 3)
    done = check(recorded, recorded / "ormlint-witness.jsonl")
    assert done.returncode == 1, done.stderr
    assert said(done).count("more than one SQLAlchemy") == 1
    assert "run: confirmed: 6 commits, up to 3 in one call" in done.stdout


def test_a_record_that_is_cut_off_is_used_up_to_there(recorded: Path, tmp_path: Path) -> None:
    content = (recorded / "ormlint-witness.jsonl").read_bytes()
    cut = tmp_path / "cut.jsonl"
    cut.write_bytes(content[:-30])
    done = check(recorded, cut)
    assert done.returncode == 1
    assert said(done).count("is damaged or cut off at line") == 1
    assert "run: confirmed" in done.stdout


def test_changed_sources_are_said_to_be_stale(recorded: Path, tmp_path: Path) -> None:
    copied = tmp_path / "project"
    (copied / "app").mkdir(parents=True)
    for file in ("pyproject.toml", "app/__init__.py", "app/models.py", "app/jobs.py"):
        (copied / file).write_bytes((recorded / file).read_bytes())
    jobs = copied / "app" / "jobs.py"
    jobs.write_text("# a new line\n" + jobs.read_text(encoding="utf-8"), encoding="utf-8")
    done = check(copied, recorded / "ormlint-witness.jsonl")
    assert done.returncode == 1
    assert said(done).count("changed since the record was made, so that its lines there are not used: app/jobs.py") == 1
    assert "run: not run: stale: the file has changed since the record was made" in done.stdout
    assert "confirmed" not in done.stdout


def test_a_foreign_record_is_refused_in_one_line(recorded: Path, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.ormlint]\n", encoding="utf-8")
    (tmp_path / "other.py").write_text("x = 1\n", encoding="utf-8")
    done = check(tmp_path, recorded / "ormlint-witness.jsonl")
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert "the witness record is of another project (project: app/__init__.py, app/jobs.py, app/models.py, …)" in line


def test_what_is_appended_to_a_record_that_was_cut_off_loses_nothing_more(recorded: Path, tmp_path: Path) -> None:
    whole = read_record(recorded / "ormlint-witness.jsonl")
    target = tmp_path / "record.jsonl"
    content = (recorded / "ormlint-witness.jsonl").read_bytes().splitlines(keepends=True)
    sites = sum(line.startswith(b'{"t":"site"') for line in content)
    target.write_bytes(b"".join(content)[: -len(content[-1]) - 5])
    write_record(Record(whole.head, whole.files, whole.sites[:1]), tmp_path / "parts" / "1.jsonl")
    merged = merge_parts(tmp_path / "parts", target, append=True)
    assert sites - 3 <= len(merged.sites) <= sites
    assert merged.sites[0].count == 2 * whole.sites[0].count
    assert sum("cut off" in warning for warning in merged.warnings) == 1
