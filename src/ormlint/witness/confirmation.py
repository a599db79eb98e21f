"""Holds a record against a report: each finding confirmed, refuted or not run, and what no finding spoke of.

A pure function of the two; `record.against_sources` has told before which files are no longer those that ran.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from ormlint.file_roles import role_of
from ormlint.findings import Finding, Location, Report
from ormlint.witness.meaning import EVIDENCE, NAMES, UNDECIDABLE, Evidence, described, noun_for, rule_for, speaking_of
from ormlint.witness.record import Record, Site, against_sources, read_record
from ormlint.witnessed import Missed, Verdict, Witness, WitnessedFinding, WitnessedReport

_MADE = frozenset({"leak", "session", "engine", "shared"})
"""Kinds of what happens in one place, maybe in a helper or in what was started, and is found wherever that is called from."""

_OUTSIDE = frozenset({"ORM406", "ORM407"})
"""Rules of loads that a framework does, with no line of the project on the stack."""


def confirm(report: Report, record: Record, asked: Callable[[Missed], bool] = lambda _: True) -> WitnessedReport:
    """The report with a witness for each finding, what costs most first, and with what was missed of that which was asked for."""
    index = _Index(record)
    findings = [WitnessedFinding(**_fields(finding), witness=_witness(finding, index)) for finding in report.findings]
    findings.sort(key=lambda finding: _rank(finding.witness))
    missed = sorted(filter(asked, _missed((*report.findings, *report.unshown), index)), key=lambda missed: -missed.witness.count)
    fields = {**_fields(report), "findings": tuple(findings), "warnings": (*report.warnings, *record.warnings)}
    return WitnessedReport(**fields, missed=tuple(missed))


def hold_against(report: Report, file: Path, asked: Callable[[Missed], bool] = lambda _: True) -> WitnessedReport:
    """The report with what the record in a file says of it. Raises RecordError where the record is none, or of another project."""
    return confirm(report, against_sources(read_record(file), Path(report.root)), asked)


def at_least(report: WitnessedReport, verdict: Verdict) -> WitnessedReport:
    """The report with only the findings whose verdict is at least this; of "refuted", all of them."""
    kept = [
        finding
        for finding in report.findings
        if verdict is Verdict.refuted
        or (isinstance(finding, WitnessedFinding) and (finding.witness.verdict if finding.witness else Verdict.not_run) >= verdict)
    ]
    return msgspec.structs.replace(report, findings=tuple(kept))


def _fields(struct: msgspec.Struct) -> dict[str, Any]:
    return {field: getattr(struct, field) for field in struct.__struct_fields__}


def _rank(witness: Witness | None) -> tuple[int, int]:
    if witness is None:
        return -Verdict.not_run, 0
    return -witness.verdict, -witness.count


class _Index:
    """The record by file: sites by where they are and by where they were repeated or passed through; lines that ran."""

    def __init__(self, record: Record) -> None:
        self.record = record
        self.sites = tuple(site for site in record.sites if site.path not in record.stale)
        self.here: dict[str, list[Site]] = defaultdict(list)
        self.through: dict[str, list[Site]] = defaultdict(list)
        for site in self.sites:
            self.here[site.path].append(site)
            for path in {frame.path for chain in site.chains for frame in chain.frames[1:]}:
                self.through[path].append(site)
        self.ran = {file.path: {line for first, last in file.ran for line in range(first, last + 1)} for file in record.files}
        for site in self.sites:
            for chain in site.chains:
                for frame in chain.frames:
                    self.ran.setdefault(frame.path, set()).add(frame.line)

    def ran_at(self, at: Location) -> bool | None:
        """Whether a line of a range ran; None where the record does not say."""
        if at.path in self.record.stale:
            return None
        lines = self.ran.get(at.path)
        if lines and any(line in lines for line in range(at.line, max(at.line, at.end_line) + 1)):
            return True
        return False if self.record.head.lines and lines else None


class _Match(NamedTuple):
    site: Site
    events: int
    most: int
    repeated: bool


def _witness(finding: Finding, index: _Index) -> Witness | None:
    evidence = EVIDENCE.get(finding.code)
    if evidence is None:
        reason = UNDECIDABLE.get(finding.code)
        return None if reason is None else Witness(Verdict.not_run, f"not decidable by a run: {reason}")
    if finding.at.path in index.record.stale:
        return Witness(Verdict.not_run, "stale: the file has changed since the record was made")
    matches = list(_matches(finding, evidence, index))
    borne_out = [match for match in matches if match.repeated] if evidence.repeated else matches
    count = sum(match.events for match in borne_out)
    if count >= evidence.least:
        return _confirmed(borne_out, evidence)
    if borne_out:
        return Witness(Verdict.not_run, f"ran, but only once: {_amount(count, evidence.noun)}")
    if matches:
        seen = _amount(sum(match.events for match in matches), evidence.noun)
        if _went_round(finding, matches, evidence, index):
            return Witness(Verdict.refuted, f"the loop went round, and this happened at most once in a call: {seen}")
        return Witness(Verdict.not_run, f"ran, but never for more than one row at a time: {seen}")
    return _unseen(finding, evidence, index)


def _went_round(finding: Finding, matches: list[_Match], evidence: Evidence, index: _Index) -> bool:
    """Whether something else on the finding's own lines shows that these ran more than once in one activation.

    Only that makes a single event a refutation: with one row, a loop that loads for each row looks the same.
    """
    functions = {match.site.function for match in matches}
    return any(
        site.loop == "direct" and site.function in functions and not _bears(site, evidence) and _overlaps(site, finding.at)
        for site in index.here[finding.at.path]
    )


def _confirmed(matches: list[_Match], evidence: Evidence) -> Witness:
    count = sum(match.events for match in matches)
    most = max(match.most for match in matches)
    names = {name for match in matches for name in match.site.tests}
    tests = max(len(names), max(match.site.test_count for match in matches))
    return Witness(Verdict.confirmed, _said(count, most, tests, evidence.noun), count, most, tests)


def _said(count: int, most: int, tests: int, noun: str) -> str:
    where = f" in {tests} test{'s' if tests > 1 else ''}" if tests else ""
    return f"{_amount(count, noun)}{where}" + (f", up to {most} in one call" if most > 1 else "")


def _amount(count: int, noun: str) -> str:
    singular = "flush" if noun == "flushes" else re.sub(r"s\b", "", noun, count=1)
    return f"{count} {singular if count == 1 else noun}"


def _unseen(finding: Finding, evidence: Evidence, index: _Index) -> Witness:
    ran = index.ran_at(finding.at)
    if ran is None:
        return Witness(Verdict.not_run, "the record does not say whether the line ran")
    if not ran:
        return Witness(Verdict.not_run, "the line did not run")
    idle = next((step for step in finding.trail if index.ran_at(step.at) is False), None)
    if idle is not None:
        return Witness(Verdict.not_run, f"the line ran, but {idle.at.path}:{idle.at.line} on its trail did not")
    if evidence.silent:
        return Witness(Verdict.not_run, evidence.silent)
    if "leak" not in evidence.kinds:
        return Witness(Verdict.refuted, "the line ran, and it did not happen")
    made = sum(_through(site, finding.at) for site in index.sites if site.kind == "session")
    if made:
        return Witness(Verdict.refuted, f"{_amount(made, 'sessions')} made here, and none was left open")
    return Witness(Verdict.not_run, "no session was made here")


def _through(site: Site, at: Location) -> int:
    """How many events of a site came from or through a line."""
    return sum(chain.count for chain in site.chains if any(_within(frame.path, frame.line, at) for frame in chain.frames))


def _matches(finding: Finding, evidence: Evidence, index: _Index) -> Iterator[_Match]:
    at = finding.at
    seen: set[int] = set()
    for site in index.here[at.path]:
        if _bears(site, evidence) and _overlaps(site, at):
            seen.add(id(site))
            yield _Match(site, site.count, site.max, site.loop is not None)
    steps = [step.at for step in finding.trail]
    if evidence.elsewhere and steps:
        for site in index.here[steps[-1].path]:
            if _bears(site, evidence) and _overlaps(site, steps[-1]) and id(site) not in seen:
                seen.add(id(site))
                yield _Match(site, site.count, site.max, site.loop is not None)
    if "lost" in evidence.kinds:
        # The session is closed by the function that owns it, which is where the rows are written too.
        for site in index.here[at.path]:
            if _bears(site, evidence) and _stands_in(finding.symbol, site.function) and id(site) not in seen:
                seen.add(id(site))
                yield _Match(site, site.count, site.max, False)
    for site in index.through[at.path]:
        if id(site) in seen or not _bears(site, evidence):
            continue
        loops = [frame.max for frame in site.loop_frames if _within(frame.path, frame.line, at)]
        on_trail = any(_overlaps(site, step) for step in steps)
        count = _through(site, at)
        if count and (loops or on_trail or evidence.kinds & _MADE):
            yield _Match(site, count, max(loops, default=site.max), bool(loops) or site.loop in ("direct", "inside"))
    if finding.code in _OUTSIDE:
        words = {word for text in (finding.message, *(step.note for step in finding.trail)) for word in re.findall(r"\w+", text)}
        for site in index.here[""]:
            if _bears(site, evidence) and site.attr in words:
                yield _Match(site, site.count, site.max, False)


def _stands_in(symbol: str, function: str) -> bool:
    """Whether a dotted name of the analysis ends in the qualified name that a function has at run time."""
    return bool(function) and f".{symbol}".endswith("." + function.replace(".<locals>", ""))


def _bears(site: Site, evidence: Evidence) -> bool:
    return site.kind in evidence.kinds and (site.kind != "error" or not evidence.classes or site.cls in evidence.classes)


def _overlaps(site: Site, at: Location) -> bool:
    return site.path == at.path and site.line <= max(at.line, at.end_line) and at.line <= site.end_line


def _within(path: str, line: int, at: Location) -> bool:
    return path == at.path and at.line <= line <= max(at.line, at.end_line)


def _missed(findings: Iterable[Finding], index: _Index) -> Iterator[Missed]:
    named: dict[str, list[tuple[str, Location]]] = defaultdict(list)
    for finding in findings:
        for at in (finding.at, *(step.at for step in finding.trail)):
            named[at.path].append((finding.code, at))
    undone = {(site.path, site.line, site.attr) for site in index.sites if site.kind == "expired" and site.loop}
    for site in index.sites:
        if not site.path or role_of(site.path.split("/")) != "code":
            continue
        if site.kind == "lazy" and (site.path, site.line, site.attr) in undone:
            continue  # the same read: what was loaded had been expired
        code = rule_for(site.kind, site.cls, site.function, site.loop, site.attr)
        codes = speaking_of(site.kind)
        if site.kind in ("leak", "shared"):
            outer = {(frame.path, frame.line) for chain in site.chains for frame in chain.frames}
        else:
            outer = {(frame.path, frame.line) for frame in site.loop_frames}
        if code is None or any(
            found in codes and (_overlaps(site, at) or any(_within(path, line, at) for path, line in outer))
            for path in {site.path, *(path for path, _ in outer)}
            for found, at in named[path]
        ):
            continue
        text = _said(site.count, site.max, site.test_count, noun_for((site.kind,)))
        frames = max(site.chains, key=lambda chain: chain.count).frames[1:] if site.chains else ()
        yield Missed(
            code,
            NAMES.get(code, ""),
            Location(site.path, site.line, 1, site.end_line, 1),
            site.function,
            described(site.kind, site.cls, site.attr),
            Witness(Verdict.confirmed, text, site.count, site.max, site.test_count),
            tuple(Location(frame.path, frame.line, 1, frame.line, 1) for frame in frames),
        )
