# ruff: noqa: E501
"""What the extractor says of each construct, beyond where it stands."""

from __future__ import annotations

import hashlib
from typing import Any

import libcst as cst
import msgspec
import pytest

from ormlint.facts.extract import extract
from ormlint.facts.records import (
    Assign,
    Class,
    Const,
    ExprStmt,
    FString,
    Function,
    If,
    Import,
    Name,
    Record,
    Try,
)  # fmt: skip


def form(node: Any) -> Any:
    """A record as plain data without spans, so that it can be compared with what a test writes down."""
    if isinstance(node, msgspec.Struct):
        fields = [form(getattr(node, name)) for name in node.__struct_fields__ if name not in ("start", "end", "name_start")]
        return (type(node).__name__, *fields)
    if isinstance(node, tuple):
        return [form(item) for item in node]
    return node


def body(source: str) -> tuple[Any, ...]:
    record = extract(source.encode())
    assert record.error is None
    return record.body


def expression(source: str) -> Any:
    (statement,) = body(f"_ = {source}\n")
    assert isinstance(statement, Assign)
    return statement.value


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a", ("Name", "a")),
        ("True", ("Const", True, "bool")),
        ("None", ("Const", None, "none")),
        ("...", ("Const", None, "other")),
        ("0x_ff", ("Const", 255, "int")),
        ("9223372036854775807", ("Const", 9223372036854775807, "int")),
        ("9223372036854775808", ("Const", None, "int")),
        ("1e3", ("Const", 1000.0, "float")),
        ("1j", ("Const", None, "other")),
        ("b'a'", ("Const", None, "other")),
        ("b'a' b'b'", ("Const", None, "other")),
        ("'a'", ("Const", "a", "str")),
        ("''", ("Const", "", "str")),
        ('""""""', ("Const", "", "str")),
        ("'''a\nb'''", ("Const", "a\nb", "str")),
        (r"'\n\x41\u00e9\N{BULLET}\101\'\d'", ("Const", "\nA\u00e9\u2022A'\\d", "str")),
        (r"r'\n'", ("Const", "\\n", "str")),
        (r"'\ud800'", ("Const", "\ufffd", "str")),
        ("'a' r'b' '''c'''", ("Const", "abc", "str")),
        ("f'a{b}{{c}}{d!r:>{w}}'", ("FString", "a{}{c}{}{}", [("Name", "b"), ("Name", "d"), ("Name", "w")])),
        ("'a{' f'b{c}'", ("FString", "a{b{}", [("Name", "c")])),
        ("a.b", ("Attr", ("Name", "a"), "b")),
        ("a[1, 2]", ("Sub", ("Name", "a"), ("Seq", "tuple", [("Const", 1, "int"), ("Const", 2, "int")]))),
        ("a[1,]", ("Sub", ("Name", "a"), ("Seq", "tuple", [("Const", 1, "int")]))),
        ("a[1:]", ("Sub", ("Name", "a"), ("Slice", ("Const", 1, "int"), None, None))),
        (
            "f(a, *b, c=d, **e)",
            ("Call", ("Name", "f"), [
                ("Arg", ("Name", "a"), None, 0), ("Arg", ("Name", "b"), None, 1), ("Arg", ("Name", "d"), "c", 0), ("Arg", ("Name", "e"), None, 2),
            ]),
        ),
        ("[a, *b]", ("Seq", "list", [("Name", "a"), ("Star", ("Name", "b"))])),
        ("{a}", ("Seq", "set", [("Name", "a")])),
        ("{a: b, **c}", ("Dict", [("Name", "a"), None], [("Name", "b"), ("Name", "c")])),
        ("a // b", ("BinOp", "//", ("Name", "a"), ("Name", "b"))),
        ("a and b and c", ("BoolOp", "and", [("Name", "a"), ("Name", "b"), ("Name", "c")])),
        ("a or b and c", ("BoolOp", "or", [("Name", "a"), ("BoolOp", "and", [("Name", "b"), ("Name", "c")])])),
        ("a  not   in b is not c", ("Compare", ("Name", "a"), ["not in", "is not"], [("Name", "b"), ("Name", "c")])),
        ("not a", ("Unary", "not", ("Name", "a"))),
        ("a if b else c", ("IfExp", ("Name", "b"), ("Name", "a"), ("Name", "c"))),
        (
            "[a for b in c if d if e async for f in g]",
            ("Comp", "list", ("Name", "a"), None, [
                ("Generator", ("Name", "b"), ("Name", "c"), [("Name", "d"), ("Name", "e")], False),
                ("Generator", ("Name", "f"), ("Name", "g"), [], True),
            ]),
        ),
        ("{a: b for c in d}", ("Comp", "dict", ("Name", "a"), ("Name", "b"), [("Generator", ("Name", "c"), ("Name", "d"), [], False)])),
        (
            "lambda a, /, b=1, *c, d, **e: a",
            ("Lambda", [
                ("Param", "a", "pos-only", None, None), ("Param", "b", "pos", None, ("Const", 1, "int")), ("Param", "c", "*", None, None),
                ("Param", "d", "kw-only", None, None), ("Param", "e", "**", None, None),
            ], ("Name", "a")),
        ),
        ("(a := b)", ("Walrus", ("Name", "a"), ("Name", "b"))),
    ],
)  # fmt: skip
def test_expressions(source: str, expected: Any) -> None:
    assert form(expression(source)) == expected


