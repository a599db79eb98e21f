"""`ormlint check`."""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path
from typing import Any

import click

from ... import __version__
from ...config import ConfigError, printable, suggestion
from ...pipeline import check
from ...project import named_files
from ...report import FORMATS, renderer
from ...report.view import View
from ...sources import read_lines
from ..options import choosing, configuration, project_root
from ..output import colour, deliver, width

EXAMPLES = """\b
Examples:
  ormlint check
  ormlint check src/shop --select ORM2,ORM401
  ormlint check --output-format json --output-file findings.json
"""


@click.command("check", epilog=EXAMPLES)
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="[PATH]...")
@click.option("--output-format", default="text", metavar="FORMAT", help=f"One of {', '.join(FORMATS)}.")
@click.option("--output-file", "-o", type=click.Path(path_type=Path), help="Write the report there, whole or not at all.")
@click.option("--statistics", is_flag=True, help="Count the findings of each rule.")
@click.option("--exit-zero", is_flag=True, help="Leave with status 0 even where something was found.")
@choosing
def command(
    paths: tuple[Path, ...], output_format: str, output_file: Path | None, statistics: bool, exit_zero: bool, **options: Any
) -> int:
    """Report where the ORM crosses a boundary.

    The whole project around PATH (by default the current folder) is read; what is in PATH is reported. Leaves with 0 where nothing was
    found, 1 where something was, 2 where the work could not be done.
    """
    if output_format not in FORMATS:
        hint = suggestion(output_format, FORMATS) or f"; known are {', '.join(FORMATS)}"
        raise ConfigError(f'unknown output format "{printable(output_format)}"{hint}')
    root = project_root(paths)
    config = configuration(paths[0] if len(paths) == 1 else root, options)
    report = check(root, config, paths or (Path.cwd(),))
    view = View(
        root=root,
        lines=cache(lambda rel: read_lines(root / rel)),
        here=Path.cwd(),
        width=None if output_file else width(sys.stdout),
        colour=output_file is None and colour(sys.stdout),
        links=output_file is None and sys.stdout.isatty(),
        statistics=statistics,
        version=__version__,
    )
    deliver(renderer(output_format)(report, view), output_file)
    return 1 if report.findings and not exit_zero else 0
