"""Which kind of loop a loop is: the classifier that decides most false alarms of the in-loop rules.

Takes a loop's statement and the value that it iterates over; gives a `Loop` with its kind and the reason:
`rows` (one iteration for each element of a collection of rows) · `batch` (each element is a batch, chunk or page) · `retry` · `worker`
(consumes for ever, or polls) · `literal` (a short, written sequence) · `unknown` (an iterable of which nothing is known). Whether an
iteration ends with `break` or opens its own session is not a kind here: `rounds` sees the first, the session's own loops tell the second.
"""

from __future__ import annotations

from collections.abc import Iterator

from ormlint.facts import records as r
from ormlint.facts.walking import walk
from ormlint.orms import registry as orms
from ormlint.semantics.dependence import first_found, sought, touched
from ormlint.semantics.events import Loop
from ormlint.semantics.frame import Frame
from ormlint.semantics.short_lists import length_written
from ormlint.semantics.state import names_in
from ormlint.semantics.symbols import flat_statements, nested_bodies
from ormlint.semantics.values import (
    ClassRef,
    Coll,
    Const,
    Entity,
    LibInstance,
    NameOf,
    Query,
    Result,
    SessionId,
    Site,
    Tup,
    UnionOf,
    Unknown,
    Value,
    options_of,
)

SHORT = 16
"""A display of at most so many elements is a literal loop."""
FEW = 5
"""So is a slice of at most so many."""
_ATTEMPTS = frozenset(
    {"attempt", "attempts", "retry", "retries", "tries", "try_number", "attempt_number", "n_try", "retry_count", "_attempt", "i_try"}
)
_BATCH_TARGETS = frozenset({"batch", "chunk", "page", "partition", "window", "block", "slice_", "group_of_rows", "id_batch", "ids_chunk"})
_TAKES = frozenset({"get", "get_nowait", "recv", "receive"})
_SIZES = frozenset({"chunksize", "chunk_size", "batch_size", "batchsize", "page_size", "per_batch"})
_STREAMS = ("Consumer", "Subscriber", "Listener", "PubSub", "Queue", "Stream", "Receiver", "Watch", "Subscription")
_WAITS = frozenset(
    {"sleep", "wait", "poll", "get_message", "receive", "recv", "consume", "brpop", "blpop", "xread", "xreadgroup", "listen", "join"}
)


def for_loop(frame: Frame, stmt: r.For, source: Value, iterable: Value) -> Loop:
    """The loop that a `for` statement is."""
    kind, why = _kind_of_for(frame, stmt, source, iterable)
    names = varying(frame, stmt, stmt.target, stmt.body, False)
    frame.world.bodies[(frame.path, stmt.start)] = stmt.body
    return Loop(
        frame.site(stmt), kind, why, names, each_of(iterable, stmt.target), head=frame.site(stmt.iter),
        seeking=(*seeking(frame, stmt.body), *first_found(stmt.body, frame.path)),
        sought=sought(stmt.body, frame.path), touched=touched(frame.world, (frame.path, stmt.start), stmt.body),
        cursor=cursor_of(iterable), key=_key_of(stmt, iterable),
    )  # fmt: skip


def _key_of(stmt: r.For, iterable: Value) -> str:
    """The name of a mapping's key in `for key, value in mapping.items()`."""
    call = _called(stmt.iter)
    if call == "items" and isinstance(stmt.target, r.Seq) and stmt.target.items and isinstance(stmt.target.items[0], r.Name):
        return stmt.target.items[0].id
    of_keys = call == "keys" or (isinstance(iterable, Coll) and iterable.kind == "dict")
    return stmt.target.id if of_keys and isinstance(stmt.target, r.Name) else ""


def one_key(loop: Loop) -> str:
    """The condition of what is done in one turn of a loop over a mapping: for one key, or a few that are written out."""
    return f"one key of {loop.site.start}"


