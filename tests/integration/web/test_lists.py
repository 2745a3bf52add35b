"""The lists of leads in a real browser: live, filtered, by keyboard, over a restart, and by the thousand."""

import re

import pytest
from playwright.async_api import Page, expect

from engine.readmodel.port import LeadGone
from engine.web.live import now_ms
from tests.integration.web.conftest import MANAGER, WAIT_MS, Site
from tests.unit.web.people import HOSTILE, alert, fill, person, take
from tests.unit.web.principals import ANDY, BLIND

expect.set_options(timeout=WAIT_MS)
pytestmark = pytest.mark.asyncio(loop_scope="module")

HOLD = "window.stayed = true"
STAYED = "window.stayed === true"
SCROLL_ROWS = 10_000


async def names(page: Page) -> list[str]:
    return await page.locator(".row .lead").all_inner_texts()


async def test_a_lead_turns_hot_without_reloading(site: Site) -> None:
    """Its row moves up, keeps the focus, and says why; a new alert is counted; who is gone goes."""
    await fill(site.model, range(20), alerts=1)
    page = await site.page()
    await page.evaluate(HOLD)
    await expect(page.locator("#status")).to_have_text("Live")
    row = page.locator(".row", has_text="Kaja")
    await row.locator("a").focus()
    assert (await names(page))[0].startswith("Ada")
    await take(site.model, *person(10, now_ms(), total=99.4), alert(10, now_ms()))
    await expect(page.locator(".row").first).to_contain_text("Kaja")
    await expect(page.locator(".row").first).to_contain_text("99")
    await expect(row.locator("a")).to_be_focused()
    await expect(page.locator("#new-alerts")).to_have_text("1 new")
    await expect(page.locator("#alerts li").first).to_contain_text("Kaja")
    await take(site.model, LeadGone("email:lead0@example.com"))
    await expect(page.locator(".row", has_text="Ada")).to_have_count(0)
    await expect(page.locator("#total")).to_have_text("19 leads")
    assert await page.evaluate(STAYED)


async def test_filters_and_search(site: Site) -> None:
    """Without a reload; what does not fit stays out when it changes, and the address can be sent to somebody."""
    await fill(site.model, range(40))
    page = await site.page()
    await page.evaluate(HOLD)
    await page.locator("#more-filters summary").click()
    await page.get_by_label("Owner").select_option("bea")
    await expect(page.locator("#total")).to_have_text("11 leads")
    assert set(await page.locator(".row .owner bdi").all_inner_texts()) >= {"bea"}
    await page.locator("#q").fill("Bob")
    await expect(page.locator(".row")).to_have_count(1)
    assert page.url.endswith("?q=Bob&owner=bea")
    await take(site.model, *person(2, now_ms(), total=99.9), *person(1, now_ms(), total=12.5))
    await expect(page.locator(".row")).to_contain_text("12")
    assert await page.locator(".row").count() == 1
    await page.locator("#q").fill("nobody at all")
    await expect(page.locator("#empty")).to_be_visible()
    assert await page.evaluate(STAYED)
    await page.goto(f"{site.address}/?q=Bob&owner=bea")
    await expect(page.locator(".row")).to_have_count(1)
    await page.get_by_role("link", name="Clear").click()
    await expect(page.locator(".row")).to_have_count(40)
    await page.locator("#more-filters summary").click()
    await page.get_by_label("Territory").select_option("maine")
    await expect(page.locator("#total")).to_have_text("24 leads")
    assert page.url.endswith("?territory=maine")


async def test_all_by_keyboard(site: Site) -> None:
    """A slash searches, j and k go down and up, Enter opens; the first tab leads past the bar."""
    await fill(site.model, range(5))
    page = await site.page()
    await page.keyboard.press("Tab")
    await expect(page.locator(".skip")).to_be_focused()
    await page.keyboard.press("/")
    await expect(page.locator("#q")).to_be_focused()
    await page.keyboard.press("j")
    await expect(page.locator("#q")).to_have_value("j")
    await page.keyboard.press("Backspace")
    await page.keyboard.press("Escape")
    await expect(page.locator(".row")).to_have_count(5)
    for key, row in (("j", 0), ("j", 1), ("j", 2), ("k", 1)):
        await page.keyboard.press(key)
        await expect(page.locator(".row .lead").nth(row)).to_be_focused()
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/leads/~*")
    await expect(page.locator("h1")).to_contain_text("Bob")


