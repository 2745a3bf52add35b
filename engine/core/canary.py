"""Canaries: synthetic leads that go through the whole line, so that somebody notices when it stands still.

A canary is a record of `visitor-events` with the type `canary` and a `messageId` that is its nonce. It has no row,
counts for nobody, and no rep hears of it: the lane that reads it says so on `lead-alerts` and asks a desk, which says
so on `lead-assignments`. Who sent it waits for both.
"""

import re
from typing import Literal, get_args

import msgspec

from engine.core.cloudevents import output
from engine.core.desks import Desks
from engine.core.events import CANARY, Rejected, outside_years
from engine.core.flow import Output, Record
from engine.core.instants import FIRST_MS, LAST_MS, from_rfc3339, to_rfc3339
from engine.core.messages import CanaryAsked
from engine.core.origins import Headers, identity_of, trace_headers
from engine.core.outputs import ALERTS_TOPIC
from engine.core.records import CanaryAnswer, Cause

SCORED, ROUTED = "canary.scored", "canary.routed"
Stage = Literal["scored", "routed"]
"""How far a canary came, in metrics."""
STAGES: tuple[Stage, ...] = get_args(Stage)
NAME = "heatline-canary-"
ANSWERED_MAX = 16
"""Canaries of one chunk that are answered. Strangers can send them, too, and nobody waits for more."""

_NONCE = re.compile(r"[A-Za-z0-9._-]{1,64}")


def name_of(lane: int) -> str:
    """What the canaries of a lane are called, where leads have their ids."""
    return f"{NAME}{lane}"


def value_of(lane: int, nonce: str, at_ms: int) -> bytes:
    """A canary for a lane, sent at this instant, as it stands in `visitor-events`."""
    return msgspec.json.encode(
        {"type": CANARY, "anonymousId": name_of(lane), "messageId": nonce, "timestamp": to_rfc3339(at_ms)}
    )


def scored(record: Record, nonce: str | None, desks: Desks) -> list[Output]:
    """What the lane of a canary answers, and what it asks a desk; lanes ask different ones. Raises Rejected."""
    if nonce is None or not _NONCE.fullmatch(nonce):
        shown = "missing" if nonce is None else repr(nonce)[:80]
        told = f"messageId is {shown}; expected that of a canary, 1 to 64 of A-Z a-z 0-9 . _ -"
        raise Rejected("schema", "messageId", told)
    if not FIRST_MS <= record.timestamp <= LAST_MS:
        raise outside_years(record.timestamp)
    time = to_rfc3339(record.timestamp)
    asked = CanaryAsked(nonce, Cause(record.topic, record.partition, record.offset, nonce, CANARY, time))
    headers = trace_headers(record)
    desk = desks.names[record.partition % len(desks.names)]
    return [answer(ALERTS_TOPIC, SCORED, asked, headers), desks.send(asked, desk, headers)]


def answer(topic: str, noun_verb: str, asked: CanaryAsked, headers: Headers) -> Output:
    """The record that says of a canary how far it came: `SCORED` or `ROUTED`."""
    cause = asked.cause
    return output(
        topic,
        noun_verb,
        name_of(cause.partition or 0),
        from_rfc3339(cause.time),
        CanaryAnswer(asked.nonce, cause),
        identity_of(cause),
        headers=headers,
    )
