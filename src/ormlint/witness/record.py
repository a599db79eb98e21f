"""The record: what one run, or many, did. Reads, merges and writes its file; knows neither SQLAlchemy nor findings.

A record is JSON Lines: a `head`, then one object for each `file` (path, content hash, lines that ran), each `site` (one kind of event at
one place, counted) and each `warning`. The recorder writes one such file for each process; they merge by adding up.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Union

import msgspec

from ormlint.config import ConfigError
from ormlint.witness.recorder import VERSION


class RecordError(ConfigError):
    """A record that cannot be used; the message is one line that says what to do."""


class Frame(msgspec.Struct, frozen=True, array_like=True):
    path: str
    line: int
    function: str


class Chain(msgspec.Struct, frozen=True, array_like=True):
    """The project's frames from the site outwards, and how many events came this way."""

    frames: tuple[Frame, ...]
    count: int


class LoopFrame(msgspec.Struct, frozen=True, array_like=True):
    """A line further out that repeated the site: `max` is the most events that one activation of its function caused there."""

    path: str
    line: int
    max: int


class Site(msgspec.Struct, frozen=True, tag_field="t", tag="site"):
    """One kind of event at one place.

    `loop` is "direct" where one activation of the function executed the same instruction at least twice, "inside" where one execution of
    it caused several events, "call" where only a function further out repeated it (`loop_frames`), None where nothing did. `max` is the
    most events that one activation of the function, or of one of its loop frames, caused.
    """

    kind: str
    path: str
    line: int
    end_line: int
    function: str
    cls: Union[str, None]
    attr: Union[str, None]
    count: int
    max: int
    loop: Union[str, None]
    loop_frames: tuple[LoopFrame, ...] = ()
    chains: tuple[Chain, ...] = ()
    test_count: int = 0
    tests: tuple[str, ...] = ()


class File(msgspec.Struct, frozen=True, tag_field="t", tag="file"):
    """A source file: the sha256 of its bytes when it ran (None: it was gone), and its lines that ran as ranges."""

    path: str
    sha256: Union[str, None]
    ran: tuple[tuple[int, int], ...] = ()


class Head(msgspec.Struct, frozen=True, tag_field="t", tag="head"):
    """`lines` says whether lines were watched: only then can a finding be refuted."""

    version: int
    project: str = ""
    sqlalchemy: tuple[str, ...] = ()
    python: str = ""
    lines: bool = False


class Caution(msgspec.Struct, frozen=True, tag_field="t", tag="warning"):
    text: str


class Record(msgspec.Struct, frozen=True):
    """`warnings` are lines for the user: what is missing, and why. `stale` are the files whose source is another one now."""

    head: Head
    files: tuple[File, ...] = ()
    sites: tuple[Site, ...] = ()
    warnings: tuple[str, ...] = ()
    stale: frozenset[str] = frozenset()


_LINE = msgspec.json.Decoder(Union[Head, File, Site, Caution])
_MOST_CHAINS = 20
_MOST_TESTS = 50


def read_record(path: Path) -> Record:
    """The record in a file. One that is cut off is read up to there, and says so in `warnings`. Raises RecordError."""
    try:
        with path.open("rb") as file:
            return merge([_parse(file, str(path))])
    except FileNotFoundError:
        raise RecordError(f"no witness record at {path}: make one with `pytest --ormlint-witness`") from None
    except OSError as error:
        raise RecordError(f"cannot read the witness record {path}: {error.strerror}") from None


def _parse(lines: Iterable[bytes], name: str) -> Record:
    head: Union[Head, None] = None
    files: list[File] = []
    sites: dict[tuple[object, ...], Site] = {}
    warnings: list[str] = []
    for number, line in enumerate(lines, 1):
        try:
            entry = _LINE.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError):
            if head is None:
                raise RecordError(f"{name} is not a witness record: make one with `pytest --ormlint-witness`") from None
            warnings.append(f"{name} is damaged or cut off at line {number}: only what stands before it is used")
            break
        if head is None:
            if not isinstance(entry, Head):
                raise RecordError(f"{name} is not a witness record: make one with `pytest --ormlint-witness`")
            if entry.version != VERSION:
                raise RecordError(f"{name} has version {entry.version} of the format, this ormlint reads version {VERSION}: record again")
            head = entry
        elif isinstance(entry, File):
            files.append(entry)
        elif isinstance(entry, Site):
            key = _key(entry)  # merged at once, so that a record of many runs takes the room of one
            sites[key] = _add(sites[key], entry) if key in sites else entry
        elif isinstance(entry, Caution):
            warnings.append(entry.text)
    if head is None:
        raise RecordError(f"{name} is empty: make a record with `pytest --ormlint-witness`")
    return Record(head, tuple(files), tuple(sites.values()), tuple(warnings))


