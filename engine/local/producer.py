"""Sending to Kafka from outside of a worker: acknowledged by all replicas, idempotent where the broker can."""

from asyncio import Future
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaConnectionError, KafkaError, UnknownError

from engine.local.errors import LocalError, no_broker, what_is_raised_is_said_once
from engine.local.lines import Message

_IN_FLIGHT_MAX = 10_000
_LINGER_MS = 5
_BATCH_BYTES_MAX = 256 * 1024


class Sender:
    """Sends to one topic without waiting for each record; `acknowledged` counts what the broker has."""

    def __init__(self, producer: AIOKafkaProducer, topic: str) -> None:
        self.acknowledged = 0
        self._producer = producer
        self._topic = topic
        self._in_flight: deque[Future[Any]] = deque()

    async def send(self, message: Message) -> None:
        """Hand `message` over; waits only where too many are on their way. Raises LocalError where one fails."""
        if len(self._in_flight) >= _IN_FLIGHT_MAX:
            await self._acknowledge(_IN_FLIGHT_MAX // 2)
        try:
            future = await self._producer.send(
                self._topic, message.value, key=message.key, timestamp_ms=message.timestamp_ms
            )
        except KafkaError as error:
            raise self._failed(error) from error
        self._in_flight.append(future)

    async def drain(self) -> None:
        """Wait until the broker has all. Raises LocalError where one fails."""
        await self._acknowledge(len(self._in_flight))

    async def _acknowledge(self, count: int) -> None:
        try:
            for _ in range(count):
                await self._in_flight[0]
                self._in_flight.popleft()
                self.acknowledged += 1
        except KafkaError as error:
            raise self._failed(error) from error

    def _failed(self, error: KafkaError) -> LocalError:
        return LocalError(f"{self._topic} does not take a record: {error}")


@asynccontextmanager
async def connected_producer(
    bootstrap: str, security: Mapping[str, Any] | None = None
) -> AsyncIterator[AIOKafkaProducer]:
    """A producer with acks=all; what is on its way when the block ends is still sent.

    Idempotent but for brokers that know no producer ids (Tansu): there a retry may double a record, which its
    `messageId` makes harmless. `security` is aiokafka's. Raises LocalError where no broker answers.
    """
    try:
        producer = await _started(bootstrap, security, idempotent=True)
    except UnknownError:
        producer = await _started(bootstrap, security, idempotent=False)
    try:
        yield producer
    finally:
        await producer.stop()


async def _started(bootstrap: str, security: Mapping[str, Any] | None, *, idempotent: bool) -> AIOKafkaProducer:
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap,
        acks="all",
        enable_idempotence=idempotent,
        linger_ms=_LINGER_MS,
        max_batch_size=_BATCH_BYTES_MAX,
        **(security or {}),
    )
    try:
        with what_is_raised_is_said_once():
            await producer.start()
    except KafkaConnectionError as error:
        await producer.stop()
        raise no_broker(bootstrap) from error
    except BaseException:
        await producer.stop()
        raise
    return producer
