"""Which files can matter, told from their bytes and from what the analysis of the others found: only those are parsed.

Takes the project's files and their sources; gives the paths to parse. It errs towards too many: leaving a file out must never change a
finding. What is left out is a module without content for the later steps, not a missing one. Knows nothing of trees.

- Where much of a project names the ORM, all of it is parsed: nearly all of it matters, and finding that out costs more than it saves.
- Else the *active* files come first: those that import an ORM package, and those that mention a name that such a file gives an ORM meaning.
- With them goes what they *need*: what they import, directly or not, and what implements the abstract classes in there. Values flow into
  it, and effects out of it; it is run where the active files lead to it, not for itself.
- When these have been analysed, functions have turned out to touch the ORM, or to give something that does, and classes and variables to
  hold it. Files that mention one of them are active, too, and the analysis is made again; until nothing is new.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Set
from itertools import islice
from typing import Final

import msgspec

from .config import Config
from .facts.records import Record
from .project import SourceFile
from .semantics.layers import layers_of
from .semantics.members import MOST_FOLLOWED
from .semantics.model import Model
from .semantics.symbols import ModuleScope
from .semantics.twins import ALIKE

ORM_PACKAGES: Final = (
    b"sqlalchemy", b"sqlmodel", b"alembic", b"geoalchemy2", b"advanced_alchemy",
)  # fmt: skip
"""Parts of the names of packages whose values are ORM values; `flask_sqlalchemy` and its like hold the first."""
ORM_SPELLINGS: Final = (*ORM_PACKAGES, b"SQLAlchemy", b"SQLModel")
IN_ALL_SPELLINGS: Final = (b"lchemy", b"sqlmodel", b"SQLModel", b"alembic")
"""Each spelling holds one of these few."""
ALWAYS: Final = re.compile(rb"ormlint\s*:|noqa\s*:?[^\n]*\bORM\d*|\breveal_orm\b", re.IGNORECASE)
"""What makes a file matter for itself: comments that may be reported as useless, and questions of suites."""
GAP: Final = rb"(?:[ \t\f]|\\\r?\n)"
FROM: Final = re.compile(
    rb"from" + GAP + rb"*(\.[.\s\\]*[\w.]*|(?<=[ \t\f\n])[\w.]+)" + GAP + rb"*\bimport\b" + GAP + rb"*"
    rb"(?:\(((?:[^)#]|#[^\n]*)*)\)|((?:[^;#\n\\]|\\\r?\n)*))",
    re.MULTILINE,
)
IMPORT: Final = re.compile(rb"import(?<![\w.] import)(?:[ \t\f]|\\\r?\n)+((?:[\w.,* \t\f]|\\\r?\n)+)", re.MULTILINE)
COMMENT: Final = re.compile(rb"#[^\n]*")
WORD: Final = re.compile(rb"\w+")
BLOCK: Final = re.compile(rb"^(?=[@\w*(\[])(?!(?:else|elif|except|finally|case)\b)", re.MULTILINE)
DEFINES: Final = re.compile(rb"(?:@[^\n]*\n(?:[ \t)][^\n]*\n|\n)*)*(?:async[ \t]+def|def|class|type)[ \t]+(\w+)")
BINDS: Final = re.compile(rb"^[ \t]*((?:\w+[ \t]*,[ \t]*)*\w+)[ \t]*(?::[^=\n]*)?=(?!=)|\b(?:def|class|as|for)[ \t]+(\w+)", re.MULTILINE)
INNER_DEFINITION: Final = re.compile(rb"^[ \t]+(?:async[ \t]+)?def[ \t]", re.MULTILINE)
CLASS: Final = re.compile(rb"^[ \t]*class[ \t]+(\w+)[ \t]*(?:\[[^\]]*\])?[ \t]*(?:\(([^()]*(?:\([^()]*\)[^()]*)*)\))?[ \t]*:", re.MULTILINE)
NAMED: Final = re.compile(rb"class (\w+)")
METHOD: Final = re.compile(rb"^[ \t]+(?:async[ \t]+)?def[ \t]+(\w+)", re.MULTILINE)
PORT: Final = re.compile(rb"\b(?:Protocol|abstractmethod|NotImplementedError)\b")
PORT_SPELLINGS: Final = (b"Protocol", b"abstractmethod", b"NotImplementedError")
DEFINED: Final = re.compile(rb"def (\w+)\(")
MOST_IMPLEMENTATIONS: Final = MOST_FOLLOWED
"""The analysis follows an abstract method to no more classes. Of a class with more implementing files than this, only..."""
ENOUGH_IMPLEMENTATIONS: Final = MOST_FOLLOWED + 4
"""...so many are parsed for each method, so that there are still more where some turn out to be abstract, or stand-ins for tests."""


WORTH_SCANNING: Final = 0.15
"""Where files that name the ORM are a larger part of the project, nearly all others matter, and the scan costs more than it saves."""


class Block(msgspec.Struct, frozen=True, gc=False):
    """A statement at the top of a module: the names that it binds and all words in it."""

    names: frozenset[bytes]
    words: tuple[bytes, ...]
    """Each once; a set of them would take four times the memory."""
    is_import: bool = False


class Imported(msgspec.Struct, frozen=True, gc=False):
    """One imported name: what a word of this file stands for."""

    word: bytes
    """The name as this file writes it; `*` for all names."""
    modules: tuple[str, ...]
    """The files of the module itself where the word stands for a module; of the packages that hold it, too."""
    owners: tuple[str, ...]
    """The files of the module that holds the name."""
    name: bytes
    """The name in that module."""


class Port(msgspec.Struct, frozen=True):
    """A class that leaves methods to others."""

    file: str
    name: bytes
    implementers: tuple[str, ...]
    """Files that hold a class that may implement it."""
    methods: frozenset[bytes] = frozenset()

    @property
    def is_crowded(self) -> bool:
        """Whether so many files implement it that the analysis follows none of them."""
        return len(self.implementers) > MOST_IMPLEMENTATIONS

    def is_met_in(self, files: Collection[str]) -> bool:
        """Whether one of some files may implement it, and few enough others do that the analysis looks for them."""
        return not self.is_crowded and any(rel in files for rel in self.implementers)


class Need:
    """What of one file is needed: the names that others want, and the statements that these lead to."""

    def __init__(self, blocks: Iterable[Block]) -> None:
        self._left = [block for block in blocks if not block.is_import]
        self.whole = False
        self.wanted: set[bytes] = set()
        self.words: set[bytes] = set()
        """All words of the statements that are reached."""
        self.visits = 0

    def visit(self, names: Collection[bytes]) -> set[bytes]:
        """Wants some more names; gives those that are wanted now and were not, the words of the statements that they lead to among them."""
        before = set(self.wanted)
        self.wanted.update(names)
        while True:
            left: list[Block] = []
            for block in self._left:
                if self.whole or not block.names or not self.wanted.isdisjoint(block.names):
                    self.words.update(block.words)
                    self.visits += 1
                else:
                    left.append(block)
            self.wanted |= self.words
            if len(left) == len(self._left):
                break
            self._left = left
        return self.wanted - before


class Relevance:
    """The choice of files for one run: `first`, then `further` for what the analysis of the chosen ones found."""

    def __init__(self, files: Iterable[SourceFile], config: Config) -> None:
        self._files = tuple(files)
        self._config = config
        self._scan: Scan | None = None
        self._active: set[str] = set()
        self._chosen: set[str] = set()

    @property
    def active(self) -> frozenset[str] | None:
        """The chosen files that can act on the ORM by themselves; the others only support them. None for all."""
        return None if self._scan is None else frozenset(self._active)

    def leaves_out(self, sources: Mapping[str, bytes]) -> bool:
        """Whether any file may be left out: else all are parsed."""
        seeds = sum(len(source) for source in sources.values() if is_seed(source))
        return seeds <= WORTH_SCANNING * sum(map(len, sources.values()))

    def first(self, sources: Mapping[str, bytes]) -> frozenset[str]:
        """The files to parse at first. `sources` and the result are by paths relative to the root."""
        if not self.leaves_out(sources):
            return frozenset(sources)
        self._scan = Scan([file for file in self._files if file.rel in sources], dict(sources))
        active = self._scan.active()
        active |= {rel for rel, source in sources.items() if speaks_to_us(source)}
        self._active = active | self._scan.chains(self._config, active)
        self._chosen = self._scan.supported(self._active)
        return frozenset(self._chosen)

    def further(self, model: Model) -> frozenset[str] | None:
        """The files to parse besides, now that the active ones have been analysed; None where all that acts was active."""
        if self._scan is None:
            return None
        self._scan.tell(telling(model))
        found = self._scan.mentioning(self._active)
        columns = {info.name: info.model.attributes for info in model.models() if info.model is not None}
        more = (self._scan.supported(found) | self._scan.twins(columns)) - self._chosen
        if not found and not more:
            return None
        self._active |= found
        self._chosen |= more
        return frozenset(more)


def telling(model: Model) -> dict[str, set[bytes]]:
    """By file, the names at the top of modules that touch the ORM, or give or hold something that does."""
    found: dict[str, set[bytes]] = defaultdict(set)
    for id in model.acting_names():
        module, _, inner = id.partition(":")
        if module in model.symbols.modules:
            found[model.symbols.modules[module].path].add(inner.partition(".")[0].partition("#")[0].encode())
    return found


class Scan:
    """The import graph of a project and what of it is known to matter."""

    def __init__(self, files: Collection[SourceFile], sources: Mapping[str, bytes]) -> None:
        self.files = {file.rel: file for file in files}
        self.sources = sources
        self.modules: dict[str, list[str]] = defaultdict(list)
        self.inside: dict[str, set[bytes]] = defaultdict(set)
        for file in files:
            for name in {file.module, file.rel.removesuffix(".py").replace("/", ".")}:
                self.modules[name].append(file.rel)
                package, _, last = name.rpartition(".")
                self.inside[package].add(last.encode())
        self._ways: dict[str, tuple[str, ...]] = {}
        self.imported = {rel: tuple(self._imported(file)) for rel, file in self.files.items()}
        self.imports: dict[str, frozenset[str]] = {}
        self.importers: dict[str, list[str]] = defaultdict(list)
        for rel, names in self.imported.items():
            around = {file for name in names for file in (*name.modules, *name.owners)} | set(self._on_the_way(self.files[rel].module))
            self.imports[rel] = frozenset(around - {rel})
            for other in self.imports[rel]:
                self.importers[other].append(rel)
        self.members: dict[str, dict[bytes, set[str]]] = defaultdict(lambda: defaultdict(set))
        for file in files:
            package, _, last = file.module.rpartition(".")
            for holder in self.modules.get(package, ()) if package else ():
                self.members[holder][last.encode()].add(file.rel)
        for rel, names in self.imported.items():
            for item in names:
                if item.modules:
                    self.members[rel][item.word].update(item.modules)
        for rel, names in self.imported.items():
            self.imported[rel] = tuple(self._through(item) for item in names)
        self.seeds = sorted(rel for rel in self.files if is_seed(sources[rel]))
        self.tainted: dict[str, set[bytes]] = defaultdict(set)
        self._words: dict[bytes, bytes] = {}
        self._blocks: dict[str, tuple[Block, ...]] = {}
        self._ports: dict[str, tuple[Port, ...]] = {}
        self._needed: dict[str, Need] = {}
        self._crowded: dict[Port, None] = {}
        """Those that are met and whose implementers are not: none of them is needed so far."""
        self._definers: dict[bytes, list[str]] | None = None
        self._classes: dict[str, tuple[tuple[bytes, frozenset[bytes]], ...]] = {}

    # The graph

    def _imported(self, file: SourceFile) -> Iterator[Imported]:
        """The names of modules of the project that a file imports."""
        source = self.sources[file.rel]
        for plain in set(IMPORT.findall(source)):
            for part in plain.replace(b"\\", b" ").split(b","):
                words = part.split()
                if not words:
                    continue
                files = self._on_the_way(words[0].decode("utf-8", "replace"))
                if files:
                    yield Imported(words[2] if len(words) == 3 else words[0].partition(b".")[0], files, (), b"")
        for origin, inner, line in set(FROM.findall(source)):
            module = self._absolute(file, b"".join(origin.replace(b"\\", b" ").split()).decode("utf-8", "replace"))
            if module is None or (module not in self.modules and module not in self.inside):
                continue
            owners = self._on_the_way(module)
            names = inner or line
            for part in (COMMENT.sub(b"", names) if b"#" in names else names).replace(b"\\", b" ").split(b","):
                words = part.split()
                if words:
                    full = f"{module}.{words[0].decode('utf-8', 'replace')}" if module else words[0].decode("utf-8", "replace")
                    yield Imported(words[-1], tuple(self.modules.get(full, ())), owners, words[0])

    def _through(self, item: Imported) -> Imported:
        """The import of a name that is a module where it is imported from."""
        further: set[str] = set()
        for owner in item.owners:
            known = self.members.get(owner)
            if known is not None and item.name in known:
                further |= known[item.name]
        return msgspec.structs.replace(item, modules=tuple({*item.modules, *further})) if further else item

    @staticmethod
    def _absolute(file: SourceFile, written: str) -> str | None:
        name = written.lstrip(".")
        level = len(written) - len(name)
        if not level:
            return name
        parts = file.module.split(".")
        drop = level - (1 if file.is_package else 0)
        if drop > len(parts):
            return None
        return ".".join([*parts[: len(parts) - drop], *([name] if name else [])])

    def _on_the_way(self, module: str) -> tuple[str, ...]:
        """The files of a module and of the packages that hold it."""
        found = self._ways.get(module)
        if found is None:
            package = module.rpartition(".")[0]
            found = (*self.modules.get(module, ()), *(self._on_the_way(package) if package else ()))
            self._ways[module] = found
        return found

    # What can act

    def active(self) -> set[str]:
        """Files that name the ORM, and those that mention a name to which these give an ORM meaning."""
        known = -1
        while known < (now := sum(map(len, self.tainted.values()))):
            known = now
            for rel in self.seeds:  # one may use another's names
                self._spread(rel)
        return {*self.seeds, *self.mentioning(frozenset(self.seeds))}

    def tell(self, found: Mapping[str, set[bytes]]) -> None:
        """Take over what the analysis found out about names."""
        for rel, names in found.items():
            self.tainted[rel] |= names

    def mentioning(self, known: Collection[str]) -> set[str]:
        """Files besides the known ones that mention a tainted name of what they import, or call one through an abstract class."""
        found: set[str] = set()
        waiting = {other for rel, names in list(self.tainted.items()) if names for other in self.importers.get(rel, ())} - set(known)
        # A module that only hands a tainted name on is no end of the way.
        while waiting:
            rel = waiting.pop()
            if rel in found or rel in known:
                continue
            mentions, handed = self._mentions(rel)
            if mentions:
                found.add(rel)
            if handed - self.tainted[rel]:
                self.tainted[rel] |= handed
                waiting.update(self.importers.get(rel, ()))
        telling = {rel for rel, names in self.tainted.items() if names}
        return found | {rel for rel in self.files if rel not in known and any(port.is_met_in(telling) for port in self.ports(rel))}

    def _mentions(self, rel: str) -> tuple[bool, set[bytes]]:
        """Whether code of a file mentions a tainted name that it imports; and the tainted names that can be imported from it again."""
        bad, handed, modules = self._tainted_imports(rel)
        handed |= bad
        code = (block for block in self.blocks(rel) if not block.is_import)
        return any(self._hits(block, handed, modules) for block in code), handed

    def _tainted_imports(self, rel: str) -> tuple[set[bytes], set[bytes], list[Imported]]:
        """Of what a file imports: the words that stand for tainted names, the tainted names that a `*` brings, and the modules."""
        words: set[bytes] = set()
        all_names: set[bytes] = set()
        modules: list[Imported] = []
        for item in self.imported[rel]:
            for owner in item.owners:
                names = self.tainted.get(owner)
                if names and item.word == b"*":
                    all_names |= names
                elif names and item.name in names:
                    words.add(item.word)
            if item.modules:
                modules.append(item)
        return words, all_names, modules

    def _hits(self, block: Block, bad: Set[bytes], modules: Sequence[Imported]) -> bool:
        """Whether a block mentions a bad word, or a tainted name by way of a module."""
        if not bad.isdisjoint(block.words):
            return True
        words = frozenset(block.words) if modules else frozenset[bytes]()
        return any(item.word in words and self._reached(item.modules, words) for item in modules)

    def _spread(self, rel: str) -> None:
        """Taint what mentions tainted names in a file."""
        known = self.tainted[rel]
        names_orm = is_seed(self.sources[rel])
        bad, all_names, modules = self._tainted_imports(rel)
        known |= all_names
        pending = [block for block in self.blocks(rel) if not block.is_import]
        if names_orm:
            bad |= self._orm_words(rel)
            for block in self.blocks(rel):
                if block.is_import and not bad.isdisjoint(block.words):
                    bad |= block.names
        # An imported name can be imported from here again.
        known |= bad
        bad |= known
        while True:
            hit = [block for block in pending if self._hits(block, bad, modules)]
            if not hit:
                break
            for block in hit:
                pending.remove(block)
                known |= block.names
                bad |= block.names

    def _orm_words(self, rel: str) -> frozenset[bytes]:
        """The words of a file that name an ORM package."""
        words = frozenset(WORD.findall(self.sources[rel]))
        return frozenset(word for word in words if any(name in word.lower() for name in ORM_PACKAGES))

    def _reached(self, modules: Iterable[str], words: frozenset[bytes]) -> bool:
        """Whether words lead from modules, through modules that are their attributes, to a tainted name."""
        seen = set(modules)
        waiting = list(seen)
        while waiting:
            file = waiting.pop()
            if not words.isdisjoint(self.tainted.get(file, ())):
                return True
            for word, further in self.members[file].items():
                if word in words:
                    waiting += further - seen
                    seen |= further
        return False

    def blocks(self, rel: str) -> tuple[Block, ...]:
        """The statements at the top of a file."""
        found = self._blocks.get(rel)
        if found is None:
            found = self._blocks[rel] = tuple(split(self.sources[rel], self._words))
        return found

    # Ports

    def ports(self, rel: str) -> tuple[Port, ...]:
        """The abstract classes of a file, with the files that may implement them."""
        found = self._ports.get(rel)
        if found is None:
            source = self.sources[rel]
            is_one = any(word in source for word in PORT_SPELLINGS) and PORT.search(source)
            found = self._ports[rel] = tuple(self._find_ports(rel, source)) if is_one else ()
        return found

    def _find_ports(self, rel: str, source: bytes) -> Iterator[Port]:
        starts = list(CLASS.finditer(source))
        for at, match in enumerate(starts):
            body = source[match.start() : starts[at + 1].start() if at + 1 < len(starts) else len(source)]
            if not PORT.search(body):
                continue
            name = match[1]
            implementers = set(self._subclassing(rel, name))
            methods = {method for method in METHOD.findall(body) if not method.startswith(b"__")} or set(METHOD.findall(body))
            if b"Protocol" in (match[2] or b"") and methods:
                implementers |= self._defining(frozenset(methods))
            implementers.discard(rel)
            yield Port(rel, name, tuple(sorted(implementers)), frozenset(METHOD.findall(body)))

    def _subclassing(self, rel: str, name: bytes) -> Iterator[str]:
        """Files with a class below a class, as far as text tells, through classes between them."""
        waiting = [(rel, name)]
        seen = {(rel, name)}
        while waiting:
            file, base = waiting.pop()
            for other in (file, *self.importers.get(file, ())):
                if base not in self.sources[other]:
                    continue
                for inner, bases in self._classes_in(other):
                    if base in bases and (other, inner) not in seen:
                        seen.add((other, inner))
                        waiting.append((other, inner))
                        yield other
                if len(seen) > 4 * MOST_IMPLEMENTATIONS:
                    return

    def _defining(self, methods: frozenset[bytes]) -> frozenset[str]:
        """Files that define one of some methods, the one with the longest name, and mention the others."""
        if self._definers is None:
            self._definers = defaultdict(list)
            for rel, source in self.sources.items():
                for name in set(DEFINED.findall(source)):
                    self._definers[name].append(rel)
        first, *others = sorted(methods, key=lambda name: (-len(name), name))
        return frozenset(rel for rel in self._definers.get(first, ()) if all(name in self.sources[rel] for name in others))

    def _classes_in(self, rel: str) -> tuple[tuple[bytes, frozenset[bytes]], ...]:
        """The classes of a file, each with the words that say what it is made of."""
        found = self._classes.get(rel)
        if found is None:
            found = tuple((match[1], frozenset(WORD.findall(match[2] or b""))) for match in CLASS.finditer(self.sources[rel]))
            self._classes[rel] = found
        return found

    # What they need

    def supported(self, start: Collection[str]) -> set[str]:
        """The files, what their code needs of other files, directly or not, and what implements the ports among that.

        Adds to what was needed before.
        """
        waiting = {rel: set[bytes]() for rel in start if rel in self.files}
        for rel in waiting:
            self._needed.setdefault(rel, Need(self.blocks(rel))).whole = True
        while waiting:
            while waiting:
                rel, names = waiting.popitem()
                need = self._needed.get(rel)
                if need is None:
                    need = self._needed[rel] = Need(self.blocks(rel))
                for other, further in self._needs(rel, need, names).items():
                    known = self._needed.get(other)
                    if known is None or not (known.whole or further <= known.wanted):
                        waiting.setdefault(other, set()).update(further)
            for port in [port for port in self._crowded if any(other in self._needed for other in port.implementers)]:
                del self._crowded[port]
                for other in self._crowd(port):
                    waiting.setdefault(other, set()).update(name for name, _ in self._classes_in(other))
        return set(self._needed)

    def _needs(self, rel: str, need: Need, names: Collection[bytes]) -> dict[str, set[bytes]]:
        """What the code that some more names of a file lead to needs of other files, by file."""
        found: dict[str, set[bytes]] = defaultdict(set)
        before = need.visits
        fresh = need.visit(names)
        if not fresh and before:
            return found
        for owner in self._on_the_way(self.files[rel].module):
            found[owner]
        grew = need.visits > before
        for item in self.imported[rel]:
            if item.word == b"*":
                for owner in item.owners:
                    found[owner] |= fresh
            elif item.word in need.wanted:
                if item.word in fresh:
                    for owner in item.owners:
                        found[owner].add(item.name)
                if grew or item.word in fresh:
                    for module in item.modules:
                        found[module] |= need.words
        for port in self.ports(rel):
            if port.name in fresh:
                if port.is_crowded:
                    self._crowded[port] = None
                else:
                    for other in port.implementers:
                        found[other].update(name for name, _ in self._classes_in(other))
        return found

    def _crowd(self, port: Port) -> Iterator[str]:
        """So many implementers of each method that the analysis sees that they are too many."""
        for method in port.methods:
            defining = (rel for rel in port.implementers if b"def " + method + b"(" in self.sources[rel])
            yield from islice(defining, ENOUGH_IMPLEMENTATIONS)

    def twins(self, columns: Mapping[str, Iterable[str]]) -> set[str]:
        """The files with a class that is called like a mapped one and may have fields of its columns: an annotation may mean either."""
        names = {name.encode(): {column.encode() for column in of} for name, of in columns.items()}
        found: set[str] = set()
        for rel, source in self.sources.items():
            for name in names.keys() & set(NAMED.findall(source)):
                if sum(column in source for column in names[name]) >= ALIKE:
                    found.add(rel)
        return found

    def chains(self, config: Config, active: Collection[str]) -> set[str]:
        """The files on the ways by which a domain module imports the ORM."""
        empty = Record("", (0,))
        scopes = [ModuleScope(file.module, file.rel, file.is_package, file.role, empty) for file in self.files.values()]
        layers = layers_of(scopes, config.layers)
        domain = {file.rel for file in self.files.values() if file.module in layers and layers[file.module].layer == "domain"}
        if not domain:
            return set()
        forward = closed(domain, self.imports)
        above = {rel: [up for up in self.importers.get(rel, ()) if up in forward] for rel in forward}
        backward = closed([rel for rel in active if rel in forward], above)
        return domain | (forward & backward)


def speaks_to_us(source: bytes) -> bool:
    """Whether a source holds comments or calls that are for this program."""
    lowered = source.lower()
    return any(word in lowered for word in (b"noqa", b"ormlint", b"reveal_orm")) and ALWAYS.search(source) is not None


def is_seed(source: bytes) -> bool:
    """Whether a source names an ORM package."""
    return any(name in source for name in IN_ALL_SPELLINGS) and any(name in source for name in ORM_SPELLINGS)


def closed(start: Iterable[str], edges: Mapping[str, Iterable[str]]) -> set[str]:
    seen = set(start)
    waiting = list(seen)
    while waiting:
        for other in edges.get(waiting.pop(), ()):
            if other not in seen:
                seen.add(other)
                waiting.append(other)
    return seen


def split(source: bytes, known: dict[bytes, bytes]) -> Iterator[Block]:
    """The statements at the top of a module. Text in column 0 of a long string may cut one in two; then the whole is one block.

    `known` has all words so far: each is kept once.
    """
    cuts = [match.start() for match in BLOCK.finditer(source)]
    parts = [source[start:end] for start, end in zip(cuts, [*cuts[1:], len(source)], strict=False)]
    decorators = b""
    for part in parts:
        if part.startswith(b"@"):
            decorators += part
            continue
        text = decorators + part
        decorators = b""
        defined = DEFINES.match(text)
        if defined is not None:
            names = frozenset((defined[1],))
        elif INNER_DEFINITION.search(part) and not re.match(rb"(?:if|try|with|for|while|match)\b", part):
            everything = words_of(source, known)
            yield Block(frozenset(everything), everything)
            return
        else:
            if re.match(rb"(?:from|import)\b", part):
                words = words_of(COMMENT.sub(b"", part), known)
                yield Block(frozenset(words), words, True)
                continue
            names = frozenset(words_of(b" ".join([b" ".join(found) for found in BINDS.findall(part)]), known))
        yield Block(names, words_of(text, known))


def words_of(text: bytes, known: dict[bytes, bytes]) -> tuple[bytes, ...]:
    """The words in a text, each once."""
    words = set(WORD.findall(text))
    return tuple(map(known.setdefault, words, words))
