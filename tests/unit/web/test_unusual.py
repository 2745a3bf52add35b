"""What no browser of a friend sends: forms that are none, answers to HEAD, records of another version."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from typing import NamedTuple

import pytest
from aiohttp import ClientSession
from msgspec.structs import replace
from yarl import URL

from engine.core.cloudevents import output
from engine.readmodel.dossier import Dossier, fold, pack
from engine.readmodel.memory import MemoryReadModel
from engine.readmodel.port import DossierKept, LeadScored
from engine.web import streams
from engine.web.board import Board
from engine.web.gate.access import Access, Principal
from engine.web.gate.audit import Audit
from engine.web.gate.guard import Entrance
from engine.web.lead import ownpages
from engine.web.lead import page as leadpage
from engine.web.lead.workplace import FORM
from engine.web.lists import routes as lists
from engine.web.live import now_ms
from tests.unit.readmodel import samples
from tests.unit.web.leads import FakeSender, hot_lead, put_lead, said
from tests.unit.web.people import take
from tests.unit.web.principals import ANDY, OPERATOR

ORLA = Principal("t9", "Orla", "operator", "andy", personal=False)
OTHERS_DOSSIER = b"\x99\x01"


class Site(NamedTuple):
    """A board with Ada, who is Andy's, and a client that sends what it is told to."""

    board: Board
    access: Access
    model: MemoryReadModel
    sender: FakeSender
    client: ClientSession
    url: str

    @property
    def path(self) -> str:
        """Where Ada's page is."""
        card = self.board.index.find("ada")
        assert card is not None
        return f"/leads/{card.key}"

    async def ask(
        self, method: str, path: str, who: Principal | None, body: bytes = b"", headers: Mapping[str, str] = {}
    ) -> tuple[int, str]:
        """The status, and the text or where it leads."""
        way = {} if who is None else {"Authorization": f"Bearer {self.access.admit(who)}"}
        given = {**way, **headers}
        async with self.client.request(method, path, headers=given, data=body, allow_redirects=False) as answer:
            return answer.status, answer.headers.get("Location") or await answer.text()


@pytest.fixture
async def site(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Site]:
    monkeypatch.setattr(leadpage, "TICK_S", 0.02)
    monkeypatch.setattr(ownpages, "LISTED_WAIT_S", 0.3)
    model, access = MemoryReadModel(), Access.in_memory(ANDY, ORLA, OPERATOR)
    sender = FakeSender(model, {"accepted": True})
    await put_lead(model, *hot_lead(now_ms()))
    board = Board(model, Entrance(access, Audit()), sender=sender)
    url = await board.start()
    async with ClientSession(url) as client:
        await board.index.catch_up()
        yield Site(board, access, model, sender, client, url)
    await board.close()


NO_FORMS = (
    (f"{FORM}; charset=bogus", b"type=lead.accepted"),
    (f"{FORM}; charset=rot13", b"type=lead.accepted"),
    (f"{FORM}; charset=raw_unicode_escape", b"lastName=\\ud800"),
    (FORM, b"type=\xff\xfe"),
    ("multipart/form-data", b"--x"),
    ("multipart/form-data; boundary=x", b"--y\r\nno part"),
    ("application/json", b"{}"),
)


async def test_what_is_no_form_is_a_mistake_of_who_sent_it(site: Site) -> None:
    """No trace in the log, nothing sent, and words instead of a page of the server's own."""
    for path in (f"{site.path}/feedback", "/new", "/me"):
        for kind, body in NO_FORMS:
            status, text = await site.ask("POST", path, ANDY, body, {"Content-Type": kind})
            assert (status, "expected application/x-www-form-urlencoded" in text) == (400, True), (path, kind)
    assert (site.sender.sent, site.sender.enquiries) == ([], [])


async def test_what_is_packed_is_not_unpacked(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    """A body that says it is compressed and is not would be a trace in the log for each request of a stranger."""
    headers = {"Content-Type": FORM, "Content-Encoding": "gzip", "Sec-Fetch-Site": "same-origin"}
    assert (await site.ask("POST", "/login", None, b"token=x", headers))[0] == 403
    assert (await site.ask("POST", "/nothing", None, b"token=x", headers))[0] == 303
    assert [record for record in caplog.records if record.exc_info] == []


async def test_an_answer_to_head_has_no_rows(site: Site) -> None:
    """A proxy would take what follows the head for the answer to whoever asks next."""
    url = URL(site.url)
    reader, writer = await asyncio.open_connection(url.host, url.port)
    way = f"Host: localhost\r\nAuthorization: Bearer {site.access.admit(ANDY)}\r\n"
    for path in ("/", "/rows", "/leads.csv", "/events", site.path, f"{site.path}/events", "/api/leads", "/new", "/me"):
        writer.write(f"HEAD {path} HTTP/1.1\r\n{way}\r\nGET /api/facets HTTP/1.1\r\n{way}\r\n".encode())
        await reader.readuntil(b"\r\n\r\n")
        assert (await reader.readline()).startswith(b"HTTP/1.1 200"), path
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.partition(b"Content-Length: ")[2].partition(b"\r\n")[0])
        await reader.readexactly(length)
    writer.close()


