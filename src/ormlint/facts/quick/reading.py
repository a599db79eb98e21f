"""The way in: a text, parsed by Python's own parser and walked. Gives the record, or None where the lossless reader has to decide."""

from __future__ import annotations

import ast
import warnings

from ormlint.facts.comments import comments, may_suppress
from ormlint.facts.quick.newer import Newer
from ormlint.facts.quick.source import Source
from ormlint.facts.quick.statements import block
from ormlint.facts.records import Record


def read(text: str, digest: str, lines: tuple[int, ...]) -> Record | None:
    """The record of a text; None where the running Python does not accept it, or this reader cannot tell what another would say.

    Outside strings and comments no character is followed that is not ASCII: Python writes such names in another way than they stand there.
    """
    code = text if text.isascii() else text.encode("ascii", "replace").decode("ascii")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            newer: Newer | None = None
            try:
                tree = compile(code, "source", "exec", ast.PyCF_ONLY_AST, dont_inherit=True)
            except SyntaxError:
                newer = Newer(code)
                if not newer:
                    return None
                tree = compile(newer.code, "source", "exec", ast.PyCF_ONLY_AST, dont_inherit=True)
            at = Source(text, code, lines, may_suppress(text))
            at.newer = newer
            body = block(at, tree.body, 1)  # type: ignore[attr-defined]
            if newer:  # what looked like newer syntax stood in a string
                return None
    except Exception:  # no syntax that this Python knows, too deep, `Unsure`, a node of a newer Python: the other reader has the last word
        return None
    found = comments(text, lines, sorted(at.strings)) if at.strings is not None else ()
    return Record(digest, lines, body, found)
