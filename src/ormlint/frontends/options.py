"""The options that several commands share, and how they become a configuration."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from ..config import Config, ConfigError, load_config, printable
from ..project import find_root
from .completion import one_of, rules

F = TypeVar("F", bound=Callable[..., Any])
LEVELS: Final = ("certain", "likely", "possible")


def choosing(command: F) -> F:
    """Which rules and files take part, and how they are read."""
    for option in reversed(
        (
            click.option(
                "--select",
                multiple=True,
                metavar="RULES",
                shell_complete=rules,
                help="Rules to run: codes, families (ORM2) or names, with commas.",
            ),
            click.option(
                "--extend-select", multiple=True, metavar="RULES", shell_complete=rules, help="Rules to run besides the selected ones."
            ),
            click.option("--ignore", multiple=True, metavar="RULES", shell_complete=rules, help="Rules not to run."),
            click.option(
                "--min-confidence",
                metavar="LEVEL",
                shell_complete=one_of(LEVELS),
                help="The least confidence shown: certain, likely (default) or possible.",
            ),
            click.option("--exclude", multiple=True, metavar="PATTERN", help="Files not to read, besides those of the configuration."),
            reading,
        )
    ):
        command = option(command)
    return command


def reading(command: F) -> F:
    """Where the options come from, and how files are read."""
    for option in reversed(
        (
            click.option("--config", "config_file", type=click.Path(path_type=Path), help="The configuration file to use."),
            click.option("--no-cache", is_flag=True, help="Read every file anew and store nothing."),
            click.option("--jobs", "-j", metavar="N", help="How many processes work; 0 for one per processor."),
            click.option("--no-relevance", is_flag=True, help="Parse also the files that cannot matter; never changes a finding."),
            click.option("--preview", is_flag=True, help="Run rules that are still being tried out, too."),
        )
    ):
        command = option(command)
    return command


def project_root(paths: tuple[Path, ...]) -> Path:
    """The project of the named paths, or of the current folder. Raises `ConfigError` where one is missing or they differ."""
    for path in paths:
        if not path.exists() and not path.is_symlink():
            raise ConfigError(f"{printable(str(path))} does not exist")
    roots = dict.fromkeys(find_root(path) for path in paths or (Path.cwd(),))
    if len(roots) > 1:
        listed = " and ".join(printable(str(root)) for root in list(roots)[:2])
        raise ConfigError(f"the paths belong to different projects, {listed}; run ormlint once for each")
    return next(iter(roots))


def configuration(start: Path, options: Mapping[str, Any]) -> Config:
    """The configuration at a folder with the command line's options on top. Raises `ConfigError`."""
    file: Path | None = options.get("config_file")
    given = overrides(options)
    config = load_config(start, given, file)
    if options.get("exclude"):
        config = load_config(start, {**given, "exclude": (*config.exclude, *options["exclude"])}, file)
    return config


def overrides(options: Mapping[str, Any]) -> dict[str, object]:
    """What the command line says, by the field names of `Config`."""
    given: dict[str, object] = {
        field: tuple(part for text in options[field] for part in re.split(r"[,\s]+", text) if part)
        for field in ("select", "extend_select", "ignore")
        if options.get(field)
    }
    if options.get("min_confidence"):
        given["min_confidence"] = options["min_confidence"]
    if options.get("no_cache"):
        given["cache_dir"] = None
    if options.get("jobs") is not None:
        given["jobs"] = whole_number(options["jobs"])
    if options.get("no_relevance"):
        given["relevance"] = False
    if options.get("preview"):
        given["preview"] = True
    return given


def whole_number(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ConfigError(f'option jobs: expected a whole number, got "{printable(text)}"') from None
