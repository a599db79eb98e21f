"""The abstract values: what an expression may be, as far as the project says so.

Values are frozen and hashable, so that they serve as keys of memoised summaries. What changes while code runs (loaded paths,
expiry, a session's state) is not here but in `state.py`, keyed by `Origin` and `SessionId`. `Unknown` is explicit and absorbs:
nothing may ever be concluded from it.
"""

from __future__ import annotations

from typing import Union

import msgspec


class Site(msgspec.Struct, frozen=True, order=True, cache_hash=True, array_like=True):
    """A place in a source file: its path relative to the root, and offsets in characters."""

    path: str
    start: int
    end: int


NOWHERE = Site("", 0, 0)


class Unknown(msgspec.Struct, frozen=True, cache_hash=True, array_like=True, tag_field="variant", tag="Unknown"):
    """Nothing is known; `why` is for `ormlint explain`."""

    why: str = ""


UNKNOWN = Unknown()


class Never(msgspec.Struct, frozen=True, cache_hash=True, array_like=True, tag_field="variant", tag="Never"):
    """The bottom: no value arrives here (a function that has not returned yet, an empty display)."""


NEVER = Never()


class Const(msgspec.Struct, frozen=True, cache_hash=True, array_like=True, tag_field="variant", tag="Const"):
    """A known constant; `kind` is str, int, float, bool, none."""

    value: Union[str, int, float, bool, None]
    kind: str


NONE = Const(None, "none")


class NameOf(msgspec.Struct, frozen=True, cache_hash=True, array_like=True, tag_field="variant", tag="NameOf"):
    """A string that is one of several known names of attributes: an element of `("lines", "notes")`, of `dir(order)`."""

    names: tuple[str, ...]


class Plain(msgspec.Struct, frozen=True, cache_hash=True, array_like=True, tag_field="variant", tag="Plain"):
    """A value that is no ORM object: an int, a str, a date. `type` is a builtin's or library's name, or ""."""

    type: str = ""
    seen: tuple[Seen, ...] = ()
    """What it was taken or computed from."""


class Seen(msgspec.Struct, frozen=True, cache_hash=True, array_like=True):
    """What a plain value tells of a row.

    `how` is read (the attribute `attr`, as it was read), computed (from it), present (true where the row is there), absent (true where it
    is not), count (how many such rows there are).
    """

    entity: Entity
    attr: str = ""
    how: str = "read"


class LibRef(msgspec.Struct, frozen=True, cache_hash=True, array_like=True, tag_field="variant", tag="LibRef"):
    """A name of a library, by its dotted path: a class, function or module that is not the project's."""

    name: str


class LibInstance(msgspec.Struct, frozen=True, cache_hash=True, array_like=True, tag_field="variant", tag="LibInstance"):
    """An instance of a library's class, or what a library's call gave; `data` is what it was given that matters."""

    cls: str
    data: tuple[tuple[str, Value], ...] = ()


class ModuleRef(msgspec.Struct, frozen=True, cache_hash=True, array_like=True, tag_field="variant", tag="ModuleRef"):
    name: str


class ClassRef(msgspec.Struct, frozen=True, cache_hash=True, array_like=True, tag_field="variant", tag="ClassRef"):
    """A class of the project, by its qualified name `pkg.mod:Outer.Inner`; `args` are what `[…]` gave it."""

    cls: str
    args: tuple[Value, ...] = ()


class FuncRef(msgspec.Struct, frozen=True, cache_hash=True, array_like=True, tag_field="variant", tag="FuncRef"):
    """A function of the project; `bound` is `self` or `cls` for a method; `closure` the enclosing function's names."""

    func: str
    bound: Union[Value, None] = None
    closure: tuple[tuple[str, Value], ...] = ()


class Method(msgspec.Struct, frozen=True, cache_hash=True, array_like=True, tag_field="variant", tag="Method"):
    """A method of a value whose behaviour the vocabulary knows."""

    receiver: Value
    name: str


class Partial(msgspec.Struct, frozen=True, cache_hash=True, array_like=True, tag_field="variant", tag="Partial"):
    func: Value
    args: tuple[Value, ...]
    keywords: tuple[tuple[str, Value], ...]


class Instance(msgspec.Struct, frozen=True, cache_hash=True, array_like=True, tag_field="variant", tag="Instance"):
    """An instance of a project's class that is not mapped; `fields` are what its construction gave it."""

    cls: str
    fields: tuple[tuple[str, Value], ...] = ()
    born: tuple[Site, ...] = ()
    """The loops in each of whose iterations it was made anew."""


