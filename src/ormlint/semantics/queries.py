"""Queries and results: how they are built, what executing them does, and what their elements are.

Takes a method name, its row of the vocabulary and the receiver; gives the value. One function serves `Query`, `select()` and all
results, because the vocabulary says what each method returns in neutral words.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from ormlint.facts import records as r
from ormlint.orms import registry as orms
from ormlint.orms.vocabulary import MethodRow
from ormlint.semantics import conflicts
from ormlint.semantics.classes import Classes
from ormlint.semantics.dependence import parameters_behind, parameters_of
from ormlint.semantics.events import Event, Overwritten
from ormlint.semantics.frame import Frame
from ormlint.semantics.loading import flat, gathered, joined_collection, origin_of
from ormlint.semantics.scope import consumed
from ormlint.semantics.symbols import last_name
from ormlint.semantics.unit_of_work import lock, operate, overwrite, register, renew
from ormlint.semantics.values import (
    NONE,
    UNKNOWN,
    Actual,
    ClassRef,
    Coll,
    Const,
    Entity,
    LibInstance,
    ModelAttr,
    Origin,
    Plain,
    Query,
    Result,
    Seen,
    Session,
    SessionId,
    Site,
    Tup,
    UnionOf,
    Value,
    join,
    options_of,
    seen_in,
    union,
)

_EXPRESSIONS = frozenset({"expression", "subquery", "cte", "exists", "scalar_select", "value", "count", "bool"})
_NAMING = frozenset({"getattr", "aliased", "type", "text"})
DML = frozenset({"insert", "update", "delete"})


def start(frame: Frame, style: str, actuals: Sequence[Actual], node: r.Node, session: Session | None = None) -> Query:
    """`select(…)`, `session.query(…)`, `update(…)`: a new query over its arguments."""
    columns: list[Value] = []
    exact = True
    for actual in actuals:
        if actual.keyword is not None:
            continue
        if actual.star:
            exact = False
            continue
        value = actual.value
        if isinstance(value, Coll):  # select([a, b]) of 1.3
            columns.extend(options_of(value.elem))
        elif isinstance(value, Tup):
            columns.extend(value.items)
        else:
            columns.append(value)
    dml = style if style in DML else ""
    query = Query(style, tuple(_column(column) for column in columns), frame.site(node), session, exact=exact, dml=dml)
    if any(isinstance(column, LibInstance) and ("lock", NONE) in column.data for column in columns):
        query = msgspec.structs.replace(query, locked=True)
    if dml:
        named = [dict(column.data).get("name") for column in columns if isinstance(column, LibInstance) and column.cls == "table"]
        query = msgspec.structs.replace(query, table=next((str(name.value) for name in named if isinstance(name, Const)), ""))
    return about(frame, node, query)


def about(frame: Frame, node: r.Node, query: Query, first: int = 3) -> Query:
    """The query with what says which class or table it is about: the loops in which that changes, and the parameters behind it."""
    over: list[Site] = []
    behind: set[str] = set()
    names: set[str] = set()
    for arg in node.args[:first] if isinstance(node, r.Call) else ():
        expr = arg.value
        while isinstance(expr, r.Call) and isinstance(expr.func, r.Name) and expr.func.id in _NAMING and expr.args:
            expr = expr.args[1 if expr.func.id == "getattr" and len(expr.args) > 1 else 0].value
        if isinstance(expr, (r.Name, r.Attr, r.FString)):
            names |= frame.world.names(expr)
            over.extend(frame.varying(expr))
            behind |= parameters_behind(frame, expr) or frozenset()
    if not over and not behind:
        return query
    return msgspec.structs.replace(
        query, over=(*query.over, *over), about=query.about | frozenset(behind), subjects=query.subjects | frozenset(names)
    )


def keyed(frame: Frame, query: Query, args: Sequence[r.Arg]) -> Query:
    """The query where its criteria are given: those that change with a loop make it one for each element, of whatever class."""
    if not query.over and not query.about:
        return query
    names = frozenset(name for arg in args for name in frame.world.names(arg.value)) - query.subjects
    fixed = tuple(loop.site for loop in frame.loops if loop.varying.isdisjoint(names))
    behind = parameters_of(frame, names)
    return msgspec.structs.replace(query, over=tuple(site for site in query.over if site in fixed), about=query.about - behind)


def _column(value: Value) -> Value:
    if isinstance(value, (ClassRef, ModelAttr)):
        return value
    if isinstance(value, LibInstance):
        if value.cls == "expression" and value.data:
            held = dict(value.data)
            if isinstance(held.get("exists"), Plain):
                return held["exists"]
            if "count" in held:
                return Plain("count")
        if value.cls == "exists":
            return dict(value.data).get("told", Plain("bool"))
        return value if value.cls in ("bundle", "table") else Plain()
    if isinstance(value, UnionOf) and all(isinstance(item, (ClassRef, ModelAttr)) for item in value.items):
        return value
    if isinstance(value, (Plain, Const)):
        return Plain()
    return UNKNOWN


def build(frame: Frame, query: Query, name: str, row: MethodRow, actuals: Sequence[Actual], node: r.Node) -> Value:
    """A method that builds a query further; what it returns is a query again."""
    if name == "options":
        options, exact = gathered(frame, actuals)
        built = msgspec.structs.replace(query, options=(*query.options, *options), exact=query.exact and exact)
        if any(option.joined for option in options):
            built = msgspec.structs.replace(built, joined_collection=_joins_collection(frame, built))
        return built
    if name == "limit" and actuals and isinstance(actuals[0].value, Const) and isinstance(actuals[0].value.value, int):
        return msgspec.structs.replace(query, limited=True, at_most=actuals[0].value.value)
    if name in ("limit", "slice", "offset", "fetch"):
        return msgspec.structs.replace(query, limited=True)
    if name == "yield_per":
        return msgspec.structs.replace(query, batched=True)
    if name == "execution_options":
        batched = fetches_in_parts(query, {actual.keyword for actual in actuals if not _is(actual.value, False)})
        query = msgspec.structs.replace(
            query,
            batched=query.batched or batched,
            refreshes=query.refreshes or any(actual.keyword == "populate_existing" and _is(actual.value, True) for actual in actuals),
            unsynchronized=query.unsynchronized
            or any(actual.keyword == "synchronize_session" and _is(actual.value, False) for actual in actuals),
        )
    if name in ("autoflush", "execution_options") and any(
        actual.value == Const(False, "bool") and actual.keyword in (None, "autoflush", "setting") for actual in actuals
    ):
        query = msgspec.structs.replace(query, manual=True)
    if name == "execution_options":
        return query
    if name in orms.LOCKING_METHODS:
        return msgspec.structs.replace(query, locked=True)
    if name == "populate_existing":
        return msgspec.structs.replace(query, refreshes=True)
    if name in orms.UPSERT_METHODS:
        return msgspec.structs.replace(query, upsert=True)
    if name in ("values", "ordered_values"):
        return assigning(query, actuals, node)
    if name == "with_session":
        session = actuals[0].value if actuals else UNKNOWN
        return msgspec.structs.replace(query, session=session if isinstance(session, Session) else None)
    if row.returns in ("query_of_arguments", "select_of_arguments"):
        again = start(frame, query.style, actuals, node, query.session)
        return msgspec.structs.replace(again, options=query.options, exact=query.exact)
    if row.returns in ("query_and_arguments", "select_and_arguments"):
        more = start(frame, query.style, actuals, node, query.session)
        return msgspec.structs.replace(query, columns=(*query.columns, *more.columns))
    if name == "with_parent" and actuals:
        query = msgspec.structs.replace(query, filters=(*query.filters, *_parents(actuals[0].value, node))[:16])
    if name in ("join", "outerjoin", "select_from", "having", "distinct", "from_statement"):
        query = msgspec.structs.replace(query, filters=(*query.filters, name)[:16], keys=(*query.keys, _OTHER)[:8])
    if name == "select_from":
        query = about(frame, node, query)
    if name in ("filter", "filter_by", "where", "bindparams", "params", "values") and isinstance(node, r.Call):
        query = keyed(frame, query, node.args)
    if name in ("filter", "filter_by", "where"):
        names = tuple(actual.keyword for actual in actuals if actual.keyword)
        return msgspec.structs.replace(
            query, filters=(*query.filters, *names, name)[:16], keys=(*query.keys, *equal_to(query, actuals))[:8]
        )
    if name in ("returning", "return_defaults"):
        more = start(frame, query.style, actuals, node, query.session)
        return msgspec.structs.replace(query, columns=more.columns)
    if name == "from_statement":
        first = actuals[0].value if actuals else UNKNOWN
        return query if query.columns else msgspec.structs.replace(query, exact=False) if first is UNKNOWN else query
    return query


_PARENT = "parent "


def _parents(parent: Value, node: r.Node) -> tuple[str, ...]:
    """What a query's rows refer to by `with_parent(self.event)`: the class, and the name that the relationship then has."""
    found = [f"{_PARENT}{item.model}" for item in options_of(parent) if isinstance(item, Entity)]
    written = node.args[0].value if isinstance(node, r.Call) and node.args else None
    if isinstance(written, (r.Name, r.Attr)):
        found.append(f"{_PARENT}.{last_name(written)}")
    return (*found, "with_parent")


