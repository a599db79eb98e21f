"""Which layer each module belongs to: by configuration, else by what people call their folders and by what the code does.

Takes the modules, the configuration and, where the classes are known, the classes; gives `domain`, `persistence`, `unit-of-work`,
`entrypoint` or "" for each, with the reason. Tests, migrations and fixtures belong to no layer. A folder called "domain" is the domain
only where it holds the business rules and nothing else: vertical slices (a folder for each subject, with its routes and tables), Internet
domains and folders of nothing but mapped classes are something else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from ormlint.config import Layers
from ormlint.facts import records as r
from ormlint.facts.walking import inner
from ormlint.semantics.classes import Classes
from ormlint.semantics.definitions import DefinedModule, Library, Variable
from ormlint.semantics.mapped import ClassInfo
from ormlint.semantics.symbols import ModuleScope, applied

_DOMAIN = ("domain", "domains", "domain_model", "domainmodel", "domain_layer", "core_domain")
_PLAIN_DOMAIN = ("entities", "value_objects", "aggregates", "business_rules", "domain_models", "domain_objects")
"""The domain only where their classes are plain: others keep their mapped classes in folders of these names."""
_NAMES = {
    "persistence": (
        "persistence", "repositories", "repository", "repos", "repo", "orm", "dal", "dao", "daos", "storage", "db", "database", "databases",
        "data_access", "dataaccess", "persistance", "crud", "sqlalchemy_repository", "mappers", "gateways",
    ),
    "unit-of-work": ("unit_of_work", "uow", "unitofwork", "units_of_work", "transactions", "transaction_manager"),
    "entrypoint": (
        "entrypoints", "entrypoint", "entry_points", "api", "web", "views", "routes", "routers", "router", "cli", "controllers",
        "controller", "endpoints", "rest", "restapi", "rest_api", "graphql", "blueprints", "http_api", "webapp", "presentation", "inbound",
    ),
}  # fmt: skip
_NOUNS = frozenset(("gateways", "repos", "repo", "storage", "transactions"))
"""They tell nothing right below a folder that says what its modules do: `services/gateways.py` serves gateways."""
_DOING = re.compile(
    r"(?:^|_)(?:services?|use_?cases|interactors|models|schemas|serializers|dtos?|background|tasks|jobs|workers|compat\w*)$"
)
_OUTER = ("infrastructure", "adapters", "adapter", "infra", "outbound")
"""Persistence, unless a deeper folder says otherwise."""
_SLICES = frozenset(("routes", "routers", "router", "views", "controllers", "controller", "endpoints", "rest", "blueprints", "urls"))
"""What stands in a vertical slice and never in a domain layer."""
_REPOSITORY = re.compile(r"(?:Repository|Repositories|Repo|DAO|Dao|Gateway|DataMapper)(?:Impl)?$")
_UNIT_OF_WORK = re.compile(r"(?:UnitOfWork|UoW|UOW|Uow)(?:Impl)?$")
_WEB = frozenset({"web_app", "web_router"})
_VERBS = frozenset(("get", "post", "put", "patch", "delete", "head", "options", "route", "api_route", "websocket"))
_COMMANDS = ("click.", "typer.", "celery.", "dramatiq.", "flask.cli.")
_MAPPED_FOLDER = 4
"""From so many mapped classes on, with few plain ones beside them, a folder is the ORM's own."""


class Placed(msgspec.Struct, frozen=True):
    """A module's layer ("" for none) and why."""

    layer: str
    why: str


