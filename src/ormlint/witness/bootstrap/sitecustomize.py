"""Starts the recorder in every Python process below `ormlint witness run`, which puts this folder first on PYTHONPATH.

Python imports a module of this name at its start. One that would have been found without this folder is run afterwards. Nothing that goes
wrong here may reach the application.
"""

from __future__ import annotations

import importlib.machinery
import importlib.util
import os
import sys


def _record() -> None:
    parts, root, package = (os.environ.get(f"ORMLINT_WITNESS_{name}") for name in ("PARTS", "ROOT", "PACKAGE"))
    if not parts or not root or not package:
        return
    added = importlib.util.find_spec("ormlint") is None
    if added:
        # Another environment than ormlint's: the recorder needs only the standard library, so it is lent to it.
        sys.path.append(package)
    try:
        from ormlint.witness.recorder import Recorder

        Recorder(root, parts, lines=os.environ.get("ORMLINT_WITNESS_LINES") != "0", often=True).start()
    finally:
        if added:
            sys.path.remove(package)


def _run_the_other() -> None:
    here = os.path.dirname(os.path.abspath(__file__))
    paths = [path for path in sys.path if os.path.abspath(path or os.curdir) != here]
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize", paths)
    if spec is not None and spec.loader is not None:
        spec.loader.exec_module(importlib.util.module_from_spec(spec))


try:
    _record()
except Exception as error:
    sys.stderr.write(f"ormlint witness: this process is not recorded: {type(error).__name__}: {error}\n")
_run_the_other()
