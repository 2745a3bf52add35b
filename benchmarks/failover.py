"""How long the leads of a killed worker stand still, under traffic, with the default session of three seconds."""

import asyncio
import time
from collections.abc import Callable, Iterator
from statistics import median

from aiokafka import AIOKafkaConsumer, TopicPartition

from benchmarks.cluster import running_cluster, until
from benchmarks.report import Figure, at_most
from benchmarks.sizes import Sizes
from engine.stream.shard import POSITIONS

LANES = 12
RATE = 1_000
CHANGELOG = "profiles-changelog"
WITHIN_S = 60.0
ROUND_S = 60
SETTLES_S = 4.0


def failover(sizes: Sizes) -> Iterator[Figure]:
    """Two workers; one is killed (SIGKILL), and a new one takes its place before the next round."""
    taken_s = []
    with running_cluster(LANES) as cluster:
        bootstrap = cluster.kafka.bootstrap
        workers = [cluster.worker(0).start(), cluster.worker(1).start()]
        seconds = str(ROUND_S * sizes.failovers)
        sender = cluster.program("steady", bootstrap, str(LANES), str(RATE), seconds).start()

        def shared() -> bool:
            return all(worker.sample("heatline_lanes_owned", table="profiles") == LANES / 2 for worker in workers)

        for number in range(sizes.failovers):
            until(shared, "two workers share the lanes", WITHIN_S)
            time.sleep(SETTLES_S)
            taken_s.append(asyncio.run(_time_failover(bootstrap, workers.pop(0).kill)))
            workers.append(cluster.worker(number + 2).start())
        sender.kill()
    note = f"{sizes.failovers} kills, {LANES} lanes, {RATE:,} events/s"
    yield Figure("fail-over", "kill to every lane committing, worst", max(taken_s), "s", at_most(4), note)
    yield Figure("fail-over", "kill to every lane committing, median", median(taken_s), "s")


async def _time_failover(bootstrap: str, kill: Callable[[], None]) -> float:
    """Seconds from `kill` until a transaction with records of every lane can be read. Raises TimeoutError."""
    waiting = [TopicPartition(CHANGELOG, lane) for lane in range(LANES)]
    async with AIOKafkaConsumer(bootstrap_servers=bootstrap, isolation_level="read_committed") as consumer:
        consumer.assign(waiting)
        began_s = time.monotonic()
        await asyncio.to_thread(kill)
        for partition, end in (await consumer.end_offsets(waiting)).items():
            consumer.seek(partition, end)
        async with asyncio.timeout(WITHIN_S):
            while waiting:
                for partition, records in (await consumer.getmany(timeout_ms=100)).items():
                    # A lane writes its positions last in each transaction, and only then.
                    if partition in waiting and any(record.key == POSITIONS for record in records):
                        waiting.remove(partition)
        return time.monotonic() - began_s
