"""Arguments by their place: at a position, or under a keyword.

Takes evaluated arguments, or the text of a call and the function that it calls; runs nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from ormlint.facts import records as r
from ormlint.semantics.definitions import FunctionNode
from ormlint.semantics.values import UNKNOWN, Actual, FuncRef, Value


def first_value(actuals: Sequence[Actual], position: int = 0, keyword: str = "") -> Value:
    """The argument at a position, or under a keyword."""
    positional = [actual for actual in actuals if actual.keyword is None]
    if position < len(positional) and not any(actual.star for actual in positional[: position + 1]):
        return positional[position].value
    if keyword:
        for actual in actuals:
            if actual.keyword == keyword:
                return actual.value
    return UNKNOWN


def arguments_of(function: FunctionNode, ref: FuncRef, node: r.Node) -> dict[str, tuple[r.Node, ...]] | None:
    """The expressions that a call gives to each parameter; None where the call's text does not say."""
    params = [param for param in function.node.params if param.kind in ("pos", "pos-only")]
    found: dict[str, tuple[r.Node, ...]] = {}
    if ref.bound is not None and params:
        found[params[0].name] = (node.func.value if type(node) is r.Call and type(node.func) is r.Attr else node,)
        params = params[1:]
    if type(node) is not r.Call:
        return found if type(node) is r.Attr else None
    if ref.closure or (type(node.func) is r.Attr and node.func.attr != function.node.name):
        return None
    if type(node.func) is r.Name and ref.bound is not None:
        return None
    named = {param.name for param in function.node.params if param.kind in ("pos", "kw-only")}
    rest = next((param.name for param in function.node.params if param.kind == "*"), "")
    others = next((param.name for param in function.node.params if param.kind == "**"), "")
    positional = iter(params)
    for arg in node.args:
        if arg.star:
            for param in function.node.params:
                if param.name not in found or param.kind in ("*", "**"):
                    found[param.name] = (*found.get(param.name, ()), arg.value)
        elif arg.keyword is not None:
            target = arg.keyword if arg.keyword in named else others
            found[target] = (*found.get(target, ()), arg.value)
        else:
            following = next(positional, None)
            target = following.name if following is not None else rest
            found[target] = (*found.get(target, ()), arg.value)
    return found
