"""The thread of the consumer: fetches, positions, seeks, and the membership that goes on while the main one folds."""

import asyncio
import contextlib
from collections.abc import Awaitable, Container, Iterable, Mapping
from typing import Any, NamedTuple

import aiokafka
from aiokafka.errors import ConsumerStoppedError, IllegalStateError, KafkaConnectionError, KafkaError
from aiokafka.structs import OffsetAndMetadata, TopicPartition
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread, ConsumerRebalanceListener
from mode.threads import MethodQueue, WorkerThread

from engine.stream.chunk import Chunk, Partition
from engine.stream.logs import FAUST
from engine.stream.settings import StreamSettings

FETCH_WAIT_MS = 20
"""How long the broker may hold a fetch back. One is under way at a time, so a partition that was left out because its
records waited to be taken, or a seek, waits as long at most (at 100 ms a hundredth of the events did)."""
PREFETCH_BACKOFF_S = 0.001
"""aiokafka holds a whole node back while a partition has unconsumed records, 100 ms by default."""
RECONNECT_S = 0.5
STOP_PATIENCE_S = 1.5
"""How long leaving the group and closing connections may take, each."""


class RebalanceListener(ConsumerRebalanceListener):
    """Makes everything stale at the first sign of a rebalance, in the consumer's thread."""

    def on_partitions_revoked(self, revoked: Iterable[Any]) -> Awaitable[None]:
        self._thread.begin_rebalance()
        return super().on_partitions_revoked(revoked)


class Fetchable:
    """The partitions that may be delivered now, which change while a fetch waits; aiokafka reads no set as all."""

    def __init__(self, active: Container[Any]) -> None:
        """A view of `active`."""
        self._active = active

    def __bool__(self) -> bool:
        """True, so that none is none."""
        return True

    def __contains__(self, partition: object) -> bool:
        """Whether the partition's records may be delivered."""
        return partition in self._active


class SilentThread(WorkerThread):
    """Ends without a traceback on stderr: its service has told the app why, before it let the error out."""

    def run(self) -> None:
        with contextlib.suppress(BaseException):
            super().run()


