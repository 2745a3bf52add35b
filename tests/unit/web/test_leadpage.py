"""The page of a lead: who sees it and how much, what it adds up to, what can be said on it and what comes of that."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from html import unescape
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from aiohttp import ClientSession
from msgspec.structs import replace
from yarl import URL

from engine.core.instants import MINUTE_MS
from engine.core.records import LeadScore
from engine.notify.telling import tell
from engine.readmodel.dossier import Dossier, fold
from engine.readmodel.memory import MemoryReadModel
from engine.readmodel.port import LeadGone
from engine.web.board import Board
from engine.web.gate.access import Access, Principal
from engine.web.gate.audit import Audit
from engine.web.gate.guard import Entrance
from engine.web.lead import ownpages
from engine.web.lead import page as leadpage
from engine.web.live import now_ms
from engine.web.port import NotSent, Rep
from tests.unit.notify.samples import notice
from tests.unit.readmodel.samples import alerted
from tests.unit.web.leads import FakeSender, assigned, hot_lead, put_lead, said
from tests.unit.web.people import take
from tests.unit.web.principals import ANDY, BLIND, EAST

BEA = Principal("t5", "Bea", "rep", "bea")
DORA = Principal("t6", "Dora", "manager", regions=frozenset({"*"}))
EVERYBODY = (ANDY, BEA, EAST, BLIND, DORA)
REPS = {
    "andy": Rep("Andy Weiss", "main", frozenset({"east"}), ZoneInfo("America/New_York")),
    "bea": Rep("Bea Novak", "main", frozenset({"east"})),
}
ACCEPT = {"type": "lead.accepted"}
PERSONAL = ("Ada", "Lovelace", "analytical", "7946", "Founder", "Met at the fair")


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second between two looks is long for a test."""
    monkeypatch.setattr(leadpage, "TICK_S", 0.02)
    monkeypatch.setattr(ownpages, "LISTED_WAIT_S", 0.2)


class Site:
    """A board with one lead on it, and everybody's way in."""

    def __init__(self, board: Board, access: Access, model: MemoryReadModel, sender: FakeSender, url: str) -> None:
        self.board = board
        self.model = model
        self.sender = sender
        self._url = URL(url)
        self._tokens = {who.id: access.admit(who) for who in EVERYBODY}
        self._session = ClientSession()

    @property
    def path(self) -> str:
        """Where the lead's page is."""
        card = self.board.index.find("ada")
        assert card is not None
        return f"/leads/{card.key}"

    async def get(self, who: Principal, path: str) -> tuple[int, str]:
        """The status, and the text or where it leads."""
        async with self._session.get(self._at(path), headers=self._way(who), allow_redirects=False) as answer:
            return answer.status, answer.headers.get("Location") or await answer.text()

    async def post(self, who: Principal, path: str, form: Mapping[str, str]) -> tuple[int, str]:
        """As `get`."""
        call = self._session.post(self._at(path), headers=self._way(who), data=form, allow_redirects=False)
        async with call as answer:
            return answer.status, answer.headers.get("Location") or await answer.text()

    async def ask(self, who: Principal, form: Mapping[str, str]) -> tuple[int, Any]:
        """A form of the lead's page as the page's script sends it."""
        headers = {**self._way(who), "Accept": "application/json"}
        async with self._session.post(self._at(self.path + "/feedback"), headers=headers, data=form) as answer:
            return answer.status, await answer.json()

    @asynccontextmanager
    async def follow(self, who: Principal, path: str) -> AsyncIterator["Stream"]:
        """The live news of a page."""
        async with self._session.get(self._at(path), headers=self._way(who)) as answer:
            assert answer.status == 200
            yield Stream(answer.content)

    async def close(self) -> None:
        await self._session.close()

    def _at(self, path: str) -> URL:
        return self._url.join(URL(path, encoded=True))

    def _way(self, who: Principal) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._tokens[who.id]}"}


class Stream:
    """Server-sent events, one by one."""

    def __init__(self, content: Any) -> None:
        self._content = content

    async def next(self, name: str) -> Any:
        """The data of the next event of this name."""
        async with asyncio.timeout(10):
            while True:
                block = (await self._content.readuntil(b"\n\n")).decode()
                if block.startswith(f"event: {name}\n"):
                    return json.loads(block.partition("data: ")[2])


@asynccontextmanager
async def site(
    answer: Mapping[str, Any] | None = None, lead: tuple[LeadScore, Dossier] | None = None
) -> AsyncIterator[Site]:
    """A board that shows `lead`, else Ada who is Andy's; its desk says `answer` to everything."""
    model = MemoryReadModel()
    sender = FakeSender(model, answer)
    access = Access.in_memory()
    await put_lead(model, *(lead or hot_lead(now_ms() - MINUTE_MS, now_ms() + 7 * MINUTE_MS)))
    board = Board(model, Entrance(access, Audit()), sender=sender, reps=lambda: REPS)
    url = await board.start()
    await board.index.catch_up()
    opened = Site(board, access, model, sender, url)
    try:
        yield opened
    finally:
        await opened.close()
        await board.close()


