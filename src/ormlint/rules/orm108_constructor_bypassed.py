"""ORM108: a mapper or repository rebuilds an object around its constructor."""

from __future__ import annotations

from collections.abc import Iterator

from ormlint.findings import Confidence, Finding
from ormlint.rules.rule import Rule
from ormlint.semantics.model import Model
from ormlint.semantics.revealing import short
from ormlint.semantics.values import ClassRef, Entity

CODE, NAME = "ORM108", "constructor-bypassed"
_LOADED = ("query", "get")


def check(model: Model) -> Iterator[Finding]:
    seen: set[tuple[str, str]] = set()
    for item in model.crossings("rebuilds"):
        if isinstance(item.value, ClassRef) and item.name.startswith("a loop"):
            if (item.function, item.value.cls) in seen:
                continue
            seen.add((item.function, item.value.cls))
        sure = Confidence.likely
        if isinstance(item.value, Entity):
            # What is only declared may as well be a copy that was never loaded.
            sure = Confidence.likely if item.value.origin.kind in _LOADED else Confidence.possible
            name = short(item.value.model)
            message = (
                f"make_transient turns a loaded {name} into a new one round its constructor: what was loaded stays as it is, the rest is"
                f" lost; make a new {name} from the values that it needs"
            )
        else:
            assert isinstance(item.value, ClassRef)
            name = short(item.value.cls)
            message = (
                f"{item.name} rebuilds {name} round its constructor: the rules that the constructor holds are skipped;"
                f" call {name}(…), or give it a named factory"
            )
        yield model.finding(CODE, NAME, item.site, message, sure, symbol=item.function)


RULE = Rule(CODE, NAME, "A mapper or repository rebuilds an object around its constructor.", check)
