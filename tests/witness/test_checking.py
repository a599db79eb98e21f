"""`ormlint check --witness`, from the command to its exit status: verdicts, order, what gates, and what counts as missed."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from recorded import SOURCE

from ormlint.witness.record import Chain, File, Frame, Head, Record, Site, write_record

RUN = "import sys; from ormlint.frontends.cli import main; sys.exit(main())"
MODELS = """\
from sqlalchemy import ForeignKey
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class Base(DeclarativeBase):
    pass


class Order(Base):
    __tablename__ = "order"
    id: Mapped[int] = mapped_column(primary_key=True)
    lines: Mapped[list["Line"]] = relationship()


class Line(Base):
    __tablename__ = "line"
    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("order.id"))
"""
JOBS = """\
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.models import Order


def cheap(session: Session) -> None:
    for order in session.scalars(select(Order)).all():
        order.id = order.id + 1
        session.commit()


def dear(session: Session) -> int:
    return sum(len(order.lines) for order in session.scalars(select(Order)).all())


def never(session: Session) -> None:
    for order in session.scalars(select(Order)).all():
        order.id = order.id + 1
        session.commit()


def unseen(orders) -> int:
    return sum(len(order.lines) for order in orders)
"""


def line_of(text: str, nth: int = 1) -> int:
    return [number for number, line in enumerate(JOBS.split("\n"), 1) if text in line][nth - 1]


COMMIT, LOAD, UNSEEN = line_of("session.commit()"), line_of("order.lines"), line_of("order.lines", 2)


def site(kind: str, line: int, function: str, count: int, *, attr: str | None = None) -> Site:
    chain = Chain((Frame("app/jobs.py", line, function),), count)
    return Site(kind, "app/jobs.py", line, line, function, "Order", attr, count, count, "direct", (), (chain,), 1, ("t",))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    sources = {"app/__init__.py": "", "app/models.py": MODELS, "app/jobs.py": JOBS, "pyproject.toml": "[tool.ormlint]\n"}
    for path, text in sources.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
    ran = ((1, line_of("def never") - 1), (UNSEEN - 1, UNSEEN))
    digest = hashlib.sha256(JOBS.encode()).hexdigest()
    sites = (
        site("commit", COMMIT, "cheap", 3),
        site("lazy", LOAD, "dear", 214, attr="lines"),
        site("lazy", UNSEEN, "unseen", 9, attr="lines"),
    )
    write_record(Record(Head(1, "project", ("2.1.9",), "3.12.1", True), (File("app/jobs.py", digest, ran),), sites), tmp_path / "r.jsonl")
    return tmp_path


def run(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    variables = {**os.environ, "PYTHONPATH": str(SOURCE), "NO_COLOR": "1", "COLUMNS": "200"}
    command = [sys.executable, "-c", RUN, "check", "--witness", "r.jsonl", *arguments]
    return subprocess.run(command, cwd=project, env=variables, capture_output=True, text=True, timeout=120, check=False)


def report(project: Path, *arguments: str) -> dict[str, list[dict[str, object]]]:
    done = run(project, "--output-format", "json", *arguments)
    assert done.returncode in (0, 1), done.stderr
    document: dict[str, list[dict[str, object]]] = json.loads(done.stdout)
    return document


def missed(project: Path, *arguments: str) -> list[tuple[object, object]]:
    return [(one["code"], one["line"]) for one in report(project, *arguments)["missed"]]


def test_what_costs_most_comes_first_and_what_did_not_run_last(project: Path) -> None:
    findings = report(project, "--select", "ORM201,ORM401")["findings"]
    verdicts = [(one["code"], one["line"], one["witness"]["verdict"], one["witness"]["count"]) for one in findings]  # type: ignore[index]
    assert verdicts[:2] == [("ORM401", LOAD, "confirmed", 214), ("ORM201", COMMIT, "confirmed", 3)]
    assert verdicts[2] == ("ORM201", line_of("session.commit()", 2), "not_run", 0)
    text = run(project).stdout
    assert "run: confirmed: 214 SELECTs in 1 test, up to 214 in one call" in text
    assert "run: not run: the line did not run" in text


def test_only_what_is_confirmed_gates(project: Path) -> None:
    done = run(project, "--min-witness", "confirmed", "--output-format", "concise")
    assert done.returncode == 1
    assert [line.split(":")[1] for line in done.stdout.splitlines() if "ORM" in line] == [str(LOAD), str(COMMIT)]
    done = run(project, "--min-witness", "confirmed", "--ignore", "ORM201,ORM401")
    assert (done.returncode, "ORM2" in done.stdout) == (0, False)


def test_what_no_finding_spoke_of_is_missed(project: Path) -> None:
    assert missed(project) == [("ORM401", UNSEEN)]


def test_what_was_not_asked_for_is_not_missed(project: Path) -> None:
    assert missed(project, "--select", "ORM2") == []
    assert missed(project, "app/models.py") == []
    assert missed(project, "app") == [("ORM401", UNSEEN)]


def test_what_is_silenced_or_accepted_is_not_missed(project: Path) -> None:
    (project / "pyproject.toml").write_text('[tool.ormlint.per-file-ignores]\n"app/jobs.py" = ["ORM401"]\n', encoding="utf-8")
    assert missed(project) == [("ORM401", UNSEEN)]
    (project / "pyproject.toml").write_text("[tool.ormlint]\n", encoding="utf-8")
    variables = {**os.environ, "PYTHONPATH": str(SOURCE)}
    subprocess.run([sys.executable, "-c", RUN, "baseline", "create"], cwd=project, env=variables, check=True, capture_output=True)
    accepted = report(project)
    assert accepted["findings"] == []
    assert [(one["code"], one["line"]) for one in accepted["missed"]] == [("ORM401", UNSEEN)]


def test_sarif_has_verdicts_and_what_was_missed(project: Path) -> None:
    results = json.loads(run(project, "--output-format", "sarif", "--select", "ORM201,ORM401").stdout)["runs"][0]["results"]
    assert [(one["ruleId"], one["properties"].get("witness"), one["properties"].get("missed")) for one in results] == [
        ("ORM401", "confirmed", None),
        ("ORM201", "confirmed", None),
        ("ORM201", "not run", None),
        ("ORM401", "confirmed", True),
    ]
