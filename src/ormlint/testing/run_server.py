"""The process in which scripts of suites run: SQLAlchemy is imported once, each script runs in a fork of it.

Runs as `python -S -m ormlint.testing.run_server` with one version of SQLAlchemy on PYTHONPATH. Takes one JSON request per line of
standard input, `{"folder", "script", "name", "first_line", "timeout_s", "preload": [modules]}`, and answers each with one line,
`{"ok", "output"}`. Imports only the standard library and what the scripts themselves use.
"""

from __future__ import annotations

import builtins
import importlib
import json
import os
import select
import signal
import sys
import tempfile
import time
import traceback
import types
from typing import Any

PRELOADED = (
    "sqlalchemy",
    "sqlalchemy.orm",
    "sqlalchemy.ext.asyncio",
    "sqlalchemy.dialects.sqlite",
    "aiosqlite",
    "asyncio",
    "ormlint.testing",
    "ormlint.testing.engines",
    "ormlint.witness.counting",
)


def main() -> None:
    sys.dont_write_bytecode = True
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    preload(PRELOADED)
    for line in sys.stdin:
        request = json.loads(line)
        preload(request["preload"])
        answers.write(json.dumps(run(request)) + "\n")
        answers.flush()


def preload(modules: Any) -> None:
    for module in modules:
        try:
            importlib.import_module(module)
        except Exception:  # noqa: S112 - the script that needs it says so itself, with its own traceback
            continue


def run(request: dict[str, Any]) -> dict[str, Any]:
    """Runs one script in a fork; the answer's output is all that it wrote, cut to its last 8,000 characters."""
    with tempfile.TemporaryFile() as output:
        child = os.fork()
        if child == 0:
            status = 1
            try:
                os.setsid()
                os.dup2(output.fileno(), 1)
                os.dup2(output.fileno(), 2)
                status = execute(request["folder"], request["script"], request["name"], request["first_line"])
                sys.stdout.flush()
                sys.stderr.flush()
            finally:
                os._exit(status)
        ended = wait(child, request["timeout_s"])
        output.seek(0)
        text = output.read().decode("utf-8", "replace")[-8000:]
    if ended is None:
        return {"ok": False, "output": f"{text}\nended after {request['timeout_s']} s: the script did not finish"}
    if os.WIFSIGNALED(ended):
        return {"ok": False, "output": f"{text}\nended by signal {os.WTERMSIG(ended)}"}
    return {"ok": ended == 0, "output": text}


def execute(folder: str, script: str, name: str, first_line: int) -> int:
    """The exit status of a script that runs as `__main__` in a folder.

    Tracebacks give lines of the suite, where the script starts at `first_line`.
    """
    os.chdir(folder)
    sys.path.insert(0, folder)
    builtins.reveal_orm = lambda value=None: value  # type: ignore[attr-defined]
    module = types.ModuleType("__main__")
    module.__file__ = os.path.join(folder, "__script__.py")
    sys.modules["__main__"] = module
    try:
        exec(compile("\n" * (first_line - 1) + script, name, "exec"), module.__dict__)  # noqa: S102
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:
        kind, value, trace = sys.exc_info()
        while trace is not None and trace.tb_frame.f_code.co_filename == __file__:
            trace = trace.tb_next
        lines = script.split("\n")
        for entry in traceback.extract_tb(trace):
            source = entry.line
            if entry.filename == name and entry.lineno is not None:
                source = lines[entry.lineno - first_line].strip()
            sys.stderr.write(f"  {entry.filename.removeprefix(folder + os.sep)}:{entry.lineno} in {entry.name}\n      {source}\n")
        sys.stderr.write("".join(traceback.format_exception_only(kind, value)))
        return 1
    return 0


def wait(child: int, timeout_s: float) -> int | None:
    """The wait status of a child, or None after it was killed because it took too long."""
    descriptor = os.pidfd_open(child) if hasattr(os, "pidfd_open") else None
    if descriptor is None:
        return _wait_polling(child, timeout_s)
    try:
        ready, _, _ = select.select([descriptor], [], [], timeout_s)
    finally:
        os.close(descriptor)
    if not ready:
        _kill(child)
        return None
    return os.waitpid(child, 0)[1]


def _wait_polling(child: int, timeout_s: float) -> int | None:
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return status
        time.sleep(0.002)
    _kill(child)
    return None


def _kill(child: int) -> None:
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)


if __name__ == "__main__":
    main()
