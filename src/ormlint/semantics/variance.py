"""In which loops a read concerns another row each time.

Takes an entity and the expression that reads it; gives the sites of loops. Two facts say so: the entity was taken from the loop's
own iteration, or the expression names what changes in the loop.
"""

from __future__ import annotations

from ormlint.facts import records as r
from ormlint.semantics.frame import Frame
from ormlint.semantics.values import Entity, Site


def varies_with(frame: Frame, entity: Entity, node: r.Node) -> tuple[Site, ...]:
    """The active loops in each of whose iterations the read concerns another row."""
    if not frame.loops and not entity.born:
        return ()
    by_name = frame.varying(node)
    active = tuple(loop.site for loop in frame.loops if loop.site in entity.born or loop.site in by_name)
    outer = tuple(site for site in entity.born if site not in active and not any(loop.site == site for loop in frame.loops))
    return (*active, *outer)
