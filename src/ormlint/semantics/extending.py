"""More modules for a world in which functions have been run, where nothing that was run can have asked for what they hold.

Takes the world, and symbols and classes of the same modules in which more are read; gives the world these, or says that it cannot. Knows
what the answers to earlier questions rested on, not who asked.
"""

from __future__ import annotations

from ormlint.semantics.classes import Classes
from ormlint.semantics.expiry import habits_of
from ormlint.semantics.frame import World
from ormlint.semantics.layers import layers_of
from ormlint.semantics.mapped import ClassInfo
from ormlint.semantics.members import implementations
from ormlint.semantics.symbols import Symbols


def extend(world: World, symbols: Symbols, classes: Classes) -> frozenset[str] | None:
    """Gives the world the new symbols and classes; the methods that implement what was asked for its implementations before they were read.

    None where the world is as it was, and all has to be run anew; that holds, too, where one of the methods turns out to act on the ORM.
    """
    before = world.symbols
    if symbols.modules.keys() != before.modules.keys():
        return None
    read = {name for name, scope in symbols.modules.items() if scope.record is not before.modules[name].record}
    new = [info for id, info in classes.infos.items() if id not in world.classes.infos]
    if (
        world.in_parts
        or world.failed
        or not read.isdisjoint(before.asked)
        or any(":" not in owner for owner in world.assignments)  # of a library's object, such as a request: all modules were asked
        or not all(_is_same(info, classes.infos.get(id)) for id, info in world.classes.infos.items())
        or any(_is_of_models(world.classes, info) for info in new)
        or world.habits != habits_of(symbols.modules.values())
    ):
        return None
    layers = layers_of(symbols.modules.values(), world.config.layers, classes)
    if any(layers[name] != placed for name, placed in world.layers.items() if name not in read):
        return None
    kept = world.symbols, world.classes, world.ports
    world.symbols, world.classes, world.ports = symbols, classes, {}
    found = {port: implementations(world, *port) for port in kept[2]}
    if any(not set(known) <= set(found[port]) for port, known in kept[2].items()):
        world.symbols, world.classes, world.ports = kept
        return None
    for id, function in before.functions.items():
        symbols.functions.setdefault(id, function)  # lambdas that became functions
    symbols.asked |= before.asked
    world.layers = layers
    world.domain = frozenset(scope.path for scope in symbols.modules.values() if layers[scope.name].layer == "domain")
    world.global_assignments.clear()
    added = ((cls, name) for (port, name), known in kept[2].items() for cls in set(found[port, name]).difference(known))
    return frozenset(id for cls, name in added for id in classes.infos[cls].methods[name])


def _is_same(info: ClassInfo, now: ClassInfo | None) -> bool:
    return (
        now is not None
        and (info.mro, info.libraries, info.bases, info.is_base) == (now.mro, now.libraries, now.bases, now.is_base)
        and info.model == now.model
    )


def _is_of_models(classes: Classes, info: ClassInfo) -> bool:
    """Whether a new class is mapped, is below a class that is or has such below it, or is called like one."""
    if info.model is not None or info.is_base or info.name in classes.by_name:
        return True
    around = [cls for base in info.mro[1:] if base in classes.infos for cls in (base, *classes.subclasses.get(base, ()))]
    return any(classes.infos[cls].model is not None or classes.infos[cls].is_base for cls in around)
