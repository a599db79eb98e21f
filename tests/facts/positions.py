"""Compares the spans that the extractor gives with those of LibCST's own position provider."""

from __future__ import annotations

import re
from collections.abc import Iterator

import libcst as cst
from libcst.metadata import MetadataWrapper, PositionProvider

from ormlint.facts import expressions, patterns, statements
from ormlint.facts.cursor import Cursor
from ormlint.facts.decoding import decode, line_starts

_newline = re.compile(r"\r\n?|\n")


def differences(source: bytes) -> Iterator[str]:
    """One line for each node whose span differs from LibCST's, for each that was not visited, in the order of the walk."""
    text = decode(source)
    wrapper = MetadataWrapper(cst.parse_module(text), unsafe_skip_copy=True)
    expected = wrapper.resolve(PositionProvider)
    lines = line_starts(text)
    seen: list[tuple[cst.CSTNode, int, int, bool]] = []

    def recorded(table):
        kept = dict(table)
        for kind, walk in kept.items():

            def watched(at, node, depth, *rest, _walk=walk):
                found = _walk(at, node, depth, *rest)
                if found is not None:
                    seen.append((node, found.start, found.end, found.start <= found.end <= len(text)))
                return found

            table[kind] = watched
        return kept

    tables = (expressions.EXPRESSIONS, statements.STATEMENTS)
    before = [recorded(table) for table in tables]
    try:
        statements.block(Cursor(text, True), wrapper.module.body, 1)
    finally:
        for table, kept in zip(tables, before, strict=True):
            table.update(kept)
    for node, start, end, sound in seen:
        span = expected[node]
        first = lines[span.start.line - 1] + span.start.column
        last = lines[span.end.line - 1] + span.end.column
        if (start, end) != (first, last) or not sound:
            yield f"{span.start.line}: {type(node).__name__}: {text[first:last]!r} is {first}..{last}, not {start}..{end} {text[start:end]!r}"
    visited = {id(node) for node, *_ in seen}
    for node in expected:
        if type(node) in expressions.EXPRESSIONS and id(node) not in visited and not isinstance(node, cst.Name):
            if not isinstance(node, (cst.BooleanOperation, cst.ConcatenatedString, cst.Attribute, cst.StarredElement)) and not _dropped(node):
                yield f"{expected[node].start.line}: {type(node).__name__} not visited"


def _dropped(node: cst.CSTNode) -> bool:
    return False


_ = patterns
