"""`[tool.ormlint]` to one frozen value: the only reader of options.

Takes a place to start from and what the command line overrides; gives a `Config`, or one `ConfigError` whose text is the whole
message for the user. It knows names, types and layers; which rule codes exist is known higher up, in `selection`.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final, get_type_hints

import msgspec

from .findings import Confidence

CONFIG_FILES: Final = ("ormlint.toml", "pyproject.toml")
CACHE_FOLDER: Final = ".ormlint_cache"


class ConfigError(Exception):
    """A bad option, key, value or path. Its text is one line that says what is wrong and what to do."""


class Layers(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """Which modules play which role: patterns of dotted names, `*` for one part, `**` for any number of parts."""

    domain: tuple[str, ...] = ()
    persistence: tuple[str, ...] = ()
    unit_of_work: tuple[str, ...] = ()
    entrypoint: tuple[str, ...] = ()


class Config(msgspec.Struct, frozen=True, rename="kebab"):
    """Every option with its effective value. An empty `select` means the rules that are on by default."""

    select: tuple[str, ...] = ()
    """Codes, families (`ORM2`) or names of the rules to run, in place of the default ones."""
    extend_select: tuple[str, ...] = ()
    """Rules to run besides those of `select`."""
    ignore: tuple[str, ...] = ()
    """Rules not to run."""
    min_confidence: Confidence = Confidence.likely
    """The least confidence of a finding that is shown: `certain`, `likely` or `possible`."""
    exclude: tuple[str, ...] = ()
    """Files and folders that are not read, as gitignore patterns relative to the project's root."""
    respect_gitignore: bool = True
    """Whether files that git ignores are left out."""
    src: tuple[str, ...] = ()
    """Folders, relative to the project's root, from which modules are imported. Detected where empty."""
    layers: Layers = Layers()
    """Modules of each architectural layer. Detected from names where empty."""
    allow_type_checking_imports: bool = False
    """Whether a domain module may import the ORM under `if TYPE_CHECKING:`."""
    allowed_ports: tuple[str, ...] = ()
    """Modules through which a domain module may reach the ORM."""
    external_effects: dict[str, str] = {}
    """Dotted names of functions, classes and methods whose calls leave the process, besides those known: a list, or a table of name to
    kind of effect (`http`, `mail`, `queue`, …)."""
    per_file_ignores: dict[str, tuple[str, ...]] = {}
    """Rules not reported in files that match a gitignore pattern."""
    baseline: str | None = None
    """The file of accepted findings, relative to the project's root; `.ormlint-baseline.json` where it exists."""
    cache_dir: str | None = CACHE_FOLDER
    """The folder of cached file records, relative to the project's root; nothing is cached where it is None."""
    jobs: int = 0
    """How many processes work; 0 means one for each processor."""
    preview: bool = False
    """Whether rules that are still being tried out take part."""
    relevance: bool = True
    """Whether files that cannot matter are left unparsed. Never changes a finding."""


DEFAULT: Final = Config()


class Loaded(msgspec.Struct, frozen=True):
    """A configuration and where each of its values came from."""

    config: Config
    origins: dict[str, str]
    """Option name, as written in the file, to `default`, `command line`, or the path of the configuration file."""
    file: Path | None


def option_names() -> tuple[str, ...]:
    """The names of all options, as they are written in a configuration file."""
    return tuple(field.encode_name for field in msgspec.structs.fields(Config))


def load_config(start: Path, overrides: Mapping[str, object] | None = None, file: Path | None = None) -> Config:
    """The configuration that holds at `start` (a file or a folder), with `overrides` on top.

    Keys of `overrides` are the field names of `Config`. With `file`, that file is read in place of the nearest one.
    Raises `ConfigError`.
    """
    return load_with_origins(start, overrides, file).config


def load_with_origins(start: Path, overrides: Mapping[str, object] | None = None, file: Path | None = None) -> Loaded:
    """As `load_config`, and says for each option where its value came from."""
    path, table = (file, read_table(file) or {}) if file is not None else nearest_table(start)
    values: dict[str, object] = {}
    origins = dict.fromkeys(option_names(), "default")
    if path is not None:
        where = f"{path}: [tool.ormlint]" if path.name == "pyproject.toml" else str(path)
        for name, value in table.items():
            field = field_named(name, where)
            values[field] = converted(field, value, f"{where} {name}")
            origins[name] = str(path)
    for field, value in (overrides or {}).items():
        name = field.replace("_", "-")
        values[field] = converted(field_named(name, "option"), value, f"option {name}")
        origins[name] = "command line"
    config = Config(**values)  # type: ignore[arg-type]
    if config.jobs < 0:
        raise ConfigError(f"jobs is {config.jobs}; it must be 0 (one for each processor) or more")
    return Loaded(config, origins, path)


def nearest_table(start: Path) -> tuple[Path | None, dict[str, Any]]:
    """The nearest `ormlint.toml`, or `pyproject.toml` with a `[tool.ormlint]` table, at or above `start`, and its options."""
    folder = start if start.is_dir() else start.parent
    for directory in (folder, *folder.parents):
        for name in CONFIG_FILES:
            path = directory / name
            if path.is_file():
                table = read_table(path)
                if table is not None:
                    return path, table
    return None, {}