def names_key(test: r.Expr, key: str) -> bool:
    """Whether a test is true for one written key, or for few: `key == "name"`, `key in ("name", "label")`."""
    if isinstance(test, r.BoolOp):
        parts = [names_key(item, key) for item in test.items]
        return any(parts) if test.op == "and" else all(parts)
    if not (isinstance(test, r.Compare) and len(test.ops) == 1 and isinstance(test.left, r.Name) and test.left.id == key):
        return False
    right = test.rights[0]
    if test.ops[0] in ("==", "is"):
        return isinstance(right, r.Const) or (isinstance(right, r.Attr) and right.attr.isupper())
    return test.ops[0] == "in" and isinstance(right, r.Seq) and len(right.items) <= FEW and all(isinstance(i, r.Const) for i in right.items)


def while_loop(frame: Frame, stmt: r.While) -> Loop:
    """The loop that a `while` statement is."""
    kind, why = _kind_of_while(stmt)
    if kind == "unknown" and _is_emptied(frame, stmt):
        kind, why = "rows", "one iteration for each row"
    names = varying(frame, stmt, None, stmt.body, True) | _walrus_names(stmt.test)
    frame.world.bodies[(frame.path, stmt.start)] = stmt.body
    tested = frame.site(stmt.test)
    return Loop(frame.site(stmt), kind, why, names, sought=(tested, *sought(stmt.body, frame.path)))


def comprehension_loop(frame: Frame, generator: r.Generator, source: Value, iterable: Value, comp: r.Comp) -> Loop:
    """The loop that one `for` of a comprehension is; its place is the generator's own from target to iterable."""
    kind, why = _kind_of_iterable(frame, generator.iter, source, iterable, generator.target)
    if comp.start in frame.searches:
        kind, why = "search", "it ends at the first that fits"
    return Loop(
        frame.site(comp), kind, why, names_in(generator.target), each_of(iterable, generator.target), True, head=frame.site(generator.iter),
        cursor=cursor_of(iterable),
    )  # fmt: skip


def is_retry(stmt: r.For | r.While) -> bool:
    """Whether a loop tries the same thing again until it succeeds, by its statements alone."""
    if isinstance(stmt, r.While):
        return _kind_of_while(stmt)[0] == "retry"
    target = stmt.target.id if isinstance(stmt.target, r.Name) else ""
    call = _called(stmt.iter)
    if (target in _ATTEMPTS and _has(stmt.body, (r.Try,))) or call in ("Retrying", "AsyncRetrying", "retrying"):
        return True
    return call in ("range", "count") and _has(stmt.body, (r.Try,)) and _leaves(stmt.body) and _unused_except_in_calls(stmt, target)


def cursor_of(iterable: Value) -> SessionId | None:
    """The session whose open cursor gives the rows, where they are fetched while the loop goes round."""
    return iterable.lazy[0].id if isinstance(iterable, Coll) and iterable.streams and iterable.lazy else None


def each_of(iterable: Value, target: r.Expr) -> str:
    """What one iteration is about, in a word."""
    elem = iterable.elem if isinstance(iterable, Coll) else None
    for item in options_of(elem) if elem is not None else ():
        if isinstance(item, Entity):
            return item.model.rsplit(":", 1)[-1].rsplit(".", 1)[-1]
    return target.id if isinstance(target, r.Name) else "element"


def _kind_of_for(frame: Frame, stmt: r.For, source: Value, iterable: Value) -> tuple[str, str]:
    target = stmt.target.id if isinstance(stmt.target, r.Name) else ""
    call = _called(stmt.iter)
    attempts = target in _ATTEMPTS and (_has(stmt.body, (r.Try,)) or _leaves(stmt.body))
    if attempts or call in ("Retrying", "AsyncRetrying", "retrying"):
        return "retry", "it tries again"
    if call in ("range", "count") and _has(stmt.body, (r.Try,)) and _leaves(stmt.body) and _unused_except_in_calls(stmt, target):
        return "retry", "it tries again until it succeeds"
    kind, why = _kind_of_iterable(frame, stmt.iter, source, iterable, stmt.target)
    if stmt.orelse and _breaks(stmt.body):
        return "search", "it looks for the first that fits"
    if kind == "unknown" and stmt.is_async and not isinstance(iterable, Coll):
        return "worker", "it consumes a stream"
    if kind in ("unknown", "rows") and _is_written_out(frame, stmt.iter):
        return "literal", "its elements are written out"
    return kind, why


