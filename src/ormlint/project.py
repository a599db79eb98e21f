"""Step 1, discover: which files a project has, what each is called when imported, and what it is for.

Takes a folder and a configuration; gives a `Project`. Opens no Python file, except where a layout leaves open under which name a
module is imported (see `source_roots`). Links to folders are not followed, as git does not: so a loop cannot be entered and no
file is seen twice.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import msgspec
import pathspec

from .config import CACHE_FOLDER, Config, ConfigError, printable
from .file_roles import migration_environments, role_of
from .ignored_paths import IgnoreFile, ignore_files_above, is_ignored, patterns, read_ignore_file
from .source_roots import PROJECT_FILES, module_names

ROOT_MARKERS: Final = ("ormlint.toml", *PROJECT_FILES, ".git")
SKIPPED_FOLDERS: Final = frozenset(
    {
        ".git", ".hg", ".svn", ".tox", ".nox", ".venv", ".eggs", ".direnv", ".idea", ".vscode", "__pycache__", "__pypackages__",
        ".mypy_cache", ".ruff_cache", ".pytest_cache", ".import_linter_cache", "node_modules", "site-packages", CACHE_FOLDER,
    }
)  # fmt: skip
BUILD_FOLDERS: Final = frozenset({"build", "dist", "_build", "venv", "env"})
"""Left out, unless they are packages."""
TEMPLATE_ENDINGS: Final = (".html", ".htm", ".jinja", ".jinja2", ".j2", ".xml", ".txt")


class SourceFile(msgspec.Struct, frozen=True):
    """One Python file."""

    rel: str
    """The path relative to the project's root, with forward slashes."""
    path: str
    """The path to read it from."""
    module: str
    """The dotted name under which it is imported; the package's own name for an `__init__.py`."""
    is_package: bool
    role: str
    """`code`, `test`, `migration`, `script` or `fixture`."""


class Project(msgspec.Struct, frozen=True):
    """The files below a root, sorted by path."""

    root: Path
    files: tuple[SourceFile, ...]
    templates: tuple[str, ...] = ()
    """Paths of template files (below a `templates` folder), relative to the root."""


class Found(msgspec.Struct):
    """What a walk collects."""

    files: list[str] = []
    templates: list[str] = []
    markers: list[str] = []


def discover(root: Path, config: Config) -> Project:
    """The project below `root`. Raises `ConfigError` where the root is no folder or a pattern of `exclude` is bad."""
    root = root.resolve()
    if not root.is_dir():
        raise ConfigError(f"{printable(str(root))} is not a folder")
    try:
        excluded = patterns(config.exclude)
    except ValueError as error:
        raise ConfigError(f"exclude holds a pattern that cannot be understood: {printable(str(error))}") from None
    prefix, above = ignore_files_above(root) if config.respect_gitignore else ("", ())
    found = Found()
    walk(root, "", prefix, above, excluded, config.respect_gitignore, found)
    found.files.sort()
    names = module_names(root, found.files, found.markers, config.src)
    base = f"{root}{os.sep}"
    environments = migration_environments(found.files)
    files = tuple(
        SourceFile(rel, base + rel, names[rel], rel.endswith("/__init__.py") or rel == "__init__.py", role_of(rel.split("/"), environments))
        for rel in found.files
    )
    return Project(root, files, tuple(sorted(found.templates)))


