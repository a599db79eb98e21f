"""`ormlint rule`."""

from __future__ import annotations

import io
import json
import sys
from typing import Any

import click
from rich.console import Console
from rich.markdown import Markdown

from ...config import Config, ConfigError, printable
from ...extensions import existing_rules
from ...selection import Named, prefix, select
from ..completion import rules
from ..output import colour, deliver, width
from ..rule_pages import page

EXAMPLES = """\b
Examples:
  ormlint rule ORM201
  ormlint rule commit-in-loop
  ormlint rule --all --output-format json
"""


@click.command("rule", epilog=EXAMPLES)
@click.argument("rule", required=False, shell_complete=rules)
@click.option("--all", "every", is_flag=True, help="All rules; as text, one line each.")
@click.option("--output-format", default="text", metavar="FORMAT", help="text, json or markdown.")
def command(rule: str | None, every: bool, output_format: str) -> int:
    """Show the page of a RULE: a code (ORM201), a family (ORM2) or a name."""
    if output_format not in ("text", "json", "markdown"):
        raise ConfigError(f'unknown output format "{printable(output_format)}"; known are text, json, markdown')
    if (rule is None) != every:
        raise ConfigError("name one rule, or give --all (see `ormlint rule --help`)")
    known = select(Config(select=("ALL",)), existing_rules().all).known
    start = "" if rule is None else prefix(rule, known, "rule")
    chosen = sorted((item for item in known if item.code.startswith(start)), key=lambda item: item.code)
    if output_format == "json":
        deliver(json.dumps([described(item) for item in chosen], indent=2) + "\n", None)
    elif every and output_format == "text":
        deliver("".join(f"{item.code}  {item.name:<32} {item.summary}{'' if item.default else ' (off)'}\n" for item in chosen), None)
    else:
        pages = "\n\n".join(page(item) for item in chosen) + "\n"
        deliver(pages if output_format == "markdown" else rendered(pages), None)
    return 0


def described(rule: Named) -> dict[str, Any]:
    return {"code": rule.code, "name": rule.name, "summary": rule.summary, "default": rule.default, "page": page(rule)}


def rendered(markdown: str) -> str:
    """Markdown as a terminal shows it."""
    buffer = io.StringIO()
    styled = colour(sys.stdout)
    console = Console(
        file=buffer, width=min(width(sys.stdout) or 100, 120), force_terminal=styled, color_system="standard" if styled else None
    )
    console.print(Markdown(markdown, code_theme="ansi_dark"))
    return "\n".join(line.rstrip() for line in buffer.getvalue().split("\n"))
