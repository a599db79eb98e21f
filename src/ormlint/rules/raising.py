"""What the rules of reads that raise share: which attribute, and what it was lost by."""

from __future__ import annotations

from ormlint.semantics.events import Event
from ormlint.semantics.revealing import short

_CAUSES = {
    "commit": "commit",
    "rollback": "rollback",
    "failure": "rollback",
    "expire_all": "expire_all()",
    "expire": "expire()",
    "flush": "UPDATE",
}

RETURNING = '__mapper_args__ = {"eager_defaults": True}'
"""What has an UPDATE give back what the database made."""


def what_was_read(event: Event) -> str:
    """The attribute, by its class: `Order.lines`."""
    return f"{short(event.entity.model)}.{event.attr}" if event.entity is not None else event.attr


def lost(event: Event) -> str:
    """The word for what expired the attribute; "" where it was never loaded."""
    return _CAUSES.get(event.note, "")