class SessionId(msgspec.Struct, frozen=True, order=True, cache_hash=True, array_like=True):
    """Which session: `kind` is made, param, field, global, given (by a dependency or decorator), arg (a summary's own)."""

    kind: str
    site: Site
    name: str = ""


CORE = "a connection"
"""The name of what stands for the transaction of a Core connection."""


def is_core(session: Session) -> bool:
    """Whether this is a Core connection, not a session of the ORM."""
    return session.id.name == CORE


def noun(session: Session) -> str:
    """What a user calls it."""
    return "connection" if is_core(session) else "session"


def core_connection(value: Value) -> Session | None:
    """The transaction that a connection carries, where it was made from an engine."""
    if type(value) is LibInstance and value.cls in ("connection", "async_connection"):
        held = dict(value.data).get("session")
        if isinstance(held, Session) and is_core(held):
            return held
    return None


def unowned(value: Value) -> Value:
    """A connection that an object keeps: whoever has the object may end its transaction."""
    return LibInstance(value.cls) if type(value) is LibInstance and core_connection(value) is not None else value


_ANEW = "made anew at "


def anew(site: Site) -> str:
    """The name of a registry's session where each call of the function at `site` makes another registry."""
    return f"{_ANEW}{site.path}:{site.start}"


def is_anew(id: SessionId) -> bool:
    """Whether the registry of a session is another one for each call that gave it."""
    return id.name.startswith(_ANEW)


def is_made(id: SessionId) -> bool:
    """Whether the function that names a session has made it, or the registry that it comes from: nobody else has it."""
    return id.kind == "made" or is_anew(id)


def registry_of(id: SessionId) -> SessionId:
    """What the registries are known by: where they are made, whoever has asked."""
    return SessionId(id.kind, NOWHERE, id.name) if is_anew(id) else id


class Session(msgspec.Struct, frozen=True, cache_hash=True, array_like=True, tag_field="variant", tag="Session"):
    """A session. `expires` is `expire_on_commit`; `born` the loops in whose iteration it was made."""

    id: SessionId
    is_async: bool = False
    expires: Union[bool, None] = True
    scoped: bool = False
    born: tuple[Site, ...] = ()
    ended_by: str = ""
    """Who ends it if not its user: "" (its maker), "framework", "registry"."""
    autocommit: bool = False
    """Each statement is committed by itself: no transaction stays open."""
    committed_by: str = ""
    """The request dependency that commits it when its user is done."""
    scope: str = ""
    """Of a dependency's session: the scope that its declaration gives; "none" where nobody ends it, "unknown" where somebody else does."""
    autoflush: Union[bool, None] = None
    """Whether a query sends what is pending first; None where its factory is not at hand."""
    cls: str = ""
    """The project's own class of it, where it has one."""


class Factory(msgspec.Struct, frozen=True, cache_hash=True, array_like=True, tag_field="variant", tag="Factory"):
    """A session factory: a `sessionmaker`, or what behaves as one."""

    is_async: bool
    expires: Union[bool, None]
    site: Site
    scoped: bool = False
    flask: bool = False
    autocommit: bool = False
    autoflush: Union[bool, None] = None
    cls: str = ""
    """The project's own class of what it makes."""


class Origin(msgspec.Struct, frozen=True, cache_hash=True, array_like=True):
    """Where an entity came from, shared by all that one query gave.

    `kind` is query, get, new, param (a parameter, nothing known of its query), self, arg (a summary's own), unknown.
    `loaded` are the relationship paths that were loaded with it; `blocked` those with raiseload or noload.
    """

    kind: str
    site: Site
    name: str = ""
    loaded: frozenset[str] = frozenset()
    blocked: frozenset[str] = frozenset()
    undeferred: frozenset[str] = frozenset()
    deferred: frozenset[str] = frozenset()
    session: Union[Session, None] = None
    via: tuple[Site, ...] = ()
    expired: Union[Site, None] = None
    exact: bool = True
    """False where an option of the query could not be read: what is loaded is then not known."""
    whole: bool = False
    """The query has no criteria: every row of the table is there."""
    beside: tuple[str, ...] = ()
    """The other mapped classes that each row of the query holds."""
    keys: frozenset[str] = frozenset()
    """The columns that the query compares with a value: what it looked the row up by."""
    locked: bool = False
    """The rows were locked when they were read."""


