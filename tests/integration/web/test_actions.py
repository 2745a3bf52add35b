"""What is said on the board, through a real Kafka, worker, projector and Redis, and back to the page."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from aiohttp import ClientSession

from engine.core.flow import InputRecord
from engine.local.boardsender import board_sender
from engine.readmodel.port import ReadModel
from engine.readmodel.redis import PREFIX, RedisReadModel
from engine.web.board import Board
from engine.web.gate.access import Access, Principal
from engine.web.gate.audit import Audit
from engine.web.gate.guard import Entrance
from engine.web.lead.actions import Availability, Feedback, Told, availability, tell
from engine.web.lists.cards import Card
from engine.web.port import Enquiry, NotSent, Rep, Sender
from tests.conftest import KafkaFactory
from tests.integration.readmodel.conftest import until
from tests.integration.worker.deployment import Deployment
from tests.servers.kafka import KafkaServer
from tests.servers.redis import RedisServer
from tests.unit.web.principals import ANDY, EAST

REPS = {"andy": Rep("Andy", "main", frozenset({"east"})), "bea": Rep("Bea", "main", frozenset({"east"}))}
ROUTING = {
    "assign_on": ["fast-track"],
    "reps": {"andy": {}, "bea": {}, "carla": {}},
    "regions": {"east": {"manager": "carla", "reps": ["andy", "bea"]}},
    "rules": [{"name": "all", "to": {"region": "east"}}],
    "sla": {"hot": {"accept_within": "1h", "contact_within": "2h"}},
}
HOUR_MS = 3_600_000
pytestmark = pytest.mark.timeout(180)


class Line(NamedTuple):
    """A whole installation, with a board in this process."""

    deployment: Deployment
    board: Board
    access: Access
    model: ReadModel
    sender: Sender
    url: str

    async def arrives(self, lead: str) -> Card:
        """The lead asks for a demo; its card once a rep has it."""
        event = {"type": "track", "event": "demo_request", "userId": lead, "messageId": f"m-{lead}"}
        now_ms = time.time_ns() // 1_000_000
        record = InputRecord("visitor-events", -1, 0, now_ms, lead.encode(), json.dumps(event).encode())
        await self.deployment.produce([record])
        return await self.card(lead, "assigned")

    async def card(self, lead: str, state: str) -> Card:
        """The card of the lead, once it is in that state."""

        async def there() -> bool:
            card = self.board.index.find(lead)
            return card is not None and card.state == state

        await until(there, 30)
        card = self.board.index.find(lead)
        assert card is not None
        return card

    async def post(self, who: Principal, card: Card, **form: str) -> str:
        """What the page says after that form was sent."""
        way = {"Authorization": f"Bearer {self.access.admit(who)}"}
        at = f"/leads/{card.key}/feedback"
        async with ClientSession(self.url, headers=way) as session, session.post(at, data=form) as answer:
            return await answer.text()

    async def page(self, who: Principal, card: Card, told: Told) -> str:
        """The lead's page with what came of that record."""
        way = {"Authorization": f"Bearer {self.access.admit(who)}"}
        at = f"/leads/{card.key}?answer={told.origin.partition}-{told.origin.offset}"
        async with ClientSession(self.url, headers=way) as session, session.get(at) as answer:
            return await answer.text()