def _is_written_out(frame: Frame, expr: r.Expr) -> bool:
    """Whether a name is a short display and what the function appends to it, element by element."""
    if isinstance(expr, r.Call) and _called(expr) in ("enumerate", "reversed", "sorted", "list", "tuple") and expr.args:
        expr = expr.args[0].value
    if not isinstance(expr, r.Name) or frame.function is None or not isinstance(frame.state.vars.get(expr.id), Coll):
        return False
    key = (frame.function.id, expr.id)
    if key not in frame.world.lengths:
        frame.world.lengths[key] = length_written(frame.function.node.body, expr.id)
    length = frame.world.lengths[key]
    return length is not None and length <= SHORT


def _kind_of_iterable(frame: Frame, iter_expr: r.Expr, source: Value, iterable: Value, target: r.Expr) -> tuple[str, str]:
    call = _called(iter_expr)
    name = target.id if isinstance(target, r.Name) else ""
    if _is_few(iter_expr):
        return "literal", "it takes a fixed, small number of elements"
    if isinstance(iter_expr, r.Seq) and len(iter_expr.items) <= SHORT and not any(isinstance(item, r.Star) for item in iter_expr.items):
        return "literal", "its elements are written out"
    if (
        call == "split"
        and isinstance(iter_expr, r.Call)
        and isinstance(iter_expr.func, r.Attr)
        and isinstance(iter_expr.func.value, r.Const)
    ):
        return "literal", "its elements are written out"
    if isinstance(iter_expr, r.Call) and call == "range":
        counted = iter_expr.args[0].value if len(iter_expr.args) == 1 else None
        if (
            isinstance(counted, r.Call)
            and _called(counted) == "len"
            and counted.args
            and isinstance(counted.args[0].value, (r.Name, r.Attr))
        ):
            rows = frame.evaluate(counted.args[0].value)
            return _kind_of_iterable(frame, counted.args[0].value, rows, rows, target)
        if len(iter_expr.args) == 3:
            return "batch", "it steps through the rows in chunks"
        if (
            all(isinstance(arg.value, r.Const) for arg in iter_expr.args)
            and isinstance(iterable, Coll)
            and iterable.size is not None
            and iterable.size <= SHORT
        ):
            return "literal", "it runs a fixed, small number of times"
    if call == "count" and isinstance(iter_expr, r.Call) and not isinstance(iter_expr.func, r.Name):
        return "worker", "it counts for ever"
    if isinstance(iter_expr, r.Call) and any(arg.keyword in _SIZES for arg in iter_expr.args):
        return "batch", f"{call}() is asked for chunks"
    if call in ("enumerate", "zip", "reversed", "sorted", "list", "tuple", "tqdm") and isinstance(iter_expr, r.Call) and iter_expr.args:
        first = iter_expr.args[0].value
        if isinstance(first, r.Seq) and len(first.items) <= SHORT:
            return "literal", "its elements are written out"
        if _called(first) == "range" and isinstance(first, r.Call) and len(first.args) == 3:
            return "batch", "it steps through the rows in chunks"
    if isinstance(iterable, Tup):
        return "literal", "its elements are known"
    if isinstance(iterable, LibInstance) and iterable.cls == "kwargs" and not any(key == "*" for key, _ in iterable.data):
        return "literal", "its keys are written out"
    if isinstance(iterable, Coll) and any(isinstance(item, NameOf) for item in (iterable.elem, iterable.key)):
        return "literal", "it goes over the names of attributes"
    if isinstance(iterable, Coll):
        written = iterable.size is not None and (iterable.size <= SHORT or not is_fetched(iterable.elem))
        if written:
            return "literal", "its elements are written out"
        if iterable.batches or _is_collection(iterable.elem):
            return "batch", "each element is itself a collection"
        if call in orms.BATCH_NAMES and not is_row(iterable.elem):
            return "batch", f"{call}() gives batches"
        if is_row(iterable.elem) or (iterable.key is not None and is_row(iterable.key)):
            return "rows", "one iteration for each row"
        if isinstance(source, Query):
            return "rows", "one iteration for each row"
    if isinstance(source, (Query, Result)) or (
        isinstance(source, UnionOf) and any(isinstance(item, (Query, Result)) for item in source.items)
    ):
        return "rows", "one iteration for each row"
    if isinstance(iterable, UnionOf):
        kinds = [
            _kind_of_iterable(frame, iter_expr, item, item, target)
            for item in iterable.items
            if not (isinstance(item, Const) and item.kind == "none")
        ]
        for wanted in ("rows", "batch"):
            for kind, why in kinds:
                if kind == wanted:
                    return kind, why
        if kinds and all(kind == "literal" for kind, _ in kinds):
            return kinds[0]
    if isinstance(iterable, ClassRef):
        return "literal", "it goes over the members of an enum"
    if name in _BATCH_TARGETS or (
        isinstance(target, r.Seq) and any(isinstance(item, r.Name) and item.id in _BATCH_TARGETS for item in target.items)
    ):
        return "batch", f"its element is called {name or 'a batch'}"
    if call in orms.BATCH_NAMES:
        return "batch", f"{call}() gives batches"
    if call in _WAITS or (isinstance(iter_expr, r.Call) and call == "iter" and len(iter_expr.args) == 2):
        return "worker", "it consumes for ever"
    if isinstance(iterable, LibInstance) and iterable.cls in ("fifo", "async_fifo"):
        return "worker", "it consumes a queue"
    if isinstance(iterable, LibInstance) and (iterable.cls.rsplit(".", 1)[-1].endswith(_STREAMS) or iterable.cls.startswith("external_")):
        return "worker", "it consumes a library's stream"
    return "unknown", "one iteration for each element"


