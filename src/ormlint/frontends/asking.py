"""What the commands share that ask the model and not for a report: the model of a project, with every file read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from ..config import ConfigError, printable
from ..layer_patterns import layer_warnings
from ..pipeline import overlaid, understand
from ..project import Project, discover
from .options import configuration, project_root
from .progress import progress

if TYPE_CHECKING:
    from ..semantics.model import Model


class Asked(msgspec.Struct, frozen=True):
    """A project and what it means."""

    root: Path
    project: Project
    model: Model


def ask(paths: tuple[Path, ...], options: Mapping[str, Any], contents: Mapping[str, Path] | None = None) -> Asked:
    """The model of the project of some paths. What could not be read is said on standard error. Raises `ConfigError`."""
    root = project_root(paths)
    config = msgspec.structs.replace(configuration(root, options), relevance=False)
    project = overlaid(discover(root, config), contents or {})
    misplaced = layer_warnings(config.layers, project.files)
    with progress() as notify:
        model, records, unread = understand(project, config, notify)
    for warning in (*misplaced, *unread, *model.warnings):
        click.echo(f"ormlint: warning: {printable(warning)}", err=True)
    for rel, record in records.items():
        if record.error is not None:
            click.echo(f"ormlint: warning: {printable(rel)}:{record.error_line}: {printable(record.error)}", err=True)
    return Asked(root, project, model)


def text_or_json(output_format: str) -> None:
    """Raises `ConfigError` on any other format."""
    if output_format not in ("text", "json"):
        raise ConfigError(f'unknown output format "{printable(output_format)}"; known are text, json')
