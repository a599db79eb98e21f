"""The neutral words in which every library is described, and the frozen rows that use them.

Takes nothing and imports no library. A row says what a name of a library *means*; what follows from that is for `semantics`.
All words stand here with their meaning: `KINDS`, `EFFECTS`, `RETURNS`. A row that uses another word fails the tests.

Versions are strings such as "1.4" or "2.0.22"; `since` is the first version that has the name, `until` the last one
(inclusive, so "1.4" means every 1.4.x), None when it is still there. They are versions of `library`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Union

import msgspec


class ClassRow(msgspec.Struct, frozen=True, gc=False):
    """A class, or a callable that yields a value of a known kind."""

    qualnames: tuple[str, ...]
    """Every public dotted path by which code imports it."""
    kind: str
    """What an instance is (form "class"), what a call yields (form "function"): a key of `KINDS`."""
    form: str = "class"
    """class: can be called, subclassed and used as an annotation · function: can only be called · decorator: applied to a class or
    function · annotation: only used as a type."""
    since: str = "1.3"
    until: Union[str, None] = None
    library: str = "sqlalchemy"


class MethodRow(msgspec.Struct, frozen=True, gc=False):
    """A method or attribute of every value of one kind; dunder names say what the operator, `with`, `for` or call does."""

    owner: str
    """A key of `KINDS`."""
    name: str
    effect: str
    """A key of `EFFECTS`; "" is none."""
    returns: str
    """A key of `RETURNS` or of `KINDS`."""
    awaitable: bool = False
    """What is returned must be awaited to have the effect and give the value."""
    startable: bool = False
    """`async with` may stand in the place of `await` (`AsyncSession.begin()`, `AsyncEngine.connect()`)."""
    is_property: bool = False
    since: str = "1.3"
    until: Union[str, None] = None


class FunctionRow(msgspec.Struct, frozen=True, gc=False):
    """A function of a library that does something, or gives something that is not simply a value of one kind."""

    qualnames: tuple[str, ...]
    effect: str
    returns: str
    awaitable: bool = False
    form: str = "function"
    """function · decorator."""
    since: str = "1.3"
    until: Union[str, None] = None
    library: str = "sqlalchemy"


class LoaderRow(msgspec.Struct, frozen=True, gc=False):
    """A loader option: what it makes of the attributes that it names. Each is a function and, where `method`, a method of `Load`."""

    name: str
    qualnames: tuple[str, ...]
    eager: Union[bool, None]
    """True: the attribute is loaded with its parent · False: it is not, a read acts by `on_read` · None: it only leads on to the next
    attribute of the chain."""
    blocks: bool
    """A read of the attribute raises, or gives nothing, in place of loading."""
    on_read: str
    """loaded · loads · raises · empty · "" for options that only lead on."""
    target: str
    """relationship · column · group (of columns) · subclass."""
    method: bool = True
    since: str = "1.3"
    until: Union[str, None] = None


class LazyRow(msgspec.Struct, frozen=True, gc=False):
    """A value of `relationship(lazy=…)` and what a read of the attribute does under it."""

    value: Union[str, bool, None]
    on_read: str
    """loads: one SELECT at the first read · loaded: loaded with its parent · raises · raises_on_sql: raises unless the identity map
    holds it · query: the attribute is a query object, SQL runs when that is consumed · write_only: a collection that can only be
    written and selected from · empty: always None or an empty list."""
    per_parent: bool = False
    """Loading eagerly costs one SELECT for each parent."""
    since: str = "1.3"
    until: Union[str, None] = None


class ParameterRow(msgspec.Struct, frozen=True, gc=False):
    """A parameter with meaning, of a callable or of a class's constructor."""

    owner: str
    """A kind of `KINDS`, or "kind.method"."""
    name: str
    position: Union[int, None] = None
    """From 0, without self; None for keyword only."""
    default: Union[str, bool, int, None] = None
    since: str = "1.3"
    until: Union[str, None] = None


class ExternalRow(msgspec.Struct, frozen=True, gc=False):
    """Calls that leave the process or stop it: by function (`qualnames`) or by method of a kind of receiver."""

    library: str
    category: str
    """A key of `CATEGORIES`."""
    qualnames: tuple[str, ...] = ()
    receiver: str = ""
    """A kind of `KINDS` (`external_…`)."""
    names: tuple[str, ...] = ()
    """Methods of the receiver. "*" is every method, also through attributes (`client.chat.completions.create`)."""
    exempt: tuple[str, ...] = ()
    """Under "*": the names that stay inside the process."""
    awaitable: bool = False


