"""The board over HTTP, with a memory read model, as a browser and a script meet it."""

import asyncio
import csv
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack
from typing import Any, NamedTuple, NoReturn

import pytest
from aiohttp import ClientResponse, ClientSession, CookieJar

from engine.readmodel.memory import MemoryReadModel
from engine.readmodel.port import ReadModelAway
from engine.web.board import Board, serve_board
from engine.web.gate.access import Access, Principal
from engine.web.gate.audit import Audit
from engine.web.gate.guard import Entrance
from engine.web.gate.security import HEADERS
from engine.web.streams import VIEWERS_OF_ONE_MAX
from tests.unit.web.people import fill, person, take
from tests.unit.web.principals import ANDY, BLIND, EVERYBODY, OPERATOR

PEOPLE = 12


def entrance() -> Entrance:
    return Entrance(Access.in_memory(*EVERYBODY), Audit())


class Site(NamedTuple):
    """A board that listens, what it shows, who may come in, and a client whose paths are relative to it."""

    model: MemoryReadModel
    board: Board
    access: Access
    client: ClientSession

    def by(self, who: Principal) -> dict[str, str]:
        """The headers of requests of that principal."""
        return {"Authorization": f"Bearer {self.access.admit(who)}"}

    async def get(self, path: str, who: Principal = OPERATOR, status: int = 200) -> str:
        async with self.client.get(path, headers=self.by(who)) as answer:
            assert answer.status == status
            return await answer.text()


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    model, way = MemoryReadModel(), entrance()
    await fill(model, range(PEOPLE), alerts=2)
    board = Board(model, way)
    async with ClientSession(await board.start(), cookie_jar=CookieJar(unsafe=True)) as client:
        await board.index.catch_up()
        yield Site(model, board, way.access, client)
    await board.close()


async def event(stream: ClientResponse, name: str) -> tuple[str, Any]:
    """Id and data of the next event of that name."""
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


async def test_nothing_is_told_to_strangers(site: Site) -> None:
    """Pages lead to the login, what the script asks says 401; neither says a word of any lead."""
    for path in ("/", "/day", "/open", "/leads.csv", "/rows", "/events", "/leads/x", "/no"):
        async with site.client.get(path, allow_redirects=False) as answer:
            assert answer.status == (401 if path in {"/rows", "/events"} else 303)
            assert "example.com" not in await answer.text()


async def test_a_login_link_lets_in_once(site: Site) -> None:
    """Then a cookie does."""
    link = site.board.login_link(ANDY)
    async with site.client.get(link) as answer:
        assert (answer.status, answer.url.path) == (200, "/")
        assert "Hottest leads" in await answer.text()
    async with site.client.get(link, allow_redirects=False) as again:
        assert again.status in {303, 403}


async def test_the_page_needs_no_script(site: Site) -> None:
    """Leads and alerts stand in the HTML that the server sends, and a refresh for who has no script."""
    page = await site.get("/")
    for text in ("Ada Lovelace", "Asked for a demo", "total crossed 80", "12 leads", "<noscript>", 'href="/leads/~'):
        assert text in page


@pytest.mark.parametrize("view", ["hottest", "day", "open"])
async def test_further_rows_follow_to_the_last(site: Site, view: str) -> None:
    """Each lead of a list once, over as many requests as it takes."""
    cursor, keys, total = "", list[str](), ""
    while True:
        text = await site.get(f"/rows?view={view}&limit=2&cursor={cursor}")
        body = json.loads(text)
        keys += [part.split('"')[0] for part in body["html"].split('data-key="')[1:]]
        total = body["total"]
        cursor = body["next"] or ""
        if not cursor:
            break
        assert body["end"]
    assert len(keys) == len(set(keys))
    assert total == f"{len(keys)} leads"
    assert {"hottest": len(keys) == PEOPLE, "day": 5 < len(keys) < PEOPLE, "open": 2 < len(keys) < PEOPLE}[view]


