"""Files of the cache folder that are whole or absent: written under another name and renamed, with a checksum behind a magic line.

Knows nothing of what they hold.
"""

from __future__ import annotations

import os
import secrets
import zlib
from pathlib import Path


def checked(magic: bytes, data: bytes) -> bytes | None:
    """The body of a file; None where it is not whole, or of another kind."""
    start = len(magic) + 4
    body = data[start:]
    whole = data.startswith(magic) and len(data) >= start and zlib.crc32(body) == int.from_bytes(data[start - 4 : start], "big")
    return body if whole else None


def write(file: Path, magic: bytes, body: bytes, prefix: str, most: int) -> None:
    """Writes a file whole or not at all, and drops the oldest of those with its prefix, so that `most` stay. Raises OSError."""
    temporary = file.with_name(f"temporary-{secrets.token_hex(8)}")
    try:
        temporary.write_bytes(magic + zlib.crc32(body).to_bytes(4, "big") + body)
        os.replace(temporary, file)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    past = sorted((entry.stat().st_mtime_ns, entry.path) for entry in os.scandir(file.parent) if entry.name.startswith(prefix))
    for _, path in past[:-most]:
        Path(path).unlink(missing_ok=True)
