"""A read model in this process: for the demo, for tests, and to say what the port means."""

import asyncio
from bisect import bisect_left, insort
from collections import Counter
from collections.abc import AsyncGenerator, Container

from engine.readmodel.port import (
    ERASED_MAX,
    LOG_MAX,
    LOGS,
    Batch,
    Change,
    Counts,
    LeadErased,
    LeadGone,
    LeadScored,
    Log,
    Logged,
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
        self._entries: dict[str, Logged] = {}
        self._order: list[tuple[int, str]] = []

    def add(self, entry: Logged) -> None:
        """Add an entry, and drop the oldest where the log is full."""
        if entry.id in self._entries:
            return
        self._entries[entry.id] = entry
        insort(self._order, (entry.at_ms, entry.id))
        if len(self._order) > self._entries_max:
            del self._entries[self._order.pop(0)[1]]

    def erase(self, names: Container[str | None], until_ms: int) -> None:
        """Drop what a lead with one of these pseudonyms did up to then."""
        gone = {name for name, one in self._entries.items() if one.pseudonym in names and one.time_ms <= until_ms}
        self._entries = {name: one for name, one in self._entries.items() if name not in gone}
        self._order = [place for place in self._order if place[1] not in gone]

    def latest(self, limit: int) -> list[bytes]:
        """Newest first."""
        return [self._entries[entry].event for _, entry in self._order[: -limit - 1 : -1]]

    def clear(self) -> None:
        """Forget every entry."""
        self._entries.clear()
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
        self._scores: dict[str, LeadScored] = {}
        self._bands: Counter[str] = Counter()
        self._order: list[tuple[float, str]] = []
        self._erased: dict[str, int] = {}
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
        self._bands.clear()
        self._order.clear()
        self._erased.clear()
        for log in self._logs.values():
            log.clear()
        self._announce()

    async def hottest(self, limit: int) -> list[bytes]:
        return [self._scores[lead].event for _, lead in self._order[:limit]]

    async def lead(self, lead: str) -> bytes | None:
        held = self._scores.get(lead)
        return held.event if held else None

    async def erased(self, pseudonym: str) -> int | None:
        return self._erased.get(pseudonym)

    async def latest(self, log: Log, limit: int) -> list[bytes]:
        return self._logs[log].latest(limit)

    async def counts(self) -> Counts:
        return Counts(len(self._scores), len(self._logs["alerts"]), len(self._logs["assignments"]))

    async def bands(self) -> dict[str, int]:
        return dict(self._bands)

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
            case LeadScored(lead, total, band):
                self._forget(lead)
                self._scores[lead] = change
                self._bands[band] += 1
                insort(self._order, (-total, lead))
                if len(self._order) > self._leads_max:
                    self._forget(self._order[-1][1])
            case LeadGone(lead):
                self._forget(lead)
            case LeadErased():
                self._erase(change)
            case _:
                erased_ms = self._erased.get(change.pseudonym)
                if erased_ms is None or change.time_ms > erased_ms:
                    self._logs[change.log].add(change)

    def _erase(self, change: LeadErased) -> None:
        if change.lead is not None:
            self._forget(change.lead)
        for log in self._logs.values():
            log.erase((change.pseudonym, change.lead), change.at_ms)
        at_ms = max(change.at_ms, self._erased.get(change.pseudonym, change.at_ms))
        self._erased[change.pseudonym] = at_ms
        if len(self._erased) > ERASED_MAX:
            del self._erased[min(self._erased, key=lambda name: (self._erased[name], name))]

    def _forget(self, lead: str) -> None:
        held = self._scores.pop(lead, None)
        if held is not None:
            self._bands[held.band] -= 1
            del self._order[bisect_left(self._order, (-held.total, lead))]
