"""The page of each rule, in Markdown: what its executed suite says before the first test, and one bad and one good example of it.

Suites stand in `fixtures/rules` of the repository and are put into the built package. A rule without one, of another package or of the
tool itself, has the documentation that its module carries.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

import msgspec

from ..extensions import existing_rules
from ..report.view import RuleText
from ..selection import TOOL_RULES, Named

PACKAGE: Final = Path(__file__).parents[1]
FOLDERS: Final = (PACKAGE / "suites", PACKAGE.parents[1] / "fixtures" / "rules")
"""Where suites are: in a built package, and in a checkout."""
EXPECTED: Final = re.compile(r"\s*#\s*(?:todo-)?(?:error|ok):\s*([A-Z]+\d+).*$")
FENCE: Final = re.compile(r"(`{3,}|~{3,})(.*)")


class Section(msgspec.Struct, frozen=True):
    """A part of a suite: its heading, its lines of prose, and the files that it shows, each a path and a text."""

    title: str
    prose: tuple[str, ...]
    files: tuple[tuple[str, str], ...]


def rule_texts() -> tuple[RuleText, ...]:
    """What reports say about each rule that exists."""
    known: tuple[Named, ...] = (*existing_rules().all, *TOOL_RULES)
    return tuple(RuleText(rule.code, rule.name, rule.summary, page(rule)) for rule in known)


@cache
def suites() -> dict[str, Path]:
    """The suite of each rule, by its code."""
    return {path.name.partition("-")[0]: path for folder in reversed(FOLDERS) for path in sorted(folder.glob("*-*.md"))}


def page(rule: Named) -> str:
    """The Markdown page of a rule: its title, what it says, and an example of each kind."""
    title = f"# {rule.name} ({rule.code})"
    if rule in TOOL_RULES:
        return f"{title}\n\n{rule.summary}"
    suite = suites().get(rule.code)
    if suite is not None:
        return "\n\n".join((title, rule.summary, *from_suite(suite.read_text(encoding="utf-8"))))
    module = inspect.getmodule(getattr(rule, "check", None))
    text = inspect.cleandoc(getattr(module, "__doc__", None) or rule.summary)
    return text if text.startswith("# ") else f"{title}\n\n{text}"


def from_suite(text: str) -> Iterator[str]:
    """The prose of a suite, then its first bad and its first good test as examples."""
    sections = tuple(parted(text))
    yield "\n".join(sections[0].prose).strip()
    for kind in ("Bad", "Good"):
        example = next((section for section in sections[1:] if section.title.startswith(kind) and section.files), None)
        if example is not None:
            yield f"## {example.title}"
            prose = "\n".join(example.prose).strip()
            if prose:
                yield prose
            for path, code in example.files:
                yield f"`{path}`\n\n```{language(path)}\n{shown(code)}\n```"


def parted(text: str) -> Iterator[Section]:
    """What stands before the first `##`, and each test; blocks that run and blocks of no file are left out."""
    title, prose, files = "", list[str](), list[tuple[str, str]]()
    block: list[str] | None = None
    fence, path = "", None
    for line in text.splitlines():
        opening = FENCE.fullmatch(line)
        if block is not None:
            if line.strip() == fence:
                if path:
                    files.append((path, "\n".join(block)))
                block = None
            else:
                block.append(line)
        elif opening:
            words = opening[2].split()
            path = next((word.removeprefix("path=") for word in words if word.startswith("path=")), None)
            block, fence = [], opening[1]
        elif line.startswith("## "):
            yield Section(title, tuple(prose), tuple(files))
            title, prose, files = line.removeprefix("## "), [], []
        elif not line.startswith("# "):
            prose.append(line)
    yield Section(title, tuple(prose), tuple(files))


def shown(code: str) -> str:
    """Code as a page shows it: what a suite expects on a line becomes the rule's code."""
    return "\n".join(EXPECTED.sub(r"  # \1", line) if "error:" in line else EXPECTED.sub("", line) for line in code.splitlines())


def language(path: str) -> str:
    ending = path.rpartition(".")[2]
    return {"py": "python", "toml": "toml", "html": "html", "ini": "ini", "yaml": "yaml"}.get(ending, "text")
