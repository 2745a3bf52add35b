"""The page of one lead: live, with the buttons by which people say what became of it."""

from collections.abc import AsyncGenerator, Mapping
from hashlib import blake2b

from aiohttp import web

from engine.readmodel.dossier import opened
from engine.readmodel.port import ReadModelAway
from engine.routing.saying import shown_value
from engine.stream.outage import wait
from engine.web.gate.access import Principal, principal_of
from engine.web.gate.guard import audited
from engine.web.lead.actions import Mistaken, NotYours, Told, answered, tell
from engine.web.lead.forms import read_feedback
from engine.web.lead.ownpages import own_routes
from engine.web.lead.view import SECTIONS, Looker, values_of
from engine.web.lead.workplace import Notice, Workplace, as_json, form_of, not_sent, notice_of, wants_json
from engine.web.lists.cards import Lead
from engine.web.live import AWAY, TICK_S, Status, now_ms
from engine.web.pages import as_page, lead_url
from engine.web.port import NotSent, origin_of
from engine.web.streams import event, follow, goes_on, silence, viewers


def lead_routes(place: Workplace) -> list[web.RouteDef]:
    """The page of a lead, its live news and its forms; `/new` and `/me`."""
    page = LeadPage(place)
    return [
        web.get("/leads", page.find),
        web.get("/leads/{lead}", page.show),
        web.get("/leads/{lead}/events", page.follow, allow_head=False),
        web.post("/leads/{lead}/feedback", page.say),
        *own_routes(place),
    ]


class LeadPage:
    """Shows a lead to who may see it, tells what changes of it, and takes what is said of it."""

    def __init__(self, place: Workplace) -> None:
        self._place = place
        self._room = viewers()

    async def show(self, request: web.Request) -> web.Response:
        """The page. `?answer=0-17` shows what came of that record, if it was about this lead."""
        lead = await self._sought(request)
        if isinstance(lead, web.Response):
            return lead
        audited(request, "lead.seen", lead.card.key)
        answer = await self._answer(request.query.get("answer", ""), lead, principal_of(request))
        return self._page(request, lead, answer)

    async def find(self, request: web.Request) -> web.Response:
        """Leads on to the page of the lead with the id `?id=`, as messages link to it.

        Browsers would resolve an id `..` in a path, and the address of the page tells no id.
        """
        lead = await self._sought(request)
        if isinstance(lead, web.Response):
            return lead
        raise web.HTTPFound(self.path(lead, principal_of(request)))

    async def say(self, request: web.Request) -> web.Response:
        """What a form says of the lead: to its desk, and back to the page with what the desk makes of it."""
        lead, who = await self._sought(request), principal_of(request)
        if isinstance(lead, web.Response):
            return lead
        notice = self._place.refusal(request, who)
        origin = None
        if notice is None:
            form = await form_of(request)
            kind = str(form.get("type", ""))[:40]
            try:
                told = await self._say(lead, who, form)
                notice, origin = _notice(told, lead, who), told.origin
            except (Mistaken, NotYours, NotSent) as error:
                notice = not_sent(error)
            audited(request, kind, lead.card.key, notice.level if origin else notice.text)
        if wants_json(request):
            return as_json(notice)
        if origin is None:
            return self._page(request, lead, notice)
        raise web.HTTPSeeOther(f"{self.path(lead, who)}?answer={origin.partition}-{origin.offset}#said")

    async def follow(self, request: web.Request) -> web.StreamResponse:
        """Server-sent events: `section`, a part of the page that changed; `status`; `gone`, when it is not to be seen.

        `?after=` is the mark of the page that is shown.
        """
        lead = await self._sought(request)
        if isinstance(lead, web.Response):
            return lead
        return await follow(request, self._room, _Follower(self, self._place, request, lead).news())

    async def _say(self, lead: Lead, who: Principal, form: Mapping[str, object]) -> Told:
        sender, place = self._place.sender, self._place
        assert sender is not None
        feedback = read_feedback(form, now_ms(), place.zone_of(who))
        # What was chosen counts, not the instant that it comes to.
        said = tuple(sorted((name, str(value)) for name, value in form.items()))
        return await place.once.do(
            (who.id, lead.card.lead, said), lambda: tell(sender, place.model, who, lead.card, feedback)
        )

    async def _sought(self, request: web.Request) -> Lead | web.Response:
        """The lead that a request names, if who asks may see it; else a page that says that there is none."""
        name = request.match_info.get("lead") or request.query.get("id", "")
        who = principal_of(request)
        card = await self._place.index.sought(name)
        if card is not None and (who.personal or name == card.key):
            lead = await self._place.index.read(card.lead)
            if lead is not None and who.may_see(lead.card.owner, lead.card.region):
                return lead
        elif card is None and who.personal:
            await self._moved(name, who)
        texts = ["It is not yours, was never worth showing, or is merged, erased or forgotten by now."]
        html = self._place.render(request, "message.html", {"title": "No such lead", "texts": texts})
        return as_page(html, web.HTTPNotFound.status_code)

    async def _moved(self, name: str, who: Principal) -> None:
        """Leads on to the lead that `name` is now, if it is another and who asks may see that."""
        [packed] = await self._place.model.dossiers([name])
        dossier = opened(packed)
        moved = None if dossier is None else dossier.moved
        card = None if moved is None else await self._place.index.sought(moved.lead)
        if card is not None and who.may_see(card.owner, card.region):
            raise web.HTTPFound(lead_url(card.key))

    def path(self, lead: Lead, who: Principal) -> str:
        """Where the page is: under the key, from which nobody learns an address, unless the lead is too cold for it."""
        is_known = self._place.index.find(lead.card.key) is not None
        return lead_url(lead.card.key if is_known or not who.personal else lead.card.lead)

    def sections(self, request: web.Request, lead: Lead) -> dict[str, str]:
        """The parts of the page for who asks."""
        place, who = self._place, principal_of(request)
        may_act = place.sender is not None and lead.card.owner is not None
        looker = Looker(who, may_act and who.may_act(lead.card.owner, lead.card.region), place.zone_of(who))
        values = values_of(lead, looker, place.reps(), self.path(lead, who))
        return {name: place.render(request, f"lead_{name}.html", values) for name in SECTIONS}

    def _page(self, request: web.Request, lead: Lead, notice: Notice | None) -> web.Response:
        sections = self.sections(request, lead)
        values = {
            "sections": sections,
            "path": self.path(lead, principal_of(request)),
            "title": lead.card.name if principal_of(request).personal else "Lead",
            "mark": mark_of(sections),
            "notice": notice,
        }
        html = self._place.render(request, "lead.html", values)
        return as_page(html, 200 if notice is None or notice.level == "good" else notice.status)

    async def _answer(self, text: str, lead: Lead, who: Principal) -> Notice | None:
        partition, _, offset = text.partition("-")
        origin = origin_of(partition, offset)
        if origin is None:
            return None
        found = await answered(self._place.model, origin)
        if found is None:
            return _notice(Told("sent", None, origin), lead, who)._replace(status=200)
        if found.lead != lead.card.lead:
            return None
        told = Told("accepted" if found.accepted else "refused", found.why, origin)
        return _notice(told, lead, who)._replace(status=200)


