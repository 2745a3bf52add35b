"""A read model in this process: for the demo, for tests, and to say what the port means."""

import asyncio
from bisect import bisect_left, insort
from collections.abc import AsyncGenerator

from engine.readmodel.port import (
    LOG_MAX,
    LOGS,
    Batch,
    Change,
    Counts,
    LeadGone,
    LeadScored,
    Log,
    PositionsMoved,
    Progress,
)

MEMORY_LEADS_MAX = 100_000
"""About 300 MB of score events."""


class MemoryLog:
    """The newest entries of a log, in order of instant, then id."""

    def __init__(self, entries_max: int) -> None:
        """An empty log."""
        self._entries_max = entries_max
        self._events: dict[str, bytes] = {}
        self._order: list[tuple[int, str]] = []

    def add(self, entry: str, at_ms: int, event: bytes) -> None:
        """Add an entry, and drop the oldest where the log is full."""
        if entry in self._events:
            return
        self._events[entry] = event
        insort(self._order, (at_ms, entry))
        if len(self._order) > self._entries_max:
            del self._events[self._order.pop(0)[1]]

    def latest(self, limit: int) -> list[bytes]:
        """Newest first."""
        return [self._events[entry] for _, entry in self._order[: -limit - 1 : -1]]

    def clear(self) -> None:
        """Forget every entry."""
        self._events.clear()
        self._order.clear()

    def __len__(self) -> int:
        """How many entries are kept."""
        return len(self._order)


class MemoryReadModel:
    """A `ReadModel` that lives and dies with its process."""

    def __init__(self, leads_max: int = MEMORY_LEADS_MAX, log_max: int = LOG_MAX) -> None:
        """An empty read model."""
        self._leads_max = leads_max
        self._news = asyncio.Event()
        self._positions: dict[tuple[str, int], int] = {}
        self._progress: Progress | None = None
        self._scores: dict[str, tuple[float, bytes]] = {}
        self._order: list[tuple[float, str]] = []
        self._logs: dict[Log, MemoryLog] = {log: MemoryLog(log_max) for log in LOGS}

    async def apply(self, batch: Batch) -> None:
        if self._positions != batch.since:
            raise PositionsMoved
        for change in batch.changes:
            self._take(change)
        self._positions, self._progress = dict(batch.until), batch.progress
        if batch.changes:
            self._announce()

    async def positions(self) -> dict[tuple[str, int], int]:
        return dict(self._positions)

    async def clear(self) -> None:
        self._positions, self._progress = {}, None
        self._scores.clear()
        self._order.clear()
        for log in self._logs.values():
            log.clear()
        self._announce()

    async def hottest(self, limit: int) -> list[bytes]:
        return [self._scores[lead][1] for _, lead in self._order[:limit]]

    async def lead(self, lead: str) -> bytes | None:
        held = self._scores.get(lead)
        return held[1] if held else None

    async def latest(self, log: Log, limit: int) -> list[bytes]:
        return self._logs[log].latest(limit)

    async def counts(self) -> Counts:
        return Counts(len(self._scores), len(self._logs["alerts"]), len(self._logs["assignments"]))

    async def progress(self) -> Progress | None:
        return self._progress

    async def changed(self) -> AsyncGenerator[None, None]:
        while True:
            news = self._news
            yield
            await news.wait()

    async def close(self) -> None:
        """Nothing is open."""

    def _announce(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    def _take(self, change: Change) -> None:
        match change:
            case LeadScored(lead, total, event):
                self._forget(lead)
                self._scores[lead] = (total, event)
                insort(self._order, (-total, lead))
                if len(self._order) > self._leads_max:
                    del self._scores[self._order.pop()[1]]
            case LeadGone(lead):
                self._forget(lead)
            case _:
                self._logs[change.log].add(change.id, change.at_ms, change.event)

    def _forget(self, lead: str) -> None:
        held = self._scores.pop(lead, None)
        if held is not None:
            del self._order[bisect_left(self._order, (-held[0], lead))]
