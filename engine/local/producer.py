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
        while self._in_flight and (self._in_flight[0].done() or len(self._in_flight) >= _IN_FLIGHT_MAX):
            await self._await_oldest()
        try:
            future = await self._producer.send(
                self._topic, message.value, key=message.key, timestamp_ms=message.timestamp_ms
            )
        except KafkaError as error:
            raise self._failed(error) from error
        future.add_done_callback(self._count)
        self._in_flight.append(future)

    async def drain(self) -> None:
        """Wait until the broker has all. Raises LocalError where one fails."""
        while self._in_flight:
            await self._await_oldest()

    async def _await_oldest(self) -> None:
        try:
            await self._in_flight[0]
            self._in_flight.popleft()
        except KafkaError as error:
            raise self._failed(error) from error

    def _count(self, sent: Future[Any]) -> None:
        self.acknowledged += not sent.cancelled() and sent.exception() is None

    def _failed(self, error: KafkaError) -> LocalError:
        return LocalError(f"{self._topic} does not take a record: {error}")


@asynccontextmanager
async def connected_producer(
    bootstrap: str, security: Mapping[str, Any] | None = None, **options: Any
) -> AsyncIterator[AIOKafkaProducer]:
    """A producer with acks=all; what is on its way when the block ends is still sent.

    Idempotent but for brokers that know no producer ids (Tansu): there a retry may double a record, which its
    `messageId` makes harmless. `security` and `options` are aiokafka's. Raises LocalError where no broker answers.
    """
    try:
        producer = await _started(bootstrap, security, options, idempotent=True)
    except UnknownError:
        producer = await _started(bootstrap, security, options, idempotent=False)
    try:
        yield producer
    finally:
        await producer.stop()


async def _started(
    bootstrap: str, security: Mapping[str, Any] | None, options: Mapping[str, Any], *, idempotent: bool
) -> AIOKafkaProducer:
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap,
        acks="all",
        enable_idempotence=idempotent,
        linger_ms=_LINGER_MS,
        max_batch_size=_BATCH_BYTES_MAX,
        **(security or {}),
        **options,
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
