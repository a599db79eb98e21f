"""Which conditions hold for type checkers only: `if TYPE_CHECKING:`, under whatever name it was imported."""

from __future__ import annotations

from collections.abc import Collection

from ormlint.facts.records import Attr, BoolOp, Expr, Name, Unary


def checks_types(names: Collection[str], test: Expr) -> bool:
    """Whether a condition holds for type checkers only; `names` are those that stand for `TYPE_CHECKING`."""
    match test:
        case Name(id=name):
            return name in names
        case Attr(attr=name):
            return name == "TYPE_CHECKING"
        case BoolOp(op="and", items=items):
            return any(checks_types(names, item) for item in items)
    return False


def denies_types(names: Collection[str], test: Expr) -> bool:
    """Whether the negation of a condition holds for type checkers only."""
    return isinstance(test, Unary) and test.op == "not" and checks_types(names, test.value)
