"""A large project's functions in parts that are run apart from each other, in processes where that is possible, and put together again.

Takes a world in which the modules have been run, and the functions to run; leaves in it what was observed. How a project is divided
depends on nothing but the project, and no part sees what another one learns: so the outcome is the same in any number of processes.
Knows nothing of what is observed but how two of its kind become one.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import sys
import warnings
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any, Protocol, Union

import msgspec

from ormlint.semantics.changes import Change
from ormlint.semantics.definitions import FunctionNode
from ormlint.semantics.folding import OBSERVED, fold, keep_made, put_best
from ormlint.semantics.frame import World
from ormlint.semantics.observations import Made
from ormlint.semantics.traces import Trace
from ormlint.semantics.values import join

WORTH_A_PART = 1_500_000
"""How many bytes of functions make a part: two seconds' work, a good tenth of which is what another part does, too."""
_COUNTS = (1, 2, 4, 8)
"""Numbers of parts: what two processes, or four, or eight, do in equal shares."""
_FINEST = 8
"""A package with more than this share of a part may be split: what is to be dealt out evenly must not be in large pieces."""
_SIMPLE = 4
"""By how much a migration is less work than other code of its size."""
PARTS = "<parts>"
"""The step of a run in which what parts found is put together."""
Tell = Callable[[float], None]
"""Is told which share of the work is done, from 0 to 1."""


class Run(Protocol):
    """Runs functions of a world; `tell` is told how far it is."""

    def __call__(self, world: World, ids: Sequence[str], tell: Tell | None = None) -> None: ...


_ADDED = (
    *("answered", "called_decorated", "committing", "dependencies", "eager", "ended", "filled", "provided", "removed", "remerged"),
    *("abandoned", "resolved", "startups", "wanted"),
)
"""Sets that only grow."""
_JOINED = ("callers", "edges")
"""Sets by a key, that only grow."""
_FIRST = (*("conflicts", "entries", "failed", "listeners", "member_entries", "registries", "reveals", "unresolved"),)
"""What was found by a key: found twice, it is the same."""
_FLAGS = ("manual", "serializable", "violations_handled")


Keep = Callable[[World], Union[bytes, None]]
"""What one world computed, as bytes that can be kept; None where they cannot."""


class Observed(msgspec.Struct, frozen=True):
    """What running one part added to what was known before, by the names of the world's attributes."""

    tables: Mapping[str, Any]
    made: Mapping[Any, Made]
    built: Mapping[Any, Any]
    functions: Mapping[str, FunctionNode]
    """Lambdas that became functions."""
    changes: Sequence[Change]
    templates: Collection[str]
    kept: Union[bytes, None]


def run_parts(world: World, ids: Sequence[str], run: Run, jobs: int, tell: Tell | None = None, keep: Keep | None = None) -> None:
    """Runs the functions `ids`, in parts where they are many, and leaves in `world` what was observed. At most `jobs` processes run.

    `keep` gives what is to be kept of each part.
    """
    parts = divided(world, ids)
    if len(parts) == 1:
        run(world, ids, tell)
        return
    outcomes: list[Observed] = []
    for outcome in _in_processes(world, parts, run, jobs, keep) if jobs > 1 and _can_fork() else _in_turn(world, parts, run, keep):
        outcomes.append(outcome)
        if tell is not None:
            tell(len(outcomes) / len(parts))
    put_together(world, outcomes)


def put_together(world: World, outcomes: Sequence[Observed]) -> None:
    """Adds what parts found. Not before all are done: each part starts with what was known before the first."""
    world.in_parts = True
    world.begin_step()
    for outcome in outcomes:
        _add(world, outcome)
        world.changes += outcome.changes
    world.end_step(PARTS)


