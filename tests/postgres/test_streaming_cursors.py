"""ORM211 on a real server: a commit closes the cursor that the loop still reads from. SQLite lets all of it pass."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import create_engine, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

Example = Callable[[str, str], Callable[[str], Any]]
ROWS = 400
"""More than a driver reads ahead."""

BAD = (
    ("Bad: yield_per on a query", "meter.fixing", "fix"),
    ("Bad: the stream comes from a repository", "meter.service", "fix"),
    ("Bad: a commit per partition", "meter.parts", "fix"),
)
GOOD = (
    ("Good: the writes go through another session", "meter.fixing", "fix"),
    ("Good: commit after the loop", "meter.fixing", "fix"),
    ("Good: pages by key", "meter.pages", "fix"),
    ("Good: a server-side cursor of the ORM without yield_per", "meter.buffered", "fix"),
)


def filled(address: str, load: Callable[[str], Any]) -> None:
    """Readings in a fresh schema, and the factory of the example bound to it."""
    engine = create_engine(f"postgresql+psycopg://{address}")
    models = load("meter.models")
    models.Base.metadata.drop_all(engine)
    models.Base.metadata.create_all(engine)
    load("meter.db").Session.configure(bind=engine)
    with load("meter.db").Session() as session:
        session.add_all([models.Reading(id=number, value=0) for number in range(1, ROWS + 1)])
        session.commit()


def call(load: Callable[[str], Any], module: str, name: str) -> None:
    function = getattr(load(module), name)
    with load("meter.db").Session() as session:
        function(session) if inspect.signature(function).parameters else function()


@pytest.mark.parametrize(("title", "module", "name"), BAD)
def test_a_commit_closes_the_cursor(address: str, example: Example, title: str, module: str, name: str) -> None:
    load = example("ORM211", title)
    filled(address, load)
    with pytest.raises(DBAPIError, match=r"cursor .* does not exist|named cursor isn't valid"):
        call(load, module, name)


@pytest.mark.parametrize(("title", "module", "name"), GOOD)
def test_a_cursor_in_its_own_transaction_lasts(address: str, example: Example, title: str, module: str, name: str) -> None:
    load = example("ORM211", title)
    filled(address, load)
    call(load, module, name)
    with load("meter.db").Session() as session:
        values = {reading.value for reading in session.query(load("meter.models").Reading)}
    assert len(values) == 1, values


@pytest.mark.parametrize("driver", ["asyncpg", "psycopg"])
@pytest.mark.parametrize(
    ("title", "module", "name"),
    [
        ("Good: async, execute buffers, and a stream that is only read", "meter.async_reading", "fix"),
        ("Good: async, execute buffers, and a stream that is only read", "meter.async_reading", "total"),
    ],
)
def test_asynchronous_streams_that_last(address: str, example: Example, driver: str, title: str, module: str, name: str) -> None:
    load = example("ORM211", title)
    filled(address, load)
    asked(address, driver, getattr(load(module), name))
    with load("meter.db").Session() as session:
        assert session.query(load("meter.models").Reading).count() == ROWS


@pytest.mark.parametrize("driver", ["asyncpg", "psycopg"])
def test_an_asynchronous_stream_in_batches_is_closed_too(address: str, example: Example, driver: str) -> None:
    load = example("ORM211", "Bad: async, stream_scalars")
    filled(address, load)
    seen: list[int] = []

    async def read(session: AsyncSession) -> None:
        async for reading in await session.stream_scalars(select(load("meter.models").Reading).execution_options(yield_per=50)):
            seen.append(reading.id)
            await session.commit()

    # What asyncpg says of it is not wrapped: NoActiveSQLTransactionError.
    with pytest.raises(Exception, match=r"cursor .* does not exist|cursor cannot be created outside of a transaction"):
        asked(address, driver, read)
    assert len(seen) == 50


@pytest.mark.parametrize("driver", ["asyncpg", "psycopg"])
def test_without_batches_the_orm_reads_every_row_first(address: str, example: Example, driver: str) -> None:
    load = example("ORM211", "Good: a server-side cursor of the ORM without yield_per")
    filled(address, load)
    asked(address, driver, load("meter.async_buffered").fix)
    with load("meter.db").Session() as session:
        assert {reading.value for reading in session.query(load("meter.models").Reading)} == {3}


def test_text_streams_by_its_option_alone(address: str, example: Example) -> None:
    load = example("ORM211", "Bad: text, which is not the ORM's, by stream_results")
    filled(address, load)
    with load("meter.db").Session() as session, pytest.raises(DBAPIError, match=r"cursor .* does not exist|named cursor isn't valid"):
        load("meter.streaming").Streamer(session).run()


def asked(address: str, driver: str, function: Callable[[AsyncSession], Awaitable[object]]) -> None:
    """Awaits a function on a session of its own."""

    async def main() -> None:
        engine = create_async_engine(f"postgresql+{driver}://{address}")
        try:
            async with AsyncSession(engine, expire_on_commit=False) as session:
                await function(session)
        finally:
            await engine.dispose()

    asyncio.run(main())
