"""Step 5: a `Report` as text. One module for each format; each is a pure function of the report and a `View`.

`RENDERERS` maps the name of a format, as `--output-format` takes it, to the function that renders it. A renderer is imported when it
is asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Final, cast

from ..findings import Report
from .view import View

FORMATS: Final = ("text", "concise", "json", "sarif", "github", "gitlab", "junit", "markdown")

Renderer = Callable[[Report, View], str]


def renderer(name: str) -> Renderer:
    """The function that renders a format; its text ends with a newline, unless it is empty."""
    return cast(Renderer, import_module(f".{name}", __name__).render)
