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
    library: str = "sqlalchemy"


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
    others: str = ""
    """deferred: the columns that are not named are not loaded."""
    since: str = "1.3"
    until: Union[str, None] = None
    joins: bool = False
    """The attribute comes by a join: rows of a collection repeat their parent."""


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
    library: str = "sqlalchemy"


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


class CallbackRow(msgspec.Struct, frozen=True, gc=False):
    """An argument that the callee calls: of functions (`qualnames`) or of methods of a kind of receiver."""

    qualnames: tuple[str, ...]
    receiver: str
    names: tuple[str, ...]
    position: Union[int, None]
    """Which positional argument is called; None where only the keyword gives it."""
    keyword: str
    receives: str
    """nothing · element (of the source) · elements_of_element (unpacked) · accumulated (result so far, element) · rest (the arguments
    after it) · receiver · receiver_and_rest · sync_twin_and_rest (the sync twin of the receiver, then the arguments after it)."""
    source: Union[int, str]
    """Where the elements come from: the position of an argument, "receiver", or ""."""
    times: str
    """once · per_element · later."""


class DecoratorRow(msgspec.Struct, frozen=True, gc=False):
    """A decorator and what it makes of the function or class."""

    qualnames: tuple[str, ...]
    meaning: str
    """A key of `DECORATIONS`."""


class TypingRow(msgspec.Struct, frozen=True, gc=False):
    """A name used in annotations: what a value of that type is, and which of the type arguments is its content."""

    qualnames: tuple[str, ...]
    form: str
    """A key of `TYPING_FORMS`."""
    content: Union[int, None] = None
    """The position of the type argument that is the element, value, result or member; union and tuple: the first of several."""


class ConcurrencyRow(msgspec.Struct, frozen=True, gc=False):
    """A call that makes work run beside, or after, its caller."""

    runs_in: str
    """task · thread · process · after_response (of the web framework)."""
    work: str
    """coroutines (each argument is one) · coroutine · coroutine_list · callable (see position) · callables."""
    qualnames: tuple[str, ...] = ()
    receiver: str = ""
    names: tuple[str, ...] = ()
    position: Union[int, None] = None
    """Which positional argument is the work."""
    keyword: str = ""
    arguments: str = ""
    """How the work gets its own arguments: "" none · rest (the positional and keyword arguments after it) · args (the arguments
    `args` and `kwargs`) · elements (one call for each element of the rest)."""
    many: bool = False
    """One call runs several pieces of work at once."""
    waits: bool = False
    """The caller goes on only when the work is done (`await to_thread(f)`)."""
    library: str = "python"


class SerializeRow(msgspec.Struct, frozen=True, gc=False):
    """A call that reads attributes of an object to make plain data of it."""

    reads: str
    """first: the first argument · receiver: the object that the method is called on."""
    through: str
    """schema: the fields of the class that the method is called on (or of the receiver's class) · attributes: all that it finds ·
    dict: only what is loaded (`__dict__`)."""
    qualnames: tuple[str, ...] = ()
    receiver: str = ""
    names: tuple[str, ...] = ()
    many: str = ""
    """The parameter that says that the argument is a collection."""
    library: str = "pydantic"


class RenderRow(msgspec.Struct, frozen=True, gc=False):
    """A call that renders a template."""

    template: Union[int, str]
    """Position or keyword of the template's name or text; "receiver" where the receiver is the template."""
    context: str
    """keywords: each keyword argument is a variable · the name of the parameter that holds a dict."""
    qualnames: tuple[str, ...] = ()
    receiver: str = ""
    names: tuple[str, ...] = ()
    context_position: Union[int, None] = None
    is_text: bool = False
    """The template is given as text, not by name."""
    library: str = "flask"


