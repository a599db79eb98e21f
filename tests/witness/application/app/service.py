import asyncio
import socket
import subprocess
import threading

from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session, selectinload

from .models import Parent


def count_children(parent):
    return len(parent.children)


def totals(session):
    return [count_children(parent) for parent in session.query(Parent)]


def names(session):
    found = []
    for parent in session.query(Parent).all():
        found.append(parent.name)
        session.commit()
    return found


def save(session):
    session.commit()


def rename(session):
    for parent in session.query(Parent).all():
        parent.name += "x"
        save(session)


def nobody(session):
    for parent in session.query(Parent).filter(Parent.id < 0):
        print(parent.children)


def eager(session):
    parents = session.query(Parent).options(selectinload(Parent.children)).all()
    return [len(parent.children) for parent in parents]


def stories(session):
    return [parent.story for parent in session.query(Parent).all()]


def leak(engine):
    session = Session(engine)
    session.query(Parent).all()


def closed(engine):
    session = Session(engine)
    session.query(Parent).all()
    session.close()


def detached(engine):
    with Session(engine) as session:
        parent = session.query(Parent).first()
    try:
        return parent.children
    except Exception as error:
        return type(error).__name__


def look_up(session, ids):
    return [session.query(Parent).filter(Parent.id == id).first() for id in ids]


def outside(session):
    session.query(Parent).first()
    subprocess.run(["true"])


def outside_after_commit(session):
    session.query(Parent).first()
    session.commit()
    subprocess.run(["true"])


def jobs(engine):
    for number in range(3):
        with Session(engine) as session:
            session.get(Parent, number + 1).name += "j"
            session.commit()


def forgotten(engine):
    with Session(engine) as session:
        session.add(Parent(name="never kept"))


def used_again(engine):
    session = Session(engine)
    session.query(Parent).all()
    session.close()
    session.query(Parent).all()
    session.close()


def engines():
    return [create_engine("sqlite://", echo=False, hide_parameters=True, pool_pre_ping=True) for _ in range(3)]


def voucher(session, parent):
    try:
        parent.risky()
    except ValueError:
        session.commit()


held = []


def hold(engine):
    held.append(Session(engine))
    held[0].query(Parent).all()


def nested(session):
    for parent in session.query(Parent).all():
        with session.begin_nested():
            parent.name += "y"


def remove(session, parent):
    session.delete(parent)
    session.flush()


def core(connection, ids):
    for id in ids:
        connection.execute(Parent.__table__.select().where(Parent.id == id)).all()


async def later(session, select):
    parents = (await session.execute(select(Parent))).scalars().all()
    for parent in parents:
        parent.name = "z"
        await session.commit()


async def too_late(session, select):
    parent = (await session.execute(select(Parent))).scalars().first()
    try:
        return parent.children
    except Exception as error:
        return type(error).__name__


def each_once(session):
    parent = session.query(Parent).first()
    children = len(parent.children)
    session.add(Parent(name="new"))
    session.flush()
    session.commit()
    name = parent.name
    session.rollback()
    return children, name


def refreshed(session):
    parent = session.query(Parent).first()
    for _ in range(3):
        session.refresh(parent)
    session.rollback()


def pending(session):
    session.add(Parent(id=1))
    try:
        session.flush()
    except Exception:
        session.query(Parent).first()


def calls(session, address):
    session.query(Parent).first()
    with socket.create_connection(address) as client:
        client.sendall(b"x")


def calls_held(session, held_socket):
    session.query(Parent).first()
    held_socket.sendall(b"x")


async def one(session, select, lock=None):
    if lock is None:
        return (await session.execute(select(Parent))).scalars().all()
    async with lock:
        return (await session.execute(select(Parent))).scalars().all()


async def together(session, select):
    return await asyncio.gather(one(session, select), one(session, select), return_exceptions=True)


async def in_turn(session, select):
    lock = asyncio.Lock()
    await asyncio.gather(one(session, select, lock), one(session, select, lock))
    await asyncio.wait_for(one(session, select), 60)
    await one(session, select)


async def each_its_own(make, select):
    async def work():
        async with make() as session:
            await one(session, select)

    await asyncio.gather(work(), work())


def slow_query(session):
    session.execute(text("SELECT pause()")).all()


def in_threads(session):
    first = threading.Thread(target=slow_query, args=(session,))
    first.start()
    waiting.wait(60)
    try:
        session.query(Parent).count()
    finally:
        go_on.set()
        first.join()


def in_threads_in_turn(session):
    first = threading.Thread(target=count_all, args=(session,))
    first.start()
    first.join()
    count_all(session)


def count_all(session):
    return session.query(Parent).count()


waiting, go_on = threading.Event(), threading.Event()


def never_called(session):
    return session.query(Parent).all()
