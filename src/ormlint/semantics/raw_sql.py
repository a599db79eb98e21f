"""What a statement that is written as text does: which table it changes, which columns it sets, whether it locks.

Takes SQL; knows nothing of sessions. Only what can be read with certainty is told: a statement that is put together at run time, or that
names its table by a placeholder, tells nothing.
"""

from __future__ import annotations

import re

_NAME = r'(?:[\w$]+\.)*["`\[]?(?P<table>[A-Za-z_][\w$]*)["`\]]?'
_UPDATE = re.compile(rf"\s*(?:WITH\b.*?\)\s*)?UPDATE\s+(?:ONLY\s+|OR\s+\w+\s+)?{_NAME}.*?\bSET\b(?P<sets>.*)", re.IGNORECASE | re.DOTALL)
_SET_END = re.compile(r"\b(?:WHERE|FROM|RETURNING)\b", re.IGNORECASE)
_SET = re.compile(r"(?:^|,)\s*[\"`\[]?(\w+)[\"`\]]?\s*=")
_NESTED = re.compile(r"\([^()]*\)")
_LOCKING = re.compile(
    r"\bFOR\s+(?:NO\s+KEY\s+)?(?:UPDATE|SHARE)\b|\bLOCK\s+TABLE|advisory_(?:xact_)?lock|\bget_lock\s*\(|\bapplock\b"
    r"|\bBEGIN\s+(?:IMMEDIATE|EXCLUSIVE)|\bSERIALIZABLE\b|\bLOCK\s+IN\s+SHARE",
    re.IGNORECASE,
)
_EVERYTHING = ("*",)


def updated(sql: str) -> tuple[str, tuple[str, ...]] | None:
    """The table that an UPDATE changes and the columns that it sets; None for every other statement."""
    found = _UPDATE.match(sql)
    if found is None:
        return None
    sets = found.group("sets")
    while (flat := _NESTED.sub("", sets)) != sets:
        sets = flat
    end = _SET_END.search(sets)
    columns = tuple(name for name in _SET.findall(sets[: end.start()] if end else sets))
    return found.group("table"), columns or _EVERYTHING


def locks(sql: str) -> bool:
    """Whether a statement takes a lock: of rows, of a table, or an advisory one."""
    return _LOCKING.search(sql) is not None
