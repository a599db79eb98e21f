"""`python -m benchmarks`: measures, prints a table, writes JSON, and puts the table into docs/measurements.md if asked."""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec

from benchmarks import builds, goals, runs, tools, trees
from benchmarks.timing import Command, Costs, in_turn

HERE = Path(__file__).resolve().parent
PAGE = HERE.parent / "docs" / "measurements.md"
PARTS = ("peers", "cores", "warm", "edits", "large", "growth", "plugin")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="How fast ormlint is, against its peers, in one run.")
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "ormlint-benchmarks"
    parser.add_argument("--trees", type=Path, default=cache / "trees", help="Where the measured projects are, or are downloaded to.")
    parser.add_argument("--work", type=Path, default=cache, help="Where tools are installed and trees are copied to.")
    parser.add_argument("--rounds", type=int, default=3, help="How often each command runs; those that take minutes run once.")
    parser.add_argument("--parts", default=",".join(PARTS), help=f"What to measure, of: {', '.join(PARTS)}.")
    parser.add_argument("--without", default="", help="Peers to leave out.")
    parser.add_argument("--copies", default="1,2,4,8", help="How many copies the growth is measured on.")
    parser.add_argument("--interpreted", action="store_true", help="Measure the sources as they are, without compiling them first.")
    parser.add_argument("--write", action="store_true", help="Put the table into docs/measurements.md.")
    return parser.parse_args()


def main() -> int:
    options = arguments()
    parts = options.parts.split(",")
    unknown = [part for part in parts if part not in PARTS]
    if unknown:
        print(f"unknown part {unknown[0]}; known are {', '.join(PARTS)}", file=sys.stderr)
        return 2
    options.work.mkdir(parents=True, exist_ok=True)
    options.trees.mkdir(parents=True, exist_ok=True)
    logs = options.work / "logs"
    logs.mkdir(exist_ok=True)
    original = trees.fetched(trees.AIRFLOW, options.trees)
    if original is None:
        print(f"{trees.AIRFLOW.folder} cannot be downloaded; put it into {options.trees}", file=sys.stderr)
        return 2
    interpreted = builds.interpreted(options.work)
    compiled = None if options.interpreted else builds.compiled(options.work)
    build = compiled or interpreted
    airflow = trees.writable(original, options.work / "airflow")
    missing: list[str] = []
    costs: dict[str, Costs] = {}

    def measure(commands: list[Command], rounds: int = options.rounds) -> None:
        costs.update(in_turn(commands, rounds, logs, say))

    if "peers" in parts:
        own = [
            runs.cold(goals.ONE_CORE, build, airflow, 1),
            runs.cold(goals.COLD, build, airflow),
            runs.ormlint(goals.WARM, build, airflow),
        ]
        # Not behind a warm run, whose cache it takes away.
        plain = [runs.cold(goals.INTERPRETED, interpreted, airflow, 1)] if compiled is not None else []
        commands = [*tools.parsers(airflow), *plain, *own]
        for tool in tools.TOOLS:
            if tool.name in options.without.split(","):
                continue
            programs = tools.installed(tool, options.work / "tools")
            if programs is None:
                missing.append(tool.name)
            else:
                commands.append(tools.command(tool, programs, airflow, trees.AIRFLOW.package))
        measure(commands)
    elif "cores" in parts:
        measure([runs.cold(goals.ONE_CORE, build, airflow, 1), runs.cold(goals.COLD, build, airflow)])
    if "warm" in parts and "peers" not in parts:
        measure([runs.ormlint(goals.WARM, build, airflow)])
    if "edits" in parts:
        measure(edits(build, airflow))
    if "large" in parts:
        large(options, build, measure, missing)
    sizes: dict[int, int] = {}
    if "growth" in parts:
        for times in map(int, options.copies.split(",")):
            tree = trees.copied(airflow, trees.AIRFLOW.package, times, options.work / "copies")
            sizes[times] = trees.lines(tree)
            measure([runs.cold(goals.copies(times), build, tree, 1)], 1)
            shutil.rmtree(tree)
    if "plugin" in parts:
        measure_plugin(options, airflow, measure, missing)
    table = goals.table(costs, sizes)
    text = report(options, airflow, costs, missing, table, compiled is not None)
    print(text)
    results = HERE / "results"
    results.mkdir(exist_ok=True)
    now = datetime.datetime.now(tz=datetime.UTC)
    about = {"date": now.isoformat(timespec="seconds"), "machine": machine(), "missing": missing}
    document = {**about, "costs": costs, "lines": sizes, "goals": table}
    (results / f"{now:%Y%m%dT%H%M%SZ}.json").write_bytes(msgspec.json.format(msgspec.json.encode(document, enc_hook=str)))
    if options.write:
        write(text)
    return 0


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def edits(build: Path, airflow: Path) -> list[Command]:
    """A warm run after one file was changed: a file of models that much imports, and one that nothing imports."""
    root = airflow / trees.AIRFLOW.package
    model, leaf = root / "models" / "dagrun.py", root / "cli" / "commands" / "pool_command.py"
    return [
        runs.ormlint(goals.EDITED_LEAF, build, airflow, before=lambda: trees.edit(leaf)),
        runs.ormlint(goals.EDITED_MODEL, build, airflow, before=lambda: trees.edit(model)),
    ]


