"""Dead letters: a record that could not be processed, with the reason and its original bytes, and back again."""

from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator

from engine import __version__
from engine.core.cloudevents import output
from engine.core.flow import InputRecord, Output, Record
from engine.core.instants import from_rfc3339, to_rfc3339
from engine.core.records import SOURCE, DeadLetter, Failure, Payload, Processor, Reason
from engine.core.text import printable

TOPIC = "dead-letters"
KIND = "event.rejected"
VALUE_BYTES_MAX = 512 * 1024
KEY_BYTES_MAX = 16 * 1024
HEADERS_BYTES_MAX = 16 * 1024
"""With these three, and JSON's six characters for an unprintable one, a dead letter stays below 1,000,000 bytes."""
TEXT_CHARS_MAX = 500

_HEADER_OVERHEAD_BYTES = 8
_YEAR_1_MS = -62_135_596_800_000
_YEAR_9999_MS = 253_402_300_799_999
_PROCESSOR = Processor(SOURCE, __version__)


def time_text(timestamp_ms: int) -> str:
    """RFC 3339; a time outside the years 1 to 9999 stays a number of milliseconds, so that nothing is lost."""
    if _YEAR_1_MS <= timestamp_ms <= _YEAR_9999_MS:
        return to_rfc3339(timestamp_ms)
    return str(timestamp_ms)


def reject(record: Record, reason: Reason, field: str | None, message: str, at_ms: int) -> Output:
    """The dead letter of `record`: why, and everything needed to send it again.

    Never raises, whatever the record holds, and always gives the same bytes. `field` names what is at fault and
    `message` says it in a sentence; both may quote a visitor: unprintable characters are removed and 500 characters
    kept. `at_ms` is the failure's time, the record's own where nothing better is known; times outside the years 1 to
    9999 are set to the nearest. A value over 512 KiB is cut; a key over 16 KiB is cut and headers beyond 16 KiB are
    left out as well, so that the letter itself is never too large for its topic. Each of them sets `truncated`.
    """
    moment_ms = min(max(at_ms, _YEAR_1_MS), _YEAR_9999_MS)
    letter = DeadLetter(
        failure=Failure(
            reason=reason,
            field=None if field is None else printable(field)[:TEXT_CHARS_MAX],
            message=printable(message)[:TEXT_CHARS_MAX],
            time=to_rfc3339(moment_ms),
        ),
        payload=_payload(record),
        processor=_PROCESSOR,
    )
    return output(TOPIC, KIND, f"{record.topic}/{record.partition}/{record.offset}", moment_ms, letter)


def restore(payload: Payload) -> InputRecord:
    """The record that was rejected, to the byte. Raises ValueError where it was truncated."""
    if payload.truncated:
        raise ValueError("the record was truncated: its original bytes are gone")
    return InputRecord(
        topic=payload.topic,
        partition=payload.partition,
        offset=payload.offset,
        timestamp=_from_text(payload.timestamp),
        key=_from_base64(payload.key_base64),
        value=_from_base64(payload.value_base64),
        headers=tuple((name, _from_base64(value)) for name, value in payload.headers),
    )


def _payload(record: Record) -> Payload:
    key = None if record.key is None else record.key[:KEY_BYTES_MAX]
    value = None if record.value is None else record.value[:VALUE_BYTES_MAX]
    headers = list(_fitting(record.headers))
    return Payload(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        timestamp=time_text(record.timestamp),
        key=_as_text(key),
        key_base64=_to_base64(key),
        headers=headers,
        value_base64=_to_base64(value),
        truncated=key != record.key or value != record.value or len(headers) != len(record.headers),
    )


def _fitting(headers: Iterable[tuple[str, bytes | None]]) -> Iterator[tuple[str, str | None]]:
    room_bytes = HEADERS_BYTES_MAX
    for name, value in headers:
        room_bytes -= len(name.encode()) + len(value or b"") + _HEADER_OVERHEAD_BYTES
        if room_bytes < 0:
            return
        yield name, _to_base64(value)


def _as_text(key: bytes | None) -> str | None:
    try:
        return None if key is None else key.decode()
    except UnicodeDecodeError:
        return None


def _to_base64(data: bytes | None) -> str | None:
    return None if data is None else b64encode(data).decode()


def _from_base64(text: str | None) -> bytes | None:
    return None if text is None else b64decode(text, validate=True)


def _from_text(timestamp: str) -> int:
    return from_rfc3339(timestamp) if timestamp.endswith("Z") else int(timestamp)