def _is_few(expr: r.Expr) -> bool:
    """`orders[:5]`."""
    if isinstance(expr, r.Call) and _called(expr) in ("enumerate", "reversed", "sorted", "list", "tuple") and expr.args:
        expr = expr.args[0].value
    if not (isinstance(expr, r.Sub) and isinstance(expr.index, r.Slice)):
        return False
    upper = expr.index.upper
    if expr.index.lower is not None and not isinstance(expr.index.lower, r.Const):
        return False
    return isinstance(upper, r.Const) and isinstance(upper.value, int) and 0 <= upper.value <= FEW


def is_fetched(value: Value) -> bool:
    """Whether an element came from a query."""
    return any(isinstance(item, Entity) and item.origin.kind != "new" for item in options_of(value))


def is_row(value: Value) -> bool:
    """Whether a value is a row: an entity, or a tuple with one."""
    for item in options_of(value):
        if isinstance(item, Entity):
            return True
        if isinstance(item, Tup) and (item.names or any(is_row(part) for part in item.items)):
            return True
    return False


def _is_collection(value: Value) -> bool:
    parts = [item for item in options_of(value) if not isinstance(item, Unknown)]
    if not parts:
        return False
    if all(isinstance(item, Coll) and item.kind != "dict" for item in parts):
        return True
    # `for key, rows in groups.items()`: a group is a batch.
    return all(
        isinstance(item, Tup)
        and len(item.items) == 2
        and isinstance(item.items[1], Coll)
        and item.items[1].kind in ("list", "set", "iterator")
        for item in parts
    )


def _kind_of_while(stmt: r.While) -> tuple[str, str]:
    calls = frozenset(_calls(stmt.body)) | frozenset(_calls((r.ExprStmt(stmt.start, stmt.start, stmt.test),)))
    forever = isinstance(stmt.test, r.Const) and bool(stmt.test.value)
    test_names = names_in(stmt.test)
    tries = _has(stmt.body, (r.Try,))
    if tries and any("retr" in name or "attempt" in name or "tries" in name for name in test_names):
        return "retry", "it tries again until it succeeds"
    if calls & _WAITS or "is_set" in calls:
        return "worker", "it waits between its turns"
    if tries and (_handler_goes_on(stmt.body) or _says_done(stmt)):
        return "retry", "it tries again until it succeeds"
    if calls & {"limit", "fetchmany", "partitions", "slice", "paginate", "islice", "offset"}:
        return "batch", "it takes one page after the other"
    if any(
        name in ("offset", "page", "cursor", "last_id", "next_page", "page_token", "next_token", "has_more", "start", "batch", "chunk")
        for name in test_names | _assigned(stmt.body)
    ):
        return "batch", "it takes one page after the other"
    if not _names_mentioned(stmt.body).isdisjoint(_NEXT_PAGES):
        return "batch", "it takes one page after the other"
    if _is_stopped_elsewhere(stmt):
        return "worker", "it runs until somebody else ends it"
    if _asks_until_free(stmt):
        return "search", "it looks for the first that fits"
    if forever and _takes_from_queue(stmt.body):
        return "worker", "it takes from a queue"
    if forever and not _leaves(stmt.body):
        return "worker", "it never ends"
    return "unknown", "what it goes over is not known"


