"""From source files to their records: reads, asks the cache, parses the rest in as many processes as pay.

Takes paths; gives a record for every one of them, and warnings. The result is the same for any number of processes and for a
cold or warm cache. The readers are imported only when a file has to be parsed.
"""

from __future__ import annotations

import gc
import hashlib
import multiprocessing
import os
import signal
import stat
import sys
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager, suppress
from multiprocessing.context import BaseContext
from pathlib import Path
from typing import Protocol, Union

from ormlint.facts import nesting
from ormlint.facts.cache import decode, encode, load, open_cache, store
from ormlint.facts.records import Record

MAX_FILE = 20 << 20
"""Files of more bytes are not read."""
WORTH_A_PROCESS = 2_500_000
"""How many bytes of source a process must have to read before it is worth starting: about half a second's work."""
_CHUNK = 150_000
_PART = 100


class Choose(Protocol):
    """Says which files are needed."""

    def leaves_out(self, sources: Mapping[str, bytes], /) -> bool:
        """Whether any of the sources, by name, may not be needed: is asked first, and answers at once."""
        ...

    def first(self, sources: Mapping[str, bytes], /) -> Collection[str]:
        """The names of those that are needed."""
        ...


Tell = Callable[[float], None]
"""Is told which share of the work is done, from 0 to 1."""
_PLAIN = "-plain"
"""Behind a digest in the cache: the source is known to have no error, and was not parsed."""
_PLAIN_WORTH_A_PROCESS = 4_000_000

_Sources = list[tuple[str, bytes]]
_Blobs = list[tuple[str, bytes]]
_Found = tuple[str, Union[Record, bytes]]
"""A digest with its record, which comes out of another process encoded."""


def read_records(
    files: Sequence[tuple[str, Path]],
    *,
    cache_dir: Path | None,
    jobs: int,
    choose: Choose | None = None,
    tell: Tell | None = None,
    unchanged: Mapping[str, str] | None = None,
) -> tuple[dict[str, Record], tuple[str, ...]]:
    """The record of each file by its name, in the order of `files`, and warnings, each one line.

    `files` are pairs of a name (the path relative to the root) and the path. `cache_dir` is where records are kept between runs;
    None keeps none. `jobs` is how many processes may parse. A file that cannot be read or parsed has a record with `error`.
    `choose` says which files are needed: the others' records hold nothing but the digest, or the error.
    `tell` is told how much of what has to be parsed is parsed. `unchanged` are the sha256 in hex of what files are known to hold, by
    their paths.
    """
    with _without_collector():
        return _read_records(files, cache_dir, jobs, choose, tell, unchanged or {})


