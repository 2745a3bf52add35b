"""A Faust table whose rows are the lanes' own: one dict of bytes per partition, fenced and restored lane by lane."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import faust

from engine.core.flow import Job
from engine.stream.catalog import changelog_of
from engine.stream.chunk import Chunk, Partition
from engine.stream.errors import ClusterMismatch
from engine.stream.lane import Lane
from engine.stream.logs import FAUST
from engine.stream.schema import ChunkSchema


class LaneTable(faust.Table):
    """The table of one job. `lanes` holds those that are assigned, by partition number."""

    logger = FAUST
    lanes: dict[int, Lane]

    def __init__(self, app: Any, job: Job, new_lane: Callable[[Job, int], Lane]) -> None:
        """Registered with `app.tables` by the caller."""
        self.job = job
        self.changelog = changelog_of(job.table)
        self.lanes = {}
        self._new_lane = new_lane
        self._generation: int | None = None
        topic = app.topic(self.changelog, schema=ChunkSchema(), acks=False, allow_empty=True)
        # Chunks are applied as they come; Faust's buffer only keeps the last two from being collected.
        # (1 would be read as a wish to follow the changelog for ever.)
        super().__init__(app, name=job.table, store="memory://", changelog_topic=topic, recovery_buffer_size=2)

    async def on_start(self) -> None:
        """Nothing to open, and the changelog is never declared from here."""

    async def on_rebalance(
        self, assigned: set[Any], revoked: set[Any], newly_assigned: set[Any], generation_id: int = 0
    ) -> None:
        """Fence every assigned lane before anything of it is read; give the others up."""
        numbers = self._numbers(assigned)
        gone = [self.lanes.pop(number) for number in sorted(self.lanes) if number not in numbers]
        for number in numbers - set(self.lanes):
            self.lanes[number] = self._new_lane(self.job, number)
        keep = self._may_keep(generation_id)
        self._generation = generation_id
        opened = await asyncio.gather(
            *(lane.open(keep=keep) for lane in self.lanes.values()),
            *(lane.close() for lane in gone),
            return_exceptions=True,
        )
        for lane, error in zip(self.lanes.values(), opened, strict=False):
            if isinstance(error, Exception):
                self.app.on_lane_failure(lane, error)

    def _numbers(self, assigned: set[Any]) -> set[int]:
        """The lanes of an assignment. It ends the worker where an input would be left unread or without its rows."""
        topics = (self.changelog, *self.job.inputs)
        found = {topic: {tp.partition for tp in assigned if tp.topic == topic} for topic in topics}
        numbers = found[self.changelog]
        if any(found[topic] != numbers for topic in topics):
            shares = ", ".join(f"{topic} {sorted(found[topic])}" for topic in topics)
            rule = "they must have the same number of partitions, and all workers the same topics"
            self.app.fail(ClusterMismatch(f"the group assigned {shares}: {rule}"))
        return numbers

    def _may_keep(self, generation: int) -> bool:
        """Whether lanes may keep their rows; without fences only if the group had no generation in between."""
        return not self.app.settings.plain or self._generation in (generation - 1, generation)

    async def on_changelog_event(self, event: Any) -> None:
        """Restore a lane from a chunk of its changelog."""
        chunk: Chunk = event.value
        lane = self.lanes.get(chunk.partition.partition)
        if lane is not None and chunk.epoch == self.app.consumer.epoch:
            self.app.restore(lane, chunk)

    def apply_changelog_batch(self, batch: Any) -> None:
        """Nothing: `on_changelog_event` has done it."""

    async def on_recovery_completed(self, active_tps: set[Any], standby_tps: set[Any]) -> None:
        """Nothing to prepare."""

    def persisted_offset(self, tp: Any) -> int | None:
        """None: how far a lane is, `LaneRecovery` asks the lane."""
        return None

    def rows(self) -> Mapping[int, Mapping[bytes, bytes]]:
        """Committed rows by lane."""
        return {number: lane.shard.rows for number, lane in self.lanes.items()}

    def changelog_partition(self, number: int) -> Partition:
        """The changelog partition of a lane."""
        return Partition(self.changelog, number)
