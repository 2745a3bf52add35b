"""How many events a second one worker commits, and a stock Faust agent beside it on the same topic."""

import asyncio
import time
from bisect import bisect_left
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import NamedTuple

from benchmarks.cluster import EVENTS_TOPIC, Cluster, Program, running_cluster
from benchmarks.filling import fill, placed_events
from benchmarks.report import Figure, at_least
from benchmarks.sizes import Sizes

LANES = 4
EVENTS_PER_LEAD = 3
SAMPLE_EVERY_S = 0.2
STEADY = (0.2, 0.8)
"""The middle of the events, where neither start nor end shows."""
STALLED_AFTER_S = 60.0
PROGRESS = "progress "


class Sample(NamedTuple):
    """How many events were committed and how much processor time was used by a time (`time.monotonic`)."""

    at_s: float
    events: float
    cpu_s: float


def throughput(sizes: Sizes) -> Iterator[Figure]:
    """A worker over all events, then the stock agent over the first of them."""
    with running_cluster(LANES) as cluster:
        events = placed_events(sizes.events, sizes.events // EVENTS_PER_LEAD, LANES)
        asyncio.run(fill(cluster.kafka.bootstrap, EVENTS_TOPIC, events))
        ours, ours_cpu_us = yield from _worker(cluster, sizes.events)
        stock, stock_cpu_us = yield from _stock(cluster, sizes.stock_events)
    yield Figure("throughput", "worker ÷ stock agent", ours / stock, "×", at_least(8))
    yield Figure("throughput", "the same by processor time", stock_cpu_us / ours_cpu_us, "×")


def _worker(cluster: Cluster, events: int) -> Generator[Figure, None, "Rate"]:
    worker = cluster.worker()
    samples = watch(worker, worker.consumed, events)
    whole, steady = rate(samples, 0.0, 1.0), rate(samples, *STEADY)
    yield Figure("throughput", "worker, whole run", whole.per_s, "events/s", note=f"{events:,} events, {LANES} lanes")
    yield Figure("throughput", "worker, steady state", steady.per_s, "events/s", at_least(60_000), "its middle 60 %")
    yield Figure("throughput", "worker's processor time", steady.cpu_us, "µs/event", note="all threads, steady state")
    yield Figure("throughput", "worker's memory", worker.rss_bytes / 2**20, "MiB", note="resident, at the end")
    for metric, name in (("alerts", "alerts"), ("events_scored", "scored"), ("events_rejected", "dead letters")):
        share = worker.sample(f"heatline_{metric}_total") / events * 100
        yield Figure("throughput", name, share, "% of events")
    worker.stop()
    return steady


class Rate(NamedTuple):
    """Events a second, and processor time an event."""

    per_s: float
    cpu_us: float


def watch(program: Program, progress: Callable[[], float], events: int) -> Sequence[Sample]:
    """Start `program` and sample it until it has committed `events`; the first sample is the last one with none.

    Raises TimeoutError where it stalls.
    """
    program.start(wait=False)
    samples = [Sample(time.monotonic(), 0.0, program.cpu_s)]
    moved_s = time.monotonic()
    while samples[-1].events < events:
        time.sleep(SAMPLE_EVERY_S)
        try:
            done = progress()
        except OSError:
            done = 0.0
        sample = Sample(time.monotonic(), done, program.cpu_s if program.running else 0.0)
        if done > samples[-1].events:
            moved_s = sample.at_s
        if not program.running or sample.at_s - moved_s > STALLED_AFTER_S:
            said = "\n".join(program.said()[-20:])
            raise TimeoutError(f"{program.name} stands at {done:,.0f} of {events:,} events:\n{said}")
        samples[:] = [*samples, sample] if done else [sample]
    return samples


def rate(samples: Sequence[Sample], begin: float, end: float) -> Rate:
    """The rate between two shares of all events."""
    total = samples[-1].events
    first, last = _at(samples, begin * total), _at(samples, end * total)
    events = last.events - first.events
    return Rate(events / (last.at_s - first.at_s), (last.cpu_s - first.cpu_s) / events * 1e6)


def _at(samples: Sequence[Sample], events: float) -> Sample:
    """When so many events were committed, between the samples before and after."""
    after = bisect_left(samples, events, key=lambda sample: sample.events)
    if after == 0:
        return samples[0]
    a, b = samples[after - 1], samples[after]
    part = (events - a.events) / (b.events - a.events)
    return Sample(a.at_s + part * (b.at_s - a.at_s), events, a.cpu_s + part * (b.cpu_s - a.cpu_s))


def _stock(cluster: Cluster, events: int) -> Generator[Figure, None, Rate]:
    agent = cluster.program("stock", cluster.kafka.bootstrap, str(LANES), str(cluster.directory / "stock-data"))

    def progress() -> float:
        return max(map(float, agent.said(PROGRESS)), default=0.0)

    steady = rate(watch(agent, progress, events), *STEADY)
    agent.kill()
    note = f"the first {events:,} of the same events, steady state"
    yield Figure("throughput", "stock Faust agent", steady.per_s, "events/s", note=note)
    yield Figure("throughput", "stock agent's processor time", steady.cpu_us, "µs/event")
    return steady
