"""The cache survives what processes, disks and people do to it, and never costs a run."""

from __future__ import annotations

import errno
import multiprocessing
import os
import signal
import time
from pathlib import Path

import pytest

from ormlint.facts import cache as cached
from ormlint.facts.cache import Cache, encode, load, open_cache, store
from ormlint.facts.extract import extract
from ormlint.facts.records import Record

RECORDS = {record.digest: record for record in (extract(f"x = {number}\n".encode()) for number in range(20))}
BLOBS = {digest: encode(record) for digest, record in RECORDS.items()}


def opened(folder: Path) -> Cache:
    found, warnings = open_cache(folder)
    assert warnings == ()
    return found


def packs(folder: Path) -> list[Path]:
    return sorted(folder.glob("facts-*.pack"))


def filled(folder: Path) -> Cache:
    assert store(opened(folder), BLOBS, BLOBS) == ()
    return opened(folder)


def test_what_is_stored_is_loaded(tmp_path: Path) -> None:
    found = filled(tmp_path / "c")
    assert found.digests == RECORDS.keys()
    assert load(found, RECORDS) == (RECORDS, ())
    one = next(iter(RECORDS))
    assert load(found, [one, "unknown"]) == ({one: RECORDS[one]}, ())


def test_the_folder_marks_itself_as_a_cache(tmp_path: Path) -> None:
    filled(tmp_path / "c")
    assert (tmp_path / "c" / ".gitignore").read_text() == "*\n"
    assert (tmp_path / "c" / "CACHEDIR.TAG").read_text().startswith("Signature: 8a477f597d28d172789f06886806bc55\n")


def test_a_folder_that_is_missing_is_empty_and_not_made(tmp_path: Path) -> None:
    assert opened(tmp_path / "c").digests == frozenset()
    assert store(opened(tmp_path / "c"), {}, ()) == ()
    assert not (tmp_path / "c").exists()


@pytest.mark.parametrize("damage", ["empty", "cut", "foreign", "index", "record", "longer index"])
def test_a_damaged_pack_is_said_once_removed_and_rebuilt(tmp_path: Path, damage: str) -> None:
    filled(tmp_path)
    (pack,) = packs(tmp_path)
    data = bytearray(pack.read_bytes())
    if damage == "empty":
        data.clear()
    elif damage == "cut":
        del data[-5:]
    elif damage == "foreign":
        data[:] = b"SQLite format 3\0" * 40
    elif damage == "index":
        data[40] ^= 1
    elif damage == "record":
        data[-3] ^= 1
    else:
        data[14:22] = b"\xff" * 8
    pack.write_bytes(data)
    found, warnings = open_cache(tmp_path)
    loaded, more = load(found, RECORDS)
    (said,) = warnings + more
    assert "damaged" in said
    assert "\n" not in said
    assert all(RECORDS[digest] == record for digest, record in loaded.items())
    assert packs(tmp_path) == []
    assert load(filled(tmp_path), RECORDS) == (RECORDS, ())


def test_a_record_of_another_source_is_damage(tmp_path: Path) -> None:
    one, other = list(RECORDS)[:2]
    store(opened(tmp_path), {one: BLOBS[other]}, ())
    loaded, warnings = load(opened(tmp_path), [one])
    assert loaded == {}
    assert len(warnings) == 1


def test_bytes_that_are_no_record_are_damage(tmp_path: Path) -> None:
    store(opened(tmp_path), {"d": b"\x93\x01\x02\x03"}, ())
    loaded, warnings = load(opened(tmp_path), ["d"])
    assert loaded == {}
    assert len(warnings) == 1


def test_other_files_in_the_folder_are_left_alone(tmp_path: Path) -> None:
    filled(tmp_path)
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "facts-0-old.pack").write_text("other version")
    store(opened(tmp_path), {"d": b"x"}, ())
    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert (tmp_path / "facts-0-old.pack").exists()
    assert opened(tmp_path).digests == {*RECORDS, "d"}


