"""Compares the spans that the extractor gives with those of LibCST's own position provider."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import libcst as cst
from libcst.metadata import MetadataWrapper, PositionProvider

from ormlint.facts import expressions, statements
from ormlint.facts.cursor import Cursor
from ormlint.facts.decoding import decode, line_starts


def differences(source: bytes) -> Iterator[str]:
    """One line for each expression and statement whose span differs from LibCST's, in the order of the walk."""
    text = decode(source)
    wrapper = MetadataWrapper(cst.parse_module(text), unsafe_skip_copy=True)
    expected = wrapper.resolve(PositionProvider)
    lines = line_starts(text)
    for node, start, end in _walked(wrapper.module, text):
        span = expected[node]
        first = lines[span.start.line - 1] + span.start.column
        last = lines[span.end.line - 1] + span.end.column
        if (start, end) != (first, last):
            kind = type(node).__name__
            yield f"{span.start.line}: {kind} {text[first:last]!r} is {first}..{last}, not {start}..{end} {text[start:end]!r}"


def walked(source: bytes) -> int:
    """How many expressions and statements the walk meets."""
    text = decode(source)
    return len(_walked(cst.parse_module(text), text))


def _walked(module: cst.Module, text: str) -> list[tuple[cst.CSTNode, int, int]]:
    seen: list[tuple[cst.CSTNode, int, int]] = []

    def watch(table: dict[type, Any]) -> dict[type, Any]:
        before = dict(table)
        for kind, walk in before.items():

            def watched(at: Cursor, node: Any, depth: int, *rest: Any, walk: Any = walk) -> Any:
                found = walk(at, node, depth, *rest)
                if found is not None:
                    seen.append((node, found.start, found.end))
                return found

            table[kind] = watched
        return before

    tables: tuple[dict[type, Any], ...] = (expressions.EXPRESSIONS, statements.STATEMENTS)
    before = [watch(table) for table in tables]
    try:
        statements.block(Cursor(text, True), module.body, 1)
    finally:
        for table, kept in zip(tables, before, strict=True):
            table.update(kept)
    return seen
