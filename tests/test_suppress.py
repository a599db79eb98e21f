"""Comments that silence a finding, and what is said about those that do not."""

from __future__ import annotations

from typing import Any

import pytest

from ormlint.config import Config
from ormlint.facts.extract import extract
from ormlint.findings import Confidence, Finding, Location
from ormlint.selection import ToolRule, select
from ormlint.suppress import suppress

RULES: Any = (ToolRule("ORM201", "commit-in-loop", "", True), ToolRule("ORM302", "global-session", "", True))


def finding(line: int, code: str = "ORM201", path: str = "m.py") -> Finding:
    return Finding(code, "commit-in-loop", Location(path, line, 1, line, 2), "text", Confidence.certain)


def left(source: str, *findings: Finding, noqa: bool = True, **options: Any) -> list[tuple[str, int]]:
    """Code and line of what stays."""
    config = Config(**options)
    kept, _ = suppress(findings, {"m.py": extract(source.encode())}, config, select(config, RULES), noqa=noqa)
    return [(item.code, item.at.line) for item in kept]


@pytest.mark.parametrize(
    "comment",
    [
        "# noqa",
        "# NOQA",
        "#noqa",
        "# noqa: ORM201",
        "# noqa:ORM201",
        "# noqa: orm201",
        "# noqa: E501, ORM201",
        "# noqa: E501 ORM201",
        "# noqa: ORM2",
        "# type: ignore  # noqa: ORM201",
        "# ormlint: ignore[ORM201] each payment is its own",
        "# ormlint: ignore[commit-in-loop]",
        "# ormlint: ignore[ORM302, ORM201]",
        "# ormlint: ignore",
        "#ormlint:ignore[ORM201]",
    ],
)
def test_on_its_line(comment: str) -> None:
    assert ("ORM201", 1) not in left(f"commit()  {comment}\n", finding(1))


@pytest.mark.parametrize(
    "comment", ["# noqa: E501", "# noqa: ORM302", "# ormlint: ignore[ORM302] x", "# ormlint: reads well", "# see noqa-like text"]
)
def test_another_comment_silences_nothing(comment: str) -> None:
    assert ("ORM201", 1) in left(f"commit()  {comment}\n", finding(1))


def test_on_any_line_of_the_statement() -> None:
    source = "commit(\n    a,\n    b,  # noqa: ORM201\n)\nother()\n"
    assert left(source, finding(1), finding(5)) == [("ORM201", 5)]
    assert left(source, finding(2)) == []
    assert left("commit(\n    # ormlint: ignore[ORM201] why\n    a,\n)\n", finding(1)) == []


def test_a_compound_statement_is_its_header() -> None:
    source = "class A(\n    Base,\n):  # noqa: ORM201\n    x = 1\n    y = 2  # noqa: ORM201\n"
    assert left(source, finding(1)) == [("ORM900", 5)]
    assert left("for x in y:\n    commit()  # noqa: ORM201\n", finding(1)) == [("ORM201", 1), ("ORM900", 2)]
    assert left("for x in y:  # noqa: ORM201\n    commit()\n", finding(2)) == [("ORM201", 2), ("ORM900", 1)]


def test_alone_on_its_line_it_speaks_of_the_next_statement() -> None:
    assert left("a()\n# ormlint: ignore[ORM201] why\n\n# more\ncommit()\nb()\n", finding(5)) == []
    assert left("a()\n# ormlint: ignore[ORM201] why\ncommit()\ncommit()\n", finding(4)) == [("ORM201", 4), ("ORM900", 2)]
    assert left("# noqa: ORM201\ncommit()\n", finding(2)) == [("ORM201", 2), ("ORM900", 1)]


def test_a_whole_file() -> None:
    for comment in ("# ormlint: ignore-file[ORM201] generated", "# flake8: noqa", "# flake8: noqa: ORM201", "# ormlint: ignore-file"):
        assert left(f"a()\n{comment}\ncommit()\n", finding(1), finding(3)) == []
    assert left("# ormlint: ignore-file[ORM302] x\ncommit()\n", finding(2)) == [("ORM201", 2), ("ORM900", 1)]


def test_text_in_strings_silences_nothing() -> None:
    assert left('commit("# noqa: ORM201")\n', finding(1)) == [("ORM201", 1)]


def test_unused_suppressions() -> None:
    assert left("a()  # noqa: ORM201\n") == [("ORM900", 1)]
    assert left("a()  # ormlint: ignore[ORM201, ORM302] x\n", finding(1)) == [("ORM900", 1)]
    assert left("a()  # ormlint: ignore[ORM777] x\n") == [("ORM900", 1)]
    assert left("a()  # ormlint: ignore\n") == [("ORM900", 1)]
    assert left("a()  # noqa\n") == []
    assert left("a()  # noqa: E501\n") == []


def test_a_suppression_of_a_rule_that_does_not_run_is_not_judged() -> None:
    assert left("a()  # noqa: ORM201\n", ignore=("ORM201",)) == []
    assert left("a()  # noqa: ORM201\n", select=("ORM302", "ORM900")) == []
    assert left("a()  # noqa: ORM201\n", ignore=("ORM900",)) == []


def test_an_unused_suppression_can_be_suppressed() -> None:
    assert left("a()  # ormlint: ignore[ORM201, ORM900] needed on the other branch\n") == []


def test_reasons_are_asked_for_where_wanted() -> None:
    wanted = {"extend_select": ("ORM902",)}
    assert left("a()  # ormlint: ignore[ORM201]\n", finding(1), **wanted) == [("ORM902", 1)]
    assert left("a()  # ormlint: ignore[ORM201] why\n", finding(1), **wanted) == []
    assert left("a()  # ormlint: ignore[ORM201] -- why\n", finding(1), **wanted) == []
    assert left("a()  # noqa: ORM201\n", finding(1), **wanted) == []


def test_noqa_can_be_left_to_flake8() -> None:
    source = "a()  # noqa: ORM201\nb()  # ormlint: ignore[ORM201] x\n"
    assert left(source, finding(1), finding(2), noqa=False) == [("ORM201", 1)]


def test_per_file_ignores() -> None:
    assert left("a()\n", finding(1), per_file_ignores={"m.py": ("ORM2",)}) == []
    assert left("a()\n", finding(1), per_file_ignores={"m.py": ("ORM3",), "n.py": ("ORM2",)}) == [("ORM201", 1)]
    assert left("a()\n", finding(1), per_file_ignores={"*.py": ("ALL",)}) == []


def test_where_an_unused_suppression_is_reported() -> None:
    config = Config()
    [found], _ = suppress((), {"m.py": extract(b"a()  # x  # noqa: ORM201\n")}, config, select(config, RULES))
    assert (found.at.line, found.at.column, found.at.end_column) == (1, 11, 25)
    assert found.message == "no finding of ORM201 here: remove it from `# noqa: ORM201`"
