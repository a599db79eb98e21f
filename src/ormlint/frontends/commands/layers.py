"""`ormlint layers`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Final

import click
import msgspec

from ...report.view import View, harmless
from ..asking import ask, text_or_json
from ..options import reading
from ..output import colour, deliver

EXAMPLES = """\b
Examples:
  ormlint layers
  ormlint layers src/shop/domain --output-format json
"""
ORDER: Final = ("entrypoint", "domain", "unit-of-work", "persistence", "")


class Module(msgspec.Struct, frozen=True):
    """One module, as the list shows it."""

    name: str
    layer: str
    why: str
    path: str


@click.command("layers", epilog=EXAMPLES)
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="[PATH]...")
@click.option("--output-format", default="text", metavar="FORMAT", help="text or json.")
@click.option("--output-file", "-o", type=click.Path(path_type=Path), help="Write the list there, whole or not at all.")
@reading
def command(paths: tuple[Path, ...], output_format: str, output_file: Path | None, **options: Any) -> int:
    """List each module with its layer, and why it was put there.

    Layers come from `[tool.ormlint.layers]`; where nothing is configured, from what folders are called.
    """
    text_or_json(output_format)
    named = paths or (Path.cwd(),)
    asked = ask(named, options)
    modules = [
        Module(scope.name, placed.layer, placed.why, scope.path)
        for scope in asked.model.modules()
        if (placed := asked.model.layers.get(scope.name)) is not None
        and any((asked.root / scope.path).is_relative_to(place.resolve()) for place in named)
    ]
    modules.sort(key=lambda module: (ORDER.index(module.layer), module.name))
    view = View(root=asked.root, here=Path.cwd(), colour=output_file is None and colour(sys.stdout))
    deliver(as_json(modules) if output_format == "json" else as_text(modules, view), output_file)
    return 0


def as_text(modules: list[Module], view: View) -> str:
    """A heading for each layer, a line for each module."""
    bold, dim, end = ("\x1b[1m", "\x1b[2m", "\x1b[0m") if view.colour else ("", "", "")
    width = min(max((len(harmless(module.name)) for module in modules), default=0), 50)
    lines: list[str] = []
    for layer in ORDER:
        chosen = [module for module in modules if module.layer == layer]
        if chosen:
            lines.append(f"{bold}{layer or 'no layer'}{end} ({len(chosen)})")
            lines += [f"  {harmless(module.name):<{width}}  {dim}{harmless(module.why)}{end}" for module in chosen]
            lines.append("")
    count = len(modules)
    return "\n".join((*lines, f"{count} module{'' if count == 1 else 's'}.")) + "\n"


def as_json(modules: list[Module]) -> str:
    """A list of objects; `layer` is empty where a module has none."""
    listed = [{"module": module.name, "layer": module.layer, "why": module.why, "path": module.path} for module in modules]
    return json.dumps(listed, indent=2) + "\n"