def _read_records(
    files: Sequence[tuple[str, Path]],
    cache_dir: Path | None,
    jobs: int,
    choose: Choose | None,
    tell: Tell | None,
    unchanged: Mapping[str, str],
) -> tuple[dict[str, Record], tuple[str, ...]]:
    cache, warnings = open_cache(cache_dir) if cache_dir is not None else (None, ())
    known = cache.digests if cache is not None else frozenset[str]()
    unread: dict[str, Record] = {}
    digests: dict[str, str] = {}
    missing: dict[str, bytes] = {}
    paths: dict[str, Path] = {}
    sources: dict[str, bytes] = {}
    for name, path in files:
        told = unchanged.get(str(path)) if choose is None else None
        if told is not None and told in known:
            digests[name] = told
            paths[told] = path
            continue
        try:
            source = _read(path)
        except OSError as error:
            reason = error.strerror or str(error)
            unread[name] = Record("", (0,), error=f"cannot be read: {reason[:1].lower()}{reason[1:]}")
            continue
        digest = hashlib.sha256(source).hexdigest()
        digests[name] = digest
        paths[digest] = path
        if choose is not None:
            sources[name] = source
        elif digest not in known:
            missing[digest] = source
    wanted = set(digests.values())
    unsure: set[str] = set()
    fresh: dict[str, bytes] = {}
    with ExitStack() as stack:
        pool: ProcessPoolExecutor | None = None
        if choose is not None and choose.leaves_out(sources):
            unknown = {digest: sources[name] for name, digest in digests.items() if known.isdisjoint((digest, digest + _PLAIN))}
            pool = stack.enter_context(_early(unknown, jobs))
            checks = None if pool is None else _started(pool, unknown)  # run while it is decided what is left out
            needed = choose.first(sources)
            wanted = {digests[name] for name in needed}
            rest = {digest: source for digest, source in unknown.items() if digest not in wanted}
            plain = _plain(rest, checks)
            fresh = {digest + _PLAIN: encode(Record(digest + _PLAIN, ())) for digest in plain}
            unsure = rest.keys() - plain
            wanted |= unsure
        if choose is not None:
            missing = {digests[name]: source for name, source in sources.items() if digests[name] in wanted - known}
            sources.clear()
        records: dict[str, Record] = {}
        if cache is not None:
            records, said = load(cache, wanted & known)
            warnings += said
            for digest in (wanted & known).difference(records):
                with suppress(OSError):
                    source = _read(paths[digest])
                    if hashlib.sha256(source).hexdigest() == digest:
                        missing[digest] = source
        total, parsed = sum(map(len, missing.values())), 0
        for digest, found in _parse(missing, jobs, pool):
            if tell is not None:
                parsed += len(missing[digest])
                tell(parsed / max(total, 1))
            record = records[digest] = decode(found) if isinstance(found, bytes) else found
            if cache is not None and record.error is None:
                fresh[digest] = found if isinstance(found, bytes) else encode(record)
            if digest in unsure and record.error is None:
                records[digest] = Record(digest, ())
        if cache is not None:
            warnings += store(cache, fresh, records.keys())
    named: dict[str, Record] = {}
    for name, _ in files:
        if name in unread:
            named[name] = unread[name]
        elif digests[name] not in wanted:
            named[name] = Record(digests[name], ())
        else:
            named[name] = records.get(digests[name]) or Record("", (0,), error="cannot be read: it changed while it was read")
    return named, warnings


def _read(path: Path) -> bytes:
    """The bytes of a regular file. Raises OSError with a reason for everything else."""
    status = os.stat(path)
    if stat.S_ISDIR(status.st_mode):
        raise OSError(0, "it is a directory")
    if not stat.S_ISREG(status.st_mode):
        raise OSError(0, "it is no regular file")
    if status.st_size > MAX_FILE:
        raise OSError(0, f"it is larger than {MAX_FILE >> 20} MB")
    return path.read_bytes()


class _without_collector:
    """Records have no cycles: a collection while they are made walks them all and frees nothing."""

    def __enter__(self) -> None:
        self.enabled = gc.isenabled()
        gc.disable()

    def __exit__(self, *_: object) -> None:
        if self.enabled:
            gc.enable()


# Checking