def _is(value: Value, constant: bool) -> bool:
    return isinstance(value, Const) and value.kind == "bool" and value.value is constant


def with_options(query: Query, options: Value) -> Query:
    """The `execution_options` that `session.execute()` is given with a statement."""
    data = dict(options.data) if isinstance(options, LibInstance) and options.cls == "kwargs" else {}
    if not data and isinstance(options, Coll) and isinstance(options.key, Const):
        data = {str(options.key.value): options.elem}
    return msgspec.structs.replace(
        query,
        refreshes=query.refreshes or _is(data.get("populate_existing", UNKNOWN), True),
        unsynchronized=query.unsynchronized or _is(data.get("synchronize_session", UNKNOWN), False),
    )


_OTHER = ModelAttr("", "*")
"""A criterion that is no equality."""


def equal_to(query: Query, actuals: Sequence[Actual]) -> tuple[ModelAttr, ...]:
    """The attributes that criteria compare with a value: `Order.number == n`, `number=n`."""
    found: list[ModelAttr] = []
    first = next((column for column in query.columns if isinstance(column, (ClassRef, ModelAttr))), None)
    for actual in actuals:
        if actual.keyword is not None and first is not None and not {"join", "outerjoin"} & set(query.filters):
            found.append(ModelAttr(first.cls if isinstance(first, ClassRef) else first.model, actual.keyword))
        elif actual.star == 2 and isinstance(actual.value, LibInstance) and actual.value.cls == "kwargs" and first is not None:
            model = first.cls if isinstance(first, ClassRef) else first.model
            found.extend(ModelAttr(model, name) for name, _ in actual.value.data if name != "*")
        elif isinstance(actual.value, LibInstance):
            equals = [value for name, value in actual.value.data if name == "equals" and isinstance(value, ModelAttr)]
            found.extend(equals or (_OTHER,))
        elif isinstance(actual.value, (Tup, Coll)):
            found.extend(
                value
                for item in flat(actual.value)
                if isinstance(item, LibInstance)
                for name, value in item.data
                if name == "equals" and isinstance(value, ModelAttr)
            )
    return tuple(found)


