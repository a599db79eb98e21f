"""Both readers make the same record of every text that both accept: this project's files, its suites, and constructs chosen to be nasty."""

from __future__ import annotations

import ast
import re
import warnings
from pathlib import Path
from typing import Any

import pytest
from tricky import TRICKY

from benchmarks.readers import both, difference
from ormlint.facts.extract import extract
from ormlint.facts.quick import expressions
from ormlint.facts.records import Class, Record

ROOT = Path(__file__).parents[2]
NASTY = (Path(__file__).parent / "nasty.txt").read_text(encoding="utf-8").split("\n----\n")
OWN = sorted(path for folder in ("src", "tests", "benchmarks", "fixtures") for path in ROOT.glob(f"{folder}/**/*.py"))
SUITES = sorted(path for path in ROOT.glob("fixtures/**/*.md") if path.name != "README.md")
BLOCK = re.compile(r"^```python[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
NEWLINES = pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"], ids=["lf", "crlf", "cr"])
NEWER = {
    "alias": "type X = (int)\n",
    "alias with blanks": "type  X  =  list[Y]  # noqa\n",
    "alias in a class": "class A:\n    type B = 'x # noqa'\n    type C[T] = list[T]\n",
    "alias with parameters": "type Y[*Ts, **P, T: (int, str) = int,] = list[T] | None\n",
    "function": "@a\ndef f[T, *Ts](a: T, *b, c=(1)) -> T: pass\n",
    "function that starts with a star": "def f[T](* a, ** b): pass\n",
    "function with blanks": "async def f [ T : int , ] ( * a ): pass\n",
    "function over lines": "def f[\n    T,\n    U: Mapping[str, Any],\n](a): pass\n",
    "class": "class A[T: (int, str), **P] (B[T], (c), metaclass=(d)):\n    def f[U](self): pass\nclass C[T]: pass\n",
    "class over lines": "class A[\n    T: int\n](\n  B\n):\n    x = 1\n",
    "handler": "try:\n    x\nexcept A, B: y\nexcept A.b, C , d.e  : y\nexcept (A, B): y\n",
    "handler of groups": "try:\n    x\nexcept* A, B: y\n",
    "beside names": "type = 1; type [0]\ntype (x)\nx = (\n  type in [a]\n)\ntype X = type\n",
    "beside characters": "type X = Y['é']\nx = 'é', (a)\n",
}
"""What Python 3.11 does not accept, and the quick reader reads on every Python."""
LEFT = {
    "names that are not ASCII": "naïve = ñ.ü(ß=1)\n",
    "braces in a format specification": 'x = f"{a:{{}}}"\n',
    "deep code": "x = " + "[" * 130 + "]" * 130 + "\n",
    "many terms": "x = " + " + ".join(["a"] * 180) + "\n",
}
"""What Python accepts and the quick reader leaves to the lossless one."""


def agreed(source: str) -> Record:
    """The record of a source, after both readers have said the same; of one that the quick reader does not read, the other's."""
    found = both(source.encode())
    assert found is not None
    one, other = found
    if one is None:
        assert not accepted(source) or not source.isascii()
        return other
    assert difference(one, other) == ""
    assert one == other
    assert one.body == other.body
    return one


def accepted(source: str) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(source)
    except SyntaxError:
        return False
    return True


@pytest.mark.parametrize("path", OWN, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_own_code(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    assert agreed(source).error is None or not accepted(source)


@pytest.mark.parametrize("path", SUITES, ids=lambda path: path.stem)
def test_code_of_suites(path: Path) -> None:
    blocks = BLOCK.findall(path.read_text(encoding="utf-8"))
    assert blocks
    for block in blocks:
        agreed(block)


@NEWLINES
@pytest.mark.parametrize("name", TRICKY)
def test_tricky_code(name: str, newline: str) -> None:
    for source in (TRICKY[name], *(line + "\n" for line in TRICKY[name].split("\n") if accepted(line))):
        agreed(source.replace("\n", newline))


@NEWLINES
@pytest.mark.parametrize(
    "before", ["", "x = 'é' # noqa\n", "if a:\n\tx # ormlint: ignore\n\x0c", "\ufeff"], ids=["", "accent", "tab", "mark"]
)
def test_nasty_code(before: str, newline: str) -> None:
    for source in NASTY:
        record = agreed((before + source + "\n").replace("\n", newline))
        assert record.error is None
        assert record.lines[-1] >= len(before + source)
        agreed((before + source).replace("\n", newline))


def test_all_nasty_code_at_once() -> None:
    found = agreed("\n".join(source for source in NASTY if not source.startswith(("return", "yield"))))
    assert len(found.body) > len(NASTY) * 0.9


@pytest.mark.parametrize("newline", ["\n", "\r\n"], ids=["lf", "crlf"])
@pytest.mark.parametrize("name", NEWER)
def test_newer_code(name: str, newline: str) -> None:
    found = both(NEWER[name].replace("\n", newline).encode())
    assert found is not None
    assert found[0] is not None
    assert found[0].error is None
    assert found[0] == found[1]


@pytest.mark.parametrize(
    "code",
    [
        "x = '''\nclass A[T]: pass\n'''\ntype X = int\n",
        "type X = int\n'''\ntype Y = int\nexcept A, B:\n'''\n",
        "def f[T: 'x'](a): pass\ntry: x\nexcept A, f(x): y\n",
        "type = type; type X = int\nclass A[T: #\n int]: pass\n",
    ],
)
def test_newer_code_that_is_hard_to_tell_is_read_all_the_same(code: str) -> None:
    found = both(code.encode())
    assert found is not None
    assert extract(code.encode(), "") == found[1]
    assert found[1].error is None


@pytest.mark.parametrize(
    "code", ["def f[T: ](a): pass\n", "type X = \n", "type X = Y = 1\n", "class A[1]: pass\n", "try: x\nexcept A.., B: y\n"]
)
def test_newer_code_that_is_wrong_is_an_error(code: str) -> None:
    assert extract(code.encode()).error is not None


@pytest.mark.parametrize("name", LEFT)
def test_what_the_quick_reader_leaves_is_read_all_the_same(name: str) -> None:
    source = LEFT[name].encode()
    assert accepted(LEFT[name])
    found = both(source)
    assert found is not None
    assert found[0] is None
    assert extract(source, "").error is None
    assert extract(source, "") == found[1]


def test_a_node_that_the_quick_reader_does_not_know_is_read_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    source = b"async def f():\n    a\n    await b\n"
    expected = extract(source)
    monkeypatch.delitem(expressions.EXPRESSIONS, ast.Await)
    found = both(source)
    assert found is not None
    assert found[0] is None
    assert extract(source) == expected


def test_a_base_behind_a_keyword_stands_where_it_is_written() -> None:
    (found,) = extract(b"class A(b=c, *d): pass\n").body
    assert isinstance(found, Class)
    assert [(base.keyword, base.star, base.start) for base in found.bases] == [("b", 0, 8), (None, 1, 13)]


@pytest.mark.parametrize("shift", [(1, 0), (0, 1)])
def test_a_name_out_of_place_is_a_difference(monkeypatch: pytest.MonkeyPatch, shift: tuple[int, int]) -> None:
    name = expressions.EXPRESSIONS[ast.Name]

    def moved(at: Any, node: Any, depth: int) -> Any:
        found = name(at, node, depth)
        return type(found)(found.start + shift[0], found.end + shift[1], found.id)  # type: ignore[attr-defined, call-arg]

    monkeypatch.setitem(expressions.EXPRESSIONS, ast.Name, moved)
    found = both(b"x[1] = a.b(c)\n")
    assert found is not None
    assert difference(*found) != ""


HOSTILE = {
    "parentheses": "x = " + "(" * 3000 + "1" + ")" * 3000,
    "attributes": "x = a" + ".b" * 3000,
    "calls": "x = a" + "()" * 3000,
    "subscripts": "x = a" + "[0]" * 900,
    "sum": "x = " + " + ".join(["a"] * 3000),
    "shorter sum": "x = " + " + ".join(["a"] * 900),
    "powers": "x = " + " ** ".join(["a"] * 3000),
    "not": "x = " + "not " * 3000 + "a",
    "shorter not": "x = " + "not " * 240 + "a",
    "conditions": "x = " + "a if b else " * 240 + "c",
    "lambdas": "x = " + "lambda: " * 240 + "a",
    "elif": "if a: b\n" + "elif a: b\n" * 10_000,
    "shorter elif": "if a: b\n" + "elif a: b\n" * 150,
    "or": "x = " + " or ".join(["a"] * 3000),
    "comparisons": "x = " + " < ".join(["a"] * 900),
    "strings": "x = " + "'a' " * 3000,
    "f-strings": "x = " + "f'{a}' " * 3000,
    "nested f-strings": "x = " + "f'{" * 140 + "a" + "}'" * 140,
    "nested format specifications": "x = f'" + "{a:" * 140 + "}" * 140 + "'",
    "digits": "x = " + "9" * 5000,
    "blocks": "".join(" " * level + "if a:\n" for level in range(99)) + " " * 99 + "b",
    "functions": "".join(" " * level + "def f():\n" for level in range(99)) + " " * 99 + "b",
    "decorators": "@a\n" * 3000 + "def f(): pass",
    "targets": "a = " * 3000 + "b",
    "commas": "x = " + "a, " * 3000,
    "stars": "f(" + "*a, " * 3000 + ")",
    "open parameters": "def f[\n" * 20_000,
    "many parameters": "def f[T](a): pass\n" * 10_000 + "?",
    "many aliases": "type X[T] = Y\n" * 10_000 + "?",
    "open string": "x = f'{",
    "open field": "x = f'{a!'",
    "odd field": "x = f'{a)}'",
    "backslash at the end": "x = 1 \\",
    "invalid escapes": "x = '\\d \\w' f'\\d{a}\\w'",
    "literal is": "x is 'a'; 1()",
    "form feeds": "\x0c\x0cif a:\n\x0c  b\n\x0c",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_code_is_read_as_before(name: str) -> None:
    source = HOSTILE[name].encode()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        record = extract(source, "")
    found = both(source)
    if found is None:
        assert record.error is not None
    elif found[1].error is None:
        assert record == found[1]
    else:
        assert record == found[1] or (record.error is None and accepted(HOSTILE[name]))
