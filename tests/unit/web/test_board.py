"""The board over HTTP, with a memory read model, as a browser and a script meet it."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import NamedTuple

import pytest
from aiohttp import ClientResponse, ClientSession
from yarl import URL

from engine.core.flow import Output
from engine.readmodel.events import project
from engine.readmodel.memory import MemoryReadModel
from engine.readmodel.port import LeadScored, Logged, ReadModelAway
from engine.web import board as board_module
from engine.web.board import Board, serve_board
from engine.web.pages import lead_url
from engine.web.security import HEADERS
from tests.unit.readmodel.contract import take
from tests.unit.readmodel.samples import alerted, as_record, assigned, scored

HOSTILE = "<script>alert(1)</script>\"'/../?#%2e&\u202e\x1b[31m"


class Site(NamedTuple):
    """A board that listens, what it shows, and a client whose paths are relative to it."""

    model: MemoryReadModel
    client: ClientSession


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    model = MemoryReadModel()
    board = Board(model)
    address = await board.start()
    async with ClientSession(address) as client:
        yield Site(model, client)
    await board.close()


async def show(model: MemoryReadModel, *made: Output) -> None:
    changes = [project(as_record(output)) for output in made]
    await take(model, *(change for change in changes if isinstance(change, (LeadScored, Logged))))


async def shown(site: Site, text: str) -> str:
    """The board's page, once it has `text`."""
    async with asyncio.timeout(10):
        while True:
            page = await (await site.client.get("/")).text()
            if text in page:
                return page
            await asyncio.sleep(0.05)


async def event(stream: ClientResponse, name: str) -> tuple[str, str]:
    """Id and HTML of the next event of that name."""
    fields: dict[str, str] = {}
    async with asyncio.timeout(10):
        async for line in stream.content:
            key, _, value = line.decode().rstrip("\n").partition(": ")
            fields[key] = value
            if not line.strip():
                if fields.get("event") == name:
                    return fields["id"], json.loads(fields["data"])
                fields = {}
    raise AssertionError(f"the stream ended without an event {name}")


async def test_the_page_needs_no_script(site: Site) -> None:
    """Leads, alerts and assignments stand in the HTML that the server sends."""
    await show(site.model, scored("ada", 91.5), alerted("ada"), assigned("ada", "andy"))
    page = await shown(site, "91.5")
    for text in ("crossed 80", "next in team us", 'href="/leads/ada"', "<noscript>"):
        assert text in page


async def test_viewers_see_updates(site: Site) -> None:
    """A stream begins with what its page lacks, and goes on with each section that changes."""
    async with site.client.get("/events") as stream:
        assert stream.content_type == "text/event-stream"
        assert "No lead" in (await event(stream, "leads"))[1]
        await show(site.model, scored(HOSTILE, 91.5))
        html = (await event(stream, "leads"))[1]
        assert "91.5" in html
        assert "<script" not in html
        assert "&lt;script&gt;" in html


async def test_a_viewer_that_comes_back_gets_what_it_missed(site: Site) -> None:
    """The id it saw last spares it what it has; one of another process, or nonsense, brings everything."""
    async with site.client.get("/events") as stream:
        seen, _ = await event(stream, "leads")
    await show(site.model, alerted("ada"))
    await shown(site, "crossed 80")
    async with site.client.get("/events", headers={"Last-Event-ID": seen}) as stream:
        names = [(await stream.content.readuntil(b"\n\n")).decode() for _ in range(3)]
    assert sorted(text.split("event: ")[1].split("\n")[0] for text in names) == ["alerts", "counts", "status"]
    for unknown in ("0000-99", "nonsense", seen.split("-")[0] + "-\u0663", "-"):
        async with site.client.get("/events", params={"after": unknown}) as stream:
            assert "No lead" in (await event(stream, "leads"))[1]