async def test_a_file_that_is_not_fetched_to_its_end_is_no_defect(
    site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Who leaves, and who reads too slowly, is let go without a trace in the log, and gets no end of the file."""
    monkeypatch.setattr(streams, "WRITE_TIMEOUT_S", 0.2)
    monkeypatch.setattr(lists, "csv_lines", lambda _: "x" * 12_000_000)
    url = URL(site.url)
    for is_patient in (True, False):
        reader, writer = await asyncio.open_connection(url.host, url.port, limit=1_000)
        way = f"Host: localhost\r\nAuthorization: Bearer {site.access.admit(ANDY)}\r\n"
        writer.write(f"GET /leads.csv HTTP/1.1\r\n{way}\r\n".encode())
        await reader.readuntil(b"\r\n\r\n")
        if is_patient:
            await asyncio.sleep(0.5)
        writer.transport.abort()
        await asyncio.sleep(0.3)
    assert [record for record in caplog.records if record.exc_info] == []


async def test_who_only_looks_adds_no_leads(site: Site) -> None:
    """As by the API: an operator acts as the rep who it is, or not at all."""
    headers = {"Content-Type": FORM}
    status, text = await site.ask("POST", "/new", OPERATOR, b"lastName=Hopper", headers)
    assert (status, "by reps and managers" in text, site.sender.enquiries) == (403, True, [])


async def test_adding_a_lead_tells_nothing_of_others_leads(site: Site) -> None:
    """One that somebody else has takes as long as one that never comes, and leads to the same page."""
    headers = {"Content-Type": FORM}
    lead = "email:bob@example.com"
    await put_lead(site.model, samples.score(lead, owner="bea"))
    await site.board.index.catch_up()
    assert site.board.index.find(lead) is not None
    began_s = time.monotonic()
    assert await site.ask("POST", "/new", ANDY, b"email=bob%40example.com", headers) == (303, "/new?added=1")
    assert time.monotonic() - began_s >= 0.3


async def test_a_board_that_closes_waits_for_no_lead(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who waits to see a lead just added gets an answer at once."""
    monkeypatch.setattr(ownpages, "LISTED_WAIT_S", 60.0)
    asked = asyncio.create_task(site.ask("POST", "/new", ANDY, b"email=bob%40example.com", {"Content-Type": FORM}))
    async with asyncio.timeout(10):
        while not site.sender.enquiries:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        assert not asked.done()
        await site.board.close()
        assert await asked == (303, "/new?added=1")


async def test_a_record_of_another_version_is_no_lead(site: Site) -> None:
    """Page, news and API: while two versions write, what this one cannot read is left out, and breaks nothing."""
    score, dossier = hot_lead(now_ms())
    event = output("lead-scores", "lead.score_changed", "eve", samples.NOW_MS, replace(score, lead="eve"), samples.AT)
    assert event.value is not None
    await take(site.model, LeadScored("eve", 84.25, "hot", event.value), DossierKept("eve", OTHERS_DOSSIER))
    assert (await site.ask("GET", "/leads/eve", ANDY))[0] == 404
    path = site.path
    headers = {"Authorization": f"Bearer {site.access.admit(ANDY)}"}
    async with site.client.get(f"{path}/events", headers=headers) as stream:
        await stream.content.readuntil(b"\n\n")
        await take(site.model, DossierKept("ada", OTHERS_DOSSIER))
        async with asyncio.timeout(10):
            assert b"event: gone" in await stream.content.read()
    for page in (path, f"/api{path}", f"/api{path}/timeline"):
        assert (await site.ask("GET", page, ANDY))[0] == 404
    await take(site.model, DossierKept("ada", pack(dossier)))
    await site.board.index.catch_up()
    assert (await site.ask("GET", path, ANDY))[0] == 200


async def test_an_id_stands_in_no_page_of_who_must_not_know_it(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither in the one that is open while the lead leaves the lists: it is too cold for them by then."""
    path, headers = site.path, {"Authorization": f"Bearer {site.access.admit(ORLA)}"}
    async with site.client.get(f"{path}/events", headers=headers) as stream:
        while b"/feedback" not in (told := await stream.content.readuntil(b"\n\n")):
            pass
        assert b"/leads/~" in told
        score, _ = hot_lead(now_ms())
        # The board's index, which follows the model, is held back.
        monkeypatch.setattr(site.board.index, "put", lambda _: None)
        site.board.index.drop("ada")
        await put_lead(site.model, replace(score, stage="recycled"), _contacted())
        while b"/feedback" not in (told := await stream.content.readuntil(b"\n\n")):
            pass
    assert b"/leads/~" in told
    assert b"/leads/ada" not in told


def _contacted() -> Dossier:
    _, dossier = hot_lead(now_ms())
    return fold(dossier, said("ada", "andy", "lead.contacted", now_ms()))
