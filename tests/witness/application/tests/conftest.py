import pytest
from app.models import Base, Child, Parent
from sqlalchemy import create_engine
from sqlalchemy.orm import Session
from sqlalchemy.pool import StaticPool


def fill(session):
    for number in range(5):
        session.add(Parent(name=str(number), story="long", children=[Child(), Child()]))
    session.commit()


@pytest.fixture
def engine():
    engine = create_engine("sqlite://", connect_args={"check_same_thread": False}, poolclass=StaticPool)
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        fill(session)
    return engine


@pytest.fixture
def session(engine):
    with Session(engine) as session:
        yield session
