"""One template in, its statements out: Jinja's own parser, transcribed into the records that code has too.

Takes a template's text; gives blocks, macros and statements. Tags that act on other templates (`include`, `import`, a block's place) are
calls of names in angle brackets; filters that read an attribute of each element are comprehensions. Of a node only its line is known, so
offsets are made up: `WIDTH` for each line, and within it the order of the nodes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Union

import msgspec

from ormlint.facts import records as r

if TYPE_CHECKING:
    from jinja2 import nodes

WIDTH = 1 << 20
_OPERATORS = {
    "eq": "==", "ne": "!=", "gt": ">", "gteq": ">=", "lt": "<", "lteq": "<=", "in": "in", "notin": "not in",
}  # fmt: skip
_SAME = frozenset({"list", "reverse", "select", "reject", "default", "d", "sort", "unique", "safe"})
_EACH = frozenset({"map", "selectattr", "rejectattr", "sort", "unique", "sum", "join", "min", "max", "groupby"})
_ONE = frozenset({"first", "last", "random", "min", "max"})


class Unreadable(Exception):
    """The text is no template: the reason in one line, and the line."""

    def __init__(self, reason: str, line: int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.line = line


class Macro(msgspec.Struct, frozen=True):
    params: tuple[str, ...]
    body: tuple[r.Stmt, ...]


class Template(msgspec.Struct, frozen=True):
    """What one template says; `extends` is the expression that names its parent."""

    lines: int
    body: tuple[r.Stmt, ...]
    blocks: dict[str, tuple[r.Stmt, ...]]
    macros: dict[str, Macro]
    extends: Union[r.Expr, None] = None

    def record(self) -> r.Record:
        """A record whose lines are the template's."""
        return r.Record("", (0, *(number * WIDTH for number in range(2, self.lines + 2))))


def read_template(text: str) -> Template:
    """The statements of a template. Raises `Unreadable` where Jinja does not understand it."""
    from jinja2 import Environment, TemplateError

    environment = Environment(extensions=["jinja2.ext.i18n", "jinja2.ext.do", "jinja2.ext.loopcontrols"], autoescape=True)
    try:
        tree = environment.parse(text)
    except TemplateError as error:
        raise Unreadable(str(error).splitlines()[0] if str(error) else "a syntax error", getattr(error, "lineno", 1) or 1) from None
    except RecursionError:
        raise Unreadable("it is nested too deep", 1) from None
    reader = _Reader()
    body = reader.statements(tree.body)
    return Template(text.count("\n") + 1, body, reader.blocks, reader.macros, reader.extends)


