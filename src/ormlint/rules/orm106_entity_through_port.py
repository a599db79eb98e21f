"""ORM106: a persistence function gives entities, rows, queries or results where its port promises a plain object."""

from __future__ import annotations

from collections.abc import Iterator

from ormlint.findings import Finding
from ormlint.rules.rule import Rule
from ormlint.semantics.model import Model
from ormlint.semantics.revealing import short

CODE, NAME = "ORM106", "entity-through-port"


def check(model: Model) -> Iterator[Finding]:
    for item in model.crossings("gives"):
        function = model.symbols.functions[item.function]
        if function.node.name.startswith("_") or not model.stores(function.module, function.id):
            continue
        promised = model.broken_promise(function.id, item.value)
        if not promised:
            continue
        what = model.leak_in(item.value)
        verb = "yields" if function.node.is_generator else "returns"
        message = (
            f"{function.node.name}() promises {short(promised)} and {verb} {what}: what the caller gets loads lazily, expires at a"
            f" commit and dies with its session; build {short(promised)} here"
        )
        yield model.finding(CODE, NAME, item.site, message, trail=model.handed_in(item.value), symbol=function.id)


RULE = Rule(CODE, NAME, "A persistence function gives entities, rows, queries or results where its port promises plain objects.", check)
