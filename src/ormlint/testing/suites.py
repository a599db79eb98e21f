"""Reads a Markdown suite: one file of prose and code in, its tests as plain data out. Runs nothing, analyses nothing.

The format: `# title`, prose, then one `## Heading` for each test. A fenced block whose info string has `path=FILE` is a file of that
test's project; before the first `##` it is a file of every test. A fenced block with the word `run` is a script that is executed;
version conditions may follow (`run sqlalchemy>=2.0`). Every other block is prose.
"""

from __future__ import annotations

import re
from itertools import zip_longest
from pathlib import Path, PurePosixPath
from typing import Union

import msgspec
from markdown_it import MarkdownIt
from packaging.specifiers import InvalidSpecifier, SpecifierSet


class SuiteError(ValueError):
    """A suite that does not follow the format; the message says where and what to write."""


class SourceFile(msgspec.Struct, frozen=True):
    """One file of a test's project; `line` is where its text starts in the suite."""

    path: str
    text: str
    line: int


class Script(msgspec.Struct, frozen=True):
    """A block that is executed; `condition` is a version specifier for SQLAlchemy such as ">=2.0", or ""."""

    text: str
    line: int
    condition: str


class SuiteTest(msgspec.Struct, frozen=True):
    title: str
    line: int
    files: tuple[SourceFile, ...]
    scripts: tuple[Script, ...]


class Suite(msgspec.Struct, frozen=True):
    """`code` is the rule that the title or the file's name tells (ORM201), or None for a suite about inference."""

    path: str
    title: str
    code: Union[str, None]
    tests: tuple[SuiteTest, ...]


CODE = re.compile(r"\b[A-Z]{2,6}\d{3,4}\b")


def read_suite(path: Path) -> Suite:
    """The suite in a file. Raises SuiteError where it does not follow the format, OSError where it cannot be read."""
    return parse_suite(path.read_text(encoding="utf-8"), str(path))


def parse_suite(text: str, path: str) -> Suite:
    """The suite in `text`; `path` is for messages and for the rule's code."""
    title = ""
    shared: list[SourceFile] = []
    tests: list[tuple[str, int, list[SourceFile], list[Script]]] = []
    tokens = MarkdownIt().parse(text)
    for token, inner in zip_longest(tokens, tokens[1:]):
        line = token.map[0] + 1 if token.map else 0
        if token.type == "heading_open" and inner is not None:
            if token.tag == "h1":
                title = inner.content
            elif token.tag == "h2":
                tests.append((inner.content, line, [], []))
        elif token.type == "fence":
            block = _block(token.info, token.content, line + 1, path)
            if isinstance(block, SourceFile):
                _add_file(tests[-1][2] if tests else shared, block, path)
            elif isinstance(block, Script):
                if not tests:
                    raise SuiteError(f"{path}:{line}: a block that runs belongs to a test: put it below a `## ` heading")
                tests[-1][3].append(block)
    if not title:
        raise SuiteError(f"{path}: no title: a suite starts with a line `# ORMnnn name`")
    if not tests:
        raise SuiteError(f"{path}: no tests: each `## ` heading starts one")
    titles: set[str] = set()
    for name, line, *_ in tests:
        if name in titles:
            raise SuiteError(f"{path}:{line}: two tests are called {name!r}: give each a heading of its own")
        titles.add(name)
    code = CODE.search(title) or CODE.match(PurePosixPath(Path(path).as_posix()).name)
    return Suite(path, title, code.group() if code else None, tuple(_test(*test, shared=shared) for test in tests))


def _test(title: str, line: int, files: list[SourceFile], scripts: list[Script], *, shared: list[SourceFile]) -> SuiteTest:
    own = {file.path for file in files}
    return SuiteTest(title, line, (*(file for file in shared if file.path not in own), *files), tuple(scripts))


def _add_file(files: list[SourceFile], file: SourceFile, suite: str) -> None:
    if any(file.path == other.path for other in files):
        raise SuiteError(f"{suite}:{file.line - 1}: the test has two files called {file.path}")
    files.append(file)


def _block(info: str, content: str, line: int, suite: str) -> Union[SourceFile, Script, None]:
    words = info.split()[1:]
    where = f"{suite}:{line - 1}"
    path = next((word[5:] for word in words if word.startswith("path=")), None)
    if path is not None:
        parts = PurePosixPath(path).parts
        if not parts or path.startswith("/") or ".." in parts:
            raise SuiteError(f"{where}: path={path} must be relative and stay inside the project")
        unknown = [word for word in words if not word.startswith("path=")]
        if unknown:
            raise SuiteError(f"{where}: unknown word {unknown[0]!r} beside path=: a block is a file or a script that runs")
        return SourceFile(path, content, line)
    if "run" in words:
        conditions = []
        for word in words:
            if word == "run":
                continue
            if not word.startswith("sqlalchemy"):
                raise SuiteError(f"{where}: unknown word {word!r} beside run: write a condition such as sqlalchemy>=2.0")
            conditions.append(word.removeprefix("sqlalchemy"))
        condition = ",".join(conditions)
        try:
            SpecifierSet(condition)
        except InvalidSpecifier:
            raise SuiteError(f"{where}: sqlalchemy{condition} is not a version condition: write for example sqlalchemy>=2.0") from None
        return Script(content, line, condition)
    for word in words:
        if re.match(r"(?:run|path)\b", word, re.IGNORECASE):
            raise SuiteError(f"{where}: {word!r} is not understood: write path=FILE or run")
    return None
