"""What one source file says, as frozen data: the only form in which later steps ever see code.

Takes nothing, decides nothing: a record transcribes. Names are not resolved, types are not guessed. Every expression and
statement carries `start` and `end`, offsets in characters into the decoded text; `Record.lines` turns them into lines and
columns. The structs are array-like and tagged so that msgspec packs them small and reads them fast.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import Union

import msgspec

EXTRACTOR_VERSION = 3
"""Raised whenever the same source would give another record; the cache is keyed by it."""


class Node(msgspec.Struct, frozen=True, array_like=True, gc=False, tag_field="node"):
    """Where something stands: offsets in characters, `end` exclusive."""

    start: int
    end: int


# Expressions


class Name(Node, frozen=True, tag="n"):
    """A bare name: `x`. `True`, `False` and `None` are `Const`."""

    id: str


class Attr(Node, frozen=True, tag="a"):
    """`value.attr`; `end - len(attr)` is where the attribute's own name stands."""

    value: Expr
    attr: str


class Const(Node, frozen=True, tag="c"):
    """A literal str, int, float, bool, None; bytes, complex and `...` have kind "other" and value None."""

    value: Union[str, int, float, bool, None]
    kind: str
    """str, int, float, bool, none, other."""


class Arg(Node, frozen=True, tag="g"):
    """One argument of a call; `star` is 1 for `*a`, 2 for `**k`."""

    value: Expr
    keyword: Union[str, None] = None
    star: int = 0


class Call(Node, frozen=True, tag="C"):
    func: Expr
    args: tuple[Arg, ...]


class Sub(Node, frozen=True, tag="s"):
    """`value[index]`; several indices are a `Seq` of kind "tuple"."""

    value: Expr
    index: Expr


class Slice(Node, frozen=True, tag="S"):
    lower: Union[Expr, None]
    upper: Union[Expr, None]
    step: Union[Expr, None]


class Seq(Node, frozen=True, tag="q"):
    """A tuple, list or set display; `kind` says which."""

    kind: str
    items: tuple[Expr, ...]


class Dict(Node, frozen=True, tag="d"):
    """A dict display; a `**spread` has key None."""

    keys: tuple[Union[Expr, None], ...]
    values: tuple[Expr, ...]


class BinOp(Node, frozen=True, tag="b"):
    op: str
    left: Expr
    right: Expr


class Compare(Node, frozen=True, tag="r"):
    """`left op right op right`; operators as written, `not in` and `is not` with one space."""

    left: Expr
    ops: tuple[str, ...]
    rights: tuple[Expr, ...]


class BoolOp(Node, frozen=True, tag="o"):
    """`and` or `or` over two or more operands, flattened."""

    op: str
    items: tuple[Expr, ...]


class Unary(Node, frozen=True, tag="u"):
    """`not`, `-`, `+`, `~`."""

    op: str
    value: Expr


class IfExp(Node, frozen=True, tag="i"):
    test: Expr
    body: Expr
    orelse: Expr


class Lambda(Node, frozen=True, tag="l"):
    params: tuple[Param, ...]
    body: Expr


class Generator(Node, frozen=True, tag="G"):
    """One `for target in iter if …` of a comprehension."""

    target: Expr
    iter: Expr
    ifs: tuple[Expr, ...]
    is_async: bool


class Comp(Node, frozen=True, tag="p"):
    """A comprehension; `kind` is list, set, dict or generator; `value` is the dict's value, else None."""

    kind: str
    elt: Expr
    value: Union[Expr, None]
    generators: tuple[Generator, ...]


class Await(Node, frozen=True, tag="w"):
    value: Expr


class Yield(Node, frozen=True, tag="y"):
    value: Union[Expr, None]
    is_from: bool


class Star(Node, frozen=True, tag="*"):
    """`*x` in a display or a target."""

    value: Expr


class FString(Node, frozen=True, tag="f"):
    """An f-string: its interpolated expressions in order, and its constant text joined with "{}" in their place."""

    text: str
    items: tuple[Expr, ...]


class Walrus(Node, frozen=True, tag=":"):
    target: Expr
    value: Expr


Expr = Union[
    Name, Attr, Const, Call, Sub, Slice, Seq, Dict, BinOp, Compare, BoolOp, Unary, IfExp, Lambda, Comp, Await, Yield, Star,
    FString, Walrus,
]  # fmt: skip


class Param(Node, frozen=True, tag="P"):
    """`kind` is positional ("pos-only"), "pos", "kw-only", "*" or "**"."""

    name: str
    kind: str
    annotation: Union[Expr, None] = None
    default: Union[Expr, None] = None


# Statements


class ExprStmt(Node, frozen=True, tag="E"):
    value: Expr


class Assign(Node, frozen=True, tag="A"):
    targets: tuple[Expr, ...]
    value: Expr


class AnnAssign(Node, frozen=True, tag="N"):
    target: Expr
    annotation: Expr
    value: Union[Expr, None]


