"""`python -m ormlint.facts FILE`: what the extractor makes of a file, as JSON, for those who work on it."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec

from ormlint.facts.extract import extract


def main(arguments: list[str]) -> int:
    """Prints the record of the one file that is named; 2 where there is none."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m ormlint.facts FILE\n")
        return 2
    try:
        source = Path(arguments[0]).read_bytes()
    except OSError as error:
        sys.stderr.write(f"{arguments[0]}: {error.strerror}\n")
        return 2
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(extract(source)), indent=1).decode() + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
