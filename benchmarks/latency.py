"""How long from an event's production to its alert in the hands of a committed reader."""

import time
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from benchmarks.alerted import ALERT
from benchmarks.cluster import Program, running_cluster, until
from benchmarks.report import Figure, Goal, at_most
from benchmarks.sizes import Sizes
from benchmarks.steady import BEGINS


class Load(NamedTuple):
    """Events a second over so many lanes, and the goal of the 99th percentile."""

    rate: int
    lanes: int
    p99_ms: float


LOADS = (Load(5_000, 4, 40.0), Load(20_000, 4, 60.0), Load(5_000, 12, 80.0))
DRAINED_WITHIN_S = 60.0
SETTLES_S = 1.0
STARTS_WITHIN_S = 120.0
SHARES: tuple[tuple[str, float], ...] = (("p50", 0.5), ("p95", 0.95), ("p99", 0.99), ("max", 1.0))


def latency(sizes: Sizes) -> Iterator[Figure]:
    """A broker, a worker, a producer and a reader for each load, all on this machine's cores at once."""
    for load in LOADS:
        latencies_ms = sorted(measure(load, sizes.warm_up_s, sizes.measured_s))
        for name, share in SHARES:
            goal: Goal | None = at_most(load.p99_ms) if name == "p99" else None
            value = latencies_ms[min(len(latencies_ms) - 1, int(share * len(latencies_ms)))]
            what = f"{load.rate:,}/s, {load.lanes} lanes, {name}"
            yield Figure("latency", what, value, "ms", goal, f"{len(latencies_ms)} alerts" if name == "p50" else "")


def measure(load: Load, warm_up_s: int, measured_s: int) -> Sequence[float]:
    """The latencies of the alerts caused after the warm-up, in ms. Raises RuntimeError where there are none."""
    with running_cluster(load.lanes) as cluster:
        bootstrap = cluster.kafka.bootstrap
        worker = cluster.worker().start()
        reader = cluster.program("alerted", bootstrap).start()
        seconds = warm_up_s + measured_s
        sender = cluster.program("steady", bootstrap, str(load.lanes), str(load.rate), str(seconds))
        sender.start(wait=False)
        until(lambda: bool(sender.said(BEGINS)), "the producer starts", STARTS_WITHIN_S)
        begin_s = float(sender.said(BEGINS)[0])
        until(lambda: not sender.running, "the producer ends", begin_s - time.monotonic() + seconds + 30)
        # The slowest alerts count as well.
        until(lambda: worker.consumed() >= load.rate * seconds, "the worker has read all events", DRAINED_WITHIN_S)
        time.sleep(SETTLES_S)
        return list(_latencies_ms(reader, begin_s, load.rate, warm_up_s))


def _latencies_ms(reader: Program, begin_s: float, rate: int, warm_up_s: int) -> Iterator[float]:
    seen = [line.split() for line in reader.said(ALERT)]
    if not (seen and reader.running):
        raise RuntimeError(f"no alerts were read: {reader.said()[-1:]}")
    for number, at_s in seen:
        due_s = int(number) / rate
        if due_s >= warm_up_s:
            yield (float(at_s) - begin_s - due_s) * 1000
