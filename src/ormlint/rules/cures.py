"""The smallest change that cures a load: which option belongs on which query."""

from __future__ import annotations

from collections.abc import Sequence

from ormlint.semantics.events import Event, Loop
from ormlint.semantics.model import Model
from ormlint.semantics.revealing import short
from ormlint.semantics.state import contains
from ormlint.semantics.values import Site

_NAMED = 3
"""So many options are written out."""


def option_for(model: Model, event: Event) -> str:
    """The loader option that loads what the event reads: `selectinload(Order.lines).joinedload(Line.product)`."""
    entity = event.entity
    if entity is None:
        return ""
    owner = model.root_model(entity)
    parts: list[str] = []
    seen: dict[tuple[str, str], int] = {}
    for name in (*entity.path, event.attr):
        attribute = model.attribute(owner or "", name)
        if owner is None or attribute is None:
            return ""
        # A tree's path goes round: one round of it says which option is meant.
        if (owner, name) in seen:
            del parts[seen[(owner, name)] :]
        seen[(owner, name)] = len(parts)
        if attribute.kind != "relationship":
            parts.append(f"undefer({short(owner)}.{name})")
            break
        loader = "selectinload" if attribute.many or attribute.target is None else "joinedload"
        parts.append(f"{loader}({short(owner)}.{name})")
        owner = attribute.target
    return ".".join(parts)


def cure(model: Model, event: Event, loop: Loop | None = None, others: Sequence[Event] = ()) -> str:
    """A sentence that names the option and the query, or what else helps; `others` are read of the same objects."""
    entity = event.entity
    same = [event, *(other for other in others if other.entity is not None and entity is not None and other.entity.origin == entity.origin)]
    options = [option for option in dict.fromkeys(option_for(model, item) for item in same) if option]
    if entity is None:
        return "load it with the query"
    if not options:
        return f"load it with the query that loads {short(entity.model)}: {_own_option(model, event)}"
    option = ", ".join(options[:_NAMED])
    if len(options) > _NAMED:
        option = f"{option}, …"
    if entity.origin.kind in ("query", "get") and loop is not None and _in_body(loop, entity.origin.site):
        return f"load them all with one query before the loop, with .options({option})"
    if entity.origin.kind == "get" and (loop is None or entity.path):
        return f"pass options=[{option}] to the get at {model.text(entity.origin.site)}"
    if entity.origin.kind == "get":
        return f"load them with one query instead of by their keys at {model.text(entity.origin.site)}, with .options({option})"
    if entity.origin.kind == "query":
        return f"add .options({option}) to the query at {model.text(entity.origin.site)}"
    return f"load it where {short(model.root_model(entity) or entity.model)} is queried: .options({option})"


def _own_option(model: Model, event: Event) -> str:
    """The last step of an option whose first steps are not known."""
    assert event.entity is not None
    attribute = model.attribute(event.entity.model, event.attr)
    if attribute is not None and attribute.kind != "relationship":
        return f"undefer({short(event.entity.model)}.{event.attr})"
    many = attribute is None or attribute.many or attribute.target is None
    return f"{'selectinload' if many else 'joinedload'}({short(event.entity.model)}.{event.attr})"


def _in_body(loop: Loop, site: Site) -> bool:
    """Whether a query is sent in each turn: what the loop goes over is asked once."""
    return contains(loop.site, site) and not (loop.head is not None and contains(loop.head, site))
