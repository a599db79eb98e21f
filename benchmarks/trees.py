"""The source trees that are measured: real projects by name and version, copies of them, and edits to them."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import msgspec


class Tree(msgspec.Struct, frozen=True):
    """A distribution of the package index. `package` is the folder of its code."""

    name: str
    version: str
    package: str

    @property
    def folder(self) -> str:
        return f"{self.name}-{self.version}"


AIRFLOW = Tree("apache-airflow-core", "3.3.2", "airflow")
HOMEASSISTANT = Tree("homeassistant", "2026.11.0", "homeassistant")


def fetched(tree: Tree, trees: Path) -> Path | None:
    """The folder of a tree below `trees`, downloaded where it is missing; None where it cannot be had."""
    folder = trees / tree.folder
    if folder.is_dir():
        return folder
    download = trees / f"{tree.folder}.download"
    shutil.rmtree(download, ignore_errors=True)
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(download), f"{tree.name}=={tree.version}"]
    if subprocess.run(pip, check=False, capture_output=True).returncode:
        return None
    for archive in download.iterdir():
        if archive.suffix == ".whl":
            with zipfile.ZipFile(archive) as wheel:
                wheel.extractall(folder)
        else:
            with tarfile.open(archive) as source:
                source.extractall(folder, filter="data")
    shutil.rmtree(download)
    return folder


def files(tree: Path) -> list[Path]:
    return sorted(tree.rglob("*.py"))


def lines(tree: Path) -> int:
    return sum(path.read_bytes().count(b"\n") for path in files(tree))


def copied(source: Path, package: str, times: int, to: Path) -> Path:
    """A tree that holds a package several times, under other names: each copy imports itself."""
    shutil.rmtree(to, ignore_errors=True)
    word = re.compile(rf"\b{package}(?=[.\s])".encode())
    for number in range(times):
        name = f"{package}{number or ''}"
        shutil.copytree(source / package, to / name)
        if number:
            for path in files(to / name):
                path.write_bytes(word.sub(name.encode(), path.read_bytes()))
    return to


def writable(source: Path, to: Path) -> Path:
    """A copy of a tree that may be edited."""
    shutil.rmtree(to, ignore_errors=True)
    shutil.copytree(source, to, symlinks=True)
    return to


def edit(path: Path) -> None:
    """Changes a file in a way that means something: one more function at its end."""
    text = path.read_text(encoding="utf-8")
    count = text.count("def measured_edit_")
    path.write_text(f"{text}\n\ndef measured_edit_{count}():\n    return {count}\n", encoding="utf-8")
