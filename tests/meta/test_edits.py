"""After an edit only what rests on it is analysed anew: the outcome is that of a run from nothing; trouble costs time, never the run."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest

from benchmarks.edits_agree import agree
from ormlint import kept_analyses, pipeline
from ormlint.config import Config
from ormlint.findings import Report
from ormlint.semantics import parts
from ormlint.semantics.keeping import Memory

PROJECTS = Path(__file__).parents[2] / "fixtures" / "projects"

MODELS = """
from sqlalchemy import Column, ForeignKey, Integer
from sqlalchemy.orm import Session, declarative_base, relationship

Base = declarative_base()


class Order(Base):
    __tablename__ = "orders"
    id = Column(Integer, primary_key=True)
    lines = relationship("Line")


class Line(Base):
    __tablename__ = "lines"
    id = Column(Integer, primary_key=True)
    order_id = Column(ForeignKey("orders.id"))
"""
STORE = """
from sqlalchemy.orm import Session

from models import Order


def save(session: Session):
    session.commit()


def orders(session: Session):
    return session.query(Order).all()
"""
JOBS = """
from sqlalchemy.orm import Session

import store


def count(session: Session):
    for order in store.orders(session):
        print(len(order.lines))


def save_all(session: Session):
    for order in store.orders(session):
        order.paid = True
        store.save(session)
