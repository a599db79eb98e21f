"""Every span is LibCST's own, on tricky code and on this project's."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from positions import differences, walked
from tricky import TRICKY

ROOT = Path(__file__).parents[2]
OWN = sorted([*ROOT.glob("src/**/*.py"), *ROOT.glob("tests/**/*.py")])


@pytest.mark.parametrize("name", TRICKY)
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"], ids=["lf", "crlf", "cr"])
def test_spans_of_tricky_code_are_those_of_libcst(name: str, newline: str) -> None:
    source = TRICKY[name].replace("\n", newline).encode()
    assert list(differences(source)) == []
    assert walked(source) > 3


@pytest.mark.parametrize("path", OWN, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_spans_of_own_code_are_those_of_libcst(path: Path) -> None:
    assert list(differences(path.read_bytes())) == []


@pytest.mark.parametrize("prefix", [b"\xef\xbb\xbf", b"# coding: latin-1\n"])
def test_offsets_count_characters_of_the_decoded_text(prefix: bytes) -> None:
    source = prefix + "x = 'é' + y\n".encode("latin-1" if b"latin" in prefix else "utf-8")
    assert list(differences(source)) == []


@pytest.mark.skipif("ORMLINT_CORPUS" not in os.environ, reason="ORMLINT_CORPUS names no folder of real projects")
def test_spans_of_real_projects_are_those_of_libcst() -> None:
    files = sorted(Path(os.environ["ORMLINT_CORPUS"]).rglob("*.py"))
    wrong = {path.as_posix(): found for path in files if (found := list(differences(path.read_bytes()))[:3])}
    assert files
    assert wrong == {}