@contextmanager
def _early(sources: Mapping[str, bytes], jobs: int) -> Iterator[ProcessPoolExecutor | None]:
    """Processes that are there before it is known what is to be parsed; None where there is too little to do."""
    workers = min(jobs, sum(map(len, sources.values())) // _PLAIN_WORTH_A_PROCESS)
    if workers < 2 or multiprocessing.current_process().daemon:
        yield None
        return
    import ormlint.facts.extract
    import ormlint.facts.plain  # noqa: F401  (forked workers then have both readers already)

    try:
        pool = ProcessPoolExecutor(workers, mp_context=_context(), initializer=_ignore_interrupt)
    except (OSError, ImportError):
        yield None
        return
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _started(pool: ProcessPoolExecutor, sources: Mapping[str, bytes]) -> list[Future[list[str]]] | None:
    """The checks of sources, in processes; None where these cannot be had."""
    try:
        return [pool.submit(_plain_chunk, chunk) for chunk in _chunks(sources)]
    except (OSError, ImportError, BrokenProcessPool):
        return None


def _plain(sources: Mapping[str, bytes], checks: list[Future[list[str]]] | None) -> set[str]:
    """The digests of the sources that the parser would accept, as far as that can be told without it."""
    try:
        if checks is not None:
            return {digest for check in checks for digest in check.result() if digest in sources}
    except (OSError, BrokenProcessPool):
        pass
    return set(nesting.on_deep_stack(_plain_chunk, list(sources.items())))


def _plain_chunk(sources: _Sources) -> list[str]:
    from ormlint.facts.plain import is_plain

    return [digest for digest, source in sources if is_plain(source)]


# Parsing


def _parse(sources: Mapping[str, bytes], jobs: int, pool: ProcessPoolExecutor | None = None) -> Iterator[_Found]:
    """The records of sources by digest, in any order; in the processes of `pool` where there is one."""
    if not sources:
        return
    total = sum(map(len, sources.values()))
    workers = min(jobs, len(sources), total // WORTH_A_PROCESS)
    if pool is None and (workers < 2 or multiprocessing.current_process().daemon):
        yield from _parse_here(list(sources.items()))
        return
    left = dict(sources)
    try:
        for digest, blob in _parse_in(pool, left) if pool is not None else _parse_in_processes(left, workers):
            del left[digest]
            yield digest, blob
    except BrokenProcessPool:
        yield from _parse_one_by_one(left)
    except (OSError, ImportError):
        yield from _parse_here(list(left.items()))


def _parse_here(sources: _Sources) -> Iterator[_Found]:
    """Parses in this process, a part at a time, so that it can be told how much is done."""
    for start in range(0, len(sources), _PART):
        yield from nesting.on_deep_stack(_parse_chunk, sources[start : start + _PART])


def _parse_chunk(sources: _Sources) -> list[tuple[str, Record]]:
    from ormlint.facts.extract import extract

    return [(digest, extract(source, digest)) for digest, source in sources]


def _work(sources: _Sources) -> _Blobs:
    """What workers run."""
    return [(digest, encode(record)) for digest, record in nesting.on_deep_stack(_parse_chunk, sources)]


def _chunks(sources: Mapping[str, bytes]) -> Iterator[_Sources]:
    """Large files first, so that no worker is left with a large one at the end."""
    chunk: _Sources = []
    size = 0
    for digest, source in sorted(sources.items(), key=lambda item: (-len(item[1]), item[0])):
        chunk.append((digest, source))
        size += len(source)
        if size >= _CHUNK:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _context() -> BaseContext:
    """Forking is fastest, but not safe beside other threads."""
    if sys.platform == "linux" and threading.active_count() == 1:
        return multiprocessing.get_context("fork")
    return multiprocessing.get_context("spawn")


def _ignore_interrupt() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _parse_in_processes(sources: Mapping[str, bytes], workers: int) -> Iterator[tuple[str, bytes]]:
    import ormlint.facts.extract  # noqa: F401  (forked workers then have the quick reader already)

    pool = ProcessPoolExecutor(workers, mp_context=_context(), initializer=_ignore_interrupt)
    try:
        yield from _parse_in(pool, sources)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _parse_in(pool: ProcessPoolExecutor, sources: Mapping[str, bytes]) -> Iterator[tuple[str, bytes]]:
    futures: list[Future[_Blobs]] = [pool.submit(_work, chunk) for chunk in _chunks(sources)]
    for future in as_completed(futures):
        yield from future.result()


def _parse_one_by_one(sources: Mapping[str, bytes]) -> Iterator[_Found]:
    """After a worker died: a file at a time, so that the one that ends its process is known and the others are not lost."""
    pending = sorted(sources.items())
    while pending:
        with ProcessPoolExecutor(1, mp_context=_context(), initializer=_ignore_interrupt) as pool:
            try:
                pool.submit(_work, []).result()
            except BrokenProcessPool:  # no worker lives here, whatever the file
                yield from _parse_here(pending)
                return
            while pending:
                digest, source = pending.pop()
                try:
                    yield from pool.submit(_work, [(digest, source)]).result()
                except BrokenProcessPool:
                    yield digest, encode(Record(digest, (0,), error="the parser ended its process on this file"))
                    break
