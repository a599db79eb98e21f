"""What changed since a git revision: the lines of each file, asked from git itself.

Takes a folder and a revision; gives line numbers as they are now. Knows nothing of findings beyond where they and their trails are.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from .config import ConfigError, printable
from .findings import Finding, Location

HUNK: Final = re.compile(rb"^@@ -\S+ \+(\d+)(?:,(\d+))? @@")


def changed_lines(root: Path, base: str) -> dict[str, frozenset[int] | None]:
    """The changed lines of each file below `root` that differs from a revision; None for a new file, all of which is new.

    Raises `ConfigError` where git is missing, the folder is in no repository, or the revision is unknown.
    """
    if shutil.which("git") is None:
        raise ConfigError("--diff needs git, which is not installed")
    if git(root, "rev-parse", "--is-inside-work-tree") is None:
        raise ConfigError(f"--diff: {printable(str(root))} is not in a git repository")
    commit = git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{base}^{{commit}}")
    if commit is None:
        raise ConfigError(f'--diff: git knows no revision "{printable(base)}"')
    revision = commit.decode("ascii").strip()
    changed: dict[str, frozenset[int] | None] = {}
    listed = git(root, "diff", "--name-only", "--relative", "-z", "--no-renames", "--diff-filter=d", revision, "--", ".") or b""
    for name in filter(None, listed.split(b"\0")):
        path = name.decode("utf-8", "surrogateescape")
        diff = git(root, "diff", "--unified=0", "--no-color", "--no-ext-diff", "--no-renames", revision, "--", f":(literal){path}") or b""
        changed[path] = None if b"\nnew file mode" in diff[:2000] else added(diff)
    for name in filter(None, (git(root, "ls-files", "--others", "--exclude-standard", "-z", "--", ".") or b"").split(b"\0")):
        changed[name.decode("utf-8", "surrogateescape")] = None
    return changed


def added(diff: bytes) -> frozenset[int]:
    """The lines that a diff without context adds or changes; where it only removes, the line before the gap and the one after it."""
    lines: set[int] = set()
    for line in diff.split(b"\n"):
        hunk = HUNK.match(line)
        if hunk:
            start, count = int(hunk[1]), int(hunk[2] or 1)
            lines.update(range(start, start + count) if count else (start, start + 1))
    return frozenset(lines)


def git(root: Path, *arguments: str) -> bytes | None:
    """What git prints, or None where it fails."""
    done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, check=False)  # noqa: S603, S607
    return done.stdout if done.returncode == 0 else None


def takes_part(finding: Finding, changed: Mapping[str, frozenset[int] | None]) -> bool:
    """Whether a changed line is part of a finding: in its range, or a step of its trail."""
    return any(touched(at, changed) for at in (finding.at, *(step.at for step in finding.trail)))


def touched(at: Location, changed: Mapping[str, frozenset[int] | None]) -> bool:
    if at.path not in changed:
        return False
    lines = changed[at.path]
    return lines is None or not lines.isdisjoint(range(at.line, max(at.end_line, at.line) + 1))