_NEXT_PAGES = frozenset(
    {
        "next_page_token", "nextPageToken", "next_token", "nextToken", "NextToken", "next_cursor", "nextCursor", "next_page", "next_link",
        "nextLink", "NextMarker", "next_marker", "ContinuationToken", "NextContinuationToken", "continuation_token", "has_next_page",
        "hasNextPage", "has_more", "LastEvaluatedKey", "'next'", "@odata.nextLink",
    }
)  # fmt: skip
"""What the answers of paged interfaces call the way to the next page; in quotes what counts only as a key."""


def _names_mentioned(body: tuple[r.Stmt, ...]) -> frozenset[str]:
    """The attributes that statements read, and their strings, short ones in quotes too."""
    found: set[str] = set()
    for node in walk(body):
        if isinstance(node, r.Attr):
            found.add(node.attr)
        elif isinstance(node, r.Const) and isinstance(node.value, str):
            found.update((node.value, f"'{node.value}'"))
    return frozenset(found)


def _says_done(stmt: r.While) -> bool:
    """`while not done: try: …; done = True`: the flag is set where the attempt has succeeded."""
    if not (isinstance(stmt.test, r.Unary) and stmt.test.op == "not" and isinstance(stmt.test.value, r.Name)):
        return False
    flag = stmt.test.value.id
    tries = [inner for inner in flat_statements(stmt.body) if isinstance(inner, r.Try)]
    return any(flag in _assigned((*inner.body, *inner.orelse)) and inner.handlers for inner in tries)


def _is_stopped_elsewhere(stmt: r.While) -> bool:
    """`while self.running:` where the body never speaks of the flag: a signal or another thread ends it."""
    test = stmt.test.value if isinstance(stmt.test, r.Unary) and stmt.test.op == "not" else stmt.test
    return isinstance(test, r.Attr) and test.attr not in _names_mentioned(stmt.body)


def _asks_until_free(stmt: r.While) -> bool:
    """`while exists(name): number += 1`: the body only makes the next thing to ask about."""
    tested = any(True for _ in _calls((r.ExprStmt(stmt.start, stmt.start, stmt.test),)))
    plain = all(isinstance(inner, (r.Assign, r.AugAssign, r.ExprStmt, r.Pass)) for inner in stmt.body)
    if not tested or not plain:
        return False
    works = any(
        isinstance(inner, r.ExprStmt) and isinstance(inner.value, r.Call) and isinstance(inner.value.func, r.Attr) for inner in stmt.body
    )
    return not works and not _assigned(stmt.body).isdisjoint(names_in(stmt.test))


def _is_emptied(frame: Frame, stmt: r.While) -> bool:
    """`while orders: order = orders.pop()`: a collection of rows, taken one by one."""
    test = stmt.test
    if isinstance(test, r.Call) and _called(test) == "len" and test.args:
        test = test.args[0].value
    held = frame.state.vars.get(test.id) if isinstance(test, r.Name) else None
    return isinstance(held, Coll) and not held.batches and is_row(held.elem) and bool({"pop", "popleft"} & set(_calls(stmt.body)))


