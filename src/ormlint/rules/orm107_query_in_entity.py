"""ORM107: an entity's own method or property runs SQL."""

from __future__ import annotations

from collections.abc import Iterator

from ormlint.findings import Finding
from ormlint.rules.loops import EXEMPT_ROLES
from ormlint.rules.rule import Rule
from ormlint.semantics.model import Model
from ormlint.semantics.revealing import short
from ormlint.semantics.state import Event
from ormlint.semantics.values import Site

CODE, NAME = "ORM107", "query-in-entity"


def check(model: Model) -> Iterator[Finding]:
    seen: set[Site] = set()
    for function, cls, summary in model.members():
        if model.role(Site(model.symbols.modules[function.module].path, 0, 0)) in EXEMPT_ROLES:
            continue
        kind = model.method_kind(function.id)
        if kind in ("static", "class", "setter") or function.node.name.startswith("__init_subclass__"):
            continue
        for event in summary.events:
            if not _runs_sql(event) or event.site in seen or model.is_inside_entity(event):
                continue
            seen.add(event.site)
            where = f"{short(cls)}.{function.node.name}"
            like = "looks like plain access" if kind == "property" else "is a question to one object"
            what = "runs SQL" if not event.via else "leads to SQL"
            message = (
                f"{where} {like} and {what}: a round trip for each object, and an error for one that is in no session;"
                " move the query to a repository, or make the value a relationship or column_property"
            )
            yield model.finding(CODE, NAME, event.site, message, trail=model.way(event), symbol=function.id)


def _runs_sql(event: Event) -> bool:
    is_kept = any(meaning.startswith("kept ") for _, meaning in event.conditions)
    return event.kind in ("query", "write") and event.how not in ("refresh", "merge", "merge_all") and not is_kept


RULE = Rule(CODE, NAME, "A method or property of an entity runs SQL.", check)
