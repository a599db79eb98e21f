"""ORM112: an Alembic revision imports application models."""

from __future__ import annotations

from collections.abc import Iterator

from ormlint.findings import Confidence, Finding
from ormlint.rules.rule import Rule
from ormlint.semantics.model import Model
from ormlint.semantics.values import Site

CODE, NAME = "ORM112", "model-imported-in-migration"


def check(model: Model) -> Iterator[Finding]:
    for scope in model.modules():
        if not model.is_revision(scope.name):
            continue
        for statement in model.imports_of(scope.name):
            if statement.type_checking:
                continue
            found = next((what for name in statement.names if (what := model.imported_model(scope.name, statement, name))), "")
            if found:
                message = (
                    f"the revision imports {found}: it describes today's schema, and the revision runs on the schema of its day;"
                    " describe what it needs with sa.table() and sa.column()"
                )
                site = Site(scope.path, statement.start, statement.end)
                yield model.finding(CODE, NAME, site, message, Confidence.certain, symbol=scope.name)


RULE = Rule(CODE, NAME, "An Alembic revision imports application models.", check)
