"""ORM307 on a real server: what SQLite lets pass raises on asyncpg and psycopg, but only while no connection is there."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

Example = Callable[[str, str], Callable[[str], Any]]
DRIVERS = ("asyncpg", "psycopg")
pytestmark = pytest.mark.parametrize("driver", DRIVERS)

BAD = (
    ("Bad: gather over one AsyncSession", "crm.page", "page"),
    ("Bad: gather over a list of coroutines", "crm.page", "page"),
    ("Bad: a repository that holds the session", "crm.stats", "stats"),
    ("Bad: a task group", "crm.page", "page"),
    ("Bad: a task beside the coroutine that made it", "crm.page", "page"),
)
GOOD = (
    ("Good: each coroutine makes its own", "crm.page", "page"),
    ("Good: one after the other", "crm.page", "page"),
    ("Good: only one of the gathered uses the session", "crm.page", "page"),
    ("Good: a lock", "crm.locked", "names"),
    ("Good: a task that is awaited before anything else", "crm.page", "page"),
    ("Good: two sessions for two tasks", "crm.page", "page"),
)


def run(address: str, driver: str, load: Callable[[str], Any], work: Callable[[], Awaitable[object]], *, warm: bool = False) -> object:
    """What the work gives on five contacts: with an empty pool, as the first requests of a process and each burst of them find it."""
    models = load("crm.models")

    async def main() -> object:
        engine = create_async_engine(f"postgresql+{driver}://{address}")
        try:
            async with engine.begin() as connection:
                await connection.run_sync(models.Base.metadata.drop_all)
            await load("crm.async_sample").fill(engine)
            if not warm:
                await engine.dispose()
            return await asyncio.wait_for(work(), 20)
        finally:
            await engine.dispose()

    return asyncio.run(main())


@pytest.mark.parametrize(("title", "module", "name"), BAD)
def test_a_shared_session_raises(address: str, example: Example, driver: str, title: str, module: str, name: str) -> None:
    load = example("ORM307", title)
    with pytest.raises((SQLAlchemyError, ExceptionGroup)) as raised:
        run(address, driver, load, getattr(load(module), name))
    errors = raised.value.exceptions if isinstance(raised.value, ExceptionGroup) else (raised.value,)
    assert all(isinstance(error, SQLAlchemyError) for error in errors), errors
    assert any("isce" in str(error) for error in errors), errors  # SQLAlchemy's own word for it: illegal state change, concurrent use


@pytest.mark.parametrize(("title", "module", "name"), GOOD)
def test_sessions_of_their_own_work(address: str, example: Example, driver: str, title: str, module: str, name: str) -> None:
    load = example("ORM307", title)
    assert run(address, driver, load, getattr(load(module), name))


def test_a_pooled_connection_hides_it(address: str, example: Example, driver: str) -> None:
    """Why it is not seen in tests: where the connection is there already, the driver lets one wait for the other."""
    load = example("ORM307", "Bad: gather over one AsyncSession")
    found = run(address, driver, load, load("crm.page").page, warm=True)
    assert [len(rows) for rows in found] == [5, 5]  # type: ignore[attr-defined]


def test_an_error_of_one_fails_the_other(address: str, example: Example, driver: str) -> None:
    load = example("ORM307", "Bad: gather over one AsyncSession")

    async def broken(session: AsyncSession) -> None:
        await session.execute(text("SELECT 1 / 0"))

    async def work() -> object:
        async with load("crm.async_db").AsyncLocal() as session:
            await session.connection()
            return await asyncio.gather(broken(session), load("crm.load").contacts(session), return_exceptions=True)

    first, second = run(address, driver, load, work)  # type: ignore[misc]
    assert "division by zero" in str(first)
    assert "current transaction is aborted" in str(second), second
