"""The text of a Python file as lines, for showing it and for fingerprints. Parses nothing."""

from __future__ import annotations

import io
import tokenize
from pathlib import Path


def decoded(content: bytes) -> str:
    """The text of a Python source in its declared encoding; what cannot be decoded becomes a replacement character."""
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
    except (SyntaxError, UnicodeDecodeError):
        encoding = "utf-8"
    return content.decode(encoding, "replace")


def lines_of(text: str) -> tuple[str, ...]:
    """The lines as Python counts them: a form feed or a Unicode line separator ends none."""
    return tuple(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"))


def read_lines(path: Path) -> tuple[str, ...]:
    """The lines of a file without their ends; none where it cannot be read."""
    try:
        return lines_of(decoded(path.read_bytes()))
    except OSError:
        return ()
