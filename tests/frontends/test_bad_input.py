"""What goes wrong is one clear line on standard error and status 2; one bad file costs nothing elsewhere."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from .conftest import COMMIT_LINE, Ran, Run

FOUND = ("ORM201", "src/shop/jobs.py", COMMIT_LINE)


def refused(ran: Ran, *parts: str) -> None:
    """Status 2, nothing on standard output, one line on standard error that holds each part."""
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.startswith("ormlint: error: ")
    assert len(ran.err.splitlines()) == 1
    for part in parts:
        assert part in ran.err


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (("check", "missing.py"), ("missing.py does not exist",)),
        (("check", "src", "nowhere/"), ("nowhere does not exist",)),
        (("check", "pyproject.toml"), ("pyproject.toml is not a Python file",)),
        (("check", "empty"), ("there is no Python file to check in empty",)),
        (("check", "a\x1b[31m\nb.py"), ("a\\x1b[31m\\nb.py does not exist",)),
        (("check", "--select", "ORM2O1"), ('unknown rule "ORM2O1"', 'did you mean "ORM201"?')),
        (("check", "--ignore", "commit-in-lop"), ('unknown rule "commit-in-lop"', 'did you mean "commit-in-loop"?')),
        (("check", "--min-confidence", "sure"), ("expected certain, likely or possible",)),
        (("check", "--output-format", "jsn"), ('unknown output format "jsn"', 'did you mean "json"?')),
        (("check", "--output-file", "no/such/folder/x"), ("cannot write no/such/folder/x: No such file or directory",)),
        (("check", "--output-file", "src"), ("cannot write src: Is a directory",)),
        (("check", "--jobs", "many"), ("expected a whole number",)),
        (("check", "--jobs", "-3"), ("jobs is -3",)),
        (("check", "--config", "none.toml"), ("cannot read the configuration none.toml",)),
        (("check", "--diff", "HEAD"), ("is not in a git repository",)),
        (("check", "--stdin-filename", "x.py"), ("name `-` as the path",)),
        (("check", "-", "src"), ("cannot be named together",)),
        (("check", "--selct", "ORM201"), ("No such option", "--select")),
        (("chek",), ("No such command",)),
        (("completion", "bsh"), ('unknown shell "bsh"', 'did you mean "bash"?')),
        (("layers", "missing"), ("missing does not exist",)),
        (("layers", "--output-format", "yaml"), ("known are text, json",)),
        (("check", "--min-witness", "confirmed"), ("name it with --witness FILE",)),
        (("check", "--witness", "none.jsonl", "--min-witness", "sure"), ('unknown verdict "sure"',)),
        (("check", "--witness", "none.jsonl"), ("none.jsonl",)),
        (("check", "--witness", "pyproject.toml"), ("pyproject.toml",)),
        (("rule",), ("name one rule",)),
        (("rule", "ORM555"), ('unknown rule "ORM555"',)),
        (("models", "missing"), ("missing does not exist",)),
        (("models", "--output-format", "xml"), ("known are text, json",)),
        (("config", "missing"), ("missing does not exist",)),
        (("baseline", "prune"), ("cannot read the baseline",)),
        (("baseline", "update"), ("cannot read the baseline",)),
    ],
)
def test_bad_arguments(run: Run, shop: Path, arguments: tuple[str, ...], parts: tuple[str, ...]) -> None:
    (shop / "empty").mkdir()
    refused(run(*arguments, env={"GIT_CEILING_DIRECTORIES": str(shop.parent)}), *parts)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ('[tool.ormlint]\nselct = ["ORM2"]', ('unknown key "selct"', 'did you mean "select"?')),
        ('[tool.ormlint]\nselect = "ORM2"', ("expected a list of strings",)),
        ('[tool.ormlint]\nselect = ["ORM999"]', ('unknown rule "ORM999"',)),
        ('[tool.ormlint.layers]\ndomian = ["a"]', ('unknown layer "domian"', 'did you mean "domain"?')),
        ('[tool.ormlint.per-file-ignores]\n"a.py" = ["ORM999"]', ('unknown rule "ORM999"',)),
        ("[tool.ormlint", ("is not valid TOML",)),
        ('[tool.ormlint]\nbaseline = "gone.json"', ("cannot read the baseline",)),
    ],
)
def test_a_bad_configuration(run: Run, shop: Path, text: str, parts: tuple[str, ...]) -> None:
    (shop / "pyproject.toml").write_text(text, encoding="utf-8")
    refused(run("check"), *parts)


@pytest.mark.parametrize("content", ["{", '{"version": 9, "findings": []}'])
def test_a_bad_baseline_is_named_and_left_as_it_is(run: Run, shop: Path, content: str) -> None:
    file = shop / ".ormlint-baseline.json"
    file.write_text(content, encoding="utf-8")
    for arguments in (("check",), ("baseline", "update"), ("baseline", "prune")):
        refused(run(*arguments), ".ormlint-baseline.json")
    assert file.read_text() == content


def test_an_output_file_that_cannot_be_written_stays_as_it_was(run: Run, shop: Path) -> None:
    target = shop / "report.json"
    target.mkdir()
    refused(run("check", "--output-file", "report.json"), "cannot write report.json")
    assert sorted(path.name for path in shop.iterdir() if "report" in path.name) == ["report.json"]


BAD_FILES = {
    "undecodable.py": b"x = '\xff\xfe'\n",
    "syntax.py": b"def f(:\n    pass\n",
    "null.py": b"x = 1\nprint('\0')\n",
    "nested.py": b"x = " + b"(" * 2000 + b"1" + b")" * 2000 + b"\n",
    "cookie.py": b"# -*- coding: klingon -*-\nx = 1\n",
    "indent.py": b"if x:\n\ty = 1\n        z = 2\n",
    "unclosed.py": b'x = """\n',
}


