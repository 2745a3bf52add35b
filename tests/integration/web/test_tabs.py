"""A browser with many tabs, and one that slept: whoever comes back to a page sees what there is to see by then."""

import pytest
from playwright.async_api import Page, expect

from engine.readmodel.port import LeadGone
from tests.integration.web.conftest import MANAGER, Site
from tests.unit.web.people import fill, take

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120)]

CONNECTIONS = 6
"""That a browser has to one host over HTTP/1.1, for all its tabs."""
_HIDE = """hidden => {
  Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
  document.dispatchEvent(new Event("visibilitychange"));
}"""


async def _links(site: Site) -> tuple[Page, list[str]]:
    await fill(site.model, range(CONNECTIONS + 1))
    assert site.board is not None
    await site.board.index.catch_up()
    first = await site.page()
    return first, await first.eval_on_selector_all("#rows a.lead", "links => links.map(link => link.href)")


async def test_tabs_in_the_background_leave_the_board_to_the_one_in_front(site: Site) -> None:
    """More tabs than a browser has connections: each opens; the first one is current once it is looked at again."""
    front, links = await _links(site)
    tabs = [front]
    for link in links:
        await tabs[-1].evaluate(_HIDE, True)
        tab = await front.context.new_page()
        await tab.goto(link)
        await expect(tab.locator("#status")).to_contain_text("Live")
        tabs.append(tab)
    await tabs[-1].evaluate(_HIDE, True)
    await fill(site.model, [50])
    await front.evaluate(_HIDE, False)
    await expect(front.locator("#rows .row")).to_have_count(len(links) + 1)
    await tabs[1].evaluate(_HIDE, False)
    await expect(tabs[1].locator("#status")).to_contain_text("Live")


async def test_who_comes_back_to_a_lead_that_is_gone_is_told_so(site: Site) -> None:
    """Nothing of it stays on the screen, though the page was not followed when it went."""
    front, links = await _links(site)
    tab = await front.context.new_page()
    await tab.goto(links[0])
    await tab.evaluate(_HIDE, True)
    for number in range(CONNECTIONS + 1):
        await take(site.model, LeadGone(f"email:lead{number}@example.com"))
    await tab.evaluate(_HIDE, False)
    await expect(tab.locator("main")).to_contain_text("No such lead")


async def test_a_session_that_is_over_ends_on_the_login(site: Site) -> None:
    """And not on a page that shows a lead and says that there is no connection."""
    front, links = await _links(site)
    tab = await front.context.new_page()
    await tab.goto(links[0])
    await expect(tab.locator("#status")).to_contain_text("Live")
    site.access.admit(MANAGER)
    await expect(tab.locator("#token")).to_be_visible()
