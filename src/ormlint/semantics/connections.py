"""Sessions and connections on an engine: whether each statement commits by itself, and whose transaction they work in.

Takes the arguments of the calls that make them; gives the session or the connection, which is followed as a session is.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from ormlint.facts import records as r
from ormlint.semantics.frame import Frame
from ormlint.semantics.state import names_in
from ormlint.semantics.unit_of_work import escape, make
from ormlint.semantics.values import CORE, Actual, Const, Factory, LibInstance, Manager, Session, SessionId, Unknown, Value

AUTOCOMMIT: tuple[tuple[str, Value], ...] = (("autocommit", Const(True, "bool")),)


def commits_each(actuals: Sequence[Actual]) -> bool:
    """Whether what is made of these arguments commits each statement by itself: `AUTOCOMMIT`, or the `autocommit=True` of 1.x."""
    for actual in actuals:
        value = actual.value
        if isinstance(value, LibInstance) and value.data == AUTOCOMMIT and actual.keyword in (None, "bind"):
            return True
        if actual.keyword == "autocommit" and value == Const(True, "bool"):
            return True
        if actual.keyword == "isolation_level" and isinstance(value, Const) and str(value.value).upper() == "AUTOCOMMIT":
            return True
        if actual.keyword == "execution_options" and isinstance(value, LibInstance) and value.cls == "kwargs":
            return commits_each([Actual(item, name) for name, item in value.data])
    return False


def made_by(frame: Frame, factory: Factory, session: Session, actuals: Sequence[Actual], node: r.Node) -> Session:
    """The session with what the arguments of the call that made it say: who commits and ends it, and whether each statement commits."""
    if commits_each(actuals):
        session = msgspec.structs.replace(session, autocommit=True)
    if _on_connection(actuals, node):
        session = msgspec.structs.replace(session, committed_by="its connection")
        escape(frame, session)  # it checks no connection out: there is nothing that its maker must give back
    return session


def _on_connection(actuals: Sequence[Actual], node: r.Node) -> bool:
    """A session on a connection takes part in that connection's transaction, which somebody else commits."""
    for at, actual in enumerate(actuals):
        if actual.keyword not in (None, "bind", "connection"):
            continue
        if isinstance(actual.value, LibInstance) and actual.value.cls in ("connection", "async_connection"):
            return True
        if isinstance(actual.value, Unknown) and isinstance(node, r.Call) and at < len(node.args):
            return any("conn" in name.lower() for name in names_in(node.args[at].value))
    return False


def connected(frame: Frame, engine: LibInstance, returns: str, node: r.Node) -> Value:
    """`engine.connect()`, `engine.begin()`: a connection, whose transaction is followed as a session's is."""
    loops = tuple(loop.site for loop in frame.loops)
    is_async = engine.cls == "async_engine"
    session = Session(
        SessionId("made", frame.site(node), CORE), is_async, False, born=loops, autocommit=engine.data == AUTOCOMMIT, autoflush=False
    )
    value = LibInstance(returns.replace("begun_", ""), (("session", session),))
    if returns.startswith("begun_"):
        return Manager("begin_session", value, session)
    make(frame, session)
    return Manager("closing", value, session) if is_async else value