def words(html: str) -> str:
    """What a reader sees of it."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


async def test_a_lead_is_shown_to_those_whose_it_is_and_hidden_from_others() -> None:
    """To others it is as if there were none: by key, by id, its news and its forms."""
    async with site() as opened:
        for who in (ANDY, EAST, BLIND):
            assert (await opened.get(who, opened.path))[0] == 200
        assert (await opened.get(ANDY, "/leads/ada"))[0] == 200
        for who, path in ((BEA, opened.path), (BEA, "/leads/ada"), (BLIND, "/leads/ada"), (ANDY, "/leads/nobody")):
            status, html = await opened.get(who, path)
            assert (status, "No such lead" in html) == (404, True)
        assert (await opened.get(BEA, opened.path + "/events"))[0] == 404
        assert (await opened.post(BEA, opened.path + "/feedback", ACCEPT))[0] == 404
        assert opened.sender.sent == []


async def test_a_link_in_a_message_opens_the_lead_for_those_whose_it_is() -> None:
    """It names the lead by its id; the page that it leads to has an address that tells none."""
    link = tell(notice(alerted(lead="ada")), "https://leads.example.com").link
    assert link is not None
    path = link.removeprefix("https://leads.example.com")
    async with site() as opened:
        assert await opened.get(ANDY, path) == (302, opened.path)
        for who in (BEA, BLIND):
            assert (await opened.get(who, path))[0] == 404
        assert (await opened.get(ANDY, "/leads"))[0] == 404


async def test_who_may_not_see_persons_sees_none_on_the_page() -> None:
    """Not in its text, not in its addresses, not in its news; who may sees each."""
    async with site() as opened:
        _, seen = await opened.get(ANDY, opened.path)
        _, blind = await opened.get(BLIND, opened.path)
        assert all(text in seen for text in PERSONAL)
        assert not [text for text in (*PERSONAL, "/leads/ada", ">ada<") if text in blind]
        assert "84.25" in words(blind)
        async with opened.follow(BLIND, opened.path + "/events") as stream:
            news = json.dumps([await stream.next("section") for _ in range(8)])
        assert not [text for text in PERSONAL if text in news]


MANY = [f"territory-{number}-of-the-north" for number in range(20)]


@pytest.mark.parametrize(
    ("territories", "told"),
    [
        ([], "region east · desk main"),
        (["maine"], "· territory maine "),
        (["maine", "new-england"], "· territories maine , new-england "),
        (MANY, f"· territories {' , '.join(MANY)} "),
    ],
)
async def test_the_page_says_how_the_lead_was_routed(territories: list[str], told: str) -> None:
    """And where it lies: by which rule, to which team, in which region and territories."""
    score, dossier = hot_lead(now_ms() - MINUTE_MS)
    dossier = fold(dossier, assigned("ada", "andy", now_ms(), territories=territories))
    async with site(lead=(score, dossier)) as opened:
        _, html = await opened.get(ANDY, opened.path)
    assert told in words(html)


async def test_the_numbers_add_up_digit_by_digit() -> None:
    """Every part is the sum of its lines, the total that of its parts, and tomorrow is the total and the change."""
    async with site() as opened:
        _, html = await opened.get(ANDY, opened.path)
    why = html[html.index('class="why"') : html.index("</table>", html.index('class="why"'))]
    for body in re.findall(r"<tbody.*?</tbody>", why, re.DOTALL):
        numbers = [Decimal(text) for text in re.findall(r'class="number[^"]*">([-+0-9.]+)<', body)]
        at = next(place for place, row in enumerate(re.findall(r"<tr.*?</tr>", body)[1:]) if 'class="result"' in row)
        assert sum(numbers[:at]) == numbers[at]
    # 84.25 as told, 80.904 tomorrow: 80.90 − 84.25 = −3.35.
    assert "80.90 tomorrow (-3.35)" in words(html)
    assert "-3.35 by decay alone 80.90" in words(html)


@pytest.mark.parametrize(
    ("who", "names"),
    [
        (ANDY, ["Accept", "Decline", "Contacted", "Call later", "Not a lead", "Note"]),
        (EAST, ["Accept", "Decline", "Contacted", "Call later", "Not a lead", "Note"]),
        (BLIND, []),
    ],
)
async def test_only_what_fits_is_offered(who: Principal, names: list[str]) -> None:
    """To whom may say it; a lead that is accepted cannot be accepted again."""
    async with site() as opened:
        _, html = await opened.get(who, opened.path)
        assert offered(html) == names
        score, dossier = hot_lead(now_ms() - MINUTE_MS)
        accepted = fold(dossier, said("ada", "andy", "lead.accepted", now_ms()))
        await put_lead(opened.model, score, accepted)
        _, html = await opened.get(who, opened.path)
        assert "Accept" not in offered(html)
        assert bool(offered(html)) == bool(names)


def offered(html: str) -> list[str]:
    """The names of the buttons by which a lead's state is said."""
    acts = html[html.index('id="lead-acts"') : html.index('id="lead-picture"')]
    return list(dict.fromkeys(re.findall(r'class="button[^"]*">([^<]+)<', acts)))


