"""Analyses kept between runs, so that after an edit only what rests on it is analysed anew.

Takes a question (see `results`) and gives what an earlier run with the same options on the same files kept of its analysis, as bytes.
Knows nothing of what they hold. An analysis is kept by a run that has analysed everything, and stays until another one does.

It is written whole under another name and renamed, and carries a checksum. Whatever goes wrong costs time, never the run.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from . import cached_files
from .project import Project
from .results import Question

if TYPE_CHECKING:
    from .facts.records import Record
    from .semantics.keeping import Memory

KEPT: Final = 2
"""How many analyses stay in the cache folder."""
LARGEST: Final = 100 << 20
"""An analysis of more bytes is not kept."""
MAGIC: Final = b"ormlint analysis 1\n"
PREFIX: Final = "analysis-"


def file_of(asked: Question) -> Path:
    return asked.file.with_name(asked.file.name.replace("result-", PREFIX, 1))


def recalled(asked: Question, project: Project, unchanged: Mapping[str, str]) -> tuple[Memory, tuple[str, ...]]:
    """What a run may know of the one before, and warnings. `unchanged` are the sha256 in hex of files, by the path to read them from."""
    from .semantics.keeping import Memory

    known, warnings = read(asked)
    texts: dict[str, bytes] = {}

    def naming(name: str) -> Iterator[tuple[str, bytes]]:
        if not texts:
            texts.update(_sources(project))
        word = name.encode("utf-8", "surrogateescape")
        return ((rel, text) for rel, text in texts.items() if word in text)

    def occurs(name: str, defined: bool) -> int:
        if not name.isascii():
            return 2  # words are told by bytes
        mention = re.compile((b"" if defined else rb"(?<!def )") + rb"\b" + re.escape(name.encode()) + rb"\b")
        return sum(len(mention.findall(text)) for _, text in naming(name))

    def where(name: str) -> list[str]:
        return [rel for rel, _ in naming(name)] if name.isascii() else [file.rel for file in project.files]

    def record(digest: str) -> Record | None:
        from .facts.cache import load, open_cache

        return load(open_cache(asked.file.parent)[0], (digest,))[0].get(digest)

    return Memory(known, record, occurs, where, unchanged), warnings


def _sources(project: Project) -> Iterator[tuple[str, bytes]]:
    for file in project.files:
        with contextlib.suppress(OSError), open(file.path, "rb") as source:
            yield file.rel, source.read()


def read(asked: Question) -> tuple[bytes | None, tuple[str, ...]]:
    """What was kept for this question, None where there is nothing; and warnings."""
    file = file_of(asked)
    try:
        data = file.read_bytes()
    except FileNotFoundError:
        return None, ()
    except OSError as error:
        return None, (f"the cache file {file} cannot be read ({error.strerror or error})",)
    body = cached_files.checked(MAGIC, data)
    if body is None:
        return None, discarded(asked)
    head = asked.asked.encode()
    return (body[len(head) :] if body.startswith(head) else None), ()


def discarded(asked: Question) -> tuple[str, ...]:
    """Removes a damaged file; gives the warning."""
    file = file_of(asked)
    with contextlib.suppress(OSError):
        file.unlink()
    return (f"the cache file {file} was damaged; it is rebuilt",)


def keep(asked: Question, data: bytes) -> None:
    """Keeps an analysis, and drops the oldest ones."""
    file = file_of(asked)
    if len(data) > LARGEST:
        return
    with contextlib.suppress(OSError):
        cached_files.write(file, MAGIC, asked.asked.encode() + data, PREFIX, KEPT)
