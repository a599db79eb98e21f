"""ORM402: `__repr__`, `__eq__`, a property or hybrid of an entity reads a lazy relationship."""

from __future__ import annotations

from collections.abc import Iterator

from ormlint.findings import Finding
from ormlint.rules.loops import EXEMPT_ROLES
from ormlint.rules.rule import Rule
from ormlint.semantics.definitions import FunctionNode
from ormlint.semantics.events import Event
from ormlint.semantics.model import Model
from ormlint.semantics.revealing import short
from ormlint.semantics.values import Site

CODE, NAME = "ORM402", "lazy-load-behind-property"
_SPECIAL = frozenset(
    {"__repr__", "__str__", "__eq__", "__hash__", "__lt__", "__le__", "__gt__", "__ge__", "__ne__", "__len__", "__bool__", "__format__"}
)


def check(model: Model) -> Iterator[Finding]:
    seen: set[tuple[Site, str]] = set()
    # A read in the member's own body first: what a delegate reads is then named after the delegate.
    for function, cls, kind, event in sorted(_reads(model), key=lambda read: bool(read[3].via)):
        assert event.entity is not None
        site = event.end
        if (site, event.attr) in seen:
            continue
        seen.add((site, event.attr))
        what = f"{short(event.entity.model)}.{event.attr}"
        where = f"{short(cls)}.{function.node.name}"
        cost = f"{where} looks like plain access and reads {what}, which is lazy: every use may run a SELECT"
        instead = "leave it out" if kind != "property" else "make it a method"
        message = f"{cost}; load it in the mapping, or {instead}"
        yield model.finding(CODE, NAME, site, message, trail=model.way(event), symbol=function.id)


def _reads(model: Model) -> Iterator[tuple[FunctionNode, str, str, Event]]:
    """Each read of the entity's own lazy relationships, with the member that looks like plain access."""
    for function, cls, summary in model.members():
        if model.role(Site(model.symbols.modules[function.module].path, 0, 0)) in EXEMPT_ROLES:
            continue
        kind = model.method_kind(function.id)
        if kind != "property" and function.node.name not in _SPECIAL:
            continue
        reads = [event for event in summary.events if _reads_own_relationship(model, event)]
        first = {event.attr for event in reads if event.entity is not None and not event.entity.path}
        for event in reads:
            if event.entity is not None and event.entity.path and event.entity.path[0] in first:
                continue
            yield function, cls, kind, event


def _reads_own_relationship(model: Model, event: Event) -> bool:
    if event.kind != "load" or event.how != "lazy" or event.entity is None or event.entity.origin.kind != "self":
        return False
    attribute = model.attribute(event.entity.model, event.attr)
    return attribute is not None and attribute.kind == "relationship"


RULE = Rule(CODE, NAME, "A property or special method of an entity reads a lazy relationship.", check)
