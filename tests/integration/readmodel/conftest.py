"""A broker with the topics that a read model is made from, and a projector to run against it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, NamedTuple

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from engine.core.flow import Output
from engine.readmodel.events import TOPICS
from engine.readmodel.port import ReadModel
from engine.readmodel.projector import run_projector
from tests.servers.kafka import KafkaServer

PARTITIONS = 2


class Cluster(NamedTuple):
    """A broker that has no topics but those of these tests, whose names are fixed."""

    server: KafkaServer

    @property
    def client(self) -> dict[str, Any]:
        """What connects to it."""
        return {"bootstrap_servers": self.server.bootstrap}

    async def create(self) -> None:
        """Make the topics."""
        async with self._admin() as admin:
            await admin.create_topics([NewTopic(topic, PARTITIONS, 1) for topic in TOPICS])

    async def delete(self) -> None:
        """Drop the topics and everything in them."""
        async with self._admin() as admin:
            await admin.delete_topics(list(TOPICS))

    async def put(self, outputs: Iterable[Output], *, partition: int | None = None) -> None:
        """Append outputs, in order, acknowledged."""
        async with AIOKafkaProducer(**self.client) as producer:
            for made in outputs:
                await producer.send_and_wait(made.topic, made.value, made.key, partition, headers=list(made.headers))

    @asynccontextmanager
    async def _admin(self) -> AsyncIterator[Any]:
        admin = AIOKafkaAdminClient(**self.client)
        await admin.start()
        try:
            yield admin
        finally:
            await admin.close()


@pytest.fixture
async def cluster(broker: KafkaServer) -> AsyncIterator[Cluster]:
    """The broker with empty topics."""
    made = Cluster(broker)
    await made.create()
    yield made
    await made.delete()


class Heard(NamedTuple):
    """What a projector reported."""

    lags: list[float]
    dropped: list[tuple[str, int]]
    bands: list[Mapping[str, int]]


@asynccontextmanager
async def projecting(model: ReadModel, cluster: Cluster) -> AsyncIterator[Heard]:
    """A projector that runs, and must end in order."""
    heard, stop = Heard([], [], []), asyncio.Event()

    def dropped(reason: str, records: int) -> None:
        heard.dropped.append((reason, records))

    def bands(leads: Mapping[str, int]) -> None:
        heard.bands.append({band: count for band, count in leads.items() if count})

    task = asyncio.create_task(run_projector(model, cluster.client, stop, heard.lags.append, dropped, on_bands=bands))
    async with AsyncExitStack() as stack:
        stack.push_async_callback(asyncio.wait_for, task, 20)
        stack.callback(stop.set)
        yield heard


async def until(true: Callable[[], Any], timeout_s: float = 60.0) -> None:
    """Wait until `true()`, awaited, holds."""
    async with asyncio.timeout(timeout_s):
        while not await true():  # noqa: ASYNC110
            await asyncio.sleep(0.05)