def test_what_is_stale_is_removed(tmp_path: Path) -> None:
    filled(tmp_path)
    for name, age in (("temporary-a", 7200), ("temporary-b", 60), ("facts-0-a.pack", 30 * 86400), ("facts-0-b.pack", 86400)):
        (tmp_path / name).write_text("x")
        os.utime(tmp_path / name, (time.time() - age,) * 2)
    store(opened(tmp_path), {"d": b"x"}, ())
    left = {path.name for path in tmp_path.iterdir()}
    assert {"temporary-b", "facts-0-b.pack"} <= left
    assert not {"temporary-a", "facts-0-a.pack"} & left


def test_many_packs_become_one(tmp_path: Path) -> None:
    for digest, blob in BLOBS.items():
        store(opened(tmp_path), {digest: blob}, [digest])
    assert len(packs(tmp_path)) <= cached.MAX_PACKS
    assert load(opened(tmp_path), RECORDS) == (RECORDS, ())


def test_the_oldest_go_when_space_is_short_and_what_is_used_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, *rest = RECORDS
    store(opened(tmp_path), {first: BLOBS[first]}, [first])
    for digest in rest:
        store(opened(tmp_path), {digest: BLOBS[digest]}, [])
    monkeypatch.setattr(cached, "MAX_BYTES", 1500)
    store(opened(tmp_path), {"d": b"x" * 100}, [first])
    left = opened(tmp_path)
    assert sum(pack.size for pack in left.packs) <= 1500
    assert first in left.digests
    assert not RECORDS.keys() <= left.digests


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="permissions do not bind here")
def test_a_read_only_folder_costs_one_warning(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        (said,) = store(opened(tmp_path / "c"), BLOBS, BLOBS)
    finally:
        tmp_path.chmod(0o700)
    assert "cannot be written" in said


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_a_disk_that_takes_nothing_costs_one_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    found = opened(tmp_path)

    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(cached.os, "replace", refuse)
    (said,) = store(found, BLOBS, BLOBS)
    assert os.strerror(number) in said
    assert not list(tmp_path.glob("temporary-*"))


def test_a_file_in_the_place_of_the_folder_costs_one_warning_each(tmp_path: Path) -> None:
    (tmp_path / "c").write_text("mine")
    found, warnings = open_cache(tmp_path / "c")
    assert found.digests == frozenset()
    assert len(warnings) == 1
    (said,) = store(found, BLOBS, BLOBS)
    assert "cannot be written" in said
    assert (tmp_path / "c").read_text() == "mine"


def test_a_pack_that_vanishes_is_only_missing(tmp_path: Path) -> None:
    found = filled(tmp_path)
    packs(tmp_path)[0].unlink()
    assert load(found, RECORDS) == ({}, ())


def _write_for_ever(folder: str) -> None:
    while True:
        for digest, blob in BLOBS.items():
            store(open_cache(Path(folder))[0], {digest: blob}, [digest])


def test_processes_that_write_and_are_killed_leave_nothing_damaged(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_write_for_ever, args=(str(tmp_path),), daemon=True) for _ in range(3)]
    for writer in writers:
        writer.start()
    deadline = time.monotonic() + 30
    while not packs(tmp_path) and time.monotonic() < deadline:
        time.sleep(0.05)
    seen: set[str] = set()
    until = time.monotonic() + 1.5
    while time.monotonic() < until:
        found, warnings = open_cache(tmp_path)
        loaded, more = load(found, RECORDS)
        assert warnings + more == ()
        assert all(RECORDS[digest] == record for digest, record in loaded.items())
        seen |= loaded.keys()
    for writer in writers:
        os.kill(writer.pid or 0, signal.SIGKILL)
        writer.join()
    assert seen == RECORDS.keys()
    loaded, warnings = load(opened(tmp_path), RECORDS)
    assert warnings == ()
    assert loaded


def test_a_record_with_an_error_can_be_told(tmp_path: Path) -> None:
    record = Record("d", (0,), error="why", error_line=3)
    store(opened(tmp_path), {"d": encode(record)}, ["d"])
    assert load(opened(tmp_path), ["d"]) == ({"d": record}, ())
