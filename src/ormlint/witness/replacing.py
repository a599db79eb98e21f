"""Other people's attributes with ours in their place: put there, and taken away again so that nothing is left of it.

Takes a class or module, the name of an attribute and what stands in for it. Knows nothing of what is recorded.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def replace(owner: Any, name: str, wrapper: Any) -> Callable[[], None]:
    """Puts `wrapper` in the place of an attribute, the owner's own or an inherited one.

    Returns the function that puts back what was there; where somebody else has replaced it since, that one leaves it alone.
    """
    own = name in vars(owner)
    kept = vars(owner).get(name)
    setattr(owner, name, wrapper)

    def undo() -> None:
        if vars(owner).get(name) is wrapper:
            if own:
                setattr(owner, name, kept)
            else:
                delattr(owner, name)

    return undo
