"""From Kafka over Redis to a viewer's screen."""

import asyncio

import pytest
from playwright.async_api import Browser, expect

from engine.readmodel.redis import RedisReadModel
from tests.conftest import RedisFactory
from tests.integration.readmodel.conftest import Cluster, projecting
from tests.integration.web.conftest import Site
from tests.unit.readmodel.samples import alerted, assigned, scored

HOSTILE = "<script>document.title='owned'</script>\u202e\x1b[31m"
WAIT_MS = 60_000

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_viewer_sees_it_happen(browser: Browser, cluster: Cluster, redis_factory: RedisFactory) -> None:
    """What a worker publishes appears, inert; an outage of Redis is said, and after it the board goes on by itself."""
    server = redis_factory()
    projected, shown = RedisReadModel(server.url), RedisReadModel(server.url)
    site = Site(browser, shown)
    await site.start()
    async with projecting(projected, cluster):
        page = await site.page()
        status = page.locator("#status")
        await expect(status).to_have_text("Live", timeout=WAIT_MS)
        await cluster.put([scored(HOSTILE, 91.5), alerted(HOSTILE), assigned(HOSTILE, "bea")])
        row = page.locator(".row", has_text="document.title=")
        await expect(row).to_contain_text("92", timeout=WAIT_MS)
        await expect(row).to_contain_text("bea", timeout=WAIT_MS)
        await expect(page.locator("#alerts")).to_contain_text("crossed 80", timeout=WAIT_MS)
        await asyncio.to_thread(server.kill)
        await expect(status).to_have_text("Not live: the read model is away", timeout=WAIT_MS)
        await cluster.put([scored("late", 64.25)])
        await asyncio.to_thread(server.start)
        await expect(page.locator(".row", has_text="late")).to_contain_text("64", timeout=WAIT_MS)
        await expect(status).to_have_text("Live", timeout=WAIT_MS)
        assert await page.title() == "Hottest leads · Heatline"
    await site.stop()
    await projected.close()
    await shown.close()
    assert site.errors == site.foreign == []