def merge(records: Iterable[Record]) -> Record:
    """One record of several: counts add up, maxima stay maxima. Of a file that differs among them the last one's lines count."""
    heads: list[Head] = []
    files: dict[str, File] = {}
    ran: dict[str, set[int]] = {}
    sites: dict[tuple[object, ...], Site] = {}
    warnings: dict[str, None] = {}
    for record in records:
        heads.append(record.head)
        warnings.update(dict.fromkeys(record.warnings))
        for file in record.files:
            known = files.get(file.path)
            if known is not None and None not in (known.sha256, file.sha256) and known.sha256 != file.sha256:
                warnings[f"{file.path} changed while it was recorded: of its lines only the latest recording counts"] = None
                ran[file.path] = set()
                for key in [key for key in sites if key[1] == file.path]:
                    del sites[key]
            files[file.path] = file if file.sha256 is not None or known is None else known
            ran.setdefault(file.path, set()).update(_lines(file.ran))
        for site in record.sites:
            key = _key(site)
            sites[key] = _add(sites[key], site) if key in sites else site
    versions = tuple(dict.fromkeys(version for head in heads for version in head.sqlalchemy))
    if len(versions) > 1:
        warnings[f"the record holds runs on more than one SQLAlchemy ({', '.join(versions)}): their counts are added up"] = None
    head = Head(
        VERSION,
        next((head.project for head in heads if head.project), ""),
        versions,
        next((head.python for head in heads if head.python), ""),
        any(head.lines for head in heads),
    )
    return Record(
        head,
        tuple(msgspec.structs.replace(file, ran=tuple(spans(ran[path]))) for path, file in sorted(files.items())),
        tuple(sorted(sites.values(), key=lambda site: (site.path, site.line, site.kind, site.cls or "", site.attr or ""))),
        tuple(warnings),
    )


def _key(site: Site) -> tuple[object, ...]:
    return site.kind, site.path, site.line, site.end_line, site.function, site.cls, site.attr


def _add(one: Site, other: Site) -> Site:
    loops = {"direct": 3, "inside": 2, "call": 1, None: 0}
    frames: dict[tuple[str, int], int] = {}
    for frame in (*one.loop_frames, *other.loop_frames):
        frames[frame.path, frame.line] = max(frames.get((frame.path, frame.line), 0), frame.max)
    chains: dict[tuple[Frame, ...], int] = {}
    for chain in (*one.chains, *other.chains):
        if chain.frames in chains or len(chains) < _MOST_CHAINS:
            chains[chain.frames] = chains.get(chain.frames, 0) + chain.count
    tests = dict.fromkeys((*one.tests, *other.tests))
    both = len(one.tests) + len(other.tests) - len(tests)
    return msgspec.structs.replace(
        one,
        count=one.count + other.count,
        max=max(one.max, other.max),
        loop=max(one.loop, other.loop, key=lambda loop: loops[loop]),
        loop_frames=tuple(LoopFrame(path, line, most) for (path, line), most in sorted(frames.items())),
        chains=tuple(Chain(places, count) for places, count in sorted(chains.items(), key=lambda item: (-item[1], _sort_key(item[0])))),
        test_count=one.test_count + other.test_count - both,
        tests=tuple(sorted(tests)[:_MOST_TESTS]),
    )


def _sort_key(frames: tuple[Frame, ...]) -> tuple[tuple[str, int, str], ...]:
    return tuple((frame.path, frame.line, frame.function) for frame in frames)


