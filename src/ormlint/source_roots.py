"""Under which dotted name each file is imported.

Takes the paths of the Python files below a root; gives the module name of each. A source root is a folder that stands on
`sys.path` when the code runs. Where the layout leaves it open (a package below a plain folder, a folder without `__init__.py`),
the imports written in the files themselves decide: they are matched against the files that exist. Knows nothing of what the
modules mean.
"""

from __future__ import annotations

import configparser
import re
import sys
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

IMPORT: Final = re.compile(rb"^[ \t]*(?:from[ \t]+([A-Za-z_][\w.]*)[ \t]+import\b|import[ \t]+([A-Za-z_][\w.]*))", re.MULTILINE)
RELATIVE: Final = re.compile(rb"^[ \t]*from[ \t]+(\.+)", re.MULTILINE)
PROJECT_FILES: Final = ("pyproject.toml", "setup.py", "setup.cfg")
SOURCE_FOLDERS: Final = frozenset({"src"})
SAMPLE: Final = 40
"""How many files of one unit are read for their imports."""
MOST_BYTES: Final = 200_000
"""How much of one file is read for its imports."""


def module_names(root: Path, files: Sequence[str], markers: Iterable[str], configured: Sequence[str]) -> dict[str, str]:
    """The module name of each file.

    `files` and the result's keys are paths relative to `root` with forward slashes; `markers` are the folders (relative, `""` for
    the root) that hold a project file; `configured` are the source roots that the user named. A package's `__init__.py` has the
    name of the package.
    """
    packages = {file[: -len("/__init__.py")] for file in files if file.endswith("/__init__.py")}
    if (root / "__init__.py").is_file():
        packages.add("")
    prefix = package_prefix(root) if "" in packages else ""
    stray = stray_packages(root, files, packages, prefix)
    packages -= stray
    prefix = "" if "" in stray else prefix
    named = [folder.strip("/").removeprefix("./") for folder in configured if folder.strip("/")]
    named = ["" if folder == "." else folder for folder in named]
    layout = Layout(root, files, packages, frozenset(markers), tuple(named))
    if not packages & {""} and "" not in layout.markers and not named and layout.is_namespace():
        prefix = root.name
    names: dict[str, str] = {}
    for file in files:
        source_root = "" if prefix else layout.source_root(file)
        inner = file[len(source_root) + 1 :] if source_root else file
        dotted = inner.removesuffix(".py").replace("/", ".")
        dotted = dotted.removesuffix("__init__").removesuffix(".") if inner.endswith("__init__.py") else dotted
        names[file] = ".".join(part for part in (prefix, dotted) if part)
    return names


def stray_packages(root: Path, files: Sequence[str], packages: set[str], prefix: str) -> set[str]:
    """The outermost packages that the code inside imports nothing by: an `__init__.py` lies there, but the folder itself stands on
    `sys.path`. The next folder below is then judged in the same way."""
    inside: dict[str, list[str]] = defaultdict(list)
    for file in files:
        for folder in ancestors(folder_of(file)):
            if folder in packages:
                inside[folder].append(file)
    existing = frozenset(files) | {folder for file in files for folder in ancestors(folder_of(file)) if folder}
    stray: set[str] = set()
    for package in sorted(inside):
        parent = folder_of(package)
        outermost = not package or parent in stray or parent not in packages
        if outermost and _is_stray(root, package, inside[package], existing, prefix):
            stray.add(package)
    return stray


