"""Comments and options that silence a finding, applied once, between the rules and the reports.

Takes findings and the records of their files; gives those that stay, and the findings about the suppressions themselves (ORM900,
ORM902). Knows `# noqa`, `# noqa: ORM201`, `# ormlint: ignore[ORM201] reason`, `# ormlint: ignore-file[ORM201] reason`,
`# flake8: noqa` and the option `per-file-ignores`. Knows nothing of confidences or baselines.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

import msgspec

from .config import Config
from .facts import records as r
from .findings import Confidence, Finding, Location, Silence
from .ignored_paths import patterns
from .selection import SUPPRESSION_WITHOUT_REASON, UNUSED_SUPPRESSION, Named, Selection, ToolRule, prefix

NOQA: Final = re.compile(r"#\s*noqa(?::\s?(?P<codes>[a-z]+[0-9]+(?:[,\s]+[a-z]+[0-9]+)*))?", re.IGNORECASE)
NOQA_FILE: Final = re.compile(r"#\s*(?:flake8|ruff)[:=]\s*noqa(?::\s?(?P<codes>[a-z]+[0-9]+(?:[,\s]+[a-z]+[0-9]+)*))?\s*$", re.IGNORECASE)
IGNORE: Final = re.compile(r"#\s*ormlint:\s*ignore(?P<file>-file)?\s*(?:\[(?P<codes>[^\]]*)\])?(?P<reason>.*)", re.IGNORECASE)


class Suppression(msgspec.Struct, frozen=True):
    """One comment. `codes` are starts of codes, empty for all; `ours` is true for `# ormlint:`."""

    path: str
    line: int
    column: int
    end_column: int
    alone: bool
    whole_file: bool
    ours: bool
    codes: tuple[str, ...]
    unknown: tuple[str, ...]
    reason: str
    text: str


class Statements(msgspec.Struct, frozen=True):
    """The first line of the statement that stands on a line. `loose` counts the lines between a header and its body, too."""

    exact: dict[int, int]
    loose: dict[int, int]
    firsts: tuple[int, ...]


def suppress(
    findings: Sequence[Finding], files: Mapping[str, r.Record], config: Config, selection: Selection, *, noqa: bool = True
) -> tuple[list[Finding], tuple[Silence, ...]]:
    """The findings that no comment and no option silences, with ORM900 and ORM902 for the comments of `files`; what each comment silences.

    With `noqa` false, comments of the form `# noqa` count for nothing.
    """
    ignores = [
        (patterns([pattern]), tuple(prefix(code, selection.known, "per-file-ignores") for code in codes))
        for pattern, codes in config.per_file_ignores.items()
    ]
    by_file: dict[str, list[Finding]] = {}
    for finding in findings:
        by_file.setdefault(finding.at.path, []).append(finding)
    kept: list[Finding] = []
    silences: list[Silence] = []
    for path, record in files.items():
        found = by_file.pop(path, [])
        if record.comments:
            comments = [item for item in suppressions(path, record, selection.known) if noqa or item.ours]
            where = statements(record)
            silences += silenced(found, comments, where)
            found = list(apply(found, comments, where, selection))
        kept += found
    kept += [finding for rest in by_file.values() for finding in rest]
    shown = [
        finding
        for finding in kept
        if not any(finding.code.startswith(codes) and spec.match_file(finding.at.path) for spec, codes in ignores if codes)
    ]
    return shown, tuple(sorted(silences, key=lambda item: item.at))


def silenced(findings: Sequence[Finding], comments: Sequence[Suppression], where: Statements) -> Iterator[Silence]:
    """What each comment of one file silences. A bare `# noqa` that silences nothing of ours was written for others."""
    for comment in comments:
        starts = comment.codes or ("",) * (not comment.unknown)
        own = tuple(finding for finding in findings if finding.code.startswith(starts) and reaches(comment, finding.at.line, where))
        if own or comment.ours or comment.codes or comment.unknown:
            at = Location(comment.path, comment.line, comment.column, comment.line, comment.end_column)
            yield Silence(at, comment.text, comment.reason, own)


def apply(findings: Sequence[Finding], comments: Sequence[Suppression], where: Statements, selection: Selection) -> Iterator[Finding]:
    """The findings of one file that stay, then those about its comments."""
    used: set[tuple[int, str]] = set()
    for finding in findings:
        covering = [
            (index, start)
            for index, comment in enumerate(comments)
            if reaches(comment, finding.at.line, where)
            for start in (comment.codes or ("",) * (not comment.unknown))
            if finding.code.startswith(start)
        ]
        used.update(covering)
        if not covering:
            yield finding
    for index, comment in enumerate(comments):
        for finding in about(comment, {start for at, start in used if at == index}, selection):
            if not any(reaches(other, comment.line, where) and finding.code in other.codes for other in comments):
                yield finding


def reaches(comment: Suppression, line: int, where: Statements) -> bool:
    """Whether a comment speaks of the statement that stands on a line."""
    if comment.whole_file or comment.line == line:
        return True
    target = where.exact.get(line, line)
    if not comment.alone:
        return where.loose.get(comment.line, comment.line) == target
    if comment.line in where.exact:
        return where.exact[comment.line] == target
    return comment.ours and min((first for first in where.firsts if first > comment.line), default=-1) == target


def about(comment: Suppression, used: set[str], selection: Selection) -> Iterator[Finding]:
    """ORM900 for each code that a comment names in vain, ORM902 where it gives no reason."""
    if UNUSED_SUPPRESSION.code in selection.codes:
        for text in comment.unknown:
            yield tool_finding(UNUSED_SUPPRESSION, comment, f"there is no rule {text}: `{comment.text}` suppresses nothing")
        judged = [start for start in comment.codes if any(code.startswith(start) for code in selection.codes)]
        for start in judged:
            own = start in (UNUSED_SUPPRESSION.code, SUPPRESSION_WITHOUT_REASON.code)
            if start not in used and not own:
                yield tool_finding(UNUSED_SUPPRESSION, comment, f"no finding of {start} here: remove it from `{comment.text}`")
        if comment.ours and not comment.codes and not comment.unknown and not used:
            yield tool_finding(UNUSED_SUPPRESSION, comment, f"no finding here: remove `{comment.text}`")
    if SUPPRESSION_WITHOUT_REASON.code in selection.codes and comment.ours and not comment.reason:
        yield tool_finding(SUPPRESSION_WITHOUT_REASON, comment, f"`{comment.text}` does not say why: add the reason after the bracket")


def tool_finding(rule: ToolRule, comment: Suppression, message: str) -> Finding:
    at = Location(comment.path, comment.line, comment.column, comment.line, comment.end_column)
    return Finding(rule.code, rule.name, at, message, Confidence.certain)


def suppressions(path: str, record: r.Record, known: Sequence[Named]) -> Iterator[Suppression]:
    """What the comments of a file ask for."""
    families = tuple({rule.code.rstrip("0123456789") for rule in known})
    for comment in record.comments:
        ours = IGNORE.search(comment.text)
        whole = None if ours else NOQA_FILE.search(comment.text)
        found = ours or whole or NOQA.search(comment.text)
        if found is None:
            continue
        written = re.split(r"[,\s]+", (found["codes"] or "").strip())
        named = written if ours else [code for code in written if code.upper().startswith(families)]
        if not ours and written != [""] and not named:
            continue
        column = record.position(comment.start + found.start())[1]
        text = (comment.text[found.start() :] if ours else found[0]).strip()
        codes, unknown = resolved(named, known)
        yield Suppression(
            path=path,
            line=comment.line,
            column=column,
            end_column=column + len(text),
            alone=comment.alone,
            whole_file=bool(whole or (ours and ours["file"])),
            ours=ours is not None,
            codes=codes,
            unknown=unknown,
            reason=ours["reason"].strip(" \t:-—–") if ours else "",
            text=text,
        )


def resolved(written: Iterable[str], known: Sequence[Named]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The starts of codes that are meant, and what means nothing."""
    codes: list[str] = []
    unknown: list[str] = []
    names = {rule.name: rule.code for rule in known}
    for text in written:
        code = names.get(text.lower(), text.upper())
        if any(rule.code.startswith(code) for rule in known) and text:
            codes.append(code)
        elif text:
            unknown.append(text)
    return tuple(codes), tuple(unknown)


