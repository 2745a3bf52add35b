"""A Faust transport that delivers whole fetched chunks: registered for `heatline://` addresses.

Faust's own consumer makes four tasks per record, tracks acknowledgements off by one, and commits them. This one makes
one message per partition and fetch, keeps its own positions, and commits nothing: positions live in the changelog.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from aiokafka.errors import ConsumerStoppedError
from faust.transport.drivers import TRANSPORTS
from faust.transport.drivers.aiokafka import Consumer, Transport
from faust.types import TP, ConsumerMessage

from engine.stream.chunk import Backlog, Chunk, Partition
from engine.stream.lenient import install
from engine.stream.logs import FAUST
from engine.stream.settings import StreamSettings
from engine.stream.thread import ChunkConsumerThread, Fetchable, RebalanceListener

SCHEME = "heatline"

TRANSPORTS.aliases[SCHEME] = f"{__name__}:ChunkTransport"
install()


class ChunkConsumer(Consumer):
    """Delivers chunks to Faust's conductor as long as there is room for them."""

    logger = FAUST
    RebalanceListener = RebalanceListener
    backlog: Backlog

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """As Faust makes it."""
        super().__init__(*args, **kwargs)
        settings: StreamSettings = self.app.settings
        self.backlog = Backlog(settings.lane_queue_bytes, settings.queue_bytes)
        self._room = asyncio.Event()

    @property
    def thread(self) -> ChunkConsumerThread:
        """The consumer's thread."""
        return self._thread

    @property
    def epoch(self) -> int:
        """The epoch that chunks must have to be folded."""
        return self._thread.epoch

    def _new_consumer_thread(self) -> ChunkConsumerThread:
        return ChunkConsumerThread(self, loop=self.loop, beacon=self.beacon)

    async def _drain_messages(self, fetcher: Any) -> None:
        deliver: Callable[[Any], Awaitable[None]] = self.callback
        try:
            while not (self.should_stop or fetcher.should_stop):
                if not self.flow_active:
                    await self.wait(self.can_resume_flow)
                elif not self._active_partitions:
                    self._room.clear()
                    await self._room.wait()
                else:
                    fetchable = Fetchable(self._active_partitions)
                    for chunk, generation in await self._thread.fetch(fetchable, timeout_s=1.0):
                        if self._admit(chunk):
                            await deliver(_message(chunk, generation))
        except ConsumerStoppedError:
            if not self.app.should_stop:
                raise

    def _admit(self, chunk: Chunk) -> bool:
        """Whether `chunk` may be delivered; where not, a rebalance is under way and everything is sought again."""
        if chunk.epoch != self.epoch or not self.flow_active:
            return False
        if self.backlog.add(chunk.partition, chunk.size):
            self._active_partitions.discard(chunk.partition)
        return True

    def release(self, chunk: Chunk) -> None:
        """`chunk` left its queue: there may be room again."""
        if chunk.epoch != self.epoch:
            return
        ready = self.backlog.remove(chunk.partition, chunk.size)
        if ready:
            self._active_partitions.update(TP(*p) for p in ready if p not in self._paused_partitions)
            self._room.set()
            self._thread.wake()

    def resume_partitions(self, tps: Iterable[Any]) -> None:
        super().resume_partitions(tps)
        self._room.set()

    async def seek_all(self, offsets: Mapping[Partition, int]) -> int:
        """Read on from these offsets; everything fetched before is stale. The epoch that begins."""
        epoch = await self._thread.seek_all(offsets)
        self.backlog.clear()
        return epoch

    async def wait_empty(self) -> None:
        """Let transactions that run end; drop the chunks that wait."""
        await self.app.stop_lanes()
        self.backlog.clear()

    async def perform_seek(self) -> None:
        """Positions come from the changelog, at the end of recovery: see `LaneRecovery`."""

    async def commit(self, topics: Any = None, start_new_transaction: bool = True) -> bool:
        """Nothing: positions are committed with the rows they belong to."""
        return False

    async def force_commit(self, topics: Any = None, start_new_transaction: bool = True) -> bool:
        """Nothing, likewise."""
        return False

    async def verify_all_partitions_active(self) -> None:
        """Nothing: Faust judges by acknowledgements, of which there are none."""

    def on_buffer_full(self, tp: Any) -> None:
        """Nothing: the backlog bounds what waits, in bytes."""

    def on_buffer_drop(self, tp: Any) -> None:
        """Nothing, likewise."""

    def close(self) -> None:
        """Nothing: the thread leaves the group and closes the connections when it stops."""


def _message(chunk: Chunk, generation: int) -> Any:
    last = chunk.records[-1]
    tp = TP(*chunk.partition)
    return ConsumerMessage(
        chunk.partition.topic, chunk.partition.partition, last.offset, last.timestamp / 1000.0, 0, (), None, chunk,
        None, 0, 0, tp, generation_id=generation,
    )  # fmt: skip


class ChunkTransport(Transport):
    """What Faust makes for `heatline://` addresses."""

    Consumer = ChunkConsumer
