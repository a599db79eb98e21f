"""ORM109: a domain class carries a surrogate key, a foreign key or an optional that only its table needs."""

from __future__ import annotations

from collections.abc import Iterator

from ormlint.findings import Confidence, Finding
from ormlint.rules.rule import Rule
from ormlint.semantics.model import Model
from ormlint.semantics.revealing import short

CODE, NAME = "ORM109", "storage-detail-in-domain"


def check(model: Model) -> Iterator[Finding]:
    for cls, field, site, mapped, why in model.storage_details():
        message = (
            f"{short(cls)}.{field} is there because {short(mapped)} has {why}: the domain has no meaning for it and no value until the"
            " row is stored; identify by what the domain knows, and keep the link in persistence"
        )
        yield model.finding(CODE, NAME, site, message, Confidence.likely, symbol=cls)


RULE = Rule(CODE, NAME, "A domain class carries a key or an optional that only its table needs.", check, preview=True)
