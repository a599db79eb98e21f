"""ORM101: a domain module imports an entity class, a session, a declarative base or an ORM package."""

from __future__ import annotations

from collections.abc import Iterator

from ormlint.findings import Confidence, Finding
from ormlint.rules.rule import Rule
from ormlint.semantics.model import Model, is_orm_package
from ormlint.semantics.values import Site

CODE, NAME = "ORM101", "orm-import-in-domain"


def check(model: Model) -> Iterator[Finding]:
    for scope in model.modules():
        if model.layer(scope.name) != "domain":
            continue
        for statement in model.imports_of(scope.name):
            if statement.type_checking and model.config.allow_type_checking_imports:
                continue
            reasons = [reason for reason in (model.orm_import(scope.name, statement, name) for name in statement.names) if reason]
            if not reasons:
                continue
            site = Site(scope.path, statement.start, statement.end)
            message = f"{reasons[0]}, in the domain: the business rules now need the ORM; let persistence depend on the domain"
            yield model.finding(CODE, NAME, site, message, Confidence.certain, symbol=scope.name)
        for site, name in model.imports_by_name(scope.name):
            if is_orm_package(name):
                message = (
                    f"imports {name} by its name, in the domain: the business rules now need the ORM; let persistence depend on the domain"
                )
                yield model.finding(CODE, NAME, site, message, Confidence.certain, symbol=scope.name)


RULE = Rule(CODE, NAME, "A domain module imports an entity, a session, a declarative base or an ORM package.", check)
