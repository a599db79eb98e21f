"""Marks before each statement (Python 3.11) change nothing but the marks; where the interpreter reports lines, the same lines are told."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

from ormlint.witness.lines import Marks, marked_code, record_lines

SOURCE = b'''"""The docstring."""
from __future__ import annotations

import dataclasses


@dataclasses.dataclass
class Point:
    """A point."""

    x: int = 0

    def far(self, limit: int = 3) -> bool:
        """Whether it is far."""
        if self.x > limit:
            return True
        elif self.x == limit:
            text = (
                "just"
                " so"
            )
            return bool(text)
        else:
            return False


def kind(value):
    match value:
        case 0:
            return "zero"
        case [1, *_]:
            return "list"
        case _:
            return "other"


def tries(call):
    try:
        call()
    except ZeroDivisionError as error:
        return type(error).__name__
    else:
        return "fine"
    finally:
        done.append(1)


done: list[int] = []
numbers = [n for n in range(3) if n]


def count():
    total = 0
    for n in numbers:
        total += n
        while total > 100:
            break
    else:
        total += 10
    return total


async def later():
    async with context() as c:
        return c
'''


def test_marked_code_does_what_the_source_does() -> None:
    code, marks, spans = marked_code(SOURCE, "points.py")
    plain: dict[str, object] = {"__name__": "points"}
    marked: dict[str, object] = {"__name__": "points"}
    sys.modules["points"] = type(sys)("points")
    try:
        exec(compile(SOURCE, "points.py", "exec"), plain)
        exec(code, marked)
    finally:
        del sys.modules["points"]
    assert set(marked) == set(plain)
    assert marked["__doc__"] == "The docstring."
    results = []
    for space in (plain, marked):
        point, tries, kind, count = (space[name] for name in ("Point", "tries", "kind", "count"))
        assert callable(point)
        assert callable(tries)
        assert callable(kind)
        assert callable(count)
        results.append(
            [
                point(2).far(),
                point(3).far(),
                point(9).far(),
                point.far.__doc__,
                point.__doc__,
                tries(lambda: 1),
                tries(lambda: 1 / 0),
                kind(0),
                kind([1]),
                count(),
            ]
        )
    assert results[0] == results[1]
    ran = {line for mark, (first, last) in zip(marks, spans, strict=True) if mark for line in range(first, last + 1)}
    lines = SOURCE.decode().split("\n")
    idle = {
        number
        for number, line in enumerate(lines, 1)
        if line.strip() in ('return "other"', "break", "async with context() as c:", "return c")
    }
    assert not ran & idle
    assert {
        number for number, line in enumerate(lines, 1) if line.strip() in ('" so"', "return bool(text)", "total += 10", 'return "list"')
    } <= ran


def test_tracebacks_have_the_same_lines() -> None:
    source = b"def f():\n    x = 1\n\n    return x / 0\n"
    code, _, _ = marked_code(source, "f.py")
    space: dict[str, object] = {}
    exec(code, space)
    f = space["f"]
    assert callable(f)
    with pytest.raises(ZeroDivisionError) as raised:
        f()
    assert raised.traceback[-1].lineno == 3


def test_the_marks_are_hashable_as_constants_must_be() -> None:
    code, _, _ = marked_code(b"x = 1\n", "x.py")
    assert isinstance(hash(code), int)
    assert hash(Marks(1)) is not None


def test_files_of_the_standard_library_can_be_marked() -> None:
    package = Path(ast.__file__).parent
    files = [path for path in sorted(package.glob("*.py")) if path.stat().st_size < 60_000][:60]
    assert len(files) == 60
    for path in files:
        code, marks, spans = marked_code(path.read_bytes(), str(path))
        assert len(marks) == len(spans)
        assert code.co_filename == str(path)


def test_lines_of_modules_imported_from_now_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "watched_module.py").write_text("def f(x):\n    if x:\n        return 1\n    return 2\n\n\nf(0)\n", encoding="utf-8")
    (tmp_path / "broken_module.py").write_text("def f(:\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    prefix = f"{tmp_path}/"
    lines = record_lines(lambda filename: filename.removeprefix(prefix) if filename.startswith(prefix) else None)
    try:
        import watched_module  # type: ignore[import-not-found]

        with pytest.raises(SyntaxError):
            import broken_module  # type: ignore[import-not-found]  # noqa: F401
    finally:
        lines.stop()
        sys.modules.pop("watched_module", None)
    assert watched_module.f(1) == 1
    assert lines.ran()["watched_module.py"] & {2, 4, 7} == {2, 4, 7}
    if sys.version_info >= (3, 12):
        assert 3 not in lines.ran()["watched_module.py"]