async def test_what_is_not_understood_is_named(site: Site) -> None:
    """With what would be right, and no list of something else instead."""
    for path, named in (
        ("/?colour=red", "colour"),
        ("/rows?limit=0", "limit"),
        ("/rows?limit=1001", "limit"),
        ("/rows?limit=\u0663", "limit"),
        ("/rows?cursor=x", "cursor"),
        ("/events?stage=no", "stage"),
        ("/leads.csv?mine=7", "mine"),
        ("/day?cursor=kqdob3R0ZXN0", "cursor"),
    ):
        text = await site.get(path, status=400)
        assert "Not understood" in text
        assert f"{named}: " in text


async def test_lists_are_of_who_asks(site: Site) -> None:
    """A rep meets its own leads only, in the file, too."""
    assert "Bob" not in await site.get("/", ANDY)
    lines = list(csv.DictReader((await site.get("/leads.csv", ANDY)).lstrip("\ufeff").splitlines()))
    assert {line["owner"] for line in lines} == {"andy"}
    assert len(list(csv.reader((await site.get("/leads.csv")).splitlines()))) == PEOPLE + 1


async def test_the_file_is_for_who_may_know_names(site: Site) -> None:
    """Others are told so."""
    assert "may not see" in await site.get("/leads.csv", BLIND, 403)
    assert "example.com" not in await site.get("/", BLIND)


async def test_viewers_see_updates(site: Site) -> None:
    """A stream says whether it is live, and goes on with the rows that change."""
    body = json.loads(await site.get("/rows"))
    async with site.client.get(f"/events?after={body['mark']}", headers=site.by(OPERATOR)) as stream:
        assert stream.content_type == "text/event-stream"
        assert (await event(stream, "status"))[1]["level"] in {"live", "off"}
        await take(site.model, *person(3, 1_795_000_000_000, total=91.5))
        mark, rows = await event(stream, "rows")
        assert [">92<" in row["html"] for row in rows] == [True]
    async with site.client.get("/events", headers={**site.by(OPERATOR), "Last-Event-ID": mark}) as stream:
        await take(site.model, *person(4, 1_795_000_000_000, total=5.5))
        rows = (await event(stream, "rows"))[1]
        assert [json.loads(row["place"])[0] for row in rows] == [-5.5]


async def test_a_mark_of_another_process_brings_all(site: Site) -> None:
    """As after a restart."""
    async with site.client.get("/events?after=0000-3", headers=site.by(OPERATOR)) as stream:
        await event(stream, "anew")


async def test_a_revoked_token_ends_its_streams(site: Site) -> None:
    """Not only what is asked next."""
    async with site.client.get("/events", headers=site.by(OPERATOR)) as stream:
        await event(stream, "status")
        site.access.admit(OPERATOR)
        await asyncio.wait_for(stream.content.read(), 10)


async def test_viewers_are_limited(site: Site) -> None:
    """One too many is told to come later, others come in; when one leaves there is room again."""
    headers = site.by(OPERATOR)
    async with AsyncExitStack() as streams:
        for _ in range(VIEWERS_OF_ONE_MAX):
            stream = await streams.enter_async_context(site.client.get("/events", headers=headers))
            await event(stream, "status")
        refused = await site.client.get("/events", headers=headers)
        assert (refused.status, refused.headers["Retry-After"]) == (503, "30")
        async with site.client.get("/events", headers=site.by(ANDY)) as other:
            assert other.status == 200
        stream.close()
        async with asyncio.timeout(10):
            while True:
                async with site.client.get("/events", headers=headers) as again:
                    if again.status == 200:
                        break
                await asyncio.sleep(0.1)


async def test_every_answer_is_guarded(site: Site) -> None:
    """Nothing inline, nothing framed, nothing sniffed: errors and streams included."""
    for path in ("/", "/events", "/leads/eve", "/rows", "/rows?limit=x", "/static/board.js", "/no"):
        async with site.client.get(path, headers=site.by(OPERATOR)) as answer:
            assert {name: answer.headers[name] for name in HEADERS} == HEADERS
            assert "Python" not in answer.headers["Server"]
    assert "'unsafe" not in HEADERS["Content-Security-Policy"]


