"""A pytest plugin for the applications' own tests: writes which lines of `src` were run, as `path:line`, to $LINES_RUN."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import Any

SOURCES = f"{Path.cwd() / 'src'}{os.sep}"
run: set[tuple[str, int]] = set()


def _trace(frame: FrameType, event: str, argument: object) -> Any:
    if not frame.f_code.co_filename.startswith(SOURCES):
        return None
    run.add((frame.f_code.co_filename, frame.f_lineno))
    return _trace


def pytest_unconfigure() -> None:
    sys.settrace(None)
    lines = (f"{Path(file).relative_to(Path.cwd()).as_posix()}:{line}\n" for file, line in sorted(run))
    Path(os.environ["LINES_RUN"]).write_text("".join(lines), encoding="utf-8")


threading.settrace(_trace)
sys.settrace(_trace)
