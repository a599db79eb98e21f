"""Holds rows of the vocabulary against what a library really has: pure functions over facts, each lie one line of text."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ormlint.orms.vocabulary import ClassRow, FunctionRow, MethodRow

Facts = Mapping[str, Any]
"""What `library_facts.py` prints."""

WITHOUT_CLASS: dict[str, str] = {
    "begun_session": "what `sessionmaker.begin()` gives is a generator's context manager; measured in test_effects_hold",
    "begun_async_session": "as begun_session",
    "begun_connection": "what `Engine.begin()` gives, as begun_session",
    "begun_async_connection": "as begun_session",
    "autoflush_block": "what `Session.no_autoflush` gives, as begun_session",
    "query_property": "an object of a local class",
}
"""Kinds that no public class stands for, and where they are held instead."""


def version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".") if part.isdigit())


def applies(since: str, until: str | None, current: str) -> bool:
    """Whether a row speaks about a version; `until` is inclusive and may name a whole series."""
    now = version(current)
    return version(since) <= now and (until is None or now[: len(version(until))] <= version(until))


def ask(
    environment: Path | None,
    names: Iterable[str],
    members: Mapping[str, Iterable[str]],
    libraries: Iterable[str] = (),
    signatures: Iterable[str] = (),
) -> Facts:
    """Introspects the libraries in a process of its own; `environment` goes to PYTHONPATH, None takes the tests' own packages."""
    question = json.dumps(
        {
            "names": list(names),
            "members": {owner: list(found) for owner, found in members.items()},
            "libraries": list(libraries),
            "signatures": list(signatures),
        }
    )
    paths = {"PYTHONPATH": str(environment)} if environment else {}
    script = Path(__file__).with_name("library_facts.py")
    done = subprocess.run([sys.executable, str(script)], input=question, capture_output=True, text=True, env={**os.environ, **paths})
    assert done.returncode == 0, done.stderr[-2000:]
    facts: Facts = json.loads(done.stdout)
    return facts


def name_lies(rows: Iterable[ClassRow | FunctionRow], facts: Facts, current: str) -> Iterator[str]:
    """Names that a row claims and no importable path has, in the version it speaks about."""
    for row in rows:
        if not applies(row.since, row.until, current):
            continue
        kinds = [facts["names"][name] for name in row.qualnames if facts["names"][name] != "absent"]
        if not kinds:
            if row.library == "sqlalchemy":
                yield f"{row.qualnames}: no such module in {current}"
            continue
        there = [kind for kind in kinds if kind is not None]
        if not there:
            yield f"{row.qualnames}: not in {current}"
        elif isinstance(row, ClassRow) and row.form == "class" and "class" not in there:
            yield f"{row.qualnames}: not a class in {current}"
        elif row.form in ("function", "decorator") and not {"callable", "class"} & set(there):
            yield f"{row.qualnames}: cannot be called in {current}"


def member_lies(
    rows: Iterable[MethodRow], owners: Mapping[str, list[str]], facts: Facts, current: str, class_names: Mapping[str, set[str]]
) -> Iterator[str]:
    """Methods that no class of the kind has, and return kinds or awaits that the library's own annotations contradict."""
    for row in rows:
        if not applies(row.since, row.until, current) or row.owner in WITHOUT_CLASS:
            continue
        known = [facts["members"][owner].get(row.name) for owner in owners.get(row.owner, ()) if owner in facts["members"]]
        there = [found for found in known if found is not None]
        if not there:
            yield f"{row.owner}.{row.name}: not in {current}"
            continue
        yield from (f"{row.owner}.{row.name} in {current}: {lie}" for lie in _shape_lies(row, there, class_names))


def _shape_lies(row: MethodRow, there: list[dict[str, Any]], class_names: Mapping[str, set[str]]) -> Iterator[str]:
    if row.name.startswith("__"):
        return
    if row.is_property and all(found["property"] is False for found in there):
        yield "is a method, the row says property"
    if not row.is_property and all(found["property"] for found in there):
        yield "is a property, the row says method"
    coroutine = any(found["coroutine"] for found in there)
    startable = any(found["startable"] for found in there)
    annotations = [found["annotation"] for found in there if found["annotation"] is not None]
    if coroutine and not row.awaitable:
        yield "is a coroutine function, the row says that nothing is awaited"
    if row.startable and annotations and not startable and not any(text.startswith("AsyncIterator") for text in annotations):
        yield f"cannot be both awaited and entered: {annotations}"
    if row.awaitable and not coroutine and not row.startable and annotations and not startable:
        yield f"gives no awaitable: {annotations}"
    if annotations and not any(agrees(row.returns, text, row.owner, class_names) for text in annotations):
        yield f"returns {annotations}, the row says {row.returns}"


