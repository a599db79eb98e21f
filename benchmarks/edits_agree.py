"""Whether a run after an edit finds what a run from nothing does: random edits of a copy of a project, each analysed both ways.

`python -m benchmarks.edits_agree ROOT… --edits N --seed S`. Ends with 1 where any run differs, and says which edits came before it.
"""

from __future__ import annotations

import argparse
import ast
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from ormlint import kept_analyses, results
from ormlint.config import Config, load_config
from ormlint.findings import Confidence, Report
from ormlint.pipeline import Request, judged
from ormlint.project import discover

Mutation = Callable[[random.Random, str], str]
"""An edit of one Python file's text; the same text where it has nothing to edit there."""


def _spans(text: str, kinds: tuple[type, ...]) -> list[ast.AST]:
    return [node for node in ast.walk(ast.parse(text)) if isinstance(node, kinds)]


def _lines_of(text: str, node: ast.AST) -> tuple[int, int]:
    decorators = getattr(node, "decorator_list", [])
    return min([node.lineno, *(item.lineno for item in decorators)]) - 1, node.end_lineno  # type: ignore[attr-defined]


def _statements(text: str) -> list[ast.stmt]:
    """The statements inside of functions."""
    functions = _spans(text, (ast.FunctionDef, ast.AsyncFunctionDef))
    return [stmt for function in functions for stmt in ast.walk(function) if isinstance(stmt, ast.stmt) and stmt is not function]


def append_function(rng: random.Random, text: str) -> str:
    number = rng.randrange(10**6)
    return (
        f"{text}\n\ndef measured_edit_{number}(session):\n    for at in range({number}):\n        session.commit()\n    return {number}\n"
    )


def comment_on_top(rng: random.Random, text: str) -> str:
    return f"# {'x' * rng.randrange(40)}\n{text}"


def comment_inside(rng: random.Random, text: str) -> str:
    found = _statements(text)
    if not found:
        return text
    stmt = rng.choice(found)
    return _inserted(text, stmt.lineno - 1, f"{' ' * stmt.col_offset}# noted")


def _inserted(text: str, line: int, new: str) -> str:
    lines = text.split("\n")
    return "\n".join([*lines[:line], new, *lines[line:]])


def delete_statement(rng: random.Random, text: str) -> str:
    return _of_one_statement(rng, text, lambda stmt, lines: [f"{' ' * stmt.col_offset}pass"])


def double_statement(rng: random.Random, text: str) -> str:
    return _of_one_statement(rng, text, lambda stmt, lines: [*lines, *lines])


def _of_one_statement(rng: random.Random, text: str, edit: Callable[[ast.stmt, list[str]], list[str]]) -> str:
    """The text with the lines of one of its statements edited."""
    found = _statements(text)
    if not found:
        return text
    stmt = rng.choice(found)
    first, last = _lines_of(text, stmt)
    lines = text.split("\n")
    return "\n".join([*lines[:first], *edit(stmt, lines[first:last]), *lines[last:]])


def commit_in_loop(rng: random.Random, text: str) -> str:
    found = [node for node in _spans(text, (ast.For,)) if isinstance(node, ast.For)]
    if not found:
        return text
    stmt = rng.choice(found).body[0]
    return _inserted(text, stmt.lineno - 1, f"{' ' * stmt.col_offset}session.commit()")


def loop_in_function(rng: random.Random, text: str) -> str:
    found = [node for node in _spans(text, (ast.FunctionDef,)) if isinstance(node, ast.FunctionDef)]
    if not found:
        return text
    stmt = rng.choice(found).body[-1]
    indent = " " * stmt.col_offset
    return _inserted(text, stmt.lineno - 1, f"{indent}for each in session.query(object):\n{indent}    session.get(object, each)")


def _renamed(rng: random.Random, text: str, kinds: tuple[type, ...]) -> str:
    found = _spans(text, kinds)
    if not found:
        return text
    node = rng.choice(found)
    lines = text.split("\n")
    name: str = node.name  # type: ignore[attr-defined]
    lines[node.lineno - 1] = lines[node.lineno - 1].replace(name, f"{name}_renamed", 1)  # type: ignore[attr-defined]
    return "\n".join(lines)