class Entity(msgspec.Struct, frozen=True, cache_hash=True, array_like=True, tag_field="variant", tag="Entity"):
    """An instance of a mapped class, reached from `origin` by the relationships in `path`."""

    model: str
    origin: Origin
    path: tuple[str, ...] = ()
    born: tuple[Site, ...] = ()
    """The loops in each of whose iterations this is another row."""
    base: str = ""
    """Where `isinstance` told a subclass: the class that the query loaded."""


class Coll(msgspec.Struct, frozen=True, cache_hash=True, array_like=True, tag_field="variant", tag="Coll"):
    """A collection: list, set, tuple, iterator, dict (then `key` too), dynamic. `size` is known for displays."""

    kind: str
    elem: Value
    key: Union[Value, None] = None
    size: Union[int, None] = None
    batches: bool = False
    """True where each element is itself a batch of rows."""
    lazy: tuple[Session, ...] = ()
    """The sessions that it uses when it is consumed: a generator's, a `map`'s."""
    streams: bool = False
    """Whether its rows come from a cursor that is open while they are consumed, the one of the first of `lazy`."""


class Tup(msgspec.Struct, frozen=True, cache_hash=True, array_like=True, tag_field="variant", tag="Tup"):
    """A tuple of known length; of a row, `names` are what its columns are called."""

    items: tuple[Value, ...]
    names: tuple[str, ...] = ()


class ModelAttr(msgspec.Struct, frozen=True, cache_hash=True, array_like=True, tag_field="variant", tag="ModelAttr"):
    """`Order.lines`: a mapped attribute on its class, as options, criteria and columns name it."""

    model: str
    name: str
    of_type: str = ""


class Option(msgspec.Struct, frozen=True, cache_hash=True, array_like=True, tag_field="variant", tag="Option"):
    """A loader option: dotted paths from the query's entity, each with what it does (eager, block, defer, undefer, only)."""

    paths: tuple[tuple[str, str], ...]
    prefix: str = ""
    exact: bool = True
    model: str = ""
    joined: frozenset[str] = frozenset()
    """Those of the eager paths that come by a join."""


class Query(msgspec.Struct, frozen=True, cache_hash=True, array_like=True, tag_field="variant", tag="Query"):
    """A `Query` or a `select()`; `columns` are entities (ClassRef), attributes or plain values, in order."""

    style: str
    columns: tuple[Value, ...]
    site: Site
    session: Union[Session, None] = None
    options: tuple[Option, ...] = ()
    batched: bool = False
    limited: bool = False
    exact: bool = True
    joined_collection: str = ""
    """The path of a collection that the options join: each parent comes once per child."""
    dml: str = ""
    filters: tuple[str, ...] = ()
    locked: bool = False
    manual: bool = False
    """It was told not to flush first."""
    at_most: Union[int, None] = None
    """The constant of its `limit()`."""
    over: tuple[Site, ...] = ()
    """The loops in which it is about another class or table each time."""
    about: frozenset[str] = frozenset()
    """The parameters of its function that say which class or table it is about."""
    subjects: frozenset[str] = frozenset()
    """The names that say so."""
    keys: tuple[ModelAttr, ...] = ()
    """The attributes that must equal a value."""
    sets: tuple[str, ...] = ()
    """What an INSERT or UPDATE sets; "*" where not all of it is known."""
    told: tuple[Seen, ...] = ()
    """Attributes that are set to something computed from what was read of them."""
    table: str = ""
    """The table that a statement without an entity writes to."""
    unsynchronized: bool = False
    """`synchronize_session=False`: objects in the session do not see what it changes."""
    upsert: bool = False
    refreshes: bool = False
    """`populate_existing`: objects in the session are overwritten with what is read."""
    cls: str = ""
    """The project's own class of queries, whose methods it has."""


class Result(msgspec.Struct, frozen=True, cache_hash=True, array_like=True, tag_field="variant", tag="Result"):
    """What executing gave: `shape` is rows, scalars or mappings."""

    shape: str
    query: Query
    session: Union[Session, None]
    is_async: bool = False
    unique: bool = False
    site: Site = NOWHERE
    origins: tuple[Value, ...] = ()
    batched: bool = False