def assigning(query: Query, actuals: Sequence[Actual], node: r.Node) -> Query:
    """`values(stock=…)`, `values({"stock": …})`: what a statement sets, and from what it was computed.

    A name with a plus sign before it is set to what was computed, as the next version of a row is.
    """
    sets: list[str] = []
    told: list[Seen] = []
    written = node.args if isinstance(node, r.Call) else ()
    for at, actual in enumerate(actuals):
        expr = written[at].value if at < len(written) else None
        if actual.keyword is not None:
            if actual.keyword == "synchronize_session":
                continue
            pairs: list[tuple[str, r.Expr | None]] = [(actual.keyword, expr)]
        elif isinstance(expr, r.Dict):
            pairs = [(_key_named(key), value) for key, value in zip(expr.keys, expr.values, strict=True)]
        elif isinstance(actual.value, LibInstance) and actual.value.cls == "kwargs":
            pairs = [(name, None) for name, _ in actual.value.data]
        else:
            pairs = [("*", None)]
        for name, value in pairs:
            sets.append(name)
            if isinstance(value, r.BinOp):
                sets.append(f"+{name}")
        for held in _values_in(actual.value):
            told.extend(seen for seen in seen_in(held) if seen.how == "computed" and seen.attr in sets)
    return msgspec.structs.replace(query, sets=tuple(dict.fromkeys((*query.sets, *sets)))[:40], told=(*query.told, *told)[:4])


