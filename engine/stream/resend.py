"""Sends dead letters back to where they came from, each batch with its receipts."""

import asyncio
from collections.abc import Sequence

from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    InvalidTimestampError,
    InvalidTopicError,
    KafkaError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
)

from engine.core.flow import InputRecord
from engine.core.rejects import TOPIC, restore
from engine.stream.admin import ClusterError
from engine.stream.letters import RECEIPT, Letter
from engine.stream.settings import StreamSettings

_REFUSALS = (
    InvalidTimestampError,
    InvalidTopicError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
)
"""What concerns one record; any other error concerns the cluster."""

_TRANSACTION_MS = 60_000
_STOP_S = 5.0


async def fresh_sender(settings: StreamSettings) -> "Sender":
    """A sender that has shut out every other. Raises ClusterError."""
    sender = Sender(settings)
    await sender.open()
    return sender


class Sender:
    """Writes records and receipts, a transaction for each batch unless `settings.plain`."""

    def __init__(self, settings: StreamSettings) -> None:
        """Not open yet."""
        self._settings = settings
        self._producer: AIOKafkaProducer | None = None

    async def open(self) -> None:
        """Starts a producer; a transactional one fences whoever had the id. Raises ClusterError."""
        own = (
            {}
            if self._settings.plain
            else {
                "transactional_id": f"{self._settings.app_id}-{TOPIC}",
                "transaction_timeout_ms": _TRANSACTION_MS,
            }
        )
        self._producer = AIOKafkaProducer(**self._settings.client, acks="all", **own)
        try:
            await self._producer.start()
        except (KafkaError, OSError, TimeoutError) as error:
            await self.close()
            raise ClusterError(f"nothing can be sent to {self._settings.bootstrap}: {error}") from error

    async def close(self) -> None:
        """Stops the producer; an open transaction is left to the broker, which aborts it."""
        producer, self._producer = self._producer, None
        if producer is not None:
            try:
                await asyncio.wait_for(producer.stop(), _STOP_S)
            except (KafkaError, OSError, TimeoutError):
                return

    async def send(self, batch: Sequence[Letter]) -> dict[str, str]:
        """Sends a batch: whole, or one by one where a record of it is refused. Returns why, by the letter's id.

        Raises ClusterError where the cluster fails; then the batch may have been sent, which its receipts tell.
        """
        if self._settings.plain and len(batch) > 1:
            # Without a transaction a refused record does not take its neighbours back.
            return await self._each(batch)
        try:
            await self._write(batch)
        except _REFUSALS as error:
            await self.close()
            await self.open()
            if len(batch) == 1:
                return {batch[0].id: f"refused by the broker: {error}"}
            return await self._each(batch)
        except (KafkaError, OSError, TimeoutError) as error:
            raise ClusterError(f"sending to {self._settings.bootstrap} failed: {error}; run the retry again") from error
        return {}

    async def _each(self, batch: Sequence[Letter]) -> dict[str, str]:
        return {place: why for letter in batch for place, why in (await self.send([letter])).items()}

    async def _write(self, batch: Sequence[Letter]) -> None:
        if self._producer is None:
            raise RuntimeError("the sender is not open")
        if self._settings.plain:
            await self._send_all(self._producer, batch)
            await self._send_receipts(self._producer, batch)
            return
        await self._producer.begin_transaction()
        await self._send_all(self._producer, batch)
        await self._send_receipts(self._producer, batch)
        await self._producer.commit_transaction()

    async def _send_all(self, producer: AIOKafkaProducer, batch: Sequence[Letter]) -> None:
        futures = []
        for letter in batch:
            record = restore(letter.body.payload)
            # A record that was retried before names only its latest dead letter.
            kept = tuple((name, value) for name, value in record.headers if name != RECEIPT)
            futures.append(await _produce(producer, record._replace(headers=(*kept, (RECEIPT, letter.id.encode())))))
        await _acknowledged(futures)

    async def _send_receipts(self, producer: AIOKafkaProducer, batch: Sequence[Letter]) -> None:
        futures = [
            await producer.send(
                TOPIC, key=letter.original.encode(), partition=letter.partition, headers=[(RECEIPT, letter.id.encode())]
            )
            for letter in batch
        ]
        await _acknowledged(futures)


async def _produce(producer: AIOKafkaProducer, record: InputRecord) -> "asyncio.Future[object]":
    content = {"key": record.key, "value": record.value, "headers": list(record.headers)}
    if record.timestamp < 0 or (record.key is None and record.value is None):
        # aiokafka refuses a record with neither key nor value, and takes the time -1 for none yet and gives such a
        # record its neighbour's; in a batch of its own Kafka's own rules hold.
        batch = producer.create_batch()
        batch.append(timestamp=record.timestamp, **content)
        batch.close()
        return await producer.send_batch(batch, record.topic, partition=record.partition)
    return await producer.send(record.topic, partition=record.partition, timestamp_ms=record.timestamp, **content)


async def _acknowledged(futures: "Sequence[asyncio.Future[object]]") -> None:
    """Every record is there. Raises the first error, after all have ended."""
    results = await asyncio.gather(*futures, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