def read_table(path: Path) -> dict[str, Any] | None:
    """The options that a file holds; None where a `pyproject.toml` has no `[tool.ormlint]`. Raises `ConfigError`."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"cannot read the configuration {path}: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path} is not UTF-8, which TOML must be") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} is not valid TOML: {error}") from None
    if path.name != "pyproject.toml":
        nested = document.get("tool")
        if isinstance(nested, dict) and isinstance(nested.get("ormlint"), dict) and set(document) == {"tool"}:
            return dict(nested["ormlint"])
        return document
    tool = document.get("tool", {})
    table = tool.get("ormlint") if isinstance(tool, dict) else None
    if table is None:
        return None
    if not isinstance(table, dict):
        raise ConfigError(f"{path}: tool.ormlint must be a table, written [tool.ormlint]")
    return dict(table)


def suggestion(name: str, known: Iterable[str]) -> str:
    """`; did you mean "x"?`, or an empty text where nothing is near. Of equally near ones, the one that differs in fewer places."""
    near = difflib.get_close_matches(name, list(known), n=5, cutoff=0.6)
    if not near:
        return ""

    def distance(candidate: str) -> tuple[float, int]:
        differing = sum(left != right for left, right in zip(name, candidate, strict=False))
        return -difflib.SequenceMatcher(None, candidate, name).ratio(), differing

    return f'; did you mean "{min(near, key=distance)}"?'


def field_named(name: str, where: str) -> str:
    names = option_names()
    if name not in names:
        hint = suggestion(name.lower().replace("_", "-"), names) or f"; known are {', '.join(names)}"
        raise ConfigError(f'{where}: unknown key "{printable(name)}"{hint}')
    return name.replace("-", "_")


def converted(field: str, value: object, where: str) -> object:
    """The value in the field's type, or a `ConfigError` that says what was expected."""
    if field == "min_confidence":
        return confidence(value, where)
    if field == "layers":
        return layers(value, where)
    if field == "external_effects":
        return effects(value, where)
    expected = get_type_hints(Config)[field]
    try:
        return msgspec.convert(value, expected, strict=True)
    except msgspec.ValidationError:
        raise ConfigError(f"{where}: expected {EXPECTED.get(field, EXPECTED['*'])}, got {described(value)}") from None


EXPECTED: Final = {
    "*": "a list of strings",
    "per_file_ignores": "a table of file pattern to a list of rule codes",
    "allow_type_checking_imports": "true or false",
    "respect_gitignore": "true or false",
    "preview": "true or false",
    "relevance": "true or false",
    "jobs": "a whole number",
    "cache_dir": "a string",
    "baseline": "a string",
}


def confidence(value: object, where: str) -> Confidence:
    if isinstance(value, Confidence):
        return value
    known = [level.name for level in reversed(Confidence)]
    if isinstance(value, str) and value in known:
        return Confidence[value]
    hint = suggestion(value, known) if isinstance(value, str) else ""
    raise ConfigError(f"{where}: expected {', '.join(known[:-1])} or {known[-1]}, got {described(value)}{hint}")


def layers(value: object, where: str) -> Layers:
    if isinstance(value, Layers):
        return value
    if not isinstance(value, Mapping):
        raise ConfigError(f"{where}: expected a table of layer to a list of module patterns, got {described(value)}")
    names = tuple(field.encode_name for field in msgspec.structs.fields(Layers))
    patterns: dict[str, tuple[str, ...]] = {}
    for name, modules in value.items():
        if name not in names:
            hint = suggestion(str(name).replace("_", "-"), names) or f"; known are {', '.join(names)}"
            raise ConfigError(f'{where}: unknown layer "{printable(str(name))}"{hint}')
        try:
            patterns[name.replace("-", "_")] = msgspec.convert(modules, tuple[str, ...])
        except msgspec.ValidationError:
            raise ConfigError(f"{where}.{name}: expected a list of module patterns, got {described(modules)}") from None
    return Layers(**patterns)


EFFECT_KINDS: Final = (
    "http", "mail", "queue", "process", "sleep", "llm", "cache", "storage", "cloud", "payment", "sms", "chat", "rpc", "search", "socket",
)  # fmt: skip
DOTTED: Final = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)+")


def effects(value: object, where: str) -> dict[str, str]:
    """Names of what leaves the process, each with its kind; "" where a list does not say one."""
    if isinstance(value, list | tuple):
        value = dict.fromkeys(value, "") if all(isinstance(name, str) for name in value) else value
    if not isinstance(value, Mapping):
        raise ConfigError(f"{where}: expected a list of dotted names, or a table of name to kind of effect, got {described(value)}")
    for name, kind in value.items():
        if not isinstance(name, str) or not DOTTED.fullmatch(name):
            raise ConfigError(f'{where}: "{printable(str(name))}" is no dotted name, such as shop.mail.send')
        if kind and kind not in EFFECT_KINDS:
            hint = suggestion(str(kind), EFFECT_KINDS) or f"; known are {', '.join(EFFECT_KINDS)}"
            raise ConfigError(f'{where}: unknown effect "{printable(str(kind))}"{hint}')
    return dict(value)


def described(value: object) -> str:
    """A value as the message of a wrong type shows it, on one line."""
    kinds = {bool: "true or false", str: "the string", int: "the number", float: "the number", list: "the list", dict: "a table"}
    if isinstance(value, bool):
        return str(value).lower()
    kind = kinds.get(type(value), type(value).__name__)
    return kind if isinstance(value, dict) else f"{kind} {printable(repr(value))[:60]}"


def printable(text: str) -> str:
    """The text with control characters written as escapes, so that a message stays one line."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in text)


def processors(jobs: int) -> int:
    """How many processes to use: `jobs`, or what this process may run on where it is 0."""
    if jobs:
        return jobs
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        return os.cpu_count() or 1
