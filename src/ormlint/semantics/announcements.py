"""Calls that tell somebody outside of the process what is not committed yet.

Takes a frame and the event of an external call. A message, a task or a mail that leaves while some session has changes to commit is
noted: whoever receives it may look for rows that are not there.
"""

from __future__ import annotations

from collections.abc import Mapping

from ormlint.facts import records as r
from ormlint.semantics.frame import Frame
from ormlint.semantics.state import Event, SessionState
from ormlint.semantics.values import SessionId

ANNOUNCING = frozenset({"queue", "mail", "sms", "chat"})
"""The categories of calls that tell somebody else."""
_PUBLISHING = frozenset({"publish", "xadd", "lpush", "rpush"})
_PREPARING = frozenset(
    {"connect", "login", "starttls", "flush", "poll", "channel", "quit", "conversations_list", "users_info", "views_open"}
)
_KEYED = "idempot"


def announces(event: Event) -> bool:
    """Whether an external call tells somebody of something: it sends, publishes, enqueues."""
    name = event.attr.rsplit(".", 1)[-1]
    if event.note == "cache":
        return name in _PUBLISHING
    return event.note in ANNOUNCING and name not in _PREPARING


def announced(frame: Frame, event: Event, before: Mapping[SessionId, SessionState] | None = None) -> None:
    """Notes an announcement that comes before the commit. `before` is what was known ahead of the call that leads to it: what the callee
    has written by itself is judged there."""
    if event.exceptional or frame.dead or not announces(event):
        return
    for id, known in frame.state.sessions.items():
        if known.written is None:
            continue
        if before is not None:
            earlier = before.get(id)
            if earlier is None or earlier.written != known.written:
                continue
        frame.note("announced-early", event, known.written)
        return


def is_keyed(node: r.Node) -> bool:
    """Whether the call carries a key by which its receiver knows a repetition: an argument or a header of such a name."""
    if not isinstance(node, r.Call):
        return False
    for arg in node.args:
        if arg.keyword is not None and _KEYED in arg.keyword.lower():
            return True
        if isinstance(arg.value, r.Dict):
            for key in arg.value.keys:
                if isinstance(key, r.Const) and isinstance(key.value, str) and _KEYED in key.value.lower():
                    return True
    return False