class HistoryRow(msgspec.Struct, frozen=True, gc=False):
    """A library that keeps the versions of rows: it maps one more class for each class with its marker, and one of transactions."""

    package: str
    marker: str
    """The class attribute that asks for it, a dict of options; its `exclude` names columns that are left out."""
    switches: tuple[str, ...]
    """Its options that turn it off for a class where they are False."""
    suffix: str
    """The version class has the name of its class with this behind it, the columns of its class, and those below."""
    key: str
    """The column that is part of its primary key."""
    columns: tuple[str, ...]
    collection: str
    """The dynamic relationship from an object to its versions."""
    parent: str
    """The lazy relationship from a version to the object."""
    transaction: str
    """The lazy relationship from a version to the transaction that made it."""
    transaction_class: str
    transaction_columns: tuple[str, ...]
    maker: str
    """The function that turns the library on; its keyword `user_class` (if not given: `default_user`) names the class of `user`."""
    user: str
    user_class: str
    default_user: str
    reads: tuple[tuple[str, str], ...]
    """Attributes of a version that send a SELECT each time that they are read, each with what it gives: version, number, changes. So do
    the relationships that a version has of its class."""
    linked: tuple[str, ...]
    """Those of `reads` that send nothing where the versions came linked."""
    finds: tuple[tuple[str, bool], ...]
    """Class methods that send one SELECT with the session that is their first argument: each with whether they give a list."""
    link: str
    """Their flag, True by default, by which the versions of a list come linked."""


class NamespaceRow(msgspec.Struct, frozen=True, gc=False):
    """A kind of object on which the public names of modules can be read as attributes (`db.Column`, `db.relationship`)."""

    owner: str
    modules: tuple[str, ...]
    library: str


class DependencyEndRow(msgspec.Struct, frozen=True, gc=False):
    """When the code after the `yield` of a request dependency runs, by version of the web framework."""

    before_background_tasks: bool
    before_streaming: bool
    """Before the body of a streaming response is iterated."""
    since: str
    until: Union[str, None] = None
    scope: str = ""
    """Only for dependencies declared with `scope=…` this."""
    library: str = "fastapi"


class EventRow(msgspec.Struct, frozen=True, gc=False):
    """An event of the ORM or the engine, for `event.listen` and `@listens_for`."""

    name: str
    target: str
    """session · mapper · instance · attribute · engine · metadata."""
    moment: str
    """before_commit · after_commit · after_rollback · in_flush (SQL of the flush runs now: a commit or flush here breaks it) ·
    in_transaction · on_load · on_change · on_sql · on_connect · on_mapping."""
    library: str = "sqlalchemy"


class ErrorRow(msgspec.Struct, frozen=True, gc=False):
    """An exception class and what it says of the transaction of the session that it was raised under."""

    qualnames: tuple[str, ...]
    meaning: str
    """any · database (SQL failed: the transaction waits for a rollback) · integrity (the same, a constraint said no) · stale (the same,
    a version or row count was not as expected) · usage · detached (an attribute could not be loaded) · row_count (no row, or too many)."""
    needs_rollback: bool
    since: str = "1.3"
    until: Union[str, None] = None
    library: str = "sqlalchemy"


class EffectRow(msgspec.Struct, frozen=True, gc=False):
    """What an effect word says of the session, connection or transaction that the method is called on: each field is a "may".

    Measured on 1.4, 2.0 and 2.1 by tests/orms/test_effects_hold.py.
    """

    meaning: str
    runs_sql: bool = False
    """A round trip to the database; COMMIT and ROLLBACK count."""
    autoflushes: bool = False
    """Sends what is pending (unless autoflush is off, for all but commit, flush and savepoints)."""
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
    library: str = "sqlalchemy",
) -> Iterable[MethodRow]:
    """One row for each owner and name; both are lists separated by blanks."""
    parts = names.split()
    for owner in owners.split():
        for name in parts:
            yield MethodRow(owner, name, effect, returns, awaitable, startable, is_property, since, until, library)


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


def events(target: str, moment: str, names: str) -> Iterable[EventRow]:
    """One row for each name, separated by blanks."""
    for name in names.split():
        yield EventRow(name, target, moment)


