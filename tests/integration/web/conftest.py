"""A board in a real browser, and the same broker that the projector's tests use."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright

from engine.readmodel.memory import MemoryReadModel
from engine.readmodel.port import ReadModel
from engine.web.board import Board
from engine.web.gate.access import Access, Principal
from engine.web.gate.audit import Audit
from engine.web.gate.guard import Entrance
from tests.integration.readmodel.conftest import cluster
from tests.servers.install import chromium
from tests.unit.web.people import take
from tests.unit.web.principals import EVERYBODY

__all__ = ["cluster"]

WAIT_MS = 20_000
_BEAT_S = 1.0

MANAGER = Principal("t9", "Carla", "manager", "carla", frozenset({"*"}))


@dataclass
class Site:
    """A board that can stop and come back at its address, and what a browser met there.

    `errors`: what pages complained about, violations of the content security policy included; `foreign`: what they
    asked of others.
    """

    browser: Browser
    model: ReadModel = field(default_factory=MemoryReadModel)
    access: Access = field(default_factory=lambda: Access.in_memory(MANAGER, *EVERYBODY))
    errors: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    address: str = ""
    board: Board | None = None
    sender: Any = None

    async def start(self) -> None:
        """Serve, at the former address if there was one."""
        port = urlsplit(self.address).port or 0
        self.board = Board(self.model, Entrance(self.access, Audit()), port=port, sender=self.sender)
        self.address = (await self.board.start()).rstrip("/")
        await self.board.index.catch_up()

    async def stop(self) -> None:
        """As when the process ends."""
        assert self.board is not None
        await self.board.close()
        self.board = None

    async def page(self, who: Principal | None = MANAGER, path: str = "/", **context: Any) -> Page:
        """A page as `who` sees it in a browser of its own; `context` as Playwright's."""
        opened = await self.browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **context})
        page = await opened.new_page()
        page.set_default_timeout(WAIT_MS)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda said: self.errors.append(said.text) if _is_complaint(said.text) else None)
        page.on("request", lambda asked: None if asked.url.startswith(self.address) else self.foreign.append(asked.url))
        if who is not None:
            assert self.board is not None
            await page.goto(self.address + self.board.login_link(who))
        await page.goto(self.address + path)
        return page


def _is_complaint(text: str) -> bool:
    """Chromium's words for what a policy forbids; a connection that fails is said on the page."""
    return "Content Security Policy" in text or "Refused to" in text


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    """One for a module's tests, which share its loop; each page has a context of its own."""
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        yield launched
        await launched.close()


@pytest_asyncio.fixture(loop_scope="module")
async def site(browser: Browser) -> AsyncIterator[Site]:
    """A board that is live; at the end no page may have complained or asked anybody else for anything."""
    made = Site(browser)
    await made.start()
    async with _beating(made.model):
        yield made
        for context in browser.contexts:
            await context.close()
        if made.board is not None:
            await made.stop()
    assert made.errors == []
    assert made.foreign == []


@asynccontextmanager
async def _beating(model: ReadModel) -> AsyncIterator[None]:
    """The projector says that all is read."""

    async def beat() -> None:
        while True:
            await take(model)
            await asyncio.sleep(_BEAT_S)

    beating = asyncio.create_task(beat())
    try:
        yield
    finally:
        beating.cancel()
        with suppress(asyncio.CancelledError):
            await beating
