"""Whole-project static analysis of Python code that uses SQLAlchemy.

`ormlint.check(root)` returns a `Report`; everything else is reached through the `ormlint` command.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from .config import Config
    from .findings import Report

__version__ = "0.1.0"

__all__ = ["__version__", "check"]


def check(root: Path, config: Config | None = None, paths: Sequence[Path] = ()) -> Report:
    """Analyse the project at `root` and return what was found, sorted by path and line.

    `config` is what `ormlint.config.load_config(root)` gives when it is left out. With `paths`, the whole project is still read,
    and only findings in those files and folders are returned. Raises `ormlint.config.ConfigError` on a bad option.
    """
    from .config import load_config
    from .pipeline import check as run

    return run(root, load_config(root) if config is None else config, paths)