def _key_named(key: r.Expr | None) -> str:
    if isinstance(key, r.Const) and isinstance(key.value, str):
        return key.value
    return key.attr if isinstance(key, r.Attr) else "*"


def _values_in(value: Value) -> tuple[Value, ...]:
    if isinstance(value, Coll):
        return (value.elem,)
    return tuple(item for _, item in value.data) if isinstance(value, LibInstance) else (value,)


def versioned_by(classes: Classes, query: Query) -> str:
    """The version column that an UPDATE or DELETE asks for; "" where it asks for none."""
    if query.dml not in ("update", "delete"):
        return ""
    for key in query.keys:
        attribute, model = classes.mapped_attribute(key.model, key.name), classes.model(key.model)
        if attribute is None or model is None or attribute.primary:
            continue
        if model.version == key.name or f"+{key.name}" in query.sets:
            return key.name
    return ""


def wrote(frame: Frame, query: Query, session: Session | None, node: r.Node) -> None:
    """What a statement that writes means for the objects that the session holds, and for other transactions."""
    if query.style == "text":
        if query.table:
            overwrite(frame, session, Overwritten(query.table, query.sets, frame.site(node), "SQL as text"), node)
        return
    model = next((column.cls for column in query.columns if isinstance(column, ClassRef)), "")
    style = query.dml or query.style
    if style == "insert":
        if model and not query.upsert:
            conflicts.inserted(frame, model, frozenset(query.sets), session, node, frame.state.missing)
        return
    if model:
        keys = tuple(key.name for key in query.keys if key.model == model)
        conflicts.rewritten_by_statement(frame, model, query.told, keys, session, node)
        lock(frame, session, f"written {model}", node)
    if style != "update":
        return
    columns = tuple(name for name in query.sets if not name.startswith("+")) or ("*",)
    mapped = frame.world.classes.model(model)
    if query.table and not model:
        overwrite(frame, session, Overwritten(query.table, columns, frame.site(node), "a statement on the table"), node)
    elif mapped is not None and mapped.table and query.unsynchronized:
        overwrite(frame, session, Overwritten(mapped.table, columns, frame.site(node), "an UPDATE without synchronization"), node)


def sent(frame: Frame, query: Query, session: Session | None, node: r.Node) -> None:
    """What sending any statement means: the locks that it takes, what it overwrites."""
    if query.locked:
        model = next((column.cls for column in query.columns if isinstance(column, ClassRef)), "")
        lock(frame, session, f"rows {model}" if model else "any", node)
    if query.refreshes:
        renew(frame, session)
    if query.style in DML or query.dml or query.table:
        wrote(frame, query, session, node)


def row_there(frame: Frame, query: Query, node: r.Node, how: str = "present") -> tuple[Seen, ...]:
    """What a test for existence, or a count, tells of the row that was looked for."""
    models = {key.model for key in query.keys if key.model}
    if len(models) != 1:
        return ()
    model = models.pop()
    keys = frozenset(key.name for key in query.keys)
    return (Seen(Entity(model, Origin("query", frame.site(node), short_name(model), session=query.session, keys=keys)), "", how),)


def short_name(model: str) -> str:
    return model.rsplit(":", 1)[-1].rsplit(".", 1)[-1]


