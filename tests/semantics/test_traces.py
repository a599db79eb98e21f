"""What computations are known by in files, and what tells which of two observations comes first."""

from __future__ import annotations

from ormlint.semantics.events import Event, Live, Lost
from ormlint.semantics.traces import encoded
from ormlint.semantics.values import SessionId, Site


def test_a_call_after_several_transactions_has_one_spelling():
    ids = [SessionId("made", Site("jobs.py", at, at + 5), "") for at in range(40, 80, 10)]
    one = Event("callout", Site("jobs.py", 1, 2), settled=frozenset(ids))
    other = Event("callout", Site("jobs.py", 1, 2), settled=frozenset(reversed(ids)))
    assert encoded(one) == encoded(other)


def test_objects_that_lost_several_attributes_have_one_spelling():
    lost = [Lost(name, Site("jobs.py", 4, 9), "flush") for name in ("updated_at", "version", "total")]
    assert encoded(Live(lost=frozenset(lost))) == encoded(Live(lost=frozenset(reversed(lost))))