class AugAssign(Node, frozen=True, tag="U"):
    """`op` without the equals sign."""

    target: Expr
    op: str
    value: Expr


class Return(Node, frozen=True, tag="R"):
    value: Union[Expr, None]


class Raise(Node, frozen=True, tag="X"):
    value: Union[Expr, None]
    cause: Union[Expr, None]


class Delete(Node, frozen=True, tag="D"):
    targets: tuple[Expr, ...]


class Assert(Node, frozen=True, tag="T"):
    test: Expr
    message: Union[Expr, None]


class Pass(Node, frozen=True, tag="0"):
    pass


class Break(Node, frozen=True, tag="B"):
    pass


class Continue(Node, frozen=True, tag="K"):
    pass


class Global(Node, frozen=True, tag="L"):
    """`global` or `nonlocal`."""

    names: tuple[str, ...]
    is_nonlocal: bool


class ImportName(Node, frozen=True, tag="m"):
    """One imported name: `name as asname`; in `import a.b`, name is "a.b"."""

    name: str
    asname: Union[str, None]


class Import(Node, frozen=True, tag="I"):
    """`import a.b as c` (module is None) or `from ..x import y` (module "x", level 2); `*` is one name "*".

    `type_checking` is true where the statement stands under `if TYPE_CHECKING:` in this file.
    """

    module: Union[str, None]
    level: int
    names: tuple[ImportName, ...]
    is_from: bool
    type_checking: bool = False


class If(Node, frozen=True, tag="1"):
    test: Expr
    body: tuple[Stmt, ...]
    orelse: tuple[Stmt, ...]


class For(Node, frozen=True, tag="2"):
    target: Expr
    iter: Expr
    body: tuple[Stmt, ...]
    orelse: tuple[Stmt, ...]
    is_async: bool


class While(Node, frozen=True, tag="3"):
    test: Expr
    body: tuple[Stmt, ...]
    orelse: tuple[Stmt, ...]


class Handler(Node, frozen=True, tag="h"):
    type: Union[Expr, None]
    name: Union[str, None]
    body: tuple[Stmt, ...]


class Try(Node, frozen=True, tag="4"):
    body: tuple[Stmt, ...]
    handlers: tuple[Handler, ...]
    orelse: tuple[Stmt, ...]
    final: tuple[Stmt, ...]


class WithItem(Node, frozen=True, tag="t"):
    value: Expr
    target: Union[Expr, None]


class With(Node, frozen=True, tag="5"):
    items: tuple[WithItem, ...]
    body: tuple[Stmt, ...]
    is_async: bool


class Case(Node, frozen=True, tag="k"):
    """One `case`: the names that its pattern binds, the expressions (values and classes) that it names, its guard."""

    names: tuple[str, ...]
    values: tuple[Expr, ...]
    guard: Union[Expr, None]
    body: tuple[Stmt, ...]


class Match(Node, frozen=True, tag="6"):
    subject: Expr
    cases: tuple[Case, ...]


class Function(Node, frozen=True, tag="7"):
    """`start` is where `def` (or `async`) stands; `name_start` where the name does. `yields` and `awaits` are its own."""

    name: str
    name_start: int
    params: tuple[Param, ...]
    returns: Union[Expr, None]
    decorators: tuple[Expr, ...]
    body: tuple[Stmt, ...]
    is_async: bool
    is_generator: bool
    type_params: tuple[str, ...] = ()
    docstring: bool = False


class Class(Node, frozen=True, tag="8"):
    """`start` is where `class` stands; bases keep their keywords (`metaclass=`, `table=True`) as `Arg`."""

    name: str
    name_start: int
    bases: tuple[Arg, ...]
    decorators: tuple[Expr, ...]
    body: tuple[Stmt, ...]
    type_params: tuple[str, ...] = ()


class TypeAlias(Node, frozen=True, tag="9"):
    name: str
    value: Expr


Stmt = Union[
    ExprStmt, Assign, AnnAssign, AugAssign, Return, Raise, Delete, Assert, Pass, Break, Continue, Global, Import, If, For, While,
    Try, With, Match, Function, Class, TypeAlias,
]  # fmt: skip


class Comment(Node, frozen=True, tag="#"):
    """A comment that may suppress: its text from `#` on. `alone` is true where nothing else stands on its line."""

    text: str
    line: int
    alone: bool


class Record(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One file. `error` is None, or the reason that it could not be read, with `error_line` (from 1)."""

    digest: str
    """sha256 of the file's bytes, in hex."""
    lines: tuple[int, ...]
    """The offset in characters at which each line starts."""
    body: tuple[Stmt, ...] = ()
    comments: tuple[Comment, ...] = ()
    error: Union[str, None] = None
    error_line: int = 1
    words: tuple[str, ...] = ()
    """Which of `marks.MARKS` the text contains."""

    def position(self, offset: int) -> tuple[int, int]:
        """The line and column of an offset, both from 1, columns in characters."""
        line = bisect_right(self.lines, offset)
        return line, offset - self.lines[line - 1] + 1
