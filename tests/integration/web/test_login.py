"""Coming in with a real browser: what its rules about cookies and pages of other sites make of ours."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer
from playwright.async_api import Browser, Page

from engine.web.gate.access import Access, principal_of
from engine.web.gate.audit import Audit
from engine.web.gate.guard import Entrance, guard
from engine.web.gate.security import add_headers
from tests.integration.web.conftest import WAIT_MS
from tests.unit.web.inside import STATIC
from tests.unit.web.principals import ANDY

OWN_FORM = '<form method=post action="/acts"><button>Act</button></form>'

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module")
async def page(browser: Browser) -> AsyncIterator[Page]:
    """An empty one, in a browser that nobody has used."""
    opened = await browser.new_context()
    made = await opened.new_page()
    made.set_default_timeout(WAIT_MS)
    yield made
    await opened.close()


@pytest.fixture
def access() -> Access:
    return Access.in_memory()


@pytest_asyncio.fixture(loop_scope="module")
async def board(access: Access) -> AsyncIterator[str]:
    """The address of a guarded application with a page that has a form."""

    async def show(request: web.Request) -> web.Response:
        text = f"<!doctype html><title>In</title><p>{principal_of(request).name}</p>{OWN_FORM}"
        return web.Response(text=text, content_type="text/html")

    async def act(_: web.Request) -> web.Response:
        return web.Response(text="<!doctype html><title>Done</title>", content_type="text/html")

    app = web.Application()
    app.on_response_prepare.append(add_headers)
    guard(app, Entrance(access, Audit()))
    app.router.add_get("/leads/{key}", show)
    app.router.add_get("/", show)
    app.router.add_post("/acts", act)
    app.router.add_static("/static", STATIC)
    async with TestServer(app) as server:
        yield f"http://localhost:{server.port}"


@pytest_asyncio.fixture(loop_scope="module")
async def elsewhere(board: str) -> AsyncIterator[str]:
    """The address of another site, with a link to a lead and a form that acts on the board."""

    async def show(_: web.Request) -> web.Response:
        text = f'<!doctype html><a href="{board}/leads/~x">A lead</a>{OWN_FORM.replace("/acts", f"{board}/acts")}'
        return web.Response(text=text, content_type="text/html")

    app = web.Application()
    app.router.add_get("/", show)
    async with TestServer(app, host="127.0.0.1") as server:
        yield f"http://127.0.0.1:{server.port}/"


async def test_one_logs_in_once_and_finds_what_one_asked_for(page: Page, board: str, access: Access) -> None:
    """With the keyboard; the page's policy lets its own form through, and its own only."""
    await page.goto(f"{board}/leads/~x")
    assert await page.title() == "Log in · Heatline"
    await page.keyboard.type("hl_wrong")
    await page.keyboard.press("Enter")
    await page.get_by_role("alert").wait_for()
    await page.keyboard.type(access.admit(ANDY))
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"{board}/leads/~x")
    assert await page.inner_text("p") == "Andy"
    await page.click("button")
    assert await page.title() == "Done"


async def test_a_link_on_another_site_leads_to_the_lead_and_a_form_there_does_nothing(
    page: Page, board: str, elsewhere: str, access: Access
) -> None:
    """The browser keeps the cookie back at first; one need not log in again."""
    await page.goto(f"{board}/login")
    await page.fill("#token", access.admit(ANDY))
    await page.click("button")
    await page.wait_for_url(f"{board}/")
    await page.goto(elsewhere)
    await page.click("a")
    await page.wait_for_function("document.title == 'In'")
    assert page.url == f"{board}/leads/~x"
    await page.goto(elsewhere)
    await page.click("button")
    assert "another site" in await page.inner_text("body")
