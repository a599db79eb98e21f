"""ORM107: an entity's own method or property runs SQL."""

from __future__ import annotations

from collections.abc import Iterator

from ormlint.findings import Confidence, Finding
from ormlint.rules.loops import EXEMPT_ROLES
from ormlint.rules.rule import Rule
from ormlint.semantics.definitions import FunctionNode
from ormlint.semantics.dependence import is_memo
from ormlint.semantics.events import Event
from ormlint.semantics.model import Model
from ormlint.semantics.revealing import short
from ormlint.semantics.values import Site

CODE, NAME = "ORM107", "query-in-entity"
_NEAR = 2
"""So many calls away, a query is still the entity's own; farther off it belongs to whoever runs it."""
_STYLE = 10
"""Where so many methods of entities run SQL, that is how the project works: only what looks like plain access is told without asking."""


def check(model: Model) -> Iterator[Finding]:
    found = [(function, cls, event) for function, cls, event in _queries(model)]
    methods = {function.id for function, _, _ in found if not _looks_plain(model, function)}
    chosen = len(methods) >= _STYLE
    for function, cls, event in found:
        if not chosen and any(other.id in methods for other in model.functions_on_the_way(event)):
            continue  # told in that method
        where = f"{short(cls)}.{function.node.name}"
        plain = _looks_plain(model, function)
        like = "looks like plain access" if plain else "asks one object"
        message = (
            f"{where} {like} and {'leads to' if event.via else 'runs'} SQL: a round trip for each object, and an error for one that is in"
            " no session; move the query to a repository, or make the value a relationship or column_property"
        )
        sure = len(event.via) <= _NEAR and (plain or not chosen)
        confidence = Confidence.likely if sure else Confidence.possible
        yield model.finding(CODE, NAME, event.site, message, confidence, model.way(event), symbol=function.id)


def _queries(model: Model) -> Iterator[tuple[FunctionNode, str, Event]]:
    """The first query of each method and property of an entity, the nearest one first."""
    seen: set[str] = set()
    for function, cls, summary in model.members():
        if model.role(Site(model.symbols.modules[function.module].path, 0, 0)) in EXEMPT_ROLES or function.id in seen:
            continue
        if model.method_kind(function.id) not in ("property", "method"):
            continue
        events = [event for event in summary.events if _runs_sql(event) and not _told_elsewhere(model, function, event)]
        if events:
            seen.add(function.id)
            yield function, cls, min(events, key=lambda event: (len(event.via), event.site))


def _told_elsewhere(model: Model, function: FunctionNode, event: Event) -> bool:
    """Whether the query stands in another method of an entity, or behind a cache."""
    own = _looks_plain(model, function)
    for other in model.functions_on_the_way(event):
        if is_memo(model.symbols, other) or (model.is_entity_method(other) and (_looks_plain(model, other) or not own)):
            return True
    return False


def _looks_plain(model: Model, function: FunctionNode) -> bool:
    name = function.node.name
    return model.method_kind(function.id) == "property" or (name.startswith("__") and name.endswith("__") and name != "__init__")


def _runs_sql(event: Event) -> bool:
    is_kept = any(meaning.startswith("kept ") for _, meaning in event.conditions)
    return event.kind in ("query", "write") and event.how not in ("refresh", "merge", "merge_all") and not is_kept


RULE = Rule(CODE, NAME, "A method or property of an entity runs SQL.", check)
