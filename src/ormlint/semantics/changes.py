"""What changes, while functions are run, of the tables that are asked meanwhile. Data only."""

from __future__ import annotations

from typing import Union

import msgspec

from ormlint.semantics.events import SessionState
from ormlint.semantics.values import SessionId, Value


class Change(msgspec.Struct, frozen=True, array_like=True):
    """A table that is asked while functions are run has changed: its name, what of it, and the new value where it has any."""

    table: str
    name: tuple[str, ...] = ()
    session: Union[SessionId, None] = None
    value: Union[Value, None] = None
    state: Union[SessionState, None] = None


class Done(msgspec.Struct, frozen=True, array_like=True):
    """One step of a run: what was run, what then changed of the tables that are asked meanwhile, and why what it found may depend on what
    was run before it."""

    name: str
    changes: tuple[Change, ...] = ()
    unsteady: str = ""
