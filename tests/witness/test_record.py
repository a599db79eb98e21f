"""The record's file: merged, cut off, of another project, of sources that have changed."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path

import msgspec
import pytest

from ormlint.witness.record import (
    Chain,
    File,
    Frame,
    Head,
    LoopFrame,
    Record,
    RecordError,
    Site,
    against_sources,
    merge,
    merge_parts,
    read_record,
    spans,
    write_record,
)

HEAD = Head(1, "shop", ("2.1.9",), "3.12.1", True)


def site(
    path: str = "app/a.py", line: int = 3, count: int = 2, most: int = 2, loop: str | None = "direct", tests: tuple[str, ...] = ()
) -> Site:
    chain = Chain((Frame(path, line, "f"), Frame("app/b.py", 9, "g")), count)
    return Site("lazy", path, line, line, "f", "Order", "lines", count, most, loop, (), (chain,), len(tests), tests)


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def test_what_is_written_is_read(tmp_path: Path) -> None:
    record = Record(HEAD, (File("app/a.py", "0" * 64, ((1, 3), (7, 7))),), (site(tests=("t1", "t2")),), ("a warning",))
    write_record(record, tmp_path / "deep" / "record.jsonl")
    assert read_record(tmp_path / "deep" / "record.jsonl") == record


def test_counts_add_up_and_maxima_stay() -> None:
    one = Record(HEAD, (File("app/a.py", "1", ((1, 3),)),), (site(count=2, most=2, loop="inside", tests=("t1", "t2")),))
    two = Record(HEAD, (File("app/a.py", "1", ((3, 5), (9, 9))),), (site(count=5, most=4, loop="call", tests=("t2", "t3")),))
    looped = msgspec.structs.replace(two.sites[0], loop_frames=(LoopFrame("app/b.py", 9, 4),))
    merged = merge([one, msgspec.structs.replace(two, sites=(looped,))])
    assert merged.files == (File("app/a.py", "1", ((1, 5), (9, 9))),)
    (both,) = merged.sites
    assert (both.count, both.max, both.loop, both.test_count, both.tests) == (7, 4, "inside", 3, ("t1", "t2", "t3"))
    assert both.loop_frames == (LoopFrame("app/b.py", 9, 4),)
    assert [chain.count for chain in both.chains] == [7]
    assert merged.warnings == ()


def test_order_of_merging_does_not_matter() -> None:
    records = [Record(HEAD, (), (site(line=line, count=count),)) for line in (3, 4) for count in (1, 2, 3)]
    assert merge(records) == merge(records[::-1])


def test_two_versions_in_one_tree_are_both_kept_and_told() -> None:
    old = msgspec.structs.replace(HEAD, sqlalchemy=("1.4.54",))
    merged = merge([Record(HEAD, (), (site(count=1),)), Record(old, (), (site(count=2),))])
    assert merged.head.sqlalchemy == ("2.1.9", "1.4.54")
    assert merged.sites[0].count == 3
    assert merged.warnings == ("the record holds runs on more than one SQLAlchemy (2.1.9, 1.4.54): their counts are added up",)


def test_a_file_that_changed_between_two_recordings_counts_as_it_is_last() -> None:
    before = Record(HEAD, (File("app/a.py", "1", ((1, 9),)), File("app/c.py", "1")), (site(), site("app/c.py")))
    after = Record(HEAD, (File("app/a.py", "2", ((1, 2),)),), (site(line=4, count=1),))
    merged = merge([before, after])
    assert [(one.path, one.line) for one in merged.sites] == [("app/a.py", 4), ("app/c.py", 3)]
    assert merged.files[0].ran == ((1, 2),)
    assert "app/a.py changed while it was recorded" in merged.warnings[0]


def test_a_record_that_is_cut_off_is_read_up_to_there(tmp_path: Path) -> None:
    path = tmp_path / "record.jsonl"
    write_record(Record(HEAD, (), tuple(site(line=line) for line in range(1, 11))), path)
    path.write_bytes(path.read_bytes()[:-40])
    record = read_record(path)
    assert len(record.sites) == 9
    assert record.warnings == (f"{path} is damaged or cut off at line 11: only what stands before it is used",)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\x00\xff\x00", "is not a witness record"),
        (b"[1, 2]\n", "is not a witness record"),
        (b'{"t":"site"}\n', "is not a witness record"),
        (b'{"t":"warning","text":"x"}\n', "is not a witness record"),
        (b'{"t":"head","version":99}\n', "has version 99 of the format, this ormlint reads version 1: record again"),
    ],
)
def test_a_file_that_is_no_record_says_so_in_one_line(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "record.jsonl"
    path.write_bytes(content)
    with pytest.raises(RecordError) as raised:
        read_record(path)
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_missing_record_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="make one with `pytest --ormlint-witness`"):
        read_record(tmp_path / "nothing.jsonl")
    with pytest.raises(RecordError, match="cannot read"):
        read_record(tmp_path)


def test_parts_are_merged_and_removed_and_a_broken_one_loses_only_itself(tmp_path: Path) -> None:
    parts = tmp_path / "parts"
    write_record(Record(HEAD, (), (site(count=1),)), parts / "1.jsonl")
    write_record(Record(HEAD, (), (site(count=2),)), parts / "2.jsonl")
    (parts / "3.jsonl").write_text("half of", encoding="utf-8")
    (parts / "4.jsonl.writing").write_text("half of", encoding="utf-8")
    target = tmp_path / "record.jsonl"
    record = merge_parts(parts, target)
    assert record.sites[0].count == 3
    assert "3.jsonl is not a witness record" in record.warnings[0]
    assert not parts.exists()
    assert read_record(target) == record


def test_a_record_that_cannot_be_appended_to_keeps_the_parts(tmp_path: Path) -> None:
    parts = tmp_path / "parts"
    write_record(Record(HEAD, (), (site(),)), parts / "1.jsonl")
    target = tmp_path / "record.jsonl"
    target.write_text("not mine", encoding="utf-8")
    with pytest.raises(RecordError):
        merge_parts(parts, target, append=True)
    assert target.read_text(encoding="utf-8") == "not mine"
    assert (parts / "1.jsonl").exists()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for path, text in {"src/app/a.py": "a = 1\n", "src/app/b.py": "b = 2\n"}.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(("made_in", "root"), [("", ""), ("src/", ""), ("", "src"), ("far/away/src/", "src"), ("src/", "src")])
def test_a_record_made_above_or_below_the_root_fits(made_in: str, root: str, project: Path) -> None:
    inside = "src/app" if made_in == "" else {"src/": "app", "far/away/src/": "far/away/src/app"}[made_in]
    files = (File(f"{inside}/a.py", digest("a = 1\n")), File(f"{inside}/b.py", digest("b = 2\n")))
    record = against_sources(Record(HEAD, files, (site(f"{inside}/a.py"),)), project / root)
    prefix = "src/app" if root == "" else "app"
    assert [file.path for file in record.files] == [f"{prefix}/a.py", f"{prefix}/b.py"]
    assert record.sites[0].path == f"{prefix}/a.py"
    assert record.stale == frozenset()
    assert record.warnings == ()


def test_files_that_changed_are_stale(project: Path) -> None:
    files = (File("src/app/a.py", digest("a = 0\n")), File("src/app/b.py", digest("b = 2\n")), File("src/app/gone.py", digest("")))
    record = against_sources(Record(HEAD, files), project)
    assert record.stale == {"src/app/a.py", "src/app/gone.py"}
    assert record.warnings == ("changed since the record was made, so that its lines there are not used: src/app/a.py, src/app/gone.py",)


def test_a_record_of_another_project_is_refused(project: Path) -> None:
    files = (File("other/x.py", digest("x")),)
    with pytest.raises(RecordError, match=r"of another project \(shop: other/x.py, …\): none of its files is below"):
        against_sources(Record(HEAD, files), project)


def test_a_large_record_is_read(tmp_path: Path) -> None:
    path = tmp_path / "record.jsonl"
    one = msgspec.json.encode(site(tests=tuple(f"tests/test_{number}.py::test" for number in range(20))))
    with path.open("wb") as file:
        file.write(msgspec.json.encode(HEAD) + b"\n")
        for number in range(20_000):
            file.write(one.replace(b'"line":3', b'"line":%d' % (number % 5_000 + 1)) + b"\n")
    started = time.process_time()
    record = read_record(path)
    assert len(record.sites) == 5_000
    assert sum(one.count for one in record.sites) == 40_000
    assert time.process_time() - started < 20


def test_lines_as_ranges() -> None:
    assert list(spans([5, 1, 2, 3, 9])) == [(1, 3), (5, 5), (9, 9)]
    assert list(spans([])) == []
