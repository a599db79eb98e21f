"""From bytes to text as Python does it: byte order mark, coding cookie, and one clear line where that fails."""

from __future__ import annotations

import codecs
import re
from itertools import accumulate

_cookie = re.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")
_empty = re.compile(rb"^[ \t\f]*(?:#[^\r\n]*)?(?:\r|\n|$)")
_newline = re.compile(r"\r\n?|\n")


class Undecodable(Exception):
    """The bytes are no text: the reason in one line, and the line of the file, from 1."""

    def __init__(self, reason: str, line: int = 1) -> None:
        super().__init__(reason)
        self.reason = reason
        self.line = line


def _encoding(source: bytes) -> str:
    head = source.split(b"\n", 2)[:2]
    for number, line in enumerate(head):
        match = _cookie.match(line)
        if match:
            name = match[1].decode("ascii", "replace")
            try:
                return codecs.lookup(name).name
            except LookupError:
                raise Undecodable(f"unknown encoding {name!r} in the coding comment", number + 1) from None
        if not _empty.match(line):
            break
    return "utf-8"


def decode(source: bytes) -> str:
    """The text of a Python source file.

    Raises Undecodable where the encoding is unknown, the bytes do not fit it, or there is a null byte.
    """
    null = source.find(b"\0")
    if null >= 0:
        raise Undecodable("the file has a null byte, so it is no Python source", source.count(b"\n", 0, null) + 1)
    marked = source.startswith(codecs.BOM_UTF8)
    encoding = "utf-8"
    if b"coding" in source[:500]:
        encoding = _encoding(source[3:] if marked else source)
        if marked and encoding != "utf-8":
            raise Undecodable(f"the file starts with a UTF-8 byte order mark, but its coding comment says {encoding!r}")
    try:
        return (source[3:] if marked else source).decode(encoding)
    except UnicodeDecodeError as error:
        line = source.count(b"\n", 0, error.start) + 1
        reason = f"byte 0x{error.object[error.start]:02x} is not {error.encoding}; save the file as UTF-8 or name its encoding"
        raise Undecodable(reason, line) from None
    except (ValueError, LookupError) as error:
        raise Undecodable(f"cannot be decoded as {encoding}: {str(error).split(';')[0]}") from None


def line_starts(text: str) -> tuple[int, ...]:
    """The offset at which each line starts; lines end as Python ends them: LF, CRLF, CR."""
    if "\r" in text:
        return (0, *[match.end() for match in _newline.finditer(text)])
    return (0, *accumulate([len(line) + 1 for line in text.split("\n")[:-1]]))
