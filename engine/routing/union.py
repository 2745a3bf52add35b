"""Two leads that are one: the person's owner stays, the other's is released."""

from collections.abc import Mapping
from typing import NamedTuple

from msgspec.structs import replace

from engine.core.messages import LeadMerged
from engine.core.records import LeadAssignment
from engine.routing.desk import ALERTS_MAX, Held, Read, held_key, pack, unpack_held

RELEASED = "lead.released"


class Union(NamedTuple):
    """What a merge comes to at the desk.

    `released` are the records of who has the lead no more, `owner` is who has it where its profile may not know.
    """

    released: tuple[LeadAssignment, ...]
    owner: str | None
    rows: Mapping[bytes, bytes]


def merged(message: LeadMerged, read: Read) -> Union:
    """The desk's rows once the lead `message.other` is `message.lead`. `read` gives the desk's row of a key."""
    other = unpack_held(read(held_key(message.other)))
    if other is None or other.moved is not None:
        return Union((), None, {})
    if message.other == message.lead:
        row = replace(other, profile=message.profile, partition=message.partition)
        return Union((), None, {held_key(message.lead): pack(row)})
    lead = unpack_held(read(held_key(message.lead)))
    kept = other if lead is None or lead.rep is None else lead
    if kept is other and message.closed:
        kept = replace(other, rep=None, team=None, rule=None)
    alerts = [*other.alerts, *([] if lead is None else lead.alerts)][-ALERTS_MAX:]
    row = replace(kept, alerts=alerts, profile=message.profile, partition=message.partition, moved=None)
    left = Held(None, None, None, message.at, other.alerts, moved=message.lead)
    rows = {held_key(message.lead): pack(row), held_key(message.other): pack(left)}
    if kept is other or other.rep is None:
        return Union((), kept.rep, rows)
    return Union((_released(message, other),), None, rows)


def _released(message: LeadMerged, held: Held) -> LeadAssignment:
    return LeadAssignment(
        lead=message.other,
        rep=None,
        team=held.team,
        rule=held.rule,
        attempt=1,
        previous=held.rep,
        due_at=None,
        reason=f"merged: the lead is {message.lead} now",
        trace=[],
        alert=held.alerts[-1] if held.alerts else "",
        score=message.total,
        band=message.band,
        desk="main",
        region=None,
        remind_at=None,
        cause=message.cause,
    )
