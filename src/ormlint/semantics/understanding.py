"""From records to the model: the modules, their classes and layers, and one run over all functions.

Takes the project's files with their records and the options; gives a `Model`. Knows how deep the recursion of that run may be, and nothing
of what is run.
"""

from __future__ import annotations

import gc
import sys
import threading
from collections.abc import Callable, Collection, Mapping
from typing import TypeVar

import msgspec

from ormlint.config import Config, processors
from ormlint.declared_versions import DeclaredVersions
from ormlint.facts import records as r
from ormlint.project import Project, SourceFile
from ormlint.semantics import attributes, calls, concurrency, declared, entries, expressions, flow, with_blocks
from ormlint.semantics.acting import acts
from ormlint.semantics.class_reading import read_classes
from ormlint.semantics.extending import extend
from ormlint.semantics.frame import World
from ormlint.semantics.keeping import Memory, packed, segment, unpacked
from ormlint.semantics.layers import layers_of
from ormlint.semantics.model import Model
from ormlint.semantics.namesakes import Home, homes
from ormlint.semantics.parts import Tell
from ormlint.semantics.resuming import resume
from ormlint.semantics.running import run_all, run_more
from ormlint.semantics.symbols import (
    ModuleScope,
    Symbols,
)
from ormlint.semantics.template_files import TemplateFiles
from ormlint.semantics.traces import Redo
from ormlint.semantics.version_classes import add_version_classes

_STACK = 512 * 1024 * 1024
_RECURSION = 30_000
_COLLECT_EVERY = 5_000_000
Given = TypeVar("Given")


def analyse(
    project: Project,
    records: Mapping[str, r.Record],
    config: Config,
    tell: Tell | None = None,
    active: Collection[str] | None = None,
    memory: Memory | None = None,
) -> Model:
    """Understands a project: its classes, and what each of its functions does. `tell` is told which share of the functions is done.

    `active` are the files, relative to the root, whose functions are run for themselves; None for all. `memory` is what is known of an
    earlier run, and takes what is to be known of this one.
    """
    templates = TemplateFiles(project.root, project.templates)
    return understand(scopes_of(project, records), config, DeclaredVersions(project.root), templates, tell, active, memory)


def extended(model: Model, project: Project, records: Mapping[str, r.Record], tell: Tell | None, active: Collection[str]) -> Model | None:
    """The model with more files read, and more of them run for themselves: what was run stays. None where that may have asked for what was
    not read: all has to be run anew."""
    world = model.world
    scopes = scopes_of(project, records)

    def work() -> bool:
        symbols = Symbols(scopes)
        classes = read_classes(symbols)
        add_version_classes(classes)
        unfollowed = extend(world, symbols, classes)
        if unfollowed is None:
            return False
        run_more(world, active, tell)
        return not any(id in unfollowed and acts(summary) for id, summary in world.entries.items())

    return Model(world, world.layers, model.versions) if _on_large_stack(work) else None


def scopes_of(project: Project, records: Mapping[str, r.Record]) -> dict[str, ModuleScope]:
    """The project's modules by name."""
    scopes: dict[str, ModuleScope] = {}
    read = [(file, record) for file in project.files if (record := records.get(file.rel)) is not None and record.error is None]
    found = homes(file for file, _ in read)
    for file, record in read:
        add_scope(scopes, file, record, found[file.rel])
    return scopes


def add_scope(scopes: dict[str, ModuleScope], file: SourceFile, record: r.Record, home: Home) -> None:
    """Adds a module; of two files with one name in one source root the first keeps it, the other gets its path for a name."""
    name = home.name
    if name in scopes:
        name = file.rel.removesuffix(".py").replace("/", ".")
        if name in scopes:
            name = f"{name}#"
    role = file.role
    if role == "code" and _is_revision(record):
        role = "migration"
    elif role == "code" and _is_suite(record):
        role = "test"
    scopes[name] = ModuleScope(name, file.rel, file.is_package, role, record, home.root, home.own)


_RUNNERS = frozenset({"pytest", "unittest"})