def rename_function(rng: random.Random, text: str) -> str:
    return _renamed(rng, text, (ast.FunctionDef, ast.AsyncFunctionDef))


def rename_class(rng: random.Random, text: str) -> str:
    return _renamed(rng, text, (ast.ClassDef,))


def rename_attribute(rng: random.Random, text: str) -> str:
    found = [node.attr for node in _spans(text, (ast.Attribute,)) if isinstance(node, ast.Attribute)]
    if not found:
        return text
    name = rng.choice(found)
    return text.replace(f".{name}", f".{name}_renamed") if rng.random() < 0.5 else text.replace(f".{name}", f".{name}_renamed", 1)


def delete_function(rng: random.Random, text: str) -> str:
    found = _spans(text, (ast.FunctionDef, ast.AsyncFunctionDef))
    if not found:
        return text
    node = rng.choice(found)
    first, last = _lines_of(text, node)
    lines = text.split("\n")
    return "\n".join([*lines[:first], f"{' ' * node.col_offset}pass", *lines[last:]])  # type: ignore[attr-defined]


def laziness(rng: random.Random, text: str) -> str:
    new = rng.choice(("selectin", "joined", "select", "raise"))
    if "lazy=" in text:
        parts = text.split('lazy="')
        at = rng.randrange(1, len(parts)) if len(parts) > 1 else 0
        if at:
            parts[at] = new + parts[at][parts[at].index('"') :]
            return 'lazy="'.join(parts)
    return text.replace("relationship(", f'relationship(lazy="{new}", ', 1)


def change_base(rng: random.Random, text: str) -> str:
    found = [node for node in _spans(text, (ast.ClassDef,)) if isinstance(node, ast.ClassDef) and node.bases]
    if not found:
        return text
    node = rng.choice(found)
    lines = text.split("\n")
    base = node.bases[0]
    if base.lineno != base.end_lineno:
        return text
    line = lines[base.lineno - 1]
    lines[base.lineno - 1] = f"{line[: base.col_offset]}object{line[base.end_col_offset :]}"
    return "\n".join(lines)


def drop_decorator(rng: random.Random, text: str) -> str:
    found = [item for node in _spans(text, (ast.FunctionDef, ast.ClassDef)) for item in node.decorator_list]  # type: ignore[attr-defined]
    if not found:
        return text
    item = rng.choice(found)
    lines = text.split("\n")
    return "\n".join([*lines[: item.lineno - 1], *lines[item.end_lineno :]])


def change_constant(rng: random.Random, text: str) -> str:
    found = [node for node in _spans(text, (ast.Constant,)) if isinstance(node, ast.Constant) and isinstance(node.value, (int, bool))]
    if not found:
        return text
    node = rng.choice(found)
    lines = text.split("\n")
    line = lines[node.lineno - 1]
    lines[node.lineno - 1] = f"{line[: node.col_offset]}{rng.choice(('None', 'True', 'False', '7'))}{line[node.end_col_offset :]}"
    return "\n".join(lines)


def change_init(rng: random.Random, text: str) -> str:
    found = [node for node in _spans(text, (ast.FunctionDef,)) if isinstance(node, ast.FunctionDef) and node.name == "__init__"]
    if not found:
        return text
    stmt = rng.choice(found).body[-1]
    indent = " " * stmt.col_offset
    return _inserted(text, stmt.end_lineno or 0, f"{indent}self.session = None")


def add_import(rng: random.Random, text: str) -> str:
    named = sorted({node.id for node in _spans(text, (ast.Name,)) if isinstance(node, ast.Name)})
    name = rng.choice(named) if named and rng.random() < 0.5 else "fresh_name"
    line = rng.choice(
        ("import datetime", f"from sqlalchemy.orm import {name}", f"from os import path as {name}", "import json as fresh_name")
    )
    imports = [node for node in ast.parse(text).body if isinstance(node, (ast.Import, ast.ImportFrom))]
    return _inserted(text, imports[-1].end_lineno or 0, line) if imports else f"{line}\n{text}"