def _joins_collection(frame: Frame, query: Query) -> str:
    """The path of a collection that the query joins eagerly, or ""."""
    for column in query.columns:
        for item in options_of(column):
            if isinstance(item, ClassRef):
                found = joined_collection(frame.world.classes, item.cls, query.options, query.exact)
                if found:
                    return found
    return ""


_READS_ONE_ROW = frozenset({"first", "scalar"})


def _check_unique(frame: Frame, result: Result, node: r.Node) -> None:
    """Notes a result that repeats its parents and is read all the same: SQLAlchemy raises there."""
    query = result.query
    if result.unique or query.style != "select" or frame.dead:
        return
    path = query.joined_collection or _joins_collection(frame, query)
    if not path:
        return
    site = frame.site(node)
    model = next((item.cls for column in query.columns for item in options_of(column) if isinstance(item, ClassRef)), "")
    frame.note("undeduplicated", Event("fetch", site, model, attr=path), query.site)


# Elements


def columns_as_values(frame: Frame, query: Query, session: Session | None, node: r.Node) -> tuple[Value, ...]:
    """What each column of one row is; entities get an origin at `node`."""
    return tuple(_value_of_column(frame, query, column, session, node) for column in query.columns)


def _value_of_column(frame: Frame, query: Query, column: Value, session: Session | None, node: r.Node) -> Value:
    classes = frame.world.classes
    if isinstance(column, UnionOf):
        return union(tuple(_value_of_column(frame, query, item, session, node) for item in column.items))
    if isinstance(column, ClassRef):
        if classes.model(column.cls) is None:
            return UNKNOWN
        found = _entity(frame, query, column.cls, session, node)
        if column.args:  # with_polymorphic(): the columns of the subclasses come along
            origin = msgspec.structs.replace(found.origin, undeferred=found.origin.undeferred | {"*"})
            register(frame, origin)
            found = Entity(found.model, origin, found.path, found.born)
        return found
    if isinstance(column, ModelAttr):
        attribute = classes.mapped_attribute(column.model, column.name)
        if attribute is not None and attribute.kind == "relationship" and attribute.target is not None:
            return _entity(frame, query, attribute.target, session, node)
        type_ = attribute.type if attribute is not None else ""
        if attribute is None or attribute.kind != "column":
            return Plain(type_)
        keys = frozenset(key.name for key in query.keys if key.model == column.model)
        origin = Origin("query", frame.site(node), short_name(column.model), session=session, keys=keys, locked=query.locked)
        return Plain(type_, (Seen(Entity(column.model, origin, (), frame.varying(node)), column.name),))
    if isinstance(column, Plain):
        if column.type == "count":
            return Plain("int", row_there(frame, query, node, "count"))
        return column
    return UNKNOWN


def _entity(frame: Frame, query: Query, model: str, session: Session | None, node: r.Node) -> Entity:
    whole = not query.filters and not query.limited and query.exact
    beside = tuple(column.cls for column in query.columns if isinstance(column, ClassRef) and column.cls != model)
    beside += tuple(item.removeprefix(_PARENT) for item in query.filters if item.startswith(_PARENT))
    origin = origin_of(frame.world.classes, model, "query", frame.site(node), query.options, session, query.exact, whole, beside)
    if query.keys or query.locked:
        keys = frozenset(key.name for key in query.keys if key.model in (model, ""))
        origin = msgspec.structs.replace(origin, keys=keys, locked=query.locked)
    register(frame, origin)
    return Entity(model, origin, (), frame.varying(node))


def row_of(frame: Frame, query: Query, session: Session | None, node: r.Node, shape: str) -> Value:
    """One element: of a legacy Query the entity or a row, of a Result a row, of scalars the first column."""
    if not query.columns:
        return UNKNOWN
    if shape == "scalars":
        return _value_of_column(frame, query, query.columns[0], session, node)
    if shape == "mappings":
        return Coll("dict", union(columns_as_values(frame, query, session, node)), Plain("str"))
    values = columns_as_values(frame, query, session, node)
    if shape == "query" and len(values) == 1 and isinstance(query.columns[0], (ClassRef, UnionOf)):
        return values[0]
    return Tup(values, tuple(_column_name(column) for column in query.columns))


