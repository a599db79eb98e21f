"""ORM203: a commit or rollback in code that does not know when the use case is complete."""

from __future__ import annotations

from collections.abc import Iterator

from ormlint.findings import Confidence, Finding
from ormlint.rules.rule import Rule
from ormlint.semantics.model import Model
from ormlint.semantics.revealing import short

CODE, NAME = "ORM203", "commit-outside-unit-of-work"
_EXEMPT = frozenset({"test", "migration", "fixture", "script"})
_LAYERS = {"persistence": "a repository", "domain": "the domain"}
_VAGUE = ('"db"', '"database"', '"storage"', '"adapters"', '"infrastructure"')
"""Folders of persistence that also hold sessions, scripts and units of work."""


def check(model: Model) -> Iterator[Finding]:
    for incident in model.incidents("ended"):
        function = model.symbols.functions.get(incident.function)
        if function is None or incident.own or model.role(incident.site) in _EXEMPT:
            continue
        confidence = Confidence.likely
        if model.is_hook(incident.function):
            where = f"the event hook {function.node.name}()"
        elif model.is_of_entity(incident.function):
            where = f"{short(function.cls)}.{function.node.name}(), a method of an entity,"
        else:
            where = _LAYERS.get(model.layer(function.module), "")
            if not where or model.owns_transactions(incident.function):
                continue
            if any(model.layers[function.module].why.endswith(folder) for folder in _VAGUE):
                confidence = Confidence.possible
        verb = "rolls back" if incident.note == "rollback" else "commits"
        if incident.attr:
            verb, confidence = "has a block that commits", Confidence.possible
        half = "throws away what its caller has done" if incident.note == "rollback" else "stores half of a use case that may still fail"
        message = (
            f"{where} {verb}: it does not know when the use case is complete, and {half}; flush here, and leave commit and rollback to the"
            " unit of work, service or handler that owns the transaction"
        )
        yield model.finding(CODE, NAME, incident.site, message, confidence, symbol=incident.function)


RULE = Rule(CODE, NAME, "Commit or rollback in a repository, the domain, an entity or an event hook.", check)
