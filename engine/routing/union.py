"""Leads that are no more what they were: two that are one, and those that are recycled by themselves."""

from typing import NamedTuple

from msgspec.structs import replace

from engine.core.messages import LeadMerged, OwnerChanged, StageChanged
from engine.routing.assigning import RELEASED, Told, Trigger, record
from engine.routing.desk import Desk
from engine.routing.rows import ALERTS_MAX, Held, pack
from engine.routing.sla import scheduled


class Union(NamedTuple):
    """What a merge comes to: who has a lead no more, and who has the person where its profile may not know."""

    released: Told | None
    owner: OwnerChanged | None


def merged(desk: Desk, message: LeadMerged, trigger: Trigger) -> Union:
    """The lead `message.other` is `message.lead` now: the person's owner and open assignment stay."""
    other = desk.held(message.other)
    if other is None or other.moved is not None:
        return Union(None, None)
    if message.other == message.lead:
        desk.hold(message.lead, replace(other, profile=message.profile, partition=message.partition))
        return Union(None, None)
    lead = desk.held(message.lead)
    kept = _kept(lead, other)
    desk.hold(message.other, scheduled(desk, _left(other, message, trigger.at_ms)))
    alerts = [*other.alerts, *([] if lead is None else lead.alerts)][-ALERTS_MAX:]
    asked = pack(replace(kept.request, lead=message.lead, profile=message.profile, partition=message.partition))
    row = replace(kept, alerts=alerts, profile=message.profile, partition=message.partition, asked=asked)
    if lead is not None and lead.wait is not None and row.wait is not None and other.wait is not None:
        first_ms = min(lead.wait.since_ms, other.wait.since_ms)
        row = replace(row, since_ms=first_ms, wait=replace(row.wait, since_ms=first_ms))
    if kept is other and message.closed:
        row = _closed(row, trigger.at_ms)
    desk.hold(message.lead, scheduled(desk, row))
    is_released = other.rep is not None and row.rep != other.rep
    why = f"merged: the lead is {message.lead} now"
    owner = OwnerChanged(message.lead, message.profile, row.rep, message.at, message.cause)
    return Union(
        released(desk, other, message.other, why, trigger) if is_released else None,
        owner if kept is other and row.rep is not None else None,
    )


def recycled(desk: Desk, message: StageChanged, trigger: Trigger) -> list[Told]:
    """A lead has been recycled by itself: nobody has it any more, and it does not wait."""
    held = desk.held(message.lead)
    if held is None or message.stage != "recycled" or held.moved is not None:
        return []
    if held.rep is None and held.wait is None:
        return []
    desk.hold(message.lead, scheduled(desk, _closed(held, trigger.at_ms)))
    return [] if held.rep is None else [released(desk, held, message.lead, "recycled", trigger)]


def _kept(lead: Held | None, other: Held) -> Held:
    """Whose owner, deadline or place among those who wait the person goes on with."""
    if lead is None:
        return other
    if lead.rep is not None:
        return lead
    return lead if other.rep is None and lead.wait is not None else other


def _closed(held: Held, at_ms: int) -> Held:
    return replace(
        held.without_rep(),
        state="closed",
        since_ms=at_ms,
        clock=None,
        call_at=None,
        wait=None,
        missed=[],
        declined=[],
    )


def _left(other: Held, message: LeadMerged, at_ms: int) -> Held:
    """What stands under the id that is no more: where the rest is."""
    return replace(_closed(other, at_ms), state="moved", moved=message.lead, asked=b"")


def released(desk: Desk, held: Held, lead: str, why: str, trigger: Trigger) -> Told:
    """The record of a lead that nobody has any more; `held` is its row before."""
    was = replace(held, rep=None, region=None, attempt=1, clock=None)
    data = record(desk, was, held.request, why, trigger, held.rep, [])
    return Told(RELEASED, trigger.time_ms, replace(data, lead=lead), (trigger.identity,))
