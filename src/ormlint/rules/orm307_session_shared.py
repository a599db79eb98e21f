"""ORM307: one session goes to work that runs at the same time."""

from __future__ import annotations

from collections.abc import Iterator

from ormlint.findings import Finding
from ormlint.rules.loops import EXEMPT_ROLES
from ormlint.rules.rule import Rule
from ormlint.semantics.model import Model

CODE, NAME = "ORM307", "session-shared"
_WHAT = {
    "task": "tasks that run at the same time use one session: it raises while its connection opens, and an error of one fails all",
    "thread": "threads use one session at the same time: it has no lock, and its state and identity map break",
    "process": "a session goes to another process: both would speak on the same connection",
    "queue": "a session goes into a task or message: it cannot be written as text, and belongs to this process's connection",
}
_INSTEAD = "let each make a session of its own, or run one after the other"


def check(model: Model) -> Iterator[Finding]:
    outliving = {item.event.site for item in model.misuses("outlives")}
    for item in model.misuses("shared"):
        event = item.event
        if model.role(event.site) in EXEMPT_ROLES or event.site in outliving or event.session is None:
            continue
        other = item.other
        trail = (model.step(other, "uses the same session"),) if other is not None and other != event.site else ()
        yield model.finding(CODE, NAME, event.site, f"{_WHAT[event.how]}; {_INSTEAD}", trail=trail, symbol=item.function)


RULE = Rule(CODE, NAME, "One session goes to concurrent tasks, threads or processes.", check)
