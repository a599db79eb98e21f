"""Reads a page of the documentation: the files that it shows and the commands that it runs, in order.

A block with a `title="path"` is a file. A `console` block holds commands behind `$ `, each followed by what it prints: `...` stands for
any text, on a line of its own for any lines. `# status 1` behind a command is the status it leaves with; without it that is 0.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Union

import msgspec


class Written(msgspec.Struct, frozen=True):
    path: str
    text: str


class Command(msgspec.Struct, frozen=True):
    line: str
    status: int
    output: tuple[str, ...]


BLOCK = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
TITLE = re.compile(r'title="([^"]+)"')


def steps(page: Path) -> Iterator[Union[Written, Command]]:
    for language, info, body in BLOCK.findall(page.read_text(encoding="utf-8")):
        title = TITLE.search(info)
        if title:
            yield Written(title[1], body)
        elif language == "console":
            yield from commands(body)


def commands(body: str) -> Iterator[Command]:
    for piece in re.split(r"^\$ ", body, flags=re.MULTILINE)[1:]:
        line, *output = piece.splitlines()
        status = re.search(r"\s+# status (\d)$", line)
        yield Command(line[: status.start()] if status else line, int(status[1]) if status else 0, tuple(output))


def pattern(output: tuple[str, ...]) -> re.Pattern[str]:
    """What the output must match; the end of a line may be followed by blanks."""
    lines = ["(?:.*\\n)*?" if line == "..." else ".*".join(map(re.escape, line.split("..."))) + "\\s*\\n" for line in output]
    return re.compile("".join(lines))
