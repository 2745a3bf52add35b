"""As a new rep would: the demo's board in a real browser, from a lead that turns hot to the deadline that stops."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from tests.integration.web.conftest import WAIT_MS
from tests.integration.worker.deployment import HEATLINE, Deployment, Program, eventually
from tests.servers.process import free_port

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(150)]

HOT_WITHIN_MS = 60_000


@pytest_asyncio.fixture(loop_scope="module")
async def manager(browser: Browser, tmp_path: Path) -> AsyncIterator[Page]:
    """The board of a running demo, as the first link that it prints opens it."""
    port = free_port()
    command = [HEATLINE, "demo", "--port", str(port), *Deployment("127.0.0.1:1", tmp_path / "heatline").flags()]
    demo = Program(tmp_path / "demo", command, port, "/login").start()
    opened = await browser.new_context()
    try:
        eventually(lambda: "Board, for" in demo.logged(), "the demo says where its board is")
        link = re.search(r"Board, for Sales manager: (http://\S+)", demo.logged())
        assert link
        page = await opened.new_page()
        page.set_default_timeout(WAIT_MS)
        await page.goto(link[1])
        yield page
    finally:
        await opened.close()
        demo.kill()


async def test_a_lead_turns_hot_is_understood_and_accepted_and_its_deadline_stops(manager: Page) -> None:
    """Nothing is loaded anew: not the list while the lead comes up, not the lead's page while the desk answers."""
    page = manager
    await page.evaluate("window.stayed = true")
    mine = page.locator(".row.band-hot", has=page.locator(".todo .due")).first
    await expect(mine).to_be_visible(timeout=HOT_WITHIN_MS)
    assert await page.evaluate("window.stayed === true")
    # Others come up meanwhile, so the first is another one soon.
    chosen = page.locator(f'.row[data-key="{await mine.get_attribute("data-key")}"]')
    name = await chosen.locator(".lead").inner_text()
    await chosen.locator("a").first.click()
    await expect(page.locator("h1")).to_contain_text(name)
    await expect(page.locator("#lead-why")).to_contain_text("Total")
    await page.evaluate("window.stayed = true")
    await expect(page.locator(".deadline")).to_contain_text("To accept")
    await page.get_by_role("button", name="Accept", exact=True).click()
    await expect(page.locator("#said")).to_contain_text("Done")
    await expect(page.locator(".deadline")).to_contain_text("To get in touch")
    await page.locator("summary", has_text="Contacted").click()
    await page.locator(".acts details[open] button").first.click()
    await expect(page.locator(".deadline")).to_have_count(0)
    await expect(page.locator("#lead-timeline")).to_contain_text("in touch")
    assert await page.evaluate("window.stayed === true")
