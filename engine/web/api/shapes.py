"""What the API answers: the structs of its JSON, and how they come of what the board holds.

Times are RFC 3339 in UTC with milliseconds. `lead` is the lead's id, null for who may not know who it is; `key` stands
for it everywhere.
"""

from typing import Any, Literal

import msgspec

from engine.core.instants import to_rfc3339
from engine.core.records import LeadAlert, LeadAssignment, LeadScore, Time, TraceStep
from engine.readmodel.case import Case, CaseState
from engine.readmodel.dossier import Dossier, Entry
from engine.readmodel.explain import Sum, explain
from engine.web.lists.cards import Card


class LeadRow(msgspec.Struct):
    """A lead in a list: its score, and how it stands at the desk.

    `state` is null where no rep was ever asked for; `due` is when the rep must have accepted or contacted it, `call`
    when to call again; `tomorrow` the total in 24 hours if nothing happens; `reason` what counts most.
    """

    key: str
    lead: str | None
    name: str
    company: str | None
    email: str | None
    phone: str | None
    total: float
    band: str
    grade: str
    stage: str
    known: bool
    fast_track: bool
    source: str | None
    product: str | None
    persona: str | None
    reason: str | None
    tomorrow: float | None
    next_band_at: Time | None
    at: Time
    first_seen: Time
    last_seen: Time
    owner: str | None
    team: str | None
    region: str | None
    territories: list[str]
    desk: str | None
    rule: str | None
    state: CaseState | None
    since: Time | None
    asked: Time | None
    due: Time | None
    call: Time | None
    contacted: Time | None
    reminded: bool


class LeadList(msgspec.Struct):
    """A page of leads: `next` is the cursor of the next one, null at the end; `total` counts all pages."""

    leads: list[LeadRow]
    next: str | None
    total: int


class PointShape(msgspec.Struct):
    """The total as it was at an instant."""

    at: Time
    total: float


class LineShape(msgspec.Struct):
    """A summand of an explanation, rounded; texts may be empty."""

    points: float
    rule: str
    label: str
    note: str
    last: str


class SumShape(msgspec.Struct):
    """A part of the score and its summands: engagement, fit, and the total that they come to."""

    name: str
    points: float
    lines: list[LineShape]


class CaseShape(msgspec.Struct):
    """How the lead stands at the desk, and how it was decided who gets it."""

    state: CaseState
    rep: str | None
    team: str | None
    region: str | None
    territories: list[str]
    rule: str | None
    desk: str | None
    attempt: int
    since: Time
    asked: Time
    due: Time | None
    remind: Time | None
    call: Time | None
    contacted: Time | None
    reminded: bool
    reason: str
    trace: list[TraceStep]


class LeadDetail(msgspec.Struct):
    """Everything about one lead but its timeline. `score` is the `data` of its record on `lead-scores`."""

    lead: LeadRow
    score: LeadScore
    explanation: list[SumShape]
    case: CaseShape | None
    history: list[PointShape]
    tomorrow: float | None


class TimelineEntry(msgspec.Struct):
    """Something that happened to the lead; `data` is what there is to show of it, by its type."""

    at: Time
    type: str
    data: dict[str, Any]


class Timeline(msgspec.Struct):
    """What happened to a lead, the latest first."""

    entries: list[TimelineEntry]


class AlertEntry(msgspec.Struct):
    """An alert as on `lead-alerts`; `id` is that of its record, null for who may not know who the lead is."""

    key: str
    id: str | None
    time: Time
    data: LeadAlert


class AlertList(msgspec.Struct):
    """A page of alerts, the latest first; `next` is the cursor of the next one."""

    alerts: list[AlertEntry]
    next: str | None


class AssignmentEntry(msgspec.Struct):
    """A decision of the desk as on `lead-assignments`; `type` is `lead.assigned`, `lead.queued` and so on."""

    key: str
    id: str | None
    type: str
    time: Time
    data: LeadAssignment


class AssignmentList(msgspec.Struct):
    """A page of assignments, the latest first; `next` is the cursor of the next one."""

    assignments: list[AssignmentEntry]
    next: str | None


