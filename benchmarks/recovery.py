"""How fast a worker reads a large table back, and how much memory it then takes."""

import asyncio
import time
from collections.abc import Iterator
from itertools import islice

from benchmarks.cluster import Worker, running_cluster
from benchmarks.filling import SEED, Placed, fill
from benchmarks.report import Figure, at_least, at_most
from benchmarks.sizes import Sizes
from engine.configuration import load_folder
from engine.core.agenda import Agenda
from engine.core.flow import InputRecord
from engine.core.partitioner import by_murmur2
from engine.local.load import benchmark_events
from tests.servers.install import ROOT

LANES = 4
CHANGELOG = "profiles-changelog"
CHUNK = 1_000
EVENTS_MAX = 3
GAP_MS = 60_000
POLL_S = 0.05
WITHIN_S = 300.0
MANY = 2**40
"""So many visitors to draw from that hardly any comes twice."""


def recovery(sizes: Sizes) -> Iterator[Figure]:
    """A worker without rows, then one that finds `leads` of them in its changelog."""
    with running_cluster(LANES) as cluster:
        empty = cluster.worker().start()
        baseline = empty.rss_bytes
        empty.stop()
        written: list[int] = []
        asyncio.run(fill(cluster.kafka.bootstrap, CHANGELOG, _counted(rows(sizes.leads, LANES), written)))
        worker = cluster.worker()
        recovery_s, start_s = time_recovery(worker)
        resident = worker.rss_bytes
        worker.stop()
    leads, packed = written
    yield Figure("recovery", "rows", leads / recovery_s, "rows/s", at_least(200_000), "first row known of to ready")
    yield Figure("recovery", "process started to ready", start_s, "s", note=f"{leads:,} leads, {LANES} lanes")
    yield Figure("memory", "a lead", (resident - baseline) / leads, "bytes", at_most(400), "above one without rows")
    yield Figure("memory", "a lead, whole process", resident / leads, "bytes", at_most(400))
    yield Figure("memory", "a packed row", packed / leads, "bytes", note="value, without its key of 32 bytes")
    yield Figure("memory", "worker without rows", baseline / 2**20, "MiB")
    yield Figure("memory", "worker with all rows", resident / 2**20, "MiB", note=f"{leads:,} leads")


def time_recovery(worker: Worker) -> tuple[float, float]:
    """Seconds until it is ready, from the first rows that it knows of and from its start. Raises TimeoutError."""
    started_s = time.monotonic()
    worker.start(wait=False)
    began_s: float | None = None
    while not ready(worker):
        now_s = time.monotonic()
        if began_s is None and remaining(worker) > 0:
            began_s = now_s
        if now_s - started_s > WITHIN_S:
            raise TimeoutError(f"the worker is not ready after {WITHIN_S:g} s")
        time.sleep(POLL_S)
    ended_s = time.monotonic()
    return ended_s - (began_s or started_s), ended_s - started_s


def ready(worker: Worker) -> bool:
    """Whether it answers and is ready."""
    try:
        return worker.answers()
    except OSError:
        return False


def remaining(worker: Worker) -> float:
    """Rows that it knows of and has still to read."""
    try:
        return worker.sample("heatline_recovery_remaining_records")
    except OSError:
        return 0.0


def rows(leads: int, lanes: int) -> Iterator[Placed]:
    """The rows that the score job makes of `leads` visitors with one to three events each."""
    job = load_folder(ROOT / "config").jobs(lanes)[0]
    now_ms = int(time.time() * 1000)
    # The same kind of events for each of three seeds: a visitor's later ones take its id.
    streams = [
        benchmark_events(SEED + more, MANY, leads, now_ms - (EVENTS_MAX - more) * GAP_MS, leads)
        for more in range(EVENTS_MAX)
    ]
    triples = enumerate(zip(*streams, strict=True))
    while chunk := list(islice(triples, CHUNK)):
        placed: dict[bytes, int] = {}
        records: dict[int, list[InputRecord]] = {lane: [] for lane in range(lanes)}
        for number, events in chunk:
            key = events[0][0]
            lane = placed[key] = by_murmur2(key, lanes)
            for other, value in events[: 1 + number % EVENTS_MAX]:
                records[lane].append(
                    InputRecord("visitor-events", lane, number, now_ms, key, value.replace(other, key))
                )
        for lane, found in records.items():
            for key, row in job.fold(lane, found, {}, Agenda()).rows.items():
                if row is not None:
                    yield Placed(lane, now_ms, key, row)


def _counted(placed: Iterator[Placed], into: list[int]) -> Iterator[Placed]:
    """`placed`; how many rows and bytes it was is put `into` the list at the end."""
    count = size = 0
    for one in placed:
        count += 1
        size += len(one.value)
        yield one
    into[:] = [count, size]
