"""What the methods of a session do to it and to the objects that they are given.

Takes the vocabulary's row of a method; lets its effect happen and gives what it returns. How a transaction goes on is in `transactions`,
what becomes of entities in `unit_of_work`, what a query gives in `queries`.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from ormlint.facts import records as r
from ormlint.orms import registry as orms
from ormlint.orms.vocabulary import MethodRow
from ormlint.semantics import conflicts, queries
from ormlint.semantics.arguments import first_value
from ormlint.semantics.attributes import deleted
from ormlint.semantics.concurrency import coroutine_of
from ormlint.semantics.crossing import brought
from ormlint.semantics.events import FRESH, Overwritten
from ormlint.semantics.frame import Frame
from ormlint.semantics.kinds import kind_of_value
from ormlint.semantics.loading import flat
from ormlint.semantics.sql_statements import execution_options, of_list, statement_in_words, written
from ormlint.semantics.unfetched import expire
from ormlint.semantics.unit_of_work import (
    attach,
    delete_one,
    detach_one,
    expire_one,
    lock,
    merged,
    operate,
    overwrite,
    refresh_one,
    renew_one,
)
from ormlint.semantics.values import (
    NONE,
    UNKNOWN,
    Actual,
    ClassRef,
    Coll,
    Const,
    Entity,
    Factory,
    LibInstance,
    Manager,
    Plain,
    Query,
    Result,
    Session,
    Value,
    join,
    options_of,
)


def session_method(frame: Frame, session: Session, name: str, actuals: Sequence[Actual], node: r.Node) -> Value:
    row = orms.METHODS.get((kind_of_value(session), name))
    if row is None:
        return UNKNOWN
    value = _session_effect(frame, session, name, row, actuals, node)
    if name in ("begin", "begin_nested"):
        return value
    if row.awaitable:
        return coroutine_of(frame, session, name, value, node)
    return value


def _session_effect(frame: Frame, session: Session, name: str, row: MethodRow, actuals: Sequence[Actual], node: r.Node) -> Value:
    effect, returns = row.effect, row.returns
    first = first_value(actuals)
    if returns == "query_of_arguments":
        return queries.start(frame, "query", actuals, node, session)
    if effect in ("execute", "stream"):
        statement = first
        if isinstance(statement, Query) and queries.fetches_in_parts(statement, execution_options(node)):
            statement = msgspec.structs.replace(statement, batched=True)
        what = queries.effect_of(statement)
        note = ""
        sent: Query | None = None
        for item in options_of(statement):
            if isinstance(item, Query):
                sent = queries.keyed(frame, item, node.args[1:]) if isinstance(node, r.Call) else item
                sent = of_list(frame, sent, node)
                note = statement_in_words(frame, item, what)
        operate(frame, session, what if effect == "execute" else "stream", node, note=note, attr=name, query=sent)
        if isinstance(statement, Const):
            statement = written(frame, statement, node)
        if returns == "elements_of_statement" and isinstance(statement, Query):
            queries.sent(frame, statement, session, node)
        if any(a.keyword == "execution_options" for a in actuals) and isinstance(statement, Query):
            given = next(a.value for a in actuals if a.keyword == "execution_options")
            statement = queries.with_options(statement, given)
        if returns == "elements_of_statement":
            query = statement if isinstance(statement, Query) else None
            shape = "scalars" if query is not None and len(query.columns) == 1 else "rows"
            return Result(shape, query or Query("select", (), frame.site(node), session, exact=False), session, site=frame.site(node))
        return queries.executed(frame, statement, session, row, node, session.is_async)
    if effect == "get":
        return queries.got(frame, actuals, session, row, node)
    if effect == "begin":
        operate(frame, session, "begin", node)
        return Manager("begin", LibInstance("session_transaction"), session)
    if effect == "begin_nested":
        operate(frame, session, "begin_nested", node)
        return Manager("nested", LibInstance("session_transaction"), session)
    if effect == "no_autoflush":
        return Manager("no_autoflush", session, session)
    if effect == "run_sync":
        twin = msgspec.structs.replace(session, is_async=False)
        frame.offloaded += 1
        value = frame.call(first, (Actual(twin), *actuals[1:]), node)
        frame.offloaded -= 1
        return value
    if effect in ("add", "add_all", "delete", "delete_all", "merge", "merge_all", "refresh", "expire", "expunge"):
        return _object_effect(frame, session, name, row, actuals, node)
    if effect:
        operate(frame, session, effect, node)
    if name == "bulk_update_mappings" and isinstance(first, ClassRef):
        model = frame.world.classes.model(first.cls)
        if model is not None and model.table:
            overwrite(frame, session, Overwritten(model.table, ("*",), frame.site(node), "bulk_update_mappings"), node)
    if returns in ("session", "async_session"):
        return msgspec.structs.replace(session, is_async=returns == "async_session", scoped=False)
    if returns in ("none", ""):
        return NONE
    if returns == "bool":
        return Plain("bool")
    if returns in ("session_factory", "async_session_factory"):
        return Factory(session.is_async, session.expires, frame.site(node))
    if returns == "session_or_none":
        return join(session, NONE)
    if returns == "query_property":
        return LibInstance("query_property", (("session", session),))
    if returns in ("session_transaction", "async_session_transaction"):
        return Manager("begin", LibInstance("session_transaction"), session)
    if returns in ("connection", "async_connection"):
        return LibInstance(returns, (("session", session),))
    if returns in ("engine", "async_engine"):
        return LibInstance(returns)
    return UNKNOWN


def _object_effect(frame: Frame, session: Session, name: str, row: MethodRow, actuals: Sequence[Actual], node: r.Node) -> Value:
    first = first_value(actuals, 0, "instance")
    site = frame.site(node)
    entities = [item for value in flat(first) for item in options_of(value) if isinstance(item, Entity)]
    varies = frame.varying(node)
    if row.effect == "delete" and isinstance(node, r.Call) and node.args:
        for gone in entities[:1]:
            deleted(frame, gone, node, node.args[0].value)
    looks_up = row.effect in ("merge", "merge_all") and _merge_selects(frame, session, entities, actuals)
    chosen: list[Entity | None] = [*entities[:1]] or [None]
    for entity in chosen:
        born = tuple(loop.site for loop in frame.loops if entity is not None and loop.site in entity.born)
        note = "some attributes" if row.effect == "expire" and len(actuals) > 1 else ""
        said = "looks up" if looks_up else name
        operate(frame, session, row.effect, node, note, said, tuple(dict.fromkeys((*varies, *born))), entity=entity)
    listed = node.args[1].value if isinstance(node, r.Call) and len(node.args) > 1 else None
    written = tuple(str(item.value) for item in listed.items if isinstance(item, r.Const)) if isinstance(listed, r.Seq) else ()
    names = written or tuple(
        str(item.value)
        for value in flat(first_value(actuals, 1, "attribute_names"))
        for item in options_of(value)
        if isinstance(item, Const)
    )
    if row.effect in ("add", "add_all", "delete", "delete_all"):
        brought(frame, entities, session, node)
    for entity in entities:
        if row.effect == "refresh":
            refresh_one(frame, entity, names)
            renew_one(frame, entity)
            if any(a.keyword == "with_for_update" and a.value != NONE and a.value != Const(False, "bool") for a in actuals):
                lock(frame, session, f"rows {entity.model}", node)
        elif row.effect == "expire" and len(actuals) == 1:
            expire_one(frame, entity, site, "expire")
        elif row.effect == "expire":
            expire(frame, entity, names, site)
            renew_one(frame, entity)
        elif row.effect in ("delete", "delete_all"):
            delete_one(frame, entity)
        elif row.effect == "expunge":
            detach_one(frame, entity, site, "expunge")
        elif row.effect in ("add", "add_all"):
            if entity.origin.kind == "new" and name in ("add", "add_all"):
                conflicts.added(frame, entity, session, node)
            attach(frame, entity.origin, session)
            conflicts.unsaved(frame, entity, session)
    if row.effect == "merge" and any(a.keyword == "load" and a.value == Const(False, "bool") for a in actuals):
        for name in (frame.path, *(entity.model for entity in entities)):
            frame.world.leave("remerged", name)
    if row.returns in ("merged", "merged_list"):
        return merged(frame, first, session) if entities else UNKNOWN
    return NONE


def _merge_selects(frame: Frame, session: Session, entities: Sequence[Entity], actuals: Sequence[Actual]) -> bool:
    """Whether a merge is known to look rows up: of objects that this session does not hold, where it has not loaded their class."""
    if any(actual.keyword == "load" and actual.value == Const(False, "bool") for actual in actuals):
        return False
    strangers = {entity.model for entity in entities if _is_foreign(frame, session, entity)}
    if not strangers:
        return False
    for value in frame.state.vars.values():
        elem = value.elem if isinstance(value, Coll) else None
        for item in options_of(elem) if elem is not None else ():
            is_row = isinstance(item, Entity) and item.model in strangers and item.origin.kind == "query" and not item.path
            held = item.origin.session if isinstance(item, Entity) and is_row else None
            if held is not None and held.id == session.id:
                return False
    return True


def _is_foreign(frame: Frame, session: Session, entity: Entity) -> bool:
    """Whether an object is known not to be in a session: new, detached, or another session's."""
    origin = entity.origin
    if origin.session is not None and origin.session.id != session.id and "param" not in (origin.session.id.kind, session.id.kind):
        return True
    live = frame.state.live.get(origin, FRESH)
    return live.detached is not None or (origin.kind == "new" and origin.session is None)
