"""JSON lines: each line an event as it stands, bare Segment, in RudderStack's wrapper or a CloudEvent. Pure.

A line that is a JSON object is passed on whatever is in it: the worker says what is wrong with an event, and keeps
it as a dead letter. Only what is no JSON object at all is not parsed.
"""

from contextlib import suppress
from typing import Any

import orjson

from engine.core.instants import from_rfc3339, to_rfc3339
from engine.local.parsed import Parsed, Unparsed

# In the order in which `heatline simulate` looks for a record's time.
RECORD_TIME_FIELDS = ("receivedAt", "timestamp", "originalTimestamp")
_TIME_FIELDS = (*RECORD_TIME_FIELDS, "sentAt")


def parse_line(line: bytes) -> Parsed | Unparsed:
    """The event of one line, without its line end. Never raises."""
    try:
        event = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        return Unparsed(f"not JSON: {error}")
    if not isinstance(event, dict):
        return Unparsed("not a JSON object; expected a Segment event")
    body = segment_of(event)
    times = (_instant(body.get(field)) for field in RECORD_TIME_FIELDS)
    return Parsed(event, next((time for time in times if time is not None), None), line)


def segment_of(event: dict[str, Any]) -> dict[str, Any]:
    """The Segment event within RudderStack's wrapper or a CloudEvent; else `event` itself."""
    inner = event.get("data") if "specversion" in event else event.get("message") if "type" not in event else None
    return inner if isinstance(inner, dict) else event


def shift(event: dict[str, Any], shift_ms: int) -> bool:
    """Move every time that `event` names, and say whether there was one.

    What is no RFC 3339 time, or would leave the years 1 to 9999, stays.
    """
    body = segment_of(event)
    moved = False
    for holder, field in [*((body, field) for field in _TIME_FIELDS), (event, "time")]:
        instant = _instant(holder.get(field))
        if instant is not None:
            with suppress(OverflowError):
                holder[field] = to_rfc3339(instant + shift_ms)
                moved = True
    return moved


def _instant(text: object) -> int | None:
    """The instant in ms since 1970, or None where `text` names none."""
    if not isinstance(text, str):
        return None
    try:
        instant = from_rfc3339(text)
    except ValueError:
        return None
    return instant if instant >= 0 else None
