"""The records of the output topics, typed: checked on their way into a read model, decoded on their way out."""

from collections.abc import Sequence
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec

from engine.core.cloudevents import kind_of
from engine.core.erasure import Pseudonym, read_erased
from engine.core.flow import Record
from engine.core.instants import from_rfc3339
from engine.core.records import LeadAlert, LeadAssignment, LeadErased, LeadScore
from engine.readmodel import port
from engine.readmodel.port import EVENT_BYTES_MAX, Change, LeadGone, LeadScored, Log, Logged

SCORES, STAGES = "lead-scores", "lead-stages"
TOPICS: dict[str, Log | None] = {
    SCORES: None,
    "lead-alerts": "alerts",
    "lead-assignments": "assignments",
    STAGES: None,
}
"""What a read model is made from, and the log that a topic fills. Of stages it takes who was erased."""

_SCORED, _ERASED = kind_of("lead.score_changed"), kind_of("lead.erased")
_LOGGED: dict[Log, frozenset[str]] = {
    "alerts": frozenset({kind_of("lead.alerted")}),
    "assignments": frozenset(
        kind_of(f"lead.{verb}")
        for verb in ("assigned", "queued", "reassigned", "reminded", "escalated", "released", "call_due")
    ),
}

D = TypeVar("D")


class Event(msgspec.Struct, Generic[D]):
    """A CloudEvent as far as a read model looks: `time` is the event time of the cause."""

    id: str
    type: str
    subject: str
    time: str
    data: D


class _Envelope(msgspec.Struct):
    type: str


ScoreEvent = Event[LeadScore]
AlertEvent = Event[LeadAlert]
AssignmentEvent = Event[LeadAssignment]
ErasedEvent = Event[LeadErased]

_envelope = msgspec.json.Decoder(_Envelope)
_score: msgspec.json.Decoder[ScoreEvent] = msgspec.json.Decoder(ScoreEvent)
_alert: msgspec.json.Decoder[AlertEvent] = msgspec.json.Decoder(AlertEvent)
_assignment: msgspec.json.Decoder[AssignmentEvent] = msgspec.json.Decoder(AssignmentEvent)
_erased: msgspec.json.Decoder[ErasedEvent] = msgspec.json.Decoder(ErasedEvent)


class Malformed(NamedTuple):
    """A record that cannot be read, and why."""

    record: Record
    why: str


class Foreign(NamedTuple):
    """A record of a kind that this version does not know, or that is not for this reader."""

    kind: str


def decode_score(event: bytes) -> ScoreEvent:
    """The score event that a read model holds."""
    return _score.decode(event)


def decode_alerts(events: Sequence[bytes]) -> list[AlertEvent]:
    """The alerts that a read model holds."""
    return [_alert.decode(event) for event in events]


def decode_assignments(events: Sequence[bytes]) -> list[AssignmentEvent]:
    """The assignments that a read model holds."""
    return [_assignment.decode(event) for event in events]


def itself(lead: str) -> str:
    """What a lead is called where nobody has the key to hash its id."""
    return lead


def project(record: Record, pseudonym: Pseudonym = itself) -> Change | Malformed | Foreign | None:
    """What a record of one of `TOPICS` changes in a read model; None: nothing. Never raises for what a record holds."""
    log = TOPICS[record.topic]
    try:
        if record.value is None:
            return _gone(record)
        if len(record.value) > EVENT_BYTES_MAX:
            raise ValueError(f"{len(record.value)} bytes, at most {EVENT_BYTES_MAX} are kept")
        kind = _envelope.decode(record.value).type
        if record.topic == STAGES:
            return _receipt(record.value) if kind == _ERASED else None
        if log is None:
            return _scored(record, record.value, kind)
        decoder: msgspec.json.Decoder[Any] = _alert if log == "alerts" else _assignment
        if kind not in _LOGGED[log]:
            return Foreign(kind)
        event = decoder.decode(record.value)
        time_ms = from_rfc3339(event.time)
    except (ValueError, RecursionError) as error:
        return Malformed(record, str(error))
    return Logged(log, event.id, record.timestamp, record.value, pseudonym(event.subject), time_ms)


def _gone(record: Record) -> LeadGone | port.LeadErased | Malformed:
    if record.topic != SCORES:
        return Malformed(record, "null value; only lead-scores has tombstones")
    erased = read_erased(record.headers)
    return LeadGone(_lead(record)) if erased is None else port.LeadErased(_lead(record), *erased)


def _receipt(value: bytes) -> port.LeadErased:
    data = _erased.decode(value).data
    return port.LeadErased(None, data.lead, from_rfc3339(data.at))


def _scored(record: Record, value: bytes, kind: str) -> LeadScored | Foreign:
    if kind != _SCORED:
        return Foreign(kind)
    score = _score.decode(value).data
    if score.lead != _lead(record):
        raise ValueError(f"its key is {record.key!r}, but its lead {score.lead!r}: no tombstone could remove it")
    return LeadScored(score.lead, score.total, score.band, value)


def _lead(record: Record) -> str:
    if not record.key:
        raise ValueError("no key; the key is the lead")
    return record.key.decode()
