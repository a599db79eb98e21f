"""Runs the scripts of suites: one server process for each SQLAlchemy series, kept for the life of this process."""

from __future__ import annotations

import atexit
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any

from packaging.specifiers import SpecifierSet

from ormlint.testing.environments import SERIES, environment
from ormlint.testing.suites import Script, SourceFile

TIMEOUT_S = 30.0
_SLOW_IMPORTS = ("fastapi", "fastapi.testclient", "flask", "flask_sqlalchemy", "sqlmodel", "pydantic", "httpx", "jinja2", "marshmallow")

_servers: dict[str, subprocess.Popen[str]] = {}


class ScriptFailed(AssertionError):
    """A script of a suite failed; the message has its traceback and the version of SQLAlchemy."""


def admitted(script: Script) -> tuple[str, ...]:
    """The series of SQLAlchemy that a script's condition admits, taking each series at its latest release."""
    return tuple(series for series in SERIES if SpecifierSet(script.condition).contains(f"{series}.999"))


def write_files(files: Iterable[SourceFile], folder: Path) -> None:
    """Writes the files of a test into a folder."""
    for file in files:
        path = folder / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(file.text, encoding="utf-8")


def run_script(script: Script, files: Iterable[SourceFile], series: str, name: str, timeout_s: float = TIMEOUT_S) -> str:
    """What a script writes when it runs beside the files on a series of SQLAlchemy. Raises ScriptFailed."""
    files = tuple(files)
    texts = [script.text, *(file.text for file in files)]
    preload = [module for module in _SLOW_IMPORTS if any(re.search(rf"\b(?:from|import) {re.escape(module)}\b", text) for text in texts)]
    with tempfile.TemporaryDirectory(prefix="ormlint-suite-") as folder:
        write_files(files, Path(folder))
        answer = _ask(
            series,
            {
                "folder": os.path.realpath(folder),
                "script": script.text,
                "name": name,
                "first_line": script.line,
                "timeout_s": timeout_s,
                "preload": preload,
            },
        )
    if not answer["ok"]:
        raise ScriptFailed(f"the script fails on SQLAlchemy {series}:\n{answer['output'].rstrip()}")
    return str(answer["output"])


def _ask(series: str, request: dict[str, Any]) -> dict[str, Any]:
    server = _server(series)
    requests, answers = server.stdin, server.stdout
    assert requests is not None
    assert answers is not None
    try:
        requests.write(json.dumps(request) + "\n")
        requests.flush()
        line = answers.readline()
    except BrokenPipeError:
        line = ""
    if not line:
        del _servers[series]
        raise ScriptFailed(f"the process that runs scripts on SQLAlchemy {series} ended with status {server.wait()}")
    answer: dict[str, Any] = json.loads(line)
    return answer


def _server(series: str) -> subprocess.Popen[str]:
    if series not in _servers:
        package = Path(__file__).resolve().parents[2]
        paths = [str(environment(series)), str(package)]
        variables = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "COV_"))}
        _servers[series] = subprocess.Popen(
            [sys.executable, "-S", "-m", "ormlint.testing.run_server"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**variables, "PYTHONPATH": os.pathsep.join(paths), "PYTHONHASHSEED": "0"},
        )
        atexit.register(_end, _servers[series])
    return _servers[series]


def _end(server: subprocess.Popen[str]) -> None:
    pipes: list[IO[str] | None] = [server.stdin, server.stdout]
    for pipe in pipes:
        if pipe is not None:
            pipe.close()
    server.wait(timeout=10)
