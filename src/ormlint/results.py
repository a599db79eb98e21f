"""Reports kept between runs: a project that has not changed is answered from here, without parsing or analysing anything.

Takes a question (the project's files as they stand, the options, this very ormlint) and gives the report that the same question got before.
Knows nothing of what a report says.

Whether a file has changed is told as git's index tells it. Kept with each file are the hash of the content that was analysed, and its size,
inode and times of change as they stood before it was read. Where all of these are as before, the content is: unless the file was changed
so shortly before they were taken that a further change could have got the same times. Such an entry, and one whose times differ, is
compared by its content. So a time alone never proves that a file is as it was, and a checkout that only touches files costs no analysis.

A result is written whole under another name and renamed, so that a reader sees all of it or nothing; it carries a checksum. Whatever goes
wrong costs the result, never the run.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import msgspec

from . import __version__, cached_files
from .config import Config
from .declared_versions import LEVELS
from .findings import Report
from .project import Project

KEPT: Final = 6
"""How many results stay in the cache folder."""
MARGIN: Final = 2_000_000_000
"""Nanoseconds: the coarsest step in which a file system in use counts times (FAT)."""
DECLARATIONS: Final = (".toml", ".txt", ".cfg", ".ini", ".lock", ".in", "Pipfile")
"""Endings of files in the root that may declare what the project is and needs."""
MOST_DECLARATION: Final = 5 << 20
MAGIC: Final = b"ormlint result 1\n"
PREFIX: Final = "result-"
UNREAD: Final = ""
"""In place of a hash: there was no content, so there is nothing to compare."""


class Stamp(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What the file system says of a file: size in bytes, inode, times of the last change of content and of anything, in nanoseconds."""

    size: int
    inode: int
    modified: int
    changed: int


