"""Methods of a library's own objects: engines, connections, tables, executors, stacks, templates, schemas.

Takes the object and the evaluated arguments; gives the value by the vocabulary's rows, and lets the effects happen. What it does not know
takes what it was given out of sight.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from ormlint.facts import records as r
from ormlint.orms import registry as orms
from ormlint.orms.vocabulary import ExternalRow
from ormlint.semantics import boundary, identity, queries, serializing, templates
from ormlint.semantics.arguments import first_value
from ormlint.semantics.concurrency import THREADS, block_ends, thread_method
from ormlint.semantics.connections import AUTOCOMMIT, commits_each, connected
from ormlint.semantics.dependence import parameters_behind, unsteady
from ormlint.semantics.frame import Frame
from ormlint.semantics.library import own_effect
from ormlint.semantics.library_classes import cloud_client
from ormlint.semantics.offloading import offloaded, started
from ormlint.semantics.queries import flask_session
from ormlint.semantics.sql_statements import about_table, core_statement, existence, written
from ormlint.semantics.transactions import call_out
from ormlint.semantics.unit_of_work import escape, operate
from ormlint.semantics.values import (
    NONE,
    UNKNOWN,
    Actual,
    Awaitable,
    Coll,
    Const,
    LibInstance,
    Manager,
    Method,
    ModelAttr,
    Plain,
    Query,
    Result,
    Session,
    Tup,
    Value,
    core_connection,
    union,
)
from ormlint.semantics.version_history import find


def instance_method(frame: Frame, receiver: LibInstance, name: str, actuals: Sequence[Actual], node: r.Node) -> Value:
    if receiver.cls == "kwargs":
        return _kwargs_method(receiver, name, actuals)
    if receiver.cls in ("template_tag", "template_macro") and name == "__call__":
        if receiver.cls == "template_macro":
            return templates.expand(frame, receiver, actuals)
        return templates.tag(frame, str(getattr(receiver.data[0][1], "value", "")), actuals, node)
    renders = orms.RENDER_METHODS.get((receiver.cls, name))
    if renders is not None:
        templates.rendered(frame, renders, receiver, actuals, node)
    if receiver.cls == "templates" and name == "get_template":
        return templates.named(first_value(actuals, 0, "name"))
    if serializing.method_of_schema(receiver, name):
        if receiver.cls == "schema_adapter":
            serializing.validated(frame, dict(receiver.data).get("type", UNKNOWN), first_value(actuals), node)
        else:
            serializing.dumped(frame, receiver, first_value(actuals, 0, "obj"), node)
        return UNKNOWN
    if receiver.cls == "attribute_getter" and name == "__call__":
        found = []
        for path, _ in receiver.data:
            current = first_value(actuals)
            for part in path.split("."):
                current = frame.attribute(current, part, node)
            found.append(current)
        return found[0] if len(found) == 1 else Tup(tuple(found))
    if receiver.cls == "version_finder" and name == "__call__":
        return find(frame, receiver, actuals, node)
    if receiver.cls == "callable" and name == "__call__":
        return dict(receiver.data).get("returns", UNKNOWN)
    if receiver.cls == "pagination":
        if name in ("items",):
            return Coll("list", dict(receiver.data).get("element", UNKNOWN))
        return receiver if name in ("prev", "next") else Plain("int")
    if receiver.cls in ("exit_stack", "async_exit_stack"):
        return _stack_method(frame, name, actuals, node)
    if receiver.cls == "subquery":
        return LibInstance("expression")
    if receiver.cls == "exists":
        if name in ("where", "filter"):
            return existence(frame, actuals, node)
        return Query("select", (dict(receiver.data).get("told", Plain()),), frame.site(node)) if name == "select" else receiver
    if frame.world.config.external_effects and own_effect(frame, node, f"{receiver.cls}.{name}"):
        return UNKNOWN
    external = orms.EXTERNAL_METHODS.get((receiver.cls, name)) or orms.EXTERNAL_METHODS.get((receiver.cls, "*"))
    if external is not None and name not in external.exempt:
        if external.category == "cache" and name in _CACHES:
            for actual in actuals:
                identity.kept(frame, node, actual.value, "a cache")
        category = _category(receiver, external)
        call_out(frame, node, category, f"{external.library}.{name}")
        if category in boundary.OUTSIDE:
            boundary.leave(frame, [actual.value for actual in actuals], node, boundary.OUTSIDE[category])
        return Awaitable(UNKNOWN) if external.awaitable else UNKNOWN
    concurrent = orms.CONCURRENCY_METHODS.get((receiver.cls, name))
    if concurrent is not None:
        return started(frame, name, concurrent, actuals, node)
    if receiver.cls in THREADS and name in ("start", "join", "run"):
        return thread_method(frame, receiver, name)
    if receiver.cls == "offloaded" and name == "__call__":
        return offloaded(frame, dict(receiver.data).get("function", UNKNOWN), actuals, node)
    if receiver.cls in ("executor", "process_executor", "thread_pool", "process_pool") and name in ("shutdown", "join"):
        block_ends(frame, receiver)
        return NONE
    row = orms.METHODS.get((receiver.cls, name))
    if row is None:
        for actual in actuals:
            escape(frame, actual.value)
        return Plain() if receiver.cls == "expression" else UNKNOWN
    if row.effect == "get" and row.returns == "entity":  # db.get_or_404
        return queries.got(frame, actuals, flask_session(frame), row, node)
    if receiver.cls == "database" and row.returns in ("element_of_statement", "page_of_statement"):
        statement = first_value(actuals)
        session = flask_session(frame)
        operate(frame, session, row.effect, node, attr=name)
        query = statement if isinstance(statement, Query) else Query("select", (), frame.site(node), session, exact=False)
        element = queries.row_of(frame, query, session, node, "scalars")
        return LibInstance("pagination", (("element", element),)) if row.returns == "page_of_statement" else element
    if receiver.cls == "inspection":
        return UNKNOWN
    value: Value = NONE
    returns = row.returns
    if returns in ("begun_connection", "begun_async_connection", "connection", "async_connection", "raw_connection"):
        value = LibInstance(returns.replace("begun_", ""))
        if receiver.cls == "engine" and not row.awaitable:
            frame.happens("connect", node, how="core", attr=name)
        if returns != "raw_connection" and receiver.cls in ("engine", "async_engine") and not frame.module_level:
            return connected(frame, receiver, returns, node)
        if row.awaitable:
            return Manager("other", value)
        return value if returns == "raw_connection" else Manager("other", value)
    core = core_connection(receiver)
    if core is not None:
        if row.effect in ("commit", "rollback", "close", "begin"):
            operate(frame, core, row.effect, node)
        elif row.effect == "execute" and returns != "result":
            core_statement(frame, core, first_value(actuals), name, node)
        if row.effect == "begin":
            begun = Manager("begin", LibInstance(row.returns), core)
            return Awaitable(begun) if row.awaitable and not row.startable else begun
    if returns == "same":
        value = LibInstance(receiver.cls, AUTOCOMMIT) if name == "execution_options" and commits_each(actuals) else receiver
    elif returns == "cloud_client":
        return cloud_client(actuals)
    elif returns in ("none", ""):
        value = NONE
    elif returns in ("select", "insert", "update", "delete"):
        held = dict(receiver.data).get("model")
        table = dict(receiver.data).get("name")
        value = Query(
            returns,
            (held,) if held is not None else (),
            frame.site(node),
            exact=held is not None,
            dml=returns if returns != "select" else "",
            table=str(table.value) if isinstance(table, Const) and returns != "select" else "",
        )
    elif returns == "result":
        statement = first_value(actuals)
        given = Query("text", (), frame.site(node), exact=False)
        if isinstance(statement, Query):  # a connection gives values, no objects
            given = msgspec.structs.replace(
                statement, columns=tuple([item if isinstance(item, ModelAttr) else Plain() for item in statement.columns])
            )
        value = Result("rows", given, core, site=frame.site(node))
        if isinstance(statement, Const):
            statement = written(frame, statement, node)
        own = dict(receiver.data).get("session")
        if isinstance(statement, Query) and isinstance(own, Session):
            queries.sent(frame, statement, own, node)
        defines = isinstance(statement, LibInstance) and statement.cls.rsplit(".", 1)[-1].startswith(_DDL)
        if core is not None and not defines:
            core_statement(frame, core, statement, name, node)
        elif receiver.cls in ("connection", "async_connection", "engine") and not defines:
            sent = about_table(frame, statement, queries.effect_of(statement), node)
            how = "core_async" if row.awaitable else "core"
            frame.happens(
                "query", node, how=how, varies=frame.varying(node), needs=parameters_behind(frame, node), unsteady=unsteady(frame, node),
                over=sent.over, about=sent.about,
            )  # fmt: skip
    elif returns in ("bool", "count"):
        value = Plain("bool" if returns == "bool" else "int")
    elif returns in ("element", "entity", "unknown", "value", "list", "iterator"):
        value = UNKNOWN
    elif returns == "decorator":
        value = LibInstance("decorator")
    elif returns == "database":
        value = LibInstance("database")
    elif returns == "argument":
        value = first_value(actuals)
    else:
        value = LibInstance(returns)
    if row.returns == "unknown" or not row.effect:
        for actual in actuals:
            escape(frame, actual.value)
    return Awaitable(value) if row.awaitable else value


def _category(receiver: LibInstance, external: ExternalRow) -> str:
    """What a call is: of a cloud's client that is known by its service."""
    service = dict(receiver.data).get("<service>") if receiver.cls == "cloud_client" else None
    return orms.CLOUD_SERVICES.get(str(service.value), external.category) if isinstance(service, Const) else external.category