class _Follower:
    """What one viewer of a lead has seen; whoever is slow skips what came between."""

    def __init__(self, page: LeadPage, place: Workplace, request: web.Request, lead: Lead) -> None:
        self._page = page
        self._place = place
        self._request = request
        self._lead = lead
        self._is_gone = False
        self._status: Status | None = None
        self._shown: dict[str, str] = {}

    async def news(self) -> AsyncGenerator[str]:
        """What changed, once a second until the board closes, the viewer leaves, or may not see the lead any more."""
        sections = self._page.sections(self._request, self._lead)
        if self._request.query.get("after") == mark_of(sections):
            self._shown = sections
        ticks = 0
        while goes_on(self._request, self._place.closing):
            said = await self._news()
            ticks = 0 if said else ticks + 1
            yield said or silence(ticks)
            if self._is_gone:
                return
            await wait(self._place.closing, TICK_S)

    async def _news(self) -> str:
        status = self._place.status()
        said = ""
        try:
            said = await self._sections()
        except ReadModelAway:
            status = AWAY
        if status != self._status:
            self._status = status
            said += event("status", status._asdict())
        return said

    async def _sections(self) -> str:
        who = principal_of(self._request)
        lead = await self._place.index.read(self._lead.card.lead)
        if lead is None or not who.may_see(lead.card.owner, lead.card.region):
            self._is_gone = True
            return event("gone", None)
        if lead == self._lead and self._shown:
            return ""
        self._lead = lead
        sections = self._page.sections(self._request, lead)
        changed = [name for name in SECTIONS if self._shown.get(name) != sections[name]]
        self._shown = sections
        return "".join(event("section", {"name": name, "html": sections[name]}) for name in changed)


def mark_of(sections: Mapping[str, str]) -> str:
    """Names what a page shows."""
    return blake2b("\0".join(sections.values()).encode(), digest_size=12).hexdigest()


def _notice(told: Told, lead: Lead, who: Principal) -> Notice:
    if not who.personal:
        # The reason may quote what was said of the lead.
        told = told._replace(why=None)
    return notice_of(told, f"lead {shown_value(lead.card.lead)}", "the lead")
