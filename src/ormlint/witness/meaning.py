"""What an event at run time means for the rules: which kinds bear a rule out, and which rule speaks of a site. Data and look-ups only."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple


class Evidence(NamedTuple):
    """What bears a rule out: events of these kinds, for errors of these classes; `repeated`: more than once within one activation."""

    kinds: frozenset[str]
    repeated: bool = False
    classes: frozenset[str] = frozenset()
    noun: str = "SELECTs"
    elsewhere: bool = False
    """The event happens at the last step of the trail, not where the finding stands."""
    least: int = 1
    """How many events there must be."""
    silent: str = ""
    """Why a line that ran without the event refutes nothing; "" where it does refute."""


def _evidence(
    kinds: str,
    *,
    repeated: bool = False,
    classes: str = "",
    noun: str = "SELECTs",
    elsewhere: bool = False,
    least: int = 1,
    silent: str = "",
) -> Evidence:
    return Evidence(frozenset(kinds.split()), repeated, frozenset(classes.split()), noun, elsewhere, least, silent)


_REPLACED: Final = "the line ran on no real session: tests may replace it"
_OUTSIDE: Final = "the line ran, but nothing outside was called while a transaction was open: tests may replace what calls"

_NOT_TOGETHER: Final = "the line ran, but nobody was seen to use a session while another was at work with it"

EVIDENCE: Final = {
    "ORM107": _evidence("query dml lazy core"),
    "ORM201": _evidence("commit", repeated=True, noun="commits", silent=_REPLACED),
    "ORM202": _evidence("commit", repeated=True, noun="commits"),
    "ORM203": _evidence("commit rollback", noun="commits and rollbacks", silent=_REPLACED),
    "ORM204": _evidence("lost", noun="sessions closed with uncommitted rows", silent="the record does not say that its rows were lost"),
    "ORM205": _evidence("error", classes="PendingRollbackError", noun="PendingRollbackErrors", elsewhere=True),
    "ORM206": _evidence("error", classes="InvalidRequestError ResourceClosedError", noun="errors", elsewhere=True),
    "ORM207": _evidence("error", classes="InvalidRequestError", noun="errors"),
    "ORM208": _evidence("external", noun="calls with a transaction open", silent=_OUTSIDE),
    "ORM209": _evidence("external", noun="calls with a transaction open", silent=_OUTSIDE),
    "ORM210": _evidence("external", repeated=True, noun="calls with a transaction open", silent=_OUTSIDE),
    "ORM211": _evidence("commit", repeated=True, noun="commits", silent=_REPLACED),
    "ORM212": _evidence("flush", noun="flushes", silent="the line ran, and there was nothing to send"),
    "ORM301": _evidence("leak left", noun="sessions left open"),
    "ORM302": _evidence("session", noun="sessions made"),
    "ORM303": _evidence("leak left", noun="sessions left open"),
    "ORM304": _evidence("engine factory", noun="engines made here", least=2, silent="the line ran, and no engine was made here"),
    "ORM305": _evidence("reopened error", classes="ResourceClosedError InvalidRequestError DetachedInstanceError", noun="uses when closed"),
    "ORM306": _evidence("error", classes="InvalidRequestError", noun="errors"),
    "ORM307": _evidence("shared", noun="uses while another was at work", silent=_NOT_TOGETHER),
    "ORM310": _evidence("query dml core lazy deferred expired refresh cascade flush commit rollback", noun="blocking round trips"),
    "ORM401": _evidence("lazy deferred expired", repeated=True),
    "ORM402": _evidence("lazy deferred expired"),
    "ORM403": _evidence("error", classes="DetachedInstanceError", noun="DetachedInstanceErrors"),
    "ORM404": _evidence("error", classes="MissingGreenlet", noun="MissingGreenlets"),
    "ORM405": _evidence("expired lazy deferred", repeated=True),
    "ORM406": _evidence("lazy deferred expired"),
    "ORM407": _evidence("lazy deferred expired"),
    "ORM408": _evidence("query dml core", repeated=True),
    "ORM409": _evidence("query dml core", repeated=True),
    "ORM410": _evidence("cascade lazy refresh query"),
    "ORM411": _evidence("flush", repeated=True, noun="flushes"),
    "ORM412": _evidence("lazy query core"),
    "ORM413": _evidence("error", classes="InvalidRequestError", noun="errors"),
}
"""Rules of which a run can say something."""

_STRUCTURE: Final = "it is about the code, not about what happens"
_VALUES: Final = "a record holds events, no values"
_TOGETHER: Final = "it takes two transactions at once, and a record does not say which ones met"
_TASKS: Final = "a record does not say which task or thread a session belongs to"

UNDECIDABLE: Final = {
    **dict.fromkeys(("ORM101", "ORM102", "ORM103", "ORM104", "ORM108", "ORM109", "ORM112"), _STRUCTURE),
    **dict.fromkeys(("ORM105", "ORM106", "ORM110", "ORM111", "ORM503", "ORM504", "ORM505", "ORM506"), _VALUES),
    **dict.fromkeys(("ORM501", "ORM502", "ORM507"), _TOGETHER),
    **dict.fromkeys(("ORM308", "ORM309"), _TASKS),
    "ORM311": "a record holds what was sent, not what was never awaited",
}
"""Rules of which no run can say anything, and why."""

FAMILIES: Final = (
    (
        frozenset({"lazy", "deferred", "expired", "cascade", "refresh"}),
        frozenset({"ORM401", "ORM402", "ORM405", "ORM406", "ORM407", "ORM410", "ORM412"}),
    ),
    (frozenset({"query", "dml", "core"}), frozenset({"ORM401", "ORM408", "ORM409", "ORM410", "ORM411", "ORM412", "ORM107"})),
    (frozenset({"flush"}), frozenset({"ORM408", "ORM409", "ORM410", "ORM411", "ORM212"})),
    (frozenset({"commit"}), frozenset({"ORM201", "ORM202", "ORM211"})),
    (frozenset({"error"}), frozenset({"ORM205", "ORM206", "ORM207", "ORM305", "ORM306", "ORM403", "ORM404", "ORM413"})),
    (frozenset({"leak"}), frozenset({"ORM301", "ORM302", "ORM303", "ORM305"})),
    (frozenset({"external"}), frozenset({"ORM208", "ORM209", "ORM210"})),
    (frozenset({"shared"}), frozenset({"ORM307", "ORM308", "ORM309"})),
)
"""Kinds of events, and the rules any of which speaks of a site of that kind."""

NAMES: Final = {
    "ORM201": "commit-in-loop",
    "ORM202": "commit-hidden-in-loop",
    "ORM203": "commit-outside-unit-of-work",
    "ORM205": "error-without-rollback",
    "ORM208": "io-in-transaction",
    "ORM301": "session-not-closed",
    "ORM303": "session-held-by-object",
    "ORM307": "session-shared",
    "ORM401": "lazy-load-in-loop",
    "ORM402": "lazy-load-behind-property",
    "ORM403": "lazy-load-after-scope",
    "ORM404": "lazy-load-in-async",
    "ORM405": "load-undone",
    "ORM408": "query-in-loop",
    "ORM410": "write-that-reads",
    "ORM411": "autoflush-in-loop",
}
"""The rules that sites are named by."""
_AS_ORM: Final = {"select": "query", "eager": "query", "refresh": "expired", **dict.fromkeys(("insert", "update", "delete"), "dml")}
"""Statements by what a session does to send one."""
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
    if kind == "shared":
        return "ORM307"
    if kind in ("lazy", "deferred"):
        return "ORM401" if loop else "ORM402" if _ACCESSOR.search(function) else None
    if not loop:
        return None
    if kind == "commit":
        return "ORM202" if loop == "call" else "ORM201"
    if kind == "flush":
        return "ORM411" if attr == "autoflush" else None
    return {"expired": "ORM405", "query": "ORM408", "core": "ORM408", "dml": "ORM408", "cascade": "ORM410"}.get(kind)


def rule_of_line(kind: str, cls: str | None, function: str, loop: str | None, attr: str | None = None) -> str:
    """The rule for a line that did too much, with its name: the one that it breaks, else where it would break one."""
    code = rule_for(kind, cls, function, loop, attr)
    if code is not None:
        return titled(code)
    kind = _AS_ORM.get(kind, kind)
    code = rule_for(kind, cls, function, loop or "direct", "autoflush" if kind == "flush" else attr)
    if code is not None:
        return titled(code) if loop else f"in a loop: {titled(code)}"
    return f"outside the unit of work: {titled('ORM203')}" if kind in ("rollback", "db_rollback") else ""


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
        "shared": f"one {cls} is used while another task or thread is at work with it",
    }
    return sentences.get(kind, f"{kind} {what}".rstrip())


def titled(code: str | None) -> str:
    """A code with its name, for a person to read."""
    return "" if code is None else f"{code} {NAMES[code]}" if code in NAMES else code


def noun_for(kinds: Sequence[str]) -> str:
    """What events of these kinds are called."""
    nouns = {"commit": "commits", "rollback": "rollbacks", "flush": "flushes", "error": "errors", "leak": "sessions collected while open"}
    nouns |= {"external": "calls with a transaction open", "shared": "uses while another was at work"}
    return nouns.get(kinds[0], "SELECTs") if kinds else "events"
