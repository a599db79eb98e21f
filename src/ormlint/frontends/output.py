"""Where a report goes: standard output or a file, with or without colour."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TextIO

from ..config import ConfigError, printable


def colour(stream: TextIO) -> bool:
    """Whether to write colours: NO_COLOR forbids, FORCE_COLOR demands, else a terminal that is not dumb."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def links(stream: TextIO) -> bool:
    """Whether to write hyperlinks: on a terminal that shows colours."""
    return stream.isatty() and colour(stream)


def width(stream: TextIO) -> int | None:
    """The columns of the terminal; None where the stream is none."""
    return shutil.get_terminal_size((80, 24)).columns if stream.isatty() or os.environ.get("COLUMNS") else None


def deliver(text: str, file: Path | None) -> None:
    """Write a report to standard output or to a file."""
    if file is not None:
        write_whole(file, text)
        return
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))
    sys.stdout.flush()


def write_whole(file: Path, text: str) -> None:
    """Write a file whole or not at all: beside it first, then renamed. Raises `ConfigError` where that cannot be done."""
    temporary: str | None = None
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{file.name[:50]}.", dir=file.parent)
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace", newline="\n") as stream:
            stream.write(text)
        os.chmod(temporary, 0o666 & ~umask())
        os.replace(temporary, file)
    except OSError as error:
        if temporary is not None:
            with suppress(OSError):
                os.unlink(temporary)
        raise ConfigError(f"cannot write {printable(str(file))}: {error.strerror or error}") from None


def umask() -> int:
    current = os.umask(0o022)
    os.umask(current)
    return current
