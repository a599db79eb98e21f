"""`ormlint config`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
import msgspec

from ...config import Config, ConfigError, Layers, load_with_origins, printable
from ...extensions import existing_rules
from ...findings import Confidence
from ...selection import select
from ..options import overrides
from ..options import reading as reading_options
from ..output import deliver

EXAMPLES = """\b
Examples:
  ormlint config
  ormlint config src/shop --output-format json
  ormlint config --schema > ormlint.schema.json
"""


@click.command("config", epilog=EXAMPLES)
@click.argument("path", required=False, type=click.Path(path_type=Path))
@click.option("--output-format", default="text", metavar="FORMAT", help="text or json.")
@click.option("--schema", is_flag=True, help="Print the JSON schema of the options, for editors.")
@reading_options
def command(path: Path | None, output_format: str, schema: bool, **options: Any) -> int:
    """Show each option's value at PATH (by default the current folder) and where it came from."""
    if output_format not in ("text", "json"):
        raise ConfigError(f'unknown output format "{printable(output_format)}"; known are text, json')
    if schema:
        deliver(json.dumps(json_schema(), indent=2) + "\n", None)
        return 0
    if path is not None and not path.exists():
        raise ConfigError(f"{printable(str(path))} does not exist")
    loaded = load_with_origins(path or Path.cwd(), overrides(options), options.get("config_file"))
    select(loaded.config, existing_rules().all)
    values = plain(loaded.config)
    if output_format == "json":
        entries = {name: {"value": value, "from": loaded.origins[name]} for name, value in values.items()}
        deliver(json.dumps(entries, indent=2) + "\n", None)
        return 0
    lines = (f"{name} = {json.dumps(value)}  # {printable(loaded.origins[name])}\n" for name, value in values.items())
    deliver("".join(lines), None)
    return 0


def plain(config: Config) -> dict[str, Any]:
    """The options as a configuration file writes them."""
    values: dict[str, Any] = msgspec.to_builtins(config)
    values["min-confidence"] = config.min_confidence.name
    return values


def json_schema() -> dict[str, Any]:
    """The JSON schema of `ormlint.toml` and of the table `[tool.ormlint]`."""
    _, components = msgspec.json.schema_components((Config, Layers), ref_template="#/$defs/{name}")
    config = components["Config"]
    for field in msgspec.structs.fields(Config):
        config["properties"][field.encode_name]["description"] = descriptions()[field.name]
    levels = [level.name for level in reversed(Confidence)]
    described = config["properties"]["min-confidence"]["description"]
    config["properties"]["min-confidence"] = {"enum": levels, "default": Confidence.likely.name, "description": described}
    components.pop("Confidence", None)
    config["additionalProperties"] = False
    components.pop("Config")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "ormlint", **config, "$defs": components}


def descriptions() -> dict[str, str]:
    """The documentation of each option, read from the source of `Config`: a string below a field is not kept at run time."""
    import ast
    import inspect

    body = ast.parse(inspect.getsource(Config)).body[0]
    found: dict[str, str] = {}
    if isinstance(body, ast.ClassDef):
        for field, text in zip(body.body, body.body[1:], strict=False):
            if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(text, ast.Expr):
                found[field.target.id] = str(ast.literal_eval(text.value))
    return found
