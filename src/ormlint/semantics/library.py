"""What calls into libraries mean: functions and classes by dotted name, methods by the kind of their receiver.

All knowledge is in `orms`; this module turns its words into values and effects. A name that no row knows gives an opaque
`LibInstance` (a class) or Unknown (a function), and whatever sessions it was handed may have been ended there.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from ormlint.facts import records as r
from ormlint.orms import registry as orms
from ormlint.orms.vocabulary import ConcurrencyRow, MethodRow
from ormlint.semantics import boundary, conflicts, identity, queries, raw_sql, serializing, templates
from ormlint.semantics.attributes import deleted
from ormlint.semantics.autoflush import option_of
from ormlint.semantics.concurrency import (
    THREADS,
    block_ends,
    captured_sessions,
    coroutine_of,
    coroutines,
    direct_sessions,
    start,
    streamed,
    thread_method,
    threaded,
    waited_for,
)
from ormlint.semantics.containers import as_collection, element_of, grown, method_of
from ormlint.semantics.crossing import brought, linked
from ormlint.semantics.dependence import parameters_behind, unsteady
from ormlint.semantics.engines import ENGINES, built, remembers
from ormlint.semantics.events import FRESH, Event, Overwritten, Work
from ormlint.semantics.frame import Frame
from ormlint.semantics.kinds import kind_of, kind_of_value
from ormlint.semantics.loading import bind, flat, gathered, make_option
from ormlint.semantics.observations import Registry
from ormlint.semantics.queries import flask_session
from ormlint.semantics.reflection import listed, read_each
from ormlint.semantics.scope import exhausted, uses_of
from ormlint.semantics.state import contains, names_in
from ormlint.semantics.symbols import flat_statements
from ormlint.semantics.transactions import at_rest, call_out, recovered
from ormlint.semantics.unfetched import expire, touched
from ormlint.semantics.unit_of_work import (
    attach,
    delete_one,
    detach_one,
    escape,
    expire_one,
    expires_on_commit,
    give_away,
    lock,
    loosen,
    make,
    make_transient,
    mark_loaded,
    merged,
    new_session,
    operate,
    overwrite,
    refresh_one,
    renew_one,
    sessions_in,
)
from ormlint.semantics.values import (
    CORE,
    NEVER,
    NONE,
    UNKNOWN,
    Actual,
    Awaitable,
    ClassRef,
    Coll,
    Const,
    Entity,
    Factory,
    FuncRef,
    Instance,
    LibInstance,
    LibRef,
    Manager,
    Method,
    ModelAttr,
    NameOf,
    Option,
    Partial,
    Plain,
    Query,
    Result,
    Seen,
    Session,
    SessionId,
    Super,
    Tup,
    TypeVarRef,
    UnionOf,
    Unknown,
    Value,
    anew,
    core_connection,
    join,
    options_of,
    registry_of,
    seen_in,
    union,
)
from ormlint.semantics.variance import varies_with
from ormlint.semantics.version_history import find, related_class


def first_value(actuals: Sequence[Actual], position: int = 0, keyword: str = "") -> Value:
    """The argument at a position, or under a keyword."""
    positional = [actual for actual in actuals if actual.keyword is None]
    if position < len(positional) and not any(actual.star for actual in positional[: position + 1]):
        return positional[position].value
    if keyword:
        for actual in actuals:
            if actual.keyword == keyword:
                return actual.value
    return UNKNOWN


def own_effect(frame: Frame, node: r.Node, name: str) -> bool:
    """Lets the external effect happen that the project's configuration gives to a name, or to the class that it is a method of."""
    effects = frame.world.config.external_effects
    for part in (name, name.rpartition(".")[0]):
        if part in effects:
            call_out(frame, node, effects[part], name)
            return True
    return False


def call_library(frame: Frame, name: str, actuals: Sequence[Actual], node: r.Node) -> Value:
    """Calling a library's function or class by its dotted name."""
    if name in orms.LOADERS:
        return make_option(frame, name, actuals, None, node)
    concurrent = orms.CONCURRENCY.get(name)
    if concurrent is not None:
        return _concurrent(frame, name, concurrent, actuals, node)
    kind = kind_of(name)
    if kind:
        return _of_kind(frame, name, kind, actuals, node)
    words = boundary.leaves_by(name)
    if words and actuals:
        boundary.leave(frame, (actuals[0].value,), node, words)
    if name.startswith(_SQL_FUNCTIONS):
        return _sql_function(name.rsplit(".", 1)[-1], actuals)
    renders = orms.RENDERS.get(name)
    if renders is not None:
        templates.rendered(frame, renders, None, actuals, node)
    reader = orms.SERIALIZERS.get(name)
    if reader is not None and reader.through == "schema":
        serializing.validated(
            frame, dict(serializing.adapter(frame, first_value(actuals), node).data)["type"], first_value(actuals, 1), node
        )
    elif reader is not None and reader.through == "attributes":
        value = first_value(actuals)
        serializing.called(frame, node, name.rsplit(".", 1)[-1], lambda: serializing.taken_whole(frame, value, node))
    function = orms.FUNCTIONS.get(name)
    if function is not None and function.returns == "never":
        if not frame.dead:
            frame.ends.append(("raise", frame.site(node), frame.state))
            frame.dead = True
        return NEVER
    if function is not None and function.effect == "query":
        _queried(frame, name, first_value(actuals), node)
    if function is not None:
        if function.returns == "expression" and name.endswith(".and_"):
            parts = [actual.value for actual in actuals if isinstance(actual.value, LibInstance)]
            return LibInstance("expression", tuple(pair for part in parts for pair in part.data if pair[0] == "equals"))
        value = _by_word(frame, name, function.returns, actuals, node)
        if function.effect == "detach":
            for actual in actuals:
                for item in (part for held in flat(actual.value) for part in options_of(held)):
                    if isinstance(item, Entity):
                        make_transient(frame, item, frame.site(node))
        return Awaitable(value) if function.awaitable else value
    if frame.world.config.external_effects and name in frame.world.config.external_effects:
        own_effect(frame, node, name)
    external = orms.EXTERNAL.get(name)
    if external is not None:
        call_out(frame, node, external.category, name)
        value = LibInstance(name)
        return Awaitable(value) if external.awaitable else value
    for actual in actuals:
        give_away(frame, actual.value)
    short = name.rsplit(".", 1)[-1]
    if name in ("typing.TypeVar", "typing_extensions.TypeVar"):
        label = first_value(actuals)
        return TypeVarRef(
            str(label.value) if isinstance(label, Const) else "T", next((a.value for a in actuals if a.keyword == "bound"), None)
        )
    if name in _KEEPING and seen_in(first_value(actuals)):
        return Plain(short, seen_in(first_value(actuals)))
    if short[:1].isupper():
        return LibInstance(name)
    return Unknown(f"{name} is a library's")


