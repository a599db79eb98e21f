"""`ormlint init`."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from ...config import ConfigError, printable, read_table
from ..options import project_root
from ..output import deliver, write_whole

EXAMPLES = """\b
Example:
  ormlint init
"""
TEMPLATE: Final = """\
# What `ormlint check` reports, besides the rules that are on by default.
# extend-select = ["ORM212"]
# ignore = ["ORM402"]
# min-confidence = "likely"        # certain, likely or possible

# Files that are not read, as in .gitignore; what git ignores is left out anyway.
# exclude = ["vendored/"]

# Which modules play which role. Detected from names where left out.
# layers.domain = ["{package}.domain.**"]
# layers.persistence = ["{package}.persistence.**"]
# layers.unit-of-work = ["{package}.persistence.unit_of_work"]
# layers.entrypoint = ["{package}.web.**", "{package}.cli"]
"""


@click.command("init", epilog=EXAMPLES)
@click.argument("path", required=False, type=click.Path(path_type=Path))
def command(path: Path | None) -> int:
    """Write a configuration to start from: into pyproject.toml where there is one, else into ormlint.toml."""
    root = project_root((path,) if path else ())
    pyproject = root / "pyproject.toml"
    own = root / "ormlint.toml"
    if own.exists() or (pyproject.exists() and read_table(pyproject) is not None):
        present = own if own.exists() else pyproject
        raise ConfigError(f"{printable(str(present))} configures ormlint already; edit it there")
    text = TEMPLATE.format(package=package_name(root))
    if pyproject.exists():
        before = pyproject.read_text(encoding="utf-8").rstrip("\n")
        write_whole(pyproject, f"{before}\n\n[tool.ormlint]\n{text}")
    else:
        write_whole(own, text)
    deliver(f"Wrote {printable(str(pyproject if pyproject.exists() else own))}. Next: ormlint check\n", None)
    return 0


def package_name(root: Path) -> str:
    """The first package of the project, for the examples."""
    for folder in (root / "src", root):
        if folder.is_dir():
            for entry in sorted(folder.iterdir()):
                if (entry / "__init__.py").is_file() and entry.name not in ("tests", "test", "docs"):
                    return entry.name
    return "app"
