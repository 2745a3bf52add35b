"""What keeps people out of a page: axe-core looks for it in every page, in light and dark, wide and narrow."""

import asyncio
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.integration.web.conftest import WAIT_MS, Site
from tests.servers.install import axe
from tests.unit.web.people import fill
from tests.unit.web.principals import ANDY

expect.set_options(timeout=WAIT_MS)
pytestmark = pytest.mark.asyncio(loop_scope="module")

PHONE = {"width": 360, "height": 780}
DESK = {"width": 1366, "height": 768}
FINDINGS = """async (rules) => (await axe.run(document, {resultTypes: ["violations"], ...rules})).violations
    .filter(({impact}) => impact === "serious" || impact === "critical")
    .map(({id, nodes}) => `${id}: ${nodes.slice(0, 3).map((node) => node.html.slice(0, 200)).join(" | ")}`)"""
EVERYTHING: dict[str, Any] = {}
COLOURS = {"runOnly": ["color-contrast", "link-in-text-block"]}


async def findings(page: Page) -> list[str]:
    """What is wrong with a page: all rules in light, and in dark those about colours."""
    await page.evaluate((await asyncio.to_thread(axe)).read_text())
    wrong = []
    for scheme, rules in (("light", EVERYTHING), ("dark", COLOURS)):
        await page.emulate_media(color_scheme="light" if scheme == "light" else "dark")
        wrong += [f"{page.url} {scheme} {found}" for found in await page.evaluate(FINDINGS, rules)]
    return wrong


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
async def test_nobody_is_kept_out(site: Site, size: dict[str, int]) -> None:
    """No serious or critical finding on any page, in light and dark, and nothing is wider than its window."""
    await fill(site.model, range(30), alerts=4)
    page = await site.page(viewport=size, reduced_motion="reduce")
    lead = await page.locator(".row .lead").nth(1).get_attribute("href")
    wrong = []
    for path in ("/", "/day", "/?band=hot&q=none", lead, "/new", "/me", "/nothing"):
        await page.goto(f"{site.address}{path}")
        wrong += await findings(page)
        if await page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            wrong.append(f"{path} is wider than its window")
    stranger = await site.page(None, "/login", viewport=size)
    assert [*wrong, *await findings(stranger)] == []


async def test_what_keeps_people_out_is_found(site: Site) -> None:
    """The same search finds a field without a name and grey on grey, each where it is."""
    page = await site.page()
    await page.evaluate("""() => {
        document.querySelector("main").insertAdjacentHTML("beforeend", "<input id=odd><p class=pale>hardly seen</p>");
        document.querySelector(".pale").style.color = "#999";
    }""")
    wrong = " ".join(await findings(page))
    assert "light label: <input id" in wrong
    assert "light color-contrast: <p class" in wrong
    assert "dark" not in wrong


async def test_motion_is_for_who_wants_it(site: Site) -> None:
    """Who asks for less of it gets none."""
    await fill(site.model, range(3))
    page = await site.page(ANDY, reduced_motion="reduce")
    await page.locator(".row").first.evaluate("(row) => row.classList.add('fresh')")
    assert await page.locator(".row").first.evaluate("(row) => getComputedStyle(row).animationName") == "none"
