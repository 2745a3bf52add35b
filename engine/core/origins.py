"""Where a change of a row comes from: a record, the time alone, a message of the desk, or another model."""

from typing import Any

import msgspec

from engine.core.events import Event
from engine.core.flow import Record
from engine.core.instants import from_rfc3339, to_rfc3339
from engine.core.records import Cause
from engine.core.text import clean

TRACE_HEADER = "traceparent"
TRACE_BYTES_MAX = 512
"""W3C's has 55 today; a longer one would be for nobody and could make a record too large for the broker."""
_EVENT_CHARS_MAX = 500

Headers = tuple[tuple[str, bytes | None], ...]


class Origin(msgspec.Struct, frozen=True, gc=False):
    """What changed a row: a `record` (a `Record`) with the `event` in it, or `stated`, the cause in a message.

    Where there is neither, `name` fell due at `time_ms`, or is a reload. `kind` tells apart what one record causes on
    two ways, such as a score and the new owner that came of it.
    """

    name: str
    time_ms: int
    record: Any = None
    event: Event | None = None
    stated: Cause | None = None
    kind: str = ""

    def cause(self, name: str) -> Cause:
        """It as the cause of an output; `name` is that of the event, the signal or what fell due."""
        if self.stated is not None:
            return self.stated
        time = to_rfc3339(self.time_ms)
        if self.record is None:
            return Cause(None, None, None, None, name, time)
        event_id = None if self.event is None or self.event.id is None else clean(self.event.id, _EVENT_CHARS_MAX)
        return Cause(self.record.topic, self.record.partition, self.record.offset, event_id, name, time)

    @property
    def identity(self) -> str:
        """What tells it from another, the same on every replay."""
        return self.identity_of(self.name)

    def identity_of(self, name: str) -> str:
        """Likewise, of what it is called by `name`."""
        source = self.stated or self.record
        if source is None:
            return f"{name}/{self.time_ms}"
        where = identity_of(source)
        return f"{where}/{self.kind}" if self.kind else where

    @property
    def headers(self) -> Headers:
        """The headers that outputs carry on."""
        return () if self.record is None else trace_headers(self.record)


def origin_of(event: Event, record: Record) -> Origin:
    """A visitor's event as the origin of what it changes."""
    return Origin(event.name, event.time_ms, record, event)


def stated_origin(cause: Cause, kind: str = "") -> Origin:
    """The cause that a message states as the origin of what the message changes."""
    return Origin(cause.name, from_rfc3339(cause.time), stated=cause, kind=kind)


def identity_of(cause: Cause | Record) -> str:
    """What tells one record as a cause from another, the same on every replay."""
    return f"{cause.topic}/{cause.partition}/{cause.offset}"


def trace_headers(record: Record) -> Headers:
    """The headers of `record` that its outputs carry on: the first traceparent, unless it is no such thing."""
    traces = (header for header in record.headers if header[0] == TRACE_HEADER)
    first = next(traces, None)
    return () if first is None or len(first[1] or b"") > TRACE_BYTES_MAX else (first,)