class EffectRow(msgspec.Struct, frozen=True, gc=False):
    """What an effect word says about the session, connection or transaction that the method is called on."""

    meaning: str
    runs_sql: bool = False
    autoflushes: bool = False
    autobegins: bool = False
    """Afterwards an explicit `begin()` on the session raises (2.x)."""
    opens_transaction: bool = False
    """Afterwards a database transaction is open."""
    ends_transaction: bool = False
    writes: bool = False
    expires: str = ""
    """all · given: what it marks expired. A commit only under `expire_on_commit`."""
    detaches: str = ""
    """all · given."""


def classes(
    modules: str, names: str, kind: str, form: str = "class", since: str = "1.3", until: str | None = None, library: str = "sqlalchemy"
) -> Iterable[ClassRow]:
    """One row for each name, importable from each module; both are lists separated by blanks."""
    places = modules.split()
    for name in names.split():
        yield ClassRow(tuple([f"{place}.{name}" for place in places]), kind, form, since, until, library)


def methods(
    owners: str,
    effect: str,
    returns: str,
    names: str,
    since: str = "1.3",
    until: str | None = None,
    awaitable: bool = False,
    startable: bool = False,
    is_property: bool = False,
) -> Iterable[MethodRow]:
    """One row for each owner and name; both are lists separated by blanks."""
    parts = names.split()
    for owner in owners.split():
        for name in parts:
            yield MethodRow(owner, name, effect, returns, awaitable, startable, is_property, since, until)


def functions(
    modules: str,
    names: str,
    effect: str,
    returns: str,
    form: str = "function",
    awaitable: bool = False,
    since: str = "1.3",
    until: str | None = None,
    library: str = "sqlalchemy",
) -> Iterable[FunctionRow]:
    """One row for each name, importable from each module; both are lists separated by blanks."""
    places = modules.split()
    for name in names.split():
        yield FunctionRow(tuple([f"{place}.{name}" for place in places]), effect, returns, awaitable, form, since, until, library)


EFFECTS: dict[str, EffectRow] = {
    "": EffectRow("nothing that matters here"),
    "commit": EffectRow("flushes and commits", runs_sql=True, ends_transaction=True, writes=True, expires="all"),
    "rollback": EffectRow("rolls back", runs_sql=True, ends_transaction=True, expires="all"),
    "commit_or_rollback": EffectRow(
        "leaves a block: commits, or rolls back when an exception passes", runs_sql=True, ends_transaction=True, writes=True, expires="all"
    ),
    "commit_and_close": EffectRow(
        "leaves a block: commits or rolls back, then closes",
        runs_sql=True,
        ends_transaction=True,
        writes=True,
        expires="all",
        detaches="all",
    ),
    "flush": EffectRow("sends pending changes", runs_sql=True, autobegins=True, opens_transaction=True, writes=True),
    "query": EffectRow("runs a SELECT", runs_sql=True, autoflushes=True, autobegins=True, opens_transaction=True),
    "get": EffectRow(
        "runs a SELECT by primary key unless the identity map holds the object", runs_sql=True, autobegins=True, opens_transaction=True
    ),
    "execute": EffectRow("runs the given statement", runs_sql=True, autoflushes=True, autobegins=True, opens_transaction=True),
    "write": EffectRow(
        "runs an INSERT, UPDATE or DELETE at once", runs_sql=True, autoflushes=True, autobegins=True, opens_transaction=True, writes=True
    ),
    "stream": EffectRow(
        "runs the given statement; rows are fetched as they are consumed",
        runs_sql=True,
        autoflushes=True,
        autobegins=True,
        opens_transaction=True,
    ),
    "fetch": EffectRow("takes rows from a cursor that is already open"),
    "close_result": EffectRow("closes the cursor; the session goes on"),
    "add": EffectRow("puts the given object into the session", autobegins=True),
    "add_all": EffectRow("puts the given objects into the session", autobegins=True),
    "delete": EffectRow(
        "marks the given object for deletion; loads its cascading relationships", runs_sql=True, autobegins=True, opens_transaction=True
    ),
    "delete_all": EffectRow(
        "marks the given objects for deletion; loads their cascading relationships", runs_sql=True, autobegins=True, opens_transaction=True
    ),
    "merge": EffectRow(
        "copies the given object into the session; a SELECT unless the identity map holds its key",
        runs_sql=True,
        autoflushes=True,
        autobegins=True,
        opens_transaction=True,
    ),
    "merge_all": EffectRow(
        "copies the given objects into the session, a SELECT each", runs_sql=True, autoflushes=True, autobegins=True, opens_transaction=True
    ),
    "refresh": EffectRow("reads the given object again", runs_sql=True, autoflushes=True, autobegins=True, opens_transaction=True),
    "expire": EffectRow("marks the given object's attributes to be read again", expires="given"),
    "expire_all": EffectRow("marks all objects of the session to be read again", expires="all"),
    "expunge": EffectRow("takes the given object out of the session", detaches="given"),
    "expunge_all": EffectRow("takes all objects out of the session", detaches="all"),
    "close": EffectRow(
        "releases the connection, rolls back what is open, detaches all", runs_sql=True, ends_transaction=True, detaches="all"
    ),
    "close_all": EffectRow("closes every session of the process", runs_sql=True, ends_transaction=True, detaches="all"),
    "reset": EffectRow("as close; the session stays usable by intent", runs_sql=True, ends_transaction=True, detaches="all"),
    "invalidate": EffectRow("as close; the connection is dropped", ends_transaction=True, detaches="all"),
    "remove": EffectRow(
        "closes the current session of the registry and forgets it", runs_sql=True, ends_transaction=True, detaches="all"
    ),
    "begin": EffectRow("begins a transaction by hand; raises when one is begun", autobegins=True),
    "begin_nested": EffectRow("flushes and sets a savepoint", runs_sql=True, autobegins=True, opens_transaction=True, writes=True),
    "prepare": EffectRow("flushes and prepares the second phase of the commit", runs_sql=True, opens_transaction=True, writes=True),
    "connect": EffectRow("takes a connection from the pool"),
    "connection": EffectRow("takes the session's connection", autobegins=True, opens_transaction=True),
    "dispose": EffectRow("closes the pool's connections"),
    "configure": EffectRow("changes how later values are made"),
    "enter": EffectRow("enters the block of a context manager"),
    "no_autoflush": EffectRow("a block in which queries do not flush first"),
    "detach": EffectRow("takes an object out of any session", detaches="given"),
    "run_sync": EffectRow("runs the given function in a greenlet, with the sync twin of the receiver as its first argument"),
    "run_with": EffectRow("runs the given function with the receiver's connection as its first argument", runs_sql=True),
    "build": EffectRow("a decorator or function that maps a class"),
    "listen": EffectRow("registers the given or decorated function as an event hook"),
    "call_out": EffectRow("leaves the process"),
}

