"""The five steps of a run, in order: discover, read, understand, judge, silence. Read this first.

Takes a folder and a configuration, gives a `Report`; showing it is the reports' work. The steps that need the analysis are imported
where they run, so that `ormlint --version` answers at once.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import msgspec

from . import baseline
from .config import CACHE_FOLDER, Config, processors
from .findings import Confidence, Finding, Location, Report, Summary
from .fingerprints import Source, fingerprinted
from .project import Project, SourceFile, discover, named_files
from .revisions import changed_lines, takes_part
from .selection import UNREADABLE_FILE, select
from .sources import read_lines

if TYPE_CHECKING:
    from .facts.records import Record
    from .semantics.keeping import Memory
    from .semantics.model import Model


class Notify(Protocol):
    """Is told, in a few words, what a run does next; and again, with the share that is done, where that is known."""

    def __call__(self, text: str, share: float | None = None, /) -> None: ...


def silent(_: str, share: float | None = None, /) -> None:
    """Tells nobody."""


class Request(msgspec.Struct, frozen=True):
    """What a caller asks besides the configuration."""

    paths: tuple[Path, ...] = ()
    """Only findings in these files and folders are returned; the whole project is read all the same."""
    noqa: bool = True
    """Whether `# noqa` comments count."""
    contents: dict[str, Path] = {}
    """For a path relative to the root, another file to read in its place."""
    diff_base: str | None = None
    """Only findings that lines changed since this git revision take part in are returned."""
    baseline: bool = True
    """Whether findings that the project's baseline accepts are left out."""
    notify: Notify = silent
    """Is told what the run does next, and how much of it is done."""


def check(root: Path, config: Config, paths: Sequence[Path] = (), request: Request | None = None) -> Report:
    """Analyse the project at `root` and return what was found, sorted by path, line, column and code.

    With `paths`, the whole project is read and only findings in those files and folders are returned.
    Raises `ConfigError` on a bad option, a missing path or a folder without Python.
    """
    started = time.perf_counter()
    asked = request or Request(paths=tuple(paths))
    project = overlaid(discover(root, config), asked.contents)
    named = named_files(project, asked.paths)
    sources = {file.rel: Path(file.path) for file in project.files}
    report = kept_or_made(project, config, asked)
    source = cache(lambda rel: read_lines(sources[rel]) if rel in sources else ())
    new = [finding for finding in unaccepted(report.findings, project.root, config, asked, source) if finding.at.path in named]
    accepted = sum(finding.at.path in named for finding in report.findings) - len(new)
    if asked.diff_base is not None:
        changed = changed_lines(project.root, asked.diff_base)
        new = [finding for finding in new if takes_part(finding, changed)]
    return msgspec.structs.replace(
        report,
        findings=tuple(new),
        silences=tuple(silence for silence in report.silences if silence.at.path in named),
        summary=msgspec.structs.replace(report.summary, duration_s=round(time.perf_counter() - started, 3), accepted=accepted),
        warnings=(*report.warnings, *left_out(named, sources)),
        unshown=(*report.unshown, *without(report.findings, new)),
    )


def kept_or_made(project: Project, config: Config, asked: Request) -> Report:
    """The report on the whole project: what an earlier run found where nothing has changed, else made now."""
    folder = cache_folder(project.root, config)
    if folder is None or asked.contents:
        return judged(project, config, asked)[0]
    from . import kept_analyses, results

    question = results.question(folder, project, config, asked.noqa)
    answer = results.answer(question)
    if answer.report is not None:
        return answer.report
    memory, said = kept_analyses.recalled(question, project, answer.unchanged)
    warnings = (*answer.warnings, *said)
    report, digests, passing = judged(project, config, asked, memory)
    if memory.damaged:
        warnings += kept_analyses.discarded(question)
    if digests is not None:
        results.keep(question, report, digests)
    if memory.made is not None:
        kept_analyses.keep(question, memory.made)
    return msgspec.structs.replace(report, warnings=(*report.warnings, *passing, *warnings))


