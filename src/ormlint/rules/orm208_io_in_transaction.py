"""ORM208: a call that leaves the process, or waits, while the session's transaction is open."""

from __future__ import annotations

from collections.abc import Iterator

from ormlint.findings import Confidence, Finding
from ormlint.rules.loops import EXEMPT_ROLES
from ormlint.rules.rule import Rule
from ormlint.semantics.model import Model
from ormlint.semantics.values import Site

CODE, NAME = "ORM208", "io-in-transaction"
MANY = 4
"""One external call that so many places reach more than is one finding: what calls out is to be mended, not each caller."""
_QUICK = frozenset({"cache", "socket"})
"""What answers in a fraction of a millisecond is no reason to end a transaction."""
_DOES = {
    "http": "sends an HTTP request",
    "mail": "sends a mail",
    "queue": "publishes a message or task",
    "process": "runs a process",
    "sleep": "waits",
    "llm": "asks a language model",
    "storage": "goes to a storage service",
    "cloud": "goes to a cloud service",
    "payment": "goes to a payment service",
    "sms": "sends a text message",
    "chat": "sends a chat message",
    "rpc": "makes a remote call",
    "search": "asks a search engine",
}
_PREPARES = (".connect", ".login", ".starttls")
"""Of a mail client; what sends is reported."""


def check(model: Model) -> Iterator[Finding]:
    callers: dict[Site, int] = {}
    incidents = list(model.incidents("call_out"))
    for incident in incidents:
        end = incident.via[-1].site if incident.via else incident.site
        callers[end] = callers.get(end, 0) + (incident.confidence >= Confidence.likely)
    told: set[Site] = set()
    for incident in incidents:
        if incident.note in _QUICK or model.role(incident.site) in EXEMPT_ROLES:
            continue
        if incident.note == "mail" and incident.attr.endswith(_PREPARES):
            continue
        end = incident.via[-1].site if incident.via else incident.site
        others = ""
        if callers[end] > MANY and incident.confidence >= Confidence.likely:
            if end in told:
                continue
            told.add(end)
            others = f" (the same at {callers[end] - 1} other places that come to {model.text(end)})"
        does = _DOES.get(incident.note, "calls out")
        far = f" ({len(incident.via)} calls down)" if len(incident.via) > 1 else ""
        subject = f"this call {does}{far}" if incident.via else does
        opened = model.text(incident.steps[-1].site) if incident.steps else "an earlier statement"
        message = (
            f"{subject} while the transaction that {opened} has opened is still open: its connection and its locks are held as long as this"
            f" takes{others}; commit or close the session before it, and write what comes back in a second transaction"
        )
        trail = (*model.steps(incident.steps), *model.steps(incident.via))
        yield model.finding(CODE, NAME, incident.site, message, Confidence(incident.confidence), trail, incident.function)


RULE = Rule(CODE, NAME, "An external call or a wait while the session's transaction is open.", check)
