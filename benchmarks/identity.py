"""People with several ids: a thousand seeds of the simulated cluster, and what forwarded events cost."""

import asyncio
import time
from collections.abc import Iterator
from random import Random

from benchmarks.cluster import EVENTS_TOPIC, running_cluster
from benchmarks.filling import Placed, fill, placed_events
from benchmarks.report import Figure, at_most
from benchmarks.sizes import Sizes
from benchmarks.throughput import EVENTS_PER_LEAD, LANES, STEADY, rate, watch
from tests.identity.test_cluster import run
from tests.identity.truth import differences, truth

FORWARDED = 0.1
SHOWN_MAX = 20


def identity(sizes: Sizes) -> Iterator[Figure]:
    """Raises RuntimeError that names leads where a row differs from what one id from the start would have made."""
    yield from _seeds(sizes.identity_seeds)
    yield from _forwarded(sizes.events // 4)


def _seeds(seeds: int) -> Iterator[Figure]:
    began_s = time.monotonic()
    wrong: list[str] = []
    commits = crashes = moves = 0
    for seed in range(seeds):
        cluster, seen = run(seed)
        wrong += (f"seed {seed}: {found}" for found in differences(truth(seen), cluster.rows()))
        commits, crashes, moves = commits + cluster.commits, crashes + cluster.crashes, moves + cluster.moves
    if wrong:
        told = "\n".join(wrong[:SHOWN_MAX])
        raise RuntimeError(f"{len(wrong)} differences, of which the first:\n{told}")
    note = f"{seeds:,} seeds, {commits:,} transactions, {crashes:,} crashes, {moves:,} lanes moved"
    yield Figure("identity", "differences from one id from the start", len(wrong), "", at_most(0), note)
    yield Figure("identity", "time", time.monotonic() - began_s, "s")


def _forwarded(events: int) -> Iterator[Figure]:
    """A worker over events of which a tenth arrive away from their visitors' home."""
    draw = Random(1)
    with running_cluster(LANES) as cluster:
        placed = (_astray(one, draw) for one in placed_events(events, events // EVENTS_PER_LEAD, LANES))
        asyncio.run(fill(cluster.kafka.bootstrap, EVENTS_TOPIC, placed))
        worker = cluster.worker()
        steady = rate(watch(worker, worker.consumed, events), *STEADY)
        share = worker.sample("heatline_events_forwarded_total") / events * 100
        worker.stop()
    note = f"{events:,} events, {LANES} lanes, {FORWARDED:.0%} sent to another partition than their visitor's"
    yield Figure("identity", "worker with forwarded events, steady state", steady.per_s, "events/s", note=note)
    yield Figure("identity", "forwarded, those behind pointers included", share, "% of events")


def _astray(placed: Placed, draw: Random) -> Placed:
    if draw.random() >= FORWARDED:
        return placed
    return placed._replace(partition=(placed.partition + 1) % LANES)