def layers_of(scopes: Iterable[ModuleScope], configured: Layers, classes: Classes | None = None) -> dict[str, Placed]:
    """The layer of each module by name. Without `classes` only names are looked at, and every folder called so is the domain."""
    patterns = {
        "domain": configured.domain, "persistence": configured.persistence, "unit-of-work": configured.unit_of_work,
        "entrypoint": configured.entrypoint,
    }  # fmt: skip
    any_configured = any(patterns.values())
    modules = list(scopes)
    found: dict[str, Placed] = {}
    own = [scope for scope in modules if scope.role not in ("test", "migration", "fixture")]
    for scope in modules:
        if scope.role in ("test", "migration", "fixture"):
            found[scope.name] = Placed("", f"it is a {scope.role}")
    if any_configured:
        for scope in own:
            found[scope.name] = _configured(scope.imported_as, patterns)
        return found
    by_class: dict[str, list[ClassInfo]] = {}
    for info in classes.infos.values() if classes is not None else ():
        by_class.setdefault(info.module, []).append(info)
    tops = {scope.name.split(".", 1)[0] for scope in own}
    layered = {top for top in tops if _named((top,)) is not None or top in _DOMAIN}
    if len(layered) == 1:
        layered &= set(_DOMAIN)  # the project's own top package may be called anything
    no_domain: dict[str, str] = {}
    if classes is not None:
        for package in sorted({package for scope in own for package in _domains(scope.name, scope.is_package, layered)}):
            inside = [scope for scope in own if scope.name == package or scope.name.startswith(f"{package}.")]
            why = _no_domain(package, inside, by_class, classes)
            if why:
                no_domain[package] = why
    for scope in own:
        found[scope.name] = _detected(scope, layered, no_domain, by_class.get(scope.name, ()), classes)
    if classes is not None and any(placed.layer == "domain" for placed in found.values()):
        for name, placed in found.items():
            mapped = [info.name for info in by_class.get(name, ()) if info.model is not None and info.model.style != "imperative"]
            if not placed.layer and mapped and placed.why == NOTHING:
                found[name] = Placed("persistence", f"it defines the mapped class {mapped[0]}")
    return found


NOTHING = "nothing tells"


def _configured(name: str, patterns: Mapping[str, tuple[str, ...]]) -> Placed:
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


# By name


def _domains(name: str, is_package: bool, layered: set[str]) -> Iterator[str]:
    """The packages (or the module itself) on the way to a module that are called as a domain is."""
    parts = name.split(".")
    for at, part in enumerate(parts):
        leaf = at == len(parts) - 1 and not is_package
        if at == 0 and len(parts) > 1 and part not in layered and part not in _DOMAIN:
            continue
        if part in _DOMAIN and (not leaf or (part != "domains" and at <= 1)):
            yield ".".join(parts[: at + 1])
            return
        if part in _PLAIN_DOMAIN and not leaf:
            yield ".".join(parts[: at + 1])
            return
        if _named((part,)) is not None or part in _OUTER:
            return


def _named(parts: Sequence[str]) -> tuple[str, str] | None:
    """The layer that the first telling part names, and that part; what stands in the outer folders may say more."""
    outer = ""
    for at, part in enumerate(parts):
        if part in _NOUNS and at and _DOING.search(parts[at - 1]):
            continue
        for layer, names in _NAMES.items():
            if part in names and (not outer or layer != "persistence"):
                return layer, part
        if part in _OUTER and not outer:
            outer = part
    return ("persistence", outer) if outer else None


def _detected(
    scope: ModuleScope, layered: set[str], no_domain: Mapping[str, str], infos: Sequence[ClassInfo], classes: Classes | None
) -> Placed:
    name, why = scope.name, NOTHING
    parts = name.split(".")
    start = 0 if len(parts) == 1 or parts[0] in layered else 1
    for package in _domains(name, scope.is_package, layered):
        last = package.rsplit(".", 1)[-1]
        if package not in no_domain:
            if classes is not None or last in _DOMAIN:
                return Placed("domain", f'it stands in "{last}"' if package != name or scope.is_package else f'it is called "{last}"')
        else:
            start, why = package.count(".") + 1, f'"{last}" is no domain layer: {no_domain[package]}'
    named = _named(parts[start:])
    if named is not None:
        is_own = named[1] == parts[-1] and not scope.is_package
        return Placed(named[0], f'it is called "{named[1]}"' if is_own else f'it stands in "{named[1]}"')
    if classes is not None:
        done = _by_content(scope, infos, classes)
        if done is not None:
            return done
    return Placed("", why)


# By content


