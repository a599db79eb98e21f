"""Words that few files contain: whoever looks for what cannot be said without one of them passes over the other files.

Takes a text, gives words. Knows nothing of what they mean, nor whether they stand in code, a string or a comment.
"""

from __future__ import annotations

MARKS = (
    *("map_imperatively", "mapper", "expire_on_commit"),
    *("sessionmaker", "create_session", "Session(", "Session (", "Session as ", "SQLAlchemy(", "SQLAlchemy (", "SQLAlchemy as "),
)


def marks_in(text: str) -> tuple[str, ...]:
    """The marks that a text contains."""
    return tuple([mark for mark in MARKS if mark in text])
