"""Reading leads: lists, one lead, its timeline, what there is to filter by, and whether all that is current."""

from typing import Annotated
from urllib.parse import urlencode

import msgspec

from engine.web.api.operations import Answer, Call, Operation, Service, bad_query
from engine.web.api.problems import missing
from engine.web.api.shapes import (
    FacetLists,
    LeadDetail,
    LeadList,
    StatusShape,
    Timeline,
    Value,
    detail_of,
    entry_of,
    row_of,
)
from engine.web.gate.access import Principal
from engine.web.lists.cards import Card, Lead
from engine.web.lists.views import Unwanted, Wanted
from engine.web.live import now_ms
from engine.web.live import status as status_of
from engine.web.masking import masked_card, masked_lead

PAGE_MAX = 200
NO_LEAD = "there is no such lead, or it is not for you"
Cursor = Annotated[str, msgspec.Meta(max_length=200)]
Limit = Annotated[int, msgspec.Meta(ge=1, le=PAGE_MAX)]


class ListQuery(Wanted, frozen=True):
    """Which leads, in which order, and which part of them: `cursor` is `next` of an earlier page."""

    cursor: Cursor = ""
    limit: Limit = 50


async def known(service: Service, who: Principal, name: str) -> Lead:
    """All about a lead by its key, or by its id for who may know ids. Raises Refusal where `who` may not see it."""
    card = await visible(service, who, name)
    found = await service.index.read(card.lead)
    if found is None:
        raise missing(NO_LEAD)
    return found if who.personal else masked_lead(found)


async def visible(service: Service, who: Principal, name: str) -> Card:
    """The card of a lead. Raises Refusal where there is none, or `who` may not see it, which look the same."""
    card = await service.index.sought(name)
    if card is None or not who.may_see(card.owner, card.region) or (name != card.key and not who.personal):
        raise missing(NO_LEAD)
    return card


async def leads(service: Service, call: Call) -> Answer:
    query: ListQuery = call.query
    try:
        page = service.index.page(call.who, query, query.cursor or None, query.limit)
    except Unwanted as unwanted:
        raise bad_query(unwanted) from None
    cards = page.cards if call.who.personal else [masked_card(card) for card in page.cards]
    link = {} if page.next is None else next_link(call, page.next)
    service.audit(call.request, "leads.seen", None, "ok")
    return Answer(LeadList([row_of(card) for card in cards], page.next, page.total), headers=link)


async def lead(service: Service, call: Call) -> Answer:
    found = await known(service, call.who, call.path["lead"])
    service.audit(call.request, "lead.seen", found.card.key, "ok")
    return Answer(detail_of(*found))


async def timeline(service: Service, call: Call) -> Answer:
    found = await known(service, call.who, call.path["lead"])
    service.audit(call.request, "timeline.seen", found.card.key, "ok")
    return Answer(Timeline([entry_of(entry) for entry in reversed(found.dossier.timeline)]))


async def facets(service: Service, call: Call) -> Answer:
    counted = service.index.facets(call.who)._asdict()
    return Answer(FacetLists(**{name: [Value(*one) for one in values.items()] for name, values in counted.items()}))


async def status(service: Service, _: Call) -> Answer:
    progress, counts = await service.model.progress(), await service.model.counts()
    level, text = status_of(progress, now_ms())
    lag_s = None if progress is None else progress.lag_s
    return Answer(StatusShape(level, text, lag_s, service.index.loading, *counts[:3]))


def next_link(call: Call, cursor: str) -> dict[str, str]:
    """Where the next page is, as a header."""
    others = [(name, value) for name, value in call.request.query.items() if name != "cursor"]
    return {"Link": f'<{call.request.path}?{urlencode([*others, ("cursor", cursor)])}>; rel="next"'}


OPERATIONS = (
    Operation("GET", "/leads", "listLeads", "Leads that you may see, page by page", leads, {200: LeadList}, ListQuery),
    Operation("GET", "/leads/{lead}", "readLead", "All about a lead", lead, {200: LeadDetail}, problems=(404,)),
    Operation(
        "GET",
        "/leads/{lead}/timeline",
        "readTimeline",
        "What happened to a lead",
        timeline,
        {200: Timeline},
        problems=(404,),
    ),
    Operation("GET", "/facets", "listFacets", "What leads can be filtered by", facets, {200: FacetLists}),
    Operation("GET", "/status", "readStatus", "Whether the answers are current", status, {200: StatusShape}),
)
