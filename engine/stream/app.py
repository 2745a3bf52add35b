"""The Faust app of one worker: what its parts tell each other, and how it begins and ends."""

import asyncio
import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import faust
from aiokafka.errors import GroupAuthorizationFailedError, TopicAuthorizationFailedError
from faust.app.base import BootStrategy

from engine.core.flow import Job
from engine.core.partitioner import PARTITIONERS
from engine.ops.observer import Observer
from engine.stream import transport
from engine.stream.catalog import changelog_of
from engine.stream.chunk import Chunk, Partition
from engine.stream.errors import ClusterMismatch, StreamError, WriteFailed
from engine.stream.lane import Lane
from engine.stream.logs import FAUST
from engine.stream.placing import Placer
from engine.stream.recovery import LaneTableManager
from engine.stream.schema import ChunkSchema
from engine.stream.settings import StreamSettings
from engine.stream.table import LaneTable
from engine.stream.writer import PlainWriter, Producer, TransactionalWriter, Writer

log = logging.getLogger(__name__)

REJOIN_DELAYS_S = (0.05, 0.2, 0.5, 1.0, 2.0)
"""How long a worker waits before it rejoins after a lane failed, by failures in a row."""
STOP_PATIENCE_S = 2.0
"""How long transactions under way may take when the worker stops."""


class ConsumerOnly(BootStrategy):
    """Lanes write by producers of their own; Faust's producer, sensors and web server stay off."""

    enable_kafka_producer = False
    enable_web = False
    enable_sensors = False


