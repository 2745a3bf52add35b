"""The lists of leads: pages, further rows, live updates and CSV, each for who asks and what it wants."""

import asyncio
from collections.abc import AsyncGenerator, Iterator

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler
from msgspec.structs import replace

from engine.web.gate.access import Principal, principal_of
from engine.web.gate.guard import audited
from engine.web.lists.export import csv_header, csv_lines
from engine.web.lists.index import Index
from engine.web.lists.shelf import Page
from engine.web.lists.viewer import Viewer, news_of
from engine.web.lists.views import Mistake, Unwanted, View, Wanted, wanted
from engine.web.live import Pulse, now_ms
from engine.web.pages import PATHS, Listing, Pages, as_page, counted
from engine.web.streams import follow, send, viewers

FIRST_ROWS = 100
MORE_ROWS = 200
ROWS_MAX = 1_000
"""In one answer: first of a page, then as somebody scrolls, and where a list is read anew."""

CSV_ROWS_MAX = 100_000

_OTHERS = frozenset({"cursor", "after", "limit", "told"})


class Lists:
    """The handlers of the lists."""

    def __init__(self, index: Index, pulse: Pulse, pages: Pages, closing: asyncio.Event) -> None:
        """Streams end when `closing` is set."""
        self._index = index
        self._pulse = pulse
        self._pages = pages
        self._closing = closing
        self._room = viewers()

    def routes(self) -> list[web.RouteDef]:
        """What is added to the board's."""
        return [
            *(web.get(path, self._page_of(view)) for view, path in PATHS.items()),
            web.get("/rows", self._rows),
            # A HEAD would be answered by a stream that never ends, or by rows, which a proxy takes for the next answer.
            web.get("/events", self._events, allow_head=False),
            web.get("/leads.csv", self._csv, allow_head=False),
        ]

    def _page_of(self, view: View) -> Handler:
        async def page(request: web.Request) -> web.Response:
            who, asked = principal_of(request), replace(_wanted(request), view=view)
            cursor = request.query.get("cursor") or None
            listing = Listing(
                who,
                asked,
                cursor,
                self._index.page(who, asked, cursor, FIRST_ROWS),
                self._index.facets(who),
                self._index.mark,
            )
            self._seen(request, who)
            alerts = self._pages.alerts(self._pulse.alerts(who))
            return as_page(self._pages.list(listing, alerts, now_ms()))

        return page

    async def _rows(self, request: web.Request) -> web.Response:
        """A page of rows as the script adds them: HTML, the cursor behind, the place up to which it goes, the mark."""
        who, asked = principal_of(request), _wanted(request)
        page = self._index.page(who, asked, request.query.get("cursor") or None, _limit(request))
        self._seen(request, who)
        rows = self._pages.rows(page.cards, asked, who, now_ms())
        body = {
            "html": "".join(rows),
            "next": page.next,
            "end": self._pages.end(page, asked),
            "mark": self._index.mark,
            "total": counted(page.total),
        }
        return web.Response(body=msgspec.json.encode(body), content_type="application/json")

    async def _events(self, request: web.Request) -> web.StreamResponse:
        """What becomes of a list, from the mark that its page, or else its reconnecting browser, says it has."""
        who, asked = principal_of(request), _wanted(request)
        since = request.headers.get("Last-Event-ID") or request.query.get("after", "")
        viewer = Viewer(who, asked, since, self._index, self._pulse, self._pages)
        return await follow(request, self._room, news_of(request, viewer, self._index, self._closing))

    async def _csv(self, request: web.Request) -> web.StreamResponse:
        who, asked = principal_of(request), _wanted(request)
        if not who.personal:
            text = "This file has names and addresses, which your token may not see."
            return as_page(self._pages.message(request, "Not for you", text), web.HTTPForbidden.status_code)
        audited(request, "list.exported")
        headers = {
            "Content-Type": "text/csv; charset=utf-8",
            "Content-Disposition": f'attachment; filename="leads-{asked.view}.csv"',
        }
        return await send(request, self._file(who, asked), headers)

    async def _file(self, who: Principal, asked: Wanted) -> AsyncGenerator[str]:
        # Spreadsheets take a file without this mark for one of their own encoding.
        yield "\ufeff" + csv_header()
        for page in self._all(who, asked):
            yield csv_lines(page.cards)
            # A write that need not wait lets nobody else have a turn.
            await asyncio.sleep(0)

    def _all(self, who: Principal, asked: Wanted) -> Iterator[Page]:
        cursor: str | None = None
        for _ in range(CSV_ROWS_MAX // ROWS_MAX):
            page = self._index.page(who, asked, cursor, ROWS_MAX)
            yield page
            cursor = page.next
            if cursor is None:
                return

    def _seen(self, request: web.Request, who: Principal) -> None:
        if who.personal:
            audited(request, "list.seen")


def _wanted(request: web.Request) -> Wanted:
    return wanted(request.query.items(), _OTHERS)


def _limit(request: web.Request) -> int:
    text = request.query.get("limit", "")
    if not text:
        return MORE_ROWS
    if text.isascii() and text.isdigit() and len(text) < 5 and 1 <= int(text) <= ROWS_MAX:
        return int(text)
    raise Unwanted([Mistake("limit", f"is not a number from 1 to {ROWS_MAX}")])
