"""ORM302: a session at module, class or default-argument level, shared by all that import it."""

from __future__ import annotations

from collections.abc import Iterator

from ormlint.findings import Finding
from ormlint.rules.loops import EXEMPT_ROLES
from ormlint.rules.rule import Rule
from ormlint.semantics.model import Model

CODE, NAME = "ORM302", "global-session"
_WORDS = {
    "module": "at the top of a module: everything that imports it shares one transaction and one identity map",
    "class": "on the class: all instances share one transaction and one identity map",
    "default": "in a default argument: it is made once, when the function is defined, and shared by all calls",
}


def check(model: Model) -> Iterator[Finding]:
    for made in model.made_sessions():
        if made.place not in _WORDS or model.role(made.site) in EXEMPT_ROLES or model.is_single_shot(made):
            continue
        message = f"this session is made {_WORDS[made.place]}, for as long as the process lives; make one for each unit of work"
        yield model.finding(CODE, NAME, made.site, message, symbol=made.function)


RULE = Rule(CODE, NAME, "A session at module, class or default-argument level.", check)