_SQL_FUNCTIONS = ("sqlalchemy.func.", "sqlalchemy.sql.func.", "sqlalchemy.sql.expression.func.", "sqlmodel.func.")


def _queried(frame: Frame, name: str, given: Value, node: r.Node) -> None:
    """A library's function that queries by the session of the object that it is given."""
    short = name.rsplit(".", 1)[-1]
    for item in options_of(given):
        if isinstance(item, Entity):
            operate(frame, item.origin.session, "query", node, note="SELECT", attr=short, varies=varies_with(frame, item, node))


def _sql_function(name: str, actuals: Sequence[Actual]) -> LibInstance:
    """`func.lower(User.email)`, `func.count()`, `func.pg_advisory_xact_lock(n)`."""
    if name == "count":
        return LibInstance("expression", (("count", NONE),))
    if "lock" in name.lower():
        return LibInstance("expression", (("lock", NONE),))
    first = next((actual.value for actual in actuals if isinstance(actual.value, ModelAttr)), None)
    return LibInstance("expression", (("attribute", first),)) if first is not None else LibInstance("expression")


def _concurrent(frame: Frame, name: str, row: ConcurrencyRow, actuals: Sequence[Actual], node: r.Node) -> Value:
    """A call that makes work run beside its caller, or after it."""
    if not row.work.startswith("callable"):
        return coroutines(frame, row, name.rsplit(".", 1)[-1], actuals, node)
    target = first_value(actuals, row.position or 0, row.keyword or "func")
    if not row.arguments:
        return LibInstance("offloaded", (("function", target),))
    if row.arguments == "elements":
        return _for_elements(frame, name, row, target, actuals, node)
    given = _arguments(frame, row, actuals)
    if row.runs_in == "process":
        boundary.leave(frame, [actual.value for actual in actuals], node, "a process")
    if row.runs_in == "after_response":
        # It does what it does when the function has long ended.
        before = frame.state.copy()
        order = dict(frame.order)
        at_rest(frame)
        work = _work(frame, target, given, node, row.runs_in)
        frame.state, frame.order, frame.dead = before, order, False
    else:
        work = _work(frame, target, given, node, row.runs_in)
    if name in orms.CLASSES and row.keyword:
        return threaded(frame, row, work, node)
    if row.waits and not row.receiver:
        return Awaitable(work.value, frame.site(node), work.uses, work.holds, tuple(loop.site for loop in frame.loops))
    start(frame, frame.site(node), work, row.runs_in, bool(row.receiver) and row.receiver != "event_loop")
    return NONE if row.runs_in == "after_response" else Awaitable(work.value, frame.site(node), work.uses, work.holds, (), True)


def _arguments(frame: Frame, row: ConcurrencyRow, actuals: Sequence[Actual]) -> tuple[Actual, ...]:
    """What the work itself is called with."""
    positional = [actual for actual in actuals if actual.keyword is None]
    if row.arguments == "rest":
        return (
            *positional[(row.position or 0) + 1 :],
            *(actual for actual in actuals if actual.keyword not in (None, row.keyword or "func")),
        )
    after = 1 if row.keyword else (row.position or 0) + 1
    args = next(
        (a.value for a in actuals if a.keyword == "args"), positional[after].value if len(positional) > after and not row.keyword else NONE
    )
    keywords = next((actual.value for actual in actuals if actual.keyword in ("kwargs", "kwds")), NONE)
    given = [Actual(item) for item in args.items] if isinstance(args, Tup) else []
    if isinstance(args, Coll):
        given.append(Actual(args, None, 1))
    if isinstance(keywords, LibInstance) and keywords.cls == "kwargs":
        given.extend(Actual(value, keyword) for keyword, value in keywords.data if keyword != "*")
    return tuple(given)


