"""What a suite expects against what was found: every difference, and no other."""

from __future__ import annotations

from ormlint.findings import Confidence, Finding, Location, Reveal, Step
from ormlint.testing.expectations import compare, expectations
from ormlint.testing.suites import SourceFile


def found(code: str, line: int, message: str = "commits in a loop", confidence: Confidence = Confidence.likely) -> Finding:
    at = Location("a.py", line, 1, line, 9)
    return Finding(code, "a-name", at, message, confidence, (Step(Location("b.py", 4, 1, 4, 2), "down there"),))


def problems(text: str, *findings: Finding, reveals: tuple[Reveal, ...] = (), code: str | None = "ORM201") -> tuple[str, ...]:
    files = (SourceFile("a.py", text, 1),)
    return compare(code, expectations(files, "t.md"), findings, reveals, files)


def test_what_is_expected_and_found_is_no_difference() -> None:
    assert problems('x()  # error: ORM201 "in a loop"\ny()\n', found("ORM201", 1)) == ()


def test_a_missed_alarm_shows_its_line() -> None:
    (problem,) = problems("x()  # error: ORM201\n")
    assert "a.py:1: missed alarm: expected error ORM201" in problem
    assert "| x()  # error: ORM201" in problem


def test_a_missed_alarm_says_what_was_found_instead() -> None:
    problem = problems('x()  # error: ORM201 "another text"\n', found("ORM201", 1))[0]
    assert "found instead: ORM201 [likely] commits in a loop" in problem
    problem = problems("x()  # error: ORM201\ny()\n", found("ORM201", 2))[0]
    assert "found elsewhere: a.py:2" in problem


def test_a_false_alarm_shows_its_trail() -> None:
    (problem,) = problems("x()\n", found("ORM201", 1))
    assert "a.py:1: false alarm: ORM201 [likely] commits in a loop" in problem
    assert "trail: b.py:4: down there" in problem


def test_two_findings_want_two_expectations() -> None:
    assert len(problems("x()  # error: ORM201\n", found("ORM201", 1), found("ORM201", 1))) == 1
    assert problems("x()  # error: ORM201; ORM201\n", found("ORM201", 1), found("ORM201", 1)) == ()


def test_other_codes_count_only_where_they_are_written() -> None:
    assert problems("x()\n", found("ORM401", 1)) == ()
    assert len(problems("x()  # error: ORM401\ny()\n", found("ORM401", 1), found("ORM401", 2))) == 1
    assert problems("x()\n", found("ORM401", 1), code=None) == ()


def test_possible_findings_count_only_where_they_are_written() -> None:
    possible = found("ORM201", 1, confidence=Confidence.possible)
    assert problems("x()\n", possible) == ()
    assert problems("x()  # error[possible]: ORM201\n", possible) == ()
    assert len(problems("x()  # error: ORM201\n", possible)) == 1
    assert len(problems("x()  # error[possible]: ORM201\n")) == 1
    assert len(problems("x()  # error[possible]: ORM201\n", found("ORM201", 1))) == 2


def test_a_known_missed_alarm_fails_when_it_is_found() -> None:
    assert problems("x()  # todo-error: ORM201\n") == ()
    (problem,) = problems("x()  # todo-error: ORM201\n", found("ORM201", 1))
    assert "is found now" in problem


def test_a_known_false_alarm_fails_when_it_goes_away() -> None:
    assert problems("x()  # todo-ok: ORM201\n", found("ORM201", 1)) == ()
    (problem,) = problems("x()  # todo-ok: ORM201\n")
    assert "has gone" in problem


def test_reveals_are_compared_as_text() -> None:
    here = Location("a.py", 1, 1, 1, 9)
    assert problems("reveal_orm(x)  # revealed: Order\n", reveals=(Reveal(here, "Order"),)) == ()
    assert (
        "expected: Order\n      revealed: Unknown" in problems("reveal_orm(x)  # revealed: Order\n", reveals=(Reveal(here, "Unknown"),))[0]
    )
    assert "nothing revealed" in problems("reveal_orm(x)  # revealed: Order\n")[0]
    assert "`# revealed:` is missing" in problems("reveal_orm(x)\n", reveals=(Reveal(here, "Order"),))[0]
