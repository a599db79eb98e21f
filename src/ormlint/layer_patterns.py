"""What is wrong with configured layers: patterns that match nothing, modules that two layers claim.

Takes the configuration and the files of a project; gives warnings. Where nothing is configured there is nothing to say.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from .config import ConfigError, Layers, printable
from .project import SourceFile
from .semantics.layers import matches


def layer_warnings(layers: Layers, files: Iterable[SourceFile]) -> tuple[str, ...]:
    """One line for each pattern that matches no module. Raises `ConfigError` where a module is in two layers."""
    modules = sorted(file.module for file in files if file.role in ("code", "script"))
    claims: dict[str, tuple[str, str]] = {}
    idle: list[str] = []
    for field in msgspec.structs.fields(Layers):
        layer = field.encode_name
        for pattern in getattr(layers, field.name):
            claimed = [module for module in modules if matches(pattern, module)]
            if not claimed:
                idle.append(f'layers.{layer}: "{printable(pattern)}" matches no module; `ormlint layers` lists them')
            for module in claimed:
                other, by = claims.setdefault(module, (layer, pattern))
                if other != layer:
                    raise ConfigError(
                        f'{printable(module)} is in two layers: in {other} by "{printable(by)}" and in {layer} by "{printable(pattern)}"'
                    )
    return tuple(idle)