class Entry(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One file of a kept result: its stamp before it was read, and the sha256 in hex of what was read."""

    stamp: Stamp
    digest: str


class Kept(msgspec.Struct, frozen=True, array_like=True):
    """A result as it lies on disk."""

    asked: str
    """What was asked besides the content of files."""
    at: int
    """When the stamps were taken, by the clock of the file system."""
    entries: dict[str, Entry]
    report: Report


class Question(msgspec.Struct, frozen=True):
    """One run: where its result is kept, what decides about it, and when that was looked at."""

    file: Path
    asked: str
    stamps: dict[str, Stamp]
    """Of every file that is read, by its path to read it from."""
    at: int


def question(folder: Path, project: Project, config: Config, noqa: bool) -> Question:
    """What a run on this project asks. Looks at every file, reads none."""
    root = str(project.root)
    key = hashlib.sha256(f"{__version__}\0{sys.version}\0{noqa}\0{root}\0".encode("utf-8", "surrogateescape"))
    key.update(msgspec.json.encode(msgspec.structs.replace(config, jobs=0, cache_dir="", relevance=True)))
    for part in (*own_files(), *installed()):
        key.update(part.encode("utf-8", "surrogateescape") + b"\0")
    asked = key.copy()
    for file in project.files:
        asked.update(f"{file.rel}\0{file.module}\0{file.role}\0".encode("utf-8", "surrogateescape"))
    paths = [*(file.path for file in project.files), *(os.path.join(root, rel) for rel in project.templates), *declarations(root, project)]
    at = clock(folder)
    stamps = {path: stamp for path in paths if (stamp := stamp_of(path)) is not None}
    return Question(folder / f"{PREFIX}{key.hexdigest()[:32]}", asked.hexdigest(), stamps, at)


class Answer(msgspec.Struct, frozen=True):
    """What an earlier run knows of a question."""

    report: Report | None = None
    """None where there is none, or a file has changed since."""
    unchanged: Mapping[str, str] = {}
    """Of the files that are as they were: the sha256 in hex of the content, by the path to read it from."""
    warnings: tuple[str, ...] = ()


def answer(asked: Question) -> Answer:
    """What the same question got before. Reads only the files of which their stamps cannot tell whether they changed."""
    try:
        body = cached_files.checked(MAGIC, asked.file.read_bytes())
    except FileNotFoundError:
        return Answer()
    except OSError as error:
        return Answer(warnings=(f"the cache file {asked.file} cannot be read ({error.strerror or error})",))
    try:
        if body is None:
            raise ValueError
        kept = decoder.decode(body)
    except (ValueError, msgspec.MsgspecError, RecursionError):
        with contextlib.suppress(OSError):
            asked.file.unlink()
        return Answer(warnings=(f"the cache file {asked.file} was damaged; it is rebuilt",))
    doubtful = {
        path: entry for path, entry in kept.entries.items() if entry.stamp != asked.stamps.get(path) or is_racy(entry.stamp, kept.at)
    }
    unchanged = {path: entry.digest for path, entry in kept.entries.items() if path not in doubtful and entry.digest != UNREAD}
    if kept.asked != asked.asked or kept.entries.keys() != asked.stamps.keys():
        return Answer(unchanged=unchanged)
    if not all(entry.digest != UNREAD and entry.digest == digest_of(path) for path, entry in doubtful.items()):
        return Answer(unchanged=unchanged)
    settled = any(not is_racy(asked.stamps[path], asked.at) for path in doubtful)
    if settled:
        entries = {path: Entry(stamp, kept.entries[path].digest) for path, stamp in asked.stamps.items()}
        write(asked.file, Kept(kept.asked, asked.at, entries, kept.report))
    return Answer(kept.report)


def keep(asked: Question, report: Report, digests: Mapping[str, str]) -> None:
    """Keeps a report. `digests` are the sha256 in hex of the sources that it rests on, by the path that they were read from."""
    entries: dict[str, Entry] = {}
    for path, stamp in asked.stamps.items():
        digest = digests.get(path)
        if digest is None:
            digest = digest_of(path)
            if stamp_of(path) != stamp:
                return
        entries[path] = Entry(stamp, digest)
    write(asked.file, Kept(asked.asked, asked.at, entries, report))


encoder: Final = msgspec.msgpack.Encoder()
decoder: Final = msgspec.msgpack.Decoder(Kept)


def is_racy(stamp: Stamp, at: int) -> bool:
    """Whether a file changed so shortly before its stamp was taken that one more change may have left the stamp as it is."""
    return max(stamp.modified, stamp.changed) > at - MARGIN


def stamp_of(path: str) -> Stamp | None:
    """The stamp of a file; None where there is none."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return Stamp(status.st_size, status.st_ino, status.st_mtime_ns, status.st_ctime_ns)


def digest_of(path: str) -> str:
    try:
        with open(path, "rb") as file:
            return hashlib.sha256(file.read()).hexdigest()
    except OSError:
        return UNREAD


def clock(folder: Path) -> int:
    """The time by the clock that stamps files, in nanoseconds; by our own where the folder cannot be written."""
    probe = folder / f"temporary-{secrets.token_hex(8)}"
    try:
        handle = os.open(probe, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
        try:
            return min(os.fstat(handle).st_mtime_ns, time.time_ns())
        finally:
            os.close(handle)
            os.unlink(probe)
    except OSError:
        return time.time_ns()


def own_files() -> Iterator[str]:
    """What tells this ormlint from another one."""
    for folder, _, names in os.walk(Path(__file__).parent):
        for name in sorted(names):
            if name.endswith(".py"):
                path = os.path.join(folder, name)
                yield f"{path} {stamp_of(path)}"


def installed() -> Iterator[str]:
    """What changes when a package is installed, upgraded or removed, and with it the rules that packages offer."""
    for folder in sys.path:
        if os.path.basename(folder) in ("site-packages", "dist-packages"):
            stamp = stamp_of(folder)
            yield f"{folder} {stamp.modified if stamp else ''}"
        else:
            with contextlib.suppress(OSError):
                yield from sorted(f"{folder}/{name}" for name in os.listdir(folder or ".") if name.endswith((".dist-info", ".egg-info")))


def declarations(root: str, project: Project) -> Iterator[str]:
    """The files in the root and in the upper folders of the project that may declare versions of libraries."""
    folders = {""}
    for file in project.files:
        parts = file.rel.split("/", LEVELS)[:-1]
        folders.update("/".join(parts[:count]) for count in range(1, len(parts) + 1))
    for folder in sorted(folders):
        for place in (folder, os.path.join(folder, "requirements")):
            with contextlib.suppress(OSError), os.scandir(os.path.join(root, place)) as entries:
                for entry in entries:
                    if entry.name.endswith(DECLARATIONS) and entry.is_file() and entry.stat().st_size < MOST_DECLARATION:
                        yield entry.path


def write(file: Path, kept: Kept) -> None:
    """Writes a result whole or not at all, and drops the oldest ones."""
    try:
        cached_files.write(file, MAGIC, encoder.encode(kept), PREFIX, KEPT)
    except (OSError, UnicodeError, msgspec.MsgspecError, RecursionError):
        return
