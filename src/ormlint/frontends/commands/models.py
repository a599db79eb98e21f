"""`ormlint models`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from ...config import ConfigError, printable
from ...findings import Model
from ...pipeline import Request, check
from ...report.view import View, harmless
from ..options import configuration, project_root, reading
from ..output import colour, deliver
from ..progress import progress

EXAMPLES = """\b
Examples:
  ormlint models
  ormlint models src/shop/persistence --output-format json
"""


@click.command("models", epilog=EXAMPLES)
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="[PATH]...")
@click.option("--output-format", default="text", metavar="FORMAT", help="text or json.")
@click.option("--output-file", "-o", type=click.Path(path_type=Path), help="Write the list there, whole or not at all.")
@reading
def command(paths: tuple[Path, ...], output_format: str, output_file: Path | None, **options: Any) -> int:
    """List the mapped classes that were found, with file and line, table, columns and relationships."""
    if output_format not in ("text", "json"):
        raise ConfigError(f'unknown output format "{printable(output_format)}"; known are text, json')
    named = paths or (Path.cwd(),)
    root = project_root(named)
    config = configuration(root, {**options, "select": ("ORM901",)})
    with progress() as notify:
        report = check(root, config, request=Request(paths=named, notify=notify))
    chosen = [model for model in report.models if lies_in(root / model.at.path, named)]
    view = View(root=root, here=Path.cwd(), colour=output_file is None and colour(sys.stdout))
    deliver(as_json(chosen) if output_format == "json" else as_text(chosen, view), output_file)
    return 0


def lies_in(path: Path, named: tuple[Path, ...]) -> bool:
    return any(path.is_relative_to(place.resolve()) for place in named)


def as_text(models: list[Model], view: View) -> str:
    """One paragraph for each mapped class."""
    bold, dim, end = ("\x1b[1m", "\x1b[2m", "\x1b[0m") if view.colour else ("", "", "")
    lines: list[str] = []
    for model in models:
        table = f" -> table {harmless(model.table)}" if model.table else ""
        place = f"{view.path(model.at.path)}:{model.at.line}"
        lines.append(f"{bold}{harmless(model.module)}.{harmless(model.name)}{end}{table} [{model.style}]  {dim}{place}{end}")
        if model.columns:
            lines.append(f"    columns: {harmless(', '.join(model.columns))}")
        lines += [f"    {harmless(relationship)}" for relationship in model.relationships]
    count = len(models)
    return "\n".join((*lines, f"{count} mapped class{'' if count == 1 else 'es'}.")) + "\n"


def as_json(models: list[Model]) -> str:
    """A list of objects; paths relative to the root, lines and columns from 1."""
    return (
        json.dumps(
            [
                {
                    "name": model.name,
                    "module": model.module,
                    "table": model.table,
                    "style": model.style,
                    "path": model.at.path,
                    "line": model.at.line,
                    "column": model.at.column,
                    "columns": list(model.columns),
                    "relationships": list(model.relationships),
                }
                for model in models
            ],
            indent=2,
        )
        + "\n"
    )
