"""`ormlint witness`."""

from __future__ import annotations

import os
import subprocess
import uuid
from pathlib import Path

import click

from ...config import ConfigError, printable
from ...witness.record import RecordError, merge_parts
from ..options import project_root

EXAMPLES = """\b
Examples:
  ormlint witness run -- python app.py
  ormlint witness run --append -- flask --app shop run
  ormlint check --witness ormlint-witness.jsonl
"""
DEFAULT_FILE = "ormlint-witness.jsonl"


@click.group("witness", epilog=EXAMPLES)
def command() -> None:
    """Record what really runs, for `ormlint check --witness`.

    Tests are recorded by `pytest --ormlint-witness`; everything else by `ormlint witness run`.
    """


@command.command("run", epilog=EXAMPLES, context_settings={"ignore_unknown_options": True})
@click.option("--file", "file", type=click.Path(path_type=Path), default=Path(DEFAULT_FILE), show_default=True, help="The record.")
@click.option("--append", is_flag=True, help="Keep what the record holds and add to it.")
@click.option("--root", type=click.Path(path_type=Path, file_okay=False), help="The project's folder; found from the current one.")
@click.option("--no-lines", is_flag=True, help="Do not watch which lines ran; then nothing can be refuted.")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, required=True, metavar="-- COMMAND [ARGUMENT]...")
def run(file: Path, append: bool, root: Path | None, no_lines: bool, arguments: tuple[str, ...]) -> int:
    """Run a command and record what its Python processes make the ORM do.

    Leaves with the command's own status; with 2 where it cannot be run or the record cannot be written.
    """
    target = file.absolute()
    parts = target.with_name(f"{target.name}.{uuid.uuid4().hex[:8]}.parts")
    folder = project_root((root,) if root is not None else (Path.cwd(),))
    try:
        parts.mkdir(parents=True)
    except OSError as error:
        raise ConfigError(f"cannot write the witness record {printable(str(file))}: {error.strerror}") from None
    status = _run(arguments, _environment(folder, parts, lines=not no_lines))
    try:
        record = merge_parts(parts, target, append=append)
    except RecordError as error:
        raise ConfigError(f"{error}; the parts are kept in {printable(str(parts))}") from None
    for warning in record.warnings:
        click.echo(f"ormlint witness: {printable(warning)}", err=True)
    if not record.head.sqlalchemy:
        click.echo("ormlint witness: no Python process below the command imported SQLAlchemy: the record is empty", err=True)
    elif not any(site.path for site in record.sites):
        click.echo(f"ormlint witness: no line below {printable(str(folder))} used SQLAlchemy: is that the project? (--root)", err=True)
    events = sum(site.count for site in record.sites)
    click.echo(f"ormlint witness: {events} events at {len(record.sites)} sites: {printable(str(file))}", err=True)
    return status


def _environment(root: Path, parts: Path, *, lines: bool) -> dict[str, str]:
    package = Path(__file__).resolve().parents[3]
    bootstrap = package / "ormlint" / "witness" / "bootstrap"
    before = os.environ.get("PYTHONPATH")
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join((str(bootstrap), before) if before else (str(bootstrap),)),
        "ORMLINT_WITNESS_PARTS": str(parts),
        "ORMLINT_WITNESS_ROOT": str(root),
        "ORMLINT_WITNESS_PACKAGE": str(package),
        "ORMLINT_WITNESS_LINES": "1" if lines else "0",
    }


def _run(arguments: tuple[str, ...], environment: dict[str, str]) -> int:
    try:
        return _status(subprocess.run(arguments, env=environment).returncode)  # noqa: S603
    except FileNotFoundError:
        raise ConfigError(f"cannot run {printable(arguments[0])}: there is no such command") from None
    except OSError as error:
        raise ConfigError(f"cannot run {printable(arguments[0])}: {error.strerror}") from None
    except KeyboardInterrupt:
        return 130


def _status(returncode: int) -> int:
    """The exit status as a shell gives it: 128 and the signal's number where one ended the command."""
    return returncode if returncode >= 0 else 128 - returncode
