"""`ormlint init`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
import tomlkit

from ...config import ConfigError, printable, read_table
from ...semantics.layers import matches
from ..asking import ask
from ..options import project_root
from ..output import deliver, write_whole

if TYPE_CHECKING:
    from ...semantics.model import Model

EXAMPLES = """\b
Example:
  ormlint init
"""
LAYERS: Final = {"domain": "domain.**", "persistence": "persistence.**", "unit-of-work": "persistence.unit_of_work", "entrypoint": "web.**"}
"""The layers, each with what an example of its modules is called."""
ALIKE: Final = 3
"""From how many modules of one last name on they are written as one pattern."""
LONG: Final = 120
"""Columns from which on a list is written one item on a line."""
TEMPLATE: Final = """\
# What `ormlint check` reports, besides the rules that are on by default.
# extend-select = ["ORM212"]
# ignore = ["ORM402"]
# min-confidence = "likely"        # certain, likely or possible

# Files that are not read, as in .gitignore; what git ignores is left out anyway.
# exclude = ["vendored/"]

# Which modules play which role: dotted names, `*` for one part, `**` for any number. `ormlint layers` shows what this gives.
{layers}"""


@click.command("init", epilog=EXAMPLES)
@click.argument("path", required=False, type=click.Path(path_type=Path))
def command(path: Path | None) -> int:
    """Write a configuration to start from: into pyproject.toml where there is one, else into ormlint.toml.

    The layers that were detected and the modules of the mapped classes are written as patterns. Where ormlint is configured
    already, only the layers are added, if there are none; comments and order stay as they are.
    """
    root = project_root((path,) if path else ())
    pyproject = root / "pyproject.toml"
    own = root / "ormlint.toml"
    present = own if own.exists() else pyproject
    table = read_table(present) if present.exists() else None
    if table is not None:
        complete(present, table, root)
        return 0
    asked = ask((root,), {})
    text = TEMPLATE.format(layers="".join(layer_lines(patterns(asked.model), package_name(root))))
    if pyproject.exists():
        before = pyproject.read_text(encoding="utf-8").rstrip("\n")
        write_whole(pyproject, f"{before}\n\n[tool.ormlint]\n{text}")
    else:
        write_whole(own, text)
    deliver(f"Wrote {printable(str(pyproject if pyproject.exists() else own))}. Next: ormlint check\n", None)
    return 0


def complete(file: Path, table: Mapping[str, object], root: Path) -> None:
    """Add the detected layers to a configuration that has none. Raises `ConfigError` where there is nothing to add."""
    found = {} if "layers" in table else patterns(ask((root,), {}).model)
    if not found:
        raise ConfigError(f"{printable(str(file))} configures ormlint already; edit it there")
    document = tomlkit.parse(file.read_text(encoding="utf-8"))
    options: Any = document
    nested = document.get("tool", {}).get("ormlint")
    if nested is not None:
        options = nested
    layers = tomlkit.table()
    for layer in (name for name in LAYERS if name in found):
        listed = tomlkit.array()
        listed.extend(found[layer])
        layers.add(layer, listed.multiline(len(json.dumps(found[layer])) + len(layer) > LONG))
    # What stands behind the last key (blank lines, comments on what follows) stays behind the layers.
    body = (options.value if options is not document else options).body
    behind: list[Any] = []
    while body and body[-1][0] is None:
        behind.insert(0, body.pop())
    options.add(tomlkit.nl())
    options.add("layers", layers)
    body.extend(behind)
    write_whole(file, tomlkit.dumps(document))
    deliver(f"Added the layers to {printable(str(file))}. Next: ormlint check\n", None)


def patterns(model: Model) -> dict[str, tuple[str, ...]]:
    """The patterns of each layer that name the modules that were detected there; those of mapped classes are persistence."""
    placed = {module: item.layer for module, item in model.layers.items() if model.symbols.modules[module].role == "code"}
    for mapped in model.mapped_models:
        if placed.get(mapped.module) == "":
            placed[mapped.module] = "persistence"
    found: dict[str, tuple[str, ...]] = {}
    for layer in LAYERS:
        chosen = {module for module, of in placed.items() if of == layer}
        widest = dict.fromkeys(package_of(module, chosen, placed.keys() - chosen) for module in sorted(chosen))
        elsewhere = [module for module, of in placed.items() if of not in ("", layer)]
        # The pattern of a package names all that it holds: where other layers have modules in it, its own file stays out.
        free = tuple(name for name in widest if not any(matches(name, module) for module in elsewhere))
        if free:
            found[layer] = gathered(free, elsewhere)
    return found


def gathered(names: tuple[str, ...], elsewhere: Sequence[str]) -> tuple[str, ...]:
    """The names, those of one last part as one pattern (`shop.**.api`) where that claims no module of another layer."""
    patterns: dict[str, None] = {}
    for name in names:
        pattern = f"{name.partition('.')[0]}.**.{name.rpartition('.')[2]}"
        alike = sum(matches(pattern, other) for other in names)
        fits = alike >= ALIKE and matches(pattern, name) and not any(matches(pattern, module) for module in elsewhere)
        patterns[pattern if fits else name] = None
    return tuple(patterns)


def package_of(module: str, chosen: set[str], others: set[str]) -> str:
    """The outermost package of a module that holds chosen modules only, itself one of them."""
    parts = module.split(".")
    for count in range(1, len(parts)):
        package = ".".join(parts[:count])
        if package in chosen and not any(other == package or other.startswith(f"{package}.") for other in others):
            return package
    return module


def layer_lines(found: Mapping[str, tuple[str, ...]], package: str) -> Iterator[str]:
    """A line for each layer: what was detected, or an example in a comment."""
    for layer, example in LAYERS.items():
        if layer in found:
            listed = f"layers.{layer} = {json.dumps(found[layer])}\n"
            lines = "".join(f"    {json.dumps(pattern)},\n" for pattern in found[layer])
            yield listed if len(listed) <= LONG else f"layers.{layer} = [\n{lines}]\n"
        else:
            yield f'# layers.{layer} = ["{package}.{example}"]\n'


def package_name(root: Path) -> str:
    """The first package of the project, for the examples."""
    for folder in (root / "src", root):
        if folder.is_dir():
            for entry in sorted(folder.iterdir()):
                if (entry / "__init__.py").is_file() and entry.name not in ("tests", "test", "docs"):
                    return entry.name
    return "app"
