"""Calls of a library's functions and classes by their dotted names.

All knowledge is in `orms`; here a name's row decides who knows what the call means: a function (`library_functions`), a class or something
of a kind (`library_classes`), work that is done beside (`offloading`), an effect outside. A name that no row knows gives an opaque
`LibInstance` (a class) or Unknown (a function), and whatever sessions it was handed may have been ended there.
"""

from __future__ import annotations

from collections.abc import Sequence

from ormlint.facts import records as r
from ormlint.orms import registry as orms
from ormlint.semantics import boundary, serializing, templates
from ormlint.semantics.arguments import first_value
from ormlint.semantics.frame import Frame
from ormlint.semantics.kinds import kind_of
from ormlint.semantics.library_classes import of_kind
from ormlint.semantics.library_functions import KEEPING, by_word
from ormlint.semantics.loading import flat, make_option
from ormlint.semantics.offloading import started
from ormlint.semantics.transactions import call_out
from ormlint.semantics.unit_of_work import give_away, make_transient, operate
from ormlint.semantics.values import (
    NEVER,
    NONE,
    Actual,
    Awaitable,
    Const,
    Entity,
    LibInstance,
    ModelAttr,
    Plain,
    TypeVarRef,
    Unknown,
    Value,
    options_of,
    seen_in,
)
from ormlint.semantics.variance import varies_with


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
        return started(frame, name, concurrent, actuals, node)
    kind = kind_of(name)
    if kind:
        return of_kind(frame, name, kind, actuals, node)
    words = boundary.leaves_by(name)
    if words and actuals and not boundary.told_how(frame, name, actuals, node):
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
        value = by_word(frame, name, function.returns, actuals, node)
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
    if name in KEEPING and seen_in(first_value(actuals)):
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
