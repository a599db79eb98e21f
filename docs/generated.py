"""The pages of the site that are made from the program itself: a page for each rule, the options, and each command's help.

A hook of mkdocs: `on_files` adds the pages to those that are written by hand. `pages()` gives them as text, for tests.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import groupby
from typing import Any

import click
import msgspec
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from ormlint.config import DEFAULT, Config, Layers
from ormlint.extensions import existing_rules
from ormlint.frontends.cli import cli
from ormlint.frontends.commands.config import descriptions, plain
from ormlint.frontends.rule_pages import page
from ormlint.selection import TOOL_RULES, Named

FAMILIES = {
    "ORM1": "The domain boundary",
    "ORM2": "Transactions and the unit of work",
    "ORM3": "Session scope",
    "ORM4": "Hidden I/O",
    "ORM5": "Identity and conflicts",
    "ORM9": "The run itself",
}
LIMIT = re.compile(r"\*\*Cannot see\.\*\*\s+(.+?)(?:\n\n|\Z)", re.DOTALL)
"""What a rule misses, as its page says it."""
LAYERS = {
    "domain": "The business rules, which the ORM should not reach.",
    "persistence": "Repositories, mappings, and what else talks to the database.",
    "unit-of-work": "The modules that own transactions: they may commit and roll back.",
    "entrypoint": "Web handlers, commands and jobs, where a use case begins.",
}


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    rules: list[Any] = ["rules/index.md", "rules/cannot-see.md"]
    for family, members in groupby(known_rules(), key=lambda rule: rule.code[:4]):
        rules.append({FAMILIES.get(family, family): [{f"{rule.code} {rule.name}": f"rules/{rule.code}.md"} for rule in members]})
    config.nav = [{"Rules": rules} if entry == {"Rules": "rules/index.md"} else entry for entry in config.nav or ()]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    for path, text in pages().items():
        files.append(File.generated(config, path, content=text))
    return files


def pages() -> dict[str, str]:
    """The text of each page, by its path below the docs folder."""
    known = known_rules()
    return {
        "rules/index.md": "\n".join(rule_table(known)),
        **{f"rules/{rule.code}.md": page(rule) + "\n" for rule in known},
        "rules/cannot-see.md": "\n".join(limits(known)),
        "configuration.md": "\n".join(configuration()),
        "commands.md": "\n".join(commands()),
    }


def known_rules() -> tuple[Named, ...]:
    return tuple(sorted((*existing_rules().all, *TOOL_RULES), key=lambda rule: rule.code))


def rule_table(known: tuple[Named, ...]) -> Iterator[str]:
    yield "# Rules"
    yield ""
    yield "Each rule has a code and a name; both work wherever a rule is chosen or silenced. Each page's examples are run against"
    yield "SQLAlchemy 1.4, 2.0 and 2.1 by ormlint's own tests, with statements counted."
    for family, rules in groupby(known, key=lambda rule: rule.code[:4]):
        yield from ("", f"## {FAMILIES.get(family, family)}", "", "| code | name | what it finds |", "|---|---|---|")
        for rule in rules:
            off = "" if rule.default and not rule.preview else " *(preview)*" if rule.preview else " *(off by default)*"
            yield f"| [{rule.code}]({rule.code}.md) | {rule.name} | {rule.summary}{off} |"
    yield ""


def limits(known: tuple[Named, ...]) -> Iterator[str]:
    yield "# What each rule cannot see"
    yield ""
    yield "Missed alarms that are known, rule by rule, from the rules' own pages. What holds for all of them stands in"
    yield "[What it cannot see](../cannot-see.md)."
    yield from ("", "| rule | what it misses |", "|---|---|")
    for rule in known:
        found = LIMIT.search(page(rule))
        if found:
            yield f"| [{rule.code}]({rule.code}.md) {rule.name} | {' '.join(found[1].split()).replace('|', '&#124;')} |"
    yield ""


def configuration() -> Iterator[str]:
    yield "# Configuration"
    yield ""
    yield "`[tool.ormlint]` in `pyproject.toml`, or an `ormlint.toml` with the same keys at its top. The nearest file at or above"
    yield "what is checked counts. Options of the command line win over the file. `ormlint config` shows each value and where it came from;"
    yield "`ormlint config --schema` prints a JSON schema for editors."
    defaults, texts = plain(DEFAULT), descriptions()
    for field in msgspec.structs.fields(Config):
        name = field.encode_name
        yield from ("", f"## `{name}`", "", texts[field.name], "", f"Default: `{json.dumps(defaults[name])}`" if name != "layers" else "")
        if name == "layers":
            yield from ("| layer | which modules |", "|---|---|")
            yield from (f"| `{layer.encode_name}` | {LAYERS[layer.encode_name]} |" for layer in msgspec.structs.fields(Layers))
            yield from (
                "",
                "Patterns are dotted names; `*` stands for one part, `**` for any number:",
                "",
                "```toml",
                "[tool.ormlint.layers]",
            )
            yield from ('domain = ["shop.domain.**"]', 'persistence = ["shop.persistence.**"]', "```")
    yield ""


def commands() -> Iterator[str]:
    yield "# Commands"
    yield ""
    yield "Exit status: 0 nothing found, 1 findings, 2 the work could not be done, with one line on standard error that says why."
    for name in cli.list_commands(click.Context(cli)):
        yield from helped(("ormlint", name), cli.get_command(click.Context(cli), name), click.Context(cli, info_name="ormlint"))
    yield ""


def helped(path: tuple[str, ...], command: Any, parent: click.Context) -> Iterator[str]:
    context = click.Context(command, info_name=path[-1], parent=parent, help_option_names=["-h", "--help"], terminal_width=100)
    yield from ("", f"## {' '.join(path)}", "", "```text", command.get_help(context), "```")
    for name in command.list_commands(context) if isinstance(command, click.Group) else ():
        yield from helped((*path, name), command.get_command(context, name), context)
