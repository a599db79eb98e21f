"""The `ormlint` that is measured: a frozen copy of the sources, and a wheel as it is released, with what reads and analyses compiled.

From here on edits to the checkout change nothing of what is measured.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PARTS = ("src", "fixtures/rules", "pyproject.toml", "README.md", "LICENSE")
"""What a wheel is built from."""


def interpreted(work: Path) -> Path:
    """A copy of the sources."""
    copy = work / "src"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(ROOT / "src", copy, ignore=shutil.ignore_patterns("__pycache__", "*.so"))
    return copy


def compiled(work: Path) -> Path | None:
    """A folder with the unpacked wheel, built where these very sources have not been built before: two minutes. None where that fails, for
    want of a C compiler for example."""
    built = work / "compiled" / _digest()
    if built.is_dir():
        return built
    checkout, wheels = work / "checkout", work / "wheels"
    for folder in (checkout, wheels):
        shutil.rmtree(folder, ignore_errors=True)
    for part in PARTS:
        (checkout / part).parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, checkout / part, ignore=shutil.ignore_patterns("__pycache__", "*.so"))
        else:
            shutil.copy(ROOT / part, checkout / part)
    pip = (sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check", "--no-deps", "-w", str(wheels), str(checkout))
    made = subprocess.run(pip, check=False, capture_output=True, env={**os.environ, "HATCH_BUILD_HOOK_ENABLE_MYPYC": "1"})
    wheel = next(wheels.glob("*.whl"), None) if wheels.is_dir() else None
    if made.returncode or wheel is None:
        return None
    shutil.rmtree(work / "compiled", ignore_errors=True)
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(built.with_suffix(".part"))
    built.with_suffix(".part").rename(built)
    return built


def _digest() -> str:
    found = hashlib.sha256(sys.version.encode())
    for path in sorted([*(ROOT / "src").rglob("*.py"), ROOT / "pyproject.toml"]):
        found.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes())
    return found.hexdigest()[:16]