class StreamApp(faust.App):
    """Faust with the tables, agents and lanes of some jobs.

    `failure` is set where the worker must end. `ready`: partitions are assigned, and their lanes recovered and running.
    `was_useful`: a lane has committed what it folded.
    """

    logger = FAUST
    BootStrategy = ConsumerOnly

    def __init__(
        self, jobs: Sequence[Job], settings: StreamSettings, partitions: Mapping[str, int], observer: Observer
    ) -> None:
        """Opens no connection. `partitions`: the partition count of every topic read or written."""
        super().__init__(
            settings.app_id,
            broker=f"{transport.SCHEME}://{settings.bootstrap.split(',')[0]}",
            store="memory://",
            datadir=str(settings.data_dir),
            web_enabled=False,
            topic_allow_declare=False,
            topic_disable_leader=True,
            table_standby_replicas=0,
            stream_recovery_delay=0.0,
            stream_wait_empty=True,
            stream_buffer_maxsize=4_000,
            broker_session_timeout=settings.session_timeout_s,
            broker_heartbeat_interval=settings.heartbeat_s,
            broker_rebalance_timeout=settings.rebalance_timeout_s,
            TableManager=LaneTableManager,
            loghandlers=[],
        )
        self.settings = settings
        self.ready = self.was_ready = self.was_useful = False
        self.failure: asyncio.Future[StreamError] = asyncio.get_running_loop().create_future()
        self.lane_tables: dict[str, LaneTable] = {}
        self._counts = partitions
        self._observer = observer
        self._placer = Placer(PARTITIONERS[settings.partitioner], partitions, settings.record_bytes_max)
        self._shared = Producer(settings, partitions) if settings.plain else None
        self._rejoin_timer: asyncio.TimerHandle | None = None
        self._failures = 0
        self._stopping = False
        for job in jobs:
            self._add(job)

    def _add(self, job: Job) -> None:
        """Make the job's table, and the agent that hands its chunks to the lanes."""
        table = LaneTable(self, job, self._new_lane)
        self.lane_tables[job.table] = table
        self.tables.add(table)

        async def hand_over(stream: Any) -> None:
            async for chunk in stream.noack():
                lane = table.lanes.get(chunk.partition.partition)
                if lane is not None:
                    lane.put(chunk)

        self.agent(self.topic(*job.inputs, schema=ChunkSchema()), name=job.table)(hand_over)

    def reload(self, jobs: Iterable[Job]) -> None:
        """Go on with these jobs, which have the tables and inputs of those before; each lane between two folds."""
        for job in jobs:
            table = self.lane_tables[job.table]
            table.job = job
            for lane in table.lanes.values():
                lane.reload(job)

    def _new_lane(self, job: Job, number: int) -> Lane:
        return Lane(
            job, number, self._new_writer(job, number), self._placer, self.settings, self._observer,
            release=self.consumer.release, on_commit=self.on_commit, on_failure=self.on_lane_failure,
        )  # fmt: skip

    def _new_writer(self, job: Job, number: int) -> Writer:
        changelog = Partition(changelog_of(job.table), number)
        if self._shared is not None:
            return PlainWriter(self._shared, changelog)
        transactional_id = f"{self.settings.app_id}-{job.table}-{number}"
        return TransactionalWriter(Producer(self.settings, self._counts, transactional_id), changelog)

    def lanes(self) -> Iterator[Lane]:
        """All lanes of the present assignment."""
        for table in self.lane_tables.values():
            yield from table.lanes.values()

    def on_rebalance_start(self) -> None:
        """Called in the consumer's thread when a rebalance begins."""
        self.ready = False
        super().on_rebalance_start()

    async def stop_lanes(self) -> None:
        """Let transactions under way end; drop the rest."""
        patience_s = STOP_PATIENCE_S if self._stopping else None
        await asyncio.gather(*(lane.stop(patience_s) for lane in self.lanes()))

    def restore(self, lane: Lane, chunk: Chunk) -> None:
        """Give `lane` a chunk of its changelog."""
        self.consumer.release(chunk)
        try:
            lane.shard.restore(chunk)
        except StreamError as error:
            self.fail(error)
        self._observer.recovering(lane.job.table, lane.number, lane.shard.remaining())

    def on_lanes_ready(self) -> None:
        """All lanes run."""
        self.ready = self.was_ready = True
        self._failures = 0
        for lane in self.lanes():
            self._observer.recovering(lane.job.table, lane.number, 0)
        counts = Counter(dict.fromkeys(self.lane_tables, 0))
        counts.update(lane.job.table for lane in self.lanes())
        self._observer.assigned(dict(counts))
        for lane in self.lanes():
            self._observer.started(lane.job.table, lane.number, lane.shard.rows)
        log.info("running %s", ", ".join(f"{count} lanes of {table}" for table, count in counts.items()))

    def on_commit(self) -> None:
        """A lane has committed."""
        self.was_useful = True

    def on_lane_failure(self, lane: Lane, error: Exception) -> None:
        """A lane has stopped, or could not be opened: rejoin, reopen, recover; or end, where that would not help."""
        if isinstance(error, WriteFailed):
            log.warning("lane %s does not run and is taken up anew, nothing is lost: %s", lane.name, error)
            self.rejoin()
        elif isinstance(error, StreamError):
            self.fail(error)
        else:
            self.fail(StreamError(f"lane {lane.name} failed: {type(error).__name__}: {error}"))

    async def check_group(self) -> None:
        """Raise what ended the group membership; end the worker where the broker forbids it."""
        try:
            await self.consumer.thread.check_group()
        except (GroupAuthorizationFailedError, TopicAuthorizationFailedError) as error:
            self.fail(ClusterMismatch(f"the broker does not let the worker read: {type(error).__name__}: {error}"))

    def rejoin(self) -> None:
        """Ask for a new assignment soon: it opens the lanes that have stopped."""
        self.ready = False
        if self._rejoin_timer is None:
            delay_s = REJOIN_DELAYS_S[min(self._failures, len(REJOIN_DELAYS_S) - 1)]
            self._failures += 1
            rebalances = self.consumer.thread.rebalances
            self._rejoin_timer = asyncio.get_running_loop().call_later(delay_s, self._rejoin, rebalances)

    def _rejoin(self, rebalances: int) -> None:
        """Unless a rebalance has begun since, which opens failed lanes as well."""
        self._rejoin_timer = None
        if self.consumer.thread.rebalances == rebalances and not self._stopping:
            self.consumer.thread.rejoin()

    def fail(self, error: StreamError) -> None:
        """End the worker with `error`."""
        if not self.failure.done():
            self.failure.set_result(error)

    async def end(self) -> None:
        """Stop reading, end open transactions, leave the group, close every connection."""
        self._stopping = True
        self.ready = False
        if self._rejoin_timer is not None:
            self._rejoin_timer.cancel()
        await self.stop()
        await asyncio.gather(*(lane.stop(0) for lane in self.lanes()))
        await asyncio.gather(*(lane.close() for lane in self.lanes()))
        if self._shared is not None:
            await self._shared.stop()
