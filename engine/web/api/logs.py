"""Reading what was logged: alerts, assignments, and what came of a record in `rep-events`."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import msgspec

from engine.core.cloudevents import noun_verb_of
from engine.readmodel.events import AlertEvent, AssignmentEvent, decode_alerts, decode_assignments
from engine.readmodel.port import LOG_MAX, Log
from engine.web.api.leads import Cursor, Limit, next_link, visible
from engine.web.api.operations import Answer, Call, Operation, Service, bad_query
from engine.web.api.problems import Refusal, missing
from engine.web.api.shapes import AlertEntry, AlertList, AssignmentEntry, AssignmentList, Spoken
from engine.web.lead.actions import answered
from engine.web.lists.views import Mistake, Unwanted
from engine.web.masking import Mask
from engine.web.port import origin_of

Logged = TypeVar("Logged", AlertEvent, AssignmentEvent)
_LOOK_AHEAD = 4
"""So many times the page are read at first, since others' leads are among them."""


class LogQuery(msgspec.Struct, frozen=True):
    """Which part of a log: `cursor` is `next` of an earlier page."""

    cursor: Cursor = ""
    limit: Limit = 50


async def alerts(service: Service, call: Call) -> Answer:
    found, end = await _page(service, call, "alerts", decode_alerts)
    entries = []
    for event in found:
        key, data = service.index.key(event.data.lead), event.data
        if not call.who.personal:
            data = Mask(key, data.lead, data.traits, data.ids).told(data)
        entries.append(AlertEntry(key, event.id if call.who.personal else None, event.time, data))
    service.audit(call.request, "alerts.seen", None, "ok")
    return Answer(AlertList(entries, end), headers={} if end is None else next_link(call, end))


async def assignments(service: Service, call: Call) -> Answer:
    found, end = await _page(service, call, "assignments", decode_assignments)
    entries = []
    for event in found:
        key, data, id_ = service.index.key(event.data.lead), event.data, event.id
        kind = noun_verb_of(event.type)
        if call.who.personal:
            entries.append(AssignmentEntry(key, id_, kind, event.time, data))
        else:
            entries.append(AssignmentEntry(key, None, kind, event.time, Mask(key, data.lead).assignment(data)))
    service.audit(call.request, "assignments.seen", None, "ok")
    return Answer(AssignmentList(entries, end), headers={} if end is None else next_link(call, end))


async def answer(service: Service, call: Call) -> Answer:
    origin = origin_of(call.path["partition"], call.path["offset"])
    if origin is None:
        raise missing("a place in rep-events is two numbers: partition and offset")
    found = await answered(service.model, origin)
    if found is None:
        raise missing("nothing came of that record yet, or there is none")
    if found.accepted:
        return Answer(Spoken("accepted", None))
    why = found.why
    if found.lead is not None:
        # The reason names the lead and who has it.
        try:
            await visible(service, call.who, found.lead)
        except Refusal:
            why = None
    return Answer(Spoken("refused", why if call.who.personal else None))


async def _page(
    service: Service, call: Call, log: Log, decode: Callable[[Sequence[bytes]], list[Logged]]
) -> tuple[list[Logged], str | None]:
    """The entries of leads that may be seen, behind the cursor, and the cursor of those behind them."""
    query: LogQuery = call.query
    number = min(_LOOK_AHEAD * query.limit, LOG_MAX)
    while True:
        read = await service.model.latest(log, number)
        is_all = number >= LOG_MAX or len(read) < number
        found, is_begun = [], not query.cursor
        for event in _readable(read, decode):
            if is_begun and service.index.may_see(call.who, event.data.lead):
                found.append(event)
            is_begun = is_begun or service.index.key(event.id) == query.cursor
        if is_all or len(found) > query.limit:
            break
        number = min(_LOOK_AHEAD * number, LOG_MAX)
    if not is_begun:
        told = Mistake("cursor", "is no place in this log, or not any more; expected `next` of the page before")
        raise bad_query(Unwanted([told]))
    shown = found[: query.limit]
    return shown, service.index.key(shown[-1].id) if len(found) > query.limit else None


def _readable(read: Sequence[bytes], decode: Callable[[Sequence[bytes]], list[Logged]]) -> list[Logged]:
    """Those that this version of the program can read."""
    events = []
    for one in read:
        try:
            events += decode([one])
        except ValueError:
            continue
    return events


OPERATIONS = (
    Operation("GET", "/alerts", "listAlerts", "The latest alerts", alerts, {200: AlertList}, LogQuery),
    Operation(
        "GET", "/assignments", "listAssignments", "Who got which lead", assignments, {200: AssignmentList}, LogQuery
    ),
    Operation(
        "GET",
        "/answers/{partition}/{offset}",
        "readAnswer",
        "What came of something that was said",
        answer,
        {200: Spoken},
        problems=(404,),
    ),
)
