"""`ormlint baseline`."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import click

from ... import baseline
from ...config import Config, ConfigError, printable
from ...findings import Finding
from ...fingerprints import Source
from ...pipeline import Request, check
from ...sources import read_lines
from ..options import configuration, project_root, reading
from ..output import deliver, write_whole
from ..progress import progress

EXAMPLES = """\b
Examples:
  ormlint baseline create       accept today's findings
  ormlint check                 from now on, only new ones
  ormlint baseline prune        forget what was mended
"""
CREATE = """\b
Example:
  ormlint baseline create
"""
UPDATE = """\b
Example:
  ormlint baseline update
"""
PRUNE = """\b
Example:
  ormlint baseline prune
"""


@click.group("baseline", epilog=EXAMPLES)
def command() -> None:
    """Accept today's findings, so that only new ones are reported.

    The file is `.ormlint-baseline.json` in the project's root, or what the option `baseline` says. Commit it.
    """


@command.command("create", epilog=CREATE)
@click.option("--force", is_flag=True, help="Write it anew where it exists.")
@reading
def create(force: bool, **options: Any) -> int:
    """Write a baseline of all that is found now."""
    root, config, file = project(options)
    if file.exists() and not force:
        raise ConfigError(f"{printable(str(file))} exists; `ormlint baseline update` accepts new findings, `prune` only shrinks it")
    findings = found(root, config)
    write(root, file, findings)
    deliver(f"Accepted {counted(len(findings))} in {printable(str(file))}.\n", None)
    return 0


@command.command("update", epilog=UPDATE)
@reading
def update(**options: Any) -> int:
    """Accept new findings too, and forget those that are gone."""
    root, config, file = project(options)
    before = baseline.load(file)
    findings = found(root, config)
    matched = baseline.match(findings, before, sources(root))
    write(root, file, findings)
    deliver(f"Accepted {counted(len(matched.new))} more, forgot {len(matched.gone)}; {counted(len(findings))} in all.\n", None)
    return 0


@command.command("prune", epilog=PRUNE)
@reading
def prune(**options: Any) -> int:
    """Forget accepted findings that are gone; accept nothing."""
    root, config, file = project(options)
    matched = baseline.match(found(root, config), baseline.load(file), sources(root))
    write_whole(file, baseline.dump(matched.kept))
    deliver(f"Forgot {counted(len(matched.gone))}; {len(matched.kept)} stay.\n", None)
    return 0


def project(options: dict[str, Any]) -> tuple[Path, Config, Path]:
    root = project_root(())
    config = configuration(root, options)
    return root, config, baseline.location(root, config)


def found(root: Path, config: Config) -> tuple[Finding, ...]:
    with progress() as notify:
        return check(root, config, request=Request(baseline=False, notify=notify)).findings


def sources(root: Path) -> Source:
    return cache(lambda rel: read_lines(root / rel))


def write(root: Path, file: Path, findings: tuple[Finding, ...]) -> None:
    source = sources(root)
    write_whole(file, baseline.dump(baseline.entry(finding, source) for finding in findings))


def counted(count: int) -> str:
    return f"{count} finding" if count == 1 else f"{count} findings"
