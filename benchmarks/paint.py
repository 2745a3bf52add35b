"""How long a browser takes to show the board's list, and to scroll through it, with 1,000 leads."""

import asyncio
import time
from collections.abc import Iterator
from statistics import median

from playwright.async_api import Browser, async_playwright

from benchmarks.report import Figure, at_most
from benchmarks.sizes import Sizes
from engine.readmodel.memory import MemoryReadModel
from engine.web.access import Access, Principal
from engine.web.audit import Audit
from engine.web.board import Board
from engine.web.guard import Entrance
from tests.servers.install import chromium
from tests.unit.web.people import fill

LEADS = 1_000
RUNS = 5
MANAGER = Principal("m", "Manager", "manager", regions=frozenset({"*"}))

_PAINTED = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null"
_SCROLLED = """() => new Promise((done) => { const down = setInterval(() => {
  scrollTo(0, document.documentElement.scrollHeight);
  if (document.getElementById("more").hidden) { clearInterval(down); done(); } }, 20); })"""


def paint(_: Sizes) -> Iterator[Figure]:
    """Debian's Chromium without a screen, and the board in this process."""
    yield from asyncio.run(_measured())


async def _measured() -> list[Figure]:
    model, access = MemoryReadModel(), Access.in_memory(MANAGER)
    await fill(model, range(LEADS), alerts=30)
    board = Board(model, Entrance(access, Audit()))
    address = (await board.start()).rstrip("/")
    await board.index.catch_up()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        runs = [await _opened(browser, address, address + board.login_link(MANAGER)) for _ in range(RUNS)]
        await browser.close()
    await board.close()
    painted_ms, scrolled_s = (median(run[part] for run in runs) for part in (0, 1))
    note = f"{LEADS:,} leads, 100 of them in the first page; median of {RUNS} browsers with nothing cached"
    return [
        Figure("paint", "first paint of the list", painted_ms, "ms", at_most(1_000), note),
        Figure("paint", "· scrolled to the last lead", scrolled_s, "s", at_most(10)),
    ]


async def _opened(browser: Browser, address: str, link: str) -> tuple[float, float]:
    """Milliseconds to the first paint with content, seconds to the last row."""
    context = await browser.new_context(viewport={"width": 1366, "height": 768})
    page = await context.new_page()
    # The browser starts its processes at the login's page, which needs nothing of the list's.
    await page.goto(f"{address}/login")
    await page.goto(link)
    painted_ms: float | None = None
    while painted_ms is None:
        painted_ms = await page.evaluate(_PAINTED)
    begin_s = time.perf_counter()
    await page.evaluate(_SCROLLED)
    scrolled_s = time.perf_counter() - begin_s
    await context.close()
    return painted_ms, scrolled_s
