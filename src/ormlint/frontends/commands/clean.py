"""`ormlint clean`."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import click

from ...config import CACHE_FOLDER, ConfigError, printable
from ...pipeline import cache_folder
from ..options import configuration, project_root
from ..output import deliver

EXAMPLES = """\b
Example:
  ormlint clean
"""


@click.command("clean", epilog=EXAMPLES)
@click.argument("path", required=False, type=click.Path(path_type=Path))
@click.option("--config", "config_file", type=click.Path(path_type=Path), help="The configuration file to use.")
def command(path: Path | None, **options: Any) -> int:
    """Remove the cache of the project at PATH (by default the current folder)."""
    root = project_root((path,) if path else ())
    folder = cache_folder(root, configuration(root, options))
    if folder is None or not folder.exists():
        deliver("There is no cache.\n", None)
        return 0
    if folder.name != CACHE_FOLDER and not (folder / "CACHEDIR.TAG").is_file():
        raise ConfigError(f"{printable(str(folder))} was not made by ormlint; remove it by hand")
    try:
        shutil.rmtree(folder)
    except OSError as error:
        raise ConfigError(f"cannot remove {printable(str(folder))}: {error.strerror or error}") from None
    deliver(f"Removed {printable(str(folder))}.\n", None)
    return 0
