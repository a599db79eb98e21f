"""The peers: how each is installed, in an environment of its own outside the checkout, and how it is run on a tree."""

from __future__ import annotations

import subprocess
import sys
import venv
from collections.abc import Callable
from pathlib import Path

import msgspec

from benchmarks.timing import Command

COMMIT_IN_LOOP = """rules:
  - id: commit-in-loop
    languages: [python]
    severity: WARNING
    message: commit in a loop
    patterns:
      - pattern: $SESSION.commit()
      - pattern-inside: |
          for $X in $Y:
              ...
"""
CONTRACT = """[importlinter]
root_package = {package}

[importlinter:contract:layers]
name = models know no API
type = forbidden
source_modules = {package}.models
forbidden_modules = {package}.api
"""
PARSE = """import pathlib
from {module} import {name} as parse
for path in sorted(pathlib.Path(".").rglob("*.py")):
    parse(path.read_bytes())
"""


class Tool(msgspec.Struct, frozen=True):
    """A peer. `arguments` gets the environment's folder for programs, the tree and its package's name."""

    name: str
    packages: tuple[str, ...]
    arguments: Callable[[Path, Path, str], tuple[str, ...]]
    good: tuple[int, ...] = (0, 1)
    rounds: int | None = None
    """How often at most, where one run takes minutes."""
    environment: dict[str, str] = {}


TOOLS = (
    Tool("ruff", ("ruff",), lambda programs, tree, _: (str(programs / "ruff"), "check", "--no-cache", "--isolated", "-q", ".")),
    Tool(
        "semgrep",
        ("semgrep",),
        lambda programs, tree, _: (
            str(programs / "semgrep"), "scan", "--quiet", "--metrics=off", "--disable-version-check", "--no-git-ignore",
            "--config", str(programs.parent / "commit-in-loop.yml"), ".",
        ),
        environment={"SEMGREP_SEND_METRICS": "off"},
    ),
    Tool(
        "import-linter",
        ("import-linter",),
        lambda programs, tree, _: (str(programs / "lint-imports"), "--no-cache", "--config", str(programs.parent / "contract.ini")),
        environment={"PYTHONPATH": "."},
    ),
    Tool(
        "pylint",
        ("pylint",),
        lambda programs, tree, package: (
            str(programs / "pylint"), "-j0", "--disable=all", "--enable=unused-import", "--persistent=n", "--score=n", package,
        ),
        good=tuple(range(32)),
        rounds=1,
    ),
    Tool("flake8", ("flake8",), lambda programs, tree, _: (str(programs / "flake8"), "--isolated", "-q", "."), rounds=1),
    Tool("fixit", ("fixit",), lambda programs, tree, package: (str(programs / "fixit"), "lint", package), rounds=1),
)  # fmt: skip


def installed(tool: Tool, environments: Path) -> Path | None:
    """The folder of a tool's programs; None where it cannot be installed."""
    folder = environments / tool.name
    programs = folder / ("Scripts" if sys.platform == "win32" else "bin")
    if not (folder / "ready").exists():
        venv.create(folder, with_pip=True, clear=True)
        pip = [str(programs / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *tool.packages]
        if subprocess.run(pip, check=False, capture_output=True).returncode:
            return None
        (folder / "ready").touch()
    return programs


def command(tool: Tool, programs: Path, tree: Path, package: str) -> Command:
    """The command that runs a peer on all of a tree."""
    (programs.parent / "commit-in-loop.yml").write_text(COMMIT_IN_LOOP, encoding="utf-8")
    (programs.parent / "contract.ini").write_text(CONTRACT.format(package=package), encoding="utf-8")
    arguments = tool.arguments(programs, tree, package)
    return Command(tool.name, arguments, tree, {**tool.environment, "PYTHONDONTWRITEBYTECODE": "1"}, good=tool.good, rounds=tool.rounds)


def parsers(tree: Path) -> list[Command]:
    """What parsing alone costs, on one core: LibCST's parser, and Python's."""
    libcst = PARSE.format(module="libcst", name="parse_module")
    builtin = PARSE.format(module="ast", name="parse")
    return [
        Command("libcst.parse_module", (sys.executable, "-c", libcst), tree, good=(0,)),
        Command("ast.parse", (sys.executable, "-W", "ignore", "-c", builtin), tree, good=(0,)),
    ]