def errors(meaning: str, modules: str, names: str, since: str = "1.3", library: str = "sqlalchemy") -> Iterable[ErrorRow]:
    """One row for each name, importable from each module; both are lists separated by blanks."""
    places = modules.split()
    fails = meaning in ("any", "database", "integrity", "stale")
    for name in names.split():
        yield ErrorRow(tuple([f"{place}.{name}" for place in places]), meaning, fails, since, None, library)


def callbacks(
    qualnames: str,
    receives: str,
    position: int | None = None,
    keyword: str = "",
    source: int | str = "",
    times: str = "once",
) -> Iterable[CallbackRow]:
    """One row for all names, separated by blanks."""
    yield CallbackRow(tuple(qualnames.split()), "", (), position, keyword, receives, source, times)


def decorators(qualnames: str, meaning: str) -> Iterable[DecoratorRow]:
    """One row for all names, separated by blanks."""
    yield DecoratorRow(tuple(qualnames.split()), meaning)


def typing_forms(names: str, form: str, content: int | None = None) -> Iterable[TypingRow]:
    """One row for all names, importable from `typing` and `typing_extensions`."""
    yield TypingRow(tuple([f"{place}.{name}" for name in names.split() for place in ("typing", "typing_extensions")]), form, content)


EFFECTS: dict[str, EffectRow] = {
    "": EffectRow("nothing that matters here"),
    "commit": EffectRow("flushes and commits", runs_sql=True, autoflushes=True, ends_transaction=True, writes=True, expires="all"),
    "rollback": EffectRow("rolls back", runs_sql=True, ends_transaction=True, expires="all"),
    "commit_or_rollback": EffectRow(
        "leaves a block: commits, or rolls back when an exception passes",
        runs_sql=True,
        autoflushes=True,
        ends_transaction=True,
        writes=True,
        expires="all",
    ),
    "commit_and_close": EffectRow(
        "leaves a block: commits or rolls back, then closes",
        runs_sql=True,
        autoflushes=True,
        ends_transaction=True,
        writes=True,
        expires="all",
        detaches="all",
    ),
    "flush": EffectRow("sends pending changes, if there are any", runs_sql=True, autoflushes=True, opens_transaction=True, writes=True),
    "query": EffectRow("runs a SELECT", runs_sql=True, autoflushes=True, autobegins=True, opens_transaction=True),
    "get": EffectRow(
        "runs a SELECT by primary key unless the identity map holds the object",
        runs_sql=True,
        autoflushes=True,
        autobegins=True,
        opens_transaction=True,
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
        "marks the given object for deletion; loads its cascading relationships",
        runs_sql=True,
        autoflushes=True,
        autobegins=True,
        opens_transaction=True,
    ),
    "delete_all": EffectRow(
        "marks the given objects for deletion; loads their cascading relationships",
        runs_sql=True,
        autoflushes=True,
        autobegins=True,
        opens_transaction=True,
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
    "invalidate": EffectRow("as close; the connection is dropped", runs_sql=True, ends_transaction=True, detaches="all"),
    "remove": EffectRow("closes the current session of the registry and forgets it", runs_sql=True, ends_transaction=True, detaches="all"),
    "begin": EffectRow("begins a transaction by hand; raises when one is begun", autobegins=True),
    "begin_nested": EffectRow(
        "flushes and sets a savepoint", runs_sql=True, autoflushes=True, autobegins=True, opens_transaction=True, writes=True
    ),
    "prepare": EffectRow(
        "flushes and prepares the second phase of the commit", runs_sql=True, autoflushes=True, opens_transaction=True, writes=True
    ),
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
    "put": EffectRow("puts the first argument into the receiver"),
    "put_second": EffectRow("puts the second argument into the receiver"),
    "put_all": EffectRow("puts the elements of the first argument into the receiver"),
    "enter_argument": EffectRow("enters the context manager that is the first argument; it is left when the receiver ends"),
    "end_later": EffectRow("what is given is called, or left, when the receiver ends"),
    "end_now": EffectRow("ends what the receiver holds: closes it, or leaves its context managers"),
    "hand_over": EffectRow("what the receiver holds is held by the result from now on"),
    "size": EffectRow("asks the number of elements of the first argument"),
    "consume": EffectRow("takes all elements of an argument"),
    "set_attribute": EffectRow("sets the attribute of the first argument that the second argument names"),
    "read_attribute": EffectRow("reads the attribute of the first argument that the second argument names"),
    "serialize": EffectRow("makes plain data or bytes of an object's state"),
    "import": EffectRow("imports the module that the first argument names"),
    "route": EffectRow("registers the decorated or given function as a request handler"),
    "task": EffectRow("registers the decorated function as a background task"),
    "hook": EffectRow("registers the decorated or given function, called by the framework around requests or at start and end"),
    "after_response": EffectRow("runs the given function after the response was sent"),
    "call_out": EffectRow("leaves the process"),
    "migrate": EffectRow("changes the schema"),
}

RETURNS: dict[str, str] = {
    "none": "None",
    "list_of_first": "a list of the elements of the first argument",
    "list_of_second": "a list of the elements of the second argument",
    "tuple_of_first": "a tuple of the elements of the first argument",
    "set_of_first": "a set of the elements of the first argument",
    "dict_of_first": "a dict of the pairs, or of the mapping, that is the first argument",
    "iterator_of_first": "the elements of the first argument, one at a time",
    "iterator_of_second": "the elements of the second argument, one at a time",
    "iterator_of_sequence": "the elements of the argument that is no function, one at a time",
    "element_of_first": "one element of the first argument; of several arguments, one of them",
    "enumerated": "pairs of a number and an element of the first argument",
    "zipped": "tuples of one element of each argument",
    "mapped": "the results of the first argument, called with each element of the others",
    "chained": "the elements of all arguments, one after the other",
    "flattened": "the elements of the elements of the first argument",
    "tuples_of_first": "tuples of elements of the first argument",
    "grouped": "pairs of a key and an iterator over elements of the first argument",
    "repeated": "the first argument, again and again",
    "numbers": "numbers, one at a time",
    "batches_of_first": "lists of elements of the first argument: the loop over it is a loop over batches",
    "batches_of_second": "lists of elements of the second argument: the loop over it is a loop over batches",
    "pair": "a pair of a key and one of the receiver's elements",
    "keys": "the receiver's keys",
    "relationships_of_class": "the relationships of the mapped class; each has `.key`, and as a mapping its keys are the names",
    "columns_of_class": "the columns or column attributes of the mapped class; each has `.key` and `.name`",
    "attributes_of_class": "all mapped attributes of the class, relationships too; each has `.key`",
    "attributes_of_object": "all mapped attributes of the object, relationships too; each has `.key`, and `.value` reads it",
    "names": "names of attributes",
    "mapped_class": "the mapped class itself",
    "object": "the mapped object itself",
    "attribute": "the attribute of the first argument that the second argument names",
    "attribute_getter": "a function that reads the named attribute (dotted: a path) of its argument",
    "item_getter": "a function that reads the given item of its argument",
    "method_caller": "a function that calls the named method of its argument",
    "partial": "the function that is the first argument, with the other arguments bound",
    "class_of_first": "the class of the first argument",
    "version_class_of_first": "the class that keeps the versions of the mapped class that is the first argument",
    "versioned_class_of_first": "the mapped class whose versions the first argument keeps",
    "transaction_class_of_first": "the class of the transactions that made the versions of the first argument",
    "super": "the next class of the receiver's MRO",
    "argument_as_type": "the second argument, taken as the type that is the first",
    "field": "a dataclass field; `default` or `default_factory` gives its value",
    "module": "a module",
    "element_of_statement": "one element of the given statement; raises or aborts when there is none",
    "elements_of_statement": "a scalar_result of the given statement when it selects one thing, a result when it selects several",
    "page_of_statement": "a pagination over the first column or entity of the given statement",
    "class_of_query": "the Query class",
    "query_of_class": "a query over the class that the attribute is read on",
    "instance_of_class": "an instance of the class that the method is called on",
    "instance_of_type": "an instance of the type that was given",
    "entity_of_schema": "an instance of the mapped class that the schema names",
    "entered_argument": "what entering the first argument gives",
    "entered_content": "what was given at construction (closing, nullcontext), or the receiver itself (ExitStack)",
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
    "unknown": "anything",
    "never": "it does not return",
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
    "dynamic_collection": 'a Query that is also a collection: the value of a `lazy="dynamic"` relationship',
    "write_only_collection": 'the value of a `lazy="write_only"` relationship',
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
    "computed_column": "what the database computes of a row: the value of a column",
    "relationship": "a relationship",
    "dynamic_relationship": 'a relationship with lazy="dynamic"',
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
    "table": "a Table",
    "metadata": "a MetaData",
    "foreign_key": "a foreign key of a column",
    "model_attribute": "a mapped attribute read on the class (`Order.lines`)",
    "inspection": "what `inspect()` gives: of a class its mapper, of an object its instance_state, of an engine an inspector",
    "instance_state": "what `inspect(obj)` gives of an object",
    "list": "a list",
    "tuple": "a tuple",
    "set": "a set",
    "dict": "a dict",
    "fifo": "a queue inside the process",
    "async_fifo": "the same, asynchronous",
    "exit_stack": "an ExitStack",
    "async_exit_stack": "an AsyncExitStack",
    "closing": "a context manager that closes what it was given",
    "async_closing": "the same, asynchronous",
    "plain_context": "a context manager that gives nothing and ends nothing",
    "null_context": "a context manager that gives what it was given and ends nothing",
    "context_variable": "a ContextVar",
    "thread_local": "attributes that each thread has for itself",
    "lock": "a lock",
    "async_lock": "an asynchronous lock",
    "http_client": "a client of HTTP servers",
    "async_http_client": "the same, asynchronous",
    "mail_client": "a client of a mail server or service",
    "async_mail_client": "the same, asynchronous",
    "task_app": "an application of a task queue",
    "task": "a function that a worker runs; called by name it runs here",
    "task_signature": "a task with its arguments",
    "queue_producer": "sends messages",
    "async_queue_producer": "the same, asynchronous",
    "queue_connection": "a connection to a message broker",
    "job_queue": "a queue of jobs",
    "async_job_queue": "the same, asynchronous",
    "cache_client": "a client of a cache",
    "async_cache_client": "the same, asynchronous",
    "cloud_session": "makes cloud clients",
    "async_cloud_session": "the same, asynchronous",
    "cloud_client": "a client of a cloud service, see CLOUD_SERVICES",
    "storage_client": "a client of a storage service",
    "search_client": "a client of a search engine",
    "async_search_client": "the same, asynchronous",
    "llm_client": "a client of language models",
    "async_llm_client": "the same, asynchronous",
    "payment_client": "a client of a payment service",
    "sms_client": "a client of a text-message service",
    "chat_client": "a client of a chat service",
    "async_chat_client": "the same, asynchronous",
    "rpc_client": "a client of remote procedures",
    "rpc_channel": "a channel to remote procedures",
    "socket": "a socket",
    "executor": "an executor of threads or processes",
    "process_executor": "an executor of processes",
    "process_pool": "a pool of processes",
    "thread_pool": "a pool of threads",
    "thread": "a thread; its target runs after start()",
    "process": "a process; its target runs after start()",
    "task_group": "runs coroutines at the same time, waits for all at its end",
    "callable_task_group": "the same; the work is given as a function and its arguments",
    "event_loop": "an event loop",
    "running_task": "an asyncio Task",
    "database": "an object that carries a session, a base class, and the ORM's names as attributes",
    "pagination": "one page of a query's elements",
    "table_model_base": "a class whose subclasses are mapped when they say `table=True`",
    "web_app": "a web application",
    "web_router": "a group of request handlers",
    "web_view": "a class whose methods `get`, `post`, … are request handlers",
    "dependency": "`Depends(f)`, `Security(f)`: the value is what f gives, or yields, for this request",
    "request_parameter": "a marker of a parameter that is taken from the request (`Query()`, `Body()`)",
    "background_tasks": "functions that run after the response was sent",
    "response": "a response: what it was given is sent as it is",
    "streaming_response": "a response whose body is iterated while it is sent",
    "request": "a request",
    "web_socket": "a websocket",
    "templates": "renders templates by name",
    "template": "a template",
    "schema_model": "a class that validates and serialises by its fields (pydantic)",
    "schema_settings": "settings of a schema class",
    "schema_adapter": "validates and serialises by a type (pydantic TypeAdapter)",
    "serializer": "a class whose fields say what of an object is dumped (marshmallow Schema)",
    "model_serializer": "the same; the fields come from a mapped class",
    "serializer_field": "a field of a serializer",
    "scheduler": "runs functions at given times",
    "declarative_meta": "the metaclass of a declarative base",
    "collection_class": "a class or factory of collections for relationships",
}

DECORATIONS: dict[str, str] = {
    "property": "read as an attribute; runs each time",
    "cached_property": "read as an attribute; runs once for each object",
    "static_method": "no first parameter",
    "class_method": "the first parameter is the class",
    "context_manager": "a generator becomes a context manager that gives what it yields",
    "async_context_manager": "the same, asynchronous",
    "cache": "results are kept by argument",
    "wraps": "used inside a decorator: the function stands for another one",
    "dispatch": "the implementation is chosen by the type of the first argument",
    "keeps": "the function or class as it was",
    "abstract": "an implementation stands in a subclass",
    "overload": "only a signature",
    "dataclass": "annotated names become fields and constructor parameters",
    "retry": "called again when it fails",
    "test_fixture": "a fixture of tests",
    "command": "a command of a command line",
    "in_thread": "runs in a thread when awaited",
    "blocks_on_async": "runs the coroutine and blocks until it is done",
    "task": "a background task",
    "route": "a request handler",
    "mapper_hook": "an event hook of the ORM",
    "transaction": "runs the function inside a transaction",
}

TYPING_FORMS: dict[str, str] = {
    "optional": "the type or None",
    "union": "one of the types",
    "annotated": "the type; what follows is metadata (`Depends(…)`)",
    "any": "anything",
    "list": "a sequence of elements",
    "set": "a set of elements",
    "tuple": "a fixed tuple, or with `...` one of any length",
    "dict": "a mapping; content is the value's type",
    "keys": "a mapping or view of which only the keys have a type",
    "pairs": "pairs of key and value",
    "iterator": "gives elements one at a time",
    "async_iterator": "the same, by `async for`",
    "generator": "the same, a generator",
    "async_generator": "the same, an asynchronous generator",
    "awaitable": "gives its content when awaited",
    "context_manager": "gives its content when entered",
    "async_context_manager": "the same, by `async with`",
    "callable": "gives its content when called",
    "class": "the class itself",
    "class_variable": "an attribute of the class",
    "final": "is not set again",
    "literal": "a constant",
    "type_variable": "a type variable",
    "parameter_variable": "parameters",
    "generic": "a base that names type variables",
    "protocol": "a base of interfaces",
    "self": "the receiver's class",
    "new_type": "another name of a type, by call",
    "alias": "another name of a type",
    "named_tuple": "a tuple with named fields",
    "typed_dict": "a dict with named keys",
    "guard": "a bool that narrows",
    "never": "does not return",
    "type_checking": "True only for a type checker",
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
    "cloud": "a call of a cloud service",
    "payment": "a payment call",
    "sms": "a text message or call",
    "chat": "a chat message",
    "rpc": "a remote call",
    "search": "a search-engine call",
    "socket": "a network connection",
}
