"""Which paths are left out: those that git ignores, and those that the configuration excludes.

Takes gitignore patterns, from nested `.gitignore` files and from options; gives yes or no for a path. Knows nothing of Python.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec
import pathspec


class IgnoreFile(msgspec.Struct, frozen=True):
    """The patterns of one `.gitignore`; `folder` is where it stands, relative to the root of git, `""` or `"a/b/"`."""

    folder: str
    spec: pathspec.GitIgnoreSpec


def patterns(lines: Iterable[str]) -> pathspec.GitIgnoreSpec:
    """A matcher of gitignore patterns. A pattern that cannot be understood raises `ValueError`."""
    return pathspec.GitIgnoreSpec.from_lines(lines)


def read_ignore_file(path: Path, folder: str) -> IgnoreFile | None:
    """The patterns of a `.gitignore`; None where it holds none or cannot be read."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    kept = [line for line in lines if line.strip() and not line.startswith("#")]
    if not kept:
        return None
    try:
        return IgnoreFile(folder, patterns(kept))
    except ValueError:
        return None


def is_ignored(path: str, stack: Iterable[IgnoreFile]) -> bool:
    """Whether git ignores a path (a folder ends with a slash); the deepest file that speaks of it decides."""
    ignored = False
    for file in stack:
        verdict = file.spec.check_file(path[len(file.folder) :]).include
        if verdict is not None:
            ignored = verdict
    return ignored


def git_top(folder: Path) -> Path | None:
    """The work tree of git that holds a folder, or None."""
    for directory in (folder, *folder.parents):
        if (directory / ".git").exists():
            return directory
    return None


def ignore_files_above(root: Path) -> tuple[str, tuple[IgnoreFile, ...]]:
    """The prefix of `root` below git's top (`""` or `"a/b/"`), and the ignore files that stand above it, outermost first.

    Where git ignores `root` itself, it was named on purpose, and what stands above it says nothing.
    """
    top = git_top(root)
    if top is None or top == root:
        return "", ()
    relative = root.relative_to(top).parts
    found: list[IgnoreFile] = []
    folder = ""
    for part in relative:
        file = read_ignore_file(top / folder / ".gitignore", folder)
        if file is not None:
            found.append(file)
        folder += f"{part}/"
        if is_ignored(folder, found):
            return f"{'/'.join(relative)}/", ()
    return f"{'/'.join(relative)}/", tuple(found)