def merge_parts(parts: Path, target: Path, *, append: bool = False) -> Record:
    """Merges the parts that the processes of one run wrote into `target`, and removes them; returns the whole.

    With `append`, what `target` held before is kept and added to. The file is replaced whole or not at all. Raises RecordError.
    """
    records: list[Record] = []
    if append and target.exists():
        records.append(read_record(target))
    names = sorted(parts.glob("*.jsonl"))
    for name in names:
        try:
            with name.open("rb") as file:
                records.append(_parse(file, name.name))
        except RecordError as error:
            records.append(Record(Head(VERSION), warnings=(f"a process left no readable record: {error}",)))
    record = merge(records)
    write_record(record, target)
    for name in names:
        name.unlink(missing_ok=True)
    for left in parts.glob("*.writing"):
        left.unlink(missing_ok=True)
    if parts.exists() and not any(parts.iterdir()):
        parts.rmdir()
    return record


def write_record(record: Record, target: Path) -> None:
    """Writes a record, whole or not at all."""
    encoder = msgspec.json.Encoder()
    temporary = target.with_name(f"{target.name}.{os.getpid()}.writing")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            for entry in (record.head, *record.files, *record.sites, *map(Caution, record.warnings)):
                file.write(encoder.encode(entry))
                file.write(b"\n")
        temporary.replace(target)
    except OSError as error:
        raise RecordError(f"cannot write the witness record {target}: {error.strerror}") from None


def against_sources(record: Record, root: Path) -> Record:
    """The record with its paths relative to `root`, and which of its files are other ones there now (`stale`).

    Files are matched by place and content hash; a record that was made from a folder above or below `root` fits too. Raises RecordError
    where no file of the record is at `root`.
    """
    if not record.files:
        return record
    rename = _renaming(record, root)
    if rename is None:
        some = ", ".join(file.path for file in record.files[:3])
        raise RecordError(f"the witness record is of another project ({record.head.project}: {some}, …): none of its files is below {root}")
    stale = []
    files = []
    for file in record.files:
        path = rename(file.path)
        files.append(msgspec.structs.replace(file, path=path))
        if file.sha256 is None or _sha256(root / path) != file.sha256:
            stale.append(path)
    sites = [
        msgspec.structs.replace(
            site,
            path=rename(site.path),
            loop_frames=tuple(msgspec.structs.replace(frame, path=rename(frame.path)) for frame in site.loop_frames),
            chains=tuple(
                Chain(tuple(msgspec.structs.replace(frame, path=rename(frame.path)) for frame in chain.frames), chain.count)
                for chain in site.chains
            ),
        )
        for site in record.sites
    ]
    warnings = list(record.warnings)
    if stale:
        shown = ", ".join(stale[:3]) + (f" and {len(stale) - 3} more" if len(stale) > 3 else "")
        warnings.append(f"changed since the record was made, so that its lines there are not used: {shown}")
    return msgspec.structs.replace(record, files=tuple(files), sites=tuple(sites), warnings=tuple(warnings), stale=frozenset(stale))


class _Renaming:
    """Takes leading folders off a path, and puts others on."""

    def __init__(self, drop: str, add: str) -> None:
        self.drop = drop
        self.add = add

    def __call__(self, path: str) -> str:
        if not path:
            return path
        return self.add + (path.removeprefix(self.drop))


def _renaming(record: Record, root: Path) -> Union[_Renaming, None]:
    if any((root / file.path).is_file() for file in record.files):
        return _Renaming("", "")
    for file in record.files:
        parts = file.path.split("/")
        for count in range(1, len(parts)):
            if (root / "/".join(parts[count:])).is_file() and _sha256(root / "/".join(parts[count:])) == file.sha256:
                return _Renaming("/".join(parts[:count]) + "/", "")
    for file in record.files[:20]:
        for found in root.glob(f"**/{file.path}"):
            if _sha256(found) == file.sha256:
                relative = found.relative_to(root).as_posix()
                return _Renaming("", relative[: len(relative) - len(file.path)])
    return None


def _sha256(path: Path) -> Union[str, None]:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return None


def _lines(ranges: Iterable[tuple[int, int]]) -> Iterator[int]:
    for first, last in ranges:
        yield from range(first, last + 1)


def spans(lines: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Lines as ranges, both ends included."""
    first = last = -1
    for line in sorted(lines):
        if line == last + 1 and first > 0:
            last = line
            continue
        if first > 0:
            yield first, last
        first = last = line
    if first > 0:
        yield first, last