_DDL = ("DDL", "Create", "Drop", "AddConstraint", "SetTableComment")
_CACHES = frozenset({"set", "setex", "add", "set_many", "mset", "hset", "put", "multi_set"})


def _kwargs_method(receiver: LibInstance, name: str, actuals: Sequence[Actual]) -> Value:
    held = dict(receiver.data)
    if name in ("get", "pop", "setdefault"):
        key = first_value(actuals)
        if isinstance(key, Const) and isinstance(key.value, str):
            if key.value in held:
                return held[key.value]
            if "*" not in held:
                return first_value(actuals, 1) if len(actuals) > 1 else NONE
        return UNKNOWN
    if name in ("items", "values", "keys"):
        value = union(tuple(held.values())) if held else UNKNOWN
        return Coll(
            "iterator",
            {"items": Tup((Plain("str"), value)), "values": value}.get(name, Plain("str")),
            None,
            len(held) if "*" not in held else None,
        )
    if name == "copy":
        return receiver
    return UNKNOWN


def _stack_method(frame: Frame, name: str, actuals: Sequence[Actual], node: r.Node) -> Value:
    """`ExitStack`: what it enters it also ends."""
    first = first_value(actuals)
    if name in ("enter_context", "enter_async_context"):
        escape(frame, first)
        value = frame.world.steps.enter(frame, first, node)
        escape(frame, value)
        return Awaitable(value) if name == "enter_async_context" else value
    if name in ("push", "callback", "push_async_exit", "push_async_callback"):
        for actual in actuals:
            escape(frame, actual.value)
            if isinstance(actual.value, Method):
                escape(frame, actual.value.receiver)
        return first
    return UNKNOWN
