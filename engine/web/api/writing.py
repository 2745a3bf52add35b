"""Saying something: what became of a lead, that a rep is away or back, that somebody phoned."""

from http import HTTPStatus
from typing import Annotated

import msgspec

from engine.core.decode import SOURCES
from engine.web.api.leads import visible
from engine.web.api.operations import Answer, Call, Operation, Service, invalid
from engine.web.api.problems import BASE, Refusal, away
from engine.web.api.shapes import Created, Spoken
from engine.web.lead.actions import Availability, Feedback, Mistaken, NotYours, Told, availability, tell
from engine.web.lists.views import Mistake
from engine.web.port import Enquiry, NotSent, Sender, Unclear

Text = Annotated[str, msgspec.Meta(max_length=500)]


class NewLead(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody who turned up otherwise than on a site: who it is, and what they did.

    Without an address the lead gets an id of its own. `event` is the name of what they did, `source` where.
    """

    name: Text = ""
    email: Text = ""
    phone: Text = ""
    company: Text = ""
    note: Text | None = None
    event: Annotated[str, msgspec.Meta(min_length=1, max_length=100)] = "call"
    source: Annotated[str, msgspec.Meta(max_length=100, extra_json_schema={"enum": sorted(SOURCES)})] = "phone"


async def feedback(service: Service, call: Call) -> Answer:
    card = await visible(service, call.who, call.path["lead"])
    said: Feedback = call.body
    try:
        told = await tell(_sender(service), service.model, call.who, card, said, service.wait_s)
    except (Mistaken, NotYours, NotSent) as error:
        service.audit(call.request, said.type, card.key, type(error).__name__)
        raise _refusal(error) from None
    service.audit(call.request, said.type, card.key, told.outcome)
    return _answer(told)


async def available(service: Service, call: Call) -> Answer:
    rep, said = call.path["rep"], call.body
    try:
        told = await availability(_sender(service), service.model, call.who, rep, said, service.reps(), service.wait_s)
    except (Mistaken, NotYours, NotSent) as error:
        service.audit(call.request, said.type, None, type(error).__name__)
        raise _refusal(error) from None
    service.audit(call.request, said.type, None, told.outcome)
    return _answer(told)


async def new_lead(service: Service, call: Call) -> Answer:
    said: NewLead = call.body
    if not call.who.may_add:
        raise _refusal(NotYours())
    if said.source not in SOURCES:
        raise invalid([Mistake("source", f"is {said.source[:40]!r}; expected {' or '.join(sorted(SOURCES))}")])
    values = {name: getattr(said, name) for name in ("name", "email", "phone", "company")}
    try:
        lead = await _sender(service).lead(Enquiry(values, said.event, said.source, said.note))
    except Unclear as unclear:
        raise invalid([Mistake("", str(unclear))]) from None
    except NotSent as error:
        raise _refusal(error) from None
    key = service.index.key(lead)
    service.audit(call.request, "lead.added", key, "sent")
    shown = lead if call.who.personal else None
    return Answer(Created(shown, key), HTTPStatus.CREATED, {"Location": f"{BASE}/leads/{key}"})


def _sender(service: Service) -> Sender:
    if service.sender is None:
        raise away("this board only reads: nobody told it how to reach Kafka")
    return service.sender


def _answer(told: Told) -> Answer:
    if told.outcome == "sent":
        place = {"Location": f"{BASE}/answers/{told.origin}"}
        return Answer(Spoken("sent", None), HTTPStatus.ACCEPTED, place)
    return Answer(Spoken(told.outcome, told.why))


def _refusal(error: Mistaken | NotYours | NotSent) -> Refusal:
    if isinstance(error, Mistaken):
        return invalid(error.mistakes)
    if isinstance(error, NotYours):
        return Refusal(HTTPStatus.FORBIDDEN, "you may see that, but it is not for you to say")
    return away(str(error))


OPERATIONS = (
    Operation(
        "POST",
        "/leads/{lead}/feedback",
        "tellOfLead",
        "Say what became of a lead",
        feedback,
        {200: Spoken, 202: Spoken},
        body=Feedback,
        problems=(403, 404),
    ),
    Operation(
        "POST",
        "/reps/{rep}/availability",
        "tellOfRep",
        "Say that a rep is away, or back",
        available,
        {200: Spoken, 202: Spoken},
        body=Availability,
        problems=(403,),
    ),
    Operation(
        "POST",
        "/leads",
        "addLead",
        "Add somebody who phoned, or turned up otherwise than on a site",
        new_lead,
        {201: Created},
        body=NewLead,
        problems=(403,),
    ),
)