def test_unreadable_files_are_reported_and_the_rest_is_checked(run: Run, shop: Path) -> None:
    folder = shop / "src" / "shop"
    for name, content in BAD_FILES.items():
        (folder / name).write_bytes(content)
    (folder / "circle.py").symlink_to(folder / "circle.py")
    (folder / "gone.py").symlink_to(folder / "nowhere.py")
    (folder / "again").symlink_to(shop, target_is_directory=True)
    ran = run("check", "--output-format", "json")
    assert (ran.status, ran.err) == (1, "")
    found = {(code, path) for code, path, _ in ran.codes()}
    expected = {*BAD_FILES, "circle.py", "gone.py"}
    assert ("ORM201", "src/shop/jobs.py") in found
    assert {path.rpartition("/")[2] for code, path in found if code == "ORM901"} >= expected - {"nested.py"}
    assert {path.rpartition("/")[2] for code, path in found if code == "ORM901"} <= expected
    for item in json.loads(ran.out)["findings"]:
        assert len(item["message"].splitlines()) == 1
        assert item["line"] >= 1
    assert "Traceback" not in run("check").out


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(run: Run, shop: Path) -> None:
    secret = shop / "src/shop/secret.py"
    secret.write_text("x = 1\n", encoding="utf-8")
    secret.chmod(0)
    codes = run("check", "--output-format", "json").codes()
    assert FOUND in codes
    assert ("ORM901", "src/shop/secret.py", 1) in codes


def test_a_folder_in_a_files_place(run: Run, shop: Path) -> None:
    (shop / "src/shop/folder.py").mkdir()
    (shop / "src/shop/folder.py/inner.py").write_text("x = 1\n", encoding="utf-8")
    assert FOUND in run("check", "--output-format", "json").codes()


def test_a_file_of_five_megabytes(run: Run, shop: Path) -> None:
    (shop / "src/shop/large.py").write_text("x = [\n" + "    (1, 'some text', None),\n" * 190_000 + "]\n", encoding="utf-8")
    ran = run("check", "--output-format", "json")
    assert (ran.status, ran.err) == (1, "")
    assert FOUND in ran.codes()


@pytest.mark.skipif(sys.platform == "win32", reason="no such file names there")
def test_file_names_that_a_terminal_or_a_workflow_would_act_on(run: Run, shop: Path) -> None:
    name = "a\n::error::x\x1b[31m'\".py"
    (shop / "src/shop" / name).write_text("def f(:\n", encoding="utf-8")
    for form in ("text", "concise", "github", "markdown", "gitlab", "junit", "sarif"):
        ran = run("check", "--output-format", form)
        assert (ran.status, ran.err) == (1, "")
        assert "\x1b" not in ran.out
        assert "\n::error::x" not in ran.out
    codes = run("check", "--output-format", "json").codes()
    assert ("ORM901", f"src/shop/{name}") in {(code, path) for code, path, _ in codes}


def test_a_file_name_that_is_not_utf_8(run: Run, shop: Path) -> None:
    path = os.fsencode(shop / "src" / "shop") + b"/\xff.py"
    with open(path, "wb") as file:
        file.write(b"x = 1\n")
    ran = run("check", "--output-format", "json")
    assert ran.err == ""
    assert FOUND in ran.codes()


def test_an_empty_project_is_no_success(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "nothing"
    folder.mkdir()
    (folder / "pyproject.toml").touch()
    refused(run("check", cwd=folder), "there is no Python file to check in")
