"""`python -m benchmarks.readers ROOT…`: every Python file below the roots by both readers; prints where their records differ.

Status 1 where any does. Files that the quick reader leaves to the lossless one are counted, and those that the lossless one refuses.
"""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from ormlint.facts import lossless, nesting
from ormlint.facts.decoding import Undecodable, decode, line_starts
from ormlint.facts.quick import reading as quick
from ormlint.facts.records import Record

SHOWN = 20


def difference(one: Any, other: Any, path: str = "") -> str:
    """Where two parts of a record differ first, in words; empty where they do not."""
    if type(one) is not type(other):
        return f"{path}: {one!r} is not {other!r}"
    if isinstance(one, msgspec.Struct):
        for field in reversed(one.__struct_fields__):
            found = difference(getattr(one, field), getattr(other, field), f"{path}.{field}")
            if found:
                return found
    elif isinstance(one, tuple):
        for index, (left, right) in enumerate(zip(one, other, strict=False)):
            found = difference(left, right, f"{path}[{index}]")
            if found:
                return found
        if len(one) != len(other):
            return f"{path}: {len(one)} parts, not {len(other)}"
    elif one != other and not (one != one and other != other):
        return f"{path}: {one!r} is not {other!r}"
    return ""


def both(source: bytes) -> tuple[Record | None, Record] | None:
    """What both readers say of a source; None where neither is asked."""
    try:
        text = decode(source)
    except Undecodable:
        return None
    if nesting.unfit(text) is not None:
        return None
    lines = line_starts(text)
    return nesting.on_deep_stack(lambda: (quick.read(text, "", lines), lossless.read(text, "", lines)))


def files(roots: list[str]) -> Iterator[Path]:
    """The Python files below the roots."""
    for root in roots:
        path = Path(root)
        yield from [path] if path.is_file() else sorted(found for found in path.rglob("*.py") if found.is_file())


def compare(roots: list[str]) -> int:
    """Compares, prints, and gives the number of files that differ."""
    compared = different = left = refused = neither = 0
    started = time.monotonic()
    for path in files(roots):
        found = both(path.read_bytes())
        if found is None:
            neither += 1
            continue
        one, other = found
        compared += 1
        if one is None and other.error is None:
            left += 1
            if left <= SHOWN:
                print(f"{path}: left to the lossless reader")
        elif one is None:
            neither += 1
        elif other.error is not None:
            refused += 1
            if refused <= SHOWN:
                print(f"{path}: the lossless reader refuses it: {other.error}")
        else:
            where = difference(one, other)
            different += bool(where)
            if where and different <= SHOWN:
                print(f"{path}: {where}")
        if compared % 500 == 0:
            gc.collect()
    print(
        f"{compared} files compared, {different} different, {left} left to the lossless reader, {refused} refused by it alone, "
        f"{neither} read by neither; {time.monotonic() - started:.0f} s"
    )
    return different


def main() -> int:
    if len(sys.argv) < 2:
        print("usage: python -m benchmarks.readers ROOT…", file=sys.stderr)
        return 2
    gc.disable()
    return 1 if nesting.on_deep_stack(compare, sys.argv[1:]) else 0


if __name__ == "__main__":
    sys.exit(main())
