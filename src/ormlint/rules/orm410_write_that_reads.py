"""ORM410: a write that loads something first, once for each element: an append, a delete, a merge."""

from __future__ import annotations

from collections.abc import Iterator

from ormlint.findings import Confidence, Finding
from ormlint.rules.cures import option_for
from ormlint.rules.loops import each, per_row
from ormlint.rules.rule import Rule
from ormlint.semantics.model import Model
from ormlint.semantics.observations import Repeated
from ormlint.semantics.revealing import short
from ormlint.semantics.values import Site

CODE, NAME = "ORM410", "write-that-reads"


def check(model: Model) -> Iterator[Finding]:
    places: dict[tuple[Site, str], list[Repeated]] = {}
    for item in per_row(model, "load", "query"):
        how = item.event.how
        if (item.event.kind == "load" and how in ("written", "cascade")) or (how == "merge" and item.event.attr == "looks up"):
            places.setdefault((item.event.site, how), []).append(item)
    for (site, how), items in places.items():
        item = max(items, key=lambda other: other.event.confidence)
        event = item.event
        names = list(
            dict.fromkeys(f"{short(other.event.entity.model)}.{other.event.attr}" for other in items if other.event.entity is not None)
        )
        if how == "merge":
            message = (
                f"merge looks the row up first: one SELECT for {each(item)} that has its key; load the rows with one query before the loop"
            )
        elif how == "cascade":
            message = (
                f"deleting each {_owner(items)} loads {_listed(names)} first, to delete or let go what is in it: a SELECT each; "
                "set passive_deletes=True with ON DELETE in the database, or delete all with one delete() statement"
            )
        else:
            # A new object was never queried: no option helps it.
            option = option_for(model, event) if event.entity is not None and event.entity.origin.kind != "new" else ""
            message = (
                f"writing to {_listed(names)} loads it first: one SELECT for {each(item)}; "
                f"set the other side of the relationship instead{f', or add .options({option}) to the query' if option else ''}"
            )
        trail = (
            *(model.source_of(event.entity) if event.entity is not None else ()),
            model.step(item.loop.site, f"the loop: {item.loop.why}"),
            *model.ways([other.event for other in items]),
        )
        # What the call itself fetches may be the same object each time: then it is loaded once.
        fetched = how == "written" and event.entity is not None and event.entity.origin.via[-1:] == (site,)
        confidence = Confidence.possible if fetched else Confidence(event.confidence)
        yield model.finding(CODE, NAME, site, message, confidence, trail, item.function)


def _owner(items: list[Repeated]) -> str:
    owners = {short(item.event.entity.model) for item in items if item.event.entity is not None}
    return owners.pop() if len(owners) == 1 else "object"


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


RULE = Rule(CODE, NAME, "A write in a loop loads something first: append, delete, merge.", check)