async def test_other_names_are_refused(site: Site) -> None:
    """A page whose name was pointed at this machine reads nothing; loopback's names do."""
    for path in ("/", "/events", "/api/leads", "/login", "/static/board.js"):
        for name in ("evil.example", "127.0.0.1.evil.example", "evil.example:80"):
            async with site.client.get(path, headers={**site.by(OPERATOR), "Host": name}) as answer:
                assert answer.status == 421
    async with site.client.get("/", headers={**site.by(OPERATOR), "Host": "LocalHost:1"}) as answer:
        assert answer.status == 200


async def test_a_head_request_is_no_viewer(site: Site) -> None:
    """It would be answered by a stream that never ends."""
    async with site.client.head("/events", headers=site.by(OPERATOR)) as response:
        assert response.status == 405


async def test_what_is_not_there_is_said(site: Site) -> None:
    """As a page for people, and as the API tells it."""
    assert "There is no such page" in await site.get("/no", status=404)
    assert json.loads(await site.get("/api/no", status=404))["status"] == 404


class Gone(MemoryReadModel):
    """A store that is away."""

    async def away(self, *_: object) -> NoReturn:
        raise ReadModelAway("Redis at 127.0.0.1:1: refused")

    touched = scores = dossiers = progress = latest = away  # type: ignore[assignment]


async def test_an_absent_store_is_said() -> None:
    """Lists stay, and say that they are not live; a lead's page says it in words, without the store's address.

    The API says it as it says all that goes wrong.
    """
    way = entrance()
    board = Board(Gone(), way)
    headers = {"Authorization": f"Bearer {way.access.admit(OPERATOR)}"}
    async with ClientSession(await board.start(), headers=headers) as client:
        async with client.get("/events") as stream:
            while (await event(stream, "status"))[1]["text"] != "Not live: the read model is away":
                pass
        assert "Not live: the read model is away" in await (await client.get("/")).text()
        page = await client.get("/leads/ada")
        assert page.status == 503
        assert "The read model is away" in await page.text()
        assert "127.0.0.1:1" not in await page.text()
        told = await client.get("/api/leads/ada")
        assert (told.status, told.content_type, told.headers["Retry-After"]) == (503, "application/problem+json", "5")
    await board.close()


def test_it_does_not_listen_to_other_machines() -> None:
    """Unless something encrypts what goes there."""
    with pytest.raises(ValueError, match=r"0\.0\.0\.0"):
        Board(MemoryReadModel(), entrance(), "0.0.0.0")


async def test_it_ends_when_told() -> None:
    """With viewers on, at once; a port in use is an OSError."""
    stop, address = asyncio.Event(), asyncio.get_running_loop().create_future()
    way = entrance()
    serving = asyncio.create_task(serve_board(Board(MemoryReadModel(), way), stop, address.set_result))
    headers = {"Authorization": f"Bearer {way.access.admit(OPERATOR)}"}
    async with (
        ClientSession(await asyncio.wait_for(address, 10), headers=headers) as client,
        client.get("/events") as stream,
    ):
        await event(stream, "status")
        port = int(address.result().rsplit(":", 1)[1].rstrip("/"))
        with pytest.raises(OSError, match=str(port)):
            await Board(MemoryReadModel(), way, port=port).start()
        stop.set()
        await asyncio.wait_for(serving, 10)
        assert await asyncio.wait_for(stream.content.read(), 10) is not None


async def test_closing_ends_a_reader_that_lost_its_cancellation() -> None:
    """As redis-py's can in Python 3.11, when an answer comes at the moment of the cancellation."""

    class Deaf(MemoryReadModel):
        lost = 0

        async def changed(self) -> AsyncGenerator[None, None]:
            while True:
                try:
                    await asyncio.sleep(60)
                except asyncio.CancelledError:
                    if self.lost:
                        raise
                    self.lost += 1
                yield

    model = Deaf()
    board = Board(model, entrance())
    await board.start()
    await asyncio.sleep(0)
    closing = asyncio.create_task(board.close())
    assert (await asyncio.wait({closing}, timeout=10))[0]
    await closing
    assert model.lost == 1
