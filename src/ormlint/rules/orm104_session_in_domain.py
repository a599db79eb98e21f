"""ORM104: domain code takes, stores or builds a session, engine, connection, statement or result."""

from __future__ import annotations

from collections.abc import Iterator

from ormlint.findings import Confidence, Finding
from ormlint.rules.rule import Rule
from ormlint.semantics.boundary import handle_words
from ormlint.semantics.model import Model
from ormlint.semantics.values import Session

CODE, NAME = "ORM104", "session-in-domain"
_CURE = "let the domain ask a port, and keep this in persistence"


def check(model: Model) -> Iterator[Finding]:
    constructed: set[str] = set()
    shared: set[tuple[str, object]] = set()
    for item in model.crossings("takes"):
        function = item.function
        if function.endswith(".__init__"):
            constructed.add(function.removesuffix(".__init__"))
        what = handle_words(item.value)
        if isinstance(item.value, Session) and item.value.id.kind == "global" and not item.name:
            # One session that all of a module's functions share is one value.
            if (item.site.path, item.value.id) in shared:
                continue
            shared.add((item.site.path, item.value.id))
        where = f"the parameter {item.name} is {what}" if item.name else f"{what} comes in here"
        message = f"{where}, in the domain: business rules now decide when SQL runs and need a database to be tested; {_CURE}"
        yield model.finding(CODE, NAME, item.site, message, Confidence.likely, model.handed(item), symbol=function)
    for info, name, site, handle in model.declared_handles():
        if info.id not in constructed:
            where = f"the field {name} is {handle_words(handle)}"
            message = f"{where}, in the domain: business rules now decide when SQL runs and need a database to be tested; {_CURE}"
            yield model.finding(CODE, NAME, site, message, Confidence.certain, symbol=info.id)


RULE = Rule(CODE, NAME, "Domain code takes, stores or builds a session, engine, connection, statement or result.", check)