class Awaitable(msgspec.Struct, frozen=True, cache_hash=True, array_like=True, tag_field="variant", tag="Awaitable"):
    """A coroutine or future that gives `value`; `made` is the call that gave it, where that matters."""

    value: Value
    made: Union[Site, None] = None
    uses: tuple[Session, ...] = ()
    """The sessions that it works on while it runs."""
    holds: tuple[Session, ...] = ()
    """The sessions of the entities that it was given."""
    born: tuple[Site, ...] = ()
    """The loops in each of whose iterations it was made anew."""
    started: bool = False
    """It runs already, whether it is awaited or not."""


class Manager(msgspec.Struct, frozen=True, cache_hash=True, array_like=True, tag_field="variant", tag="Manager"):
    """A context manager: what `with … as x` binds, and what ends at its exit.

    `kind` is session (closes), begin (commits or rolls back; `session` is its), nested, function (`func` is a
    `contextmanager` generator, `args` its arguments), object (an instance with `__enter__`), closing, stack, other.
    """

    kind: str
    enter: Value
    session: Union[Session, None] = None
    func: Union[Value, None] = None
    args: tuple[Value, ...] = ()
    keywords: tuple[tuple[str, Value], ...] = ()


class Super(msgspec.Struct, frozen=True, cache_hash=True, array_like=True, tag_field="variant", tag="Super"):
    """`super()` inside a method of class `cls`, with its `self`."""

    cls: str
    bound: Value


class TypeVarRef(msgspec.Struct, frozen=True, cache_hash=True, array_like=True, tag_field="variant", tag="TypeVarRef"):
    name: str
    bound: Union[Value, None] = None


class UnionOf(msgspec.Struct, frozen=True, cache_hash=True, array_like=True, tag_field="variant", tag="UnionOf"):
    """One of several values; at most `WIDTH` of them."""

    items: tuple[Value, ...]


Value = Union[
    Unknown, Never, Const, NameOf, Plain, LibRef, LibInstance, ModuleRef, ClassRef, FuncRef, Method, Partial, Instance, Session, Factory,
    Entity, Coll, Tup, ModelAttr, Option, Query, Result, Awaitable, Manager, Super, TypeVarRef, UnionOf,
]  # fmt: skip

WIDTH = 6


def options_of(value: Value) -> tuple[Value, ...]:
    """The values that it may be: one, or a union's."""
    return value.items if type(value) is UnionOf else (value,)


def join(left: Value, right: Value) -> Value:
    """The least value that is either: equal values stay, `Never` vanishes, wide unions become Unknown."""
    if left is right or left == right:
        return left
    if type(left) is Never:
        return right
    if type(right) is Never:
        return left
    return union((*options_of(left), *options_of(right)))


def union(items: tuple[Value, ...], width: int = WIDTH) -> Value:
    """A union without repetitions, collections merged by kind; Unknown absorbs nothing but width. What was made wider may stay so."""
    distinct: list[Value] = []
    if any(type(item) is UnionOf for item in items):
        width = max(width, *(len(item.items) for item in items if type(item) is UnionOf))
        items = tuple(part for item in items for part in options_of(item))
    for item in items:
        if type(item) is Never or item in distinct:
            continue
        merged = False
        if type(item) is Coll:
            for at, other in enumerate(distinct):
                if type(other) is Coll and other.kind == item.kind and other.batches == item.batches:
                    distinct[at] = Coll(
                        item.kind, union((other.elem, item.elem), width), _join_keys(other.key, item.key), None, item.batches
                    )
                    merged = True
                    break
        elif type(item) is Query:
            for at, other in enumerate(distinct):
                if type(other) is Query and (other.style, other.columns, other.session) == (item.style, item.columns, item.session):
                    distinct[at] = _common(other, item)
                    merged = True
                    break
        elif type(item) is Plain or (type(item) is Const and item.kind != "none"):
            for at, other in enumerate(distinct):
                if (type(other) is Plain or (type(other) is Const and other.kind != "none")) and _type(other) == _type(item):
                    distinct[at] = Plain(_type(item), tuple(dict.fromkeys((*seen_in(other), *seen_in(item))))[:_SEEN])
                    merged = True
                    break
        elif type(item) is NameOf:
            for at, other in enumerate(distinct):
                if type(other) is NameOf:
                    distinct[at] = NameOf(tuple(dict.fromkeys((*other.names, *item.names))))
                    merged = True
                    break
        elif type(item) is Unknown:
            merged = any(type(other) is Unknown for other in distinct)
        elif type(item) is Instance:
            for at, other in enumerate(distinct):
                if type(other) is Instance and other.cls == item.cls:
                    distinct[at] = Instance(item.cls, _join_fields(other.fields, item.fields), item.born or other.born)
                    merged = True
                    break
        if not merged:
            distinct.append(item)
    if not distinct:
        return NEVER
    if len(distinct) == 1:
        return distinct[0]
    if len(distinct) > width:
        return Unknown("too many alternatives")
    return UnionOf(tuple(distinct))


