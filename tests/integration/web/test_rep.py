"""As a new rep would: the demo's board in a real browser, from a lead that turns hot to the deadline that stops."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from tests.integration.web.conftest import WAIT_MS
from tests.integration.worker.deployment import HEATLINE, Deployment, Program, eventually
from tests.servers.process import free_port

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(150)]

HOT_WITHIN_MS = 60_000
expect.set_options(timeout=WAIT_MS)


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


@asynccontextmanager
async def said(page: Page) -> AsyncIterator[None]:
    """What is done in here is a button pressed: the desk takes it, and the page says so without being loaded anew."""
    await page.evaluate("document.getElementById('said').replaceChildren()")
    yield
    await expect(page.locator("#said")).to_contain_text("Done")
    assert await page.evaluate("window.stayed === true")


async def press(page: Page, button: str, **fields: str) -> None:
    """Open a button's form, fill it in by the names of its fields, and send it."""
    act = page.locator("details.act", has=page.locator("summary", has_text=re.compile(f"^{button}$")))
    async with said(page):
        await act.locator("summary").click()
        for name, value in fields.items():
            field = act.locator(f"[name={name}]")
            if await field.evaluate("field => field.tagName") == "SELECT":
                await field.select_option(value)
            else:
                await field.fill(value)
        await act.get_by_role("button", name=button, exact=True).click()


async def assigned(page: Page, skip: int) -> None:
    """Open the page of a lead that somebody has to accept, another one for each `skip`."""
    await page.goto(f"{page.url.partition('/leads')[0].rstrip('/')}/day")
    row = page.locator(".row", has=page.locator(".todo .due"))
    await expect(row.nth(skip)).to_be_visible(timeout=HOT_WITHIN_MS)
    await row.nth(skip).locator("a").first.click()
    await expect(page.get_by_role("button", name="Accept", exact=True)).to_be_visible()
    await page.evaluate("window.stayed = true")


async def test_a_lead_turns_hot_is_understood_and_accepted_and_its_deadline_stops(manager: Page) -> None:
    """Nothing is loaded anew: not the list while the lead comes up, not the lead's page while the desk answers."""
    page = manager
    await page.evaluate("window.stayed = true")
    mine = page.locator(".row.band-hot", has=page.locator(".todo .due")).first
    await expect(mine).to_be_visible(timeout=HOT_WITHIN_MS)
    assert await page.evaluate("window.stayed === true")
    # Others come up meanwhile, so the first is another one soon; and who a lead is may become known at any moment.
    key = await mine.get_attribute("data-key")
    await page.locator(f'.row[data-key="{key}"] a').first.click()
    await page.wait_for_url(f"**/leads/{key}")
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


async def test_every_button_goes_through_the_desk_and_back(manager: Page) -> None:
    """One lead to the deal, one back to the others, one out of the way, one lost: as its page then says."""
    page = manager
    stand, timeline = page.locator("#lead-stand h2"), page.locator("#lead-timeline")
    await assigned(page, 0)
    async with said(page):
        await page.get_by_role("button", name="Accept", exact=True).click()
    await press(page, "Note", text="<b>called</b> twice")
    await expect(timeline).to_contain_text("<b>called</b> twice")
    await press(page, "Contacted", channel="phone")
    await press(page, "Call later", until_in="182d", text="after the budget")
    await expect(stand).to_contain_text("put it off")
    async with said(page):
        await page.get_by_role("button", name="Qualified", exact=True).click()
    await press(page, "Opportunity", amount="1200.50", close_on="2027-03-01")
    await press(page, "Won", amount="1200.50", currency="EUR")
    await expect(timeline).to_contain_text("1,200.50 EUR")
    await expect(page.locator(".acts")).not_to_contain_text("Won")

    await assigned(page, 1)
    await press(page, "Decline", reason="speaks another language")
    await expect(timeline).to_contain_text("speaks another language")

    await assigned(page, 2)
    await press(page, "Not a lead", reason="a student")
    await expect(timeline).to_contain_text("a student")

    await assigned(page, 3)
    await press(page, "Contacted", channel="email")
    await press(page, "Lost", reason="too expensive")
    await expect(timeline).to_contain_text("too expensive")


async def test_one_who_phones_becomes_a_lead_and_a_rep_goes_and_comes_back(manager: Page) -> None:
    """By the forms beside the lists."""
    page = manager
    home = page.url.rstrip("/")
    await page.goto(f"{home}/new")
    await page.get_by_label("First name").fill("Zoe")
    await page.get_by_label("E-mail").fill("zoe@example.com")
    await page.get_by_role("button", name="Add the lead").click()
    await expect(page.locator("main")).to_contain_text("zoe@example.com")
    await page.goto(f"{home}/?q=zoe@example.com")
    await expect(page.locator(".row")).to_contain_text("Zoe")
    for button in ("Away", "Back"):
        await page.goto(f"{home}/me")
        await page.get_by_role("button", name=button, exact=True).click()
        await expect(page.locator(".notice")).to_be_visible()
