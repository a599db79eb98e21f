"""How large code is and how deep it is nested, before the native parser sees it.

LibCST's parser recurses in native code and ends the whole process when the stack does, and its time grows with the square of
the depth. So a text is weighed first, in two steps: a cheap one that suspects, and an exact one for the few that it suspects;
and parsing runs on a stack large enough for all that passes. Knows brackets and operators, no syntax.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from typing import ParamSpec, TypeVar

MAX_BRACKETS = 200
"""As in CPython, whose tokenizer refuses more."""
MAX_OPERATIONS = 1_000
"""How many operators, attributes, calls and keywords such as `not` may follow one another in one expression."""

MAX_STRUCTURE = 250_000
"""How many brackets, operators, delimiters and lines a file may have: some 20,000 lines. Only tables of data have more."""

_STACK_SIZES: tuple[int, ...] = (256 << 20, 64 << 20, 16 << 20)
"""Address space in bytes, taken only as far as it is used. A bracket takes the parser up to 15,000 bytes, an operation 2,500."""

_P = ParamSpec("_P")
_T = TypeVar("_T")
_here = threading.local()

# The cheap step: what is not structure is removed, then the innermost brackets become one operation each, until none is left.

_KINDS = {
    **dict.fromkeys("+-*/%@&|^~<>.", "o"),
    **dict.fromkeys("([{", "("),
    **dict.fromkeys(")]}", ")"),
    **dict.fromkeys(",:;=", ","),
    "\n": "\n",
}
_STRUCTURE = bytes(ord(_KINDS.get(chr(code), "\0")) for code in range(256))
_REST = bytes(code for code in range(256) if chr(code) not in _KINDS)
_innermost = re.compile(rb"\([^()]*\)")
_chain_within = re.compile(rb"\([^()]*?(?:o\n*){%d}" % MAX_OPERATIONS).search
_chain = b"o" * MAX_OPERATIONS
_words = re.compile(r"(?:\b(?:not|await|lambda\b[^\n:]*:|[^\s]+ if [^\s]+ else)\s*){250}").search


def _structure(text: str) -> bytes:
    return text.encode("utf-8", "replace").translate(_STRUCTURE, _REST)


def _suspect(structure: bytes, text: str) -> bool:
    if "\\\n" in text:
        structure = structure.replace(b"\n", b"")
    for _ in range(MAX_BRACKETS // 4):
        if structure.count(b"o") >= MAX_OPERATIONS and (_chain in structure or _chain_within(structure)):
            return True
        structure, count = _innermost.subn(b"o", structure)
        if not count:
            break
    else:
        return True
    if _chain in structure or structure.count(b"(") > MAX_BRACKETS // 4:
        return True
    return any(text.count(word) > 250 for word in ("not ", "await ", "lambda", " else ")) and _words(text) is not None


# The exact step.

_QUOTED = r"""\#[^\r\n]*|\"{3}(?:[^\\]|\\.)*?\"{3}|'{3}(?:[^\\]|\\.)*?'{3}|\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'"""
_quoted = re.compile(_QUOTED, re.DOTALL)
_token = re.compile(
    rf"""
    (?P<skip>{_QUOTED}|\\\r?\n)
  | (?P<open>[(\[{{]) | (?P<close>[)\]}}])
  | (?P<stop>[,:;=]|\b(?:and|or|elif)\b)
  | (?P<newline>\n)
  | (?P<operation>[-+*/%@&|^~<>.]|\b(?:not|await|lambda|else)\b)
    """,
    re.VERBOSE | re.DOTALL,
)


def _weigh(text: str) -> tuple[str, int] | None:
    operations = [0]
    in_lambda = False
    for token in _token.finditer(text):
        kind = token.lastgroup
        if kind == "operation" or kind == "open":
            operations[-1] += 1
            in_lambda = token[0] == "lambda" or (in_lambda and kind == "open")
            if operations[-1] > MAX_OPERATIONS:
                return f"an expression has more than {MAX_OPERATIONS:,} operations in a row", text.count("\n", 0, token.start()) + 1
        if kind == "open":
            operations.append(0)
            if len(operations) > MAX_BRACKETS + 1:
                return f"brackets are nested deeper than {MAX_BRACKETS}", text.count("\n", 0, token.start()) + 1
        elif kind == "close" and len(operations) > 1:
            operations.pop()
        elif kind == "stop" or (kind == "newline" and len(operations) == 1):
            if not (in_lambda and token[0] == ":"):
                operations[-1] = 0
            in_lambda = False
    return None


def unfit(text: str) -> tuple[str, int] | None:
    """Why a source text cannot be given to the parser, in one line, and the line where; None where it can."""
    structure = _structure(text)
    if len(structure) > MAX_STRUCTURE and len(_structure(_quoted.sub("", text))) > MAX_STRUCTURE:
        return "too large to be analysed; exclude it if it only holds data", 1
    if not _suspect(structure, text):
        return None
    found = _weigh(text)
    return found and (f"nested too deep to be analysed: {found[0]}", found[1])


def on_deep_stack(call: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
    """Calls `call` on a stack that holds all that `unfit` lets pass; at once where the caller stands on one already."""
    if getattr(_here, "deep", False):
        return call(*args, **kwargs)
    results: list[_T] = []
    errors: list[BaseException] = []

    def run() -> None:
        _here.deep = True
        try:
            results.append(call(*args, **kwargs))
        except BaseException as error:
            errors.append(error)

    thread = _started(run)
    if thread is None:
        return call(*args, **kwargs)
    thread.join()
    if errors:
        raise errors[0]
    return results[0]


def _started(run: Callable[[], None]) -> threading.Thread | None:
    for size in _STACK_SIZES:
        try:
            before = threading.stack_size(size)
        except (ValueError, RuntimeError):
            continue
        thread = threading.Thread(target=run, name="ormlint-parse", daemon=True)
        try:
            thread.start()
            return thread
        except RuntimeError:
            pass
        finally:
            threading.stack_size(before)
    return None
