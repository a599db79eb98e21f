"""Records kept between runs, in a few pack files in one folder.

Takes and gives encoded records by the sha256 of their sources; knows nothing of paths and projects. A pack is written whole
under a temporary name and then renamed, and is never changed after that, so many processes may read and write at once and any
of them may be killed: a reader sees a pack or does not. Each record carries a checksum. Packs of another extractor version are
not read. Whatever goes wrong costs the cache, never the run.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import time
import zlib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import BinaryIO

import msgspec

from ormlint.facts.records import EXTRACTOR_VERSION, Record

FOLDER = ".ormlint_cache"
"""The name of the cache folder in a project's root."""
MAX_BYTES = 256 << 20
"""How large all packs together may grow before the oldest records go."""
MAX_PACKS = 8
"""How many packs there may be before they are merged into one."""

_MAGIC = b"ormlint facts\n"
_PREFIX = f"facts-{EXTRACTOR_VERSION}-"
_STALE_TEMPORARY = 3600.0
_STALE_VERSION = 14 * 86400.0
_TAG = """Signature: 8a477f597d28d172789f06886806bc55
# This folder is a cache of ormlint; it can be deleted at any time. See https://bford.info/cachedir/
"""

_Index = dict[str, tuple[int, int, int]]
_index_decoder = msgspec.msgpack.Decoder(_Index)
_record_decoder = msgspec.msgpack.Decoder(Record)
_encoder = msgspec.msgpack.Encoder()


class Damaged(Exception):
    """A pack does not hold what its name promises."""


class Pack(msgspec.Struct, frozen=True):
    """One pack file: its index maps the sha256 of a source, in hex, to offset, length and CRC-32 of the encoded record."""

    path: Path
    size: int
    modified: int
    """In nanoseconds; says only which packs are older, never whether they are valid."""
    index: _Index


class Cache(msgspec.Struct, frozen=True):
    """What a folder held when it was opened, newest pack first."""

    folder: Path
    packs: tuple[Pack, ...]
    digests: frozenset[str]


def encode(record: Record) -> bytes:
    """The form in which records are kept and sent between processes."""
    return _encoder.encode(record)


def decode(blob: bytes) -> Record:
    """The record of an encoded one. Raises msgspec.MsgspecError where the bytes are none."""
    return _record_decoder.decode(blob)


def open_cache(folder: Path) -> tuple[Cache, tuple[str, ...]]:
    """What the folder holds, and warnings. A folder that is missing is an empty cache; damaged packs are removed."""
    packs: list[Pack] = []
    warnings: list[str] = []
    try:
        names = sorted(name for name in os.listdir(folder) if name.startswith(_PREFIX) and name.endswith(".pack"))
    except FileNotFoundError:
        names = []
    except OSError as error:
        return Cache(folder, (), frozenset()), (f"the cache {folder} cannot be read ({error.strerror}); this run goes on without it",)
    for name in names:
        path = folder / name
        try:
            with path.open("rb") as file:
                packs.append(_read_index(path, file))
        except FileNotFoundError:
            continue
        except OSError as error:
            warnings.append(f"the cache file {path} cannot be read ({error.strerror})")
        except Damaged:
            warnings.append(_discard(path))
    packs.sort(key=lambda pack: pack.modified, reverse=True)
    return Cache(folder, tuple(packs), frozenset().union(*(pack.index for pack in packs))), tuple(warnings)


def load(cache: Cache, digests: Collection[str]) -> tuple[dict[str, Record], tuple[str, ...]]:
    """The records of those sources that the cache holds, and warnings. A pack that turns out damaged is removed and said once."""
    found: dict[str, Record] = {}
    warnings: list[str] = []
    missing = set(digests)
    for pack in cache.packs:
        wanted = missing & pack.index.keys()
        if not wanted:
            continue
        try:
            with pack.path.open("rb", buffering=0) as file:
                for digest in sorted(wanted, key=pack.index.__getitem__):
                    record = decode(_read(file, pack.index[digest]))
                    if record.digest != digest:
                        raise Damaged
                    found[digest] = record
        except FileNotFoundError:
            pass
        except OSError as error:
            warnings.append(f"the cache file {pack.path} cannot be read ({error.strerror})")
        except (Damaged, msgspec.MsgspecError, RecursionError):
            warnings.append(_discard(pack.path))
        missing -= found.keys()
    return found, tuple(warnings)


