"""Packages of one name under several source roots: services in one tree that each have an `app.models`.

Takes the project's files; gives for each the name under which the analysis knows its module, and which of the names that it imports are
those of its own root. Without that, one service's imports would lead into another's code. Knows nothing of what is in the files.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

import msgspec

from ormlint.project import SourceFile


class Home(msgspec.Struct, frozen=True):
    """What a module is called, and how the names that it imports are read."""

    name: str
    root: str = ""
    """The dotted path of its source root, where that has namesakes in another one."""
    own: frozenset[str] = frozenset()
    """The first parts of module names that mean, in this root, its own packages."""


def homes(files: Iterable[SourceFile]) -> Mapping[str, Home]:
    """The home of each file's module, by the file's path. The root that stands highest keeps plain names, in order of their paths."""
    by_root: dict[str, list[SourceFile]] = defaultdict(list)
    found: dict[str, Home] = {}
    for file in files:
        root = root_of(file)
        if root is None:
            found[file.rel] = Home(file.module)
        else:
            by_root[root].append(file)
    taken: set[str] = set()
    for root in sorted(by_root, key=lambda path: (path.count("/"), path)):
        own = frozenset(_top(file.module) for file in by_root[root] if file.module in taken) if root else frozenset[str]()
        dotted = root.replace("/", ".")
        for file in by_root[root]:
            name = f"{dotted}.{file.module}" if _top(file.module) in own else file.module
            found[file.rel] = Home(name, dotted if own else "", own)
        taken |= {file.module for file in by_root[root]}
    return found


def root_of(file: SourceFile) -> str | None:
    """The path of the folder below which a module's name begins; None where the name is not that of its place."""
    parts = file.rel.removesuffix(".py").split("/")
    if file.is_package and parts[-1] == "__init__":
        parts.pop()
    names = file.module.split(".")
    return "/".join(parts[: -len(names)]) if parts[-len(names) :] == names else None


def _top(module: str) -> str:
    return module.split(".", 1)[0]