def divided(world: World, ids: Sequence[str]) -> list[list[str]]:
    """The functions in parts of about one size; those of one module stay together, and those of a small package, too."""
    functions = world.symbols.functions
    sizes: dict[str, int] = {}
    for id in ids:
        function = functions[id]
        is_part = bool(function.outer) or "<lambda" in id
        sizes[function.module] = sizes.get(function.module, 0) + (0 if is_part else function.node.end - function.node.start)
    modules = world.symbols.modules
    weights = {module: _weight(size // (_SIMPLE if modules[module].role == "migration" else 1)) for module, size in sizes.items()}
    total = sum(weights.values())
    count = max(number for number in _COUNTS if number == 1 or total >= number * WORTH_A_PART)
    if count == 1:
        return [list(ids)]
    part_of: dict[str, int] = {}
    loads = [0] * count
    before = 0
    for top in sorted({module.partition(".")[0] for module in weights}):
        own = {module: weight for module, weight in weights.items() if module.partition(".")[0] == top}
        behind = before + sum(own.values())
        # Packages that stand beside each other hardly call each other: each keeps to its share of the parts.
        shares = range(before * count // total, max(before * count // total + 1, -(-behind * count // total)))
        for weight, group in _heaviest_first(own, total // (_FINEST * count)):
            lightest = min(shares, key=loads.__getitem__)
            loads[lightest] += weight
            part_of.update(dict.fromkeys(group, lightest))
        before = behind
    parts: list[list[str]] = [[] for _ in range(count)]
    for id in ids:
        parts[part_of[functions[id].module]].append(id)
    return [part for part in parts if part]


def _weight(size: int) -> int:
    """A size in steps, so that few edits divide a project anew."""
    return 3 * (1 << size.bit_length()) // 4


def _heaviest_first(weights: Mapping[str, int], most: int) -> list[tuple[int, list[str]]]:
    """The modules with their weights: those of one package together, unless that makes more than `most`."""
    packages: dict[str, list[str]] = {}
    for module in sorted(weights):
        packages.setdefault(module.rpartition(".")[0], []).append(module)
    groups: list[list[str]] = []
    for modules in packages.values():
        groups += [modules] if sum(weights[module] for module in modules) <= most else [[module] for module in modules]
    return sorted([(sum(weights[module] for module in group), group) for group in groups], key=lambda item: (-item[0], item[1]))


def run_apart(world: World, part: Sequence[str], run: Run, keep: Keep | None = None) -> Observed:
    """Runs a part in a world of its own, which knows what `world` does."""
    apart = _branch(world)
    known = frozenset(world.symbols.functions)
    run(apart, part)
    kept = None if keep is None else keep(apart)
    fold(apart)
    functions = apart.symbols.functions
    return Observed(
        {name: getattr(apart, name) for name in (*_ADDED, *_JOINED, *_FIRST, *OBSERVED, *_FLAGS)},
        apart.made,
        apart.built,
        {id: functions[id] for id in functions.keys() - known},
        [change for step in apart.done[len(world.done) :] for change in step.changes],
        tuple(apart.templates.loaded),
        kept,
    )


def _branch(world: World) -> World:
    """A world that starts with what this one knows; what it learns stays in it."""
    new = World(world.symbols, world.classes, world.config, world.templates)
    # A compiled class has no __dict__ and tells its attributes itself.
    for name in getattr(World, "__mypyc_attrs__", ()) or vars(world):
        setattr(new, name, _copied(getattr(world, name)))
    new.trace = Trace()
    return new


def _copied(value: object) -> object:
    if type(value) is dict:
        nested = any(type(item) in (dict, set, list) for item in value.values())
        return {key: _copied(item) for key, item in value.items()} if nested else value.copy()
    if type(value) is set or type(value) is list:
        return value.copy()
    return value


def _add(world: World, found: Observed) -> None:
    world.parts.append(found.kept)
    for rel in found.templates:
        world.templates.load(rel)
    world.symbols.functions.update(found.functions)
    for name in _ADDED:
        getattr(world, name).update(found.tables[name])
    for name in _JOINED:
        table: dict[object, set[object]] = getattr(world, name)
        for key, items in found.tables[name].items():
            table.setdefault(key, set()).update(items)
    for name in _FIRST:
        first: dict[object, object] = getattr(world, name)
        for key, item in found.tables[name].items():
            first.setdefault(key, item)
    for name in OBSERVED:
        table_of: dict[object, dict[object, object]] = getattr(world, name)
        for key, places in found.tables[name].items():
            # A context with so many others beside it that some are made one may have been found otherwise in another part.
            put_best(name, table_of.setdefault(key, {}), places.items())
    for name in _FLAGS:
        setattr(world, name, getattr(world, name) or found.tables[name])
    for place, made in found.made.items():
        keep_made(world, place, made)
    for field, value in found.built.items():
        held = world.built.get(field)
        world.built[field] = value if held is None else join(held, value)


# In this process, or in others


def _in_turn(world: World, parts: Sequence[Sequence[str]], run: Run, keep: Keep | None) -> Iterator[Observed]:
    for part in parts:
        yield run_apart(world, part, run, keep)


def _can_fork() -> bool:
    """Whether a child with all of this process's memory can be had: to send it all that is known would cost more than it saves."""
    return sys.platform == "linux" and hasattr(os, "fork") and not multiprocessing.current_process().daemon


def _in_processes(world: World, parts: Sequence[Sequence[str]], run: Run, jobs: int, keep: Keep | None) -> Iterator[Observed]:
    """The outcomes in the order of the parts; a part whose process fails is run here."""
    _inherited[:] = [lambda number: run_apart(world, parts[number], run, keep)]
    gc.freeze()  # a collection in a child would copy all that it shares with its parent
    try:
        context = multiprocessing.get_context("fork")
        with warnings.catch_warnings(), ProcessPoolExecutor(min(jobs, len(parts)), context, _ignore_interrupt) as pool:
            # The other threads only wait for this one, or show how far it is: no child needs what they hold.
            warnings.simplefilter("ignore", DeprecationWarning)
            futures = [pool.submit(_run_inherited, number) for number in range(len(parts))]
            for number, future in enumerate(futures):
                try:
                    outcome = future.result()
                except (BrokenProcessPool, OSError, MemoryError):
                    outcome = run_apart(world, parts[number], run, keep)
                yield outcome
    finally:
        gc.unfreeze()
        _inherited.clear()


_inherited: list[Callable[[int], Observed]] = []
"""How a child runs a part: it has it from its parent's memory."""


def _run_inherited(number: int) -> Observed:
    return _inherited[0](number)


def _ignore_interrupt() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
