"""Which functions are commands of a command line: the process ends with them, and what they leave open ends with it.

Takes a function's decorators; follows groups of commands, which are functions too. Knows nothing of who else calls the function.
"""

from __future__ import annotations

from ormlint.facts import records as r
from ormlint.orms import registry as orms
from ormlint.semantics.definitions import DefinedFunction, Library
from ormlint.semantics.frame import World
from ormlint.semantics.symbols import applied


def is_command(world: World, id: str) -> bool:
    """Whether a function is declared as a command (`@click.command()`, `@app.command()`, `@group.command()`)."""
    return _is_command(world, id, ())


_FOLDERS = frozenset({"cli", "management"})
"""Where command lines stand, whatever dispatches them."""


def runs_alone(world: World, id: str) -> bool:
    """Whether a function is what somebody starts by hand: a command, or a function of a module that holds a command line."""
    function = world.symbols.functions.get(id)
    return is_command(world, id) or (function is not None and not _FOLDERS.isdisjoint(function.module.split(".")))


def _is_command(world: World, id: str, groups: tuple[str, ...]) -> bool:
    function = world.symbols.functions.get(id)
    if function is None or id in groups:
        return False
    for decorator in function.node.decorators:
        func = applied(decorator)
        symbol = world.classes.resolve(function.module, func)
        if isinstance(symbol, Library):
            row = orms.DECORATORS.get(symbol.name)
            if row is not None and row.meaning == "command":
                return True
        elif isinstance(func, r.Attr) and func.attr in ("command", "group"):
            group = world.classes.resolve(function.module, func.value)
            if isinstance(group, DefinedFunction) and _is_command(world, group.id, (*groups, id)):
                return True
    return False