RETURNS: dict[str, str] = {
    "none": "None",
    "same": "the receiver's own kind, with the same content (built further or the receiver itself)",
    "element": "one element of the receiver; raises when there is none",
    "element_or_none": "one element of the receiver, or None",
    "list": "a list of the receiver's elements, all of them fetched",
    "iterator": "the receiver's elements, one at a time",
    "chunks": "lists of the receiver's elements, one list at a time",
    "async_chunks": "lists of the receiver's elements, by `async for`",
    "entity": "an instance of the mapped class that is the first argument; raises when there is none",
    "entity_or_none": "an instance of the mapped class that is the first argument, or None",
    "merged": "the session's own copy of the object that is the first argument",
    "merged_list": "a list of the session's own copies of the objects that are the first argument",
    "scalar": "the first column or entity of one element (of the given statement, else of the receiver); raises when none",
    "scalar_or_none": "as scalar, or None",
    "count": "a number of rows",
    "bool": "a bool",
    "value": "a plain value without meaning for the ORM: a string, a number, a dict of settings",
    "entities": "a set or list of entities of no known model (`session.new`)",
    "expression": "an SQL expression",
    "session_or_none": "the session of the object that is the first argument, or None",
    "async_session_or_none": "the AsyncSession of the object that is the first argument, or None",
    "query_of_arguments": "a query over the arguments",
    "query_and_arguments": "a query over the receiver's entities and the arguments",
    "select_of_arguments": "a SELECT of the arguments, with the receiver's criteria",
    "select_and_arguments": "a SELECT of the receiver's columns and the arguments",
    "item": "by index one element, by slice a list of the receiver's elements",
    "pairs": "pairs of a name and one of the receiver's elements",
    "argument": "the first argument itself",
    "class_of_argument": "the class that is the first argument (`aliased(Model)` reads like Model)",
    "awaitable_attributes": "the receiver's attributes, each to be awaited",
    "query": "a Query over the same entities, bound to the same session",
    "decorator": "a decorator",
    "callable": "a function",
    "unknown": "anything",
}

