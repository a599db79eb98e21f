"""Which statement is sent, and what it is about, where the call's own text says more than the value does.

Takes what is handed to `execute()` and its like; gives a query: one written as text, one of a list of statements, one of a table that is
another in each turn, the existence of a row. Lets what a connection sends happen. How queries are built and what they give is in `queries`.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from ormlint.facts import records as r
from ormlint.semantics import queries, raw_sql
from ormlint.semantics.dependence import parameters_behind
from ormlint.semantics.frame import Frame
from ormlint.semantics.state import contains
from ormlint.semantics.unit_of_work import operate
from ormlint.semantics.values import Actual, ClassRef, Const, LibInstance, Plain, Query, Session, Value, options_of


def written(frame: Frame, sql: Value, node: r.Node) -> Query:
    """A statement that is written as text: what it changes and locks, where that can be read."""
    text = sql.value if isinstance(sql, Const) and isinstance(sql.value, str) else ""
    query = Query("text", (), frame.site(node), exact=False)
    if not text:
        return query
    changed = raw_sql.updated(text)
    table, sets = changed if changed is not None else ("", ())
    return msgspec.structs.replace(query, table=table, sets=sets, locked=raw_sql.locks(text))


def of_list(frame: Frame, statement: Query, node: r.Node) -> Query:
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


def existence(frame: Frame, actuals: Sequence[Actual], node: r.Node) -> Value:
    """`exists().where(User.email == email)`, `exists(select(User).where(…))`: true where the row is there."""
    query = next((value for actual in actuals for value in options_of(actual.value) if isinstance(value, Query)), None)
    keys = query.keys if query is not None else queries.equal_to(Query("select", (), frame.site(node)), actuals)
    told = queries.row_there(frame, Query("select", (), frame.site(node), keys=keys), node)
    return LibInstance("exists", (("told", Plain("bool", told)),))


def execution_options(node: r.Node) -> tuple[object, ...]:
    """What `execution_options={"yield_per": 100}` beside the statement sets."""
    for arg in node.args if isinstance(node, r.Call) else ():
        if arg.keyword == "execution_options" and isinstance(arg.value, r.Dict):
            return tuple([key.value for key in arg.value.keys if isinstance(key, r.Const)])
    return ()


def about_table(frame: Frame, statement: Value, what: str, node: r.Node) -> Query:
    """What a connection sends. Where nobody knows which table it is about, it may be another one for each element."""
    found = next((item for item in options_of(statement) if isinstance(item, Query)), None) or _put_together(frame, node)
    sent = found or Query("text", (), frame.site(node), exact=False)
    given = node.args[0].value if found is None and isinstance(node, r.Call) and node.args else None
    if isinstance(given, r.Call) and isinstance(given.func, r.Attr) and given.func.attr in _OF_TABLE:
        return msgspec.structs.replace(sent, over=frame.varying(given.func.value))
    if sent.style == "text" or sent.table or any(isinstance(column, ClassRef) or what != "write" for column in sent.columns):
        return sent
    return msgspec.structs.replace(sent, over=(*sent.over, *frame.varying(node)))


def statement_in_words(frame: Frame, statement: Query, what: str) -> str:
    """`SELECT Order`, `UPDATE orders`; of a text the text alone."""
    verb = "" if statement.style == "text" else "SELECT" if what != "write" else statement.style.upper()
    return f"{verb} {queries.describe(frame, statement)}".strip()


def core_statement(frame: Frame, session: Session, statement: Value, name: str, node: r.Node) -> None:
    """A statement that a connection sends."""
    what, note = queries.effect_of(statement), ""
    for item in options_of(statement):
        if isinstance(item, Query):
            note = statement_in_words(frame, item, what)
    sent = about_table(frame, statement, what, node)
    operate(frame, session, what, node, note=note, attr=name, query=sent)