def test_a_span_is_the_text_of_the_node_without_its_parentheses() -> None:
    source = "x = ( a.b ) . c\n"
    record = extract(source.encode())
    (statement,) = record.body
    assert isinstance(statement, Assign)
    value = statement.value
    assert source[value.start : value.end] == "( a.b ) . c"
    assert source[value.value.start : value.value.end] == "a.b"  # type: ignore[union-attr]
    assert record.position(value.value.start) == (1, 7)  # type: ignore[union-attr]


def test_lines_end_as_python_ends_them() -> None:
    record = extract(b"a\r\nb\rc\n\x0cd\n")
    assert record.lines == (0, 3, 5, 7, 10)
    assert record.position(8) == (4, 2)


def test_the_digest_is_that_of_the_bytes() -> None:
    assert extract(b"a\n").digest == hashlib.sha256(b"a\n").hexdigest()
    assert extract(b"a\n", "given").digest == "given"


def test_strings_that_stand_alone_are_dropped() -> None:
    found = body("'module'\nx\n'a' 'b'\nf'{y}'\nb'z'\n")
    assert [form(item)[1][0] for item in found] == ["Name", "FString", "Const"]
    assert all(isinstance(item, ExprStmt) for item in found)
    assert isinstance(found[1].value, FString)


@pytest.mark.parametrize(
    ("source", "docstring"),
    [
        ("def f():\n    'a'\n", True),
        ("def f(): 'a' 'b'; return\n", True),
        ("def f():\n    f'a'\n", False),
        ("def f():\n    b'a'\n", False),
        ("def f():\n    pass\n    'a'\n", False),
        ("def f(): return 'a'\n", False),
    ],
)
def test_docstrings(source: str, docstring: bool) -> None:
    (found,) = body(source)
    assert isinstance(found, Function)
    assert found.docstring is docstring


@pytest.mark.parametrize(
    ("source", "generates"),
    [
        ("def f():\n    yield\n", True),
        ("def f():\n    if a:\n        x = [(yield)]\n", True),
        ("def f():\n    yield from g()\n", True),
        ("def f():\n    def g():\n        yield\n", False),
        ("def f():\n    lambda: (yield)\n", False),
        ("def f():\n    def g():\n        yield\n    yield\n", True),
        ("async def f():\n    await g()\n", False),
    ],
)
def test_a_generator_has_a_yield_of_its_own(source: str, generates: bool) -> None:
    (found,) = body(source)
    assert isinstance(found, Function)
    assert found.is_generator is generates


def imports(statements: tuple[Any, ...]) -> dict[str, bool]:
    found: dict[str, bool] = {}
    for statement in statements:
        if isinstance(statement, Import):
            found[statement.names[0].name] = statement.type_checking
        for field in ("body", "orelse"):
            found |= imports(getattr(statement, field, ()))
    return found


def test_imports_know_whether_they_are_for_type_checkers() -> None:
    source = """
from typing import TYPE_CHECKING
import typing as t
from typing_extensions import TYPE_CHECKING as TC
if TYPE_CHECKING:
    import yes1
    if other:
        import yes2
elif other:
    import no1
else:
    import no2
if t.TYPE_CHECKING:
    import yes3
if TC and other:
    def f():
        import yes4
if not TYPE_CHECKING:
    import no3
else:
    import yes5
if a or TYPE_CHECKING:
    import no4
import no5
"""
    found = imports(body(source))
    assert {name: name.startswith("yes") for name in found if name[:2] in ("ye", "no")} == {
        name: checked for name, checked in found.items() if name[:2] in ("ye", "no")
    }
    assert sum(found.values()) == 5


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import a.b as c, d", ("Import", None, 0, [("ImportName", "a.b", "c"), ("ImportName", "d", None)], False, False)),
        ("from ..a . b import (c as d,)", ("Import", "a.b", 2, [("ImportName", "c", "d")], True, False)),
        ("from . import *", ("Import", None, 1, [("ImportName", "*", None)], True, False)),
        ("a.b += c", ("AugAssign", ("Attr", ("Name", "a"), "b"), "+", ("Name", "c"))),
        ("a: b", ("AnnAssign", ("Name", "a"), ("Name", "b"), None)),
        ("a = b = c", ("Assign", [("Name", "a"), ("Name", "b")], ("Name", "c"))),
        ("del a, b", ("Delete", [("Name", "a"), ("Name", "b")])),
        ("raise a from b", ("Raise", ("Name", "a"), ("Name", "b"))),
        ("global a, b", ("Global", ["a", "b"], False)),
        ("nonlocal a", ("Global", ["a"], True)),
        ("type X[T] = a", ("TypeAlias", "X", ("Name", "a"))),
        ("async with a as b, c: pass", ("With", [("WithItem", ("Name", "a"), ("Name", "b")), ("WithItem", ("Name", "c"), None)], [("Pass",)], True)),
        ("class A(B, m=C): pass", ("Class", "A", [("Arg", ("Name", "B"), None, 0), ("Arg", ("Name", "C"), "m", 0)], [], [("Pass",)], [])),
        (
            "try: a\nexcept* B as c: d\nelse: e\nfinally: f",
            ("Try", [("ExprStmt", ("Name", "a"))], [("Handler", ("Name", "B"), "c", [("ExprStmt", ("Name", "d"))])],
             [("ExprStmt", ("Name", "e"))], [("ExprStmt", ("Name", "f"))]),
        ),
        (
            "match a:\n case [b, *c] | D(e, f=g) if h: pass\n case {'k': i.j, **l} as m: pass\n case _: pass",
            ("Match", ("Name", "a"), [
                ("Case", ["b", "c", "e", "g"], [("Name", "D")], ("Name", "h"), [("Pass",)]),
                ("Case", ["l", "m"], [("Const", "k", "str"), ("Attr", ("Name", "i"), "j")], None, [("Pass",)]),
                ("Case", [], [], None, [("Pass",)]),
            ]),
        ),
        (
            "@d\nasync def f[T](a: b = c) -> e: return",
            ("Function", "f", [("Param", "a", "pos", ("Name", "b"), ("Name", "c"))], ("Name", "e"), [("Name", "d")], [("Return", None)],
             True, False, ["T"], False),
        ),
    ],
)  # fmt: skip
def test_statements(source: str, expected: Any) -> None:
    (found,) = body(source + "\n")
    assert form(found) == expected