"""


@pytest.mark.parametrize("name", sorted(path.name for path in PROJECTS.iterdir() if path.is_dir()))
def test_an_edited_project_is_found_as_one_that_is_analysed_from_nothing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    differ, resumed = agree(PROJECTS / name, 12, seed=20)
    assert differ == 0
    assert resumed > 1


@pytest.mark.parametrize("name", ["shop", "layered_leaks"])
def test_an_edited_project_is_found_the_same_in_parts(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "WORTH_A_PART", 3_000)
    differ, resumed = agree(PROJECTS / name, 16, seed=31)
    assert differ == 0
    assert resumed > 3


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    for name, text in (("models", MODELS), ("store", STORE), ("jobs", JOBS)):
        (folder / f"{name}.py").write_text(text)
    return folder


@pytest.fixture
def memories(monkeypatch: pytest.MonkeyPatch) -> list[Memory]:
    """What each run knew of the one before."""
    found: list[Memory] = []
    real = kept_analyses.recalled

    def recalled(*asked: object) -> object:
        given = real(*asked)  # type: ignore[arg-type]
        found.append(given[0])
        return given

    monkeypatch.setattr(kept_analyses, "recalled", recalled)
    return found


def check(root: Path) -> Report:
    return pipeline.check(root, Config())


def told(report: Report) -> object:
    return report.findings, report.warnings, msgspec.structs.replace(report.summary, duration_s=0.0)


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def from_nothing(root: Path) -> Report:
    return pipeline.check(root, Config(cache_dir=None))


def test_an_edit_of_a_helper_changes_what_is_found_at_its_callers(root: Path, memories: list[Memory]) -> None:
    before = check(root)
    assert {finding.code for finding in before.findings} == {"ORM202", "ORM401"}
    edit(root / "store.py", "    session.commit()\n", "    print(1)\n")
    edit(root / "jobs.py", "def count(", "# one line more\ndef count(")
    after = check(root)
    assert {finding.code for finding in after.findings} == {"ORM401"}
    assert after.findings[0].at.line == before.findings[0].at.line + 1
    assert memories[-1].said == ""
    assert 0 < memories[-1].again < 4
    assert told(after) == told(from_nothing(root))


def test_an_edit_that_is_undone_is_found_as_before(root: Path, memories: list[Memory]) -> None:
    before = check(root)
    edit(root / "store.py", "    session.commit()\n", "    print(1)\n")
    check(root)
    edit(root / "store.py", "    print(1)\n", "    session.commit()\n")
    assert told(check(root)) == told(before)
    assert [memory.said for memory in memories] == ["", "", ""]


def test_what_is_read_without_being_run_is_analysed_anew(root: Path, memories: list[Memory]) -> None:
    check(root)
    edit(root / "models.py", 'relationship("Line")', 'relationship("Line", lazy="selectin")')
    after = check(root)
    assert memories[-1].said
    assert "ORM401" not in {finding.code for finding in after.findings}
    assert told(after) == told(from_nothing(root))


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("store.py", "from models import Order\n", "from models import Line, Order\n"),
        (
            "models.py",
            '    __tablename__ = "lines"\n',
            '    __tablename__ = "lines"\n    note = Column(Integer)\n',
        ),
        (
            "models.py",
            '    lines = relationship("Line")\n',
            '    lines = relationship("Line")\n\n    def total(self):\n        return len(self.lines)\n',
        ),
        ("store.py", "def save(session: Session):", "def save(session: Session, again: bool = False):"),
    ],
    ids=["import", "column", "method", "parameter"],
)
def test_what_nobody_names_yet_does_not_cost_a_run_of_everything(root: Path, memories: list[Memory], file: str, old: str, new: str) -> None:
    check(root)
    edit(root / file, old, new)
    after = check(root)
    assert memories[-1].said == ""
    assert told(after) == told(from_nothing(root))


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("jobs.py", "import store\n", "import models as store\n"),
        ("models.py", '    lines = relationship("Line")\n', '    lines = relationship("Line")\n    paid = Column(Integer)\n'),
        ("models.py", "    order_id = Column(", "    kind = Column(ForeignKey('orders.id'))\n    order_id = Column("),
    ],
    ids=["import", "column", "foreign key"],
)
def test_what_somebody_names_is_found_as_in_a_run_from_nothing(root: Path, memories: list[Memory], file: str, old: str, new: str) -> None:
    check(root)
    edit(root / file, old, new)
    after = check(root)
    assert memories[-1].said or memories[-1].again > 0
    assert told(after) == told(from_nothing(root))


def kept(root: Path) -> Path:
    (file,) = (root / ".ormlint_cache").glob("analysis-*")
    return file


@pytest.mark.parametrize("damage", ["cut", "changed", "foreign", "empty"])
def test_a_damaged_file_is_said_once_and_made_anew(root: Path, memories: list[Memory], damage: str) -> None:
    check(root)
    file = kept(root)
    whole = file.read_bytes()
    middle = len(whole) // 2
    changed = whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :]
    file.write_bytes({"cut": whole[:middle], "changed": changed, "foreign": b"PK\x03\x04", "empty": b""}[damage])
    edit(root / "store.py", "    session.commit()\n", "    print(1)\n")
    after = check(root)
    assert [warning for warning in after.warnings if "damaged" in warning]
    assert told(from_nothing(root))[0] == after.findings  # type: ignore[index]
    edit(root / "store.py", "    print(1)\n", "    session.commit()\n")
    assert check(root).warnings == ()
    assert memories[-1].said == ""


def test_bytes_that_are_no_analysis_are_said_once_and_made_anew(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check(root)
    real = kept_analyses.read
    monkeypatch.setattr(kept_analyses, "read", lambda asked: (b"\x93\x01\x02\x03", real(asked)[1]))
    edit(root / "store.py", "    session.commit()\n", "    print(1)\n")
    after = check(root)
    assert [warning for warning in after.warnings if "damaged" in warning]
    assert told(from_nothing(root))[0] == after.findings  # type: ignore[index]


def test_what_other_options_kept_is_not_taken(root: Path, memories: list[Memory]) -> None:
    check(root)
    edit(root / "store.py", "    session.commit()\n", "    print(1)\n")
    pipeline.check(root, Config(select=("ORM4",)))
    assert memories[-1].known is None


def test_a_file_that_comes_is_analysed_with_all_others(root: Path, memories: list[Memory]) -> None:
    check(root)
    (root / "more.py").write_text(JOBS)
    after = check(root)
    assert memories[-1].known is None
    assert told(after) == told(from_nothing(root))


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="nothing is read-only to root")
def test_a_folder_that_cannot_be_written_costs_time_only(root: Path) -> None:
    folder = root / ".ormlint_cache"
    folder.mkdir()
    folder.chmod(0o500)
    before = check(root)
    folder.chmod(0o700)
    assert before.findings == from_nothing(root).findings


def test_a_full_disk_costs_time_only(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    report = check(root)
    assert report.findings
    assert not list((root / ".ormlint_cache").glob("analysis-*"))
    assert not list((root / ".ormlint_cache").glob("temporary-*"))


def test_a_function_that_comes_and_is_named_nowhere_changes_nothing_else(root: Path, memories: list[Memory]) -> None:
    before = check(root)
    for name in ("store", "jobs"):
        with (root / f"{name}.py").open("a") as file:
            file.write("\n\ndef measured(session):\n    for at in range(3):\n        session.commit()\n")
    after = check(root)
    assert memories[-1].said == ""
    assert memories[-1].again == 2
    assert len(after.findings) >= len(before.findings)
    assert told(after) == told(from_nothing(root))


def test_a_function_that_comes_and_was_named_before_is_no_stranger(root: Path, memories: list[Memory]) -> None:
    edit(root / "jobs.py", "store.save(session)", "store.keep(session)")
    check(root)
    edit(root / "store.py", "def orders(", "def keep(session: Session):\n    session.commit()\n\n\ndef orders(")
    after = check(root)
    assert "keep" in memories[-1].said
    assert "ORM202" in {finding.code for finding in after.findings}
