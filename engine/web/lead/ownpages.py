"""What people say of themselves and of who phoned them: `/me`, away and back; `/new`, a lead that no site has seen."""

import asyncio
import contextlib
from collections.abc import Mapping

from aiohttp import web

from engine.core.decode import TEXT_CHARS_MAX
from engine.core.identity import normalised_email
from engine.core.text import printable
from engine.web.gate.access import Principal, principal_of
from engine.web.gate.guard import audited
from engine.web.lead.actions import Mistaken, NotYours, availability, may_speak_for
from engine.web.lead.forms import LATER, read_availability
from engine.web.lead.view import zone_name
from engine.web.lead.workplace import Notice, Workplace, form_of, not_sent
from engine.web.lists.cards import Card
from engine.web.lists.views import Mistake
from engine.web.live import now_ms
from engine.web.pages import as_page, lead_url
from engine.web.port import Enquiry, NotSent, Unclear

LISTED_WAIT_S = 3.0
"""How long somebody waits to see the lead that was added."""
TURNED_UP: Mapping[str, tuple[str, str, str]] = {
    "phone": ("Phoned", "call", "phone"),
    "email": ("Wrote an e-mail", "enquiry", "email"),
    "chat": ("Chatted", "chat", "chat"),
    "event": ("Came to an event", "event_attend", "event"),
}
"""How somebody turned up: in words, as an event, and as the source of that."""

_FIELDS = ("firstName", "lastName", "email", "phone", "company")
_CHARS_MAX = 254
_ADDED = Notice("good", "Sent. The lead appears on the board as soon as it is scored and a rep has it.")
_NOT_YOURS = Notice("bad", "Nothing was sent: leads are added by reps and managers.", 403)
_BACK = Notice("good", "Sent: back, and taking leads again.")
_GONE = Notice("good", "Sent: away. No new leads come until then, and the clocks of those that are there stop.")


def own_routes(place: Workplace) -> list[web.RouteDef]:
    """`/new` and `/me`."""
    pages = OwnPages(place)
    return [
        web.get("/new", pages.new),
        web.post("/new", pages.add),
        web.get("/me", pages.me),
        web.post("/me", pages.say),
    ]


class OwnPages:
    """Shows the forms, and sends what they say."""

    def __init__(self, place: Workplace) -> None:
        self._place = place

    async def new(self, request: web.Request) -> web.Response:
        """The form for who turned up otherwise than on a site."""
        return self._new(request, _ADDED if "added" in request.query else None, {})

    async def add(self, request: web.Request) -> web.Response:
        """Sends it, and goes on to the lead's page as soon as it has a score and may be seen."""
        place, who = self._place, principal_of(request)
        refusal = place.refusal(request, who) if who.may_add else _NOT_YOURS
        form: dict[str, str] = {}
        if refusal is None:
            form = {name: value for name, value in (await form_of(request)).items() if isinstance(value, str)}
            try:
                enquiry = read_enquiry(form)
                assert place.sender is not None
                lead = await place.sender.lead(enquiry)
            except (Mistaken, NotSent) as error:
                refusal = not_sent(error)
            except Unclear as error:
                refusal = Notice("bad", f"Nothing was sent: {error}.", 422)
        if refusal is not None:
            return self._new(request, refusal, form)
        audited(request, "lead.added", place.index.key(lead))
        card = await _listed(place, lead, who)
        if card is not None:
            raise web.HTTPSeeOther(lead_url(card.key))
        raise web.HTTPSeeOther("/new?added=1")

    async def me(self, request: web.Request) -> web.Response:
        """Who one is here, and whether one is there for leads."""
        said = {"away": _GONE, "back": _BACK}.get(request.query.get("said", ""))
        return self._me(request, said)

    async def say(self, request: web.Request) -> web.Response:
        """Sends that a rep is away, or back."""
        place, who = self._place, principal_of(request)
        notice = place.refusal(request, who)
        if notice is not None:
            return self._me(request, notice)
        form = await form_of(request)
        rep = str(form.get("rep") or who.rep or "")
        try:
            assert place.sender is not None
            said = read_availability(form, now_ms(), place.zone_of(who))
            told = await availability(place.sender, place.model, who, rep, said, place.reps())
        except (Mistaken, NotYours, NotSent) as error:
            return self._me(request, not_sent(error))
        audited(request, said.type, outcome=told.outcome)
        if told.outcome == "refused":
            return self._me(request, Notice("bad", f"The desk refused it: {told.why}.", 409))
        raise web.HTTPSeeOther(f"/me?said={'away' if said.type == 'rep.away' else 'back'}")

    def _new(self, request: web.Request, notice: Notice | None, form: Mapping[str, str]) -> web.Response:
        values = {
            "notice": notice,
            "form": {name: form.get(name, "") for name in (*_FIELDS, "note", "how")},
            "ways": [(name, told) for name, (told, _, _) in TURNED_UP.items()],
        }
        return self._page(request, "new.html", values, notice)

    def _me(self, request: web.Request, notice: Notice | None) -> web.Response:
        who, reps = principal_of(request), self._place.reps()
        values = {
            "notice": notice,
            "me": who,
            "reps": sorted((rep.name, name) for name, rep in reps.items() if may_speak_for(who, name, reps)),
            "may_speak": self._speaks(who),
            "later": [(name, text) for name, (text, _) in LATER.items()],
            "zone": zone_name(self._place.zone_of(who)),
        }
        return self._page(request, "me.html", values, notice)

    def _speaks(self, who: Principal) -> bool:
        reps = self._place.reps()
        return who.rep is not None or any(may_speak_for(who, rep, reps) for rep in reps)

    def _page(
        self, request: web.Request, template: str, values: Mapping[str, object], notice: Notice | None
    ) -> web.Response:
        return as_page(self._place.render(request, template, values), 200 if notice is None else notice.status)


def read_enquiry(form: Mapping[str, str]) -> Enquiry:
    """Who turned up, as a form says. Raises Mistaken."""
    given = {name: printable(form.get(name, "")).strip() for name in (*_FIELDS, "note")}
    note = given.pop("note")
    how = form.get("how") or "phone"
    long = [Mistake(name, f"has {len(text)} characters; expected at most {_CHARS_MAX}") for name, text in given.items()]
    mistakes = [mistake for mistake in long if len(given[mistake.field]) > _CHARS_MAX]
    if len(note) > TEXT_CHARS_MAX:
        mistakes.append(Mistake("note", f"has {len(note)} characters; expected at most {TEXT_CHARS_MAX}"))
    if how not in TURNED_UP:
        mistakes.append(Mistake("how", f"is {how[:40]!r}; expected one of {', '.join(TURNED_UP)}"))
    if given["email"] and normalised_email(given["email"]) is None:
        mistakes.append(Mistake("email", "is no address; expected one such as ada@example.com"))
    if not any(given.values()):
        mistakes.append(Mistake("lastName", "is empty like the rest; expected at least a name, an address or a number"))
    if mistakes:
        raise Mistaken(*mistakes)
    _, event, source = TURNED_UP[how]
    return Enquiry({name: text for name, text in given.items() if text}, event, source, note or None)


async def _listed(place: Workplace, lead: str, who: Principal) -> Card | None:
    """The lead's card once `who` may see it; None where that is not within a while.

    One that is somebody else's takes as long as one that never comes: nobody learns so whom others know.
    """
    index = place.index
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(LISTED_WAIT_S):
            while not place.closing.is_set():
                card = index.find(lead)
                if card is not None and who.may_see(card.owner, card.region):
                    return card
                await index.beyond(index.mark, LISTED_WAIT_S)
    return None