class _Reader:
    def __init__(self) -> None:
        self.blocks: dict[str, tuple[r.Stmt, ...]] = {}
        self.macros: dict[str, Macro] = {}
        self.extends: r.Expr | None = None
        self.count = 0
        self.line = 1

    def at(self, node: nodes.Node) -> tuple[int, int]:
        """Made-up offsets of a node: of its line, and its own."""
        self.line = node.lineno or self.line
        self.count += 1
        start = self.line * WIDTH + self.count
        return start, start + 1

    def call(self, node: nodes.Node, name: str, *args: r.Expr) -> r.Call:
        start, end = self.at(node)
        return r.Call(start, end, r.Name(start, end, name), tuple([r.Arg(arg.start, arg.end, arg) for arg in args]))

    def text(self, node: nodes.Node, value: str) -> r.Const:
        return r.Const(*self.at(node), value, "str")

    # Statements

    def statements(self, body: Sequence[nodes.Node]) -> tuple[r.Stmt, ...]:
        found: list[r.Stmt] = []
        for node in body:
            found.extend(self.statement(node))
        return tuple(found)

    def statement(self, node: nodes.Node) -> Sequence[r.Stmt]:
        from jinja2 import nodes as n

        start, end = self.at(node)
        if isinstance(node, n.Output):
            items = tuple(self.expression(item) for item in node.nodes if not isinstance(item, n.TemplateData))
            return (r.ExprStmt(start, end, r.FString(start, end, "", items)),) if items else ()
        if isinstance(node, n.For):
            body = self.statements(node.body)
            if node.test is not None:
                body = (r.If(start, end, self.expression(node.test), body, ()),)
            return (r.For(start, end, self.expression(node.target), self.expression(node.iter), body, self.statements(node.else_), False),)
        if isinstance(node, n.If):
            orelse: tuple[r.Stmt, ...] = self.statements(node.else_)
            for other in reversed(node.elif_):
                orelse = (r.If(*self.at(other), self.expression(other.test), self.statements(other.body), orelse),)
            return (r.If(start, end, self.expression(node.test), self.statements(node.body), orelse),)
        if isinstance(node, n.Assign):
            return (r.Assign(start, end, (self.expression(node.target),), self.expression(node.node)),)
        if isinstance(node, n.AssignBlock):
            return (*self.statements(node.body), r.Assign(start, end, (self.expression(node.target),), self.text(node, "")))
        if isinstance(node, n.With):
            pairs = zip(node.targets, node.values, strict=True)
            given = [r.Assign(start, end, (self.expression(target),), self.expression(value)) for target, value in pairs]
            return (*given, *self.statements(node.body))
        if isinstance(node, n.Extends):
            self.extends = self.expression(node.template)
            return ()
        if isinstance(node, n.Block):
            self.blocks[node.name] = self.statements(node.body)
            return (r.ExprStmt(start, end, self.call(node, "<block>", self.text(node, node.name))),)
        if isinstance(node, n.Include):
            return (r.ExprStmt(start, end, self.call(node, "<include>", self.expression(node.template))),)
        if isinstance(node, n.Import):
            module = self.call(node, "<import>", self.expression(node.template))
            return (r.Assign(start, end, (r.Name(start, end, node.target),), module),)
        if isinstance(node, n.FromImport):
            found: list[r.Stmt] = []
            for name in node.names:
                source, alias = name if isinstance(name, tuple) else (name, name)
                module = self.call(node, "<import>", self.expression(node.template))
                found.append(r.Assign(start, end, (r.Name(start, end, alias),), r.Attr(start, end, module, source)))
            return found
        if isinstance(node, n.Macro):
            self.macros[node.name] = Macro(tuple(arg.name for arg in node.args), self.statements(node.body))
            return (r.Assign(start, end, (r.Name(start, end, node.name),), self.call(node, "<macro>", self.text(node, node.name))),)
        if isinstance(node, n.CallBlock):
            return (r.ExprStmt(start, end, self.expression(node.call)), *self.statements(node.body))
        if isinstance(node, (n.FilterBlock, n.Scope, n.ScopedEvalContextModifier)):
            return self.statements(node.body)
        if isinstance(node, n.ExprStmt):
            return (r.ExprStmt(start, end, self.expression(node.node)),)
        if isinstance(node, n.Break):
            return (r.Break(start, end),)
        if isinstance(node, n.Continue):
            return (r.Continue(start, end),)
        return ()

    # Expressions

    def expression(self, node: nodes.Node) -> r.Expr:
        from jinja2 import nodes as n

        start, end = self.at(node)
        if isinstance(node, (n.Name, n.NSRef)):
            return r.Name(start, end, node.name)
        if isinstance(node, n.TemplateData):
            return r.Const(start, end, node.data, "str")
        if isinstance(node, n.Const):
            return _constant(start, end, node.value)
        if isinstance(node, n.Getattr):
            return r.Attr(start, end, self.expression(node.node), node.attr)
        if isinstance(node, n.Getitem):
            return self.item(node, start, end)
        if isinstance(node, n.Call):
            return r.Call(start, end, self.expression(node.node), self.arguments(node))
        if isinstance(node, n.Filter):
            return self.filtered(node, start, end)
        if isinstance(node, n.Test):
            inner = self.expression(node.node)
            none = node.name == "none"
            return r.Compare(start, end, inner, ("is" if none else "==",), (_constant(start, end, None if none else 0),))
        if isinstance(node, n.Compare):
            ops = tuple(_OPERATORS.get(operand.op, "==") for operand in node.ops)
            return r.Compare(start, end, self.expression(node.expr), ops, tuple(self.expression(operand.expr) for operand in node.ops))
        if isinstance(node, (n.And, n.Or)):
            word = "and" if isinstance(node, n.And) else "or"
            return r.BoolOp(start, end, word, (self.expression(node.left), self.expression(node.right)))
        if isinstance(node, n.BinExpr):
            return r.BinOp(start, end, node.operator or "+", self.expression(node.left), self.expression(node.right))
        if isinstance(node, n.Not):
            return r.Unary(start, end, "not", self.expression(node.node))
        if isinstance(node, n.UnaryExpr):
            return r.Unary(start, end, node.operator or "-", self.expression(node.node))
        if isinstance(node, n.Concat):
            return r.FString(start, end, "", tuple(self.expression(item) for item in node.nodes))
        if isinstance(node, n.CondExpr):
            orelse = self.expression(node.expr2) if node.expr2 is not None else _constant(start, end, None)
            return r.IfExp(start, end, self.expression(node.test), self.expression(node.expr1), orelse)
        if isinstance(node, (n.List, n.Tuple)):
            kind = "list" if isinstance(node, n.List) else "tuple"
            return r.Seq(start, end, kind, tuple(self.expression(item) for item in node.items))
        if isinstance(node, n.Dict):
            keys = tuple(self.expression(pair.key) for pair in node.items)
            return r.Dict(start, end, keys, tuple(self.expression(pair.value) for pair in node.items))
        if isinstance(node, n.Keyword):
            return self.expression(node.value)
        if isinstance(node, (n.MarkSafe, n.MarkSafeIfAutoescape)):
            return self.expression(node.expr)
        return r.Const(start, end, None, "other")

    def item(self, node: nodes.Getitem, start: int, end: int) -> r.Expr:
        from jinja2 import nodes as n

        value = self.expression(node.node)
        index = node.arg
        if isinstance(index, n.Const) and isinstance(index.value, str) and index.value.isidentifier():
            return r.Attr(start, end, value, index.value)
        if isinstance(index, n.Slice):
            parts = [self.expression(part) if part is not None else None for part in (index.start, index.stop, index.step)]
            return r.Sub(start, end, value, r.Slice(start, end, *parts))
        return r.Sub(start, end, value, self.expression(index))

    def arguments(self, node: nodes.Call | nodes.Filter) -> tuple[r.Arg, ...]:
        found = [r.Arg(*self.at(arg), self.expression(arg)) for arg in node.args]
        found.extend(r.Arg(*self.at(pair), self.expression(pair.value), str(pair.key)) for pair in node.kwargs)
        if node.dyn_args is not None:
            found.append(r.Arg(*self.at(node.dyn_args), self.expression(node.dyn_args), None, 1))
        if node.dyn_kwargs is not None:
            found.append(r.Arg(*self.at(node.dyn_kwargs), self.expression(node.dyn_kwargs), None, 2))
        return tuple(found)

    def filtered(self, node: nodes.Filter, start: int, end: int) -> r.Expr:
        """`value | name(…)`."""
        value = self.expression(node.node) if node.node is not None else r.Const(start, end, "", "str")
        path = _attribute_of(node)
        if node.name in _EACH and path:
            item = r.Name(start, end, "<item>")
            read: r.Expr = item
            for part in path.split("."):
                if part.isidentifier():
                    read = r.Attr(*self.at(node), read, part)
            tests: tuple[r.Expr, ...] = ()
            element: r.Expr = item
            if node.name in ("map", "sum", "join"):
                element = read
            elif node.name == "groupby":
                element = r.Seq(start, end, "tuple", (read, r.Seq(start, end, "list", (item,))))
            else:
                tests = (read,)
            value = r.Comp(start, end, "list", element, None, (r.Generator(start, end, item, value, tests, False),))
            if node.name in ("sum", "join"):
                return r.FString(start, end, "", (value,))
        if node.name in ("length", "count"):
            return r.Call(start, end, r.Name(start, end, "<len>"), (r.Arg(start, end, value),))
        if node.name in _ONE:
            return r.Sub(start, end, value, r.Const(start, end, 0, "int"))
        if node.name in _SAME or node.name in _EACH:
            return value
        return r.Call(start, end, r.Name(start, end, "<filter>"), (r.Arg(start, end, value), *self.arguments(node)))


def _attribute_of(node: nodes.Filter) -> str:
    """The attribute that a filter reads of each element: `map(attribute="customer.name")`, `selectattr("lines")`."""
    from jinja2 import nodes as n

    for pair in node.kwargs:
        if pair.key == "attribute" and isinstance(pair.value, n.Const) and isinstance(pair.value.value, str):
            return pair.value.value
    if node.name in ("selectattr", "rejectattr", "groupby") and node.args:
        first = node.args[0]
        return first.value if isinstance(first, n.Const) and isinstance(first.value, str) else ""
    return ""


def _constant(start: int, end: int, value: object) -> r.Const:
    if value is None:
        return r.Const(start, end, None, "none")
    if isinstance(value, (bool, int, float, str)):
        return r.Const(start, end, value, type(value).__name__)
    return r.Const(start, end, None, "other")