async def test_a_form_leads_back_to_the_page_with_what_came_of_it() -> None:
    """Without any script; the answer is looked up, not believed from the address."""
    async with site({"accepted": True}) as opened:
        status, there = await opened.post(ANDY, opened.path + "/feedback", ACCEPT)
        assert (status, there) == (303, f"{opened.path}?answer=0-1#said")
        assert opened.sender.sent == [("main", {"type": "lead.accepted", "rep": "andy", "lead": "ada"})]
        _, html = await opened.get(ANDY, there.partition("#")[0])
        assert "Done: the desk has taken it." in words(html)
        for answer in ("x", "0-", "%D9%A3-1", "0-" + "9" * 30):
            status, html = await opened.get(ANDY, f"{opened.path}?answer={answer}")
            assert (status, "Done" in words(html)) == (200, False)


async def test_an_answer_about_another_lead_is_not_shown() -> None:
    """Else one could read what others were told."""
    async with site({"accepted": False, "why": "secret", "lead": "bob"}) as opened:
        await opened.post(ANDY, opened.path + "/feedback", ACCEPT)
        assert "secret" not in (await opened.get(ANDY, opened.path + "?answer=0-1"))[1]


async def test_a_refusal_is_shown_with_its_reason_and_without_the_id() -> None:
    """The desk calls a lead by its id, people do not."""
    async with site({"accepted": False, "why": "lead 'ada' is not andy's; expected bea, who has it"}) as opened:
        status, told = await opened.ask(ANDY, ACCEPT)
        assert (status, told["level"]) == (409, "bad")
        assert told["text"] == "The desk refused it: the lead is not andy's; expected bea, who has it."


async def test_a_refusal_may_quote_what_was_said_of_the_lead() -> None:
    """So its reason is not for who may not know who the lead is."""
    async with site({"accepted": False, "why": "channel is 'called Ada'; expected phone"}) as opened:
        await opened.ask(ANDY, ACCEPT)
        for who, is_told in ((ANDY, True), (BLIND, False)):
            _, html = await opened.get(who, f"{opened.path}?answer=0-1")
            assert ("The desk refused it" in html, "called Ada" in html) == (True, is_told)


async def test_what_was_not_sent_is_said() -> None:
    """A mistake of the form names its field; a broker that is away is no mistake."""
    async with site() as opened:
        status, told = await opened.ask(ANDY, {"type": "lead.snoozed"})
        assert (status, told["text"]) == (422, "Nothing was sent: until is missing; expected when to call again.")
        status, html = await opened.post(ANDY, opened.path + "/feedback", {"type": "lead.danced"})
        assert (status, "expected one of lead.accepted" in html) == (422, True)
        opened.sender.failure = NotSent("no Kafka broker answers")
        status, told = await opened.ask(ANDY, ACCEPT)
        assert (status, "no Kafka broker answers" in told["text"]) == (503, True)
        assert opened.sender.sent == []


async def test_a_time_is_that_of_the_clock_on_the_rep_s_wall() -> None:
    """14 January in New York is winter time, five hours behind UTC; an offset that is stated counts."""
    async with site({"accepted": True}) as opened:
        for at, hour in (("2099-01-14T09:30", 14), ("2099-01-14T09:30Z", 9)):
            await opened.ask(ANDY, {"type": "lead.snoozed", "until_at": at})
            assert opened.sender.sent[-1][1]["until"] == f"2099-01-14T{hour:02d}:30:00Z"
        before_ms = now_ms()
        await opened.ask(ANDY, {"type": "lead.snoozed", "until_in": "7d"})
        until = datetime.fromisoformat(opened.sender.sent[-1][1]["until"])
        later_s = until.astimezone(UTC).timestamp() - before_ms / 1000
        assert 0 <= later_s - 7 * 86_400 < 10


