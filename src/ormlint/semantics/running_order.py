"""In which order the functions of a project are run for themselves: a module's after those of the modules that import it, tests last.

Who imports a module builds its objects. What their fields hold is then known when their methods are run, where no annotation says it.
Takes the symbols; knows only the imports at the top of modules.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ormlint.semantics.definitions import ImportedName
from ormlint.semantics.symbols import Symbols


def importers_first(symbols: Symbols, ids: Iterable[str]) -> list[str]:
    """Functions in the order in which they are best run; it depends on nothing but the imports and the names."""
    place = {module: -at for at, module in enumerate(_imported_first(symbols))}
    # Tests import everything, and call it with fakes.
    tests = {module for module, scope in symbols.modules.items() if scope.role in ("test", "fixture")}
    modules = {id: symbols.functions[id].module for id in ids}
    return sorted(modules, key=lambda id: (modules[id] in tests, place[modules[id]], id))


def _imported_first(symbols: Symbols) -> Iterator[str]:
    """All modules, each after those that it imports, as far as there are no cycles."""
    seen: set[str] = set()
    for first in sorted(symbols.modules):
        if first in seen:
            continue
        seen.add(first)
        stack = [(first, _imports(symbols, first))]
        while stack:
            module, waiting = stack[-1]
            other = next((name for name in waiting if name not in seen), None)
            if other is not None:
                seen.add(other)
                stack.append((other, _imports(symbols, other)))
            else:
                stack.pop()
                yield module


def _imports(symbols: Symbols, module: str) -> Iterator[str]:
    """The project's modules that a module imports."""
    found: set[str] = set()
    for bindings in symbols.modules[module].bindings.values():
        for binding in bindings:
            if isinstance(binding, ImportedName):
                names = (binding.module,) if binding.name is None else (f"{binding.module}.{binding.name}", binding.module)
                found.update([name for name in names if name in symbols.modules][:1])
    return iter(sorted(found))