def test_elif_is_an_if_in_the_else() -> None:
    (found,) = body("if a: x\nelif b: y\nelse: z\n")
    assert isinstance(found, If)
    (inner,) = found.orelse
    assert isinstance(inner, If)
    assert form(inner.orelse) == [("ExprStmt", ("Name", "z"))]


def test_definitions_say_where_their_name_stands() -> None:
    source = "@a\nasync  def  f(): pass\nclass   A: pass\n"
    function, klass = body(source)
    assert isinstance(function, Function)
    assert isinstance(klass, Class)
    assert (source[function.start :][:5], source[function.name_start]) == ("async", "f")
    assert (source[klass.start :][:5], source[klass.name_start]) == ("class", "A")


def comments(source: str) -> list[tuple[str, int, bool]]:
    return [(found.text, found.line, found.alone) for found in extract(source.encode()).comments]


def test_comments_that_may_suppress_are_kept() -> None:
    source = "# plain\nx = 1  # NoQA: ORM201\n    # ormlint: ignore[ORM1] why\ny = (\n  a,  # noqa\n)\n# end noqa"
    assert comments(source) == [
        ("# NoQA: ORM201", 2, False), ("# ormlint: ignore[ORM1] why", 3, True), ("# noqa", 5, False), ("# end noqa", 7, True),
    ]  # fmt: skip
    (found, *_) = extract(source.encode()).comments
    assert source[found.start : found.end] == found.text


def test_a_string_is_no_comment() -> None:
    source = "'''\n# noqa\n'''\nx = '# noqa'  # other\ny = '#'  # noqa '#'\nz = f'# noqa {a} # noqa'\nw = f'{b}#'  # noqa: 2\n"
    assert comments(source) == [("# noqa '#'", 5, False), ("# noqa: 2", 7, False)]


@pytest.mark.parametrize("source", ["def f[T = int](): pass\n", "try: a\nexcept* A: b\n", "type X = int\n", "x = f'{'a'}'\n"])
def test_newer_syntax_is_read(source: str) -> None:
    assert extract(source.encode()).error is None


@pytest.mark.skipif(not hasattr(cst, "TemplatedString"), reason="this LibCST does not read template strings")
def test_template_strings_are_read_as_format_strings() -> None:
    assert form(expression("t'a{b}'")) == ("FString", "a{}", [("Name", "b")])


@pytest.mark.skipif(not hasattr(cst, "LazyImport"), reason="this LibCST does not read lazy imports and exceptions without parentheses")
def test_syntax_of_the_newest_versions_is_read() -> None:
    imported, tried = body("lazy from a import b\ntry: a\nexcept A, B: c\n")
    assert form(imported) == ("Import", "a", 0, [("ImportName", "b", None)], True, False)
    assert isinstance(tried, Try)
    assert form(tried.handlers[0].type) == ("Seq", "tuple", [("Name", "A"), ("Name", "B")])


def test_a_record_survives_encoding() -> None:
    record = extract(b"x = '\\ud800', 1 << 99999, 99999999999999999999, 1e999, 'a' 'b'\n# noqa\n")
    again = msgspec.msgpack.decode(msgspec.msgpack.encode(record), type=Record)
    assert again == record


def test_constants_are_no_names() -> None:
    (statement,) = body("f(True)\n")
    argument = statement.value.args[0].value
    assert isinstance(argument, Const)
    assert not isinstance(argument, Name)