async def test_a_double_click_is_sent_once() -> None:
    """A deal that is won twice would count twice."""
    async with site({"accepted": True}) as opened:
        form = {"type": "lead.won", "amount": "1200.50", "currency": "EUR"}
        first, second = await asyncio.gather(opened.ask(ANDY, form), opened.ask(ANDY, form))
        assert first == second
        assert [value["amount"] for _, value in opened.sender.sent] == [1200.5]


async def test_the_page_is_live() -> None:
    """What changed is sent, and only that; when the lead is somebody else's, that it is gone."""
    async with site() as opened:
        score, dossier = hot_lead(now_ms() - MINUTE_MS)
        await put_lead(opened.model, score, dossier)
        _, html = await opened.get(ANDY, opened.path)
        after = re.search(r'data-events="([^"]+)"', html)
        assert after is not None
        async with opened.follow(ANDY, unescape(after[1])) as stream:
            assert (await stream.next("status"))["level"] in ("live", "late", "off")
            noted = fold(dossier, said("ada", "andy", "lead.noted", now_ms(), text="Rang twice"))
            await put_lead(opened.model, score, noted)
            section = await stream.next("section")
            assert section["name"] == "timeline"
            assert "Rang twice" in section["html"]
            await put_lead(opened.model, score, fold(noted, assigned("ada", "bea", now_ms())))
            assert await stream.next("gone") is None
        assert (await opened.get(ANDY, opened.path))[0] == 404


async def test_a_lead_that_went_is_gone() -> None:
    """Also for who looks at it."""
    async with site() as opened, opened.follow(ANDY, opened.path + "/events") as stream:
        await take(opened.model, LeadGone("ada"))
        assert await stream.next("gone") is None


async def test_what_a_visitor_wrote_is_text() -> None:
    """In every place where it is shown; links lead nowhere else than to mail and phone."""
    hostile = '"><script>alert(1)</script><a href="javascript:alert(1)">'
    score, dossier = hot_lead(now_ms())
    traits = dict.fromkeys(("firstName", "lastName", "company", "phone", "email", "title"), hostile)
    pages = [replace(page, path=hostile, title=hostile) for page in score.pages]
    shown = replace(score, traits={**traits, hostile: hostile}, pages=pages, product=hostile, persona=hostile)
    noted = fold(dossier, said("ada", "andy", "lead.noted", now_ms(), text=hostile))
    async with site(lead=(shown, noted)) as opened:
        _, html = await opened.get(ANDY, opened.path)
    assert html.count("<script") == html.count("<script src=")
    assert "javascript:" not in re.sub(r">[^<]*<", "><", html)
    assert not re.findall(r"<[^>]*\s(?:on\w+|style)=", html)


async def test_who_phones_becomes_a_lead() -> None:
    """What was filled in goes on as an import knows it; what makes no sense is said, and what was typed stays."""
    async with site() as opened:
        form = {"how": "phone", "firstName": "Grace", "email": "grace@example.com", "note": "Wants a call"}
        status, there = await opened.post(ANDY, "/new", {**form, "phone": " "})
        assert (status, there) == (303, "/new?added=1")
        [enquiry] = opened.sender.enquiries
        assert enquiry == ({"firstName": "Grace", "email": "grace@example.com"}, "call", "phone", "Wants a call")
        assert "Sent." in words((await opened.get(ANDY, there))[1])
        status, html = await opened.post(ANDY, "/new", {"email": "grace", "company": '"Hopper"'})
        assert (status, "email is no address" in words(html)) == (422, True)
        assert 'value="&#34;Hopper&#34;"' in html
        assert (await opened.post(ANDY, "/new", {"how": "dream"}))[0] == 422
        assert len(opened.sender.enquiries) == 1
        status, there = await opened.post(DORA, "/new", form)
        assert (await opened.get(DORA, there))[0] == 200
        assert there.startswith("/leads/~")


async def test_a_rep_is_away_and_back_and_a_manager_says_it_for_others() -> None:
    """An operator who is no rep has nobody to say it of."""
    async with site({"accepted": True}) as opened:
        assert await opened.post(ANDY, "/me", {"type": "rep.away", "until_in": "3h"}) == (303, "/me?said=away")
        assert await opened.post(EAST, "/me", {"type": "rep.available", "rep": "bea"}) == (303, "/me?said=back")
        assert [(value["type"], value["rep"]) for _, value in opened.sender.sent] == [
            ("rep.away", "andy"),
            ("rep.available", "bea"),
        ]
        assert (await opened.post(ANDY, "/me", {"type": "rep.away", "rep": "bea"}))[0] == 403
        assert (await opened.post(BLIND, "/me", {"type": "rep.away"}))[0] in (403, 422)
        _, html = await opened.get(EAST, "/me")
        assert "Bea Novak" in html
        assert "nobody to be away" in words((await opened.get(BLIND, "/me"))[1])
        assert len(opened.sender.sent) == 2
