"""`ormlint explain`."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from ...config import ConfigError, printable
from ...project import find_root, relative_to
from ...report.view import View, code_line, harmless
from ...sources import decoded
from ..asking import Asked, ask, text_or_json
from ..marking import Marked, marked
from ..options import reading
from ..output import colour, deliver
from .effects import KINDS, Effect, effect

if TYPE_CHECKING:
    from ...semantics.definitions import FunctionNode
    from ...semantics.model import Model

EXAMPLES = """\b
Examples:
  ormlint explain src/shop/orders.py:42
  ormlint explain src/shop/orders.py:42 --output-format json
"""


class Known(msgspec.Struct, frozen=True):
    """What is known of one value: its source, and it in words."""

    source: str
    value: str


class Unresolved(msgspec.Struct, frozen=True):
    """A call of which it is not known what is called: its source, and why."""

    source: str
    why: str


class Explanation(msgspec.Struct, frozen=True):
    """What is known on a line."""

    path: str
    line: int
    source: str
    module: str
    layer: str
    why: str
    function: str
    values: tuple[Known, ...]
    effects: tuple[Effect, ...]
    unresolved: tuple[Unresolved, ...]


@click.command("explain", epilog=EXAMPLES)
@click.argument("place", metavar="FILE:LINE")
@click.option("--output-format", default="text", metavar="FORMAT", help="text or json.")
@reading
def command(place: str, output_format: str, **options: Any) -> int:
    """Show what is known at FILE:LINE: the layer, each value with what is loaded on it, what the line may do to a session, and why a call
    could not be resolved."""
    text_or_json(output_format)
    file, line = placed(place)
    root = find_root(file)
    rel = relative_to(Path(file.absolute()), root)
    if rel is None:
        raise ConfigError(f"{printable(str(file))} is not below the project's root {printable(str(root))}")
    source = read(file)
    if line > len(source.split("\n")):
        raise ConfigError(f"{printable(str(file))} has no line {line}")
    marks = marked(source, line)
    if marks is None:
        raise ConfigError(f"{printable(str(file))} cannot be parsed")
    with tempfile.TemporaryDirectory(prefix="ormlint-") as folder:
        content = Path(folder, "marked.py")
        content.write_text(marks.text, encoding="utf-8", newline="")
        asked = ask((file,), options, {rel: content})
    found = explanation(asked, rel, line, source.split("\n")[line - 1], marks)
    deliver(json.dumps(document(found), indent=2) + "\n" if output_format == "json" else as_text(found, asked.root), None)
    return 0


def placed(text: str) -> tuple[Path, int]:
    """The file and the line of FILE:LINE, a column behind it left aside. Raises `ConfigError`."""
    parts = text.split(":")
    numbers = [part for part in parts[1:] if part.isdecimal()]
    if not numbers or int(numbers[0]) < 1:
        raise ConfigError(f"{printable(text)}: write FILE:LINE, with lines counted from 1")
    file = Path(text[: text.index(f":{numbers[0]}")])
    if not file.is_file():
        raise ConfigError(f"{printable(str(file))} does not exist")
    return file, int(numbers[0])


def read(file: Path) -> str:
    try:
        return decoded(file.read_bytes()).replace("\r\n", "\n").removeprefix("\ufeff")
    except OSError as error:
        raise ConfigError(f"cannot read {printable(str(file))}: {error.strerror}") from None


def explanation(asked: Asked, rel: str, line: int, source: str, marks: Marked) -> Explanation:
    """What the model knows on a line whose values are marked."""
    model = asked.model
    scope = model.paths.get(rel)
    if scope is None:
        raise ConfigError(f"{printable(rel)} is not checked: git ignores it or the configuration excludes it")
    placed_in = model.layers[scope.name]
    revealed = {reveal.at.column: reveal.text for reveal in model.reveals if (reveal.at.path, reveal.at.line) == (rel, line)}
    values = tuple(dict.fromkeys(Known(text, revealed[column]) for column, text in marks.values.items() if column in revealed))
    effects: dict[Effect, None] = {}
    inside: list[tuple[int, FunctionNode]] = []
    for function, summary in model.entries():
        if function.module != scope.name:
            continue
        start, end = scope.record.position(function.node.start)[0], scope.record.position(function.node.end)[0]
        if start <= line <= end:
            inside.append((end - start, function))
            effects |= {effect(model, event): None for event in summary.events if model.location(event.site).line == line}
    innermost = min(inside, key=lambda item: item[0])[1].id if inside else ""
    return Explanation(
        rel,
        line,
        source,
        scope.name,
        placed_in.layer,
        placed_in.why,
        innermost,
        values,
        tuple(effects),
        unresolved(model, rel, line, marks),
    )


def unresolved(model: Model, rel: str, line: int, marks: Marked) -> tuple[Unresolved, ...]:
    """The calls that begin on a line and were not resolved, as the source has them."""
    found: dict[Unresolved, None] = {}
    for at, why in model.unresolved_calls_at(rel, line):
        source = marks.calls.get((at.column, at.end_line, 0 if at.end_line == line else at.end_column))
        if source is not None:
            found[Unresolved(f"{source}()", because(source, why))] = None
    return tuple(found)


def because(callee: str, why: str) -> str:
    """Why a call is not resolved, also where the analysis has no word for it."""
    reason = why.removeprefix("the call is not resolved").removeprefix(": ")
    if reason:
        return reason
    receiver, dot, _ = callee.rpartition(".")
    known = receiver if dot else callee
    return f"it is not known what {known} gives" if known.endswith(")") else f"nothing in the project says what {known} is"


def as_text(found: Explanation, root: Path) -> str:
    """The line, then a line for each value and each effect."""
    view = View(root=root, here=Path.cwd(), colour=colour(sys.stdout))
    bold, dim, end = ("\x1b[1m", "\x1b[2m", "\x1b[0m") if view.colour else ("", "", "")
    where = f"in {harmless(found.function)}" if found.function else f"in the module {harmless(found.module)}"
    lines = [
        f"{bold}{view.path(found.path)}:{found.line}{end} {where}",
        f"  {code_line(found.source).strip()}",
        f"  {dim}layer: {found.layer or 'none'} ({harmless(found.why)}){end}",
        "",
    ]
    width = min(max((len(harmless(known.source)) for known in found.values), default=0), 50)
    lines += [f"  {harmless(known.source):<{width}}  {bold}{harmless(known.value)}{end}" for known in found.values]
    if not found.values:
        lines.append("  No value is known on this line, or the line is never reached.")
    lines += [""] * bool(found.unresolved)
    for call in found.unresolved:
        lines += [f"  {bold}{harmless(call.source)}{end} is not resolved: {harmless(call.why)}"]
    for one in found.effects:
        note = f": {harmless(one.note)}" if one.note else ""
        on = f", on {harmless(one.session)}" if one.session else ""
        last = one.steps[-1].at
        down = f" ({view.path(last.path)}:{last.line})" if (last.path, last.line) != (found.path, found.line) else ""
        lines += ["", f"  may {bold}{KINDS.get(one.kind, one.kind)}{end}{note}{on}{down}"]
    return "\n".join(lines) + "\n"


def document(found: Explanation) -> dict[str, Any]:
    """The explanation as one JSON object."""
    return {
        "path": found.path,
        "line": found.line,
        "module": found.module,
        "layer": found.layer,
        "why": found.why,
        "function": found.function,
        "values": [{"source": known.source, "value": known.value} for known in found.values],
        "unresolved_calls": [{"source": call.source, "why": call.why} for call in found.unresolved],
        "effects": [
            {"kind": one.kind, "note": one.note, "session": one.session, "path": one.steps[-1].at.path, "line": one.steps[-1].at.line}
            for one in found.effects
        ],
    }