async def test_a_restart_of_the_board(site: Site) -> None:
    """Without a server it says that it is not live; with the next one it goes on, logged in, with what it missed."""
    await fill(site.model, range(10))
    page = await site.page(ANDY)
    await page.evaluate(HOLD)
    await expect(page.locator("#status")).to_have_text("Live")
    await site.stop()
    await expect(page.locator("#status")).to_have_text("Not live: no connection")
    await expect(page.locator("#announce")).to_have_text("Not live: no connection")
    await take(site.model, *person(3, now_ms(), total=98.7))
    await site.start()
    await expect(page.locator(".row").first).to_contain_text("99")
    await expect(page.locator("#status")).to_have_text("Live")
    await take(site.model, *person(6, now_ms(), total=99.6))
    await expect(page.locator(".row").first).to_contain_text("100")
    assert await page.evaluate(STAYED)
    assert len(await names(page)) == 4


async def test_who_is_thrown_out_is_led_to_the_login(site: Site) -> None:
    """A revoked token ends its live lists, and the page does not go on as if nothing were."""
    await fill(site.model, range(3))
    page = await site.page(ANDY)
    await expect(page.locator("#status")).to_have_text("Live")
    site.access.admit(ANDY)
    await page.wait_for_url("**/login*")
    await expect(page.locator(".row")).to_have_count(0)


async def test_hostile_texts_are_inert(site: Site) -> None:
    """Whatever a visitor is called, and wherever it came from, a page shows it and nothing happens."""
    traits = {"name": HOSTILE, "company": HOSTILE, "email": HOSTILE, "phone": HOSTILE}
    await take(site.model, *person(0, now_ms(), traits=traits, product=HOSTILE[:64], persona=HOSTILE, total=90.0))
    page = await site.page()
    await expect(page.locator(".row")).to_contain_text("<img src=x")
    await take(site.model, *person(0, now_ms(), traits=traits, product=HOSTILE[:64], total=91.0), alert(0, now_ms()))
    await expect(page.locator(".row .score")).to_contain_text("91")
    await page.locator(".row .lead").click()
    await page.wait_for_url("**/leads/~*")
    assert "owned" not in (await page.title()).replace("document.title='owned'", "")
    assert await page.locator("main img, main script").count() == 0


async def test_names_stay_with_who_may_know_them(site: Site) -> None:
    """An operator without personal data gets none, in nothing that a browser receives."""
    await fill(site.model, range(6), alerts=3)
    received: list[str] = []
    page = await site.page(BLIND)
    page.on("response", lambda answer: received.append(answer.url))
    await page.reload()
    await expect(page.locator(".row")).to_have_count(6)
    html = await page.content()
    for text in ("example.com", "Lovelace", "Northwind"):
        assert text not in html
        assert not [url for url in received if text in url]


async def test_without_a_script(site: Site) -> None:
    """Rows, filters and further pages work by links and forms."""
    await fill(site.model, range(150))
    page = await site.page(java_script_enabled=False)
    assert await page.locator(".row").count() == 100
    await page.locator("#more").click()
    await expect(page.locator(".row")).to_have_count(50)
    # With a blank, which no key of a lead has: those are searched, too.
    await page.locator("#q").fill("Ada L")
    await page.get_by_role("button", name="Show").click()
    await page.wait_for_url(re.compile("[?]q=Ada[+]L(&|$)"))
    assert set(await names(page)) == {"Ada Lovelace"}
    await page.get_by_role("button", name="Log out").click()
    await page.wait_for_url("**/login")


@pytest.mark.timeout(240)
async def test_ten_thousand_leads_scroll(site: Site) -> None:
    """All are reached, each once and in order, and the page is as live as before; how smoothly is for benchmarks/."""
    await fill(site.model, range(SCROLL_ROWS))
    page = await site.page(MANAGER)
    await page.evaluate(
        """() => { const down = setInterval(() => { scrollTo(0, document.documentElement.scrollHeight);
        if (document.getElementById("more").hidden) { clearInterval(down); } }, 50); }"""
    )
    await expect(page.locator("#more")).to_be_hidden(timeout=120_000)
    keys, totals = await page.evaluate(
        """() => [new Set([...document.querySelectorAll(".row")].map((row) => row.dataset.key)).size,
        [...document.querySelectorAll(".row")].map((row) => Number(row.dataset.total))]"""
    )
    assert keys == len(totals) == SCROLL_ROWS
    assert totals == sorted(totals, reverse=True)
    await take(site.model, *person(5_000, now_ms(), total=99.9))
    await expect(page.locator(".row").first).to_contain_text("100")
