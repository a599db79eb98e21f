"""What constructing something of a known kind gives: sessions, registries, engines, queries, containers, responses.

Takes a kind of `orms` and the evaluated arguments; gives the value, and notes for the whole project what such a construction says of it
(isolation, registries, listeners, what runs at startup). Does not know by which names a kind goes.
"""

from __future__ import annotations

from collections.abc import Sequence

from ormlint.facts import records as r
from ormlint.semantics import queries, serializing
from ormlint.semantics.arguments import first_value
from ormlint.semantics.autoflush import option_of
from ormlint.semantics.concurrency import streamed
from ormlint.semantics.connections import AUTOCOMMIT, commits_each, made_by
from ormlint.semantics.containers import as_collection
from ormlint.semantics.engines import ENGINES, built, remembers
from ormlint.semantics.frame import Frame
from ormlint.semantics.iteration import iterated
from ormlint.semantics.kinds import kind_of
from ormlint.semantics.observations import Registry
from ormlint.semantics.sql_statements import existence, written
from ormlint.semantics.symbols import flat_statements
from ormlint.semantics.unit_of_work import escape, expires_on_commit, new_session
from ormlint.semantics.values import (
    NEVER,
    NONE,
    UNKNOWN,
    Actual,
    ClassRef,
    Coll,
    Const,
    Factory,
    FuncRef,
    LibInstance,
    LibRef,
    Manager,
    Option,
    Query,
    Session,
    SessionId,
    Value,
    anew,
    options_of,
    registry_of,
)


def of_kind(frame: Frame, name: str, kind: str, actuals: Sequence[Actual], node: r.Node) -> Value:
    site = frame.site(node)
    if kind in ("session", "async_session"):
        factory = Factory(kind == "async_session", expires_on_commit(frame, actuals), site, autoflush=option_of(frame, actuals))
        return made_by(frame, factory, new_session(frame, factory, node), actuals, node)
    if kind in ("session_factory", "async_session_factory"):
        built(frame, node, "sessionmaker")
        is_async = kind == "async_session_factory"
        own = ""
        for item in options_of(first_value(actuals, 1, "class_")):
            if isinstance(item, LibRef) and kind_of(item.name) == "async_session":
                is_async = True
            if isinstance(item, ClassRef):
                own = item.cls
                info = frame.world.classes.infos.get(item.cls)
                if info is not None and any(kind_of(library) == "async_session" for library in info.libraries):
                    is_async = True
        return Factory(
            is_async,
            expires_on_commit(frame, actuals),
            site,
            autocommit=commits_each(actuals),
            autoflush=option_of(frame, actuals),
            cls=own,
        )
    if kind in ("scoped_session", "async_scoped_session"):
        inner = first_value(actuals, 0, "session_factory")
        expires = inner.expires if isinstance(inner, Factory) else frame.world.habits.of(kind.startswith("async"))
        is_async = kind.startswith("async") or (isinstance(inner, Factory) and inner.is_async)
        registry = SessionId("global", site, anew(site) if _made_for_the_caller(frame, node) else "")
        told_apart = Registry(is_async, _by_thread(first_value(actuals, 1, "scopefunc"), actuals), site)
        frame.world.leave("registries", (registry_of(registry), told_apart))
        return Session(
            registry,
            is_async,
            expires,
            True,
            (),
            "registry",
            isinstance(inner, Factory) and inner.autocommit,
            autoflush=inner.autoflush if isinstance(inner, Factory) else None,
            cls=inner.cls if isinstance(inner, Factory) else "",
        )
    if kind in ("select", "query", "insert", "update", "delete", "compound_select"):
        if kind == "compound_select":
            for actual in actuals:
                if isinstance(actual.value, Query):
                    return actual.value
        if kind == "query":
            session = first_value(actuals, 1, "session")
            return queries.start(frame, "query", actuals[:1], node, session if isinstance(session, Session) else None)
        return queries.start(frame, kind, actuals, node)
    if kind == "event_listener":
        called, hook = first_value(actuals, 1, "identifier"), first_value(actuals, 2, "fn")
        if isinstance(hook, FuncRef) and isinstance(called, Const):
            frame.world.leave("listeners", (hook.func, str(called.value)))
        return UNKNOWN
    if kind == "text":
        return queries.about(frame, node, written(frame, first_value(actuals, 0, "text"), node))
    if kind == "table":
        name_of = first_value(actuals, 0, "name")
        return (
            LibInstance("table", (("name", name_of),))
            if isinstance(name_of, Const) and isinstance(name_of.value, str)
            else LibInstance("table")
        )
    if kind == "exists":
        return existence(frame, actuals, node)
    if kind in ("engine", "async_engine"):
        level = next((actual.value for actual in actuals if actual.keyword == "isolation_level"), UNKNOWN)
        if isinstance(level, Const) and str(level.value).upper() in ("SERIALIZABLE", "REPEATABLE READ"):
            frame.world.raise_flag("serializable")
    if kind == "dependency":
        scopes = tuple(("scope", actual.value) for actual in actuals if actual.keyword == "scope")
        return LibInstance("dependency", (("function", first_value(actuals, 0, "dependency")), *scopes))
    if kind in ("list", "set", "tuple", "dict"):
        if actuals and kind != "dict":
            return as_collection(iterated(frame, first_value(actuals), node), kind)
        if kind == "dict" and not (actuals and name.startswith("builtins")):
            return Coll("dict", UNKNOWN if not name.endswith("defaultdict") else _factory_value(frame, actuals, node), UNKNOWN)
        return Coll(kind, NEVER, None, 0)
    if kind in ("closing", "async_closing"):
        value = first_value(actuals)
        return Manager("closing", value, next((item for item in options_of(value) if isinstance(item, Session)), None))
    if kind == "null_context":
        return Manager("other", first_value(actuals) if actuals else NONE)
    if kind == "plain_context":
        return Manager("suppress" if name.endswith("suppress") else "other", NONE)
    if kind == "loader_option":
        return Option(
            (),
            model=next((v.cls for v in (first_value(actuals),) if isinstance(v, ClassRef)), ""),
            exact=name.endswith("Load") or "criteria" in name,
        )
    if kind in ENGINES:
        built(frame, node, "engine")
        return LibInstance(kind, AUTOCOMMIT if commits_each(actuals) else ())
    if kind == "streaming_response":
        streamed(frame, first_value(actuals, 0, "content"), node)
    if kind == "schema_adapter":
        return serializing.adapter(frame, first_value(actuals, 0, "type"), node)
    if kind == "response" or kind == "streaming_response":
        return LibInstance(name)
    if kind == "cloud_client":
        return cloud_client(actuals)
    if kind == "web_app":
        for actual in actuals:
            if actual.keyword == "lifespan" and isinstance(actual.value, FuncRef):
                frame.world.leave("startups", actual.value.func)
    for actual in actuals:
        escape(frame, actual.value)
    return LibInstance(kind)