def store(cache: Cache, blobs: Mapping[str, bytes], used: Collection[str]) -> tuple[str, ...]:
    """Adds encoded records by digest, and gives warnings. `used` are the digests of this run: what is kept first when space is short."""
    if not blobs:
        return ()
    folder = cache.folder
    try:
        _prepare(folder)
        _write(folder, blobs)
    except OSError as error:
        return (f"the cache {folder} cannot be written ({error.strerror or error}); the next run will parse again",)
    with contextlib.suppress(OSError):
        _tidy(folder, used)
    return ()


def _read_index(path: Path, file: BinaryIO) -> Pack:
    status = os.fstat(file.fileno())
    head = file.read(len(_MAGIC) + 12)
    if len(head) != len(_MAGIC) + 12 or not head.startswith(_MAGIC):
        raise Damaged
    length = int.from_bytes(head[-12:-4], "big")
    if length > status.st_size:
        raise Damaged
    body = file.read(length)
    if zlib.crc32(body) != int.from_bytes(head[-4:], "big"):
        raise Damaged
    try:
        index = _index_decoder.decode(body)
    except msgspec.MsgspecError:
        raise Damaged from None
    base = len(head) + length
    if any(offset < 0 or size < 0 or base + offset + size > status.st_size for offset, size, _ in index.values()):
        raise Damaged
    return Pack(path, status.st_size, status.st_mtime_ns, {k: (base + offset, size, crc) for k, (offset, size, crc) in index.items()})


def _read(file: BinaryIO, entry: tuple[int, int, int]) -> bytes:
    offset, size, crc = entry
    file.seek(offset)
    blob = file.read(size)
    if len(blob) != size or zlib.crc32(blob) != crc:
        raise Damaged
    return blob


def _discard(path: Path) -> str:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        return f"the cache file {path} is damaged and cannot be removed ({error.strerror}); remove it by hand"
    return f"the cache file {path} was damaged; it is rebuilt"


def _prepare(folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    for name, text in (("CACHEDIR.TAG", _TAG), (".gitignore", "*\n")):
        if not (folder / name).exists():
            (folder / name).write_text(text, encoding="utf-8")


def _write(folder: Path, blobs: Mapping[str, bytes]) -> Path:
    index: _Index = {}
    offset = 0
    for digest, blob in blobs.items():
        index[digest] = (offset, len(blob), zlib.crc32(blob))
        offset += len(blob)
    body = _encoder.encode(index)
    token = secrets.token_hex(8)
    temporary = folder / f"temporary-{token}"
    try:
        with temporary.open("xb") as file:
            file.write(_MAGIC + len(body).to_bytes(8, "big") + zlib.crc32(body).to_bytes(4, "big") + body)
            file.writelines(blobs.values())
        final = folder / f"{_PREFIX}{token}.pack"
        os.replace(temporary, final)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return final


def _tidy(folder: Path, used: Collection[str]) -> None:
    """Removes what is stale, and merges the packs when they are too many or too large."""
    now = time.time()
    others: list[tuple[float, int, Path]] = []
    for entry in os.scandir(folder):
        if entry.name.startswith("temporary-") or (entry.name.startswith("facts-") and not entry.name.startswith(_PREFIX)):
            status = entry.stat()
            age = now - status.st_mtime
            if age > (_STALE_TEMPORARY if entry.name.startswith("temporary-") else _STALE_VERSION):
                Path(entry.path).unlink(missing_ok=True)
            elif entry.name.startswith("facts-"):
                others.append((age, status.st_size, Path(entry.path)))
    packs = open_cache(folder)[0].packs
    total = sum(pack.size for pack in packs)
    excess = total + sum(size for _, size, _ in others) - MAX_BYTES
    for _, size, path in sorted(others, reverse=True):
        if excess > 0:
            path.unlink(missing_ok=True)
            excess -= size
    if len(packs) <= MAX_PACKS and total <= MAX_BYTES:
        return
    kept: dict[str, bytes] = {}
    room = MAX_BYTES // 2 if total > MAX_BYTES else MAX_BYTES
    for chosen in (set(used), None):
        for pack in packs:
            try:
                with pack.path.open("rb", buffering=0) as file:
                    for digest, place in pack.index.items():
                        if digest not in kept and (chosen is None or digest in chosen) and place[1] <= room:
                            kept[digest] = _read(file, place)
                            room -= place[1]
            except (OSError, Damaged):
                continue
    _write(folder, kept)
    for pack in packs:
        pack.path.unlink(missing_ok=True)
