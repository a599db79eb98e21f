"""SQLite engines for the scripts of suites, alike on SQLAlchemy 1.4, 2.0 and 2.1. Imports SQLAlchemy only when called."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from pathlib import Path
from typing import Any


def sqlite_engine(*, file: bool = False, **options: Any) -> Any:
    """An Engine on a fresh SQLite database.

    In memory, one connection shares it among all sessions and threads; with `file`, a file with a real pool (QueuePool), so that
    connections that are checked out show. `options` go to `create_engine`.
    """
    from sqlalchemy import create_engine
    from sqlalchemy.pool import QueuePool, StaticPool

    arguments: dict[str, Any] = {"connect_args": {"check_same_thread": False}, **options}
    if file:
        arguments.setdefault("poolclass", QueuePool)
        return create_engine(f"sqlite:///{_fresh_file()}", **arguments)
    arguments.setdefault("poolclass", StaticPool)
    return create_engine("sqlite://", **arguments)


def async_sqlite_engine(*, file: bool = False, **options: Any) -> Any:
    """An AsyncEngine (aiosqlite) on a fresh SQLite database, in memory or, with `file`, in a file with a pool of its own."""
    from sqlalchemy.ext.asyncio import create_async_engine
    from sqlalchemy.pool import StaticPool

    if file:
        return create_async_engine(f"sqlite+aiosqlite:///{_fresh_file()}", **options)
    arguments: dict[str, Any] = {"connect_args": {"check_same_thread": False}, "poolclass": StaticPool, **options}
    return create_async_engine("sqlite+aiosqlite://", **arguments)


def _fresh_file() -> Path:
    folder = tempfile.mkdtemp(prefix="ormlint-sqlite-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder) / "database.sqlite"