def _is_suite(record: r.Record) -> bool:
    """Whether a file is a suite of tests, whatever it is called: it imports their runner, and most of its functions are tests."""
    if not any(name.split(".")[0] in _RUNNERS for stmt in record.body if isinstance(stmt, r.Import) for name in _imported(stmt)):
        return False
    names = [
        inner.name
        for stmt in record.body
        for inner in (stmt, *(stmt.body if isinstance(stmt, r.Class) else ()))
        if isinstance(inner, r.Function) and not inner.name.startswith("__")
    ]
    return 2 * sum(name.startswith("test_") for name in names) > len(names)


def _imported(stmt: r.Import) -> tuple[str, ...]:
    if stmt.is_from:
        return (stmt.module or "",) if not stmt.level else ()
    return tuple(name.name for name in stmt.names)


def _is_revision(record: r.Record) -> bool:
    """Whether a file is one of Alembic's, wherever it stands: it names the revision that it comes after."""
    return any(
        isinstance(target, r.Name) and target.id == "down_revision"
        for stmt in record.body
        for target in (stmt.targets if isinstance(stmt, r.Assign) else (stmt.target,) if isinstance(stmt, r.AnnAssign) else ())
    )


def understand(
    scopes: dict[str, ModuleScope],
    config: Config,
    versions: DeclaredVersions | None = None,
    templates: TemplateFiles | None = None,
    tell: Tell | None = None,
    active: Collection[str] | None = None,
    memory: Memory | None = None,
) -> Model:
    """The model of modules that are already read."""
    if active is not None:
        memory = None  # which files are active is found by analysing them

    def prepared(files: TemplateFiles | None) -> World:
        symbols = Symbols(scopes)
        classes = read_classes(symbols)
        add_version_classes(classes)
        world = World(symbols, classes, config, files)
        wire(world)
        world.layers = layers_of(scopes.values(), config.layers, world.classes)
        world.domain = frozenset(scope.path for scope in scopes.values() if world.layers[scope.name].layer == "domain")
        return world

    def work() -> World:
        if memory is not None and memory.known is not None and (known := _resumed(prepared(_fresh(templates)), memory)) is not None:
            return known
        world = prepared(templates)
        run_all(world, processors(config.jobs), tell, active, keep=None if memory is None else segment)
        if memory is not None:
            memory.made = packed(world)
        return world

    world = _on_large_stack(work)
    return Model(world, world.layers, versions or DeclaredVersions(None))


def _on_large_stack(work: Callable[[], Given]) -> Given:
    """What a piece of work gives that recurses deeply."""
    found: list[Given] = []
    failure: list[BaseException] = []

    def run() -> None:
        try:
            found.append(work())
        except BaseException as error:
            failure.append(error)

    # Deep call chains of the analysed code are deep recursion here: a thread can be given the stack for it.
    limit = sys.getrecursionlimit()
    # What is made here is kept and has hardly any cycles: frequent collections would walk it all and free nothing.
    thresholds = gc.get_threshold()
    size = threading.stack_size(_STACK)
    try:
        sys.setrecursionlimit(_RECURSION)
        gc.set_threshold(_COLLECT_EVERY, *thresholds[1:])
        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
    finally:
        threading.stack_size(size)
        sys.setrecursionlimit(limit)
        gc.set_threshold(*thresholds)
    if failure:
        raise failure[0]
    return found[0]


def _fresh(templates: TemplateFiles | None) -> TemplateFiles | None:
    return None if templates is None else TemplateFiles(templates.root, templates.paths)


def _resumed(world: World, memory: Memory) -> World | None:
    """The world as an earlier run and the edits since leave it; None where all has to be run anew."""
    assert memory.known is not None
    try:
        kept, segments = unpacked(memory.known)

        def go_on(world: World) -> None:
            memory.again = resume(world, kept, segments, memory)

        run_all(world, resume=go_on)
    except Redo as reason:
        memory.said = str(reason)
        return None
    except msgspec.MsgspecError:
        memory.said = "what was kept of the last analysis cannot be read"
        memory.damaged = True
        return None
    return world


def wire(world: World) -> None:
    """Gives the world its steps of evaluation."""
    steps = world.steps
    steps.evaluate = expressions.evaluate
    steps.attribute = attributes.attribute
    steps.call = calls.call
    steps.run = flow.run
    steps.declared = declared.declared
    steps.module_value = expressions.module_value
    steps.entry_frame = entries.entry_frame
    steps.enter = with_blocks.enter_value
    steps.beside = concurrency.beside
