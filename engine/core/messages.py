"""Internal messages between lanes: versioned, no contract with other systems.

All but forwarded events are JSON. A forwarded event is the original value untouched, with where it came from in one
header: visitors' events hop by the ten thousand a second, so nothing is decoded or copied into JSON.
"""

from typing import Any, Literal, NamedTuple, TypeVar, get_args

import msgspec

from engine.core.events import Rejected
from engine.core.flow import InputRecord, Output, Record
from engine.core.records import Cause, Stage, Touch

REQUESTS_TOPIC = "routing-requests"
FEEDBACK_TOPIC = "rep-events"
INBOX_TOPIC = "lead-inbox"
MAIN_DESK = "main"
"""The desk of leads that no other takes."""
FORWARDED_HEADER = "heatline-forwarded"
FORWARDED_KEY_HEADER = "heatline-forwarded-key"
BESIDE_VALUE_BYTES_MAX = 256 * 1024
"""Of key and headers of a record that is forwarded: with the largest value that is read, the broker still takes it."""


class MessageError(ValueError):
    """A value that is no internal message of a version that this program reads."""


class LeadRequested(msgspec.Struct, tag_field="type", tag="lead.requested"):
    """On `routing-requests`: an alert asks for a rep.

    `profile` is the key of the lead's row and `partition` its home; `alert` the id of the alert's record,
    `alert_name` its name in the model; `at` the instant in ms for which the score is stated. `seen` is what routing
    reads besides, by field: of the event that caused it, nothing of it on a wake-up, and the points of rules.
    """

    lead: str
    profile: str
    partition: int
    desk: str
    alert: str
    alert_name: str
    at: int
    total: float
    engagement: float
    fit: float
    band: str
    grade: str
    stage: str
    known: bool
    fast_track: bool
    traits: dict[str, Any]
    owner: str | None
    cause: Cause
    persona: str | None = None
    product: str | None = None
    counts: dict[str, int] = {}
    revenue: float = 0.0
    sessions: int = 0
    first_touch: Touch | None = None
    last_touch: Touch | None = None
    place: dict[str, str] = {}
    seen: dict[str, Any] = {}
    v: Literal[1] = 1


class StageChanged(msgspec.Struct, tag_field="type", tag="lead.stage_changed"):
    """On `routing-requests`: the lead went to `stage` at the instant `at` in ms, by itself."""

    lead: str
    stage: Stage
    at: int
    cause: Cause
    desk: str = MAIN_DESK
    v: Literal[1] = 1


class OwnerChanged(msgspec.Struct, tag_field="type", tag="lead.owner_changed"):
    """On `lead-inbox`: the desk gave the lead to `owner` at the instant `at` in ms."""

    lead: str
    profile: str
    owner: str | None
    at: int
    cause: Cause
    v: Literal[1] = 1


class LeadJoin(msgspec.Struct, tag_field="type", tag="lead.join"):
    """On `lead-inbox`, under `key`: everything under that key is for the row of `target` from now on.

    `alias`: a person said that both ids are of one, so two persons may be joined by it.
    """

    key: str
    target: str
    alias: bool
    cause: Cause
    v: Literal[1] = 1


class LeadMoved(msgspec.Struct, tag_field="type", tag="lead.moved"):
    """On `lead-inbox`, under `key`, a pointer to `was`: what goes there goes on to `target`."""

    key: str
    was: str
    target: str
    v: Literal[1] = 1


class LeadMerge(msgspec.Struct, tag_field="type", tag="lead.merge"):
    """On `lead-inbox`, under the key of the lead that it is for: `row` is everything that was known under `other`."""

    other: str
    row: bytes
    cause: Cause
    v: Literal[1] = 1


class LeadErase(msgspec.Struct, tag_field="type", tag="lead.erase"):
    """On `lead-inbox`, at the id's home: erase the person whom `lead`, a public id, names, asked for at `at` in ms.

    `time_kept_until`: when the last topic that keeps records for a time has lost them, RFC 3339; null: not known.
    """

    lead: str
    at: int
    reason: str
    time_kept_until: str | None
    v: Literal[1] = 1


class LeadForget(msgspec.Struct, tag_field="type", tag="lead.forget"):
    """On `lead-inbox` of every partition: the person under `key` was erased, and whatever points there is to go."""

    key: str
    at: int
    reason: str
    time_kept_until: str | None
    v: Literal[1] = 1


class LeadGone(msgspec.Struct, tag_field="type", tag="lead.erase"):
    """On `routing-requests`: what the desk keeps of `lead` is to go."""

    lead: str
    at: int
    v: Literal[1] = 1


class LeadMerged(msgspec.Struct, tag_field="type", tag="lead.merge"):
    """On `routing-requests`: the lead `other` is `lead` now, which stands at `total` in `band`.

    `closed`: sales are done with it for now, so nobody comes to own it.

    `profile` is the key of the lead's row and `partition` its home; `at` the instant of the cause in ms.
    """

    lead: str
    other: str
    profile: str
    partition: int
    at: int
    total: float
    band: str
    closed: bool
    cause: Cause
    desk: str = MAIN_DESK
    v: Literal[1] = 1


