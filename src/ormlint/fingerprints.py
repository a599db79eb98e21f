"""The identity of a finding without its line number, so that it survives code that moves.

Takes findings and the lines of their files; gives the same findings with `fingerprint` filled in. Two findings with the same rule,
file, symbol and source text are told apart by their order.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import msgspec

from .findings import Finding

Source = Callable[[str], Sequence[str]]
"""The lines of a file, by its path relative to the root."""


def fingerprinted(findings: Iterable[Finding], source: Source) -> list[Finding]:
    """The findings, in the same order, each with its fingerprint of 16 hex digits."""
    seen: Counter[str] = Counter()
    done: list[Finding] = []
    for finding in findings:
        identity = "\0".join((finding.code, finding.at.path, *written(finding, source)))
        done.append(msgspec.structs.replace(finding, fingerprint=digest(identity, seen[identity])))
        seen[identity] += 1
    return done


def written(finding: Finding, source: Source) -> tuple[str, str]:
    """The innermost function or class that a finding stands in, and its line of source with blanks evened out."""
    lines = source(finding.at.path)
    line = lines[finding.at.line - 1] if finding.at.line <= len(lines) else ""
    code, _, _ = line.partition("  #")
    return finding.symbol.rpartition(".")[2], " ".join(code.split())


def digest(identity: str, occurrence: int) -> str:
    return hashlib.sha256(f"{identity}\0{occurrence}".encode("utf-8", "surrogatepass")).hexdigest()[:16]