def _takes_from_queue(body: tuple[r.Stmt, ...]) -> bool:
    """`job = jobs.get()`: only a queue's `get` needs no key."""
    for stmt in flat_statements(body):
        value = stmt.value if isinstance(stmt, (r.Assign, r.ExprStmt)) else None
        value = value.value if isinstance(value, r.Await) else value
        takes = isinstance(value, r.Call) and isinstance(value.func, r.Attr) and value.func.attr in _TAKES
        if takes and isinstance(value, r.Call) and all(arg.keyword is not None for arg in value.args):
            return True
    return False


def _called(expr: r.Expr) -> str:
    if isinstance(expr, r.Await):
        expr = expr.value
    if not isinstance(expr, r.Call):
        return ""
    return expr.func.id if isinstance(expr.func, r.Name) else expr.func.attr if isinstance(expr.func, r.Attr) else ""


def _has(body: tuple[r.Stmt, ...], kinds: tuple[type, ...]) -> bool:
    return any(isinstance(stmt, kinds) for stmt in flat_statements(body))


def seeking(frame: Frame, body: tuple[r.Stmt, ...]) -> tuple[Site, ...]:
    """The tests of this loop's own `if …: break`."""
    found: list[Site] = []
    for stmt in body:
        if isinstance(stmt, r.If) and any(isinstance(inner, r.Break) for inner in stmt.body):
            found.append(frame.site(stmt.test))
        if not isinstance(stmt, (r.For, r.While)):
            for inner in nested_bodies(stmt):
                found.extend(seeking(frame, inner))
    return tuple(found)


def _breaks(body: tuple[r.Stmt, ...]) -> bool:
    """Whether the body breaks out of this loop itself."""
    for stmt in body:
        if isinstance(stmt, r.Break):
            return True
        if not isinstance(stmt, (r.For, r.While)) and any(_breaks(inner) for inner in nested_bodies(stmt)):
            return True
    return False


def _leaves(body: tuple[r.Stmt, ...]) -> bool:
    """Whether some path leaves this loop itself: a return, or a break that is not an inner loop's."""
    for stmt in body:
        if isinstance(stmt, (r.Return, r.Break)):
            return True
        if isinstance(stmt, (r.For, r.While)):
            if any(isinstance(inner, r.Return) for inner in flat_statements(stmt.body)) or _leaves(stmt.orelse):
                return True
            continue
        if any(_leaves(inner) for inner in nested_bodies(stmt)):
            return True
    return False


def _handler_goes_on(body: tuple[r.Stmt, ...]) -> bool:
    """`try: …; break/return` with a handler that lets the loop go on: a retry."""
    for stmt in body:
        if isinstance(stmt, r.Try) and (_leaves(stmt.body) or _leaves(stmt.orelse)):
            for handler in stmt.handlers:
                if not handler.body or not isinstance(handler.body[-1], (r.Return, r.Break)):
                    return True
    return False


def _unused_except_in_calls(stmt: r.For, target: str) -> bool:
    """The counter of a retry decides nothing but when to stop."""
    if not target:
        return False
    return not any(isinstance(inner, r.Assign) and target in names_in(inner.value) for inner in flat_statements(stmt.body))


def _calls(body: tuple[r.Stmt, ...]) -> Iterator[str]:
    for node in walk(body, (r.Function, r.Class, r.Lambda)):
        if isinstance(node, r.Call):
            name = _called(node)
            if name:
                yield name


def _assigned(body: tuple[r.Stmt, ...]) -> frozenset[str]:
    found: set[str] = set()
    for stmt in flat_statements(body):
        if isinstance(stmt, r.Assign):
            for target in stmt.targets:
                if isinstance(target, r.Name):
                    found.add(target.id)
        elif isinstance(stmt, r.AugAssign) and isinstance(stmt.target, r.Name):
            found.add(stmt.target.id)
    return frozenset(found)


def _walrus_names(expr: r.Expr) -> frozenset[str]:
    found: set[str] = set()
    for node in walk(expr):
        if isinstance(node, r.Walrus):
            found |= names_in(node.target)
    return frozenset(found)


