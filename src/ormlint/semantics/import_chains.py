"""By which imports a module reaches the ORM: the shortest chain, with its lines.

Takes the symbols of a project; answers for one import statement of one module. Only what runs when a module is imported counts: not what
stands under `TYPE_CHECKING` or inside functions. Which modules may be passed is the caller's to say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec

from ormlint.facts import records as r
from ormlint.semantics.symbols import ModuleScope, Symbols, absolute, nested_bodies
from ormlint.semantics.values import Site


class Link(msgspec.Struct, frozen=True):
    """One import of a chain: the module in which it stands, what it imports, and where."""

    module: str
    target: str
    site: Site


class ImportGraph:
    """The imports of a project's modules, read when they are asked for."""

    def __init__(self, symbols: Symbols, is_orm: Callable[[str], bool]) -> None:
        self._symbols = symbols
        self._is_orm = is_orm
        self._edges: dict[str, tuple[Link, ...]] = {}

    def targets(self, module: str, statement: r.Import) -> tuple[str, ...]:
        """The project's modules that a statement runs, those on the way to them included; a library's name as it is."""
        scope = self._symbols.modules[module]
        found: dict[str, None] = {}
        if not statement.is_from:
            for name in statement.names:
                found.update(dict.fromkeys(self._on_the_way(scope.known_as(name.name))))
            return tuple(found)
        source = absolute(scope, statement)
        if source is None:
            return ()
        for name in statement.names:
            if self._symbols.is_module(f"{source}.{name.name}") and name.name not in self._bound(source):
                found.update(dict.fromkeys(self._on_the_way(f"{source}.{name.name}")))
        found.update(dict.fromkeys(self._on_the_way(source)))
        return tuple(found)

    def _bound(self, module: str) -> dict[str, list[object]]:
        scope = self._symbols.modules.get(module)
        return scope.bindings if scope is not None else {}

    def _on_the_way(self, name: str) -> Iterator[str]:
        """The module that a dotted name is, then the packages that hold it; a library by its name."""
        if not self._symbols.is_module(name.split(".", 1)[0]) and not self._symbols.is_module(name):
            yield name
            return
        while name:
            if name in self._symbols.modules:
                yield name
            name = name.rpartition(".")[0]

    def chain(self, module: str, statement: r.Import, passes: Callable[[str], bool]) -> tuple[Link, ...]:
        """The shortest chain from a statement's targets to an ORM package, over modules that `passes` lets through, or ()."""
        above = {module.rsplit(".", cut)[0] for cut in range(1, module.count(".") + 1)}
        start = [name for name in self.targets(module, statement) if name in self._symbols.modules]
        before: dict[str, Link | None] = {name: None for name in start if name not in above and name != module and passes(name)}
        waiting = list(before)
        for name in waiting:  # grows while it is walked
            for link in self._links(name):
                if self._is_orm(link.target):
                    return (*self._way(name, before), link)
                if link.target in before or link.target in above or link.target == module:
                    continue
                if link.target in self._symbols.modules and passes(link.target):
                    before[link.target] = link
                    waiting.append(link.target)
        return ()

    def _way(self, name: str, before: dict[str, Link | None]) -> tuple[Link, ...]:
        found: list[Link] = []
        link = before[name]
        while link is not None:
            found.append(link)
            link = before[link.module]
        return tuple(reversed(found))

    def _links(self, module: str) -> tuple[Link, ...]:
        known = self._edges.get(module)
        if known is None:
            scope = self._symbols.modules[module]
            found = [
                Link(module, target, Site(scope.path, statement.start, statement.end))
                for statement in _run_on_import(scope)
                for target in self.targets(module, statement)
            ]
            # What names the ORM itself ends the chain here.
            known = self._edges[module] = tuple(sorted(found, key=lambda link: not self._is_orm(link.target)))
        return known


def _run_on_import(scope: ModuleScope) -> Iterator[r.Import]:
    stack: list[r.Stmt] = list(reversed(scope.record.body))
    while stack:
        stmt = stack.pop()
        if isinstance(stmt, r.Import):
            if not stmt.type_checking:
                yield stmt
        elif isinstance(stmt, r.Class):
            stack.extend(reversed(stmt.body))
        else:
            stack.extend(reversed([inner for body in nested_bodies(stmt) for inner in body]))