def _column_name(column: Value) -> str:
    if isinstance(column, ClassRef):
        return column.cls.rsplit(":", 1)[-1].rsplit(".", 1)[-1]
    return column.name if isinstance(column, ModelAttr) else ""


def execute_query(frame: Frame, query: Query, name: str, row: MethodRow, actuals: Sequence[Actual], node: r.Node) -> Value:
    """A method of a legacy Query that runs it."""
    note = describe(frame, query)
    if row.effect == "write":
        operate(frame, query.session, "write", node, note=("UPDATE " if name == "update" else "DELETE ") + note, query=query)
        synchronized = not any(actual.keyword == "synchronize_session" and _is(actual.value, False) for actual in actuals)
        statement = msgspec.structs.replace(assigning(query, actuals[:1], node), dml=name, unsynchronized=not synchronized)
        wrote(frame, statement, query.session, node)
        version = versioned_by(frame.world.classes, statement)
        if version:
            model = statement.keys[0].model
            return Plain("int", (Seen(Entity(model, Origin("unknown", frame.site(node), session=query.session)), version, "hits"),))
        return Plain("int")
    operate(frame, query.session, row.effect, node, note=f"SELECT {note}", attr=name, query=query)
    sent(frame, query, query.session, node)
    returns = row.returns
    if returns == "count":
        return Plain("int", row_there(frame, query, node, "count"))
    if returns in ("scalar", "scalar_or_none"):
        first = row_of(frame, query, query.session, node, "scalars")
        return join(first, NONE) if returns == "scalar_or_none" else first
    if returns == "result":
        return Result("rows", query, query.session, site=frame.site(node))
    element = row_of(frame, query, query.session, node, "query")
    _expected(frame, element, returns)
    return _shaped(element, returns, single(query))


def _expected(frame: Frame, element: Value, returns: str) -> None:
    """A row that must be there: where it is not, an error is raised, which a handler may take for "missing"."""
    if returns == "element" and isinstance(element, Entity) and element.origin.keys:
        frame.looked_up.append(element)


def single(query: Query) -> int | None:
    """1 where the query gives one row at most; None where it may give more."""
    return 1 if query.at_most == 1 else None


def _shaped(element: Value, returns: str, size: int | None = None) -> Value:
    if returns == "list":
        return Coll("list", element, None, size)
    if returns == "iterator":
        return Coll("iterator", element, None, size)
    if returns in ("chunks", "async_chunks"):
        return Coll("iterator", Coll("list", element), batches=True)
    if returns in ("element_or_none", "entity_or_none", "scalar_or_none"):
        return join(element, NONE)
    return element


def consume(frame: Frame, result: Result, name: str, row: MethodRow, node: r.Node) -> Value:
    """A method of a result: shape it further, or take elements from it."""
    returns = row.returns
    if row.effect == "fetch" and name not in _READS_ONE_ROW and returns not in ("frozen_result",):
        _check_unique(frame, result, node)
    if row.effect == "fetch":
        consumed(frame, result, node)
    if returns == "same":
        if name == "unique":
            again = msgspec.structs.replace(result, unique=True)
            if isinstance(node, r.Call) and isinstance(node.func, r.Attr) and isinstance(node.func.value, r.Name):
                frame.state.vars[node.func.value.id] = again  # it marks the result itself
            return again
        if name in ("tuples", "t"):
            return result
        return result
    if returns.endswith("scalar_result"):
        return msgspec.structs.replace(result, shape="scalars")
    if returns.endswith("mapping_result"):
        return msgspec.structs.replace(result, shape="mappings")
    if returns in ("scalar", "scalar_or_none"):
        first = row_of(frame, result.query, result.session, node, "scalars")
        return join(first, NONE) if returns == "scalar_or_none" else first
    if returns in ("element", "element_or_none", "list", "iterator", "chunks", "async_chunks"):
        element = row_of(frame, result.query, result.session, node, result.shape)
        _expected(frame, element, returns)
        found = _shaped(element, returns, single(result.query))
        return open_cursor(found, result) if returns in ("iterator", "chunks", "async_chunks") else found
    if returns in ("count", "value", "bool"):
        return Plain("int" if returns == "count" else "")
    if returns == "none":
        return NONE
    return UNKNOWN


