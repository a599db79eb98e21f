"""Accepted findings: matched without line numbers, followed to another file, never taken for more than they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from ormlint.baseline import Entry, dump, entry, load, match
from ormlint.config import ConfigError
from ormlint.findings import Confidence, Finding, Location
from ormlint.fingerprints import Source, fingerprinted


def reader(files: Mapping[str, str]) -> Source:
    return lambda path: files.get(path, "").split("\n")


def found(files: Mapping[str, str], *places: tuple[str, int], code: str = "ORM201") -> list[Finding]:
    findings = [
        Finding(code, "commit-in-loop", Location(path, line, 1, line, 2), f"message {line}", Confidence.certain, (), f"app.{path}.run")
        for path, line in places
    ]
    return fingerprinted(findings, reader(files))


def new(
    before: Mapping[str, str], accepted: Sequence[tuple[str, int]], after: Mapping[str, str], now: Sequence[tuple[str, int]]
) -> list[int]:
    entries = [entry(item, reader(before)) for item in found(before, *accepted)]
    return [item.at.line for item in match(found(after, *now), entries, reader(after)).new]


def test_code_that_moves_keeps_its_fingerprint() -> None:
    before, after = {"a.py": "s.commit()"}, {"a.py": "\n# new\n\n    s.commit()  # now with a comment"}
    assert [item.fingerprint for item in found(before, ("a.py", 1))] == [item.fingerprint for item in found(after, ("a.py", 4))]
    assert new(before, [("a.py", 1)], after, [("a.py", 4)]) == []


def test_equal_lines_are_told_apart() -> None:
    files = {"a.py": "s.commit()\ns.commit()"}
    first, second = found(files, ("a.py", 1), ("a.py", 2))
    assert first.fingerprint != second.fingerprint
    assert len(first.fingerprint) == 16
    assert new(files, [("a.py", 1)], files, [("a.py", 1), ("a.py", 2)]) == [2]


def test_another_line_another_rule_another_symbol_is_new() -> None:
    before, after = {"a.py": "s.commit()"}, {"a.py": "s.commit()\nother.commit()"}
    assert new(before, [("a.py", 1)], after, [("a.py", 1), ("a.py", 2)]) == [2]
    entries = [entry(item, reader(before)) for item in found(before, ("a.py", 1))]
    assert len(match(found(before, ("a.py", 1), code="ORM208"), entries, reader(before)).new) == 1


def test_an_entry_follows_code_to_another_file_but_accepts_one_finding_only() -> None:
    before, after = {"a.py": "s.commit()"}, {"b.py": "s.commit()", "c.py": "s.commit()"}
    assert new(before, [("a.py", 1)], after, [("b.py", 1)]) == []
    assert len(new(before, [("a.py", 1)], after, [("b.py", 1), ("c.py", 1)])) == 1


def test_what_is_gone_is_known_and_what_moved_is_brought_up_to_date() -> None:
    before, after = {"a.py": "s.commit()\nt.commit()"}, {"b.py": "s.commit()"}
    entries = [entry(item, reader(before)) for item in found(before, ("a.py", 1), ("a.py", 2))]
    matched = match(found(after, ("b.py", 1)), entries, reader(after))
    assert [item.path for item in matched.kept] == ["b.py"]
    assert [item.message for item in matched.gone] == ["message 2"]


def test_a_file_is_read_as_it_was_written(tmp_path: Path) -> None:
    entries = (Entry("b.py", "ORM201", "f2", "t2", 'a "message"\x1b[31m'), Entry("a\udcff.py", "ORM201", "f1", "t1"))
    file = tmp_path / "baseline.json"
    file.write_text(dump(entries), encoding="utf-8")
    assert load(file) == tuple(sorted(entries))
    assert len(dump(entries).splitlines()) == 7
    file.write_text(dump(()), encoding="utf-8")
    assert load(file) == ()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", "is corrupt"),
        (b"\xff", "is corrupt"),
        (b"[]", "it has no version"),
        (b'{"version": 1}', "is corrupt"),
        (b'{"version": 1, "findings": [{"path": 3}]}', "is corrupt"),
        (b'{"version": 2, "findings": []}', "is of version 2, newer than this ormlint understands; upgrade ormlint"),
    ],
)
def test_a_bad_file_is_one_clear_line(tmp_path: Path, content: bytes, message: str) -> None:
    file = tmp_path / "b.json"
    file.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        load(file)
    assert message in str(caught.value)
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        load(tmp_path / "gone.json")
