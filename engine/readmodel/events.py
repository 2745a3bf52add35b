"""The records of the output topics, typed: checked on their way into a read model, decoded on their way out."""

from collections.abc import Sequence
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec

from engine.core.cloudevents import noun_verb_of
from engine.core.erasure import Pseudonym, read_erased
from engine.core.flow import Record
from engine.core.instants import from_rfc3339
from engine.core.records import LeadAlert, LeadAssignment, LeadErased, LeadFeedbackRecord, LeadScore
from engine.readmodel import port
from engine.readmodel.answers import accepted, refused
from engine.readmodel.dossier import Data, News
from engine.readmodel.port import EVENT_BYTES_MAX, Change, LeadGone, LeadScored, Log, Logged
from engine.stream.emitted import CANARIES, EMITTED

SCORES, ALERTS, ASSIGNMENTS = "lead-scores", "lead-alerts", "lead-assignments"
STAGES, CONVERSIONS, LETTERS = "lead-stages", "lead-conversions", "dead-letters"
TOPICS = (SCORES, ALERTS, ASSIGNMENTS, STAGES, CONVERSIONS, LETTERS)
"""What a read model is made from. Of dead letters it takes what reps said."""

_LOGS: dict[type[msgspec.Struct], Log] = {LeadAlert: "alerts", LeadAssignment: "assignments"}
_TIMES = ("at", "due_at", "remind_at", "until")

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

_envelope = msgspec.json.Decoder(_Envelope)
_decoders: dict[str, dict[str, msgspec.json.Decoder[Any]]] = {
    topic: {
        kind.type: msgspec.json.Decoder(Event[kind.data])  # type: ignore[name-defined]
        for kind in EMITTED
        if kind.topic == topic and kind.noun_verb not in CANARIES
    }
    for topic in TOPICS
    if topic != LETTERS
}
_score: msgspec.json.Decoder[ScoreEvent] = msgspec.json.Decoder(ScoreEvent)
_alert: msgspec.json.Decoder[AlertEvent] = msgspec.json.Decoder(AlertEvent)
_assignment: msgspec.json.Decoder[AssignmentEvent] = msgspec.json.Decoder(AssignmentEvent)


class Malformed(NamedTuple):
    """A record that cannot be read, and why."""

    record: Record
    why: str


class Foreign(NamedTuple):
    """A record of a kind that this version does not know, or that is not for this reader."""

    kind: str


class Read(NamedTuple):
    """What a record changes in a read model by itself, and what is to be folded into the lead's dossier."""

    change: Change | None = None
    news: News | None = None


_NOTHING = Read()


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
    """What a record of one of `TOPICS` changes in a read model beside dossiers; None: nothing."""
    told = read(record, pseudonym)
    return told.change if isinstance(told, Read) else told


def read(record: Record, pseudonym: Pseudonym = itself) -> Read | Malformed | Foreign:
    """What a record of one of `TOPICS` says. Never raises for what a record holds."""
    try:
        if record.topic == LETTERS:
            return Read(refused(record, pseudonym))
        if record.value is None:
            return Read(_gone(record))
        if len(record.value) > EVENT_BYTES_MAX:
            raise ValueError(f"{len(record.value)} bytes, at most {EVENT_BYTES_MAX} are kept")
        kind = _envelope.decode(record.value).type
        decoder = _decoders[record.topic].get(kind)
        if decoder is None:
            return _NOTHING if noun_verb_of(kind) in CANARIES else Foreign(kind)
        return _told(record, record.value, decoder.decode(record.value), pseudonym)
    except (ValueError, RecursionError) as error:
        return Malformed(record, str(error))


def _told(record: Record, value: bytes, event: Event[Any], pseudonym: Pseudonym) -> Read:
    data = event.data
    if isinstance(data, LeadErased):
        return Read(port.LeadErased(None, data.lead, from_rfc3339(data.at)))
    for name in _TIMES:
        if (instant := getattr(data, name, None)) is not None:
            from_rfc3339(instant)
    time_ms = from_rfc3339(event.time)
    news = News(data.lead, event.id, noun_verb_of(event.type), time_ms, record.timestamp, data)
    return Read(_change(record, value, event, time_ms, pseudonym), news)


def _change(
    record: Record, value: bytes, event: Event[Data], time_ms: int, pseudonym: Pseudonym
) -> LeadScored | Logged | None:
    data = event.data
    if isinstance(data, LeadScore):
        if data.lead != _lead(record):
            raise ValueError(f"its key is {record.key!r}, but its lead {data.lead!r}: no tombstone could remove it")
        return LeadScored(data.lead, data.total, data.band, value)
    if isinstance(data, LeadFeedbackRecord):
        return accepted(data, noun_verb_of(event.type), record.timestamp, time_ms, pseudonym)
    log = _LOGS.get(type(data))
    return None if log is None else Logged(log, event.id, record.timestamp, value, pseudonym(event.subject), time_ms)


def _gone(record: Record) -> LeadGone | port.LeadErased:
    if record.topic != SCORES:
        raise ValueError("null value; only lead-scores has tombstones")
    erased = read_erased(record.headers)
    return LeadGone(_lead(record)) if erased is None else port.LeadErased(_lead(record), *erased)


def _lead(record: Record) -> str:
    if not record.key:
        raise ValueError("no key; the key is the lead")
    return record.key.decode()