def cloud_client(actuals: Sequence[Actual]) -> LibInstance:
    """`boto3.client("sqs")`: a client that knows its service."""
    service = first_value(actuals, 0, "service_name")
    return LibInstance("cloud_client", (("<service>", service),) if isinstance(service, Const) else ())


_BY_THREAD = frozenset({"threading.get_ident", "threading.current_thread", "threading.get_native_id", "_thread.get_ident"})


def _made_for_the_caller(frame: Frame, node: r.Node) -> bool:
    """Whether each call of a function makes a registry anew: it is returned, or in a name of the function's own."""
    if frame.function is None or remembers(frame.world.symbols, frame.function):
        return False
    for stmt in flat_statements(frame.function.node.body):
        if isinstance(stmt, r.Return) and stmt.value == node:
            return True
        if isinstance(stmt, r.Assign) and stmt.value == node:
            return all(isinstance(target, r.Name) and target.id not in frame.globals for target in stmt.targets)
    return False


def _by_thread(scope: Value, actuals: Sequence[Actual]) -> bool | None:
    """Whether a registry with this scope function gives one session to each thread; None where that is not known."""
    if len(actuals) < 2 and not any(actual.keyword == "scopefunc" for actual in actuals):
        return None if any(actual.star for actual in actuals) else True
    if scope == NONE:
        return True
    if isinstance(scope, LibRef):
        return scope.name in _BY_THREAD
    return None


def _factory_value(frame: Frame, actuals: Sequence[Actual], node: r.Node) -> Value:
    target = first_value(actuals)
    if isinstance(target, LibRef):
        return frame.call(target, (), node)
    return UNKNOWN