def large(options: argparse.Namespace, build: Path, measure: Callable[..., None], missing: list[str]) -> None:
    original = trees.fetched(trees.HOMEASSISTANT, options.trees)
    if original is None:
        missing.append(trees.HOMEASSISTANT.folder)
        return
    tree = trees.writable(original, options.work / "homeassistant")
    measure([runs.cold(goals.LARGE_COLD, build, tree)], 1)
    measure([runs.ormlint(goals.LARGE_WARM, build, tree)])
    shutil.rmtree(tree)


def measure_plugin(options: argparse.Namespace, airflow: Path, measure: Callable[..., None], missing: list[str]) -> None:
    """flake8 alone and with the plugin."""
    tool = tools.Tool("flake8-with-plugin", ("flake8", str(HERE.parent)), lambda programs, tree, _: (str(programs / "flake8"),))
    programs = tools.installed(tool, options.work / "tools")
    if programs is None:
        missing.append(tool.name)
        return
    alone = tools.installed(next(tool for tool in tools.TOOLS if tool.name == "flake8"), options.work / "tools")
    if alone is None:
        missing.append("flake8")
        return
    base = ("--isolated", "-q", "--exit-zero", ".")
    warm = Command(goals.PLUGIN_WITH, (str(programs / "flake8"), *base), airflow)
    in_turn([warm], 1, options.work / "logs", say)  # fills the cache
    measure([Command(goals.PLUGIN_WITHOUT, (str(alone / "flake8"), *base), airflow), warm])


def machine() -> str:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg()) if hasattr(os, "getloadavg") else "unknown"
    return f"{cores} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}, load {load}"


def report(
    options: argparse.Namespace, tree: Path, costs: dict[str, Costs], missing: list[str], table: list[goals.Row], is_compiled: bool
) -> str:
    """Markdown: what was measured, then what was aimed at."""
    today = datetime.datetime.now(tz=datetime.UTC).date().isoformat()
    count, size = len(trees.files(tree)), trees.lines(tree)
    measured = [cost for cost in costs.values() if cost.runs]
    rows = [f"| {cost.name} | {cost.wall:.2f} | {cost.cpu:.2f} | {cost.memory:.0f} | {len(cost.runs)} |" for cost in measured]
    judged = [f"| {row.goal} | {row.measured} | {row.verdict} |" for row in table]
    absent = f"\nNot installed or not to be had: {', '.join(missing)}.\n" if missing else ""
    command = f"python -m benchmarks --rounds {options.rounds} --parts {options.parts}{' --interpreted' if options.interpreted else ''}"
    made = "compiled" if is_compiled else "not compiled"
    return "\n".join(
        [
            f"`{command}`, {today}; {machine()}.",
            f"Tree: {trees.AIRFLOW.folder}, {count} files, {size:,} lines, ormlint {made}, where nothing else is said. Medians, in turn.",
            "",
            "| command | s by the clock | s of processors | MB | runs |",
            "|---|---:|---:|---:|---:|",
            *rows,
            absent,
            "| goal | measured | |",
            "|---|---|---|",
            *judged,
            "",
        ]
    )


def write(text: str) -> None:
    """Put the text in place of the section "Speed" of the page, or at its end."""
    page = PAGE.read_text(encoding="utf-8") if PAGE.exists() else "# Measurements\n"
    section = f"## Speed\n\n{text}\n"
    new, count = re.subn(r"^## Speed\n.*?(?=^## |\Z)", lambda _: section, page, flags=re.MULTILINE | re.DOTALL)
    PAGE.write_text(new if count else f"{page.rstrip()}\n\n{section}", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
