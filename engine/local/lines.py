"""From a line of an access log or of JSON lines to the record that is sent. Pure."""

from typing import Any, NamedTuple

import orjson

from engine.core.instants import to_rfc3339
from engine.local import accesslog, jsonlines
from engine.local.logfile import LINE_BYTES_MAX
from engine.local.parsed import Parsed, Unparsed

# As far ahead as an event may lie of its record (semantics.md 1).
AHEAD_MS_MAX = 5 * 60_000


class Message(NamedTuple):
    """A record of `visitor-events`: its key is anonymousId, else userId, else None.

    `timestamp_ms` is the event's time, None where that is not known: the time at which it is sent.
    """

    key: bytes | None
    value: bytes
    timestamp_ms: int | None


def parse_line(line: bytes, now_ms: int) -> Parsed | Unparsed:
    """The event of one line, whichever format it has. Never raises. No log knows what happens after `now_ms`."""
    if len(line) > LINE_BYTES_MAX:
        return Unparsed(f"longer than {LINE_BYTES_MAX:,} bytes")
    start = line.lstrip()[:1]
    if not start:
        return Unparsed("an empty line")
    parsed = jsonlines.parse_line(line) if start == b"{" else accesslog.parse_line(line)
    if isinstance(parsed, Parsed) and parsed.time_ms is not None and parsed.time_ms > now_ms + AHEAD_MS_MAX:
        return Unparsed(f"its time, {to_rfc3339(parsed.time_ms)}, lies ahead of now")
    return parsed


def to_message(parsed: Parsed, shift_ms: int) -> Message | Unparsed:
    """The record for `parsed`, its times moved by `shift_ms`."""
    event, value = parsed.event, parsed.raw
    timestamp_ms = None if parsed.time_ms is None else max(0, parsed.time_ms + shift_ms)
    if value is None:
        value = orjson.dumps(event if timestamp_ms is None else {**event, "timestamp": to_rfc3339(timestamp_ms)})
    elif shift_ms:
        value = _shifted(event, shift_ms) or value
    key = _key(event)
    size = len(value) + len(key or b"")
    if size > LINE_BYTES_MAX:
        return Unparsed(f"its event has {size:,} bytes, more than {LINE_BYTES_MAX:,}")
    return Message(key, value, timestamp_ms)


def _shifted(event: dict[str, Any], shift_ms: int) -> bytes | None:
    """None where nothing in `event` is moved, so that the line stays as it stands."""
    if not jsonlines.shift(event, shift_ms):
        return None
    try:
        return orjson.dumps(event)
    except TypeError:
        # Nested deeper than orjson writes and than a worker takes: it becomes a dead letter as it stands.
        return None


def _key(event: dict[str, Any]) -> bytes | None:
    body = jsonlines.segment_of(event)
    for candidate in (body.get("anonymousId"), body.get("userId"), event.get("userId")):
        if isinstance(candidate, str) and candidate:
            return candidate.encode()
    return None
