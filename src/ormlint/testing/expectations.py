"""The comments that say what a test expects, and their comparison with what was found. Knows findings, not how they are made.

- `# error: ORM201 "text"` at the end of a line: exactly that finding on that line; several are separated by `;`.
- `# error[possible]: ORM301`: a finding of confidence possible; such findings are otherwise not compared.
- `# todo-error: ORM201`: a known missed alarm; fails when it starts to be found.
- `# todo-ok: ORM201`: a known false alarm; fails when it goes away.
- `# revealed: text` on a line with `reveal_orm(x)`: what the core knows of x; of `reveal_orm()` alone, the kind of the loop around it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from itertools import zip_longest
from typing import Union

import msgspec

from ormlint.findings import Confidence, Finding, Reveal
from ormlint.testing.suites import SourceFile, SuiteError

_MARK = re.compile(r"#\s*(error\[possible\]|error|todo-error|todo-ok|revealed)\s*:")
_ITEM = re.compile(r'\s*(?P<code>[A-Z]{2,6}\d{3,4})(?:\s+"(?P<text>(?:[^"\\]|\\.)*)")?\s*(?:;|$)')


class Expected(msgspec.Struct, frozen=True):
    """One expectation; `kind` is error, error[possible], todo-error, todo-ok or revealed (then `code` is "")."""

    kind: str
    path: str
    line: int
    code: str
    text: Union[str, None]


def expectations(files: Iterable[SourceFile], suite: str) -> tuple[Expected, ...]:
    """Every expectation in the files of a test. Raises SuiteError for a comment that is meant as one and cannot be read."""
    return tuple(expected for file in files for expected in _of_file(file, suite))


def _of_file(file: SourceFile, suite: str) -> Iterable[Expected]:
    for number, line in enumerate(file.text.split("\n"), 1):
        marks = list(_MARK.finditer(line))
        for mark, following in zip_longest(marks, marks[1:]):
            kind = mark.group(1)
            if kind == "revealed":
                yield Expected(kind, file.path, number, "", line[mark.end() :].strip())
                break
            body = line[mark.end() : following.start() if following else len(line)].strip().rstrip(";").rstrip()
            position = 0
            while position < len(body) or not body:
                item = _ITEM.match(body, position)
                if item is None:
                    raise SuiteError(
                        f"{suite}:{file.line + number - 1}: cannot read the expectation `{line[mark.start() :].strip()}`: "
                        f'write `# {kind}: ORM201` or `# {kind}: ORM201 "text of the message"`'
                    )
                text = item.group("text")
                yield Expected(kind, file.path, number, item.group("code"), None if text is None else re.sub(r"\\(.)", r"\1", text))
                position = item.end()


def compare(
    code: Union[str, None],
    expected: Sequence[Expected],
    findings: Sequence[Finding],
    reveals: Sequence[Reveal],
    files: Sequence[SourceFile],
) -> tuple[str, ...]:
    """What differs, one text for each difference; empty when everything is as expected.

    Only `code` and the codes that stand in `expected` are compared.
    """
    lines = {file.path: file.text.split("\n") for file in files}

    def show(path: str, line: int, what: str) -> str:
        source = lines.get(path, [])
        shown = source[line - 1].strip() if 0 < line <= len(source) else ""
        return f"  {path}:{line}: {what}\n      | {shown}"

    compared = {item.code for item in expected if item.code} | ({code} if code else set())
    left = [finding for finding in findings if finding.code in compared]
    problems: list[str] = []
    for item in expected:
        if item.kind == "revealed":
            continue
        said = item.code if item.text is None else f'{item.code} "{item.text}"'
        match = next((finding for finding in left if _matches(item, finding)), None)
        if item.kind == "todo-error":
            if match is not None:
                left.remove(match)
                problems.append(show(item.path, item.line, f"{said} is found now: write `# error:` instead of `# todo-error:`"))
        elif match is not None:
            left.remove(match)
        elif item.kind == "todo-ok":
            problems.append(show(item.path, item.line, f"the known false alarm {said} has gone: remove `# todo-ok:`"))
        else:
            problems.append(show(item.path, item.line, f"missed alarm: expected {item.kind} {said}") + _instead(item, left))
    for finding in left:
        if finding.confidence is Confidence.possible:
            continue
        trail = "".join(f"\n      trail: {step.at.path}:{step.at.line}: {step.note}" for step in finding.trail)
        problems.append(show(finding.at.path, finding.at.line, f"false alarm: {_describe(finding)}") + trail)
    problems += _compare_reveals([item for item in expected if item.kind == "revealed"], reveals, show)
    return tuple(problems)


def _instead(item: Expected, findings: Sequence[Finding]) -> str:
    same = [finding for finding in findings if finding.code == item.code]
    here = [finding for finding in same if (finding.at.path, finding.at.line) == (item.path, item.line)]
    if here:
        return "".join(f"\n      found instead: {_describe(finding)}" for finding in here)
    return "".join(f"\n      found elsewhere: {finding.at.path}:{finding.at.line}: {_describe(finding)}" for finding in same)


def _describe(finding: Finding) -> str:
    return f"{finding.code} [{finding.confidence.name}] {finding.message}"


def _matches(item: Expected, finding: Finding) -> bool:
    if (item.path, item.line, item.code) != (finding.at.path, finding.at.line, finding.code):
        return False
    possible = finding.confidence is Confidence.possible
    if possible is not (item.kind == "error[possible]"):
        return False
    return item.text is None or item.text in finding.message


def _compare_reveals(expected: Sequence[Expected], reveals: Sequence[Reveal], show: Callable[[str, int, str], str]) -> list[str]:
    problems = []
    left = list(reveals)
    for item in expected:
        here = [reveal for reveal in left if (reveal.at.path, reveal.at.line) == (item.path, item.line)]
        match = next((reveal for reveal in here if reveal.text == item.text), None)
        if match is not None:
            left.remove(match)
        elif here:
            left.remove(here[0])
            problems.append(show(item.path, item.line, f"revealed differs\n      expected: {item.text}\n      revealed: {here[0].text}"))
        else:
            problems.append(show(item.path, item.line, f"nothing revealed here\n      expected: {item.text}"))
    for reveal in left:
        problems.append(show(reveal.at.path, reveal.at.line, f"`# revealed:` is missing\n      revealed: {reveal.text}"))
    return problems
