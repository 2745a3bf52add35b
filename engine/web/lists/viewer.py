"""One who looks at a list: what changed of it, as server-sent events.

Nothing waits for a viewer: each tick it gets what became of its list since the mark that it has.
"""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from typing import Any

from aiohttp import web

from engine.web.gate.access import Principal
from engine.web.lists.index import REFRESH_S, Index
from engine.web.lists.shelf import Changes
from engine.web.lists.views import Wanted
from engine.web.live import TICK_S, News, Pulse, Status, now_ms
from engine.web.pages import Pages, counted, place_text
from engine.web.streams import event, goes_on, silence

ROWS_MAX = 500
"""Rows sent at once; where more changed, a viewer reads its list anew."""

RETRY_MS = 1_000
"""After how long a browser that lost its connection asks again."""

COUNT_TICKS = 2
"""How many leads a list has is counted at most every so many ticks, and not while it is searched."""


class Viewer:
    """What one viewer of one list has seen; `news` has what it lacks."""

    def __init__(self, who: Principal, wanted: Wanted, since: str, index: Index, pulse: Pulse, pages: Pages) -> None:
        """It holds the list as of the mark `since`."""
        self._who = who
        self._wanted = wanted
        self._since = since
        self._index = index
        self._pulse = pulse
        self._pages = pages
        self._status: Status | None = None
        self._alerts: list[News] | None = None
        self._alerts_of: tuple[int, str] | None = None
        self._counted = -COUNT_TICKS
        self._ticks = 0
        self._due = not wanted.q

    def news(self, at_ms: int) -> str:
        """The events of this tick; a comment now and then where there are none, empty else."""
        self._ticks += 1
        return "".join(event(name, data, self._since) for name, data in self._all(at_ms)) or silence(self._ticks)

    def _all(self, at_ms: int) -> Iterator[tuple[str, Any]]:
        if self._pulse.status != self._status:
            self._status = self._pulse.status
            yield "status", self._status._asdict()
        yield from self._rows(at_ms)
        yield from self._count()
        # Whose an alert's lead is may change with the index.
        if self._alerts_of != (of := (self._pulse.version, self._index.mark)):
            self._alerts_of = of
            alerts = self._pulse.alerts(self._who)
            if alerts != self._alerts:
                self._alerts = alerts
                yield "alerts", self._pages.alerts(alerts)

    def _rows(self, at_ms: int) -> Iterator[tuple[str, Any]]:
        changes = self._index.changes(self._who, self._wanted, self._since)
        if changes is None or len(changes.rows) > ROWS_MAX:
            self._since = self._index.mark
            yield "anew", None
            return
        self._since = changes.mark
        if changes.rows:
            self._due = not self._wanted.q
            yield "rows", self._told(changes, at_ms)

    def _told(self, changes: Changes, at_ms: int) -> list[dict[str, str | None]]:
        view = self._wanted.view
        return [
            {"key": row.key, "place": None, "html": None}
            if row.card is None or row.place is None
            else {
                "key": row.key,
                "place": place_text(row.place),
                "html": self._pages.row(row.card, view, self._who, at_ms),
            }
            for row in changes.rows
        ]

    def _count(self) -> Iterator[tuple[str, Any]]:
        if self._due and self._ticks - self._counted >= COUNT_TICKS:
            self._due, self._counted = False, self._ticks
            yield "counts", counted(self._index.page(self._who, self._wanted, None, 1).total)


async def news_of(request: web.Request, viewer: Viewer, index: Index, closing: asyncio.Event) -> AsyncGenerator[str]:
    """A viewer's news, for as long as who sent `request` is there."""
    yield f"retry: {RETRY_MS}\n\n"
    while goes_on(request, closing):
        mark = index.mark
        yield viewer.news(now_ms())
        await asyncio.sleep(REFRESH_S)
        await index.beyond(mark, TICK_S)
