"""`ormlint effects`."""

from __future__ import annotations

import difflib
import json
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
import msgspec

from ...config import ConfigError, printable
from ...findings import Location, Step
from ...report.view import View, code_line, harmless
from ...sources import read_lines
from ..asking import ask, text_or_json
from ..options import reading
from ..output import colour, deliver

if TYPE_CHECKING:
    from ...semantics.events import Event
    from ...semantics.model import Model
    from ...semantics.values import Session

EXAMPLES = """\b
Examples:
  ormlint effects shop.services.orders:place_order
  ormlint effects OrderRepository.save --output-format json
"""
KINDS: Final = {
    "begin": "begin a transaction",
    "savepoint": "set a savepoint",
    "query": "query",
    "load": "load what is not loaded yet",
    "add": "add or delete objects",
    "mutate": "change an object of a session",
    "write": "write rows",
    "flush": "flush",
    "commit": "commit",
    "rollback": "roll back",
    "expunge": "take objects out of a session",
    "close": "close",
    "callout": "call out of the process",
    "engine": "build an engine or a session factory",
}
"""What a function may do, in the order in which it is shown."""
SHOWN: Final = 5
"""How many candidates the message of an ambiguous name lists."""


class Effect(msgspec.Struct, frozen=True):
    """One thing that a function may do: the steps lead from its own line down to where it happens."""

    kind: str
    note: str
    session: str
    only_on_error: bool
    steps: tuple[Step, ...]


class Effects(msgspec.Struct, frozen=True):
    """What one function may do."""

    function: str
    at: Location
    returns: str
    effects: tuple[Effect, ...]


@click.command("effects", epilog=EXAMPLES)
@click.argument("function")
@click.option("--root", type=click.Path(path_type=Path), help="The project's folder; found from the current one.")
@click.option("--output-format", default="text", metavar="FORMAT", help="text or json.")
@reading
def command(function: str, root: Path | None, output_format: str, **options: Any) -> int:
    """Show what a FUNCTION may do: commit, flush, query, write, roll back, close, call out; on which session, by which steps.

    FUNCTION is `package.module:Class.method`; the module may be left out where that is clear.
    """
    text_or_json(output_format)
    asked = ask((root or Path.cwd(),), options)
    found = effects_of(asked.model, resolved(function, tuple(asked.model.symbols.functions)))
    if output_format == "json":
        deliver(json.dumps(document(found), indent=2) + "\n", None)
        return 0
    lines = cache(lambda rel: read_lines(asked.root / rel))
    deliver(as_text(found, View(root=asked.root, lines=lines, here=Path.cwd(), colour=colour(sys.stdout))), None)
    return 0


def resolved(name: str, known: tuple[str, ...]) -> str:
    """The id of the function that a user means. Raises `ConfigError` where none or several are meant."""
    wanted = dotted(name)
    exact = [id for id in known if dotted(id) == wanted]
    found = exact or [id for id in known if dotted(id).endswith(f".{wanted}")]
    if len(found) == 1:
        return found[0]
    shown = printable(name)
    if found:
        more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
        raise ConfigError(f"{shown} may be {', '.join(map(printable, sorted(found)[:SHOWN]))}{more}; name the module too")
    spellings = {spelling: id for id in known for spelling in (dotted(id), dotted(id.partition(":")[2]), dotted(id).rpartition(".")[2])}
    near = [*difflib.get_close_matches(wanted, spellings, 1), *difflib.get_close_matches(wanted.rpartition(".")[2], spellings, 1)]
    hint = f'did you mean "{printable(spellings[near[0]])}"?' if near else "write package.module:Class.method"
    raise ConfigError(f"there is no function {shown} in the project; {hint}")


def dotted(id: str) -> str:
    return id.replace(":", ".").replace(".<locals>", "")


def effects_of(model: Model, id: str) -> Effects:
    """What a function does when nothing is known of its caller."""
    from ...semantics.revealing import reveal
    from ...semantics.values import Site

    node = model.symbols.functions[id]
    path = model.symbols.modules[node.module].path
    at = model.location(Site(path, node.node.start, node.node.start))
    summary = model.summary(id)
    if summary is None:
        return Effects(id, at, "Unknown", ())
    order = tuple(KINDS)
    found = sorted(summary.events, key=lambda event: order.index(event.kind) if event.kind in KINDS else len(order))
    unique = dict.fromkeys(effect(model, event) for event in found)
    return Effects(id, at, reveal(summary.returned, None, model.classes), tuple(unique))


def effect(model: Model, event: Event) -> Effect:
    own = model.step(event.site, event.via[0].note if event.via else "")
    # A call's own line is the first step of its way; where the way begins below it, the call stands before it.
    way = model.way(event)
    steps = way if way and way[0].at == own.at else ((Step(own.at, "calls"), *way) if way else (own,))
    note = event.note or ("" if event.attr == event.kind else event.attr)
    return Effect(event.kind, note, described(model, event.session), event.exceptional, steps)


def described(model: Model, session: Session | None) -> str:
    """Which session, in words."""
    from ...semantics.revealing import reveal

    if session is None:
        return ""
    id = session.id
    kind = reveal(session)
    name = id.name.replace(":", ".")
    if id.kind in ("made", "global") and id.site.path in model.paths:
        at = model.location(id.site)
        return f"the {kind} made at {at.path}:{at.line}"
    words = {"param": f"the parameter {name}", "field": f"the field {name}", "given": f"what {name or 'the framework'} hands in"}
    return f"{words[id.kind]}, a {kind}" if id.kind in words else f"a {kind}"


def as_text(found: Effects, view: View) -> str:
    """A paragraph for each kind of effect."""
    bold, dim, end = ("\x1b[1m", "\x1b[2m", "\x1b[0m") if view.colour else ("", "", "")
    lines = [f"{bold}{harmless(found.function)}{end}  {dim}{place(found.at, view)}{end}", f"  returns {harmless(found.returns)}"]
    for one in found.effects:
        what = KINDS.get(one.kind, one.kind)
        note = f": {harmless(one.note)}" if one.note else ""
        on = f", on {harmless(one.session)}" if one.session else ""
        when = ", only after an exception" if one.only_on_error else ""
        lines += ["", f"  may {bold}{what}{end}{note}{on}{when}"]
        for number, step in enumerate(one.steps, 1):
            label = f"    {number}. " if len(one.steps) > 1 else "    "
            source = view.lines(step.at.path)
            code = code_line(source[step.at.line - 1]).strip() if 0 < step.at.line <= len(source) else ""
            lines.append(f"{label}{dim}{place(step.at, view)}{end}  {code}")
    missing = [words for kind, words in KINDS.items() if kind not in {one.kind for one in found.effects}]
    lines += ["", f"  not seen to {', '.join(missing[:-1])} or {missing[-1]}" if len(missing) > 1 else ""]
    return "\n".join(lines).rstrip() + "\n"


def place(at: Location, view: View) -> str:
    return f"{view.path(at.path)}:{at.line}"


def document(found: Effects) -> dict[str, Any]:
    """The effects as one JSON object; paths relative to the root, lines and columns from 1."""
    return {
        "function": found.function,
        "path": found.at.path,
        "line": found.at.line,
        "returns": found.returns,
        "effects": [
            {
                "kind": one.kind,
                "note": one.note,
                "session": one.session,
                "only_on_error": one.only_on_error,
                "steps": [{"path": step.at.path, "line": step.at.line, "column": step.at.column, "note": step.note} for step in one.steps],
            }
            for one in found.effects
        ],
    }
