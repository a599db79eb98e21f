"""`python -m benchmarks.relevance [--scan] ROOT…`: each project with what cannot matter left out, and whole; prints where findings differ.

With `--scan`, files are chosen even where so many name the ORM that all would be read. All confidences and all rules count. Status 1 where
anything differs. A finding that both have with another trail is told apart: of several ways to one place either may be shown.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from ormlint import relevance
from ormlint.config import load_config
from ormlint.findings import Confidence, Finding, Report
from ormlint.pipeline import Request, check

ALWAYS = 2.0
"""No project names the ORM in so large a part."""


def analysed(root: Path, relevant: bool) -> tuple[Report, float]:
    """What a project's analysis finds without any cache, and the seconds that it took."""
    config = msgspec.structs.replace(
        load_config(root), relevance=relevant, cache_dir=None, min_confidence=Confidence.possible, preview=True, select=("ALL",)
    )
    started = time.perf_counter()
    return check(root, config, request=Request(baseline=False)), time.perf_counter() - started


def differences(one: Report, other: Report) -> Iterator[tuple[bool, str]]:
    """What only one of two reports has, or has otherwise, in words; each with whether it is more than a trail."""
    some, every = ({(item.code, item.at, item.message): item for item in report.findings} for report in (one, other))
    for key in sorted(some.keys() | every.keys(), key=repr):
        left, right = some.get(key), every.get(key)
        if left is None or right is None:
            yield True, f"only {'whole' if left is None else 'chosen'}: {told(left or right)}"
        elif left.confidence != right.confidence:
            yield True, f"{left.confidence.name} chosen, {right.confidence.name} whole: {told(left)}"
        elif left.trail != right.trail:
            yield False, f"another trail: {told(left)}"


def told(finding: Finding | None) -> str:
    assert finding is not None
    return f"{finding.at.path}:{finding.at.line}: {finding.code} {finding.message}"


def main(arguments: list[str]) -> int:
    if "--scan" in arguments:
        relevance.WORTH_SCANNING = ALWAYS  # type: ignore[misc]
    status = 0
    for name in arguments:
        if name.startswith("-"):
            continue
        (some, quick), (every, slow) = (analysed(Path(name), relevant) for relevant in (True, False))
        found = list(differences(some, every))
        print(
            f"{name}: {some.summary.parsed} of {every.summary.parsed} files, {quick:.1f} s instead of {slow:.1f} s, "
            f"{len(every.findings)} findings, {sum(real for real, _ in found)} differ, {sum(not real for real, _ in found)} other trails"
        )
        for _, text in found:
            print(f"  {text[:200]}")
        status |= any(real for real, _ in found)
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
