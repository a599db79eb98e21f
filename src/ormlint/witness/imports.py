"""Calls back when a module has been imported, without importing it. Imports nothing but the standard library."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any


def when_imported(name: str, call: Callable[[], None]) -> Callable[[], None]:
    """Calls `call` now if the module is imported, and again after each later import of it; returns the function that ends it."""
    finder = _Watch(name, call)
    sys.meta_path.insert(0, finder)
    if name in sys.modules:
        call()

    def stop() -> None:
        if finder in sys.meta_path:
            sys.meta_path.remove(finder)

    return stop


class _Watch(MetaPathFinder):
    def __init__(self, name: str, call: Callable[[], None]) -> None:
        self.name = name
        self.call = call
        self.looking = False

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        if fullname != self.name or self.looking:
            return None
        self.looking = True
        try:
            spec = importlib.util.find_spec(fullname)
        finally:
            self.looking = False
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader, self.call)
        return spec


class _Loader(Loader):
    """The module's own loader, and a call after it has run."""

    def __init__(self, loader: Any, call: Callable[[], None]) -> None:
        self.loader = loader
        self.call = call

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        module: ModuleType | None = self.loader.create_module(spec)
        return module

    def exec_module(self, module: ModuleType) -> None:
        if module.__spec__ is not None:
            module.__spec__.loader = self.loader
        module.__loader__ = self.loader
        self.loader.exec_module(module)
        self.call()
