"""What a method that puts an object into a list of its own reads of that object: who walks the list later finds it loaded.

Takes a method's text; gives, for each list that it fills, the paths that every way through the method reads of what it puts in. Knows
nothing of classes or mappings: a path that names no relationship says nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ormlint.facts import records as r
from ormlint.facts.walking import walk

NOTHING: frozenset[str] = frozenset()
_PUTS = {"append": 0, "add": 0, "appendleft": 0, "insert": 1}
_OTHERS = frozenset({"extend", "update", "setdefault", "extendleft"})
_LEAVES = (r.Return, r.Continue, r.Break)


def fills(function: r.Function) -> dict[str, frozenset[str]]:
    """The lists of its object that a method fills, each with the paths that it reads of all that it puts there."""
    if not function.params:
        return {}
    found: dict[str, frozenset[str]] = {}
    for field, name in _puts(function.body, function.params[0].name):
        paths = _read(function.body, {name: ""}) if name else NOTHING
        found[field] = found[field] & paths if field in found else paths
    return found


def _puts(body: tuple[r.Stmt, ...], owner: str) -> Iterator[tuple[str, str]]:
    """The lists `self.name` that statements fill, and the name of what is put there; "" where it has none."""
    for node in walk(body):
        if type(node) is not r.Call or type(node.func) is not r.Attr or not node.args:
            continue
        target = node.func.value
        if type(target) is not r.Attr or type(target.value) is not r.Name or target.value.id != owner:
            continue
        at = _PUTS.get(node.func.attr)
        if at is not None and len(node.args) > at:
            given = node.args[at].value
            yield target.attr, given.id if type(given) is r.Name else ""
        elif node.func.attr in _OTHERS:
            yield target.attr, ""


def _read(body: tuple[r.Stmt, ...], names: Mapping[str, str]) -> frozenset[str]:
    """The paths that statements read whichever way they take. `names` are the names of the object and of what is reached from it, each
    with its path."""
    found: set[str] = set()
    known = dict(names)
    for stmt in body:
        if isinstance(stmt, (r.Assign, r.AnnAssign, r.AugAssign)):
            found |= _of(stmt.value, known)
            for target in stmt.targets if isinstance(stmt, r.Assign) else (stmt.target,):
                _bind(target, _path(stmt.value, known), known)
        elif isinstance(stmt, (r.ExprStmt, r.Return)):
            found |= _of(stmt.value, known)
        elif isinstance(stmt, r.Assert):
            found |= _of(stmt.test, known)
        elif isinstance(stmt, r.If):
            found |= _of(stmt.test, known)
            found |= _read(stmt.body, known) & _read(stmt.orelse, known)
        elif isinstance(stmt, r.For):
            found |= _of(stmt.iter, known)
            inner = dict(known)
            _bind(stmt.target, _path(stmt.iter, known), inner)
            found |= _read(stmt.body, inner)
        elif isinstance(stmt, r.With):
            for item in stmt.items:
                found |= _of(item.value, known)
            found |= _read(stmt.body, known)
        if any(isinstance(node, _LEAVES) for node in walk(stmt, (r.Function, r.Class, r.Lambda))):
            break  # what follows is not always done
    return frozenset(found)


def _bind(target: r.Expr | None, path: str | None, known: dict[str, str]) -> None:
    """A name that is bound is what it is bound to, or nothing that is known."""
    for node in walk(target):
        if type(node) is r.Name:
            known.pop(node.id, None)
    if type(target) is r.Name and path is not None:
        known[target.id] = path


def _path(expr: r.Expr | None, known: Mapping[str, str]) -> str | None:
    """The path of `order.lines`, as `lines`; None where it begins at no name that is known."""
    if type(expr) is r.Name:
        return known.get(expr.id)
    if type(expr) is not r.Attr:
        return None
    owner = _path(expr.value, known)
    return None if owner is None else f"{owner}.{expr.attr}" if owner else expr.attr


def _of(expr: r.Expr | None, known: Mapping[str, str]) -> set[str]:
    """The paths that an expression reads whatever its parts are."""
    if expr is None or not known:
        return set()
    path = _path(expr, known)
    if path is not None:
        parts = path.split(".") if path else []
        return {".".join(parts[: at + 1]) for at in range(len(parts))}
    if isinstance(expr, r.BoolOp):
        return _of(expr.items[0], known)
    if isinstance(expr, r.IfExp):
        return _of(expr.test, known) | (_of(expr.body, known) & _of(expr.orelse, known))
    if isinstance(expr, r.Comp):
        return _of_comprehension(expr, known)
    if isinstance(expr, r.Compare):
        return _of(expr.left, known) | _of(expr.rights[0], known)
    parts_of: tuple[r.Expr, ...] = ()
    if isinstance(expr, r.Call):
        parts_of = (expr.func, *[arg.value for arg in expr.args])
    elif isinstance(expr, r.BinOp):
        parts_of = (expr.left, expr.right)
    elif isinstance(expr, (r.Seq, r.FString)):
        parts_of = expr.items
    elif isinstance(expr, r.Dict):
        parts_of = expr.values
    elif isinstance(expr, (r.Sub, r.Attr, r.Unary, r.Await, r.Star)):
        parts_of = (expr.value,)
    found: set[str] = set()
    for part in parts_of:
        found |= _of(part, known)
    return found


def _of_comprehension(expr: r.Comp, known: Mapping[str, str]) -> set[str]:
    """A generator reads nothing but its first source before somebody goes through it: here it is taken to be used up."""
    inner = dict(known)
    found: set[str] = set()
    for part in expr.generators:
        found |= _of(part.iter, inner)
        _bind(part.target, _path(part.iter, inner), inner)
        if part.ifs:
            return found | _of(part.ifs[0], inner)
    return found | _of(expr.elt, inner) | (_of(expr.value, inner) if expr.value is not None else set())