def drop_import(rng: random.Random, text: str) -> str:
    found = [node for node in ast.parse(text).body if isinstance(node, (ast.Import, ast.ImportFrom)) and node.col_offset == 0]
    if not found:
        return text
    node = rng.choice(found)
    lines = text.split("\n")
    return "\n".join([*lines[: node.lineno - 1], *lines[node.end_lineno :]])


def add_method(rng: random.Random, text: str) -> str:
    found = [node for node in _spans(text, (ast.ClassDef,)) if isinstance(node, ast.ClassDef)]
    if not found:
        return text
    node = rng.choice(found)
    indent = " " * node.body[0].col_offset
    kind = rng.choice(("", "@property\n", "@classmethod\n"))
    head = f"{indent}{kind}{indent if kind else ''}def fresh_method_{rng.randrange(10**6)}(self):\n"
    return _inserted(text, node.end_lineno or 0, f"{head}{indent}    for each in self.query(object):\n{indent}        self.commit()")


def add_column(rng: random.Random, text: str) -> str:
    found = [node for node in _spans(text, (ast.Assign, ast.AnnAssign)) if isinstance(getattr(node, "value", None), ast.Call)]
    columns = [node for node in found if "olumn(" in ast.unparse(node.value)]  # type: ignore[attr-defined]
    if not columns:
        return text
    node = rng.choice(columns)
    indent = " " * node.col_offset
    return _inserted(text, node.end_lineno or 0, f"{indent}fresh_column_{rng.randrange(10**6)} = Column(Integer, nullable=True)")  # type: ignore[attr-defined]


def add_parameter(rng: random.Random, text: str) -> str:
    found = [node for node in _spans(text, (ast.FunctionDef,)) if isinstance(node, ast.FunctionDef) and not node.args.kwarg]
    if not found:
        return text
    node = rng.choice(found)
    lines = text.split("\n")
    line = lines[node.lineno - 1]
    if line.count("(") != 1 or ")" not in line:
        return text
    comma = "" if "()" in line else ", "
    at = line.rindex(")")
    lines[node.lineno - 1] = f"{line[:at]}{comma}{rng.choice(('fresh=None', 'fresh: int = 3', '*, fresh=False'))}{line[at:]}"
    return "\n".join(lines)


def drop_annotation(rng: random.Random, text: str) -> str:
    return text.replace(": Session", "", 1) if rng.random() < 0.5 else text.replace(" -> None", "", 1)


MUTATIONS: Sequence[Mutation] = (
    *(add_import, add_import, drop_import, add_method, add_method, add_column, add_parameter, add_parameter, drop_annotation),
    *(append_function, comment_on_top, comment_inside, comment_inside, delete_statement, delete_statement, double_statement),
    *(double_statement, commit_in_loop, commit_in_loop, loop_in_function, rename_function, rename_class, rename_attribute),
    *(rename_attribute, delete_function, laziness, change_base, drop_decorator, change_constant, change_constant, change_init),
)


def edited(rng: random.Random, root: Path) -> str:
    """Makes one edit; tells which."""
    files = sorted(path for path in root.rglob("*.py") if ".ormlint_cache" not in path.parts)
    dice = rng.random()
    if dice < 0.02:
        path = rng.choice(files)
        path.unlink()
        return f"delete {path.relative_to(root)}"
    if dice < 0.04:
        path = rng.choice(files)
        shutil.copy(path, path.with_name(f"copied_{rng.randrange(1000)}.py"))
        return f"copy {path.relative_to(root)}"
    templates = [path for path in root.rglob("*.html") if "template" in str(path)]
    if dice < 0.06 and templates:
        path = rng.choice(templates)
        path.write_text(path.read_text(encoding="utf-8") + "\n{{ x.y }}\n", encoding="utf-8")
        return f"template {path.relative_to(root)}"
    for _ in range(40):
        path, mutation = rng.choice(files), rng.choice(MUTATIONS)
        try:
            text = path.read_text(encoding="utf-8")
            new = mutation(rng, text)
            ast.parse(new)
        except (SyntaxError, ValueError):
            if rng.random() < 0.98:
                continue
        if new != text:
            path.write_text(new, encoding="utf-8")
            return f"{mutation.__name__} {path.relative_to(root)}"
    return "nothing"