def walk(
    folder: Path | str,
    rel: str,
    prefix: str,
    ignores: tuple[IgnoreFile, ...],
    excluded: pathspec.GitIgnoreSpec,
    respect: bool,
    found: Found,
) -> None:
    """Add the files below a folder to `found`. `rel` is its path from the root (`""` or `"a/b/"`), `prefix` the root's from git's top."""
    try:
        with os.scandir(folder) as listing:
            entries = list(listing)
    except OSError:
        return
    names = {entry.name for entry in entries}
    if "pyvenv.cfg" in names or "conda-meta" in names:
        return
    if not names.isdisjoint(PROJECT_FILES):
        found.markers.append(rel.rstrip("/"))
    if respect and ".gitignore" in names:
        file = read_ignore_file(Path(folder) / ".gitignore", prefix + rel)
        if file is not None:
            ignores = (*ignores, file)
    in_templates = "templates/" in rel
    for entry in entries:
        name = entry.name
        path = rel + name
        if name.endswith(".py"):
            if is_file(entry) and not is_left_out(path, prefix, ignores, excluded):
                found.files.append(path)
        elif entry.is_dir(follow_symlinks=False):
            if name in SKIPPED_FOLDERS or name.endswith(".egg-info") or (name in BUILD_FOLDERS and not is_package(entry.path)):
                continue
            if not is_left_out(f"{path}/", prefix, ignores, excluded):
                walk(entry.path, f"{path}/", prefix, ignores, excluded, respect, found)
        elif in_templates and name.endswith(TEMPLATE_ENDINGS) and not is_left_out(path, prefix, ignores, excluded):
            found.templates.append(path)


def is_file(entry: os.DirEntry[str]) -> bool:
    """Whether to read it as a file; a link that leads nowhere or round in a circle counts, so that it is reported and not passed over."""
    try:
        return entry.is_file() or (entry.is_symlink() and not entry.is_dir())
    except OSError:
        return True


def is_package(folder: str) -> bool:
    return os.path.isfile(os.path.join(folder, "__init__.py"))


def is_left_out(path: str, prefix: str, ignores: Sequence[IgnoreFile], excluded: pathspec.GitIgnoreSpec) -> bool:
    return bool(excluded.check_file(path).include) or (bool(ignores) and is_ignored(prefix + path, ignores))


def find_root(path: Path) -> Path:
    """The project that holds a file or folder.

    The nearest folder, from `path` upwards, that holds `ormlint.toml`, `pyproject.toml`, `setup.py`, `setup.cfg` or `.git`; where
    there is none, the folder above the topmost package that holds it, or the folder itself where it is in no package.
    """
    path = path.resolve()
    folder = path if path.is_dir() else path.parent
    for directory in (folder, *folder.parents):
        if any((directory / marker).exists() for marker in ROOT_MARKERS):
            return directory
    while (folder / "__init__.py").is_file() and folder.parent != folder:
        folder = folder.parent
    return folder


def named_files(project: Project, paths: Iterable[Path]) -> frozenset[str]:
    """The files that a user named, directly or by a folder, as paths relative to the root; all of them where nothing is named.

    Raises `ConfigError` on a path that is missing or elsewhere, on a folder without Python and on a file that is not Python.
    """
    known = {file.rel for file in project.files}
    chosen: set[str] = set()
    for path in tuple(paths) or (project.root,):
        shown = printable(str(path))
        absolute = Path(os.path.abspath(path))
        rel = relative_to(absolute, project.root)
        if rel not in known and not os.path.lexists(absolute):
            raise ConfigError(f"{shown} does not exist")
        if rel is None:
            raise ConfigError(f"{shown} is not below the project's root {printable(str(project.root))}")
        if absolute.is_dir():
            below = {file for file in known if not rel or file.startswith(f"{rel}/")}
            if not below:
                raise ConfigError(f"there is no Python file to check in {shown}")
            chosen |= below
        elif not rel.endswith(".py"):
            raise ConfigError(f"{shown} is not a Python file")
        else:
            chosen.add(rel)
    return frozenset(chosen)


def relative_to(path: Path, root: Path) -> str | None:
    """The path relative to the root with forward slashes, `""` for the root itself, None where it lies elsewhere."""
    for candidate in (path, path.parent.resolve() / path.name, path.resolve()):
        if candidate == root:
            return ""
        if candidate.is_relative_to(root):
            return candidate.relative_to(root).as_posix()
    return None
