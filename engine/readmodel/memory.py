"""A read model in this process: for the demo, for tests, and to say what the port means."""

import asyncio
import secrets
from bisect import bisect_left, insort
from collections import Counter
from collections.abc import AsyncGenerator, Container, Sequence
from itertools import takewhile

from engine.readmodel.port import (
    DOSSIERS_MAX,
    ERASED_MAX,
    GONE_MAX,
    LOG_MAX,
    LOGS,
    Batch,
    Change,
    Counts,
    DossierKept,
    LeadErased,
    LeadGone,
    LeadScored,
    Log,
    Logged,
    Mark,
    PositionsMoved,
    Progress,
    Touched,
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

    def get(self, name: str) -> bytes | None:
        """The event of one entry."""
        entry = self._entries.get(name)
        return None if entry is None else entry.event

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


class Touches:
    """In which order leads changed or went."""

    def __init__(self, gone_max: int) -> None:
        """No change yet."""
        self._gone_max = gone_max
        self._epoch = secrets.token_hex(8)
        self._last = self._floor = 0
        # Dictionaries keep the order in which leads were put in, which is that of their sequences.
        self._held: dict[str, int] = {}
        self._gone: dict[str, int] = {}

    def add(self, lead: str, *, is_held: bool) -> None:
        """The lead changed, or went."""
        self._last += 1
        self._held.pop(lead, None)
        self._gone.pop(lead, None)
        (self._held if is_held else self._gone)[lead] = self._last
        if len(self._gone) > self._gone_max:
            self._floor = self._gone.pop(next(iter(self._gone)))

    def wipe(self, lead: str) -> None:
        """Forget a lead that was erased, and that it was there: everybody begins anew."""
        if (self._held.pop(lead, None) or self._gone.pop(lead, None)) is not None:
            self._last += 1
            self._floor = self._last

    def after(self, since: Mark | None, limit: int) -> Touched:
        """As the port says."""
        if since is None or since.epoch != self._epoch or max(since.sequence, since.began) < self._floor:
            found, began, last, anew = _newer(self._held, 0), self._last, 0, True
        else:
            both = [*_newer(self._held, since.sequence), *_newer(self._gone, max(since.sequence, since.began))]
            found, began, last, anew = sorted(both), since.began, since.sequence, False
        found = found[:limit]
        last = found[-1][0] if found else last
        return Touched(Mark(self._epoch, last, began), [lead for _, lead in found], anew)


def _newer(sequences: dict[str, int], than: int) -> list[tuple[int, str]]:
    newest = takewhile(lambda one: one[1] > than, reversed(sequences.items()))
    return [(sequence, lead) for lead, sequence in newest][::-1]


class MemoryReadModel:
    """A `ReadModel` that lives and dies with its process."""

    def __init__(
        self,
        leads_max: int = MEMORY_LEADS_MAX,
        log_max: int = LOG_MAX,
        dossiers_max: int = DOSSIERS_MAX,
        gone_max: int = GONE_MAX,
    ) -> None:
        """An empty read model."""
        self._leads_max = leads_max
        self._dossiers_max = dossiers_max
        self._gone_max = gone_max
        self._touches = Touches(gone_max)
        self._dossiers: dict[str, DossierKept] = {}
        self._named: dict[str, str] = {}
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
        self._dossiers.clear()
        self._named.clear()
        self._touches = Touches(self._gone_max)
        for log in self._logs.values():
            log.clear()
        self._announce()

    async def hottest(self, limit: int) -> list[bytes]:
        return [self._scores[lead].event for _, lead in self._order[:limit]]

    async def lead(self, lead: str) -> bytes | None:
        held = self._scores.get(lead)
        return held.event if held else None

    async def scores(self, leads: Sequence[str]) -> list[bytes | None]:
        return [await self.lead(lead) for lead in leads]

    async def dossiers(self, leads: Sequence[str]) -> list[bytes | None]:
        return [None if (kept := self._dossiers.get(lead)) is None else kept.event for lead in leads]

    async def touched(self, since: Mark | None, limit: int) -> Touched:
        return self._touches.after(since, limit)

    async def named(self, pseudonyms: Sequence[str]) -> list[str | None]:
        return [self._named.get(pseudonym) for pseudonym in pseudonyms]

    async def erasures(self, pseudonyms: Sequence[str]) -> list[int | None]:
        return [self._erased.get(pseudonym) for pseudonym in pseudonyms]

    async def erased(self, pseudonym: str) -> int | None:
        return self._erased.get(pseudonym)

    async def latest(self, log: Log, limit: int) -> list[bytes]:
        return self._logs[log].latest(limit)

    async def logged(self, log: Log, entry: str) -> bytes | None:
        return self._logs[log].get(entry)

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
                self._touch(lead)
                if len(self._order) > self._leads_max:
                    self._drop(self._order[-1][1])
            case LeadGone(lead):
                self._drop(lead)
            case DossierKept():
                self._keep(change)
            case LeadErased():
                self._erase(change)
            case _:
                erased_ms = self._erased.get(change.pseudonym)
                if erased_ms is None or change.time_ms > erased_ms:
                    self._logs[change.log].add(change)

    def _erase(self, change: LeadErased) -> None:
        other = self._named.get(change.pseudonym)
        if change.lead is not None:
            self._drop(change.lead)
        for lead in {change.lead, other} - {None}:
            assert lead is not None
            self._lose(lead)
            if lead not in self._scores:
                self._touches.wipe(lead)
        for log in self._logs.values():
            log.erase((change.pseudonym, change.lead), change.at_ms)
        at_ms = max(change.at_ms, self._erased.get(change.pseudonym, change.at_ms))
        self._erased[change.pseudonym] = at_ms
        if len(self._erased) > ERASED_MAX:
            del self._erased[min(self._erased, key=lambda name: (self._erased[name], name))]

    def _keep(self, change: DossierKept) -> None:
        # The order of the dictionary is that of the last touch.
        before = self._dossiers.pop(change.lead, None)
        if before is not None:
            del self._named[before.pseudonym or change.lead]
        self._dossiers[change.lead] = change
        self._named[change.pseudonym or change.lead] = change.lead
        self._touch(change.lead)
        if len(self._dossiers) > self._dossiers_max:
            self._lose(next(iter(self._dossiers)))

    def _lose(self, lead: str) -> None:
        """The lead's dossier goes."""
        kept = self._dossiers.pop(lead, None)
        if kept is not None:
            del self._named[kept.pseudonym or lead]
            self._touch(lead)

    def _drop(self, lead: str) -> None:
        """The lead's score goes."""
        if self._forget(lead):
            self._touch(lead)

    def _forget(self, lead: str) -> bool:
        held = self._scores.pop(lead, None)
        if held is None:
            return False
        self._bands[held.band] -= 1
        del self._order[bisect_left(self._order, (-held.total, lead))]
        return True

    def _touch(self, lead: str) -> None:
        self._touches.add(lead, is_held=lead in self._scores or lead in self._dossiers)
