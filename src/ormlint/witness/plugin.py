"""The pytest plugin: `pytest --ormlint-witness` records what the tests make the ORM do; without the flag it does nothing.

Each process (pytest-xdist workers and forks too) writes its part; the main one merges them when the session ends. Gives the fixture
`orm_budget`.
"""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ormlint.witness.budget import orm_budget as _orm_budget

if TYPE_CHECKING:
    from ormlint.witness.record import Record
    from ormlint.witness.recorder import Recorder

DEFAULT_FILE = "ormlint-witness.jsonl"
_PARTS = "ORMLINT_WITNESS_PARTS"


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("ormlint", "ormlint: what really ran")
    group.addoption("--ormlint-witness", action="store_true", help="record what the tests make the ORM do, for `ormlint check --witness`")
    group.addoption("--ormlint-witness-file", metavar="FILE", default=None, help=f"the record; {DEFAULT_FILE} in the root directory")
    group.addoption("--ormlint-witness-root", metavar="DIR", default=None, help="the project's folder; pytest's root directory")
    group.addoption("--ormlint-witness-append", action="store_true", help="keep what the record holds and add to it")
    group.addoption("--ormlint-witness-no-lines", action="store_true", help="do not watch which lines ran; then nothing can be refuted")


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    # As early as this, because conftest files import the application.
    options = early_config.known_args_namespace
    if getattr(options, "ormlint_witness", False) and not getattr(options, "help", False):
        early_config.pluginmanager.register(_Session(early_config, options), "ormlint-witness-session")


class _Session:
    """One pytest process that records."""

    def __init__(self, config: pytest.Config, options: Any) -> None:
        self.file = Path(options.ormlint_witness_file or config.rootpath / DEFAULT_FILE).absolute()
        self.append = bool(options.ormlint_witness_append)
        self.root = Path(options.ormlint_witness_root or config.rootpath).absolute()
        self.lines: list[str] = []
        self.main = "PYTEST_XDIST_WORKER" not in os.environ
        if self.main:
            os.environ[_PARTS] = str(self.file.with_name(f"{self.file.name}.{uuid.uuid4().hex[:8]}.parts"))
        self.parts = Path(os.environ.get(_PARTS, f"{self.file}.parts"))
        self.pid = os.getpid()
        self.tests = 0
        self.recorder: Recorder | None = None
        try:
            from ormlint.witness.recorder import Recorder

            self.parts.mkdir(parents=True, exist_ok=True)
            self.recorder = Recorder(str(self.root), str(self.parts), lines=not options.ormlint_witness_no_lines)
            self.recorder.files.runners.update(_runners())
            self.recorder.start()
        except Exception as error:
            self._say(f"nothing is recorded: {type(error).__name__}: {error}")

    def _say(self, line: str) -> None:
        self.lines.append(f"ormlint witness: {line}")

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        recorder = self.recorder
        if recorder is None:
            return (yield)
        recorder.test = item.nodeid
        try:
            return (yield)
        finally:
            recorder.test = None
            recorder.save_now_and_then()

    # The innermost wrapper: after xdist has ended its workers, before the terminal writes its summary.
    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_sessionfinish(self) -> Iterator[None]:
        try:
            return (yield)
        finally:
            if self.recorder is not None and os.getpid() == self.pid:
                self.recorder.stop()
                if self.main:
                    self._merge()

    def _merge(self) -> None:
        os.environ.pop(_PARTS, None)
        try:
            from ormlint.witness.record import merge_parts

            record = merge_parts(self.parts, self.file, append=self.append)
        except Exception as error:
            self._say(f"the parts in {self.parts} were not merged: {error}")
            return
        self._summary(record)

    def _summary(self, record: Record) -> None:
        for warning in record.warnings:
            self._say(warning)
        if not record.head.sqlalchemy:
            self._say("no process imported SQLAlchemy: the record is empty")
        elif not any(site.path for site in record.sites):
            self._say(f"no line of the project below {self.root} used SQLAlchemy: is that the project? (--ormlint-witness-root)")
        versions = ", ".join(record.head.sqlalchemy)
        self._say(
            f"{sum(site.count for site in record.sites)} events at {len(record.sites)} sites, SQLAlchemy {versions}: {_short(self.file)}"
        )

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        for line in self.lines:
            terminalreporter.write_line(line)


def _runners() -> set[str]:
    """The files of pytest that call tests and fixtures."""
    from _pytest import fixtures, python, unittest

    return {str(module.__file__) for module in (fixtures, python, unittest)}


def _short(path: Path) -> str:
    with contextlib.suppress(ValueError):
        return str(path.relative_to(Path.cwd()))
    return str(path)


@pytest.fixture
def orm_budget() -> Callable[..., contextlib.AbstractContextManager[Any]]:
    """`with orm_budget(selects=3, commits=1, lazy_loads=0):` fails where the block does more, with the lines that did."""
    return _orm_budget