_KINDS_BY_ANNOTATION: dict[str, set[str]] = {
    "begun_session": {"AbstractContextManager", "_GeneratorContextManager"},
    "begun_async_session": {"_AsyncSessionContextManager"},
    "begun_connection": {"Iterator"},
    "begun_async_connection": {"AsyncConnection"},
    "autoflush_block": {"Iterator"},
    "plain_context": {"AppContext", "RequestContext"},
    "dynamic_relationship": {"RelationshipProperty"},
    "table": {"Table", "FromClause"},
    "raw_connection": {"PoolProxiedConnection", "Any"},
    "query_property": {"QueryPropertyDescriptor"},
    "select": {"Select", "Executable", "GenerativeSelect", "SelectBase", "Union"},
    "subquery": {"Subquery", "FromClause", "Lateral", "LateralFromClause", "NamedFromClause", "Alias"},
    "engine": {"Engine", "Union", "Connectable"},
    "async_engine": {"_AsyncSessionBind"},
    "from_statement": {"ExecutableReturnsRows"},
    "mapped_dataclass_decorator": {"Union"},
    "declarative_base_decorator": {"Callable"},
    "mapper": {"Mapper"},
    "scalar_select": {"ScalarSelect", "Label"},
}
_OPEN = frozenset(
    {
        "value",
        "relationships_of_class",
        "columns_of_class",
        "attributes_of_class",
        "attributes_of_object",
        "names",
        "mapped_class",
        "object",
        "unknown",
        "expression",
        "entities",
        "item",
        "pairs",
        "argument",
        "class_of_argument",
        "awaitable_attributes",
        "decorator",
        "callable",
        "numbers",
        "entered_argument",
        "entered_content",
        "instance_of_class",
        "instance_of_type",
        "element_of_statement",
        "query_of_class",
        "class_of_query",
        "response",
        "keys",
        "pair",
        "elements_of_statement",
        "entity_of_schema",
    }
)
"""Words that say little: only None contradicts them."""


def agrees(returns: str, annotation: str, owner: str, class_names: Mapping[str, set[str]]) -> bool:
    """Whether a word of `RETURNS`, or a kind, can be the type that an annotation names."""
    text = annotation.strip("'\" ")
    if text.startswith("AsyncIterator[Async"):
        text = text.removeprefix("AsyncIterator[").removesuffix("]")
    if text.startswith("Union[") and text.endswith(", None]"):
        text = f"Optional[{text.removeprefix('Union[').removesuffix(', None]')}]"
    optional = text.startswith("Optional[") or text.endswith("| None")
    inner = text.removeprefix("Optional[").removesuffix("]").removesuffix("| None").strip() if optional else text
    head = inner.partition("[")[0].rpartition(".")[2].strip()
    variable = head.startswith("_") or head in ("Row", "RowMapping", "RowProxy", "T", "Any", "Model")
    if returns == "none":
        return head in ("None", "NoReturn")
    if head == "None":
        return False
    if head == "Any" or returns in _OPEN:
        return True
    if returns == "same":
        return head in {"Self", "TupleResult", "AsyncTupleResult", "Tuple", "OptionEngine", "UpdateBase"} | class_names[
            owner
        ] or head.startswith("_")
    if returns in ("element", "entity", "scalar", "merged"):
        return variable and not optional
    if returns in ("element_or_none", "entity_or_none", "scalar_or_none"):
        return variable and optional
    if returns in ("list", "merged_list"):
        return head in ("Sequence", "List", "list")
    if returns == "iterator":
        return head in ("Iterator", "AsyncIterator", "Iterable", "ValuesView", "ROMappingKeysValuesView")
    if returns == "chunks":
        return head == "Iterator" and "[Sequence[" in inner
    if returns == "async_chunks":
        return head == "AsyncIterator" and "[Sequence[" in inner
    if returns == "count":
        return head == "int"
    if returns == "bool":
        return head == "bool"
    if returns in ("session_or_none", "async_session_or_none"):
        return optional and head in class_names[returns.removesuffix("_or_none")]
    if returns in ("query", "query_of_arguments", "query_and_arguments"):
        return head in class_names["query"] or head in ("Self", "_Q")
    if returns in ("select_of_arguments", "select_and_arguments"):
        return head in class_names["select"] or head in ("Self", "_SE")
    if returns == "page_of_statement":
        return head in class_names["pagination"]
    return head in _KINDS_BY_ANNOTATION.get(returns, set()) | class_names.get(returns, set()) or (head == "Self" and returns == owner)


def names_of_kinds(rows: Iterable[ClassRow]) -> dict[str, set[str]]:
    """The simple class names of each kind."""
    found: dict[str, set[str]] = {}
    for row in rows:
        found.setdefault(row.kind, set()).add(row.qualnames[0].rpartition(".")[2])
    return found


def owners_of_kinds(rows: Iterable[ClassRow], facts_names: Mapping[str, Any] | None, current: str) -> dict[str, list[str]]:
    """For each kind the importable classes of it in a version."""
    found: dict[str, list[str]] = {}
    for row in rows:
        if row.form == "function" or not applies(row.since, row.until, current):
            continue
        there = [name for name in row.qualnames if facts_names is None or facts_names[name] in ("class", "callable")]
        if there:
            found.setdefault(row.kind, []).append(there[0])
    return found
