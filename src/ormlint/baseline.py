"""Accepted findings: a file of fingerprints, read, matched and written.

Takes findings and the entries of a baseline; gives those that are new and the entries that still apply. An entry matches by its
fingerprint, or, where its code moved to another file, by its rule, symbol and source text. Holds no line numbers.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import msgspec

from .config import Config, ConfigError, printable
from .findings import Finding
from .fingerprints import Source, digest, written

DEFAULT_FILE: Final = ".ormlint-baseline.json"
VERSION: Final = 1


class Entry(msgspec.Struct, frozen=True, order=True):
    """One accepted finding; `text` identifies it when it moves to another file."""

    path: str
    code: str
    fingerprint: str
    text: str
    message: str = ""


class Matched(msgspec.Struct, frozen=True):
    """`new` are the findings that no entry accepts; `kept` the entries that still apply, brought up to date; `gone` the others."""

    new: tuple[Finding, ...]
    kept: tuple[Entry, ...]
    gone: tuple[Entry, ...]


def location(root: Path, config: Config) -> Path:
    """Where the project's baseline is, or would be."""
    return root / (config.baseline or DEFAULT_FILE)


def load(path: Path) -> tuple[Entry, ...]:
    """The entries of a baseline file. Raises `ConfigError` where it cannot be read, is corrupt or of a newer version."""
    name = printable(str(path))
    try:
        document = json.loads(path.read_bytes())
    except OSError as error:
        raise ConfigError(f"cannot read the baseline {name}: {error.strerror or error}") from None
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"the baseline {name} is corrupt ({printable(str(error))}); mend it or write it anew") from None
    version = document.get("version") if isinstance(document, dict) else None
    if not isinstance(version, int):
        raise ConfigError(f"the baseline {name} is corrupt (it has no version); mend it or write it anew")
    if version > VERSION:
        raise ConfigError(f"the baseline {name} is of version {version}, newer than this ormlint understands; upgrade ormlint")
    try:
        return tuple(msgspec.convert(document.get("findings"), tuple[Entry, ...]))
    except msgspec.ValidationError as error:
        raise ConfigError(f"the baseline {name} is corrupt ({printable(str(error))}); mend it or write it anew") from None


def dump(entries: Iterable[Entry]) -> str:
    """The text of a baseline file, one entry on a line, sorted, so that it merges well."""
    lines = ",".join(f"\n    {json.dumps(msgspec.to_builtins(item))}" for item in sorted(entries))
    closing = "\n  ]" if lines else "]"
    return f'{{\n  "version": {VERSION},\n  "findings": [{lines}{closing}\n}}\n'


def entry(finding: Finding, source: Source) -> Entry:
    return Entry(finding.at.path, finding.code, finding.fingerprint, moved_text(finding, source), finding.message)


def moved_text(finding: Finding, source: Source) -> str:
    """What identifies a finding apart from its file."""
    return digest("\0".join((finding.code, *written(finding, source))), 0)


def match(findings: Sequence[Finding], entries: Sequence[Entry], source: Source) -> Matched:
    """Which findings are new and which entries still apply. Each entry accepts one finding."""
    left = Counter(item.fingerprint for item in entries)
    kept: list[Entry] = []
    rest: list[Finding] = []
    for finding in findings:
        if left[finding.fingerprint]:
            left[finding.fingerprint] -= 1
            kept.append(entry(finding, source))
        else:
            rest.append(finding)
    unmatched: dict[tuple[str, str], list[Entry]] = defaultdict(list)
    for item in entries:
        if left[item.fingerprint]:
            left[item.fingerprint] -= 1
            unmatched[item.code, item.text].append(item)
    new: list[Finding] = []
    for finding in rest:
        candidates = unmatched[finding.code, moved_text(finding, source)]
        if candidates:
            candidates.pop()
            kept.append(entry(finding, source))
        else:
            new.append(finding)
    return Matched(tuple(new), tuple(kept), tuple(item for items in unmatched.values() for item in items))
