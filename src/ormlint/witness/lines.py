"""Which lines of the project ran, cheaply.

From Python 3.12 on the interpreter reports each line once (`sys.monitoring`). Before that, modules of the project that are imported after
the start get a mark before each statement (one store of a byte); modules that were imported earlier, and scripts run as `__main__`, are
not seen there. Tests are left out: their own lines confirm nothing. Imports nothing but the standard library.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import CodeType, ModuleType
from typing import Any, Protocol

from ormlint.witness.frames import is_test

PathOf = Callable[[str], str | None]


class Lines(Protocol):
    def ran(self) -> dict[str, set[int]]:
        """The lines that ran so far, by path."""

    def stop(self) -> None:
        """Ends the watching; `ran` still answers."""


def record_lines(path_of: PathOf) -> Lines:
    """Watches the lines of the files for which `path_of` gives a path, from now on."""
    if sys.version_info >= (3, 12):
        return _Monitored(path_of)
    return _Marked(path_of)


class _Monitored:
    def __init__(self, path_of: PathOf) -> None:
        self._path_of = path_of
        self._ran: dict[str, set[int]] = {}
        self._tool: int | None = None
        monitoring: Any = sys.monitoring  # type: ignore[attr-defined,unused-ignore]
        self._monitoring = monitoring
        for tool in (4, 3, 2):
            if monitoring.get_tool(tool) is None:
                monitoring.use_tool_id(tool, "ormlint")
                self._tool = tool
                monitoring.register_callback(tool, monitoring.events.PY_START, self._on_start)
                monitoring.register_callback(tool, monitoring.events.LINE, self._on_line)
                monitoring.set_events(tool, monitoring.events.PY_START)
                return

    def _on_start(self, code: CodeType, offset: int) -> Any:
        path = self._path_of(code.co_filename)
        if path is not None and not is_test(path):
            self._monitoring.set_local_events(self._tool, code, self._monitoring.events.LINE)
        return self._monitoring.DISABLE

    def _on_line(self, code: CodeType, line: int) -> Any:
        path = self._path_of(code.co_filename)
        if path is not None:
            self._ran.setdefault(path, set()).add(line)
        return self._monitoring.DISABLE

    def ran(self) -> dict[str, set[int]]:
        return {path: set(lines) for path, lines in list(self._ran.items())}

    def stop(self) -> None:
        if self._tool is not None:
            self._monitoring.set_events(self._tool, 0)
            for event in (self._monitoring.events.PY_START, self._monitoring.events.LINE):
                self._monitoring.register_callback(self._tool, event, None)  # what is set for one code object stays set
            self._monitoring.free_tool_id(self._tool)
            self._tool = None


class _Marked:
    def __init__(self, path_of: PathOf) -> None:
        self._marks: dict[str, tuple[Marks, list[tuple[int, int]]]] = {}
        self._finder = _MarkingFinder(path_of, self._marks)
        # Just before the ordinary finder: others, such as pytest's for assertions, go first.
        sys.meta_path.insert(sys.meta_path.index(PathFinder) if PathFinder in sys.meta_path else 0, self._finder)

    def ran(self) -> dict[str, set[int]]:
        found: dict[str, set[int]] = {}
        for path, (marks, spans) in list(self._marks.items()):
            lines = found[path] = set()
            for marked, (first, last) in zip(marks, spans, strict=True):
                if marked:
                    lines.update(range(first, last + 1))
        return found

    def stop(self) -> None:
        if self._finder in sys.meta_path:
            sys.meta_path.remove(self._finder)


class _MarkingFinder(MetaPathFinder):
    def __init__(self, path_of: PathOf, marks: dict[str, tuple[Marks, list[tuple[int, int]]]]) -> None:
        self._path_of = path_of
        self._marks = marks

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is None or type(spec.loader) is not SourceFileLoader or spec.origin is None:
            return spec
        relative = self._path_of(spec.origin)
        if relative is not None and not is_test(relative):
            spec.loader = _MarkingLoader(fullname, spec.origin, relative, self._marks)
        return spec


class _MarkingLoader(SourceFileLoader):
    def __init__(self, fullname: str, path: str, relative: str, marks: dict[str, tuple[Marks, list[tuple[int, int]]]]) -> None:
        super().__init__(fullname, path)
        self._relative = relative
        self._marks = marks

    def get_code(self, fullname: str) -> CodeType | None:
        try:
            code, marks, spans = marked_code(self.get_data(self.path), self.path)
        except Exception:
            return super().get_code(fullname)  # the module's own error, raised where Python raises it
        self._marks[self._relative] = (marks, spans)
        return code


class Marks(bytearray):
    """One byte for each statement of a module. Hashable, as every constant of a code object must be."""

    __hash__ = object.__hash__  # type: ignore[assignment]


_PLACEHOLDER = "ormlint: the marks of this module"


def marked_code(source: bytes, path: str) -> tuple[CodeType, Marks, list[tuple[int, int]]]:
    """The code of a module that sets one byte before each statement; the bytes; and the lines that each byte stands for."""
    tree = ast.parse(source, path)
    spans: list[tuple[int, int]] = []
    _mark_bodies(tree, spans)
    marks = Marks(len(spans))
    return _with_marks(compile(tree, path, "exec", dont_inherit=True), marks), marks, spans


def _mark_bodies(node: ast.AST, spans: list[tuple[int, int]]) -> None:
    for field in ("body", "orelse", "finalbody", "handlers", "cases"):
        children = getattr(node, field, None)
        if not isinstance(children, list):
            continue
        marked: list[ast.AST] = []
        for position, child in enumerate(children):
            if isinstance(child, ast.stmt) and not _must_come_first(node, field, position, child):
                marked.append(_mark(child, len(spans)))
                # What is caught at an `except` line is known by its first statement.
                first = node.lineno if isinstance(node, ast.ExceptHandler) and position == 0 else child.lineno
                spans.append((first, _last_line(child)))
            marked.append(child)
            _mark_bodies(child, spans)
        setattr(node, field, marked)


def _must_come_first(parent: ast.AST, field: str, position: int, child: ast.stmt) -> bool:
    if isinstance(child, ast.ImportFrom) and child.module == "__future__":
        return True
    docstring = isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant) and isinstance(child.value.value, str)
    owner = isinstance(parent, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
    return docstring and owner and field == "body" and position == 0


def _last_line(statement: ast.stmt) -> int:
    """The last line of a simple statement, of a compound statement's head."""
    body = getattr(statement, "body", None) or getattr(statement, "cases", None)
    if not body:
        return statement.end_lineno or statement.lineno
    first = body[0]
    start: int = first.lineno if isinstance(first, ast.stmt) else first.pattern.lineno
    return max(statement.lineno, start - 1)


def _mark(statement: ast.stmt, number: int) -> ast.stmt:
    # The placeholder is a constant that becomes the bytes themselves: no name of the module's is touched.
    target = ast.Subscript(ast.Constant(_PLACEHOLDER), ast.Constant(number), ast.Store())
    mark = ast.copy_location(ast.Assign([target], ast.Constant(1)), statement)
    return ast.fix_missing_locations(mark)


def _with_marks(code: CodeType, marks: Marks) -> CodeType:
    constants = tuple(
        _with_marks(constant, marks)
        if isinstance(constant, CodeType)
        else marks
        if type(constant) is str and constant == _PLACEHOLDER
        else constant
        for constant in code.co_consts
    )
    return code.replace(co_consts=constants)
