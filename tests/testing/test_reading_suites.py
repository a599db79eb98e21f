"""The format of Markdown suites: what is read, and what a mistake in one says."""

from __future__ import annotations

import pytest

from ormlint.testing.expectations import Expected, expectations
from ormlint.testing.scripts import admitted
from ormlint.testing.suites import SourceFile, SuiteError, parse_suite

SUITE = """\
# ORM201 commit-in-loop

Prose, and a block that is only shown:

```python
print("shown")
```

```python path=app/models.py
A = 1
```

## Bad: one

Words.

```python path=app/service.py
commit()  # error: ORM201 "in a loop"
```

```python run
assert True
```

```python run sqlalchemy>=2.0
assert 2
```

## Good: two

```python path=app/models.py
A = 2
```

```toml path=pyproject.toml
[tool.ormlint]
```
"""


def test_a_suite_is_tests_with_files_and_scripts() -> None:
    suite = parse_suite(SUITE, "fixtures/rules/ORM201-commit-in-loop.md")
    assert (suite.title, suite.code) == ("ORM201 commit-in-loop", "ORM201")
    bad, good = suite.tests
    assert [file.path for file in bad.files] == ["app/models.py", "app/service.py"]
    assert [file.line for file in bad.files] == [10, 18]
    assert [(script.text, script.condition) for script in bad.scripts] == [("assert True\n", ""), ("assert 2\n", ">=2.0")]
    assert {file.path: file.text for file in good.files} == {"app/models.py": "A = 2\n", "pyproject.toml": "[tool.ormlint]\n"}
    assert SUITE.split("\n")[bad.scripts[0].line - 1] == "assert True"


def test_a_suite_about_inference_has_no_code() -> None:
    assert parse_suite("# Unpacking\n\n## One\n", "fixtures/inference/unpacking.md").code is None


def test_scripts_run_on_the_versions_that_their_condition_admits() -> None:
    text = "# T\n\n## One\n\n" + "".join(
        f"```python run {condition}\nassert 1\n```\n\n" for condition in ("", "sqlalchemy>=2.0", "sqlalchemy<2.0", "sqlalchemy>=2.0.4,<2.1")
    )
    (test,) = parse_suite(text, "t.md").tests
    assert [admitted(script) for script in test.scripts] == [("1.4", "2.0", "2.1"), ("2.0", "2.1"), ("1.4",), ("2.0",)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("## One\n", "no title"),
        ("# T\n", "no tests"),
        ("# T\n\n## One\n\n## One\n", "t.md:5: two tests are called 'One'"),
        ("# T\n\n```python run\n```\n\n## One\n", "t.md:3: a block that runs belongs to a test"),
        ("# T\n\n## One\n\n```python run django>=4\n```\n", "t.md:5: unknown word 'django>=4' beside run"),
        ("# T\n\n## One\n\n```python run sqlalchemy=>2\n```\n", "t.md:5: sqlalchemy=>2 is not a version condition"),
        ("# T\n\n## One\n\n```python path=/etc/passwd\n```\n", "t.md:5: path=/etc/passwd must be relative"),
        ("# T\n\n## One\n\n```python path=a/../../b.py\n```\n", "must be relative and stay inside"),
        ("# T\n\n## One\n\n```python path=a.py run\n```\n", "unknown word 'run' beside path="),
        ("# T\n\n## One\n\n```python path=a.py\n```\n\n```python path=a.py\n```\n", "t.md:8: the test has two files called a.py"),
        ("# T\n\n## One\n\n```python Run\n```\n", "'Run' is not understood"),
    ],
)
def test_mistakes_say_where_and_what(text: str, message: str) -> None:
    with pytest.raises(SuiteError) as raised:
        parse_suite(text, "t.md")
    assert message in str(raised.value)


def read(line: str) -> list[tuple[str, str, str | None]]:
    return [(item.kind, item.code, item.text) for item in expectations([SourceFile("a.py", f"\n{line}\n", 10)], "t.md")]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("x()", []),
        ("x()  # a comment about errors: none", []),
        ("x()  # error: ORM201", [("error", "ORM201", None)]),
        ('x()  # error: ORM201 "say \\"so\\"; ok"', [("error", "ORM201", 'say "so"; ok')]),
        ('x()  # error: ORM201 "a"; ORM401', [("error", "ORM201", "a"), ("error", "ORM401", None)]),
        ("x()  # error: ORM201; # error: ORM401", [("error", "ORM201", None), ("error", "ORM401", None)]),
        ("x()  # error: ORM201; ORM201", [("error", "ORM201", None), ("error", "ORM201", None)]),
        ("x()  # error[possible]: ORM301", [("error[possible]", "ORM301", None)]),
        ("x()  # todo-error: ORM401", [("todo-error", "ORM401", None)]),
        ("x()  # todo-ok: ORM401 # error: ORM201", [("todo-ok", "ORM401", None), ("error", "ORM201", None)]),
        ("reveal_orm(x)  # revealed: Entity(Order); loaded: lines", [("revealed", "", "Entity(Order); loaded: lines")]),
        ("x()  # noqa: ORM201  # error: ORM900", [("error", "ORM900", None)]),
        ("x()  # error: MYR1234", [("error", "MYR1234", None)]),
    ],
)
def test_expectation_comments(line: str, expected: list[tuple[str, str, str | None]]) -> None:
    assert read(line) == expected


@pytest.mark.parametrize("line", ["x()  # error: ", "x()  # error: commit", 'x()  # error: ORM201 "open', "x()  # error: ORM201 ORM401"])
def test_an_expectation_that_cannot_be_read_is_an_error(line: str) -> None:
    with pytest.raises(SuiteError, match=r"t\.md:11: cannot read the expectation"):
        read(line)


def test_lines_count_from_one() -> None:
    file = SourceFile("a.py", "a()\nb()  # error: ORM201\n", 7)
    assert expectations([file], "t.md") == (Expected("error", "a.py", 2, "ORM201", None),)
