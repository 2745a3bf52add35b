"""How far the notifier says it is behind, by a clock that the test moves, while Kafka or the store is away."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaConnectionError

from engine.notify.config import Notify
from engine.notify.follower import Follower
from engine.notify.memory import MemoryStore
from engine.notify.metrics import NotifierMetrics
from engine.notify.port import Batch, StoreAway
from engine.readmodel.events import itself

ALERTS = TopicPartition("lead-alerts", 0)
NOON_S = 1_767_960_000.0


class Log:
    """One partition, and its only consumer; `away` as its broker, which keeps back the `withheld` newest records."""

    def __init__(self) -> None:
        self.away = False
        self.withheld = 0
        self.made_s: list[float] = []
        self.read_up_to = 0

    @asynccontextmanager
    async def consumer(self, topics: Collection[str], client: Mapping[str, Any]) -> AsyncIterator["Log"]:
        self._reach()
        yield self

    def assignment(self) -> set[TopicPartition]:
        return {ALERTS}

    def seek(self, partition: TopicPartition, offset: int) -> None:
        self.read_up_to = offset

    async def position(self, partition: TopicPartition) -> int:
        return self.read_up_to

    async def beginning_offsets(self, partitions: Collection[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(partitions, 0)

    async def end_offsets(self, partitions: Collection[TopicPartition]) -> dict[TopicPartition, int]:
        self._reach()
        return dict.fromkeys(partitions, len(self.made_s))

    async def getmany(self, timeout_ms: int, max_records: int) -> dict[TopicPartition, list[ConsumerRecord]]:
        """One record at most, and none that anybody is told of."""
        await asyncio.sleep(0)
        if self.away or self.read_up_to == len(self.made_s) - self.withheld:
            return {}
        made_ms = int(self.made_s[self.read_up_to] * 1000)
        record = ConsumerRecord(ALERTS.topic, 0, self.read_up_to, made_ms, 0, None, b"{}", None, 0, 2, ())
        self.read_up_to += 1
        return {ALERTS: [record]}

    def _reach(self) -> None:
        if self.away:
            raise KafkaConnectionError


class Store(MemoryStore):
    """One that can be away."""

    away = False

    async def positions(self) -> dict[tuple[str, int], int]:
        self._reach()
        return await super().positions()

    async def take(self, batch: Batch) -> None:
        self._reach()
        await super().take(batch)

    def _reach(self) -> None:
        if self.away:
            raise StoreAway("Redis at test: away")


class Bench:
    """A follower of a log into a store, all of which can be away."""

    def __init__(self) -> None:
        self.log, self.store, self.metrics = Log(), Store(), NotifierMetrics("test")
        self.now_s = NOON_S
        self.follower = Follower(self.store, {}, Notify, itself, self.metrics, lambda: None, lambda: self.now_s)

    def lag_s(self) -> float:
        return self.metrics.registry.get_sample_value("heatline_notify_lag_seconds") or 0.0

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        stop = asyncio.Event()
        running = asyncio.create_task(self.follower.run(stop))
        yield
        stop.set()
        await asyncio.wait_for(running, 5)

    async def until(self, holds: Callable[[], bool]) -> None:
        for _ in range(2_000):
            if holds():
                return
            await asyncio.sleep(0.001)
        pytest.fail(f"never: the lag is {self.lag_s()} s")


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Bench:
    made = Bench()
    monkeypatch.setattr("engine.notify.follower.committed_consumer", made.log.consumer)
    monkeypatch.setattr("engine.notify.follower.BEAT_S", 0.0)
    monkeypatch.setattr("engine.stream.outage._BACKOFF_S", 0.001)
    return made


@pytest.mark.parametrize("what", ["log", "store"])
async def test_the_lag_grows_while_kafka_or_the_store_is_away(bench: Bench, what: str) -> None:
    """By the second, from the instant of which it is last known; when both are back it is 0 again."""
    async with bench.running():
        await bench.until(lambda: bench.follower.ready)
        assert bench.lag_s() == 0.0
        server = getattr(bench, what)
        server.away = True
        bench.log.made_s.append(NOON_S)
        bench.now_s += 70.0
        await bench.until(lambda: bench.lag_s() == 70.0)
        bench.now_s += 20.0
        await bench.until(lambda: bench.lag_s() == 90.0)
        server.away = False
        await bench.until(lambda: bench.lag_s() == 0.0)
    assert await bench.store.positions() == {("lead-alerts", 0): 1}


async def test_who_never_reached_them_is_behind_since_the_start(bench: Bench) -> None:
    """And not ready; who did once stays ready, and only falls behind."""
    bench.log.away = True
    bench.now_s += 61.0
    async with bench.running():
        await bench.until(lambda: bench.lag_s() == 61.0)
        assert not bench.follower.ready
        bench.log.away = False
        await bench.until(lambda: bench.follower.ready)
        bench.log.away = True
        bench.now_s += 61.0
        await bench.until(lambda: bench.lag_s() == 61.0)
        assert bench.follower.ready


async def test_what_is_unread_is_as_old_as_the_last_record_read(bench: Bench) -> None:
    """Also while nothing comes: at 40 s the first of two records is read, and 5 s later the second is still missing."""
    async with bench.running():
        await bench.until(lambda: bench.follower.ready)
        bench.log.made_s += [NOON_S, NOON_S + 30.0]
        bench.log.withheld = 1
        bench.now_s += 40.0
        await bench.until(lambda: bench.lag_s() == 40.0)
        bench.now_s += 5.0
        await bench.until(lambda: bench.lag_s() == 45.0)
        bench.log.withheld = 0
        await bench.until(lambda: bench.lag_s() == 0.0)
    assert await bench.store.positions() == {("lead-alerts", 0): 2}
