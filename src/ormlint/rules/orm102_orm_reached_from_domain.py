"""ORM102: a domain module imports a module that, through further imports, reaches the ORM."""

from __future__ import annotations

from collections.abc import Iterator

from ormlint.findings import Confidence, Finding
from ormlint.rules.rule import Rule
from ormlint.semantics.model import Model
from ormlint.semantics.values import Site

CODE, NAME = "ORM102", "orm-reached-from-domain"


def check(model: Model) -> Iterator[Finding]:
    for scope in model.modules():
        if model.layer(scope.name) != "domain":
            continue
        for statement in model.imports_of(scope.name):
            if statement.type_checking and model.config.allow_type_checking_imports:
                continue
            if any(model.orm_import(scope.name, statement, name) for name in statement.names):
                continue  # ORM101
            chain = model.chain_to_orm(scope.name, statement)
            if not chain:
                continue
            first = chain[0].module
            message = (
                f"importing {first} brings the ORM into the domain, over {len(chain)} import{'' if len(chain) == 1 else 's'} behind it;"
                " let the domain define a port that persistence implements, or move what it needs to a module without the ORM"
            )
            trail = tuple(model.step(link.site, f"{link.module} imports {link.target}") for link in chain)
            site = Site(scope.path, statement.start, statement.end)
            yield model.finding(CODE, NAME, site, message, Confidence.certain, trail, symbol=scope.name)


RULE = Rule(CODE, NAME, "A domain module imports a module that reaches the ORM through further imports.", check)