def _work(frame: Frame, target: Value, given: Sequence[Actual], node: r.Node, runs_in: str) -> Work:
    """Runs a callable as work of its own; says what it gives and what it has in its hands."""
    captured: list[Event] = []
    frame.captures.append(captured)
    frame.offloaded += 1
    known = isinstance(target, (FuncRef, Partial, Method, Instance))
    value = frame.call(target, given, node) if known else UNKNOWN
    frame.offloaded -= 1
    frame.captures.pop()
    frame.dead = False
    if runs_in in ("thread", "process"):
        for event in captured:  # what a thread does is its own, however many are started
            for events_of in (frame.state.events, frame.order):
                if event in events_of and not event.own:
                    del events_of[event]
                    events_of[msgspec.structs.replace(event, own=True)] = None
    if isinstance(value, Awaitable):  # a coroutine function, which the task runs
        value = value.value
    held = [item for actual in given for item in flat(actual.value)]
    uses = {session.id: session for session in captured_sessions(frame, captured)}
    if not known or runs_in == "process":
        uses.update((session.id, session) for session in direct_sessions(held))
    entities = [item for part in held for item in options_of(part) if isinstance(item, Entity)]
    holds = {item.origin.session.id: item.origin.session for item in entities if item.origin.session is not None}
    return Work(value, tuple(uses.values()), tuple(holds.values()))


def _for_elements(frame: Frame, name: str, row: ConcurrencyRow, target: Value, actuals: Sequence[Actual], node: r.Node) -> Value:
    """`pool.map(f, rows)`: many at once, each with its own element and all with what the function holds."""
    if row.runs_in == "process":
        boundary.leave(frame, [actual.value for actual in actuals], node, "a process")
    captured: list[Event] = []
    frame.captures.append(captured)
    frame.offloaded += 1
    positional = [actual.value for actual in actuals if actual.keyword is None][(row.position or 0) + 1 :]
    columns = [element_of(iterated(frame, value, node)) for value in positional]
    element = columns[0] if len(columns) == 1 else Tup(tuple(columns))
    spread = len(columns) > 1 or "starmap" in name
    value = frame.world.steps.per_element(frame, target, element, node, spread) if columns else UNKNOWN
    frame.offloaded -= 1
    frame.captures.pop()
    site = frame.site(node)
    many = [session for session in captured_sessions(frame, captured) if site not in session.born]
    for session in many:
        frame.note("shared", Event("share", site, session=session, how=row.runs_in))
    return Coll("iterator", value.value if isinstance(value, Awaitable) else value)


def _offloaded(frame: Frame, target: Value, actuals: Sequence[Actual], node: r.Node) -> Value:
    """Calling what `sync_to_async` gave."""
    work = _work(frame, target, actuals, node, "thread")
    return Awaitable(work.value, frame.site(node), work.uses, work.holds, tuple(loop.site for loop in frame.loops))


