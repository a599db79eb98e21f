"""One folder of installed packages for each supported SQLAlchemy, made once and used through PYTHONPATH.

Takes a series ("2.0"), gives a folder that pip filled; safe with many test processes, because one makes it under a lock and moves it into
place whole.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from filelock import FileLock

SERIES = ("1.4", "2.0", "2.1")
"""The series of SQLAlchemy that scripts run on."""

_ALSO = ("greenlet", "httpx", "fastapi", "pydantic", "jinja2", "flask", "marshmallow")
REQUIREMENTS = {
    "1.4": ("sqlalchemy>=1.4.54,<1.5", "aiosqlite<0.21", "flask-sqlalchemy<3", "sqlalchemy-continuum<1.5", *_ALSO),
    "2.0": ("sqlalchemy>=2.0,<2.1", "aiosqlite", "flask-sqlalchemy", "sqlmodel", "sqlalchemy-continuum>=2", *_ALSO),
    "2.1": ("sqlalchemy>=2.1,<2.2", "aiosqlite", "flask-sqlalchemy", "sqlmodel", "sqlalchemy-continuum>=2", *_ALSO),
}
"""What pip installs for each series. SQLModel needs 2.0; Flask-SQLAlchemy 3.1 too; aiosqlite 0.21 is no longer a thread, as 1.4 expects;
SQLAlchemy-Continuum 2 needs 2.0."""


class InstallError(RuntimeError):
    """A version of SQLAlchemy could not be installed; the message has pip's last lines."""


def environments_root() -> Path:
    """ORMLINT_TEST_ENVS, or `.ormlint_test_envs` in the folder that the tests are run from."""
    return Path(os.environ.get("ORMLINT_TEST_ENVS") or ".ormlint_test_envs").absolute()


def environment(series: str, root: Path | None = None) -> Path:
    """The folder with SQLAlchemy of a series and what the suites use with it; pip fills it on first use (about ten seconds)."""
    requirements = REQUIREMENTS[series]
    digest = hashlib.sha256("\n".join(requirements).encode()).hexdigest()[:8]
    folder = (root or environments_root()) / f"sqlalchemy-{series}-py{sys.version_info.major}.{sys.version_info.minor}-{digest}"
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    (folder.parent / ".gitignore").write_text("*\n", encoding="utf-8")
    with FileLock(folder.with_name(f"{folder.name}.lock")):
        if not folder.is_dir():
            _install(requirements, folder)
    return folder


def _install(requirements: tuple[str, ...], folder: Path) -> None:
    making = folder.with_name(f"{folder.name}.{os.getpid()}.part")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target", str(making), *requirements]
    done = subprocess.run(command, capture_output=True, text=True)  # noqa: S603
    if done.returncode != 0:
        shutil.rmtree(making, ignore_errors=True)
        lines = "\n".join(done.stderr.strip().splitlines()[-5:])
        raise InstallError(f"cannot install {' '.join(requirements)} into {folder}:\n{lines}")
    making.rename(folder)
