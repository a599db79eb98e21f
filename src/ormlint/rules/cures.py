"""The smallest change that cures a load: which option belongs on which query."""

from __future__ import annotations

from ormlint.semantics.model import Model
from ormlint.semantics.revealing import short
from ormlint.semantics.state import Event, contains
from ormlint.semantics.values import Site


def option_for(model: Model, event: Event) -> str:
    """The loader option that loads what the event reads: `selectinload(Order.lines).joinedload(Line.product)`."""
    entity = event.entity
    if entity is None:
        return ""
    owner = model.root_model(entity)
    parts: list[str] = []
    for name in (*entity.path, event.attr):
        attribute = model.attribute(owner or "", name)
        if owner is None or attribute is None:
            return ""
        if attribute.kind != "relationship":
            parts.append(f"undefer({short(owner)}.{name})")
            break
        loader = "selectinload" if attribute.many else "joinedload"
        parts.append(f"{loader}({short(owner)}.{name})")
        owner = attribute.target
    return ".".join(parts)


def cure(model: Model, event: Event, loop: Site | None = None) -> str:
    """A sentence that names the option and the query, or what else helps."""
    option = option_for(model, event)
    entity = event.entity
    if entity is None or not option:
        return "load it with the query"
    if entity.origin.kind in ("query", "get") and loop is not None and contains(loop, entity.origin.site):
        return f"load them all with one query before the loop, with .options({option})"
    if entity.origin.kind in ("query", "get"):
        return f"add .options({option}) to the query at {model.text(entity.origin.site)}"
    return f"load it where {short(model.root_model(entity) or entity.model)} is queried: .options({option})"
