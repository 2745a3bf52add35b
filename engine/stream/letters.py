"""Dead letters as they are read: which are wanted, and how they look to a person and to a program."""

import json
from base64 import b64decode
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import msgspec
from rich.table import Table
from rich.text import Text

from engine.core.cloudevents import kind_of
from engine.core.flow import Record
from engine.core.records import DeadLetter, Payload
from engine.core.rejects import KIND, time_text
from engine.core.text import printable

RECEIPT = "heatline-retried"
"""The header of a retried record and of its receipt; its value is the id of the dead letter."""

PREVIEW_CHARS_MAX = 4_000


class _Envelope(msgspec.Struct):
    type: str
    data: DeadLetter


_decoder = msgspec.json.Decoder(_Envelope)


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter: its own place (`dead-letters/0/12`), when it was written, and the record that it holds."""

    id: str
    partition: int
    at_ms: int
    body: DeadLetter

    @property
    def original(self) -> str:
        """The place of the rejected record, such as `visitor-events/3/41`."""
        payload = self.body.payload
        return f"{payload.topic}/{payload.partition}/{payload.offset}"


@dataclass(frozen=True, slots=True)
class Receipt:
    """What stays of a retry: the id of the dead letter that was sent again."""

    letter: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which dead letters are meant; None means any. `place` is a letter's own place, or its original's."""

    reason: str | None = None
    topic: str | None = None
    since_ms: int | None = None
    place: str | None = None

    def takes(self, letter: Letter) -> bool:
        """Whether `letter` is meant."""
        return (
            self.reason in (None, letter.body.failure.reason)
            and self.topic in (None, letter.body.payload.topic)
            and (self.since_ms is None or letter.at_ms >= self.since_ms)
            and self.place in (None, letter.id, letter.original)
        )


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a list. `bytes` is the length of the value, as far as it was kept; None where it was null."""

    id: str
    at: str
    reason: str
    field: str | None
    message: str
    original: str
    bytes: int | None
    truncated: bool
    retried: bool


def read(record: Record) -> Letter | Receipt | None:
    """What a record of `dead-letters` is; None where it is none of ours."""
    if record.value is None:
        for name, value in record.headers:
            if name == RECEIPT and value is not None:
                return Receipt(value.decode(errors="replace"))
        return None
    try:
        envelope = _decoder.decode(record.value)
        payload = envelope.data.payload
        for text in (payload.key_base64, payload.value_base64, *(value for _, value in payload.headers)):
            _decoded(text)
    except (msgspec.DecodeError, ValueError):
        return None
    if envelope.type != kind_of(KIND):
        return None
    place = f"{record.topic}/{record.partition}/{record.offset}"
    return Letter(place, record.partition, record.timestamp, envelope.data)


def row(letter: Letter) -> Row:
    """`letter` without its payload, not retried as far as is known."""
    failure, payload = letter.body.failure, letter.body.payload
    value = _value(payload)
    return Row(
        id=letter.id,
        at=time_text(letter.at_ms),
        reason=failure.reason,
        field=failure.field,
        message=failure.message,
        original=letter.original,
        bytes=None if value is None else len(value),
        truncated=payload.truncated,
        retried=False,
    )


def json_line(value: Row | Mapping[str, Any]) -> str:
    """One line of ASCII JSON, so that nothing in it steers a terminal."""
    return json.dumps(asdict(value) if isinstance(value, Row) else value)


def table(rows: Iterable[Row]) -> Table:
    """Rows for a terminal, without what a stranger may have put in to steer it."""
    shown = Table(box=None, pad_edge=False)
    for title in ("dead letter", "at", "reason", "record", "bytes", "message"):
        # What is copied into the next command stays in one piece.
        shown.add_column(title, overflow="fold", no_wrap=title in ("dead letter", "record"))
    for one in rows:
        size = "null" if one.bytes is None else f"{one.bytes:,}" + (" cut" if one.truncated else "")
        message = f"{one.field}: {one.message}" if one.field else one.message
        if one.retried:
            message = f"(retried) {message}"
        cells = (one.id, one.at[:19].replace("T", " "), one.reason, one.original, size, message)
        shown.add_row(*(Text(printable(cell)) for cell in cells))
    return shown


def described(letter: Letter, retried: bool) -> dict[str, Any]:
    """Everything about a letter, for a program: the dead letter as it stands, and what its value says."""
    value = _value(letter.body.payload)
    return {
        "id": letter.id,
        "at": time_text(letter.at_ms),
        "retried": retried,
        "text": None if value is None else value[:PREVIEW_CHARS_MAX].decode(errors="replace"),
        **msgspec.to_builtins(letter.body),
    }


def page(letter: Letter, retried: bool) -> str:
    """Everything about a letter, for a person at a terminal."""
    failure, payload = letter.body.failure, letter.body.payload
    value = _value(payload)
    facts = {
        "dead letter": letter.id + (" (retried)" if retried else ""),
        "written": time_text(letter.at_ms),
        "reason": failure.reason,
        "field": failure.field or "none",
        "message": failure.message,
        "record": letter.original,
        "record time": payload.timestamp,
        "key": _key(payload),
        **{f"header {name}": _text(_decoded(content)) for name, content in payload.headers},
        "processor": f"{letter.body.processor.name} {letter.body.processor.version}",
        "value": "null" if value is None else f"{len(value):,} bytes" + (", cut" if payload.truncated else ""),
    }
    lines = [f"{printable(name):<12} {printable(fact)}" for name, fact in facts.items()]
    return "\n".join([*lines, *(["", *_preview(value)] if value else [])])


def _preview(value: bytes) -> list[str]:
    """The value's first characters: JSON laid out, other text as it stands, bytes that are no text replaced."""
    try:
        text = json.dumps(json.loads(value), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        text = value.decode(errors="replace")
    left = len(text) - PREVIEW_CHARS_MAX
    lines = [printable(line) for line in text[:PREVIEW_CHARS_MAX].split("\n")]
    return [*lines, f"… {left:,} more characters"] if left > 0 else lines


def _key(payload: Payload) -> str:
    if payload.key_base64 is None:
        return "null"
    return _text(_decoded(payload.key_base64))


def _text(data: bytes | None) -> str:
    """Bytes as a person reads them; null and empty stay apart."""
    if data is None:
        return "null"
    try:
        return data[:PREVIEW_CHARS_MAX].decode() or '""'
    except UnicodeDecodeError:
        return "0x" + data[:PREVIEW_CHARS_MAX].hex()


def _value(payload: Payload) -> bytes | None:
    return _decoded(payload.value_base64)


def _decoded(text: str | None) -> bytes | None:
    return None if text is None else b64decode(text, validate=True)
