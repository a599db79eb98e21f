import gc
import multiprocessing
import os
import socket
import threading

import pytest
from app import service
from app.models import Base, Parent
from sqlalchemy import event, select
from sqlalchemy.orm import Session


def test_totals(session):
    assert service.totals(session) == [2] * 5


def test_names(session):
    assert len(service.names(session)) == 5


def test_rename(session):
    service.rename(session)


def test_nobody(session):
    service.nobody(session)


def test_eager(session):
    assert service.eager(session) == [2] * 5


def test_stories(session):
    assert service.stories(session) == ["long"] * 5


def test_leak(engine):
    service.leak(engine)
    gc.collect()


def test_closed(engine):
    service.closed(engine)
    gc.collect()


def test_detached(engine):
    assert service.detached(engine) == "DetachedInstanceError"


def test_look_up(session):
    assert len(service.look_up(session, [1, 2, 3])) == 3


def test_refreshed(session):
    service.refreshed(session)


def test_pending(session):
    with pytest.raises(Exception, match="rolled back"):
        service.pending(session)


def test_sockets(session):
    with socket.create_server(("127.0.0.1", 0)) as server:
        service.calls(session, server.getsockname())
        with socket.create_connection(server.getsockname()) as held:
            service.calls_held(session, held)
            session.commit()
            held.sendall(b"x")


def test_outside(session):
    service.outside(session)
    service.outside_after_commit(session)


def test_sessions(engine):
    service.jobs(engine)
    service.forgotten(engine)
    service.used_again(engine)
    service.engines()
    service.hold(engine)


def test_voucher(session):
    class Risky:
        def risky(self):
            raise ValueError

    service.voucher(session, Risky())


def test_nested(session):
    service.nested(session)


def test_remove(session):
    service.remove(session, session.get(Parent, 1))


def test_core(engine):
    with engine.connect() as connection:
        service.core(connection, [1, 2, 3, 4])


def test_repr(session):
    assert repr(session.query(Parent).first())


def test_a_loop_of_the_test_is_not_one_of_the_application(session):
    for _ in range(3):
        session.expire_all()
        service.eager(session)


def totals_of(engine):
    with Session(engine) as session:
        service.totals(session)


def test_threads(engine):
    threads = [threading.Thread(target=totals_of, args=(engine,)) for _ in range(3)]
    for thread in threads:
        thread.start()
        thread.join()


def test_threads_that_share(engine):
    @event.listens_for(engine, "checkout")
    def with_pause(connection, *rest):
        connection.create_function("pause", 0, lambda: service.waiting.set() or service.go_on.wait(60))

    @event.listens_for(engine, "before_cursor_execute")
    def resume(*rest):
        if service.waiting.is_set():  # SQLite lets the second statement wait for the first
            service.go_on.set()

    with Session(engine) as session:
        service.in_threads_in_turn(session)
        service.in_threads(session)


def test_fork(engine):
    child = os.fork()
    if not child:
        totals_of(engine)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0


def test_process(engine):
    process = multiprocessing.get_context("fork").Process(target=totals_of, args=(engine,))
    process.start()
    process.join()
    assert process.exitcode == 0


def test_async():
    asyncio = pytest.importorskip("asyncio")
    from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
    from sqlalchemy.pool import StaticPool

    from .conftest import fill

    async def main():
        engine = create_async_engine("sqlite+aiosqlite://", connect_args={"check_same_thread": False}, poolclass=StaticPool)
        async with engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)
        async with AsyncSession(engine, expire_on_commit=False) as session:
            await session.run_sync(fill)
            await service.later(session, select)
        async with AsyncSession(engine) as session:
            assert await service.too_late(session, select) in ("MissingGreenlet", "StatementError")
        async with AsyncSession(engine) as session:
            await service.in_turn(session, select)
        await service.each_its_own(lambda: AsyncSession(engine), select)
        session = AsyncSession(engine)
        await service.together(session, select)
        await session.close()
        await engine.dispose()

    asyncio.run(main())
