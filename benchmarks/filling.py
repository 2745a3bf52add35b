"""Filling topics before anything is timed: whole batches, by the partition that each record belongs to."""

import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from aiokafka import AIOKafkaProducer

from engine.core.partitioner import by_murmur2
from engine.local.load import benchmark_events

BATCH_BYTES = 900_000
IN_FLIGHT_MAX = 16
SEED = 1
EVENTS_PER_S = 10_000.0


class Placed(NamedTuple):
    """A record and where it goes."""

    partition: int
    timestamp_ms: int
    key: bytes
    value: bytes


def placed_events(events: int, leads: int, lanes: int) -> Iterator[Placed]:
    """The load generator's events, ending now, each recorded when it happened."""
    start_ms = int((time.time() - events / EVENTS_PER_S) * 1000)
    for number, (key, value) in enumerate(benchmark_events(SEED, leads, events, start_ms, EVENTS_PER_S)):
        yield Placed(by_murmur2(key, lanes), start_ms + int(number * 1000 / EVENTS_PER_S), key, value)


@asynccontextmanager
async def batch_producer(bootstrap: str) -> AsyncIterator[AIOKafkaProducer]:
    """A producer for whole batches."""
    async with AIOKafkaProducer(
        bootstrap_servers=bootstrap, acks="all", max_batch_size=BATCH_BYTES, max_request_size=4 * BATCH_BYTES
    ) as producer:
        yield producer


async def fill(bootstrap: str, topic: str, records: Iterable[Placed]) -> Counter[int]:
    """Write `records`; how many went to each partition."""
    counts: Counter[int] = Counter()
    builders: dict[int, Any] = {}
    in_flight: deque[Any] = deque()
    async with batch_producer(bootstrap) as producer:

        async def send(partition: int) -> None:
            in_flight.append(await producer.send_batch(builders.pop(partition), topic, partition=partition))
            if len(in_flight) > IN_FLIGHT_MAX:
                await in_flight.popleft()

        for partition, timestamp_ms, key, value in records:
            builder = builders.get(partition) or builders.setdefault(partition, producer.create_batch())
            if builder.append(timestamp=timestamp_ms, key=key, value=value) is None:
                await send(partition)
                builder = builders[partition] = producer.create_batch()
                builder.append(timestamp=timestamp_ms, key=key, value=value)
            counts[partition] += 1
        for partition in list(builders):
            await send(partition)
        for future in in_flight:
            await future
    return counts
