# ruff: noqa: E501
"""Records of many files: the same for any number of processes, for a cold and a warm cache, and whatever a path turns out to be."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ormlint.facts import reading
from ormlint.facts.extract import extract
from ormlint.facts.reading import read_records
from ormlint.facts.records import Record

Files = list[tuple[str, Path]]
_work = reading._work


@pytest.fixture
def files(tmp_path: Path) -> Files:
    root = tmp_path / "project"
    root.mkdir()
    for number in range(30):
        (root / f"m{number:02}.py").write_text(f"def f{number}(a):\n    return a.b({number})\n" * (1 + number * 3))
    (root / "same_as_m03.py").write_bytes((root / "m03.py").read_bytes())
    (root / "empty.py").touch()
    (root / "broken.py").write_text("x = = 1\n")
    (root / "deep.py").write_text("x = " + "(" * 3000)
    return [(path.name, path) for path in sorted(root.glob("*.py"), reverse=True)]


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes pay for a few bytes, so that a small project uses them."""
    monkeypatch.setattr(reading, "WORTH_A_PROCESS", 1000)
    monkeypatch.setattr(reading, "_CHUNK", 2000)


def test_every_file_has_its_record_in_the_order_given(files: Files) -> None:
    records, warnings = read_records(files, cache_dir=None, jobs=1)
    assert warnings == ()
    assert list(records) == [name for name, _ in files]
    assert records == {name: extract(path.read_bytes()) for name, path in files}
    assert {name for name, record in records.items() if record.error} == {"broken.py", "deep.py"}


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_processes_give_the_same(files: Files, monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    used: list[str] = []

    def context() -> object:
        used.append(method)
        return multiprocessing.get_context(method)

    monkeypatch.setattr(reading, "_context", context)
    one, _ = read_records(files, cache_dir=None, jobs=1)
    three, _ = read_records(files, cache_dir=None, jobs=3)
    assert used == [method]
    assert list(three.items()) == list(one.items())


def test_warm_is_cold_and_parses_only_what_changed(files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "cache"
    cold, warnings = read_records(files, cache_dir=folder, jobs=1)
    assert warnings == ()
    parsed: list[int] = []
    parse = reading._parse

    def watched(sources: dict[str, bytes], jobs: int, pool: None) -> Iterator[tuple[str, bytes]]:
        parsed.append(len(sources))
        return parse(sources, jobs, pool)

    monkeypatch.setattr(reading, "_parse", watched)
    warm, warnings = read_records(files, cache_dir=folder, jobs=1)
    assert warnings == ()
    assert list(warm.items()) == list(cold.items())
    dict(files)["m07.py"].write_text("changed = 1\n")
    changed, _ = read_records(files, cache_dir=folder, jobs=1)
    assert changed["m07.py"] == extract(b"changed = 1\n")
    assert {**changed, "m07.py": None} == {**cold, "m07.py": None}
    assert parsed == [2, 3], "files with an error are read again, so that a newer parser may read them"


def test_a_damaged_cache_costs_a_warning_and_nothing_else(files: Files, tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    cold, _ = read_records(files, cache_dir=folder, jobs=1)
    (pack,) = folder.glob("*.pack")
    pack.write_bytes(pack.read_bytes()[:-100] + b"\0" * 100)
    again, warnings = read_records(files, cache_dir=folder, jobs=1)
    assert again == cold
    assert len(warnings) == 1
    assert read_records(files, cache_dir=folder, jobs=1) == (cold, ())


def test_what_is_no_readable_file_has_a_record_that_says_why(tmp_path: Path) -> None:
    (tmp_path / "folder.py").mkdir()
    (tmp_path / "good.py").write_text("x = 1\n")
    (tmp_path / "loop.py").symlink_to(tmp_path / "loop.py")
    os.mkfifo(tmp_path / "pipe.py")
    names = ["folder.py", "good.py", "loop.py", "pipe.py", "vanished.py"]
    records, warnings = read_records([(name, tmp_path / name) for name in names], cache_dir=tmp_path / "cache", jobs=2)
    assert warnings == ()
    assert list(records) == names
    assert {name: record.error for name, record in records.items()} == {
        "folder.py": "cannot be read: it is a directory",
        "good.py": None,
        "loop.py": "cannot be read: too many levels of symbolic links",
        "pipe.py": "cannot be read: it is no regular file",
        "vanished.py": "cannot be read: no such file or directory",
    }


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_has_a_record_that_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.py").touch(mode=0o000)
    records, _ = read_records([("a.py", tmp_path / "a.py")], cache_dir=None, jobs=1)
    assert records["a.py"].error == "cannot be read: permission denied"


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_FILE", 1 << 20)
    (tmp_path / "a.py").write_bytes(b"#" * ((1 << 20) + 1))
    records, _ = read_records([("a.py", tmp_path / "a.py")], cache_dir=None, jobs=1)
    assert records["a.py"].error == "cannot be read: it is larger than 1 MB"


def _end_on_m05(sources: list[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
    if any(b"def f5(" in source for _, source in sources):
        os._exit(11)
    return _work(sources)


@pytest.mark.usefixtures("eager")
def test_a_worker_that_dies_takes_only_its_file_with_it(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_work", _end_on_m05)
    whole, _ = read_records(files, cache_dir=None, jobs=1)
    records, warnings = read_records(files, cache_dir=None, jobs=2)
    assert warnings == ()
    assert records["m05.py"].error == "the parser ended its process on this file"
    assert {**records, "m05.py": None} == {**whole, "m05.py": None}


def _end(sources: list[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
    os._exit(11)


@pytest.mark.usefixtures("eager")
def test_where_no_worker_lives_the_work_is_done_here(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_work", _end)
    whole, _ = read_records(files, cache_dir=None, jobs=1)
    assert read_records(files, cache_dir=None, jobs=2) == (whole, ())


@pytest.mark.usefixtures("eager")
def test_without_processes_the_work_is_done_here(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError("no semaphores")

    monkeypatch.setattr(reading, "ProcessPoolExecutor", refuse)
    whole, _ = read_records(files, cache_dir=None, jobs=1)
    assert read_records(files, cache_dir=None, jobs=4) == (whole, ())


@pytest.mark.parametrize(("text", "needed"), [("x = 1\n", False), ("naïve = 1\n", True)])
def test_libcst_is_imported_only_for_what_the_quick_reader_leaves(files: Files, tmp_path: Path, text: str, needed: bool) -> None:
    (tmp_path / "more.py").write_text(text, encoding="utf-8")
    folder = tmp_path / "cache"
    good = [(name, path) for name, path in files if name not in ("broken.py", "deep.py")] + [("more.py", tmp_path / "more.py")]
    script = (
        "import sys\nfrom pathlib import Path\nfrom ormlint.facts.reading import read_records\nassert 'libcst' not in sys.modules\n"
        f"read_records({[(name, str(path)) for name, path in good]!r} and [(n, Path(p)) for n, p in {[(name, str(path)) for name, path in good]!r}],"
        f" cache_dir=Path({str(folder)!r}), jobs=1)\nprint('libcst' in sys.modules)\n"
    )
    cold, warm = (subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout for _ in range(2))
    assert (cold, warm) == (f"{needed}\n", "False\n")


def test_a_record_can_be_shown(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1\n")
    shown = subprocess.run([sys.executable, "-m", "ormlint.facts", str(tmp_path / "a.py")], capture_output=True, text=True, check=True)
    assert '"A"' in shown.stdout
    missing = subprocess.run([sys.executable, "-m", "ormlint.facts", str(tmp_path / "b.py")], capture_output=True, text=True, check=False)
    assert (missing.returncode, missing.stderr) == (2, f"{tmp_path / 'b.py'}: No such file or directory\n")


def test_no_files_give_no_records() -> None:
    assert read_records([], cache_dir=None, jobs=0) == ({}, ())
    assert isinstance(Record("", (0,)), Record)


def test_what_is_known_to_be_unchanged_is_not_read_again(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("a = 1\n")
    files, folder = [("a.py", tmp_path / "a.py")], tmp_path / "cache"
    first, _ = read_records(files, cache_dir=folder, jobs=1)
    known = {str(tmp_path / "a.py"): first["a.py"].digest}
    (tmp_path / "a.py").unlink()
    assert read_records(files, cache_dir=folder, jobs=1, unchanged=known) == (first, ())
    (gone,) = read_records(files, cache_dir=tmp_path / "empty", jobs=1, unchanged=known)[0].values()
    assert gone.error is not None


def test_a_record_tells_which_marks_its_file_contains(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("from sqlalchemy.orm import sessionmaker as make\n\nmake(expire_on_commit=False)\n")
    records, _ = read_records([("a.py", tmp_path / "a.py")], cache_dir=tmp_path / "cache", jobs=1)
    assert records["a.py"].words == ("expire_on_commit", "sessionmaker")