async def test_viewers_are_limited(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """One too many is told to come later; when one leaves there is room again."""
    monkeypatch.setattr(board_module, "VIEWERS_MAX", 1)
    async with site.client.get("/events") as stream:
        await event(stream, "status")
        refused = await site.client.get("/events")
        assert (refused.status, refused.headers["Retry-After"]) == (503, "30")
        stream.close()
    async with asyncio.timeout(10):
        while True:
            await show(site.model, alerted("ada", cause=str(asyncio.get_running_loop().time())))
            async with site.client.get("/events") as again:
                if again.status == 200:
                    break
            await asyncio.sleep(0.3)


@pytest.mark.parametrize("lead", ["ada", HOSTILE, ".", "..", "a/b", "ü ?&#%00", "email:a+b@c.example"])
async def test_every_lead_has_a_page(site: Site, lead: str) -> None:
    """Under the address that the board links to, whatever its id."""
    await show(site.model, scored(lead, 66.6))
    answer = await site.client.get(URL(lead_url(lead), encoded=True))
    assert answer.status == 200
    page = await answer.text()
    assert "66.6" in page
    assert "<script>alert" not in page


async def test_an_unknown_lead_has_none(site: Site) -> None:
    """Not found, as a page and as JSON, with its id as text."""
    answer = await site.client.get("/leads/%3Cb%3E")
    assert answer.status == 404
    assert "&lt;b&gt; has no score here" in await answer.text()
    api = await site.client.get("/api/leads/eve")
    assert (api.status, await api.json()) == (404, {"error": "no such lead"})


async def test_the_api_tells_events_as_they_are(site: Site) -> None:
    """The records of the topics, hottest and newest first, and an explanation that adds up."""
    cold, hot, alert, assignment = scored("bob", 10.0), scored("ada", 91.5), alerted("ada"), assigned("ada")
    await show(site.model, cold, hot, alert, assignment)

    async def get(path: str) -> dict[str, object]:
        answer = await site.client.get(path)
        assert answer.status == 200
        body: dict[str, object] = await answer.json()
        return body

    assert await get("/api/leads") == {"leads": [json.loads(made.value or b"") for made in (hot, cold)]}
    assert await get("/api/leads?limit=1") == {"leads": [json.loads(hot.value or b"")]}
    assert await get("/api/alerts") == {"alerts": [json.loads(alert.value or b"")]}
    assert await get("/api/assignments") == {"assignments": [json.loads(assignment.value or b"")]}
    told = await get("/api/leads/ada")
    assert told["score"] == json.loads(hot.value or b"")
    assert [(part["name"], part["points"]) for part in told["explanation"]] == [  # type: ignore[attr-defined]
        ("engagement", 81.5),
        ("fit", 10),
        ("total", 91.5),
    ]
    assert (await get("/api/status"))["counts"] == {"leads": 2, "alerts": 1, "assignments": 1}


@pytest.mark.parametrize("limit", ["0", "1001", "-1", "ten", "1e3", "\u0663", "9" * 5000, ""])
async def test_a_wrong_limit_is_named(site: Site, limit: str) -> None:
    """With its value and what would be right."""
    answer = await site.client.get("/api/leads", params={"limit": limit})
    assert answer.status == 400
    assert (await answer.json())["error"] == f"limit {limit[:40]!r} is not a number from 1 to 1000"


@pytest.mark.parametrize(
    "path", ["/", "/events", "/leads/eve", "/api/leads", "/api/leads?limit=x", "/static/board.js", "/no"]
)
async def test_every_answer_is_guarded(site: Site, path: str) -> None:
    """Nothing inline, nothing framed, nothing sniffed, no referrer: errors and streams included."""
    async with site.client.get(path) as answer:
        assert {name: answer.headers[name] for name in HEADERS} == HEADERS
        assert "Python" not in answer.headers["Server"]
    assert "'unsafe" not in HEADERS["Content-Security-Policy"]


@pytest.mark.parametrize("path", ["/", "/events", "/api/leads", "/leads/ada", "/static/board.js"])
async def test_other_names_are_refused(site: Site, path: str) -> None:
    """A page whose name was pointed at this machine reads nothing; loopback's names do."""
    for name in ("evil.example", "127.0.0.1.evil.example", "evil.example:80"):
        async with site.client.get(path, headers={"Host": name}) as answer:
            assert answer.status == 421
    async with site.client.get("/", headers={"Host": "LocalHost:1"}) as answer:
        assert answer.status == 200


async def test_only_reading(site: Site) -> None:
    """No other method does anything."""
    for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS"):
        assert (await site.client.request(method, "/api/leads")).status == 405


async def test_a_head_request_is_no_viewer(site: Site) -> None:
    """It would be answered by a stream that never ends."""
    async with site.client.head("/events") as response:
        assert response.status == 405


class Gone(MemoryReadModel):
    """A store that is away."""

    async def lead(self, lead: str) -> bytes | None:
        raise ReadModelAway("Redis at 127.0.0.1:1: refused")


async def test_an_absent_store_is_said() -> None:
    """Service unavailable, in words for people and as JSON for programs, without its address."""
    board = Board(Gone())
    async with ClientSession(await board.start()) as client:
        page, api = await client.get("/leads/ada"), await client.get("/api/leads/ada")
        assert (page.status, api.status) == (503, 503)
        assert "The read model is away" in await page.text()
        assert "The read model is away" in (await api.json())["error"]
    await board.close()


def test_it_does_not_listen_to_other_machines() -> None:
    """Unless that is allowed explicitly."""
    with pytest.raises(ValueError, match=r"0\.0\.0\.0"):
        Board(MemoryReadModel(), "0.0.0.0")
    Board(MemoryReadModel(), "0.0.0.0", allow_remote=True)


async def test_it_ends_when_told(site: Site) -> None:
    """With viewers on, at once; a port in use is an OSError."""
    stop, address = asyncio.Event(), asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(serve_board(MemoryReadModel(), "127.0.0.1", 0, stop, address.set_result))
    async with ClientSession(await asyncio.wait_for(address, 10)) as client, client.get("/events") as stream:
        await event(stream, "status")
        port = int(address.result().rsplit(":", 1)[1].rstrip("/"))
        with pytest.raises(OSError, match=str(port)):
            await Board(MemoryReadModel(), "127.0.0.1", port).start()
        stop.set()
        await asyncio.wait_for(serving, 10)
        assert await asyncio.wait_for(stream.content.read(), 10) is not None
