"""ORM301: a session is made, and some way out of its owner leaves it open."""

from __future__ import annotations

from collections.abc import Iterator

from ormlint.findings import Confidence, Finding
from ormlint.rules.loops import EXEMPT_ROLES
from ormlint.rules.rule import Rule
from ormlint.semantics.model import Model
from ormlint.semantics.values import noun

CODE, NAME = "ORM301", "session-not-closed"
_WORDS = {
    "return": "this return leaves it open",
    "raise": "this raise leaves it open",
    "end": "the function ends and it is still open",
    "yield": "what is thrown in at this yield leaves it open",
    "again": "the next iteration makes another one while it is open",
}


def check(model: Model) -> Iterator[Finding]:
    for made in model.made_sessions():
        if made.place != "local" or model.role(made.site) in EXEMPT_ROLES:
            continue
        name = made.function.rsplit(".", 1)[-1].rsplit(":", 1)[-1]
        if name in ("main", "") or model.role(made.site) == "script" or model.is_command(made.function):
            continue
        kinds = {kind for kind, _ in made.exits}
        what = f"this {noun(made.session)}"
        message = f"{what} is not closed on every way out: its connection stays checked out; use `with`, or close it in a `finally`"
        confidence = Confidence.possible if kinds == {"exception"} else Confidence.likely
        trail = tuple(model.step(site, _WORDS[kind]) for kind, site in made.exits if kind in _WORDS and kind != "end")
        if kinds == {"end"}:
            message = f"{what} is never closed: its connection stays checked out until the garbage collector comes; use `with`"
        if kinds == {"exception"}:
            message = f"an exception between here and the close leaves {what} open; use `with`, or close it in a `finally`"
        yield model.finding(CODE, NAME, made.site, message, confidence, trail, made.function)


RULE = Rule(CODE, NAME, "A session is made and not closed on every path.", check)
