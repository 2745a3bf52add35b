"""What a benchmark measured, as a table and as JSON that names the machine."""

import os
import platform
import re
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table

from tests.servers.install import POM, ROOT


class Goal(msgspec.Struct, frozen=True):
    """What a figure should be: at most, or at least, `value`."""

    value: float
    at_most: bool

    def met_by(self, value: float) -> bool:
        """Whether `value` is good enough."""
        return value <= self.value if self.at_most else value >= self.value


class Figure(msgspec.Struct, frozen=True):
    """One number of one benchmark; `note` says what one should know beside it."""

    benchmark: str
    name: str
    value: float
    unit: str
    goal: Goal | None = None
    note: str = ""


class Machine(msgspec.Struct, frozen=True):
    """Where the figures come from; `load` is the number of processes that wanted a core before the first benchmark."""

    cpu: str
    cores: int
    memory_gib: float
    kernel: str
    python: str
    kafka: str
    commit: str
    load: float


class Result(msgspec.Struct, frozen=True):
    """All figures of one run."""

    taken: str
    machine: Machine
    figures: Sequence[Figure]


def at_most(value: float) -> Goal:
    """A goal that smaller figures meet."""
    return Goal(value, at_most=True)


def at_least(value: float) -> Goal:
    """A goal that larger figures meet."""
    return Goal(value, at_most=False)


def this_machine() -> Machine:
    """What Linux, Python, the broker's build file and git say."""
    cpu = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    memory = re.search(r"MemTotal:\s*(\d+) kB", Path("/proc/meminfo").read_text())
    kafka = re.search(r"kafka_[\d.]+</artifactId>\s*<version>([^<]+)", POM.read_text())
    return Machine(
        cpu=cpu[1] if cpu else platform.machine(),
        cores=len(os.sched_getaffinity(0)),
        memory_gib=round(int(memory[1]) / 2**20, 1) if memory else 0.0,
        kernel=platform.release(),
        python=platform.python_version(),
        kafka=kafka[1] if kafka else "unknown",
        commit=_commit(),
        load=round(os.getloadavg()[0], 2),
    )


def _commit() -> str:
    """The commit that was measured; `+` where files differ from it."""
    described = subprocess.run(
        ["git", "describe", "--always", "--dirty=+", "--exclude=*"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return described.stdout.strip() or "unknown"


def print_figures(console: Console, machine: Machine, figures: Sequence[Figure]) -> None:
    """The figures with their goals, below the machine's name."""
    table = Table(
        title=f"{machine.cores} × {machine.cpu}, {machine.memory_gib} GiB, Linux {machine.kernel}, "
        f"Python {machine.python}, Kafka {machine.kafka}, commit {machine.commit}, load before {machine.load}",
        title_justify="left",
    )
    for name in ("benchmark", "figure"):
        table.add_column(name)
    for name in ("value", "unit", "goal", ""):
        table.add_column(name, justify="right" if name == "value" else "left")
    table.add_column("note")
    for number, figure in enumerate(figures):
        goal = figure.goal
        last = number + 1 == len(figures) or figures[number + 1].benchmark != figure.benchmark
        table.add_row(
            figure.benchmark,
            figure.name,
            shown(figure.value),
            figure.unit,
            "" if goal is None else f"{'≤' if goal.at_most else '≥'} {shown(goal.value)}",
            "" if goal is None else ("met" if goal.met_by(figure.value) else "missed"),
            figure.note,
            end_section=last,
        )
    console.print(table)


def shown(value: float) -> str:
    """Three digits, or all before the point."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def write_json(file: Path, machine: Machine, figures: Sequence[Figure]) -> None:
    """One object; the folder is made where it is missing."""
    result = Result(time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), machine, figures)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(msgspec.json.format(msgspec.json.encode(result), indent=2) + b"\n")