def _no_domain(package: str, inside: Sequence[ModuleScope], by_class: Mapping[str, Sequence[ClassInfo]], classes: Classes) -> str:
    """Why a folder called as a domain is none, in words; "" where it is one."""
    infos = [info for scope in inside for info in by_class.get(scope.name, ())]
    mapped = [info for info in infos if info.model is not None and info.model.style != "imperative"]
    plain = [info for info in infos if info.model is None and not info.is_base and not _is_small(info)]
    last = package.rsplit(".", 1)[-1]
    for scope in inside:
        rest = scope.name[len(package) + 1 :].split(".")
        if any(part in _SLICES for part in rest):
            return f"{scope.name} is in it"
        handler = _handler(scope, classes)
        if handler:
            return f"it holds the {handler}"
    if any(info.name == "Domain" for info in mapped):
        return "Domain is a mapped class"
    if len(mapped) >= _MAPPED_FOLDER and len(mapped) > 2 * len(plain):
        return "its classes are mapped ones"
    if last in _PLAIN_DOMAIN and (not plain or mapped):
        return "its classes are mapped ones" if mapped else "it defines no classes"
    return ""


def _is_small(info: ClassInfo) -> bool:
    """Enums, errors and schemas: they stand beside mapped classes, too."""
    names = {library.rsplit(".", 1)[-1] for library in info.libraries}
    return bool(names & {"Enum", "StrEnum", "IntEnum", "Exception", "ValueError", "BaseModel", "SQLModel", "TypedDict", "TypeDecorator"})


def _by_content(scope: ModuleScope, infos: Sequence[ClassInfo], classes: Classes) -> Placed | None:
    """The layer that what a module defines tells."""
    handler = _handler(scope, classes)
    if handler:
        return Placed("entrypoint", f"it defines the {handler}")
    for info in infos:
        if info.model is not None or any(library.endswith(".Protocol") for library in info.libraries):
            continue
        if _UNIT_OF_WORK.search(info.name) and "commit" in info.methods:
            return Placed("unit-of-work", f"it defines the unit of work {info.name}")
    for info in infos:
        if info.model is None and _REPOSITORY.search(info.name) and _keeps_a_session(info, classes):
            return Placed("persistence", f"it defines the repository {info.name}")
    return None


def _handler(scope: ModuleScope, classes: Classes) -> str:
    """The first web handler, command or task that a module defines, in words; "" where it defines none."""
    for bindings in scope.bindings.values():
        for binding in bindings:
            if not isinstance(binding, r.Function):
                continue
            for decorator in binding.decorators:
                func = applied(decorator)
                symbol = classes.resolve(scope.name, func)
                if isinstance(symbol, Library) and symbol.name.startswith(_COMMANDS):
                    return f"command {binding.name}" if symbol.name.startswith(("click.", "typer.", "flask.")) else f"task {binding.name}"
                if isinstance(func, r.Attr) and func.attr in _VERBS and isinstance(func.value, (r.Name, r.Attr)):
                    owner = classes.resolve(scope.name, func.value)
                    kind = classes.kind(Library(classes.variable_kind(owner))) if isinstance(owner, Variable) else ""
                    if kind in _WEB:
                        return f"handler {binding.name}"
                    if isinstance(owner, (DefinedModule,)):
                        continue
    return ""


def _keeps_a_session(info: ClassInfo, classes: Classes) -> bool:
    """Whether a class is given a session, or a base of it is: by the words of its constructor, which is all that a layer needs."""
    for ancestor in info.mro:
        for id in classes.infos[ancestor].methods.get("__init__", ()):
            for param in classes.symbols.functions[id].node.params:
                words = {param.name.lower().strip("_"), *(_last_words(param.annotation))}
                if words & {"session", "db", "db_session", "asyncsession", "engine", "connection", "sessionmaker", "async_sessionmaker"}:
                    return True
        if "session" in classes.infos[ancestor].annotations or "_session" in classes.infos[ancestor].annotations:
            return True
    return False


def _last_words(annotation: r.Expr | None) -> Iterator[str]:
    stack: list[object] = [annotation]
    while stack:
        node = stack.pop()
        if isinstance(node, r.Name):
            yield node.id.lower()
        elif isinstance(node, r.Attr):
            yield node.attr.lower()
        elif isinstance(node, r.Node):
            stack.extend(inner(node))
        elif isinstance(node, tuple):
            stack.extend(node)
