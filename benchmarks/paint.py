"""How long a browser takes to show the board's list with 1,000 leads, and how smoothly it scrolls through 10,000."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from statistics import median
from typing import NamedTuple

from playwright.async_api import Browser, Page, async_playwright

from benchmarks.report import Figure, at_most
from benchmarks.sizes import Sizes
from engine.readmodel.memory import MemoryReadModel
from engine.web.board import Board
from engine.web.gate.access import Access, Principal
from engine.web.gate.audit import Audit
from engine.web.gate.guard import Entrance
from tests.servers.install import chromium
from tests.unit.web.people import fill

LEADS = 1_000
SCROLLED_LEADS = 10_000
RUNS = 5
MANAGER = Principal("m", "Manager", "manager", regions=frozenset({"*"}))

_PAINTED = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null"
_SCROLLED = """() => new Promise((done) => {
  let longest = 0, last = performance.now(), at_end = false;
  const look = (now) => { longest = Math.max(longest, now - last); last = now;
    if (at_end) done(longest); else requestAnimationFrame(look); };
  requestAnimationFrame(look);
  const down = setInterval(() => { scrollTo(0, document.documentElement.scrollHeight);
    if (document.getElementById("more").hidden) { clearInterval(down); at_end = true; } }, 20); })"""
"""Scrolls to the last lead; the longest time between two frames, in milliseconds."""


def paint(_: Sizes) -> Iterator[Figure]:
    """Debian's Chromium without a screen, and the board in this process."""
    yield from asyncio.run(_measured())


async def _measured() -> list[Figure]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        async with _board(LEADS) as board:
            painted_ms = median([await _painted(browser, board) for _ in range(RUNS)])
        async with _board(SCROLLED_LEADS) as board:
            scrolled_s, frame_ms = await _scrolled(browser, board)
        await browser.close()
    note = f"{LEADS:,} leads, 100 of them in the first page; median of {RUNS} browsers with nothing cached"
    scrolled = f"{SCROLLED_LEADS:,} leads, a page of 100 after the other"
    return [
        Figure("paint", "first paint of the list", painted_ms, "ms", at_most(1_000), note),
        Figure("paint", "· scrolled to the last lead", scrolled_s, "s", None, scrolled),
        Figure("paint", "· longest time between two frames", frame_ms, "ms", at_most(500), scrolled),
    ]


class _Served(NamedTuple):
    board: Board
    address: str


@asynccontextmanager
async def _board(leads: int) -> AsyncIterator[_Served]:
    model, access = MemoryReadModel(), Access.in_memory(MANAGER)
    await fill(model, range(leads), alerts=30)
    board = Board(model, Entrance(access, Audit()))
    address = (await board.start()).rstrip("/")
    try:
        await board.index.catch_up()
        yield _Served(board, address)
    finally:
        await board.close()


@asynccontextmanager
async def _opened(browser: Browser, served: _Served) -> AsyncIterator[Page]:
    """The list in a browser of its own, whose processes have started: at the login, which needs nothing of the list."""
    context = await browser.new_context(viewport={"width": 1366, "height": 768})
    page = await context.new_page()
    await page.goto(f"{served.address}/login")
    await page.goto(served.address + served.board.login_link(MANAGER))
    yield page
    await context.close()


async def _painted(browser: Browser, served: _Served) -> float:
    """Milliseconds to the first paint with content."""
    async with _opened(browser, served) as page:
        while (painted_ms := await page.evaluate(_PAINTED)) is None:
            pass
        return float(painted_ms)


async def _scrolled(browser: Browser, served: _Served) -> tuple[float, float]:
    """Seconds to the last row, and the longest time between two frames on the way, in milliseconds."""
    async with _opened(browser, served) as page:
        begin_s = time.perf_counter()
        frame_ms = await page.evaluate(_SCROLLED)
        return time.perf_counter() - begin_s, float(frame_ms)
