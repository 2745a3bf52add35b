"""What came of a record in `rep-events`: accepted, as the desk's own record of it says, or refused with a reason."""

from base64 import b64decode

import msgspec

from engine.core.erasure import Pseudonym
from engine.core.flow import Record
from engine.core.instants import from_rfc3339
from engine.core.messages import FEEDBACK_TOPIC
from engine.core.records import LeadFeedbackRecord
from engine.core.text import clean
from engine.readmodel.port import Logged

_NAME_CHARS_MAX = 500


class Answer(msgspec.Struct):
    """To a record of this type about a lead, null where it is about none or unreadable; `why` it was not accepted."""

    type: str | None
    lead: str | None
    accepted: bool
    why: str | None = None


class _Failure(msgspec.Struct):
    message: str
    time: str


class _Payload(msgspec.Struct):
    partition: int
    offset: int
    value_base64: str | None = None


class _Letter(msgspec.Struct):
    failure: _Failure
    payload: _Payload


class _Rejected(msgspec.Struct):
    data: _Letter


class _Said(msgspec.Struct):
    """What a rep wrote, as far as it can be read at all."""

    type: object = None
    lead: object = None


_rejected = msgspec.json.Decoder(_Rejected)
_said = msgspec.json.Decoder(_Said)
_answer = msgspec.json.Decoder(Answer)


def decode_answer(event: bytes) -> Answer:
    """The answer that a read model holds."""
    return _answer.decode(event)


def answer_id(partition: int, offset: int) -> str:
    """Under what a read model has the answer to the record at this place in `rep-events`."""
    return f"{partition}/{offset}"


def accepted(data: LeadFeedbackRecord, kind: str, at_ms: int, time_ms: int, pseudonym: Pseudonym) -> Logged | None:
    """The answer to feedback of which the desk wrote a record; None where that does not say to which."""
    cause = data.cause
    if cause.partition is None or cause.offset is None:
        return None
    entry = answer_id(cause.partition, cause.offset)
    answer = msgspec.json.encode(Answer(kind, data.lead, True))
    return Logged("answers", entry, at_ms, answer, pseudonym(data.lead), time_ms)


def refused(record: Record, pseudonym: Pseudonym) -> Logged | None:
    """The answer to what a dead letter says that a rep said; None for others'. Raises ValueError for what is none."""
    if record.value is None or not (record.key or b"").startswith(f"{FEEDBACK_TOPIC}/".encode()):
        return None
    letter = _rejected.decode(record.value).data
    said = _read(letter.payload.value_base64)
    kind, lead = (clean(name, _NAME_CHARS_MAX) if isinstance(name, str) else None for name in (said.type, said.lead))
    answer = msgspec.json.encode(Answer(kind, lead, False, letter.failure.message))
    entry = answer_id(letter.payload.partition, letter.payload.offset)
    time_ms = from_rfc3339(letter.failure.time)
    return Logged("answers", entry, record.timestamp, answer, pseudonym(lead or ""), time_ms)


def _read(value_base64: str | None) -> _Said:
    try:
        return _said.decode(b64decode(value_base64 or "", validate=True))
    except (ValueError, RecursionError):
        return _Said()