@pytest.fixture
async def line(broker: KafkaServer, redis_server: RedisServer, tmp_path: Path) -> AsyncIterator[Line]:
    """Worker and projector as processes of their own; the board and its sender here."""
    settings: dict[str, Any] = {"redis__url": redis_server.url, "redis__prefix": f"{tmp_path.name}:"}
    deployment = Deployment(broker.bootstrap, tmp_path / "heatline", kafka__app_id=tmp_path.name, **settings)
    (deployment.folder / "routing.yaml").write_text(json.dumps(ROUTING))
    await asyncio.to_thread(deployment.run, "topics", "apply")
    async with AsyncExitStack() as stack:
        programs = [deployment.worker(), deployment.projector()]
        for program in programs:
            stack.callback(program.kill)
        await asyncio.gather(*(asyncio.to_thread(program.start) for program in programs))
        model = RedisReadModel(redis_server.url, f"{tmp_path.name}:{PREFIX}")
        stack.push_async_callback(model.close)
        sender = await stack.enter_async_context(board_sender(broker.bootstrap))
        access = Access.in_memory()
        board = Board(model, Entrance(access, Audit()), sender=sender, reps=lambda: REPS)
        url = await board.start()
        stack.push_async_callback(board.close)
        yield Line(deployment, board, access, model, sender, url)


async def test_what_is_said_on_the_page_goes_through_the_desk_and_comes_back(line: Line) -> None:
    """Accepted: the clock to contact begins; contacted: it stops. Refused: the page says why. Away: no more leads.

    Who phones is scored and given to a rep like a visitor of the site.
    """
    ada = await line.arrives("ada")
    assert (ada.owner, ada.region) == ("andy", "east")
    assert ada.due_ms is not None

    assert "Done: the desk has taken it." in await line.post(ANDY, ada, type="lead.accepted")
    accepted = await line.card("ada", "accepted")
    assert accepted.due_ms is not None
    assert accepted.since_ms is not None
    assert accepted.due_ms == accepted.since_ms + 2 * HOUR_MS

    page = await line.post(EAST, accepted, type="lead.contacted", channel="phone")
    assert "Done: the desk has taken it." in page
    contacted = await line.card("ada", "contacted")
    assert (contacted.due_ms, contacted.owner) == (None, "andy")

    # Bea's turn; she declines, and what she says then of what the board still took for hers is refused.
    bob = await line.arrives("bob")
    assert bob.owner == "bea"
    bea = Principal("3", "Bea", "rep", "bea")
    assert (await tell(line.sender, line.model, bea, bob, Feedback(type="lead.declined", reason="no time"))).why is None
    late = await tell(line.sender, line.model, bea, bob, Feedback(type="lead.noted", text="rang"))
    assert late.outcome == "refused"
    assert late.why is not None
    assert "not bea's; expected andy, who has it" in late.why
    assert "The desk refused it: the lead is not bea&#39;s; expected andy" in await line.page(EAST, bob, late)

    away = Availability(type="rep.away")
    assert (await availability(line.sender, line.model, EAST, "andy", away, REPS)).outcome == "sent"
    assert [(await line.arrives(name)).owner for name in ("cleo", "dora")] == ["bea", "bea"]
    unknown = await availability(line.sender, line.model, Principal("4", "Eve", "rep", "eve"), "eve", away, REPS, 10.0)
    assert unknown.outcome == "refused"
    assert "is no rep" in (unknown.why or "")

    enquiry = Enquiry({"email": "Grace@Example.com", "firstName": "Grace"}, "demo_request", "phone", "wants a demo")
    assert await line.sender.lead(enquiry) == "email:grace@example.com"
    grace = await line.card("email:grace@example.com", "assigned")
    assert (grace.name, grace.owner) == ("Grace", "bea")


async def test_without_a_broker_one_is_told_and_with_one_again_it_goes_on(
    kafka_factory: KafkaFactory, tmp_path: Path
) -> None:
    """Nothing hangs: whoever clicks hears of it within some seconds, and the next click connects anew."""
    server = kafka_factory()
    Deployment(server.bootstrap, tmp_path / "heatline").run("topics", "apply")
    async with board_sender(server.bootstrap) as sender:
        first = await sender.feedback("main", {"type": "rep.available", "rep": "andy"})
        server.kill()
        with pytest.raises(NotSent):
            await sender.feedback("main", {"type": "rep.available", "rep": "andy"})
        server.start()
        again = await sender.feedback("main", {"type": "rep.available", "rep": "andy"})
        assert again.offset >= first.offset + 1
