"""What an event at run time means for the rules: which kinds bear a rule out, and which rule speaks of a site. Data and look-ups only."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple


class Evidence(NamedTuple):
    """What bears a rule out: events of these kinds, of these classes where any are named; `repeated` within one activation."""

    kinds: frozenset[str]
    repeated: bool = False
    classes: frozenset[str] = frozenset()
    noun: str = "SELECTs"


def _evidence(kinds: str, *, repeated: bool = False, classes: str = "", noun: str = "SELECTs") -> Evidence:
    return Evidence(frozenset(kinds.split()), repeated, frozenset(classes.split()), noun)


EVIDENCE: Final = {
    "ORM107": _evidence("query dml lazy core"),
    "ORM201": _evidence("commit", repeated=True, noun="commits"),
    "ORM202": _evidence("commit", repeated=True, noun="commits"),
    "ORM203": _evidence("commit rollback", noun="commits and rollbacks"),
    "ORM205": _evidence("error", classes="PendingRollbackError", noun="PendingRollbackErrors"),
    "ORM206": _evidence("error", classes="InvalidRequestError ResourceClosedError", noun="errors"),
    "ORM207": _evidence("error", classes="InvalidRequestError", noun="errors"),
    "ORM208": _evidence("external", noun="calls with a transaction open"),
    "ORM211": _evidence("commit", repeated=True, noun="commits"),
    "ORM212": _evidence("flush", noun="flushes"),
    "ORM301": _evidence("leak", noun="sessions collected while open"),
    "ORM303": _evidence("leak", noun="sessions collected while open"),
    "ORM306": _evidence("error", classes="InvalidRequestError", noun="errors"),
    "ORM401": _evidence("lazy deferred expired", repeated=True),
    "ORM402": _evidence("lazy deferred expired"),
    "ORM403": _evidence("error", classes="DetachedInstanceError", noun="DetachedInstanceErrors"),
    "ORM404": _evidence("error", classes="MissingGreenlet", noun="MissingGreenlets"),
    "ORM405": _evidence("expired lazy deferred", repeated=True),
    "ORM406": _evidence("lazy deferred expired"),
    "ORM407": _evidence("lazy deferred expired"),
    "ORM408": _evidence("query dml core", repeated=True),
    "ORM409": _evidence("query dml core", repeated=True),
    "ORM410": _evidence("cascade lazy refresh query", repeated=False),
    "ORM411": _evidence("flush", repeated=True, noun="flushes"),
    "ORM412": _evidence("lazy query"),
    "ORM413": _evidence("error", classes="InvalidRequestError", noun="errors"),
}
"""Rules of which a run can say something. The others are about code, not about what happens."""

FAMILIES: Final = (
    (frozenset({"lazy", "deferred", "expired"}), frozenset({"ORM401", "ORM402", "ORM405", "ORM406", "ORM407", "ORM410", "ORM412"})),
    (frozenset({"query", "dml", "core"}), frozenset({"ORM401", "ORM408", "ORM409", "ORM410", "ORM411", "ORM412", "ORM107"})),
    (frozenset({"commit"}), frozenset({"ORM201", "ORM202", "ORM211"})),
    (frozenset({"error"}), frozenset({"ORM205", "ORM206", "ORM207", "ORM306", "ORM403", "ORM404", "ORM413"})),
    (frozenset({"leak"}), frozenset({"ORM301", "ORM303", "ORM305"})),
    (frozenset({"external"}), frozenset({"ORM208", "ORM209", "ORM210"})),
)
"""Kinds of events, and the rules any of which speaks of a site of that kind."""

NAMES: Final = {
    "ORM201": "commit-in-loop",
    "ORM202": "commit-hidden-in-loop",
    "ORM205": "error-without-rollback",
    "ORM208": "io-in-transaction",
    "ORM301": "session-not-closed",
    "ORM303": "session-held-by-object",
    "ORM401": "lazy-load-in-loop",
    "ORM402": "lazy-load-behind-property",
    "ORM403": "lazy-load-after-scope",
    "ORM404": "lazy-load-in-async",
    "ORM405": "load-undone",
    "ORM408": "query-in-loop",
    "ORM410": "write-that-reads",
    "ORM411": "autoflush-in-loop",
}
_ACCESSOR = re.compile(r"\.__(?:repr|str|eq|hash|format|len|bool)__$")


def speaking_of(kind: str) -> frozenset[str]:
    """The codes any of which covers a site of a kind."""
    return next((codes for kinds, codes in FAMILIES if kind in kinds), frozenset())


def rule_for(kind: str, cls: str | None, function: str, loop: str | None, attr: str | None = None) -> str | None:
    """The rule that a site shows broken, or None where nothing is wrong with it by itself."""
    if kind == "error":
        return {"DetachedInstanceError": "ORM403", "MissingGreenlet": "ORM404", "PendingRollbackError": "ORM205"}.get(cls or "")
    if kind == "leak":
        return "ORM303" if function.endswith(".__init__") else "ORM301"
    if kind == "external":
        return "ORM208"
    if kind in ("lazy", "deferred"):
        return "ORM401" if loop else "ORM402" if _ACCESSOR.search(function) else None
    if not loop:
        return None
    if kind == "commit":
        return "ORM202" if loop == "call" else "ORM201"
    if kind == "flush":
        return "ORM411" if attr == "autoflush" else None
    return {"expired": "ORM405", "query": "ORM408", "core": "ORM408", "dml": "ORM408", "cascade": "ORM410"}.get(kind)


def described(kind: str, cls: str | None, attr: str | None) -> str:
    """What happens at a site, as a sentence without its place."""
    what = ".".join(part for part in (cls, attr) if part)
    sentences = {
        "lazy": f"{what} is loaded because it is read",
        "deferred": f"the deferred column {what} is loaded because it is read",
        "expired": f"{what} had been expired and is loaded again because it is read",
        "cascade": f"{what} is loaded by a write",
        "query": f"queries {cls}" if cls else "runs a query",
        "dml": f"writes {cls}" if cls else "runs a statement that writes",
        "core": f"runs a statement ({attr})",
        "flush": "a query flushes first",
        "commit": "commits",
        "error": f"{cls} is raised",
        "leak": "a session that is made here is collected while its transaction is open",
        "external": f"{attr} while a transaction is open",
    }
    return sentences.get(kind, f"{kind} {what}".rstrip())


def titled(code: str | None) -> str:
    """A code with its name, for a person to read."""
    return "" if code is None else f"{code} {NAMES[code]}" if code in NAMES else code


def noun_for(kinds: Sequence[str]) -> str:
    """What events of these kinds are called."""
    nouns = {"commit": "commits", "rollback": "rollbacks", "flush": "flushes", "error": "errors", "leak": "sessions collected while open"}
    nouns["external"] = "calls with a transaction open"
    return nouns.get(kinds[0], "SELECTs") if kinds else "events"
