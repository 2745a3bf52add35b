"""A chunk: all records that one fetch brought for one partition, the unit of work from the fetcher to the fold."""

from collections.abc import Sequence
from typing import NamedTuple

from engine.core.flow import Record


class Partition(NamedTuple):
    """A topic's partition; equal to Faust's and aiokafka's own named tuples."""

    topic: str
    partition: int


class Chunk(NamedTuple):
    """The records of `partition` between the consumer positions `start` and `end`.

    Transactions and compaction leave gaps in record offsets, so only the positions say what was read. `epoch` counts
    the worker's rebalances and seeks: a chunk of an earlier one is stale. `size` is in bytes.
    """

    partition: Partition
    start: int
    end: int
    records: Sequence[Record]
    size: int
    epoch: int


class Backlog:
    """How many bytes wait in each lane; says when to stop fetching for a partition and when to go on.

    Bounded in bytes, not chunks: at low rates a chunk holds a handful of records. A partition stops when its lane
    holds `lane_max` or all lanes hold `total_max`, and goes on when both are down to half.
    """

    def __init__(self, lane_max: int, total_max: int) -> None:
        """Empty; bounds in bytes."""
        self._lane_max = lane_max
        self._total_max = total_max
        self._lanes: dict[Partition, int] = {}
        self._stopped: set[Partition] = set()
        self._total = 0

    @property
    def total(self) -> int:
        """Bytes waiting in all lanes."""
        return self._total

    def add(self, partition: Partition, size: int) -> bool:
        """Count what was delivered; True where nothing more may be fetched for the partition now."""
        waiting = self._lanes[partition] = self._lanes.get(partition, 0) + size
        self._total += size
        if waiting >= self._lane_max or self._total >= self._total_max:
            self._stopped.add(partition)
            return True
        return False

    def remove(self, partition: Partition, size: int) -> list[Partition]:
        """Count what was taken; the partitions to fetch again from now on. What was dropped no longer counts."""
        if partition not in self._lanes:
            return []
        self._lanes[partition] -= size
        self._total -= size
        if not self._stopped or self._total > self._total_max // 2:
            return []
        ready = [stopped for stopped in self._stopped if self._lanes[stopped] <= self._lane_max // 2]
        self._stopped.difference_update(ready)
        return ready

    def clear(self) -> None:
        """Everything that waited was dropped."""
        self._lanes.clear()
        self._stopped.clear()
        self._total = 0
