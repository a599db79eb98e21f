"""Whether a project's sessions keep their objects over a commit, for sessions whose factory is not at hand.

Data only; `expiry` reads it from what the project says.
"""

from __future__ import annotations

from typing import Union

import msgspec


class Habits(msgspec.Struct, frozen=True):
    """`expire_on_commit` where no factory is at hand: True, False, or None where it is not known."""

    plain: Union[bool, None] = True
    asynchronous: Union[bool, None] = True
    flask: Union[bool, None] = True
    configured: Union[bool, None] = True
    """What a factory has that says nothing itself: `configure(expire_on_commit=…)` somewhere else may say it."""

    def of(self, is_async: bool) -> bool | None:
        return self.asynchronous if is_async else self.plain