def _common(left: Query, right: Query) -> Query:
    """One of two ways to have built a query: only what both have holds after it."""
    shared = tuple(option for option in left.options if option in right.options)
    paths = {pair for option in right.options for pair in option.paths}
    if len(shared) < len(left.options):
        shared = tuple(
            msgspec.structs.replace(option, paths=tuple(pair for pair in option.paths if pair in paths)) for option in left.options
        )
    return msgspec.structs.replace(
        left,
        options=shared,
        exact=left.exact and right.exact and all(option.exact for option in (*left.options, *right.options)),
        joined_collection=left.joined_collection or right.joined_collection,
        limited=left.limited and right.limited,
        batched=left.batched or right.batched,
        filters=left.filters or right.filters,
        locked=left.locked or right.locked,
        keys=tuple(key for key in left.keys if key in right.keys),
        sets=tuple(dict.fromkeys((*left.sets, *right.sets))),
        told=tuple(dict.fromkeys((*left.told, *right.told)))[:_SEEN],
        unsynchronized=left.unsynchronized and right.unsynchronized,
        upsert=left.upsert or right.upsert,
        refreshes=left.refreshes or right.refreshes,
    )


def _join_keys(left: Value | None, right: Value | None) -> Value | None:
    if left is None or right is None:
        return left if right is None else right
    return join(left, right)


def _join_fields(left: tuple[tuple[str, Value], ...], right: tuple[tuple[str, Value], ...]) -> tuple[tuple[str, Value], ...]:
    other = dict(right)
    return tuple((name, join(value, other[name])) for name, value in left if name in other)


_SEEN = 4


def _type(value: Const | Plain) -> str:
    return value.kind if type(value) is Const else value.type  # type: ignore[union-attr]


def seen_in(value: Value) -> tuple[Seen, ...]:
    """What a value, or any that it may be, was taken or computed from."""
    if type(value) is Plain:
        return value.seen
    if type(value) is UnionOf:
        return tuple(seen for item in value.items if type(item) is Plain for seen in item.seen)[:_SEEN]
    return ()


def computed(value: Value, *sources: Value) -> Value:
    """The value as one that was computed from `sources`."""
    seen = tuple(dict.fromkeys(Seen(item.entity, item.attr, "computed") for source in sources for item in seen_in(source) if item.attr))
    return Plain(value.type if type(value) is Plain else "", seen[:_SEEN]) if seen else value


def widen(value: Value, depth: int = 0) -> Value:
    """The value with constants and sizes forgotten and nesting bounded, so that fixed points end and keys stay few."""
    kind = type(value)
    if kind is Const:
        return value if value.kind in ("none", "bool") else Plain(value.kind)  # type: ignore[union-attr]
    if depth > 4:
        return Unknown("nested too deep") if kind in (Coll, Tup, UnionOf, Instance, Partial) else value
    if kind is Coll:
        assert isinstance(value, Coll)
        key = None if value.key is None else widen(value.key, depth + 1)
        return Coll(value.kind, widen(value.elem, depth + 1), key, None, value.batches)
    if kind is Tup:
        assert isinstance(value, Tup)
        return Tup(tuple(widen(item, depth + 1) for item in value.items[:12]), value.names[:12])
    if kind is UnionOf:
        assert isinstance(value, UnionOf)
        return union(tuple(widen(item, depth + 1) for item in value.items))
    return value


def without_none(value: Value) -> Value:
    """The value where it is known not to be None."""
    if type(value) is UnionOf:
        return union(tuple(item for item in value.items if item != NONE))
    return NEVER if value == NONE else value


class Actual(msgspec.Struct, frozen=True, array_like=True):
    """An argument of a call, evaluated: `star` is 1 for `*a`, 2 for `**k`."""

    value: Value
    keyword: Union[str, None] = None
    star: int = 0
