"""`python -m benchmarks [NAME ...]`: run them, print a table, write JSON if `--out` names a file."""

import argparse
import logging
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from rich.console import Console

from benchmarks.board import board
from benchmarks.core import core
from benchmarks.failover import failover
from benchmarks.faults import faults
from benchmarks.identity import identity
from benchmarks.latency import latency
from benchmarks.notify import notify
from benchmarks.paint import paint
from benchmarks.recovery import recovery
from benchmarks.report import Figure, print_figures, this_machine, write_json
from benchmarks.robots import robots
from benchmarks.routing import routing
from benchmarks.rules import rules
from benchmarks.sizes import QUICK, Sizes
from benchmarks.throughput import throughput

BENCHMARKS: Mapping[str, Callable[[Sizes], Iterator[Figure]]] = {
    "core": core,
    "rules": rules,
    "robots": robots,
    "throughput": throughput,
    "latency": latency,
    "recovery": recovery,
    "failover": failover,
    "faults": faults,
    "identity": identity,
    "routing": routing,
    "notify": notify,
    "board": board,
    "paint": paint,
}

FILE_COLUMNS = 160


def main() -> int:
    """Exit status 1 where a benchmark did not come to an end; a missed goal is no failure."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHMARKS)}; all if none is named")
    parser.add_argument("--quick", action="store_true", help="a smoke run: everything once, small, figures meaningless")
    parser.add_argument("--events", type=int, help=f"of the throughput run; {Sizes().events:,} by default")
    parser.add_argument("--leads", type=int, help=f"of the recovery run; {Sizes().leads:,} by default")
    parser.add_argument("--out", type=Path, help="write the figures as JSON, such as benchmarks/results/today.json")
    arguments = parser.parse_args()
    unknown = [name for name in arguments.names if name not in BENCHMARKS]
    if unknown:
        parser.error(f"no benchmark {', '.join(unknown)}: expected {', '.join(BENCHMARKS)}")
    given = {name: value for name in ("events", "leads") if (value := getattr(arguments, name)) is not None}
    sizes = (QUICK if arguments.quick else Sizes())._replace(**given)
    # Topics just made have no leader for a moment, and aiokafka warns of each try.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    console, machine = Console(), this_machine()
    if not console.is_terminal:
        console.width = FILE_COLUMNS
    figures: list[Figure] = []
    failed = False
    for name in arguments.names or BENCHMARKS:
        console.print(f"{name} …", style="dim")
        try:
            figures += BENCHMARKS[name](sizes)
        except (OSError, RuntimeError, AssertionError) as error:
            failed = True
            console.print(f"{name} did not come to an end: {error}", style="red", markup=False)
    print_figures(console, machine, figures)
    if arguments.out is not None:
        write_json(arguments.out, machine, figures)
    return int(failed)


if __name__ == "__main__":
    raise SystemExit(main())
