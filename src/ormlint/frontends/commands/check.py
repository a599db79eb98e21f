"""`ormlint check`."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import click

from ... import __version__
from ...config import Config, ConfigError, printable, suggestion
from ...findings import Report
from ...pipeline import Request, check
from ...project import find_root, relative_to
from ...report import FORMATS, renderer
from ...report.view import RuleText, View
from ...revisions import changed_lines, touched
from ...sources import read_lines
from ...witnessed import Missed, Verdict
from ..completion import one_of
from ..options import choosing, configuration, project_root
from ..output import colour, deliver, links, width
from ..progress import progress

EXAMPLES = """\b
Examples:
  ormlint check
  ormlint check src/shop --select ORM2,ORM401
  ormlint check --output-format json --output-file findings.json
"""
VERDICTS = tuple(verdict.name.replace("_", "-") for verdict in Verdict)


@click.command("check", epilog=EXAMPLES)
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="[PATH]...")
@click.option("--output-format", default="text", metavar="FORMAT", shell_complete=one_of(FORMATS), help=f"One of {', '.join(FORMATS)}.")
@click.option("--output-file", "-o", type=click.Path(path_type=Path), help="Write the report there, whole or not at all.")
@click.option("--statistics", is_flag=True, help="Count the findings of each rule.")
@click.option("--witness", "record", type=click.Path(path_type=Path), help="Hold the findings against a record of what really ran.")
@click.option("--min-witness", metavar="VERDICT", shell_complete=one_of(VERDICTS), help="With --witness: only confirmed or not-run ones.")
@click.option("--exit-zero", is_flag=True, help="Leave with status 0 even where something was found.")
@click.option("--diff", "diff_base", metavar="BASE", help="Report only what the lines changed since a git revision take part in.")
@click.option("--no-baseline", is_flag=True, help="Report also what the baseline accepts.")
@click.option("--stdin-filename", type=click.Path(path_type=Path), help="With `-` as PATH: the file whose content standard input is.")
@choosing
def command(
    paths: tuple[Path, ...],
    output_format: str,
    output_file: Path | None,
    statistics: bool,
    record: Path | None,
    min_witness: str | None,
    exit_zero: bool,
    diff_base: str | None,
    no_baseline: bool,
    stdin_filename: Path | None,
    **options: Any,
) -> int:
    """Report where the ORM crosses a boundary.

    The whole project around PATH (by default the current folder) is read; what is in PATH is reported. Leaves with 0 where nothing was
    found, 1 where something was, 2 where the work could not be done.
    """
    if output_format not in FORMATS:
        hint = suggestion(output_format, FORMATS) or f"; known are {', '.join(FORMATS)}"
        raise ConfigError(f'unknown output format "{printable(output_format)}"{hint}')
    with standard_input(paths, stdin_filename) as replaced:
        named = tuple(replaced) or paths or (Path.cwd(),)
        root = find_root(named[0]) if replaced else project_root(named)
        config = configuration(named[0] if len(named) == 1 else root, options)
        contents = {relative_to(Path(os.path.abspath(path)), root) or path.name: content for path, content in replaced.items()}
        with progress() as notify:
            request = Request(paths=named, contents=contents, diff_base=diff_base, baseline=not no_baseline, notify=notify)
            report = witnessed(check(root, config, request=request), record, min_witness, config, request)
        view = View(
            root=root,
            lines=cache(lambda rel: read_lines(contents.get(rel, root / rel))),
            here=Path.cwd(),
            width=None if output_file else width(sys.stdout),
            colour=output_file is None and colour(sys.stdout),
            links=output_file is None and links(sys.stdout),
            statistics=statistics,
            rules=texts_of_rules() if output_format == "sarif" else (),
            version=__version__,
        )
        text = renderer(output_format)(report, view)
    deliver(text, output_file)
    if output_format != "text" or output_file is not None:
        for warning in report.warnings:
            click.echo(f"ormlint: warning: {printable(warning)}", err=True)
    return 1 if report.findings and not exit_zero else 0


def witnessed(report: Report, record: Path | None, least: str | None, config: Config, request: Request) -> Report:
    """The report held against a record, where one is named. Raises `ConfigError`."""
    if least is not None and least not in VERDICTS:
        raise ConfigError(f'unknown verdict "{printable(least)}"{suggestion(least, VERDICTS) or "; known are " + ", ".join(VERDICTS)}')
    if record is None:
        if least is not None:
            raise ConfigError("--min-witness needs a record: name it with --witness FILE")
        return report
    from ...witness.confirmation import at_least, hold_against
    from ...witness.record import RecordError

    try:
        held = hold_against(report, record, asked_for(Path(report.root), config, request))
    except RecordError as error:
        raise ConfigError(str(error)) from None
    return held if least is None else at_least(held, Verdict[least.replace("-", "_")])


def asked_for(root: Path, config: Config, request: Request) -> Callable[[Missed], bool]:
    """Whether what was missed would have been reported: its rule is selected, and it stands in what was named and in what changed."""
    from ...extensions import existing_rules
    from ...selection import select

    codes = select(config, existing_rules().all).codes
    named = [folder for path in request.paths if (folder := relative_to(Path(os.path.abspath(path)), root)) is not None]
    changed = None if request.diff_base is None else changed_lines(root, request.diff_base)

    def asked(missed: Missed) -> bool:
        places = (missed.at, *missed.chain)
        return (
            missed.code in codes
            and (not named or any(not path or missed.at.path == path or missed.at.path.startswith(f"{path}/") for path in named))
            and (changed is None or any(touched(at, changed) for at in places))
        )

    return asked


def texts_of_rules() -> tuple[RuleText, ...]:
    """What a report says about each rule. Needs the rules, and with them the analysis, which a warm run does without."""
    from ..rule_pages import rule_texts

    return rule_texts()


@contextmanager
def standard_input(paths: tuple[Path, ...], filename: Path | None) -> Iterator[dict[Path, Path]]:
    """The file that standard input stands for, and where its content was put; empty where `-` was not named."""
    if Path("-") not in paths:
        if filename is not None:
            raise ConfigError("--stdin-filename says what `-` is: name `-` as the path, too")
        yield {}
        return
    if len(paths) > 1:
        raise ConfigError("`-` cannot be named together with other paths")
    with tempfile.TemporaryDirectory(prefix="ormlint-") as folder:
        content = Path(folder, "stdin.py")
        content.write_bytes(sys.stdin.buffer.read())
        yield {filename or Path.cwd() / "stdin.py": content}
