"""Which versions of a library a project declares: in pyproject.toml, setup.cfg, requirements files, or a lock file.

Takes the project's root; gives for a library and a source file the range of versions that the nearest declaration admits. A lock file
beside a declaration says it exactly. Knows nothing of what a version means. Files are read when first asked for; one that cannot be read
says nothing.
"""

from __future__ import annotations

import configparser
import json
import re
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import Final, Union

import msgspec

Version = tuple[int, ...]
MOST: Final = 5 << 20
LEVELS: Final = 3
"""How far below the root declarations are looked for: the root and the folders of two levels."""
REQUIREMENTS: Final = ("requirements*.txt", "requirements*.in", "requirements/*.txt", "requirements/*.in")
_NAME: Final = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^\]]*\])?\s*\(?([^;#)]*)")
_CLAUSE: Final = re.compile(r"\s*(===|==|~=|!=|>=|<=|>|<|\^|~|=)?\s*v?(\d+(?:\.\d+)*)([.]\*)?[A-Za-z0-9.+!-]*\s*$")


class Declared(msgspec.Struct, frozen=True):
    """A range of versions: from `low` on, below `high`; None is no bound."""

    low: Version = ()
    high: Union[Version, None] = None

    def meets(self, since: str, until: str | None) -> bool:
        """Whether it admits a version from `since` to the last release of `until`."""
        end = next_after(parsed(until)) if until is not None else None
        return (end is None or self.low < end) and (self.high is None or padded(parsed(since)) < self.high)


class DeclaredVersions:
    """The declarations of one project."""

    def __init__(self, root: Path | None) -> None:
        self._root = root
        self._known: dict[PurePosixPath, dict[str, Declared]] = {}

    def declared(self, library: str, path: str) -> Declared | None:
        """What the folder nearest to the file `path` declares of `library`; None where none does."""
        if self._root is None:
            return None
        for folder in PurePosixPath(path).parents:
            if len(folder.parts) >= LEVELS:
                continue
            found = self._of(folder).get(library)
            if found is not None:
                return found
        return None

    def _of(self, folder: PurePosixPath) -> dict[str, Declared]:
        if folder not in self._known:
            assert self._root is not None
            place = self._root / folder
            found: dict[str, Declared] = {}
            for name, version in locked(place):
                found.setdefault(name, Declared(padded(version), next_after(padded(version))))
            for name, clauses in wanted(place):
                if name not in found:
                    within = range_of(clauses)
                    if within is not None:
                        found[name] = within
            self._known[folder] = found
        return self._known[folder]


def parsed(version: str) -> Version:
    """The numbers of a version."""
    found = re.match(r"\d+(?:\.\d+)*", version.strip().lstrip("v"))
    return tuple(int(part) for part in found.group().split(".")) if found else ()


def padded(version: Version) -> Version:
    return (*version, *[0] * (3 - len(version)))


def next_after(version: Version) -> Version:
    """The first version that no longer begins with these numbers."""
    return (*version[:-1], version[-1] + 1) if version else ()


def range_of(clauses: str) -> Declared | None:
    """The range of `>=0.110,<0.120`, `==0.115.*`, `~=0.115.0`, `^0.115`; None where it says nothing or cannot be read."""
    low: Version = ()
    high: Version | None = None
    for clause in clauses.split(","):
        if not clause.strip() or clause.strip() == "*":
            continue
        match = _CLAUSE.match(clause)
        if match is None:
            return None
        operator, numbers, star = match.group(1) or "==", parsed(match.group(2)), bool(match.group(3))
        at_least, below = padded(numbers), None
        if operator in ("==", "===", "="):
            below = next_after(numbers if star else padded(numbers))
        elif operator == "~=":
            below = next_after(numbers[:-1])
        elif operator == "~":
            below = next_after(numbers[:2])
        elif operator == "^":
            first = next((at for at, number in enumerate(numbers) if number), len(numbers) - 1)
            below = next_after(numbers[: first + 1])
        elif operator == ">":
            at_least = next_after(padded(numbers))
        elif operator == "<":
            at_least, below = (), padded(numbers)
        elif operator == "<=":
            at_least, below = (), next_after(padded(numbers))
        elif operator == "!=":
            continue
        low = max(low, at_least)
        high = below if high is None or (below is not None and below < high) else high
    return Declared(low, high) if low or high is not None else None


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def requirement(line: str) -> tuple[str, str] | None:
    """Name and clauses of `fastapi[standard]>=0.110 ; python_version > "3.9"`."""
    match = _NAME.match(line)
    return (normal(match.group(1)), match.group(2).strip()) if match else None


def text_of(file: Path) -> str:
    try:
        return file.read_text("utf-8", "replace") if file.is_file() and file.stat().st_size <= MOST else ""
    except OSError:
        return ""


def table_of(file: Path) -> dict[str, object]:
    try:
        return tomllib.loads(text_of(file))
    except (tomllib.TOMLDecodeError, RecursionError):
        return {}


def inner(table: object, *names: str) -> object:
    """What stands in a table under a path of names; None where nothing does."""
    for name in names:
        table = table.get(name) if isinstance(table, dict) else None
    return table


def strings(value: object) -> Iterator[str]:
    """The strings in a list, or in the lists of a table."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from strings(item)


def locked(folder: Path) -> Iterator[tuple[str, Version]]:
    """The exact versions of uv.lock, poetry.lock, pdm.lock and Pipfile.lock."""
    for name in ("uv.lock", "poetry.lock", "pdm.lock"):
        packages = table_of(folder / name).get("package")
        for package in packages if isinstance(packages, list) else ():
            if isinstance(package, dict) and isinstance(package.get("name"), str) and isinstance(package.get("version"), str):
                yield normal(package["name"]), parsed(package["version"])
    try:
        pipfile = json.loads(text_of(folder / "Pipfile.lock") or "{}")
    except (ValueError, RecursionError):
        pipfile = {}
    for section in ("default", "develop"):
        packages = inner(pipfile, section)
        for name, package in packages.items() if isinstance(packages, dict) else ():
            version = inner(package, "version")
            if isinstance(version, str):
                yield normal(name), parsed(version.lstrip("="))


def wanted(folder: Path) -> Iterator[tuple[str, str]]:
    """The ranges of the files that people write, as pairs of name and clauses."""
    project = table_of(folder / "pyproject.toml")
    lines = [*strings(inner(project, "project", "dependencies")), *strings(inner(project, "project", "optional-dependencies"))]
    lines += strings(inner(project, "dependency-groups"))
    yield from named(lines)
    poetry = inner(project, "tool", "poetry")
    groups = inner(poetry, "group")
    tables = [inner(poetry, "dependencies"), inner(poetry, "dev-dependencies")]
    tables += [inner(group, "dependencies") for group in groups.values()] if isinstance(groups, dict) else []
    tables += [table_of(folder / "Pipfile").get("packages")]
    for table in tables:
        for name, value in table.items() if isinstance(table, dict) else ():
            clauses = value if isinstance(value, str) else inner(value, "version")
            if isinstance(clauses, str):
                yield normal(name), clauses
    setup = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        setup.read_string(text_of(folder / "setup.cfg"))
        yield from named(setup.get("options", "install_requires", fallback="").splitlines())
    except configparser.Error:
        pass
    for pattern in REQUIREMENTS:
        for file in sorted(folder.glob(pattern)):
            yield from named(text_of(file).splitlines())


def named(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    for line in lines:
        found = requirement(line) if not line.lstrip().startswith(("-", "#")) else None
        if found is not None and found[1]:
            yield found
