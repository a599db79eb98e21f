"""Whatever the bytes, the extractor gives a record; what cannot be read has one clear line."""

from __future__ import annotations

import random
import time
from pathlib import Path

import libcst as cst
import pytest

from ormlint.facts import lossless, nesting
from ormlint.facts.decoding import line_starts
from ormlint.facts.expressions import EXPRESSIONS, MAX_DEPTH
from ormlint.facts.extract import extract

BAD = {
    "syntax": (b"x = 1\ny = = 2\n", "syntax error in `y = = 2`", 2),
    "python 2": (b"\nprint 'a'\n", "syntax error", 2),
    "unterminated string": (b"x = 'a\n", "syntax error: unterminated string literal", 1),
    "null byte": (b"x = 1\ny = '\0'\n", "null byte", 2),
    "utf-16": ("x = 1\n".encode("utf-16"), "null byte", 1),
    "undecodable": (b"x = 1\n\ny = '\xff'\n", "byte 0xff is not utf-8", 3),
    "undecodable as declared": (b"# coding: ascii\nx = '\xc3'\n", "byte 0xc3 is not ascii", 2),
    "unknown cookie": (b"#!/x\n# -*- coding: nonsense -*-\n", "unknown encoding 'nonsense'", 2),
    "cookie that is no text encoding": (b"# coding: rot13\nx\n", "not a text encoding", 1),
    "cookie against mark": (b"\xef\xbb\xbf# coding: latin-1\n", "byte order mark", 1),
    "parentheses": (b"x = 1\ny = " + b"(" * 2000 + b"1" + b")" * 2000 + b"\n", "brackets are nested deeper than 200", 2),
    "lists over lines": (b"x = " + b"[\n" * 2000 + b"]\n" * 2000, "brackets are nested deeper than 200", 201),
    "unclosed": (b"x = " + b"{[(" * 1000, "brackets are nested deeper than 200", 1),
    "sum": (b"x = " + b" + ".join([b"a"] * 10_000) + b"\n", "more than 1,000 operations", 1),
    "sum over lines": (b"x = (\n" + b" +\n".join([b"a"] * 10_000) + b")\n", "more than 1,000 operations", 1002),
    "shorter sum": (b"x = " + b" + ".join([b"a"] * 500) + b"\n", "nested too deep", 1),
    "calls": (b"x = a" + b".b(c, d)" * 5000 + b"\n", "more than 1,000 operations", 1),
    "bare calls": (b"x = a" + b"()" * 3000 + b"\n", "more than 1,000 operations", 1),
    "minus": (b"x = " + b"-" * 100_000 + b"a\n", "more than 1,000 operations", 1),
    "not": (b"x = " + b"not " * 10_000 + b"a\n", "more than 1,000 operations", 1),
    "lambda": (b"x = " + b"lambda: " * 10_000 + b"a\n", "more than 1,000 operations", 1),
    "else": (b"x = " + b"a if b else " * 10_000 + b"c\n", "more than 1,000 operations", 1),
    "elif": (b"if a: b\n" + b"elif a: b\n" * 2000, "nested too deep", 1),
    "indentation": (b"".join(b" " * i + b"if a:\n" for i in range(1000)) + b" " * 1000 + b"b\n", "too many indentation levels", 1),
    "table of 5 MB": (b"X = {\n" + b"    'key': [1, 'a/b', -1.5, 'c'],\n" * 150_000 + b"}\n", "too large", 1),
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_read_says_why_and_where(name: str) -> None:
    source, reason, line = BAD[name]
    started = time.monotonic()
    record = extract(source)
    assert record.error is not None
    assert reason in record.error
    assert "\n" not in record.error
    assert record.error_line >= line if name == "elif" else record.error_line == line
    assert record.body == ()
    assert time.monotonic() - started < 20


GOOD = {
    "empty": b"",
    "only a mark": b"\xef\xbb\xbf",
    "only comments": b"# a\n\n  # b",
    "blank lines": b"\n\r\n\x0c\n",
    "latin-1": b"# coding: latin-1\nx = '\xe9'\n",
    "mark and cookie": b"\xef\xbb\xbf# coding: utf-8\nx = '\xc3\xa9'\n",
    "150 parentheses": b"x = " + b"(" * 150 + b"1" + b")" * 150 + b"\n",
    "indented 90 levels": b"".join(b" " * i + b"if a:\n" for i in range(90)) + b" " * 90 + b"b\n",
    "180 terms": b"x = " + b" + ".join([b"a"] * 180) + b"\n",
    "5,000 alternatives": b"x = " + b" or ".join([b"a.b == 1"] * 5000) + b"\n",
    "string of 5 MB": b"x = '" + b"a+/(" * 1_250_000 + b"'\n",
    "rule of dashes": b"# " + b"-" * 5000 + b"\n'''\n" + b"(" * 5000 + b"\n'''\nx = 1\n",
    "unbalanced brackets in strings": b"x = [" + b"'(', ')', '[', " * 500 + b"]\n",
}


@pytest.mark.parametrize("name", GOOD)
def test_what_is_large_or_odd_but_sound_is_read(name: str) -> None:
    assert extract(GOOD[name]).error is None


def test_the_latin_text_is_decoded_as_declared() -> None:
    (statement,) = extract(GOOD["latin-1"]).body
    assert statement.value.value == "é"  # type: ignore[union-attr]


def test_a_caller_deep_in_the_stack_gets_the_same() -> None:
    source = b"x = " + b" + ".join([b"a"] * (MAX_DEPTH - 5)) + b"\n"
    shallow = extract(source)

    def dive(depth: int) -> object:
        return dive(depth - 1) if depth else extract(source)

    assert shallow.error is None
    assert dive(700) == shallow


def test_a_stack_that_cannot_be_had_is_done_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nesting, "_STACK_SIZES", ())
    assert extract(b"x = 1\n").error is None


def test_code_that_this_version_does_not_know_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(EXPRESSIONS, cst.Await)
    text = "async def f():\n    a\n    await b\n"
    record = lossless.read(text, "", line_starts(text))
    assert record.error is not None
    assert "Await" in record.error
    assert (record.error_line, record.body) == (2, ())


def test_damaged_source_never_raises() -> None:
    """Own sources, cut, doubled and with characters replaced at random; the seed is fixed, so a failure comes again."""
    chance = random.Random(20261120)
    sources = [path.read_bytes() for path in sorted(Path(__file__).parent.glob("*.py"))]
    read = 0
    for _ in range(150):
        source = bytearray(chance.choice(sources)[:6000])
        for _ in range(chance.randrange(1, 4)):
            at = chance.randrange(len(source))
            source[at : at + chance.randrange(3)] = chance.choice(
                [b"", b"(", b"'", b"\\", b"\xff", b"\n", b"\r", b"{", b"#", b"\t", b":", b"\x0c"]
            )
        record = extract(bytes(source))
        assert record.error is None or (record.body == () and "\n" not in record.error)
        assert 1 <= record.error_line <= source.count(b"\n") + source.count(b"\r") + 1
        read += record.error is None
    assert read > 5
