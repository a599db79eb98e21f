"""The project's templates: which file a name means, and what it says.

Takes the paths of the templates; reads each once, when it is first rendered. One that cannot be read is one warning.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from ormlint.facts.templates import Template, Unreadable, read_template
from ormlint.semantics.symbols import ModuleScope

_LARGEST = 2 << 20


class Loaded:
    """A template that was read, and the scope in which its sites stand."""

    def __init__(self, rel: str, template: Template) -> None:
        self.rel = rel
        self.template = template
        self.scope = ModuleScope(f"<template {rel}>", rel, False, "template", template.record())


class TemplateFiles:
    """The project's templates by their paths; each is read once, when it is wanted."""

    def __init__(self, root: Path | None = None, paths: Sequence[str] = ()) -> None:
        self.root = root
        self.paths = tuple(paths)
        self.loaded: dict[str, Loaded | None] = {}
        self.digests: dict[str, str] = {}
        """The sha256, in hex, of each file that was read."""
        self.warnings: list[str] = []

    def find(self, name: str, near: str) -> Loaded | None:
        """The template of this name; of several the one nearest to the file that asks; None where that is not clear."""
        ending = f"/{name.removeprefix('./').lstrip('/')}"
        found = [path for path in self.paths if f"/{path}".endswith(ending) and _is_root(f"/{path}"[: -len(ending)])]
        if len(found) > 1:
            closeness = {path: _shared(path, near) for path in found}
            best = max(closeness.values())
            found = [path for path in found if closeness[path] == best]
        return self.load(found[0]) if len(found) == 1 else None

    def load(self, rel: str) -> Loaded | None:
        if rel not in self.loaded:
            self.loaded[rel] = None
            try:
                assert self.root is not None
                source = (self.root / rel).read_bytes()
                self.digests[rel] = hashlib.sha256(source).hexdigest()
                if len(source) > _LARGEST:
                    return None
                self.loaded[rel] = Loaded(rel, read_template(source.decode("utf-8-sig")))
            except Unreadable as error:
                self.warnings.append(f"{rel}:{error.line}: the template cannot be read ({error.reason}); what it shows is not checked")
            except (OSError, UnicodeDecodeError) as error:
                reason = getattr(error, "strerror", None) or "it is not UTF-8"
                self.warnings.append(f"{rel}: the template cannot be read ({reason}); what it shows is not checked")
        return self.loaded[rel]

    def scopes(self) -> dict[str, ModuleScope]:
        """The scopes of the templates that were read, by path."""
        return {rel: loaded.scope for rel, loaded in self.loaded.items() if loaded is not None}


def _is_root(folder: str) -> bool:
    """Whether a folder may be one that templates are named from: `templates`, or a folder below one."""
    return "template" in folder


def _shared(path: str, near: str) -> int:
    """How many folders two paths share."""
    folders = zip(path.split("/")[:-1], near.split("/")[:-1], strict=False)
    return next((at for at, (one, other) in enumerate(folders) if one != other), min(path.count("/"), near.count("/")))
