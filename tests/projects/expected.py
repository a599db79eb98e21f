"""Reads an application's `expected.toml`: which findings it must give, and on which lines it must give none.

A line is named by a piece of its text, so that the file survives code that moves; `Planted.lines` are the numbers it stands for now.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

import msgspec


class Planted(msgspec.Struct, frozen=True):
    """One place in an application: a defect where it has a code, a clean twin where it has none."""

    path: str
    text: str
    lines: tuple[int, ...]
    """The line number, counted from 1, and those on which the same finding may stand instead."""
    what: str
    code: str = ""
    test: str = ""
    """The node id, without parameters, of the application's test that runs into the defect; empty where none can."""


class Expected(msgspec.Struct, frozen=True):
    defects: tuple[Planted, ...]
    clean: tuple[Planted, ...]


class _Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    path: str
    line: str
    what: str
    code: str = ""
    within: str = ""
    alternatives: tuple[str, ...] = msgspec.field(name="or", default=())
    test: str = ""


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    defect: tuple[_Row, ...] = ()
    clean: tuple[_Row, ...] = ()


def read_expected(application: Path) -> Expected:
    """What `expected.toml` of an application says; nothing where it has none. Raises `ValueError` for a line that is not there."""
    file = application / "expected.toml"
    if not file.exists():
        return Expected((), ())
    rows = msgspec.convert(tomllib.loads(file.read_text(encoding="utf-8")), _File)
    return Expected(tuple(_planted(application, row) for row in rows.defect), tuple(_planted(application, row) for row in rows.clean))


def _planted(application: Path, row: _Row) -> Planted:
    source = (application / row.path).read_text(encoding="utf-8").splitlines()
    where = f"{application.name}/{row.path}"
    numbers = [_line(source, row.line, row.within, where), *(_line(source, text, "", where) for text in row.alternatives)]
    return Planted(row.path, row.line, tuple(numbers), row.what, row.code, row.test)


def _line(source: list[str], text: str, within: str, where: str) -> int:
    start = _only(source, within, where) if within else 0
    found = [number for number, line in enumerate(source, start=1) if number > start and text in line]
    if not found or (not within and len(found) > 1):
        raise ValueError(f"{where}: {text!r} stands on {len(found)} lines")
    return found[0]


def _only(source: list[str], text: str, where: str) -> int:
    found = [number for number, line in enumerate(source, start=1) if text in line]
    if len(found) != 1:
        raise ValueError(f"{where}: {text!r} stands on {len(found)} lines")
    return found[0]