def open_cursor(rows: Value, source: Query | Result) -> Value:
    """Rows that come while they are consumed: of `yield_per` and `stream()`. Only in parts does the cursor stay open."""
    query = source.query if isinstance(source, Result) else source
    is_async = isinstance(source, Result) and source.is_async
    if not (query.batched or is_async) or source.session is None or not isinstance(rows, Coll):
        return rows
    return msgspec.structs.replace(rows, lazy=(source.session,), streams=query.batched or query.style == "text")


def fetches_in_parts(query: Query, options: Iterable[object]) -> bool:
    """Whether a statement with these execution options leaves rows at the server while the first are used. The ORM reads all of them before
    it gives the first, whatever cursor it has, unless `yield_per` is set; what is no statement of the ORM streams by `stream_results`."""
    return "yield_per" in options or (query.style == "text" and "stream_results" in options)


def iterate(frame: Frame, value: Value, node: r.Node) -> Value | None:
    """What iterating over a query, a result or a value of values gives; None where it is none of these."""
    if isinstance(value, Query):
        if value.style in ("query", "dynamic_collection"):
            operate(frame, value.session, "query", node, note=f"SELECT {describe(frame, value)}", attr="__iter__", query=value)
            sent(frame, value, value.session, node)
            return row_of(frame, value, value.session, node, "query")
        return UNKNOWN
    if isinstance(value, Result):
        _check_unique(frame, value, node)
        consumed(frame, value, node)
        return row_of(frame, value.query, value.session, node, value.shape)
    return None


def executed(frame: Frame, statement: Value, session: Session | None, row: MethodRow, node: r.Node, is_async: bool) -> Value:
    """What `session.execute/scalars/scalar/stream(statement)` gives."""
    query = statement if isinstance(statement, Query) else None
    if query is not None and query.style == "query":
        query = msgspec.structs.replace(query, style="select")
    if query is None and isinstance(statement, UnionOf):
        parts = [executed(frame, item, session, row, node, is_async) for item in statement.items]
        return union(tuple(parts))
    if query is not None:
        sent(frame, query, session, node)
    if query is None or not query.columns:
        columns: tuple[Value, ...] = ()
        style, batched = ("select", False) if query is None else (query.style, query.batched)
        query = Query(style, columns, frame.site(node), session, batched=batched, exact=False)
    if row.returns == "scalar_or_none":
        return join(row_of(frame, query, session, node, "scalars"), NONE) if query.columns else UNKNOWN
    shape = "scalars" if row.returns.endswith("scalar_result") else "rows"
    return Result(shape, query, session, is_async=row.returns.startswith("async_"), site=frame.site(node))


def effect_of(statement: Value) -> str:
    """What executing a statement does: `write` for DML, else `execute`."""
    for item in options_of(statement):
        if isinstance(item, Query) and item.style in DML:
            return "write"
    return "execute"


def _at_hand(frame: Frame, model: str, session: Session | None) -> bool:
    """Whether rows of the class, loaded in this session, are still held: the identity map answers."""
    for value in frame.state.vars.values():
        elem = value.elem if isinstance(value, Coll) else None
        for item in options_of(elem) if elem is not None else ():
            if isinstance(item, Entity) and item.model == model and not item.path and item.origin.whole and item.origin.session is not None:
                live = frame.state.live.get(item.origin)
                same = session is not None and item.origin.session.id == session.id
                if same and (live is None or (live.expired is None and live.detached is None)):
                    return True
    return False


def _keyed_get(frame: Frame, node: r.Node, query: Query) -> Query:
    """What `get(Model, key)` sends."""
    return keyed(frame, about(frame, node, query, 1), node.args[1:]) if isinstance(node, r.Call) else query