def varying(frame: Frame, stmt: r.Node, target: r.Expr | None, body: tuple[r.Stmt, ...], is_while: bool) -> frozenset[str]:
    """The names that may be something else in each iteration."""
    key = (frame.path, stmt.start)
    known = frame.world.variance.get(key)
    if known is not None:
        return known
    names: set[str] = set(names_in(target)) if target is not None else set()
    flows: list[tuple[frozenset[str], frozenset[str], bool]] = []
    for inner in flat_statements(body):
        if isinstance(inner, r.Assign):
            calls = is_while and any(True for _ in _calls((inner,)))
            flows.append((frozenset(name for part in inner.targets for name in _bound(part)), names_in(inner.value), calls))
        elif isinstance(inner, r.AnnAssign) and inner.value is not None:
            flows.append((_bound(inner.target), names_in(inner.value), is_while and any(True for _ in _calls((inner,)))))
        elif isinstance(inner, r.AugAssign):
            flows.append((_bound(inner.target), names_in(inner.value), is_while))
        elif isinstance(inner, r.For):
            flows.append((_bound(inner.target), names_in(inner.iter), False))
        elif isinstance(inner, r.With):
            for item in inner.items:
                if item.target is not None:
                    flows.append((_bound(item.target), names_in(item.value), False))
        walrus = _walrus_names(inner.test) if isinstance(inner, (r.If, r.While)) else frozenset()
        if walrus and isinstance(inner, (r.If, r.While)):
            flows.append((walrus, names_in(inner.test), is_while))
    changed = True
    while changed:
        changed = False
        for bound, used, always in flows:
            if not bound <= names and (always or not used.isdisjoint(names)):
                names |= bound
                changed = True
    found = frozenset(names)
    frame.world.variance[key] = found
    return found


def _bound(target: r.Expr) -> frozenset[str]:
    if isinstance(target, r.Name):
        return frozenset((target.id,))
    if isinstance(target, r.Seq):
        return frozenset(name for item in target.items for name in _bound(item))
    if isinstance(target, r.Star):
        return _bound(target.value)
    return frozenset()


def guard(test: r.Expr) -> str:
    """What an `if` around something means for its loop: "batch" (every n-th time), "once" (only while it is missing), or ""."""
    if isinstance(test, r.BoolOp):
        for item in test.items:
            found = guard(item)
            if found:
                return found
        return ""
    if isinstance(test, r.Unary) and test.op == "not":
        if _modulo(test.value):
            return "batch"
        return "once" if isinstance(test.value, (r.Name, r.Attr)) else ""
    if _modulo(test):
        return "batch"
    if isinstance(test, r.Compare) and len(test.ops) == 1:
        left, op, right = test.left, test.ops[0], test.rights[0]
        if _modulo(left) or _modulo(right):
            return "batch"
        if (
            op in (">=", ">", "==")
            and (_called(left) == "len" or _counter(left))
            and not (isinstance(right, r.Const) and right.value in (0, 1))
        ):
            return "batch"
        if op in (">=", "==", ">") and isinstance(left, r.Name) and _threshold(right):
            return "batch"
        if op in ("is", "==") and isinstance(right, r.Const) and right.kind == "none":
            return "once"
        if op == "not in":
            return "once"
    return ""


def _threshold(expr: r.Expr) -> bool:
    """A size at which a batch is full, or the end: a number, or a name that says so."""
    if isinstance(expr, r.Const):
        return isinstance(expr.value, int) and not isinstance(expr.value, bool) and expr.value >= 2
    if isinstance(expr, r.BinOp) and expr.op == "-":  # `i == len(rows) - 1`
        return _called(expr.left) == "len"
    name = expr.id if isinstance(expr, r.Name) else expr.attr if isinstance(expr, r.Attr) else ""
    return any(part in name.lower() for part in ("batch", "chunk", "size", "limit", "interval", "every", "page", "last"))


def _modulo(expr: r.Expr) -> bool:
    return isinstance(expr, r.BinOp) and expr.op == "%" and not isinstance(expr.left, (r.Const, r.FString))


def _counter(expr: r.Expr) -> bool:
    name = expr.id if isinstance(expr, r.Name) else expr.attr if isinstance(expr, r.Attr) else ""
    return any(
        part in name
        for part in ("count", "pending", "batch", "since", "buffered", "processed", "counter", "num_", "total", "size", "elapsed")
    )
