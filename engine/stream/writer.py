"""Writing a lane's outputs, rows and position: all of it readable at once, or none of it.

aiokafka's producer logs most failures instead of raising them, so every future is awaited, with a time limit of our
own (idempotent batches never expire). A producer that failed once is never used again.
"""

import asyncio
import contextlib
import time
from collections import defaultdict
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

import aiokafka
from aiokafka import errors as kafka
from aiokafka.producer import sender

from engine.stream.chunk import Partition
from engine.stream.errors import ClusterMismatch, RecordTooLarge, WriteFailed
from engine.stream.settings import StreamSettings
from engine.stream.shard import MARK

# After a commit the broker still writes its markers and answers CONCURRENT_TRANSACTIONS to the next transaction;
# aiokafka waits 20 ms for it, markers take one or two.
sender.BACKOFF_OVERRIDE = 0.002

RECORDS_PER_PRODUCER_MAX = 2**30
"""aiokafka's sequence numbers break at 2^31 records per partition and producer: a new producer well before."""

T = TypeVar("T")
FORBIDDEN = (
    kafka.TopicAuthorizationFailedError,
    kafka.TransactionalIdAuthorizationFailed,
    kafka.ClusterAuthorizationFailedError,
    kafka.IncompatibleBrokerVersion,
)
KeyValue = tuple[bytes | None, bytes | None, Sequence[tuple[str, bytes | None]]]
Batches = Mapping[Partition, Iterable[KeyValue]]


class Writer(Protocol):
    """How one lane writes."""

    async def open(self) -> int:
        """Become the lane's only writer, write a MARK; its offset in the changelog. Raises WriteFailed."""

    async def mark(self) -> int:
        """Write a MARK with the producer that is open: it succeeds where nobody else had the lane since."""

    async def write(self, outputs: Batches, changelog: Iterable[KeyValue]) -> None:
        """Write outputs, rows and the position row, which comes last in `changelog`. Raises WriteFailed."""

    async def close(self) -> None:
        """Give the lane up; never raises."""


