"""ORM103: a declarative model is defined in a domain module."""

from __future__ import annotations

from collections.abc import Iterator

from ormlint.findings import Confidence, Finding
from ormlint.rules.rule import Rule
from ormlint.semantics.model import Model
from ormlint.semantics.values import Site

CODE, NAME = "ORM103", "mapped-class-in-domain"


def check(model: Model) -> Iterator[Finding]:
    for info in model.models():
        assert info.model is not None
        if info.model.style == "imperative" or model.layer(info.module) != "domain":
            continue
        path = model.symbols.modules[info.module].path
        site = Site(path, info.node.start, info.node.name_start + len(info.name))
        what = f"{info.name} is a mapped class in the domain: its shape, its state and its equality are the ORM's"
        message = f"{what}; keep a plain class here and map it in persistence"
        yield model.finding(CODE, NAME, site, message, Confidence.certain, symbol=info.id)


RULE = Rule(CODE, NAME, "A declarative model is defined in a domain module.", check)
