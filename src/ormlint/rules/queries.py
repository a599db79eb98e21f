"""What the rules about queries in loops share: which statements count, and words for them."""

from __future__ import annotations

from collections.abc import Sequence

from ormlint.semantics.events import Event
from ormlint.semantics.observations import Repeated

_OTHERS = frozenset({"merge", "merge_all"})
_STATEMENTS = frozenset({"execute", "write"})
CURES = {
    "SELECT": "query them all at once before the loop (in_(), a join) and look them up in a dictionary",
    "statement": "send one statement for all of them",
}


def is_sent(item: Repeated) -> bool:
    """Whether the event is a statement that the code itself sends."""
    event = item.event
    return event.how in _STATEMENTS if event.kind == "write" else event.how not in _OTHERS


def what(events: Sequence[Event]) -> tuple[str, str]:
    """The statements in words, `one SELECT of Order`, and the kind of their cure."""
    notes = list(dict.fromkeys(note for event in events if (note := _note(event))))
    reads = [event for event in events if event.kind == "query"]
    verb = "SELECT" if reads and notes and notes[0].startswith("SELECT") else "statement"
    if len(events) == 1:
        return (f"one {notes[0]}" if notes else f"one {verb}"), verb
    listed = f" ({', '.join(notes[:3])}{', …' if len(notes) > 3 else ''})" if notes else ""
    return f"up to {len(events)} statements{listed}", verb


def _note(event: Event) -> str:
    note = event.note.strip()
    verb, _, of = note.partition(" ")
    return f"{verb} of {of}" if of and verb.isupper() else note if verb.isupper() else ""


def deepest(events: Sequence[Event]) -> Event:
    """The event to name: the first."""
    return events[0]