class Producer:
    """An aiokafka producer that sends whole batches and fails for good."""

    def __init__(self, settings: StreamSettings, topics: Iterable[str], transactional_id: str | None = None) -> None:
        """Nothing is connected before `start`. `topics`: all that will be written to."""
        self._settings = settings
        self._topics = sorted(topics)
        self._transactional_id = transactional_id
        self._locks: defaultdict[Partition, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._starting = asyncio.Lock()
        self._records = 0
        self._producer: Any = None
        self.healthy = False

    async def start(self) -> None:
        """Connect; a transactional producer fences the one before it and waits until its transaction is ended."""
        settings = self._settings
        transactional = {
            "transactional_id": self._transactional_id,
            "transaction_timeout_ms": round(settings.transaction_timeout_s * 1000),
        }
        self._records = 0
        self._producer = aiokafka.AIOKafkaProducer(
            **settings.client,
            **(transactional if self._transactional_id else {}),
            client_id=self._transactional_id or settings.app_id,
            acks="all",
            enable_idempotence=settings.idempotent,
            max_batch_size=settings.record_bytes_max,
            max_request_size=settings.record_bytes_max,
            request_timeout_ms=round(settings.ack_timeout_s * 1000),
            retry_backoff_ms=10,
        )
        await self._guard(self._producer.start())
        # All partitions of a transaction are added in one request only where no send waits for metadata.
        await self._guard(self._producer.client.set_topics(self._topics))
        self.healthy = True

    async def transact(self, batches: Batches) -> dict[Partition, int]:
        """Write `batches` in one transaction; the offset of the first record of each partition."""
        return await self._guard(self._transact(self._built(batches)))

    async def send(self, batches: Batches) -> dict[Partition, int]:
        """Write `batches` and wait until all are acknowledged; the offset of the first record of each partition."""
        return await self._guard(self._send(self._built(batches)))

    async def ensure(self) -> None:
        """Start it where it has not been started or has failed."""
        async with self._starting:
            if not self.healthy:
                await self.stop()
                await self.start()

    async def stop(self) -> None:
        """Close the connections, at the latest after a second; never raises."""
        producer, self._producer, self.healthy = self._producer, None, False
        if producer is None:
            return
        with contextlib.suppress(Exception):
            await asyncio.wait_for(producer.stop(), 1.0)
        producer._closed = True
        await _end(producer._sender.sender_task)
        with contextlib.suppress(Exception):
            await asyncio.wait_for(producer.client.close(), 1.0)
        if producer._txn_manager is not None:
            _forget(producer._txn_manager._transaction_waiter)
        for batches in producer._message_accumulator._batches.values():
            for batch in batches:
                _forget(batch._drain_waiter)

    async def _transact(self, built: "list[tuple[Partition, list[Any]]]") -> dict[Partition, int]:
        producer = self._producer
        await producer.begin_transaction()
        offsets = await self._send(built)
        await producer.commit_transaction()
        return offsets

    async def _send(self, built: "list[tuple[Partition, list[Any]]]") -> dict[Partition, int]:
        """Hand over the first batch of every partition before anything is awaited, then what did not fit in."""
        futures = [(partition, await self._submit(batches[0], partition)) for partition, batches in built]
        for partition, batches in built:
            futures += [(partition, await self._submit(batch, partition)) for batch in batches[1:]]
        done = await asyncio.gather(*(future for _, future in futures))
        offsets: dict[Partition, int] = {}
        for (partition, _), metadata in zip(futures, done, strict=True):
            offsets.setdefault(partition, metadata.offset)
        return offsets

    async def _submit(self, batch: Any, partition: Partition) -> Awaitable[Any]:
        # aiokafka takes one waiting batch per partition, and those who wait for the place count their time twice.
        async with self._locks[partition]:
            return await self._producer.send_batch(batch, partition.topic, partition=partition.partition)

    def _built(self, batches: Batches) -> "list[tuple[Partition, list[Any]]]":
        """Records packed as the broker will store them. Raises WriteFailed where the producer is unfit."""
        if not self.healthy:
            raise WriteFailed("error", "its producer has failed, or written all that one producer may write")
        now_ms = int(time.time() * 1000)
        return [(partition, self._pack(records, now_ms)) for partition, records in batches.items()]

    def _pack(self, records: Iterable[KeyValue], now_ms: int) -> list[Any]:
        producer = self._producer
        batch = producer.create_batch()
        batches = [batch]
        for key, value, headers in records:
            if batch.append(timestamp=now_ms, key=key, value=value, headers=list(headers)) is None:
                batch = producer.create_batch()
                batch.append(timestamp=now_ms, key=key, value=value, headers=list(headers))
                batches.append(batch)
        self._records += sum(batch.record_count() for batch in batches)
        # The lane is opened anew when the transaction after this one finds the producer unfit.
        self.healthy = self._records < RECORDS_PER_PRODUCER_MAX
        return batches

    async def _guard(self, work: Awaitable[T]) -> T:
        """The result of `work` in time; whatever goes wrong, the producer is not used again."""
        try:
            async with asyncio.timeout(self._settings.ack_timeout_s):
                return await work
        except TimeoutError as error:
            self.healthy = False
            raise WriteFailed("error", f"no answer in {self._settings.ack_timeout_s:g} s") from error
        except Exception as error:
            self.healthy = False
            raise self._explained(error) from error

    def _explained(self, error: Exception) -> Exception:
        """What `error` means: aiokafka wraps most causes in a general one."""
        cause: BaseException | None = error
        while cause is not None:
            if isinstance(cause, kafka.ProducerFenced):
                return WriteFailed("fenced", "another worker has taken the lane over")
            if isinstance(cause, (kafka.MessageSizeTooLargeError, kafka.RecordListTooLargeError)):
                return RecordTooLarge(
                    f"the broker refuses a batch of up to {self._settings.record_bytes_max:,} bytes; raise its "
                    "message.max.bytes (and the topics' max.message.bytes), or lower record_bytes_max"
                )
            if isinstance(cause, FORBIDDEN):
                return ClusterMismatch(f"the broker does not let the worker write: {type(cause).__name__}: {cause}")
            if isinstance(cause, kafka.UnknownError):
                return WriteFailed("error", "the broker knows no reason; one without transactions needs plain mode")
            cause = cause.__cause__
        return WriteFailed("error", f"{type(error).__name__}: {error}".rstrip(": "))


class TransactionalWriter:
    """One producer per lane: its transactional id is what makes the lane's writer the only one."""

    def __init__(self, producer: Producer, changelog: Partition) -> None:
        """`changelog`: where the lane's rows go."""
        self._producer = producer
        self._changelog = changelog

    async def open(self) -> int:
        await self._producer.stop()
        await self._producer.start()
        return await self.mark()

    async def mark(self) -> int:
        offsets = await self._producer.transact({self._changelog: [(MARK, b"", ())]})
        return offsets[self._changelog]

    async def write(self, outputs: Batches, changelog: Iterable[KeyValue]) -> None:
        await self._producer.transact({**outputs, self._changelog: changelog})

    async def close(self) -> None:
        await self._producer.stop()


class PlainWriter:
    """The lanes of a worker share one idempotent producer; the position follows when all else is acknowledged."""

    def __init__(self, producer: Producer, changelog: Partition) -> None:
        """`producer` is shared by the lanes."""
        self._producer = producer
        self._changelog = changelog

    async def open(self) -> int:
        await self._producer.ensure()
        return await self.mark()

    async def mark(self) -> int:
        offsets = await self._producer.send({self._changelog: [(MARK, b"", ())]})
        return offsets[self._changelog]

    async def write(self, outputs: Batches, changelog: Iterable[KeyValue]) -> None:
        *rows, position = changelog
        if rows or outputs:
            await self._producer.send({**outputs, self._changelog: rows} if rows else outputs)
        await self._producer.send({self._changelog: [position]})

    async def close(self) -> None:
        """The producer belongs to the worker."""


async def _end(task: "asyncio.Task[None] | None") -> None:
    """Cancel aiokafka's sender until it ends: cancelled once, it waits for requests that may never be answered."""
    while task is not None and not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=0.1)


def _forget(future: "asyncio.Future[None] | None") -> None:
    """Keep asyncio from reporting a failure that has been reported."""
    if future is not None and future.done() and not future.cancelled():
        future.exception()
