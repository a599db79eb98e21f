"""Who mentions a name: the functions in whose bodies it stands, and whether it stands anywhere else.

Takes statements and names; walks them without resolving anything, so that what a name stands for makes no difference. A name in a string
is a mention, too.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from ormlint.facts import records as r
from ormlint.facts.walking import walk

_WORD = re.compile(r"\w+")


def mentions(part: object, names: Collection[str]) -> bool:
    """Whether any of the names stands in a part of a record."""
    return any(_names_in(node, names) for node in walk(part))


def _names_in(node: r.Node, names: Collection[str]) -> bool:
    kind = type(node)
    if kind is r.Name:
        return node.id in names  # type: ignore[attr-defined]
    if kind is r.Attr:
        return node.attr in names  # type: ignore[attr-defined]
    if kind is r.Arg:
        return node.keyword in names  # type: ignore[attr-defined]
    if kind is r.Const:
        value = node.value  # type: ignore[attr-defined]
        return type(value) is str and any(word in names for word in _WORD.findall(value))
    if isinstance(node, r.Import):
        return any(name.name.rpartition(".")[2] in names or name.asname in names for name in node.names)
    return isinstance(node, (r.Function, r.Class)) and node.name in names


def functions_naming(body: tuple[r.Stmt, ...], names: Collection[str]) -> Iterator[r.Function | None]:
    """The outermost functions and methods that mention any of the names in their bodies, or are called so; None for each place outside of
    bodies where one stands. A plain import, and `__all__`, only hand a name on."""
    for stmt in body:
        if isinstance(stmt, r.Import):
            if any(name.asname is not None and mentions(stmt, names) for name in stmt.names):
                yield None
        elif isinstance(stmt, (r.Assign, r.AugAssign)) and _is_export(stmt):
            continue
        elif isinstance(stmt, r.Function):
            if any(mentions(part, names) for part in (stmt.params, stmt.returns, stmt.decorators)):
                yield None
            elif stmt.name in names or mentions(stmt.body, names):
                yield stmt
        elif isinstance(stmt, r.Class):
            if stmt.name in names or mentions(stmt.bases, names) or mentions(stmt.decorators, names):
                yield None
            yield from functions_naming(stmt.body, names)
        elif mentions(stmt, names):
            yield None


def _is_export(stmt: r.Assign | r.AugAssign) -> bool:
    targets = stmt.targets if isinstance(stmt, r.Assign) else (stmt.target,)
    return all(isinstance(target, r.Name) and target.id == "__all__" for target in targets)
