"""The flake8 plugin, prefix `ORM`: the findings of the whole project, handed out file by file.

flake8 makes one plugin object for each file, in any of its worker processes. The project is analysed by whichever comes first; it puts
the findings into the cache folder under a name made from the content of all files, and the others read them there. A lock keeps them
from doing the same work side by side. Where a buffer differs from the file on disk (standard input, an editor), the project is analysed
with the buffer in the file's place.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, ClassVar, Final

import filelock
import msgspec

from .. import __version__
from ..config import Config, ConfigError, load_config, printable
from ..findings import Finding
from ..pipeline import Request, cache_folder, check
from ..project import discover, find_root, relative_to
from ..sources import decoded, lines_of

KEPT: Final = 4
"""How many results of past runs stay in the cache folder."""
PATIENCE: Final = 600
"""Seconds to wait for the process that analyses the project."""


class Result(msgspec.Struct, frozen=True):
    """What the workers share: the findings, or the one line that says why there are none."""

    findings: tuple[Finding, ...] = ()
    problem: str = ""


class Plugin:
    """One file, as flake8 sees it."""

    name: ClassVar[str] = "ormlint"
    version: ClassVar[str] = __version__
    noqa: ClassVar[bool] = True
    extra: ClassVar[tuple[str, ...]] = ()

    def __init__(self, tree: ast.AST, filename: str, lines: Sequence[str]) -> None:
        self._path = Path(filename)
        self._text = "".join(lines)

    @classmethod
    def parse_options(cls, options: argparse.Namespace) -> None:
        """Take over what flake8 was told: whether `noqa` counts, and rules that are selected by their full code."""
        cls.noqa = not getattr(options, "disable_noqa", False)
        named = [*(getattr(options, "select", None) or ()), *(getattr(options, "extend_select", None) or ())]
        cls.extra = tuple(sorted({code for code in named if code.startswith("ORM") and len(code) == len("ORM201")}))

    def run(self) -> Iterator[tuple[int, int, str, type[Any]]]:
        """The findings in this file: line from 1, column from 0, text that begins with the code."""
        path = self._path if self._path.is_absolute() else Path.cwd() / self._path
        root = find_root(path if path.exists() else existing_folder(path))
        rel = relative_to(path, root) or path.name
        result = shared(root, self.extra, self.noqa) if self._is_on_disk(path) else self._alone(root, rel)
        if result.problem:
            yield 1, 0, f"ORM901 {result.problem}", type(self)
        for finding in result.findings:
            if finding.at.path == rel:
                yield finding.at.line, finding.at.column - 1, f"{finding.code} {described(finding)}", type(self)

    def _is_on_disk(self, path: Path) -> bool:
        try:
            return lines_of(decoded(path.read_bytes()).removeprefix("\ufeff")) == lines_of(self._text.removeprefix("\ufeff"))
        except OSError:
            return False

    def _alone(self, root: Path, rel: str) -> Result:
        with tempfile.TemporaryDirectory(prefix="ormlint-") as folder:
            content = Path(folder, "buffer.py")
            content.write_bytes(self._text.encode("utf-8", "surrogatepass"))
            return analysed(root, self.extra, self.noqa, {rel: content})


def existing_folder(path: Path) -> Path:
    """The nearest folder above a path that exists."""
    return next(folder for folder in path.parents if folder.is_dir())


def described(finding: Finding) -> str:
    """The message, and where the trail ends."""
    last = finding.trail[-1] if finding.trail else None
    elsewhere = last is not None and (last.at.path, last.at.line) != (finding.at.path, finding.at.line)
    return printable(f"{finding.message} ({last.at.path}:{last.at.line})" if last is not None and elsewhere else finding.message)


def analysed(root: Path, extra: tuple[str, ...], noqa: bool, contents: dict[str, Path] | None = None) -> Result:
    """Analyse the project now."""
    try:
        return Result(check(root, configuration(root, extra), request=Request(noqa=noqa, contents=contents or {})).findings)
    except ConfigError as error:
        return Result(problem=f"ormlint cannot run: {printable(str(error))}")
    except Exception as error:
        if os.environ.get("ORMLINT_DEBUG"):
            raise
        said = printable(f"{type(error).__name__}: {error}")
        return Result(problem=f"ormlint cannot run: internal error: {said} (ORMLINT_DEBUG=1 shows where; please report it)")


def configuration(root: Path, extra: tuple[str, ...]) -> Config:
    config = load_config(root)
    return load_config(root, {"extend_select": (*config.extend_select, *extra)}) if extra else config


@lru_cache(maxsize=8)
def shared(root: Path, extra: tuple[str, ...], noqa: bool) -> Result:
    """The project's result: from this process, from another one through the cache folder, or made here."""
    try:
        config = configuration(root, extra)
        folder = cache_folder(root, config)
        key = content_key(root, config, noqa)
    except ConfigError as error:
        return Result(problem=f"ormlint cannot run: {printable(str(error))}")
    folder = None if folder is None else folder / "flake8"
    store = None if folder is None else folder / f"{key}.json"
    known = read_result(store)
    if known is not None:
        return known
    with lock(folder):
        known = read_result(store)
        if known is None:
            known = analysed(root, extra, noqa)
            write_result(store, known)
        return known


def content_key(root: Path, config: Config, noqa: bool) -> str:
    """A name for the project as it is now: its files' content, the options and this version."""
    project = discover(root, config)
    key = hashlib.sha256(f"{own_digest()}\0{noqa}\0".encode() + msgspec.json.encode(config))
    baseline = root / (config.baseline or ".ormlint-baseline.json")
    for path in (*(Path(file.path) for file in project.files), *(root / rel for rel in project.templates), baseline):
        try:
            content = hashlib.sha256(path.read_bytes()).digest()
        except OSError:
            content = b"-"
        key.update(str(path).encode("utf-8", "surrogateescape") + b"\0" + content)
    return key.hexdigest()


@cache
def own_digest() -> str:
    """A name for this very ormlint, so that a result of another one is never taken for its own."""
    digest = hashlib.sha256(__version__.encode())
    for path in sorted(Path(__file__).parents[1].rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


@contextmanager
def lock(folder: Path | None) -> Iterator[None]:
    """Held while the project is analysed; where the cache folder cannot be written, nothing is held."""
    with ExitStack() as stack:
        if folder is not None:
            with suppress(OSError, filelock.Timeout):
                folder.mkdir(parents=True, exist_ok=True)
                ignore = folder.parent / ".gitignore"
                if not ignore.exists():
                    ignore.write_text("*\n", encoding="utf-8")
                stack.enter_context(filelock.FileLock(folder / "lock", timeout=PATIENCE))
        yield


def read_result(store: Path | None) -> Result | None:
    try:
        return None if store is None else msgspec.json.decode(store.read_bytes(), type=Result)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return None


def write_result(store: Path | None, result: Result) -> None:
    """Put a result into the cache folder, whole or not at all, and drop the oldest ones."""
    if store is None:
        return
    try:
        with tempfile.NamedTemporaryFile(dir=store.parent, delete=False) as file:
            file.write(msgspec.json.encode(result))
        Path(file.name).replace(store)
        past = sorted(store.parent.glob("*.json"), key=lambda path: path.stat().st_mtime)
        for path in past[:-KEPT]:
            path.unlink(missing_ok=True)
    except (OSError, UnicodeError):
        return