class Value(msgspec.Struct):
    """A value of a filter, and how many leads have it."""

    value: str
    count: int


class FacetLists(msgspec.Struct):
    """The values of each filter, the most frequent first; of sources and territories 500 at most."""

    owner: list[Value]
    team: list[Value]
    band: list[Value]
    grade: list[Value]
    stage: list[Value]
    source: list[Value]
    region: list[Value]
    territory: list[Value]


class StatusShape(msgspec.Struct):
    """Whether what the API says is current: `lag_s` is how far the read model was behind the topics when last heard of.

    `loading`: lists do not have all leads yet. `leads`, `alerts`, `assignments`: how many the read model holds.
    """

    level: Literal["live", "late", "off"]
    text: str
    lag_s: float | None
    loading: bool
    leads: int
    alerts: int
    assignments: int


class Spoken(msgspec.Struct):
    """What the desk made of what was said: `refused` with the reason, or `sent` and not answered yet."""

    outcome: Literal["accepted", "refused", "sent"]
    why: str | None


class Created(msgspec.Struct):
    """The lead that was made, or that was there; its score follows when the worker has read of it."""

    lead: str | None
    key: str


def row_of(card: Card) -> LeadRow:
    """A card as a row, masked already where it is to be."""
    return LeadRow(
        key=card.key,
        lead=card.lead or None,
        name=card.name,
        company=card.place or None,
        email=card.email or None,
        phone=card.phone or None,
        total=card.total,
        band=card.band,
        grade=card.grade,
        stage=card.stage,
        known=card.known,
        fast_track=card.fast_track,
        source=card.source or None,
        product=card.product,
        persona=card.persona,
        reason=card.reason or None,
        tomorrow=card.tomorrow,
        next_band_at=_time(card.next_band_ms),
        at=to_rfc3339(card.at_ms),
        first_seen=to_rfc3339(card.first_seen_ms),
        last_seen=to_rfc3339(card.last_seen_ms),
        owner=card.owner,
        team=card.team,
        region=card.region,
        territories=[*card.territories],
        desk=card.desk,
        rule=card.rule,
        state=card.state,
        since=_time(card.since_ms),
        asked=_time(card.asked_ms),
        due=_time(card.due_ms),
        call=_time(card.call_ms),
        contacted=_time(card.contacted_ms),
        reminded=card.reminded,
    )


def detail_of(card: Card, score: LeadScore, dossier: Dossier) -> LeadDetail:
    """All about a lead, masked already where it is to be."""
    told = explain(score)
    return LeadDetail(
        lead=row_of(card),
        score=score,
        explanation=[_sum(one) for one in (*told.parts, told.total)],
        case=None if dossier.case is None else _case(dossier.case),
        history=[PointShape(to_rfc3339(point.at_ms), point.total) for point in dossier.history],
        tomorrow=card.tomorrow,
    )


def entry_of(entry: Entry) -> TimelineEntry:
    """An entry of a timeline, masked already where it is to be."""
    return TimelineEntry(to_rfc3339(entry.at_ms), entry.type, msgspec.json.decode(entry.data))


def _case(case: Case) -> CaseShape:
    return CaseShape(
        state=case.state,
        rep=case.rep,
        team=case.team,
        region=case.region,
        territories=[*case.territories],
        rule=case.rule,
        desk=case.desk,
        attempt=case.attempt,
        since=to_rfc3339(case.since_ms),
        asked=to_rfc3339(case.asked_ms),
        due=_time(case.due_ms),
        remind=_time(case.remind_ms),
        call=_time(case.call_ms),
        contacted=_time(case.contacted_ms),
        reminded=case.reminded,
        reason=case.reason,
        trace=case.trace,
    )


def _sum(told: Sum) -> SumShape:
    lines = [LineShape(float(line.points), line.rule, line.label, line.note, line.last) for line in told.lines]
    return SumShape(told.name, float(told.points), lines)


def _time(instant_ms: int | None) -> Time | None:
    return None if instant_ms is None else to_rfc3339(instant_ms)
