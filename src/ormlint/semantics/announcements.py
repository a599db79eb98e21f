"""Calls that tell somebody outside of the process what is not committed yet.

Takes a frame and the event of an external call. A message, a task or a mail that leaves while some session has changes to commit is
noted: whoever receives it may look for rows that are not there.
"""

from __future__ import annotations

from collections.abc import Mapping

from ormlint.facts import records as r
from ormlint.semantics.events import SessionState
from ormlint.semantics.frame import Frame
from ormlint.semantics.values import SessionId, Site

ANNOUNCING = frozenset({"queue", "mail", "sms", "chat"})
"""The categories of calls that tell somebody else."""
_PUBLISHING = frozenset({"publish", "xadd", "lpush", "rpush"})
_PREPARING = frozenset(
    {"connect", "login", "starttls", "flush", "poll", "channel", "quit", "conversations_list", "users_info", "views_open"}
)
_WRITING = frozenset({"post", "put", "patch", "delete", "request"})
_KEYED = "idempot"


def announces(category: str, name: str) -> bool:
    """Whether an external call tells somebody of something: it sends, publishes, enqueues."""
    last = name.rsplit(".", 1)[-1]
    if category == "cache":
        return last in _PUBLISHING
    if name.startswith("boto3."):  # a client of a cloud has one method for each of its service's operations
        return category in ANNOUNCING and last.startswith(("send", "publish", "put", "start"))
    return category in ANNOUNCING and last not in _PREPARING


def changes_something(category: str, name: str) -> bool:
    """Whether a call has an effect outside that a second call repeats: a charge, a message, a request that is not a mere question."""
    last = name.rsplit(".", 1)[-1]
    if category == "http":
        return last in _WRITING
    return announces(category, name) or (category == "payment" and not last.startswith(("retrieve", "list", "get")))


def announces_early(frame: Frame, category: str, name: str, before: Mapping[SessionId, SessionState] | None = None) -> Site | None:
    """The change that is not committed yet while an external call tells somebody; None where there is none, or the call tells nothing.

    `before` is what was known ahead of the call that leads to it: what the callee has written by itself is judged there.
    """
    if frame.exceptional or frame.dead or not announces(category, name):
        return None
    for id, known in frame.state.sessions.items():
        earlier = known if before is None else before.get(id)
        if known.written is not None and earlier is not None and earlier.written == known.written:
            return known.written
    return None


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
