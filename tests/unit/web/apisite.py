"""A board's API that listens, with a memory read model, a sender that a desk answers, and a token for everybody."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec
from aiohttp import ClientResponse, ClientSession, web
from msgspec.structs import replace

from engine.core.flow import Output
from engine.core.records import Ids, Page, Touch, TraceStep
from engine.readmodel.case import Case
from engine.readmodel.dossier import Dossier, Entry, pack
from engine.readmodel.events import project
from engine.readmodel.history import Point
from engine.readmodel.memory import MemoryReadModel
from engine.readmodel.port import Change, DossierKept, LeadGone, LeadScored, Logged
from engine.web.api.operations import Service
from engine.web.api.problems import problems
from engine.web.api.routes import api_routes
from engine.web.gate.access import Access
from engine.web.gate.audit import Audit
from engine.web.gate.guard import Entrance, audited, guard
from engine.web.gate.limits import Limit
from engine.web.lists.index import Index
from engine.web.port import Enquiry, NotSent, Origin, Rep, Unclear
from tests.unit.readmodel.contract import take
from tests.unit.readmodel.samples import AT, NOW_MS, alerted, as_record, assigned, scored
from tests.unit.web.principals import EVERYBODY

ADA = "email:ada.lovelace@example.com"
TRAITS: dict[str, Any] = {
    "name": "Ada Lovelace",
    "email": "ada.lovelace@example.com",
    "phone": "+44 20 7946 0000",
    "company": "Engines Ltd",
}
IDS = Ids("user-7", ["anon-8"])
PERSONAL = ("lovelace", "7946 0000", "engines", "user-7", "anon-8", "likes tea", "%40example", "@example")
"""Parts of all that tells who Ada is, or that a rep wrote of her."""


class Desk:
    """A sender whose desk answers at once: it refuses what says so, and takes everything else."""

    def __init__(self, model: MemoryReadModel) -> None:
        self._model = model
        self.said: list[tuple[str, Mapping[str, Any]]] = []
        self.added: list[Enquiry] = []
        self.is_silent = self.is_away = False

    async def feedback(self, desk: str, value: Mapping[str, Any]) -> Origin:
        if self.is_away:
            raise NotSent("Kafka did not confirm it")
        origin = Origin(0, len(self.said))
        self.said.append((desk, value))
        if not self.is_silent:
            why = f"{value.get('lead')} is not {value['rep']}'s" if value.get("reason") == "no" else None
            answer = {"type": value["type"], "lead": value.get("lead"), "accepted": why is None, "why": why}
            await take(self._model, Logged("answers", str(origin), NOW_MS, msgspec.json.encode(answer)))
        return origin

    async def lead(self, enquiry: Enquiry) -> str:
        if self.is_away:
            raise NotSent("Kafka did not confirm it")
        if enquiry.values["email"] == "nobody":
            raise Unclear("'nobody' is no e-mail address")
        self.added.append(enquiry)
        return f"email:{enquiry.values['email']}"


class Audited(NamedTuple):
    who: str
    action: str
    lead: str | None
    outcome: str


class Listening(Audit):
    """An audit that keeps what it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[Audited] = []

    def write(self, who: Any, remote: str, action: str, *, lead: str | None = None, outcome: str = "ok") -> None:
        self.lines.append(Audited("" if who is None else who.name, action, lead, outcome))


@dataclass
class Site:
    """The address, a token by name of a principal, and what stands behind it."""

    url: str
    tokens: Mapping[str, str]
    model: MemoryReadModel
    index: Index
    desk: Desk
    audit: Listening
    client: ClientSession

    async def get(self, path: str, who: str = "Olga", **headers: str) -> ClientResponse:
        return await self.client.get(f"/api{path}", headers=self.headers(who) | headers)

    async def json(self, path: str, who: str = "Olga") -> Any:
        response = await self.get(path, who)
        assert response.status == 200, await response.text()
        return await response.json()

    async def post(self, path: str, body: object, who: str = "Andy", **headers: str) -> ClientResponse:
        data = body if isinstance(body, bytes) else msgspec.json.encode(body)
        given = {"Content-Type": "application/json"} | self.headers(who) | headers
        return await self.client.post(f"/api{path}", data=data, headers=given)

    def headers(self, who: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.tokens[who]}"}

    async def show(self, *made: Output | Change) -> None:
        changes = [project(as_record(one)) if isinstance(one, Output) else one for one in made]
        await take(
            self.model, *(one for one in changes if isinstance(one, LeadScored | LeadGone | Logged | DossierKept))
        )
        await self.index.catch_up()


@asynccontextmanager
async def api_site(*, limit: Limit | None = None, has_sender: bool = True) -> AsyncIterator[Site]:
    """Olga and Otto are operators, Otto without personal data; Andy is a rep, Carla manages the region east."""
    access = Access.in_memory(*EVERYBODY)
    tokens = {principal.name: access.admit(principal) for principal in EVERYBODY}
    model, audit = MemoryReadModel(), Listening()
    index, desk = Index(model, lambda: access.lead_key), Desk(model)
    await index.catch_up()

    def say(request: web.Request, action: str, lead: str | None, outcome: str) -> None:
        audited(request, action, lead=lead, outcome=outcome)

    reps = {"andy": Rep("Andy"), "bea": Rep("Bea", regions=frozenset({"east"}))}
    service = Service(model, index, desk if has_sender else None, lambda: reps, say, wait_s=0.2)
    app = web.Application(middlewares=[problems])
    guard(app, Entrance(access, audit))
    app.add_routes(api_routes(service, limit or Limit(1_000_000, 0.0)))
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        async with ClientSession(url) as client:
            yield Site(url, tokens, model, index, desk, audit, client)
    finally:
        await runner.cleanup()


def case(lead: str, rep: str | None, region: str | None = None, **changes: Any) -> DossierKept:
    """A lead that a rep was asked for, with a past."""
    trace = [TraceStep("rule", "us", "matched", "holds: company is Engines Ltd")]
    made = Case(state="assigned" if rep else "waiting", rep=rep, region=region, since_ms=1, asked_ms=1, trace=trace)
    data = {"rep": rep, "text": "likes tea"}
    noted = Entry("e-1", NOW_MS, "lead.noted", msgspec.json.encode(data))
    dossier = Dossier([Point(NOW_MS, 40.0)], replace(made, reason="bea declined it: likes tea", **changes), [noted])
    return DossierKept(lead, pack(dossier))


def ada(rep: str | None = "andy", region: str | None = "east") -> list[Output | Change]:
    """A lead who told everything about herself, wherever there is room for it."""
    touch = Touch(AT, "paid", "Ada Lovelace", "cpc", "for-user-7")
    told: dict[str, Any] = {
        "traits": TRAITS,
        "ids": IDS,
        "pages": [Page(AT, "/u/ada.lovelace%40example.com", "Hello Ada Lovelace", 5.0)],
        "first_touch": touch,
        "last_touch": touch,
    }
    alert = alerted(ADA, reason="read /u/user-7", **told)
    return [scored(ADA, 85.0, **told), alert, assigned(ADA, rep), case(ADA, rep, region)]