def _is_stray(root: Path, package: str, files: Sequence[str], existing: frozenset[str], prefix: str) -> bool:
    """Whether imports of the files inside hold with the folder itself as their source root, more than with the one above."""
    if not package and not all(part.isidentifier() for part in prefix.split(".")):
        return True
    below = f"{package}/" if package else ""
    if not SOURCE_FOLDERS.isdisjoint(package.split("/")):
        return False
    within = as_package = 0
    for file in files[:: max(1, len(files) // SAMPLE)][:SAMPLE]:
        names, dots = written_imports(root / file)
        for name in names:
            path = name.replace(".", "/")
            weight = 1 + name.count(".")
            if package:
                above = any(_is_there(f"{folder}/{path}" if folder else path, existing) for folder in ancestors(folder_of(package)))
            else:
                start = f"{prefix}."
                above = name == prefix or (name.startswith(start) and _is_there(name[len(start) :].replace(".", "/"), existing))
            if above:
                as_package += weight
            elif _is_there(below + path, existing):
                within += weight
        depth = len(file.split("/")) - 1 - len(package.split("/")) * bool(package)
        as_package += sum(count > depth for count in dots)
    return within > as_package


def _is_there(path: str, existing: frozenset[str]) -> bool:
    return f"{path}.py" in existing or path in existing


def package_prefix(root: Path) -> str:
    """The dotted name of the package that `root` itself is, counted from the topmost folder with an `__init__.py`."""
    parts: list[str] = []
    folder = root
    while (folder / "__init__.py").is_file() and folder.parent != folder:
        parts.append(folder.name)
        folder = folder.parent
    return ".".join(reversed(parts))


class Layout:
    """Finds the source root of a file; remembers what it found for each folder."""

    def __init__(self, root: Path, files: Sequence[str], packages: set[str], markers: frozenset[str], configured: tuple[str, ...]) -> None:
        self._root = root
        self._packages = packages
        self.markers = markers
        self._configured = configured
        self._declared = configured or declared_roots(root, markers)
        self._files = frozenset(files)
        self._folders = {folder for file in files for folder in ancestors(folder_of(file))}
        self._by_folder: dict[str, list[str]] = defaultdict(list)
        for file in files:
            self._by_folder[folder_of(file)].append(file)
        self._members: dict[str, list[str]] | None = None
        self._known: dict[str, str] = {}
        self._neighbours: dict[str, str] = {}
        self._sources: dict[str, str] = {}
        self._written: dict[str, Counter[str]] = {}
        self._written_here: dict[str, Counter[str]] = {}

    def is_namespace(self) -> bool:
        """Whether the root is itself a package without `__init__.py`: its files import each other by its name."""
        if not self._root.name.isidentifier():
            return False
        start = f"{self._root.name}."
        inside = outside = 0
        files = sorted(self._files)
        for file in files[:: max(1, len(files) // SAMPLE)][:SAMPLE]:
            for name in imported_names(self._root / file):
                inside += name.startswith(start) and self._exists(name[len(start) :].replace(".", "/"))
                outside += self._exists(name.replace(".", "/"))
        return inside > outside

    def source_root(self, file: str) -> str:
        """The folder, relative to the project's root, that stands on `sys.path` when this file is imported."""
        return self._of_folder(folder_of(file))

    def _of_folder(self, folder: str) -> str:
        if folder not in self._known:
            top = self._top_package(folder)
            self._known[folder] = self._of_package(top) if top is not None else self._of_plain(folder)
        return self._known[folder]

    def _top_package(self, folder: str) -> str | None:
        """The outermost folder of the unbroken run of packages that reaches highest above `folder`, or None."""
        top = None
        for candidate in ancestors(folder):
            if candidate and candidate in self._packages:
                top = candidate
            elif top is not None:
                break
        return top

    def _of_package(self, package: str) -> str:
        if package in self._known:
            return self._known[package]
        parent = folder_of(package)
        settled = self._settled(parent)
        if settled is None:
            settled = self._by_users(package, ancestors(parent))
        if settled is None:
            settled = self._by_imports(self._files_of(package), ancestors(parent))
        if settled is None:
            settled = self._of_neighbours(parent)
        self._known[package] = settled
        return settled

    def _of_neighbours(self, parent: str) -> str:
        """The source root that the packages in one folder share, for one whose own imports say nothing; else that folder."""
        if parent not in self._neighbours:
            packages = [package for package in self._packages if package and folder_of(package) == parent]
            files = [file for package in sorted(packages) for file in self._files_of(package)]
            found = self._by_imports(files, ancestors(parent))
            self._neighbours[parent] = parent if found is None else found
        return self._neighbours[parent]

    def _of_plain(self, folder: str) -> str:
        settled = self._settled(folder)
        if settled is not None:
            return settled
        found = self._by_users(folder, ancestors(folder))
        if found is None:
            found = self._by_imports(self._by_folder.get(folder, []), ancestors(folder))
        if found is not None:
            return found
        return folder if folder in self.markers else self._of_folder(folder_of(folder))

    def _settled(self, folder: str) -> str | None:
        """The source root of a folder where the layout or the configuration leaves no doubt."""
        holding = [root for root in self._declared if not root or folder == root or folder.startswith(f"{root}/")]
        deepest = max(holding, key=len, default=None)
        if deepest is not None and (deepest or self._configured):
            return deepest
        for candidate in ancestors(folder):
            if name_of(candidate) in SOURCE_FOLDERS and candidate not in self._packages:
                return self._as_written(candidate)
        return "" if not folder else None

    def _as_written(self, source: str) -> str:
        """The source root of a folder named `src`: itself, or the folder above where the code below it writes `from src.shop import …`."""
        if source not in self._sources:
            inside = [
                file for folder, files in self._by_folder.items() if folder == source or folder.startswith(f"{source}/") for file in files
            ]
            found = self._by_imports(inside, (source, folder_of(source)))
            self._sources[source] = source if found is None else found
        return self._sources[source]

    def _files_of(self, package: str) -> list[str]:
        if self._members is None:
            self._members = defaultdict(list)
            for folder, files in self._by_folder.items():
                top = self._top_package(folder)
                if top is not None:
                    self._members[top].extend(files)
        return self._members.get(package, [])

    def _by_users(self, folder: str, candidates: Iterable[str]) -> str | None:
        """The candidate by whose names most of the code below it imports what is in a folder; None where nobody does.

        It says more than what the folder's own files import: these may stand on several source roots, as a service beside shared code.
        """
        votes: Counter[str] = Counter()
        for candidate in candidates:
            inner = folder[len(candidate) :].lstrip("/")
            for name, count in self._written_below(candidate).items():
                path = name.replace(".", "/")
                if not (not inner or path == inner or path.startswith(f"{inner}/")) or not self._is_in(folder, inner, path):
                    continue
                # Tests may be laid out like what they test: then the name means that.
                if not any(self._exists(f"{outer}/{path}" if outer else path) for outer in ancestors(folder_of(candidate)) if candidate):
                    votes[candidate] += count * (1 + name.count("."))
        best = max(votes.values(), default=0)
        return max((candidate for candidate in votes if votes[candidate] == best), key=len) if best else None

    def _is_in(self, folder: str, inner: str, path: str) -> bool:
        """Whether a path, from a source root of which `folder` is the part `inner`, leads to a file or package in the folder."""
        rest = path[len(inner) :].lstrip("/")
        if not rest:
            return bool(inner)
        return self._exists(f"{folder}/{rest}" if folder else rest)

    def _written_below(self, folder: str) -> Counter[str]:
        """The absolute names that the files in a folder and below import, with how many of the files do."""
        if folder not in self._written:
            found: Counter[str] = Counter()
            for place, files in self._by_folder.items():
                if not folder or place == folder or place.startswith(f"{folder}/"):
                    found.update(self._written_in(place, files))
            self._written[folder] = found
        return self._written[folder]

    def _written_in(self, folder: str, files: Sequence[str]) -> Counter[str]:
        if folder not in self._written_here:
            step = max(1, len(files) // SAMPLE)
            self._written_here[folder] = Counter(name for file in files[::step][:SAMPLE] for name in imported_names(self._root / file))
        return self._written_here[folder]

    def _by_imports(self, files: Sequence[str], candidates: Iterable[str]) -> str | None:
        """The candidate below which most of the imports written in these files exist; None where they say nothing."""
        votes: Counter[str] = Counter()
        roots = tuple(candidates)
        step = max(1, len(files) // SAMPLE)
        for file in files[::step][:SAMPLE]:
            for name in imported_names(self._root / file):
                path = name.replace(".", "/")
                for candidate in roots:
                    if self._exists(f"{candidate}/{path}" if candidate else path):
                        votes[candidate] += 1 + name.count(".")
        best = max(votes.values(), default=0)
        return max((candidate for candidate in roots if votes[candidate] == best), key=len) if best else None

    def _exists(self, path: str) -> bool:
        return f"{path}.py" in self._files or path in self._folders


def imported_names(path: Path) -> set[str]:
    """The absolute dotted names that a file's import statements name, the standard library's left out."""
    return written_imports(path)[0]


def written_imports(path: Path) -> tuple[set[str], tuple[int, ...]]:
    """As `imported_names`; and for each relative import how many dots it begins with."""
    try:
        with path.open("rb") as file:
            source = file.read(MOST_BYTES)
    except OSError:
        return set(), ()
    names = {(found[0] or found[1]).decode("ascii", "replace") for found in IMPORT.findall(source)}
    dots = tuple(len(found) for found in RELATIVE.findall(source))
    return {name for name in names if name.partition(".")[0] not in sys.stdlib_module_names}, dots


def declared_roots(root: Path, markers: Iterable[str]) -> tuple[str, ...]:
    """The source roots that the project's own packaging files name, relative to `root`."""
    found: list[str] = []
    for folder in sorted(markers):
        here = root / folder
        names = {*from_pyproject(here / "pyproject.toml"), *from_setup_cfg(here / "setup.cfg")}
        found += ["/".join(part for part in (folder, name.strip("./")) if part) for name in names]
    return tuple(dict.fromkeys(found))


def from_pyproject(path: Path) -> set[str]:
    try:
        tool: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8")).get("tool", {})
        setuptools = tool.get("setuptools", {})
        found = [setuptools.get("package-dir", {}).get("")]
        packages = setuptools.get("packages", {})
        if isinstance(packages, dict):
            found += packages.get("find", {}).get("where", [])
        found += [entry.get("from") for entry in tool.get("poetry", {}).get("packages", [])]
        wheel = tool.get("hatch", {}).get("build", {}).get("targets", {}).get("wheel", {})
        found += [folder_of(package) for package in wheel.get("packages", [])]
    except (OSError, ValueError, AttributeError, TypeError):
        return set()
    return {name for name in found if isinstance(name, str) and name.strip("./")}


def from_setup_cfg(path: Path) -> set[str]:
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, configparser.Error):
        return set()
    found = [parser.get("options.packages.find", "where", fallback="")]
    for line in parser.get("options", "package_dir", fallback="").splitlines():
        package, _, folder = line.partition("=")
        if not package.strip():
            found.append(folder.strip())
    return {name for name in found if name.strip("./")}


def folder_of(path: str) -> str:
    return path.rpartition("/")[0]


def name_of(path: str) -> str:
    return path.rpartition("/")[2]


def ancestors(folder: str) -> list[str]:
    """The folder itself and all above it, up to `""`, the root."""
    found = [folder]
    while folder:
        folder = folder_of(folder)
        found.append(folder)
    return found