KINDS: dict[str, str] = {
    "session": "a Session",
    "async_session": "an AsyncSession",
    "scoped_session": "a registry that acts as the current Session",
    "async_scoped_session": "a registry that acts as the current AsyncSession",
    "session_factory": "sessionmaker: a call gives a session",
    "async_session_factory": "async_sessionmaker: a call gives an async_session",
    "begun_session": "a context manager that gives a session inside a transaction, ends both",
    "begun_async_session": "the same, asynchronous",
    "engine": "an Engine",
    "async_engine": "an AsyncEngine",
    "begun_connection": "a context manager that gives a connection inside a transaction, ends both",
    "begun_async_connection": "the same, asynchronous",
    "connection": "a Core Connection",
    "async_connection": "an AsyncConnection",
    "raw_connection": "a DBAPI connection",
    "transaction": "a Core transaction of a connection",
    "async_transaction": "the same, asynchronous",
    "session_transaction": "a SessionTransaction: a context manager that commits or rolls back",
    "async_session_transaction": "the same, asynchronous",
    "autoflush_block": "a context manager: in its block queries do not flush first; gives the session",
    "query": "a legacy Query",
    "dynamic_collection": "a Query that is also a collection: the value of a `lazy=\"dynamic\"` relationship",
    "write_only_collection": "the value of a `lazy=\"write_only\"` relationship",
    "query_property": "the class attribute `Model.query`",
    "select": "a SELECT statement",
    "compound_select": "UNION, EXCEPT, INTERSECT of statements",
    "subquery": "a subquery or alias in FROM",
    "cte": "a common table expression",
    "exists": "an EXISTS expression",
    "scalar_select": "a SELECT used as a column",
    "insert": "an INSERT statement",
    "update": "an UPDATE statement",
    "delete": "a DELETE statement",
    "text": "a statement as text",
    "textual_select": "text with named columns",
    "from_statement": "a statement from which entities are loaded",
    "result": "rows of an executed statement",
    "scalar_result": "the first column or entity of each row",
    "mapping_result": "each row as a mapping",
    "async_result": "rows of a streamed statement",
    "async_scalar_result": "the first column or entity of each streamed row",
    "async_mapping_result": "each streamed row as a mapping",
    "frozen_result": "a Result that can be made again from what was fetched",
    "row": "a named tuple of what was selected",
    "row_mapping": "a row as a mapping",
    "declarative_base": "a class whose subclasses are mapped",
    "declarative_base_factory": "a call gives a declarative base",
    "declarative_base_decorator": "makes the decorated class a declarative base",
    "automap_base_factory": "a call gives a base whose classes come from the database",
    "dataclass_base": "a mixin: mapped subclasses are dataclasses too",
    "async_attrs": "a mixin that gives `awaitable_attrs`",
    "mapped_mixin": "marks a mixin of mapped classes",
    "registry": "a registry of mapped classes",
    "imperative_mapper": "a call maps a plain class to a table",
    "mapped_annotation": "`Mapped[X]`: an attribute of the mapped class",
    "dynamic_annotation": "`DynamicMapped[X]`: a dynamic relationship",
    "write_only_annotation": "`WriteOnlyMapped[X]`: a write-only relationship",
    "mapped_dataclass_decorator": "maps the decorated class as a dataclass",
    "column": "a column",
    "relationship": "a relationship",
    "dynamic_relationship": "a relationship with lazy=\"dynamic\"",
    "backref": "the other side of a relationship, with options",
    "synonym": "another name of an attribute",
    "synonym_decorator": "a decorator: the function replaces a synonym",
    "column_property": "an attribute that is an SQL expression",
    "query_expression": "an attribute that `with_expression` fills",
    "composite": "several columns as one value",
    "deferred": "a column that is not loaded with its row",
    "hybrid": "a property that is also an SQL expression",
    "hybrid_method": "a method that is also an SQL expression",
    "association_proxy": "an attribute that reads an attribute of a related object",
    "declared_attr": "a decorator: the function gives an attribute of each mapped subclass",
    "validator": "a decorator: the method runs when an attribute is set",
    "reconstructor": "a decorator: the method runs when an object is loaded",
    "event_listener": "registers an event hook",
    "loader_option": "an option of a query",
    "mapper": "a Mapper",
    "inspection": "what inspect() gives",
    "table": "a Table",
    "metadata": "a MetaData",
    "foreign_key": "a foreign key of a column",
    "collection_class": "a class or factory of collections for relationships",
}

CATEGORIES: dict[str, str] = {
    "http": "an HTTP request",
    "mail": "a mail",
    "queue": "a message or task",
    "process": "a process",
    "sleep": "a wait",
    "llm": "a language-model call",
    "cache": "a cache access",
    "storage": "a storage access",
    "payment": "a payment call",
    "sms": "a text message or call",
    "chat": "a chat message",
    "rpc": "a remote call",
    "search": "a search-engine call",
    "socket": "a network connection",
}
