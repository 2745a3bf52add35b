"""Faust's recovery, ended by the lanes' own MARKs, and the start of the lanes behind it.

Faust takes the high water of a changelog as the end; behind a transaction that is a control record which no consumer
ever sees. It also seeks to one before the earliest offset, and resumes the inputs before it seeks them.
"""

from collections.abc import Collection, Iterable, Iterator
from typing import Any

from aiokafka.errors import IllegalStateError
from faust.tables.manager import TableManager
from faust.tables.recovery import Recovery
from faust.types import TP

from engine.stream.chunk import Partition
from engine.stream.errors import OtherWriter, StreamError
from engine.stream.lane import Lane
from engine.stream.logs import FAUST
from engine.stream.positions import starting_points
from engine.stream.settings import StreamSettings
from engine.stream.table import LaneTable


class LaneRecovery(Recovery):
    """Recovery of all lanes of an assignment."""

    logger = FAUST
    _rebalances: int = -1

    async def on_rebalance(self, *args: Any, **kwargs: Any) -> None:
        self._rebalances = self.app.consumer.thread.rebalances
        await super().on_rebalance(*args, **kwargs)

    def _lanes(self) -> Iterator[tuple[LaneTable, Lane]]:
        for table in self.tables.values():
            for lane in table.lanes.values():
                yield table, lane

    async def _build_highwaters(self, consumer: Any, tps: Any, destination: Any, title: str) -> None:
        """Recovery of a lane ends at its MARK."""
        destination.clear()
        if title != "active":
            return
        for table, lane in self._lanes():
            if lane.shard.mark is not None:
                destination[_tp(table, lane)] = lane.shard.mark

    async def _build_offsets(self, consumer: Any, tps: Any, destination: Any, title: str) -> None:
        """A recovered lane has read everything; another begins at its log's start, also where that was trimmed."""
        destination.clear()
        if title != "active":
            return
        ranges = await consumer.thread.log_ranges(tps) if tps else {}
        for table, lane in self._lanes():
            if lane.shard.mark is not None:
                tp = _tp(table, lane)
                destination[tp] = lane.shard.mark if lane.shard.recovered else ranges[tp][0] - 1

    async def _seek_offsets(self, consumer: Any, tps: Any, offsets: Any, title: str) -> None:
        """Behind what was read."""
        seeks = {}
        for table, lane in self._lanes():
            tp = _tp(table, lane)
            if tp in offsets:
                seeks[tp] = offsets[tp] + 1
                lane.shard.expect(offsets[tp] + 1)
        if seeks:
            await consumer.seek_all(seeks)

    async def on_recovery_completed(self, generation_id: int = 0) -> None:
        """Seek the inputs while everything is paused, start the lanes, resume the flow, then the partitions."""
        app, consumer = self.app, self.app.consumer
        await app.on_rebalance_complete.send()
        self._set_recovery_ended()
        if self._is_over():
            return
        lanes = list(self._lanes())
        if not all(lane.shard.recovered for _, lane in lanes):
            app.rejoin()
            return
        try:
            starts = await self._starting_points(lanes)
            if self._is_over():
                return
            epoch = await consumer.seek_all(starts)
            await consumer.thread.pause_fetching(_tp(table, lane) for table, lane in lanes)
        except StreamError as error:
            app.fail(error)
            return
        except IllegalStateError:
            return
        if self._is_over():
            return
        for table, lane in lanes:
            number = lane.number
            lane.start(epoch, {topic: starts[Partition(topic, number)] for topic in table.job.inputs})
        app.flow_control.resume()
        consumer.resume_flow()
        consumer.resume_partitions(_faust(starts))
        self.tables.on_actives_ready()
        self.tables.on_standbys_ready()
        app.on_rebalance_end()
        app.on_lanes_ready()
        self.completed.set()
        await app._fetcher.maybe_start()

    def _is_over(self) -> bool:
        """Whether another rebalance has begun, which will end with a recovery of its own."""
        return self.app.consumer.thread.rebalances != self._rebalances

    async def _starting_points(self, lanes: Collection[tuple[LaneTable, Lane]]) -> dict[Partition, int]:
        committed: dict[Partition, int | None] = {
            Partition(topic, lane.number): lane.shard.positions.get(topic)
            for table, lane in lanes
            for topic in table.job.inputs
        }
        if not committed:
            return {}
        settings: StreamSettings = self.app.settings
        if not settings.take_over:
            check_writers(settings.app_id, lanes)
        ranges = await self.app.consumer.thread.log_ranges(committed)
        if not settings.idempotent:
            # The demo's broker gives the beginning of a log's last batch for its end.
            ranges = {
                partition: (first, max(end, committed[partition] or 0)) for partition, (first, end) in ranges.items()
            }
        return starting_points(committed, ranges, accept_loss=settings.accept_loss)


class LaneTableManager(TableManager):
    """Faust's table manager with `LaneRecovery`; it does not wait a second for agents, which have started before it."""

    logger = FAUST
    _recovery: LaneRecovery | None

    @property
    def recovery(self) -> LaneRecovery:
        if self._recovery is None:
            self._recovery = LaneRecovery(self.app, self, beacon=self.beacon, loop=self.loop)
        return self._recovery

    async def on_start(self) -> None:
        await self._update_channels()
        await self.recovery.start()


def check_writers(app_id: str, lanes: Iterable[tuple[LaneTable, Lane]]) -> None:
    """Raise OtherWriter where a lane was written last under another app id.

    Only the same app id fences: workers of two would each do everything, and every alert would be there twice.
    """
    for _, lane in lanes:
        writer = lane.shard.writer
        if writer is not None and writer != app_id:
            raise OtherWriter(
                f"lane {lane.name} was written under app id {writer!r}, not {app_id!r}: use that one (kafka.app_id), "
                "or, once none of its workers runs any more, start with --take-over"
            )


def _tp(table: LaneTable, lane: Lane) -> Any:
    return TP(table.changelog, lane.number)


def _faust(partitions: Iterable[Partition]) -> set[Any]:
    return {TP(*partition) for partition in partitions}
