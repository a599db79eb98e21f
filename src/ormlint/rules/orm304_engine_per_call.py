"""ORM304: an engine or a sessionmaker is built each time a function runs."""

from __future__ import annotations

from collections.abc import Iterator

from ormlint.findings import Confidence, Finding
from ormlint.rules.rule import Rule
from ormlint.semantics.model import Model

CODE, NAME = "ORM304", "engine-per-call"


def check(model: Model) -> Iterator[Finding]:
    for item in model.rebuilt():
        event = item.event
        if model.role(event.end) != "code":
            continue
        root = item.roots[0].rsplit(":", 1)[-1].replace(".<locals>", "")
        if event.note == "engine":
            what = f"{root} builds an engine each time it runs: a new pool, new connections, an empty statement cache"
        else:
            what = f"{root} builds a sessionmaker each time it runs: a new Session class, and nothing that is configured once"
        confidence = Confidence.likely if item.again and event.confidence > 1 else Confidence.possible
        message = f"{what}; build it once, at the top of a module, in the application factory or behind functools.cache"
        trail = (model.step(event.site, f"{root} comes here"), *model.way(event)) if event.via else ()
        yield model.finding(CODE, NAME, event.end, message, confidence, trail, item.roots[0])


RULE = Rule(CODE, NAME, "An engine or sessionmaker is built on each call.", check)