def _of_kind(frame: Frame, name: str, kind: str, actuals: Sequence[Actual], node: r.Node) -> Value:
    site = frame.site(node)
    if kind in ("session", "async_session"):
        factory = Factory(kind == "async_session", expires_on_commit(frame, actuals), site, autoflush=option_of(frame, actuals))
        return made_by(frame, factory, new_session(frame, factory, node), actuals, node)
    if kind in ("session_factory", "async_session_factory"):
        built(frame, node, "sessionmaker")
        is_async = kind == "async_session_factory"
        cls = first_value(actuals, 1, "class_")
        for item in options_of(cls):
            if isinstance(item, LibRef) and kind_of(item.name) == "async_session":
                is_async = True
            if isinstance(item, ClassRef):
                info = frame.world.classes.infos.get(item.cls)
                if info is not None and any(kind_of(library) == "async_session" for library in info.libraries):
                    is_async = True
        return Factory(
            is_async, expires_on_commit(frame, actuals), site, autocommit=commits_each(actuals), autoflush=option_of(frame, actuals)
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
        return _existence(frame, actuals, node)
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
        return Manager("closing", value, value if isinstance(value, Session) else None)
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
        return LibInstance(kind, _AUTOCOMMIT if commits_each(actuals) else ())
    if kind == "streaming_response":
        streamed(frame, first_value(actuals, 0, "content"), node)
    if kind == "schema_adapter":
        return serializing.adapter(frame, first_value(actuals, 0, "type"), node)
    if kind == "response" or kind == "streaming_response":
        return LibInstance(name)
    if kind == "web_app":
        for actual in actuals:
            if actual.keyword == "lifespan" and isinstance(actual.value, FuncRef):
                frame.world.leave("startups", actual.value.func)
    for actual in actuals:
        escape(frame, actual.value)
    return LibInstance(kind)


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


def written(frame: Frame, sql: Value, node: r.Node) -> Query:
    """A statement that is written as text: what it changes and locks, where that can be read."""
    text = sql.value if isinstance(sql, Const) and isinstance(sql.value, str) else ""
    query = Query("text", (), frame.site(node), exact=False)
    if not text:
        return query
    changed = raw_sql.updated(text)
    table, sets = changed if changed is not None else ("", ())
    return msgspec.structs.replace(query, table=table, sets=sets, locked=raw_sql.locks(text))


def _of_list(frame: Frame, statement: Query, node: r.Node) -> Query:
    """`[session.execute(statement) for statement in statements]`: each turn sends another statement, which was made before the loop."""
    root = node.args[0].value if frame.loops and isinstance(node, r.Call) and node.args else None
    while isinstance(root, (r.Call, r.Attr)):
        root = root.func if isinstance(root, r.Call) else root.value
    if not isinstance(root, r.Name):
        return statement
    others = tuple(loop.site for loop in frame.loops if root.id in loop.varying and not contains(loop.site, statement.site))
    return msgspec.structs.replace(statement, over=(*statement.over, *others)) if others else statement


def _put_together(frame: Frame, node: r.Node) -> Query | None:
    """`connection.execute(f"CREATE EXTENSION {name}")`: what the text names says what the statement is about."""
    written = node.args[0].value if isinstance(node, r.Call) and node.args else None
    statement = Query("text", (), frame.site(node), exact=False)
    if isinstance(written, r.FString):
        return queries.about(frame, node, statement, first=1)
    if isinstance(written, r.Call) and isinstance(written.func, r.Attr) and written.func.attr in _OF_TABLE and not written.args:
        # `table.delete()` of a table that is another one in each turn
        about = frozenset(parameters_behind(frame, written.func.value) or ())
        return msgspec.structs.replace(statement, over=frame.varying(written.func.value), about=about)
    return None


_OF_TABLE = frozenset({"delete", "insert", "update", "select"})


def _existence(frame: Frame, actuals: Sequence[Actual], node: r.Node) -> Value:
    """`exists().where(User.email == email)`, `exists(select(User).where(…))`: true where the row is there."""
    query = next((value for actual in actuals for value in options_of(actual.value) if isinstance(value, Query)), None)
    keys = query.keys if query is not None else queries.equal_to(Query("select", (), frame.site(node)), actuals)
    told = queries.row_there(frame, Query("select", (), frame.site(node), keys=keys), node)
    return LibInstance("exists", (("told", Plain("bool", told)),))


def _factory_value(frame: Frame, actuals: Sequence[Actual], node: r.Node) -> Value:
    target = first_value(actuals)
    if isinstance(target, LibRef):
        return call_library(frame, target.name, (), node)
    return UNKNOWN


_AUTOCOMMIT: tuple[tuple[str, Value], ...] = (("autocommit", Const(True, "bool")),)


def commits_each(actuals: Sequence[Actual]) -> bool:
    """Whether what is made of these arguments commits each statement by itself: `AUTOCOMMIT`, or the `autocommit=True` of 1.x."""
    for actual in actuals:
        value = actual.value
        if isinstance(value, LibInstance) and value.data == _AUTOCOMMIT and actual.keyword in (None, "bind"):
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


def iterated(frame: Frame, value: Value, node: r.Node) -> Value:
    """The value as a plain collection; consuming a query or result runs it."""
    if isinstance(value, (Query, Result)):
        element = queries.iterate(frame, value, node)
        query = value.query if isinstance(value, Result) else value
        return queries.open_cursor(Coll("iterator", element if element is not None else UNKNOWN, None, queries.single(query)), value)
    if type(value) is UnionOf:
        return union(tuple(iterated(frame, item, node) for item in value.items if item != NONE))
    if type(value) is Coll:
        if value.lazy:
            exhausted(frame, value, node)
        return value
    if type(value) is LibInstance and value.cls == "pagination":
        return Coll("iterator", dict(value.data).get("element", UNKNOWN))
    if type(value) is ClassRef:
        info = frame.world.classes.infos.get(value.cls)
        if info is not None and any(library.startswith("enum.") for library in info.libraries):
            return Coll("list", Plain(info.name), None, max(1, len(info.attrs)))
    if isinstance(value, (Instance, Entity)):
        cls = value.cls if isinstance(value, Instance) else value.model
        member = frame.world.classes.member(cls, "__iter__") or frame.world.classes.member(cls, "__aiter__")
        if member is not None:
            iterator = frame.call(FuncRef(member[1][0], value), (), node)
            if not isinstance(iterator, (Instance, Entity, UnionOf)):
                return iterated(frame, iterator, node)
            following = frame.world.classes.member(cls, "__next__") or frame.world.classes.member(cls, "__anext__")
            if following is not None:
                element = frame.call(FuncRef(following[1][0], value), (), node)
                return Coll("iterator", element.value if type(element) is Awaitable else element)
            return UNKNOWN
    if type(value) is Instance:
        info = frame.world.classes.infos[value.cls]
        if any(library.endswith(".NamedTuple") for library in info.libraries):
            held = dict(value.fields)
            return Tup(tuple(held.get(name, UNKNOWN) for name in info.annotations))
    return value


def _by_word(frame: Frame, name: str, word: str, actuals: Sequence[Actual], node: r.Node) -> Value:
    """What a function returns, by the vocabulary's word for it."""
    first = first_value(actuals)
    second = first_value(actuals, 1)
    if word in (
        "list_of_first",
        "list_of_second",
        "set_of_first",
        "tuple_of_first",
        "iterator_of_first",
        "iterator_of_second",
        "iterator_of_sequence",
    ):
        source = second if word.endswith("second") else first
        collection = iterated(frame, source, node)
        _callbacks(frame, name, actuals, collection, node)
        kind = {"list": "list", "set_o": "set", "tuple": "tuple"}.get(word[:5].rstrip("_"), "iterator")
        if word.startswith("list"):
            kind = "list"
        if word.startswith("tuple") and isinstance(collection, Tup):
            return collection
        found = as_collection(collection, kind)
        return _lazy_as(found, collection) if kind == "iterator" else found
    if word == "dict_of_first":
        return _dict_of(frame, actuals, node)
    if word in ("element_of_first",):
        if len(actuals) > 1 and name in ("builtins.min", "builtins.max") and actuals[1].keyword is None:
            return union(tuple(actual.value for actual in actuals if actual.keyword is None))
        collection = iterated(frame, first, node)
        _callbacks(frame, name, actuals, collection, node)
        found = element_of(collection)
        defaults = (
            [actual.value for actual in actuals[1:] if actual.keyword in (None, "default")]
            if name.endswith(("next", "first", "max", "min"))
            else []
        )
        return join(found, defaults[0]) if defaults and not isinstance(found, Unknown) else found
    if word == "enumerated":
        collection = iterated(frame, first, node)
        return _lazy_as(
            Coll("iterator", Tup((Plain("int"), element_of(collection))), None, _size(collection), _batches(collection)), collection
        )
    if word == "zipped":
        parts = [iterated(frame, actual.value, node) for actual in actuals if actual.keyword is None]
        size = next((s for s in map(_size, parts) if s is not None), None)
        return _lazy_as(Coll("iterator", Tup(tuple(element_of(part) for part in parts)), None, size), *parts)
    if word == "mapped":
        collection = iterated(frame, second, node)
        before = set(frame.state.events)
        elem = _mapped(frame, first, collection, node, name.endswith("starmap"))
        return Coll("iterator", elem, lazy=uses_of([event for event in frame.state.events if event not in before]))
    if word in ("chained", "flattened"):
        if word == "flattened":
            outer = element_of(iterated(frame, first, node))
            return Coll("iterator", element_of(iterated(frame, outer, node)))
        return Coll("iterator", union(tuple(element_of(iterated(frame, actual.value, node)) for actual in actuals)) if actuals else UNKNOWN)
    if word in ("batches_of_first", "batches_of_second"):
        source = iterated(frame, second if word.endswith("second") else first, node)
        return _lazy_as(Coll("iterator", Coll("list", element_of(source)), None, None, True), source)
    if word == "grouped":
        collection = iterated(frame, first, node)
        _callbacks(frame, name, actuals, collection, node)
        return Coll("iterator", Tup((UNKNOWN, Coll("iterator", element_of(collection)))))
    if word == "tuples_of_first":
        elem = element_of(iterated(frame, first, node))
        return Coll("iterator", Tup((elem, elem)))
    if word == "repeated":
        return Coll("iterator", first)
    if word == "numbers":
        count = (
            first.value
            if isinstance(first, Const) and len(actuals) == 1 and name.endswith("range") and isinstance(first.value, int)
            else None
        )
        return Coll("iterator", Plain("int"), None, count, len(actuals) == 3)
    if word == "count":
        if name == "builtins.len":
            iterated(frame, first, node) if isinstance(first, Query) else None
        return Plain("int", tuple(Seen(told.entity, "", "count") for told in conflicts.presence(first)))
    if word in ("bool", "value"):
        if name in ("builtins.sum", "builtins.any", "builtins.all"):
            iterated(frame, first, node)
        if name in ("builtins.str", "builtins.repr", "builtins.format"):
            _text_of(frame, first, "__str__" if name != "builtins.repr" else "__repr__", node)
        if name == "builtins.isinstance":
            return Plain("bool")
        if name == "builtins.bool":
            return Plain("bool", conflicts.presence(first))
        if name in _KEEPING and seen_in(first):
            return Plain(name.rsplit(".", 1)[-1], seen_in(first))
        return Plain(
            name.rsplit(".", 1)[-1]
            if name in ("builtins.str", "builtins.int", "builtins.float", "builtins.bool")
            else "bool"
            if word == "bool"
            else ""
        )
    if name == "builtins.setattr":
        _set_by_name(frame, first, second, node)
        return NONE
    if word == "none":
        for actual in actuals:
            _text_of(frame, actual.value, "__str__", node)
        return NONE
    if word == "attribute":
        # The name may change with a loop; only the object decides whether another row is read.
        read_of = node.args[0].value if isinstance(node, r.Call) and isinstance(node.func, r.Name) and node.args else node
        if isinstance(second, NameOf):
            return read_each(frame, first, second, read_of)
        if isinstance(second, Const) and isinstance(second.value, str):
            found = frame.attribute(first, second.value, read_of)
            third = first_value(actuals, 2)
            return join(found, third) if len(actuals) > 2 and not isinstance(found, (Unknown, Const)) else found
        return UNKNOWN
    if word == "class_of_first":
        if isinstance(first, Entity):
            return ClassRef(first.model)
        return ClassRef(first.cls) if isinstance(first, Instance) else UNKNOWN
    if word.endswith("_class_of_first"):
        return related_class(frame, first, word)
    if word == "super":
        return _super(frame)
    if name == "sqlalchemy.orm.with_polymorphic" and isinstance(first, ClassRef):
        return ClassRef(first.cls, (Plain("polymorphic"),))
    if word in ("argument", "class_of_argument"):
        return first
    if word == "argument_as_type":
        return second if not isinstance(second, Unknown) else UNKNOWN
    if word == "partial":
        return Partial(
            first, tuple(a.value for a in actuals[1:] if a.keyword is None), tuple((a.keyword, a.value) for a in actuals if a.keyword)
        )
    if word == "attribute_getter":
        return LibInstance("attribute_getter", tuple((str(a.value.value), NONE) for a in actuals if isinstance(a.value, Const)))
    if word in ("session_or_none", "async_session_or_none"):
        if isinstance(first, Entity) and first.origin.session is not None:
            return join(first.origin.session, NONE)
        if isinstance(first, Entity) and first.origin.kind == "new":
            return NONE
        is_async = word.startswith("async")
        return Session(SessionId("param", frame.site(node), "object_session"), is_async, None, ended_by="caller")
    if word == "expression":
        return LibInstance("expression")
    if word == "names":
        return listed(frame, first)
    if word == "inspection":
        return LibInstance("inspection", (("of", first),))
    if word == "field":
        for actual in actuals:
            if actual.keyword == "default":
                return actual.value
            if actual.keyword == "default_factory":
                return frame.call(actual.value, (), node)
        return UNKNOWN
    if word in ("set_of_argument", "callable", "decorator"):
        return UNKNOWN
    for actual in actuals:
        escape(frame, actual.value)
    if word in orms.KINDS if hasattr(orms, "KINDS") else False:
        return LibInstance(word)
    return UNKNOWN


def _set_by_name(frame: Frame, owner: Value, name: Value, node: r.Node) -> None:
    """`setattr(order, name, …)`: the attribute that is named is known from then on; of a new object any may be, where none is."""
    for item in options_of(owner):
        if isinstance(item, Entity) and isinstance(name, Const) and isinstance(name.value, str):
            mark_loaded(frame, item.origin, ".".join((*item.path, name.value)), asked=True)
            touched(frame, item, frame.world.classes.mapped_attribute(item.model, name.value), frame.site(node))
        else:
            loosen(frame, item)
            if isinstance(item, Entity):
                touched(frame, item, None, frame.site(node))


_KEEPING = frozenset({"builtins.int", "builtins.float", "builtins.round", "builtins.abs", "decimal.Decimal"})
"""What gives the number that it was given."""


def _text_of(frame: Frame, value: Value, method: str, node: r.Node) -> None:
    """`str(entity)` runs the entity's own `__str__` or `__repr__`."""
    for item in options_of(value):
        if isinstance(item, Entity):
            member = frame.world.classes.member(item.model, method) or frame.world.classes.member(item.model, "__repr__")
            if member is not None:
                frame.call(FuncRef(member[1][0], item), (), node)


def text_of(frame: Frame, value: Value, node: r.Node) -> None:
    """What formatting a value into a string runs."""
    _text_of(frame, value, "__str__", node)


def _dict_of(frame: Frame, actuals: Sequence[Actual], node: r.Node) -> Value:
    values = [actual.value for actual in actuals if actual.keyword]
    key: Value = Plain("str")
    if actuals and actuals[0].keyword is None:
        source = iterated(frame, actuals[0].value, node)
        if isinstance(source, Coll) and source.kind == "dict":
            return source
        pair = element_of(source)
        if isinstance(pair, Tup) and len(pair.items) == 2:
            key = pair.items[0]
            values.append(pair.items[1])
        else:
            return Coll("dict", UNKNOWN, UNKNOWN)
    return Coll("dict", union(tuple(values)) if values else UNKNOWN, key)


def _lazy_as(made: Value, *sources: Value) -> Value:
    """An iterator over what is itself consumed only now."""
    for source in sources:
        if isinstance(source, Coll) and source.lazy and isinstance(made, Coll):
            return msgspec.structs.replace(made, lazy=source.lazy, streams=source.streams)
    return made


def _size(value: Value) -> int | None:
    return value.size if isinstance(value, Coll) else len(value.items) if isinstance(value, Tup) else None


def _batches(value: Value) -> bool:
    return isinstance(value, Coll) and value.batches


def _super(frame: Frame) -> Value:
    if frame.self_value is None or not frame.cls:
        return UNKNOWN
    return Super(frame.cls, frame.self_value)


def _callbacks(frame: Frame, name: str, actuals: Sequence[Actual], collection: Value, node: r.Node) -> None:
    """Runs `key=` and its like once for an element of the collection."""
    row = orms.CALLBACKS.get(name)
    if row is None or row.times != "per_element":
        return
    given = [actual.value for actual in actuals if row.keyword and actual.keyword == row.keyword]
    if not given and row.position is not None:
        value = first_value(actuals, row.position)
        given = [] if isinstance(value, Unknown) else [value]
    for function in given:
        _mapped(frame, function, collection, node, False)


def _mapped(frame: Frame, function: Value, collection: Value, node: r.Node, spread: bool) -> Value:
    """Calls a function for each element, as a loop does."""
    elem = element_of(collection)
    with_loop = frame.world.steps.per_element
    return with_loop(frame, function, elem, node, spread)


# Methods


def call_method(frame: Frame, method: Method, actuals: Sequence[Actual], node: r.Node) -> Value:
    """Calling a method of a value whose behaviour the vocabulary knows."""
    receiver, name = method.receiver, method.name
    frame.world.trace.called.append((frame.path, node))
    if type(receiver) is Session:
        return _session_method(frame, receiver, name, actuals, node)
    if type(receiver) is Query:
        return _query_method(frame, receiver, name, actuals, node)
    if type(receiver) is Result:
        row = orms.METHODS.get((kind_of_value(receiver), name))
        if row is None:
            return UNKNOWN
        value = queries.consume(frame, receiver, name, row, node)
        return Awaitable(value) if row.awaitable else value
    if type(receiver) is Factory:
        if name == "begin":
            session = new_session(frame, receiver, node)
            return Manager("begin_session", session, session)
        if name in ("remove", "close_all", "configure"):
            return NONE
        return UNKNOWN
    if type(receiver) is Awaitable:
        if name != "result":
            return UNKNOWN
        waited_for(frame, receiver)
        return receiver.value
    if type(receiver) is Coll:
        return _collection_method(frame, receiver, name, actuals, node)
    if type(receiver) is Option:
        if name == "options":
            inner, exact = gathered(frame, actuals)
            found = bind(receiver, inner)
            return found if exact else msgspec.structs.replace(found, exact=False)
        return make_option(frame, name, actuals, receiver, node)
    if type(receiver) is ModelAttr:
        if name == "of_type":
            cls = first_value(actuals)
            return ModelAttr(receiver.model, receiver.name, cls.cls if type(cls) is ClassRef else "")
        if name == "and_":
            return receiver
        return LibInstance("expression")
    if type(receiver) is Manager and receiver.kind == "nested":
        if name == "rollback" and receiver.session is not None:
            recovered(frame, receiver.session)
        return Awaitable(receiver) if name == "start" else NONE
    if type(receiver) is Manager:
        if name in ("commit", "rollback", "close") and receiver.session is not None:
            operate(frame, receiver.session, name, node)
            return NONE
        return Awaitable(receiver) if name == "start" else UNKNOWN
    if type(receiver) is LibInstance:
        return _instance_method(frame, receiver, name, actuals, node)
    if type(receiver) is ClassRef:
        for actual in actuals:
            serializing.validated(frame, Instance(receiver.cls), actual.value, node)
        return frame.call(receiver, (), node)
    if isinstance(receiver, (Plain, Const, NameOf)):
        if name in ("split", "splitlines", "rsplit"):
            return Coll("list", Plain("str"))
        if name == "format":
            for actual in actuals:
                text_of(frame, actual.value, node)
        if name == "join" and actuals:
            iterated(frame, actuals[0].value, node)
        return Plain("str") if getattr(receiver, "type", getattr(receiver, "kind", "")) == "str" else Plain()
    if type(receiver) is Super:
        return NONE if name.startswith("__") else UNKNOWN
    if type(receiver) is FuncRef:
        external = orms.EXTERNAL_METHODS.get(("task", name)) or orms.EXTERNAL_METHODS.get(("external_task", name))
        if external is not None or name in ("delay", "apply_async"):
            call_out(frame, node, "queue", name)
            boundary.leave(frame, [actual.value for actual in actuals], node, "a task")
        elif name in _SIGNATURES:
            boundary.leave(frame, [actual.value for actual in actuals], node, "a task")
        for actual in actuals:
            escape(frame, actual.value)
        return UNKNOWN
    if type(receiver) is Tup:
        return Plain("int") if name in ("count", "index") else UNKNOWN
    return UNKNOWN


_SIGNATURES = frozenset({"s", "si", "signature"})


def _session_method(frame: Frame, session: Session, name: str, actuals: Sequence[Actual], node: r.Node) -> Value:
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
        if isinstance(statement, Query) and queries.fetches_in_parts(statement, _execution_options(node)):
            statement = msgspec.structs.replace(statement, batched=True)
        what = queries.effect_of(statement)
        note = ""
        sent: Query | None = None
        for item in options_of(statement):
            if isinstance(item, Query):
                sent = queries.keyed(frame, item, node.args[1:]) if isinstance(node, r.Call) else item
                sent = _of_list(frame, sent, node)
                note = _statement_in_words(frame, item, what)
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


def _execution_options(node: r.Node) -> tuple[object, ...]:
    """What `execution_options={"yield_per": 100}` beside the statement sets."""
    for arg in node.args if isinstance(node, r.Call) else ():
        if arg.keyword == "execution_options" and isinstance(arg.value, r.Dict):
            return tuple([key.value for key in arg.value.keys if isinstance(key, r.Const)])
    return ()


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


def _query_method(frame: Frame, query: Query, name: str, actuals: Sequence[Actual], node: r.Node) -> Value:
    row = orms.METHODS.get((query.style, name))
    if row is not None and row.library == "flask_sqlalchemy":
        operate(frame, query.session, "query", node, note=f"SELECT {queries.describe(frame, query)}", attr=name, query=query)
        element = queries.row_of(frame, query, query.session, node, "query")
        return LibInstance("pagination", (("element", element),)) if row.returns == "pagination" else element
    if name == "with_transformation" and actuals:
        return frame.call(actuals[0].value, (Actual(query),), node)
    return queries.query_method(frame, query, name, actuals, node)


_KEEPS = frozenset({"append", "add", "insert", "extend", "update", "setdefault", "appendleft"})


def _collection_method(frame: Frame, receiver: Coll, name: str, actuals: Sequence[Actual], node: r.Node) -> Value:
    if name == "sort":
        for actual in actuals:
            if actual.keyword == "key":
                _mapped(frame, actual.value, receiver, node, False)
        return NONE
    values = [
        Actual(iterated(frame, actual.value, node), actual.keyword, actual.star) if name in ("extend", "update") else actual
        for actual in actuals
    ]
    if name in _KEEPS and isinstance(node, r.Call) and isinstance(node.func, r.Attr) and identity.is_global(frame, node.func.value):
        for actual in actuals:
            identity.kept(frame, node, actual.value)
    after = grown(receiver, name, values)
    if after is not None and isinstance(node, r.Call) and isinstance(node.func, r.Attr):
        target = node.func.value
        if isinstance(target, r.Name) and target.id in frame.state.vars:
            frame.state.vars[target.id] = after
        elif isinstance(target, r.Sub) and isinstance(target.value, r.Name):  # groups[key].append(x)
            outer = frame.state.vars.get(target.value.id)
            if isinstance(outer, Coll):
                inner = after if isinstance(outer.elem, (Coll, Unknown)) else outer.elem
                frame.state.vars[target.value.id] = Coll(outer.kind, inner, outer.key, None, outer.batches)
        if isinstance(target, r.Attr) and isinstance(receiver.elem, Entity) and receiver.elem.path[-1:] == (target.attr,):
            _appended(frame, receiver.elem, values, node)
        for actual in actuals:
            if sessions_in(actual.value):
                escape(frame, actual.value)
    return method_of(receiver, name, actuals)


def _appended(frame: Frame, element: Entity, actuals: Sequence[Actual], node: r.Node) -> None:
    """`firm.contacts.append(contact)`: the relationship refers to what is put in."""
    owner = Entity(element.model, element.origin, element.path[:-1], element.born)
    for actual in actuals:
        for item in flat(actual.value):
            linked(frame, owner, item, node)


def _instance_method(frame: Frame, receiver: LibInstance, name: str, actuals: Sequence[Actual], node: r.Node) -> Value:
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
            return _existence(frame, actuals, node)
        return Query("select", (dict(receiver.data).get("told", Plain()),), frame.site(node)) if name == "select" else receiver
    if frame.world.config.external_effects and own_effect(frame, node, f"{receiver.cls}.{name}"):
        return UNKNOWN
    external = orms.EXTERNAL_METHODS.get((receiver.cls, name)) or orms.EXTERNAL_METHODS.get((receiver.cls, "*"))
    if external is not None and name not in external.exempt:
        if external.category == "cache" and name in _CACHES:
            for actual in actuals:
                identity.kept(frame, node, actual.value, "a cache")
        call_out(frame, node, external.category, f"{external.library}.{name}")
        if external.category in boundary.OUTSIDE:
            boundary.leave(frame, [actual.value for actual in actuals], node, boundary.OUTSIDE[external.category])
        return Awaitable(UNKNOWN) if external.awaitable else UNKNOWN
    concurrent = orms.CONCURRENCY_METHODS.get((receiver.cls, name))
    if concurrent is not None:
        return _concurrent(frame, name, concurrent, actuals, node)
    if receiver.cls in THREADS and name in ("start", "join", "run"):
        return thread_method(frame, receiver, name)
    if receiver.cls == "offloaded" and name == "__call__":
        return _offloaded(frame, dict(receiver.data).get("function", UNKNOWN), actuals, node)
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
            return _connected(frame, receiver, returns, node)
        if row.awaitable:
            return Manager("other", value)
        return value if returns == "raw_connection" else Manager("other", value)
    core = core_connection(receiver)
    if core is not None:
        if row.effect in ("commit", "rollback", "close", "begin"):
            operate(frame, core, row.effect, node)
        elif row.effect == "execute" and returns != "result":
            _core_statement(frame, core, first_value(actuals), name, node)
        if row.effect == "begin":
            begun = Manager("begin", LibInstance(row.returns), core)
            return Awaitable(begun) if row.awaitable and not row.startable else begun
    if returns == "same":
        value = LibInstance(receiver.cls, _AUTOCOMMIT) if name == "execution_options" and commits_each(actuals) else receiver
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
        if isinstance(statement, Query):
            statement = msgspec.structs.replace(statement, columns=tuple(Plain() for _ in statement.columns))
        value = Result(
            "rows",
            statement if isinstance(statement, Query) else Query("text", (), frame.site(node), exact=False),
            None,
            site=frame.site(node),
        )
        if isinstance(statement, Const):
            statement = written(frame, statement, node)
        own = dict(receiver.data).get("session")
        if isinstance(statement, Query) and isinstance(own, Session):
            queries.sent(frame, statement, own, node)
        defines = isinstance(statement, LibInstance) and statement.cls.rsplit(".", 1)[-1].startswith(_DDL)
        if core is not None and not defines:
            _core_statement(frame, core, statement, name, node)
        elif receiver.cls in ("connection", "async_connection", "engine") and not defines:
            sent = _about_table(frame, statement, queries.effect_of(statement), node)
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


_DDL = ("DDL", "Create", "Drop", "AddConstraint", "SetTableComment")


def _connected(frame: Frame, engine: LibInstance, returns: str, node: r.Node) -> Value:
    """`engine.connect()`, `engine.begin()`: a connection, whose transaction is followed as a session's is."""
    loops = tuple(loop.site for loop in frame.loops)
    is_async = engine.cls == "async_engine"
    session = Session(
        SessionId("made", frame.site(node), CORE), is_async, False, born=loops, autocommit=engine.data == _AUTOCOMMIT, autoflush=False
    )
    value = LibInstance(returns.replace("begun_", ""), (("session", session),))
    if returns.startswith("begun_"):
        return Manager("begin_session", value, session)
    make(frame, session)
    return Manager("closing", value, session) if is_async else value


def _about_table(frame: Frame, statement: Value, what: str, node: r.Node) -> Query:
    """What a connection sends. Where nobody knows which table it is about, it may be another one for each element."""
    found = next((item for item in options_of(statement) if isinstance(item, Query)), None) or _put_together(frame, node)
    sent = found or Query("text", (), frame.site(node), exact=False)
    given = node.args[0].value if found is None and isinstance(node, r.Call) and node.args else None
    if isinstance(given, r.Call) and isinstance(given.func, r.Attr) and given.func.attr in _OF_TABLE:
        return msgspec.structs.replace(sent, over=frame.varying(given.func.value))
    if sent.style == "text" or sent.table or any(isinstance(column, ClassRef) or what != "write" for column in sent.columns):
        return sent
    return msgspec.structs.replace(sent, over=(*sent.over, *frame.varying(node)))


def _statement_in_words(frame: Frame, statement: Query, what: str) -> str:
    """`SELECT Order`, `UPDATE orders`; of a text the text alone."""
    verb = "" if statement.style == "text" else "SELECT" if what != "write" else statement.style.upper()
    return f"{verb} {queries.describe(frame, statement)}".strip()


def _core_statement(frame: Frame, session: Session, statement: Value, name: str, node: r.Node) -> None:
    """A statement that a connection sends."""
    what, note = queries.effect_of(statement), ""
    for item in options_of(statement):
        if isinstance(item, Query):
            note = _statement_in_words(frame, item, what)
    sent = _about_table(frame, statement, what, node)
    operate(frame, session, what, node, note=note, attr=name, query=sent)


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