class CanaryAsked(msgspec.Struct, tag_field="type", tag="canary.asked"):
    """On `routing-requests`: a canary, `nonce`, wants to be seen here, too; no rep is wanted."""

    nonce: str
    cause: Cause
    v: Literal[1] = 1


FeedbackKind = Literal[
    "accepted",
    "declined",
    "contacted",
    "snoozed",
    "qualified",
    "disqualified",
    "opportunity",
    "won",
    "lost",
    "recycled",
    "noted",
]
"""What a rep can say about a lead."""


class LeadFeedback(msgspec.Struct, tag_field="type", tag="lead.feedback"):
    """On `lead-inbox`: the rep who has the lead said something about it at the instant `at`, both times in ms.

    Only what belongs to the kind is not null: `until` to snoozed, `amount` to opportunity and won, `currency` to won,
    `reason` to declined, disqualified and lost.
    """

    lead: str
    profile: str
    kind: FeedbackKind
    rep: str
    at: int
    until: int | None
    amount: float | None
    currency: str | None
    reason: str | None
    cause: Cause
    v: Literal[1] = 1


Request = LeadRequested | StageChanged | LeadMerged | LeadGone | CanaryAsked
"""What stands on `routing-requests`."""
Message = OwnerChanged | LeadFeedback | LeadJoin | LeadMoved | LeadMerge | LeadErase | LeadForget
"""What stands on `lead-inbox` besides forwarded events."""

_Message = TypeVar("_Message")

_encoder = msgspec.json.Encoder()
_requests: "msgspec.json.Decoder[Request]" = msgspec.json.Decoder(Request)
_inbox: "msgspec.json.Decoder[Message]" = msgspec.json.Decoder(Message)


def encode(message: Request | Message) -> bytes:
    """The message as JSON."""
    return _encoder.encode(message)


def decode_request(value: bytes | None) -> Request:
    """What a record of `routing-requests` says. Raises MessageError."""
    return _decode(_requests, value)


def decode_inbox(value: bytes | None) -> Message:
    """What a record of `lead-inbox` that is no forwarded event says. Raises MessageError."""
    return _decode(_inbox, value)


def _decode(decoder: "msgspec.json.Decoder[_Message]", value: bytes | None) -> _Message:
    try:
        return decoder.decode(value or b"")
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise MessageError(str(error)) from None


Errand = Literal["-", "claim", "refused", "join", "joined"]
"""What a forwarded event is sent for, besides being counted where it arrives: nothing; to claim a person for a browser,
from a source that is not trusted; to come back from there, counted without what it claims; to take an address along;
to come back from there.
"""
_ERRANDS: dict[str, Errand] = {errand: errand for errand in get_args(Errand)}


class Arrival(NamedTuple):
    """A record with a visitor's event, where it is to be folded, how many topics it came through, and its errand.

    `key` is that of a row, None where the record came straight from `visitor-events`.
    """

    record: Record
    key: str | None = None
    hops: int = 1
    errand: Errand = "-"


def forwarded(arrival: Arrival, key: str, partition: int, errand: Errand) -> Output:
    """The record of `arrival` for partition number `partition` of `lead-inbox`, to be folded under `key`.

    Raises Rejected where its key and headers make it larger than the broker takes.
    """
    record = arrival.record
    beside_bytes = len(record.key or b"") + sum(4 * len(name) + len(value or b"") for name, value in record.headers)
    if beside_bytes > BESIDE_VALUE_BYTES_MAX:
        told = f"key and headers have {beside_bytes} bytes; at most {BESIDE_VALUE_BYTES_MAX} can be forwarded"
        raise Rejected("size", None, told)
    has_key = record.key is not None
    where = f"{record.partition} {record.offset} {record.timestamp} {has_key:d} {record.topic}"
    origin = f"2 {arrival.hops + 1} {errand} {where}"
    headers: list[tuple[str, bytes | None]] = [(FORWARDED_HEADER, origin.encode())]
    if record.key is not None:
        headers.append((FORWARDED_KEY_HEADER, record.key))
    return Output(INBOX_TOPIC, key.encode(), record.value, partition, (*headers, *record.headers))


def unwrap(record: Record) -> Arrival | None:
    """The forwarded event that `record` is; None where it is none of a version read here.

    Only the first headers count: those behind them are the original's own, whatever they are called.
    """
    headers = tuple(record.headers)
    if not headers or headers[0][0] != FORWARDED_HEADER:
        return None
    try:
        version, hops, errand, *where = (headers[0][1] or b"").decode().split(" ", 7)
        partition, offset, timestamp, has_key, topic = where
        if version != "2" or record.key is None:
            return None
        key = headers[1][1] if has_key == "1" else None
        own = headers[2:] if has_key == "1" else headers[1:]
        original = InputRecord(topic, int(partition), int(offset), int(timestamp), key, record.value, own)
        return Arrival(original, record.key.decode(), int(hops), _ERRANDS[errand])
    except (ValueError, IndexError, KeyError):
        return None