class ChunkConsumerThread(AIOKafkaConsumerThread):
    """The consumer's own thread and event loop, which keep the membership alive while the main thread folds.

    `positions` holds, for each partition that was sought since the last rebalance, the consumer position up to which
    its records were handed over. `epoch` counts rebalances and seeks, `rebalances` rebalances. All three are written in
    this thread only.
    """

    logger = FAUST
    Worker = SilentThread
    positions: dict[Partition, int]
    epoch: int
    rebalances: int
    _method_queue: MethodQueue | None

    def __post_init__(self) -> None:
        super().__post_init__()
        self.positions = {}
        self.epoch = 0
        self.rebalances = 0

    @property
    def method_queue(self) -> MethodQueue:
        """What the main thread asks for; four at a time, so that nobody waits behind a fetch or a slow broker."""
        if self._method_queue is None:
            self._method_queue = MethodQueue(num_workers=4, loop=self.thread_loop, beacon=self.beacon)
        return self._method_queue

    def begin_rebalance(self) -> None:
        """A rebalance begins: forget positions; chunks fetched before are stale."""
        self.positions.clear()
        self.epoch += 1
        self.rebalances += 1

    def _create_consumer(self, loop: asyncio.AbstractEventLoop) -> aiokafka.AIOKafkaConsumer:
        settings: StreamSettings = self.app.settings
        self._assignor = self.app.assignor
        return aiokafka.AIOKafkaConsumer(
            **settings.client,
            client_id=settings.app_id,
            group_id=settings.app_id,
            partition_assignment_strategy=[self._assignor],
            enable_auto_commit=False,
            # A position outside the log is a loss, never silently another position.
            auto_offset_reset="none",
            isolation_level="read_committed",
            session_timeout_ms=round(settings.session_timeout_s * 1000),
            heartbeat_interval_ms=round(settings.heartbeat_s * 1000),
            rebalance_timeout_ms=round(settings.rebalance_timeout_s * 1000),
            # A request to join takes as long as the slowest member.
            request_timeout_ms=round(settings.rebalance_timeout_s * 1000) + 5_000,
            max_poll_interval_ms=2**31 - 1,
            max_partition_fetch_bytes=settings.fetch_bytes,
            fetch_max_wait_ms=FETCH_WAIT_MS,
            metadata_max_age_ms=60_000,
        )

    async def on_start(self) -> None:
        """Connect; a broker that is just away is waited for."""
        while not self.should_stop:
            try:
                await super().on_start()
            except KafkaConnectionError:
                await self._consumer.stop()
                await asyncio.sleep(RECONNECT_S)
            else:
                self._consumer._fetcher._prefetch_backoff = PREFETCH_BACKOFF_S
                return

    def on_crash(self, msg: str, *fmt: Any, **kwargs: Any) -> None:
        """Nothing: the crash ends the app, and `StreamWorker` says why."""

    async def on_thread_stop(self) -> None:
        """Leave the group and close the connections, at the latest after `STOP_PATIENCE_S`.

        aiokafka's consumer lets the cancellation of its own tasks out of `stop`, which would end this thread without
        a word to those who wait for it.
        """
        await self.method_queue.stop()
        consumer = self._consumer
        if consumer is None:
            return
        stopping = asyncio.create_task(consumer.stop())
        done, _ = await asyncio.wait({stopping}, timeout=STOP_PATIENCE_S)
        if not done or stopping.cancelled() or stopping.exception() is not None:
            stopping.cancel()
            await asyncio.wait({asyncio.create_task(consumer._client.close())}, timeout=STOP_PATIENCE_S)

    async def fetch(self, active: Fetchable, timeout_s: float) -> list[tuple[Chunk, int]]:
        """Chunks of the `active` partitions, each with the group generation it was fetched in.

        What cannot be delivered is sought back in the same step.
        """
        return await self.call_thread(self._fetch, active, timeout_s)

    async def _fetch(self, active: Fetchable, timeout_s: float) -> list[tuple[Chunk, int]]:
        consumer = self._ensure_consumer()
        fetcher = consumer._fetcher
        if not self.consumer.flow_active:
            return []
        if consumer._closed or fetcher._closed:
            raise ConsumerStoppedError
        with fetcher._subscriptions.fetch_context():
            fetched = await fetcher.fetched_records(active, timeout=timeout_s)
        # Nothing is awaited from here on, so generation, epoch and records belong together.
        generation = consumer._coordinator.generation
        chunks = []
        for tp, records in fetched.items():
            partition = Partition(*tp)
            start = self.positions.get(partition)
            if start is None or partition not in active or not self.consumer.flow_active:
                consumer.seek(tp, records[0].offset if start is None else start)
                continue
            end = self._state(tp).position
            self.positions[partition] = end
            size = sum(r.serialized_key_size + r.serialized_value_size + 64 for r in records)
            chunks.append((Chunk(partition, start, end, records, size, self.epoch), generation))
        return chunks

    def _state(self, tp: Any) -> Any:
        return self._ensure_consumer()._subscription.subscription.assignment.state_value(tp)

    async def seek_all(self, offsets: Mapping[Partition, int]) -> int:
        """Read on from these offsets; the epoch that begins. Raises IllegalStateError in a rebalance."""
        return await self.call_thread(self._seek_all, offsets)

    async def _seek_all(self, offsets: Mapping[Partition, int]) -> int:
        consumer = self._ensure_consumer()
        for partition, offset in offsets.items():
            tp = TopicPartition(*partition)
            consumer.resume(tp)
            consumer.seek(tp, offset)
            self.positions[partition] = offset
        self.epoch += 1
        return self.epoch

    async def pause_fetching(self, partitions: Iterable[Partition]) -> None:
        """Fetch nothing for `partitions` until they are sought again."""
        await self.call_thread(self._pause_fetching, [TopicPartition(*p) for p in partitions])

    async def _pause_fetching(self, partitions: list[TopicPartition]) -> None:
        with contextlib.suppress(IllegalStateError):
            self._ensure_consumer().pause(*partitions)

    async def log_ranges(self, partitions: Iterable[Partition]) -> dict[Partition, tuple[int, int]]:
        """The first offset and the one behind the last that is readable, of each partition."""
        return await self.call_thread(self._log_ranges, [TopicPartition(*p) for p in partitions])

    async def _log_ranges(self, partitions: list[TopicPartition]) -> dict[Partition, tuple[int, int]]:
        consumer = self._ensure_consumer()
        starts, ends = await asyncio.gather(consumer.beginning_offsets(partitions), consumer.end_offsets(partitions))
        return {Partition(*tp): (starts[tp], ends[tp]) for tp in partitions}

    def wake(self) -> None:
        """Let a fetch that waits look again: there are partitions that it may deliver now."""
        self.thread_loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        fetcher = self._ensure_consumer()._fetcher
        for waiter in list(fetcher._fetch_waiters):
            fetcher._notify(waiter)

    def rejoin(self) -> None:
        """Ask the group for a new assignment."""
        self.thread_loop.call_soon_threadsafe(self._ensure_consumer()._coordinator.request_rejoin)

    async def check_group(self) -> None:
        """Raise what ended the group membership: aiokafka keeps it until somebody asks."""
        if self._consumer is not None and self._consumer._coordinator is not None:
            await self.call_thread(self._check_group)

    async def _check_group(self) -> None:
        self._ensure_consumer()._coordinator.check_errors()

    async def publish_offsets(self, offsets: Mapping[Partition, int]) -> None:
        """Commit offsets to the group: for lag tools, never read here, so failures are of no interest."""
        await self.call_thread(self._publish_offsets, offsets)

    async def _publish_offsets(self, offsets: Mapping[Partition, int]) -> None:
        named = {TopicPartition(*partition): OffsetAndMetadata(offset, "") for partition, offset in offsets.items()}
        consumer = self._ensure_consumer()
        subscription = consumer._subscription.subscription
        if subscription is None or subscription.assignment is None:
            return
        # Not `commit`: it shields a task whose error nobody retrieves when the time is up.
        with contextlib.suppress(KafkaError, TimeoutError):
            commit = consumer._coordinator._do_commit_offsets(subscription.assignment, named)
            await asyncio.wait_for(commit, 4.0)

    def seen(self, partition: Partition) -> "Seen | None":
        """How far an assigned partition is read, as last heard from the broker."""
        subscription = self._ensure_consumer()._subscription.subscription
        assignment = subscription.assignment if subscription is not None else None
        if assignment is None or partition not in assignment.tps or partition not in self.positions:
            return None
        state = assignment.state_value(TopicPartition(*partition))
        if state.lso is None or not state.has_valid_position:
            return None
        return Seen(self.positions[partition], state.position, max(state.lso, state.position), int(state.timestamp))


class Seen(NamedTuple):
    """Of a partition: what was handed over, the consumer's position, the log's end, and when that was so, in ms."""

    handed_over: int
    position: int
    end: int
    at_ms: int

    def behind(self, folded: int) -> int:
        """How many offsets there are behind `folded`.

        Transactions leave control records at a log's end, so none where the consumer is at the end and all that it
        handed over has been folded.
        """
        return self.end - (self.position if folded == self.handed_over else folded)
