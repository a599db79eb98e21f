"""Walks over the nodes of a record, without a visitor and without looking at what can hold no node.

Takes any part of a record: a node, a tuple of nodes, None. Knows which fields may hold nodes from their annotations, and nothing of what
the nodes mean.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from ormlint.facts import records as r

_SCALARS = frozenset({"int", "str", "bool", "tuple[str, ...]", "Union[str, None]", "Union[str, int, float, bool, None]"})
INNER: dict[type, tuple[str, ...]] = {
    kind: tuple(
        [
            field
            for field in reversed(kind.__struct_fields__)
            if field not in ("start", "end") and kind.__annotations__.get(field) not in _SCALARS
        ]
    )
    for kind in vars(r).values()
    if isinstance(kind, type) and issubclass(kind, r.Node)
}
"""Of each kind of node, the fields that may hold other nodes, the last one first."""


def walk(root: object, leave: Collection[type] = ()) -> Iterator[r.Node]:
    """The nodes of a part of a record in the order of the source, outer ones first; those of the types in `leave` are left out whole."""
    stack: list[object] = [root]
    while stack:
        item = stack.pop()
        kind = type(item)
        if kind is tuple or kind is list:
            stack.extend(reversed(item))  # type: ignore[call-overload]
            continue
        fields = INNER.get(kind)
        if fields is None or kind in leave:
            continue
        yield item  # type: ignore[misc]
        for field in fields:
            stack.append(getattr(item, field))


def calls_in(root: object) -> Iterator[r.Call]:
    """The calls in a part of a record, in the order of the source, those of inner functions included."""
    for node in walk(root):
        if type(node) is r.Call:
            yield node


def inner(node: r.Node) -> list[object]:
    """What a node holds directly, the last part first: for walks that stop at some nodes."""
    return [getattr(node, field) for field in INNER[type(node)]]
