"""A lane on a bench: it runs, and its writer keeps what it is given."""

import asyncio
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from engine.core.flow import InputRecord, Job
from engine.core.partitioner import by_murmur2
from engine.stream.chunk import Chunk, Partition
from engine.stream.errors import WriteFailed
from engine.stream.lane import Lane
from engine.stream.placing import KeyValue, Placer
from engine.stream.settings import StreamSettings
from engine.stream.writer import Batches
from tests.unit.stream.notes import Notes

EVENTS = Partition("events", 0)
INBOX = Partition("inbox", 0)
NOTHING: Mapping[bytes, bytes] = MappingProxyType({})


class Desk:
    """A writer in memory; `gate` holds it back, `fault` is what it raises."""

    def __init__(self) -> None:
        """Writes succeed."""
        self.written: list[tuple[list[bytes | None], dict[bytes | None, bytes | None]]] = []
        self.opened = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.fault: WriteFailed | None = None

    async def open(self) -> int:
        self.opened += 1
        return 0

    async def mark(self) -> int:
        if self.fault:
            raise self.fault
        return 10

    async def write(self, outputs: Batches, changelog: Iterable[KeyValue]) -> None:
        await self.gate.wait()
        if self.fault:
            raise self.fault
        values = [value for records in outputs.values() for _, value, _ in records]
        self.written.append((values, {key: value for key, value, _ in changelog}))

    async def close(self) -> None:
        """Nothing to close."""


class Bench:
    """A lane that runs, recovered, reading `events` and `inbox` from 0 on, as far as its job reads them."""

    def __init__(self, job: Job, rows: Mapping[bytes, bytes] = NOTHING, **changes: Any) -> None:
        """With these rows of no known stamp; `changes` of the settings: 0.05 s from fold to commit unless changed."""
        self.desk = Desk()
        self.notes = Notes()
        self.failures: list[Exception] = []
        options: dict[str, Any] = {"bootstrap": "", "commit_after_s": 0.05, **changes}
        self.lane = Lane(
            job,
            0,
            self.desk,
            Placer(by_murmur2, {"out": 1}, 1_000_000),
            StreamSettings(**options),
            self.notes,
            release=lambda chunk: None,
            on_commit=lambda: None,
            on_failure=lambda lane, error: self.failures.append(error),
        )
        self.lane.shard.mark = 0
        self.lane.shard.recovered = True
        self.lane.shard.rows.update(rows)
        self.next = 0
        self.next_inbox = 0
        self.start()

    def start(self) -> None:
        """Where it left off."""
        positions = dict.fromkeys(self.lane.job.inputs, 0)
        self.lane.start(epoch=1, positions={**positions, **self.lane.shard.positions})

    def put(self, *values: bytes, epoch: int = 1, skip: int = 0) -> None:
        """One chunk with a record of key `k` for each value."""
        self.put_events(*((b"k", value, 0) for value in values), epoch=epoch, skip=skip)

    def put_events(self, *events: tuple[bytes, bytes, int], epoch: int = 1, skip: int = 0) -> None:
        """One chunk with a record for each key, value and record time."""
        start = self.next + skip
        records = [InputRecord(*EVENTS, start + i, at_ms, key, value) for i, (key, value, at_ms) in enumerate(events)]
        self.next = start + len(records)
        self.lane.put(Chunk(EVENTS, start, self.next, records, 10, epoch))

    def put_inbox(self, key: bytes, value: bytes, at_ms: int) -> None:
        """One chunk of the other input."""
        start = self.next_inbox
        self.next_inbox += 1
        records = [InputRecord(*INBOX, start, at_ms, key, value)]
        self.lane.put(Chunk(INBOX, start, start + 1, records, 10, epoch=1))

    @property
    def outputs(self) -> list[bytes | None]:
        """All that is readable of the topic `out`, in order."""
        return [value for values, _ in self.desk.written for value in values]


async def settle() -> None:
    """Let everything run that need not wait for a clock."""
    for _ in range(20):
        await asyncio.sleep(0)