def got(frame: Frame, actuals: Sequence[Actual], session: Session | None, row: MethodRow, node: r.Node) -> Value:
    """`session.get(Model, key, options=[…])`."""
    name = row.returns.split("_")[0].replace("entity", "element") if not row.returns.endswith("_or_none") else ""
    model = next((actual.value for actual in actuals if actual.keyword in (None, "entity")), UNKNOWN)
    options, exact = gathered(frame, [Actual(a.value) for a in actuals if a.keyword == "options"])
    results: list[Value] = []
    for item in options_of(model):
        if isinstance(item, ClassRef) and frame.world.classes.model(item.cls) is not None:
            query = _keyed_get(frame, node, Query("select", (item,), frame.site(node), session, options, exact=exact))
            if not _at_hand(frame, item.cls, session):
                operate(frame, session, "get", node, note=f"SELECT {describe(frame, query)}", attr="get", query=query)
            origin = origin_of(frame.world.classes, item.cls, "get", frame.site(node), options, session, exact)
            locked = any(a.keyword == "with_for_update" and not _is(a.value, False) and a.value != NONE for a in actuals)
            mapped = frame.world.classes.model(item.cls)
            keys = (
                frozenset(name for name, attribute in mapped.attributes.items() if attribute.primary) if mapped is not None else frozenset()
            )
            origin = msgspec.structs.replace(origin, keys=keys, locked=locked)
            if locked:
                lock(frame, session, f"rows {item.cls}", node)
            if any(a.keyword == "populate_existing" and _is(a.value, True) for a in actuals):
                renew(frame, session)
            if name == "element":
                frame.looked_up.append(Entity(item.cls, origin))
            register(frame, origin)
            results.append(Entity(item.cls, origin, (), frame.varying(node)))
    if not results:
        operate(
            frame, session, "get", node, note="SELECT", attr="get", query=_keyed_get(frame, node, Query("select", (), frame.site(node)))
        )
        return UNKNOWN
    found = union(tuple(results))
    return join(found, NONE) if row.returns == "entity_or_none" else found


def describe(frame: Frame, query: Query) -> str:
    """What a query reads, in a word: `Order`."""
    names: list[str] = []
    for column in query.columns:
        for item in options_of(column):
            name = ""
            if isinstance(item, ClassRef):
                name = item.cls.rsplit(":", 1)[-1].rsplit(".", 1)[-1]
            elif isinstance(item, ModelAttr):
                name = item.model.rsplit(":", 1)[-1].rsplit(".", 1)[-1]
            if name and name not in names:
                names.append(name)
    return ", ".join(names[:3])


def query_method(frame: Frame, query: Query, name: str, actuals: Sequence[Actual], node: r.Node) -> Value:
    """A method of a query or statement."""
    row = orms.METHODS.get((query.style, name))
    if row is None:
        return UNKNOWN
    if row.returns in _EXPRESSIONS and not row.effect:
        if row.returns in ("subquery", "cte"):
            return LibInstance("subquery", (("query", query),))
        if row.returns == "exists":
            return LibInstance("expression", (("exists", Plain("bool", row_there(frame, query, node))),))
        return LibInstance("expression")
    if row.effect in ("query", "get", "write") and not row.is_property:
        return execute_query(frame, query, name, row, actuals, node)
    if row.returns == "session":
        return query.session if query.session is not None else UNKNOWN
    if row.returns == "select":
        return msgspec.structs.replace(query, style="select")
    if row.returns in ("compound_select", "from_statement", "textual_select"):
        return build(
            frame, msgspec.structs.replace(query, style=row.returns) if row.returns != "from_statement" else query, name, row, actuals, node
        )
    if row.returns in ("same", "query") or row.returns.startswith(("query_", "select_")):
        return build(frame, query, name, row, actuals, node)
    if row.returns == "none":
        if row.effect in ("add", "add_all"):
            operate(frame, query.session, row.effect, node)
        return NONE
    if row.returns == "result":
        return Result("rows", query, query.session, site=frame.site(node))
    return UNKNOWN


def flask_session(frame: Frame) -> Session:
    """Flask-SQLAlchemy's `db.session`: one for each request, ended by the extension."""
    expires = frame.world.habits.flask
    return Session(SessionId("global", Site("", 0, 0), "db.session"), expires=expires, scoped=True, ended_by="framework")
