"""Runs commands and says what they cost. Takes argument lists; gives wall time, processor time and memory."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec


class Cost(msgspec.Struct, frozen=True):
    """One run: seconds by the clock, seconds of processors (children included), the largest process in megabytes, the exit status."""

    wall: float
    cpu: float
    memory: float
    status: int


class Command(msgspec.Struct, frozen=True):
    """Something to measure. `before` puts things in order and is not measured."""

    name: str
    arguments: tuple[str, ...]
    folder: Path
    environment: Mapping[str, str] = {}
    before: Callable[[], None] | None = None
    good: tuple[int, ...] = (0, 1)
    """Exit statuses that mean that the work was done."""
    rounds: int | None = None
    """At most so many rounds, where the command is slow."""


class Costs(msgspec.Struct, frozen=True):
    """All runs of one command."""

    name: str
    runs: tuple[Cost, ...]

    @property
    def wall(self) -> float:
        return statistics.median(run.wall for run in self.runs)

    @property
    def cpu(self) -> float:
        return statistics.median(run.cpu for run in self.runs)

    @property
    def memory(self) -> float:
        return max(run.memory for run in self.runs)

    @property
    def failed(self) -> bool:
        return not self.runs


def run(command: Command, log: Path) -> Cost:
    """Runs a command once; what it prints goes to `log`."""
    if command.before is not None:
        command.before()
    with log.open("wb") as output:
        started = time.perf_counter()
        process = subprocess.Popen(
            command.arguments, cwd=command.folder, env={**os.environ, **command.environment}, stdout=output, stderr=subprocess.STDOUT
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, process.returncode)


def in_turn(commands: Sequence[Command], rounds: int, logs: Path, say: Callable[[str], None]) -> dict[str, Costs]:
    """Runs the commands one after the other, `rounds` times, so that a slow moment of the machine meets all of them."""
    runs: dict[str, list[Cost]] = {command.name: [] for command in commands}
    for number in range(rounds):
        for command in commands:
            if command.rounds is not None and number >= command.rounds:
                continue
            cost = run(command, logs / f"{command.name.replace('/', '-').replace(' ', '-')}.log")
            say(f"{command.name}: {cost.wall:.2f} s wall, {cost.cpu:.2f} s cpu, {cost.memory:.0f} MB")
            if cost.status in command.good:
                runs[command.name].append(cost)
            else:
                say(f"{command.name} ended with status {cost.status}; see {logs}")
    return {name: Costs(name, tuple(found)) for name, found in runs.items()}


def ratio(left: Costs, right: Costs, what: str = "wall") -> float | None:
    """The median of the ratios of runs made in the same round; None where one of them has no runs."""
    pairs = list(zip(left.runs, right.runs, strict=False))
    if not pairs:
        return None
    return statistics.median(getattr(one, what) / getattr(other, what) for one, other in pairs)
