"""Which layer each module belongs to: by configuration, else by what people call their folders.

Takes the modules and the configuration; gives `domain`, `persistence`, `unit-of-work`, `entrypoint` or "" for each, with the reason.
Tests, migrations and fixtures belong to no layer.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

from ormlint.config import Layers
from ormlint.semantics.symbols import ModuleScope

_NAMES = {
    "domain": ("domain", "domains", "domain_model", "domainmodel"),
    "persistence": (
        "persistence", "repositories", "repository", "repos", "repo", "orm", "dal", "dao", "daos", "storage", "adapters",
        "infrastructure", "db", "database",
    ),
    "unit-of-work": ("unit_of_work", "uow", "unitofwork", "transactions"),
    "entrypoint": (
        "entrypoints", "entrypoint", "api", "web", "views", "routes", "routers", "handlers", "cli", "controllers", "endpoints",
        "commands",
    ),
}  # fmt: skip


class Placed(msgspec.Struct, frozen=True):
    """A module's layer ("" for none) and why."""

    layer: str
    why: str


def layers_of(scopes: Iterable[ModuleScope], configured: Layers) -> dict[str, Placed]:
    """The layer of each module by name."""
    patterns = {
        "domain": configured.domain, "persistence": configured.persistence, "unit-of-work": configured.unit_of_work,
        "entrypoint": configured.entrypoint,
    }  # fmt: skip
    any_configured = any(patterns.values())
    modules = list(scopes)
    found: dict[str, Placed] = {}
    tops = {scope.name.split(".", 1)[0] for scope in modules}
    for scope in modules:
        if scope.role in ("test", "migration", "fixture"):
            found[scope.name] = Placed("", f"it is a {scope.role}")
            continue
        if any_configured:
            found[scope.name] = _configured(scope.name, patterns)
        else:
            found[scope.name] = _detected(scope.name, tops)
    return found


def _configured(name: str, patterns: dict[str, tuple[str, ...]]) -> Placed:
    for layer, items in patterns.items():
        for item in items:
            if matches(item, name):
                return Placed(layer, f'it matches "{item}" in [tool.ormlint.layers]')
    return Placed("", "no configured pattern matches it")


def matches(pattern: str, name: str) -> bool:
    """Whether a dotted pattern names a module or a package that holds it: `*` is any part, `**` any number of parts."""
    parts = []
    for part in pattern.split("."):
        parts.append(r"[^.]+(?:\.[^.]+)*" if part == "**" else re.escape(part).replace(r"\*", r"[^.]*"))
    return re.fullmatch(r"\.".join(parts) + r"(?:\..*)?", name) is not None


def _detected(name: str, tops: set[str]) -> Placed:
    parts = name.split(".")
    # The first part that is a layer's name decides; the project's own top package may be called anything.
    for part in parts[1:] if len(parts) > 1 and len(tops) >= 1 and parts[0] not in ("domain",) else parts:
        for layer, names in _NAMES.items():
            if part in names:
                return Placed(layer, f'it stands in "{part}"')
    return Placed("", "nothing tells")