def statements(record: r.Record) -> Statements:
    """Which statement stands on each line that a statement of several lines covers."""
    exact: dict[int, int] = {}
    loose: dict[int, int] = {}
    firsts: set[int] = set()
    for first, last, reach in extents(record, record.body):
        firsts.add(first)
        for line in range(first, last + 1):
            exact.setdefault(line, first)
        for line in range(first, reach + 1):
            loose.setdefault(line, first)
    return Statements(exact, loose, tuple(sorted(firsts)))


def extents(record: r.Record, body: Iterable[r.Stmt]) -> Iterator[tuple[int, int, int]]:
    """First and last line of each statement, of a compound one only its header; then the last line before its body."""
    for statement in body:
        first = record.position(statement.start)[0]
        blocks = inner_blocks(statement)
        if not blocks:
            last = record.position(max(statement.start, statement.end - 1))[0]
            yield first, last, last
            continue
        last = max((record.position(max(part.start, part.end - 1))[0] for part in header(statement)), default=first)
        inner = blocks[0][0] if blocks[0] else None
        start = min((record.position(part.start)[0] for part in (inner, *decorators(inner)) if part is not None), default=last + 1)
        yield first, last, max(last, start - 1)
        for block in blocks:
            yield from extents(record, block)


def inner_blocks(statement: r.Stmt) -> list[tuple[r.Stmt, ...]]:
    match statement:
        case r.If() | r.For() | r.While():
            return [statement.body, statement.orelse]
        case r.Try():
            return [statement.body, *(handler.body for handler in statement.handlers), statement.orelse, statement.final]
        case r.With() | r.Function() | r.Class():
            return [statement.body]
        case r.Match():
            return [(), *(case.body for case in statement.cases)]
        case _:
            return []


def header(statement: r.Stmt) -> list[r.Node]:
    match statement:
        case r.If() | r.While():
            return [statement.test]
        case r.For():
            return [statement.target, statement.iter]
        case r.With():
            return list(statement.items)
        case r.Match():
            return [statement.subject]
        case r.Class():
            return list(statement.bases)
        case r.Function():
            return [*statement.params, *([statement.returns] if statement.returns else [])]
        case _:
            return []


def decorators(statement: r.Stmt | None) -> Sequence[r.Node]:
    return statement.decorators if isinstance(statement, (r.Function, r.Class)) else ()
