"""Kept results: the same answer while nothing has changed, a new one as soon as anything has; trouble costs the result, never the run."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from ormlint import pipeline, results
from ormlint.config import Config
from ormlint.findings import Report

CODE = """
from sqlalchemy import Column, Integer
from sqlalchemy.orm import Session, declarative_base

Base = declarative_base()


class Order(Base):
    __tablename__ = "orders"
    id = Column(Integer, primary_key=True)


def save(session: Session):
    for row in session.query(Order).all():
        row.paid = True
        session.commit()
"""
OLD = 10**18


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "pyproject.toml").write_text("[project]\nname = 'shop'\n")
    (folder / "shop.py").write_text(CODE)
    return folder


@pytest.fixture
def analysed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """How often the project was really analysed."""
    runs: list[str] = []
    real = pipeline.judged

    def counted(*arguments: object) -> object:
        runs.append("run")
        return real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(pipeline, "judged", counted)
    return runs


def check(root: Path, config: Config | None = None) -> Report:
    report = pipeline.check(root, config or Config())
    return msgspec.structs.replace(report, summary=msgspec.structs.replace(report.summary, duration_s=0.0))


def kept(root: Path) -> Path:
    (file,) = (root / ".ormlint_cache").glob(f"{results.PREFIX}*")
    return file


def test_what_has_not_changed_is_not_analysed_again(root: Path, analysed: list[str]) -> None:
    assert check(root) == check(root) == check(root)
    assert [finding.code for finding in check(root).findings] == ["ORM201"]
    assert len(analysed) == 1


@pytest.mark.parametrize(
    "change",
    [
        lambda root: (root / "shop.py").write_text(CODE.replace("paid", "sent")),
        lambda root: (root / "more.py").write_text("x = 1\n"),
        lambda root: (root / "shop.py").rename(root / "store.py"),
        lambda root: (root / "requirements.txt").write_text("fastapi==0.165\n"),
        lambda root: (root / "pyproject.toml").write_text("[project]\nname = 'store'\n"),
        lambda root: (root / "shop.py").unlink() or (root / "other.py").write_text(CODE),
    ],
)
def test_a_change_is_seen(root: Path, analysed: list[str], change: Callable[[Path], object]) -> None:
    check(root)
    change(root)
    check(root)
    assert len(analysed) == 2


def test_a_change_that_keeps_size_and_times_is_seen(root: Path, analysed: list[str]) -> None:
    file = root / "shop.py"
    os.utime(file, ns=(OLD, OLD))
    check(root)
    file.write_text(CODE.replace("commit", "rollbk"))
    os.utime(file, ns=(OLD, OLD))
    assert not check(root).findings
    assert len(analysed) == 2


def test_a_change_within_the_same_tick_is_seen(root: Path, analysed: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A file system may give two changes the same times: whatever was changed just before the look is compared by content."""
    real = results.stamp_of

    def coarse(path: str) -> results.Stamp | None:
        stamp = real(path)
        return None if stamp is None else msgspec.structs.replace(stamp, inode=0, changed=0, modified=0)

    monkeypatch.setattr(results, "stamp_of", coarse)
    monkeypatch.setattr(results, "clock", lambda folder: results.MARGIN - 1)
    check(root)
    (root / "shop.py").write_text(CODE.replace("commit", "rollbk"))
    assert not check(root).findings
    assert len(analysed) == 2


def test_touching_files_costs_no_analysis(root: Path, analysed: list[str]) -> None:
    first = check(root)
    os.utime(root / "shop.py", ns=(OLD, OLD))
    assert check(root) == first
    assert len(analysed) == 1


def test_options_have_results_of_their_own(root: Path, analysed: list[str]) -> None:
    check(root)
    assert not check(root, Config(ignore=("ORM201",))).findings
    assert check(root).findings
    assert len(analysed) == 2


def test_without_a_cache_nothing_is_kept(root: Path, analysed: list[str]) -> None:
    check(root, Config(cache_dir=None))
    check(root, Config(cache_dir=None))
    assert len(analysed) == 2
    assert not (root / ".ormlint_cache").exists()


@pytest.mark.parametrize("content", [b"", b"nonsense", results.MAGIC + b"\0\0\0\0short"])
def test_a_damaged_result_is_made_anew_and_said_once(root: Path, analysed: list[str], content: bytes) -> None:
    first = check(root)
    kept(root).write_bytes(content)
    again = check(root)
    assert again.findings == first.findings
    assert len([line for line in again.warnings if "damaged" in line]) == 1
    assert not check(root).warnings
    assert len(analysed) == 2


def test_every_damaged_byte_is_noticed(root: Path) -> None:
    first = check(root)
    data = kept(root).read_bytes()
    for at in range(0, len(data), 97):
        kept(root).write_bytes(data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :])
        assert check(root).findings == first.findings


def test_a_folder_that_cannot_be_written_costs_only_time(root: Path, analysed: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(results.os, "replace", full)
    first = check(root)
    assert check(root).findings == first.findings
    assert len(analysed) == 2
    assert not list((root / ".ormlint_cache").glob("temporary-*"))


def test_many_at_once_agree(root: Path) -> None:
    expected = check(root, Config(cache_dir=None))
    seen: list[Report] = []
    threads = [threading.Thread(target=lambda: seen.append(check(root))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [report.findings for report in seen] == [expected.findings] * 6


def test_only_some_results_stay(root: Path) -> None:
    for number in range(results.KEPT + 3):
        check(root, Config(exclude=(f"none{number}",)))
    assert len(list((root / ".ormlint_cache").glob(f"{results.PREFIX}*"))) == results.KEPT
