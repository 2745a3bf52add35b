"""From Kafka over Redis to a viewer's screen."""

import asyncio
import json
from collections.abc import AsyncIterator

from aiohttp import ClientResponse, ClientSession

from engine.readmodel.redis import RedisReadModel
from engine.web.board import Board
from tests.conftest import RedisFactory
from tests.integration.readmodel.conftest import Cluster, projecting
from tests.unit.readmodel.samples import alerted, assigned, scored

HOSTILE = "<script>alert(1)</script>\u202e\x1b[31m"


async def sections(stream: ClientResponse) -> AsyncIterator[tuple[str, str]]:
    """Name and HTML of each server-sent event."""
    fields: dict[str, str] = {}
    async for line in stream.content:
        key, _, value = line.decode().rstrip("\n").partition(": ")
        fields[key] = value
        if not line.strip():
            if "event" in fields:
                yield fields["event"], json.loads(fields["data"])
            fields = {}


async def follow(stream: ClientResponse, *expected: tuple[str, str]) -> dict[str, str]:
    """Read until each expected section has shown its text; the sections as a viewer saw them last."""
    seen: dict[str, str] = {}
    missing = set(expected)
    async with asyncio.timeout(60):
        async for name, html in sections(stream):
            seen[name] = html
            missing -= {(section, text) for section, text in missing if section == name and text in html}
            if not missing:
                return seen
    raise AssertionError(f"the stream ended before it showed {missing}")


async def test_a_viewer_sees_it_happen(cluster: Cluster, redis_factory: RedisFactory) -> None:
    """What a worker publishes appears, inert; an outage of Redis is said, and after it the board goes on by itself."""
    server = redis_factory()
    projected, shown = RedisReadModel(server.url), RedisReadModel(server.url)
    board = Board(shown)
    address = await board.start()
    async with projecting(projected, cluster), ClientSession(address) as client, client.get("/events") as stream:
        await follow(stream, ("status", "Live"))
        await cluster.put([scored(HOSTILE, 91.5), alerted(HOSTILE), assigned(HOSTILE, "bea")])
        seen = await follow(stream, ("leads", "91.5"), ("alerts", "crossed 80"), ("assignments", "bea"))
        for html in seen.values():
            assert "<script" not in html
            assert "\u202e" not in html
        assert "&lt;script&gt;" in seen["leads"]
        await asyncio.to_thread(server.kill)
        await follow(stream, ("status", "Not live: the read model is away"))
        await cluster.put([scored("late", 64.25)])
        await asyncio.to_thread(server.start)
        await follow(stream, ("leads", "64.2"), ("status", ">Live"))
    await board.close()
    await projected.close()
    await shown.close()
