"""A constant stream of events, whatever becomes of it: the load of the latency and the fail-over benchmark.

`python -m benchmarks.steady BOOTSTRAP LANES RATE SECONDS` prints when its first event is due (`time.monotonic`) and
sends event n at that time + n / RATE; it is never slower because the broker is, so what waits counts as latency.
Sending takes up to `LINGER_S`, as Kafka's own producer does by default since 4.0; that counts as well.
"""

import asyncio
import sys
import time
from typing import Any

from benchmarks.cluster import EVENTS_TOPIC
from benchmarks.filling import SEED, batch_producer
from engine.core.partitioner import by_murmur2
from engine.local.load import benchmark_events

BEGINS = "begins "
LINGER_S = 0.005
LEAD_IN_S = 1.0
LEADS = 100_000
Event = tuple[float, bytes, bytes]
"""Seconds after the first one, key and value."""


async def send_steadily(bootstrap: str, lanes: int, rate: float, seconds: float) -> None:
    """Send until all is sent."""
    waiting = _by_lane(lanes, rate, seconds)
    async with batch_producer(bootstrap) as producer:
        await producer.client.set_topics([EVENTS_TOPIC])
        begin_s = time.monotonic() + LEAD_IN_S
        print(f"{BEGINS}{begin_s}", flush=True)
        await asyncio.gather(*(_send_lane(producer, lane, events, begin_s) for lane, events in enumerate(waiting)))


def _by_lane(lanes: int, rate: float, seconds: float) -> list[list[Event]]:
    # The load is made before its clock starts; an event that says it is some seconds older is scored no differently.
    count = int(rate * seconds)
    waiting: list[list[Event]] = [[] for _ in range(lanes)]
    for number, (key, value) in enumerate(benchmark_events(SEED, LEADS, count, int(time.time() * 1000) - 60_000, rate)):
        waiting[by_murmur2(key, lanes)].append((number / rate, key, value))
    return waiting


async def _send_lane(producer: Any, lane: int, events: list[Event], begin_s: float) -> None:
    """What is due goes as one batch; the next one waits until the broker has it, or for the linger."""
    sent = 0
    while sent < len(events):
        await asyncio.sleep(max(0.0, begin_s + events[sent][0] + LINGER_S - time.monotonic()))
        now_s, now_ms = time.monotonic() - begin_s, int(time.time() * 1000)
        batch = producer.create_batch()
        while sent < len(events) and events[sent][0] <= now_s:
            if batch.append(timestamp=now_ms, key=events[sent][1], value=events[sent][2]) is None:
                break
            sent += 1
        future = await producer.send_batch(batch, EVENTS_TOPIC, partition=lane)
        await future


if __name__ == "__main__":
    asyncio.run(send_steadily(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4])))
