"""How deep code is nested, before the native parser sees it: LibCST's parser recurses and ends the process when its stack does."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import ParamSpec, TypeVar

_P = ParamSpec("_P")
_T = TypeVar("_T")


def too_deep(text: str) -> str | None:
    return None


def on_deep_stack(call: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
    return call(*args, **kwargs)