def judged(
    project: Project, config: Config, asked: Request, memory: Memory | None = None
) -> tuple[Report, Mapping[str, str] | None, tuple[str, ...]]:
    """The report on the whole project; the hashes of what was read by path, None where the report holds for this run only; and
    warnings about this run only."""
    from .extensions import existing_rules, judge
    from .layer_patterns import layer_warnings
    from .rules import ALL_RULES
    from .suppress import suppress

    rules = existing_rules()
    selection = select(config, rules.all)
    # A foreign rule may ask for anything in any file.
    whole = not config.relevance or any(rule not in ALL_RULES for rule in selection.rules)
    sources = {file.rel: Path(file.path) for file in project.files}
    misplaced = layer_warnings(config.layers, project.files)
    model, records, unread = understand(project, config, asked.notify, whole, memory)
    warnings = [*rules.warnings, *misplaced, *model.warnings]
    asked.notify("applying the rules")
    found = [*unreadable(records), *judge(selection.rules, model, warnings)]
    chosen = [finding for finding in found if finding.code in selection.codes]
    kept, silences = suppress(chosen, records, config, selection, noqa=asked.noqa)
    certain = [finding for finding in kept if finding.confidence >= config.min_confidence]
    report = Report(
        root=str(project.root),
        findings=tuple(fingerprinted(sorted(certain, key=order), cache(lambda rel: read_lines(sources[rel]) if rel in sources else ()))),
        summary=Summary(
            files=len(project.files),
            parsed=sum(record.error is None and bool(record.lines) for record in records.values()),
            models=len(model.mapped_models),
            resolved_calls=model.resolved_calls,
            unresolved_calls=model.unresolved_calls,
            unreadable=tuple(sorted(rel for rel, record in records.items() if record.error is not None)),
        ),
        models=tuple(model.mapped_models),
        reveals=tuple(model.reveals),
        warnings=tuple(warnings),
        silences=silences,
        unshown=without(chosen, kept),
    )
    lasting = len(rules.all) == len(ALL_RULES) and not rules.warnings
    return report, {str(sources[rel]): record.digest for rel, record in records.items()} if lasting else None, tuple(unread)


def understand(
    project: Project, config: Config, notify: Notify = silent, whole: bool = True, memory: Memory | None = None
) -> tuple[Model, Mapping[str, Record], tuple[str, ...]]:
    """Steps 2 and 3: what the project means, the records that this rests on, and warnings about reading, one line each.

    Where not `whole`, files that cannot matter are not parsed: their records are empty and have no lines. `memory` is what is known of an
    earlier run.
    """
    from .facts.reading import read_records
    from .relevance import Relevance
    from .semantics.understanding import analyse, extended

    def step(text: str) -> Callable[[float], None]:
        notify(text)
        return partial(notify, text)

    sources = tuple((file.rel, Path(file.path)) for file in project.files)
    # An analysis is kept only of a project of which all files matter.
    whole = whole or (memory is not None and memory.known is not None)
    relevance = None if whole else Relevance(project.files, config)
    unchanged = {} if memory is None else memory.unchanged
    read = partial(read_records, cache_dir=cache_folder(project.root, config), jobs=processors(config.jobs), unchanged=unchanged)
    tell = step(f"reading {len(project.files)} files")
    records, unread = read(sources, choose=relevance, tell=tell)
    active = None if relevance is None else relevance.active
    model = analyse(project, records, config, step("following values and calls"), active, memory)
    while relevance is not None and (more := relevance.further(model)) is not None:
        if more:
            tell = step(f"reading {len(more)} files more, which use what was found")
            further, said = read(tuple((rel, path) for rel, path in sources if rel in more), tell=tell)
            records, unread = {**records, **further}, (*unread, *said)
        tell = step("following values and calls once more")
        with_more = extended(model, project, records, tell, relevance.active or ())
        if with_more is None:
            del model
            gc.collect()  # two models at once would take twice the memory
            with_more = analyse(project, records, config, tell, relevance.active)
        model = with_more
    return model, records, unread


def order(finding: Finding) -> tuple[str, int, int, str, str]:
    return finding.at.path, finding.at.line, finding.at.column, finding.code, finding.message


def without(findings: Sequence[Finding], others: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings that are not themselves among the others."""
    known = {id(finding) for finding in others}
    return tuple(finding for finding in findings if id(finding) not in known)


def unaccepted(findings: Sequence[Finding], root: Path, config: Config, asked: Request, source: Source) -> Sequence[Finding]:
    """The findings that the baseline does not accept."""
    file = baseline.location(root, config)
    if asked.baseline and (config.baseline or file.is_file()):
        return baseline.match(findings, baseline.load(file), source).new
    return findings


def left_out(named: Iterable[str], sources: Mapping[str, Path]) -> Iterator[str]:
    """A warning for each file that was named but is excluded from the project."""
    for rel in sorted(named):
        if rel not in sources:
            yield f"{rel} is not checked: git ignores it or the configuration excludes it"


def unreadable(records: Mapping[str, Record]) -> Iterator[Finding]:
    """ORM901 for each file that could not be read or parsed."""
    for rel, record in records.items():
        if record.error is not None:
            at = Location(rel, record.error_line, 1, record.error_line, 1)
            yield Finding(UNREADABLE_FILE.code, UNREADABLE_FILE.name, at, record.error, Confidence.certain)


def cache_folder(root: Path, config: Config) -> Path | None:
    """Where records are cached; None where they are not."""
    return None if config.cache_dir is None else root / (config.cache_dir or CACHE_FOLDER)


def overlaid(project: Project, contents: Mapping[str, Path]) -> Project:
    """The project with other files read in place of some, or besides them."""
    if not contents:
        return project
    files = {file.rel: file for file in project.files}
    for rel, path in contents.items():
        if rel in files:
            files[rel] = msgspec.structs.replace(files[rel], path=str(path))
        else:
            module = rel.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
            files[rel] = SourceFile(rel, str(path), module, rel.endswith("__init__.py"), "code")
    return msgspec.structs.replace(project, files=tuple(files[rel] for rel in sorted(files)))