def run(root: Path, config: Config, folder: Path, keeps: bool) -> tuple[Report, str, int, float]:
    """One run: its report, why all was analysed anew, how many functions were else, and its processor time."""
    started = time.process_time()
    project = discover(root, config)
    if not keeps:
        return judged(project, config, Request())[0], "", 0, time.process_time() - started
    question = results.question(folder, project, config, True)
    memory, _ = kept_analyses.recalled(question, project, results.answer(question).unchanged)
    fresh = memory.known is None
    report = judged(project, config, Request(), memory)[0]
    if memory.made is not None:
        kept_analyses.keep(question, memory.made)
    return report, memory.said or ("nothing was kept" if fresh else ""), memory.again, time.process_time() - started


def told(report: Report) -> Report:
    return msgspec.structs.replace(report, summary=msgspec.structs.replace(report.summary, duration_s=0.0))


def agree(source: Path, edits: int, seed: int, verbose: bool = False) -> tuple[int, int]:
    """Edits a copy of a project so often; gives how many runs differed, and how many went on from the run before."""
    rng = random.Random(seed)
    differ = 0
    why: Counter[str] = Counter()
    spent = [0.0, 0.0]
    with tempfile.TemporaryDirectory() as name:
        root = Path(name) / source.name
        folder = Path(name) / "cache"
        folder.mkdir()

        def restore() -> None:
            shutil.rmtree(root, ignore_errors=True)
            shutil.copytree(source, root, symlinks=True, ignore=shutil.ignore_patterns(".git", ".ormlint_cache", "node_modules"))

        restore()
        config = msgspec.structs.replace(
            load_config(root), jobs=1, cache_dir=str(folder), min_confidence=Confidence.possible, preview=True, relevance=False
        )
        run(root, config, folder, True)
        history: list[str] = []
        for _ in range(edits):
            if rng.random() < 0.25:
                restore()
                history = ["restored"]
            else:
                history += [edited(rng, root) for _ in range(rng.choice((1, 1, 1, 2, 3)))]
            quick, reason, again, one = run(root, config, folder, True)
            whole, _, _, other = run(root, config, folder, False)
            spent[0] += one
            spent[1] += other
            why["resumed" if not reason else "anew: " + reason.split(": ")[-1][:50]] += 1
            if verbose:
                print(f"  {history[-1]}: {reason or f'{again} functions'} {one:.2f} {other:.2f}", flush=True)
            if told(quick) != told(whole):
                differ += 1
                print(f"DIFFERS after {history}", flush=True)
                for field in told(quick).__struct_fields__:
                    left, right = getattr(told(quick), field), getattr(told(whole), field)
                    if left != right and field == "findings":
                        for finding in set(left) ^ set(right):
                            print("  only", "resumed" if finding in left else "whole", finding, flush=True)
                    elif left != right:
                        print(" ", field, str(left)[:300], "|", str(right)[:300], flush=True)
        print(f"{source.name}: {edits} runs, {differ} differ; {spent[0]:.1f} s of {spent[1]:.1f}; {dict(why.most_common())}", flush=True)
    return differ, why["resumed"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("roots", nargs="+", type=Path)
    parser.add_argument("--edits", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--verbose", action="store_true")
    asked = parser.parse_args()
    return min(1, sum(agree(root.resolve(), asked.edits, asked.seed, asked.verbose)[0] for root in asked.roots))


if __name__ == "__main__":
    sys.exit(main())
