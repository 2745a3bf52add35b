import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.instants import from_rfc3339
from engine.local.lines import Message, parse_line, to_message
from engine.local.logfile import LINE_BYTES_MAX
from engine.local.parsed import Parsed, Unparsed

NOW_MS = from_rfc3339("2026-11-23T12:00:00Z")
HOUR_MS = 3_600_000


def message(line: bytes, shift_ms: int = 0) -> Message:
    parsed = parse_line(line, NOW_MS)
    assert isinstance(parsed, Parsed), parsed
    sent = to_message(parsed, shift_ms)
    assert isinstance(sent, Message), sent
    return sent


def reason(line: bytes) -> str:
    parsed = parse_line(line, NOW_MS)
    result = to_message(parsed, 0) if isinstance(parsed, Parsed) else parsed
    assert isinstance(result, Unparsed), result
    return result.reason


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=8,
)
_TIMES = st.sampled_from(["2026-11-23T11:00:00Z", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59Z", "noon", ""])
_EVENTS = st.dictionaries(
    st.sampled_from(
        ["timestamp", "receivedAt", "sentAt", "time", "message", "data", "specversion", "anonymousId", "type"]
    ),
    _TIMES | _JSON | st.dictionaries(st.sampled_from(["timestamp", "sentAt", "userId"]), _TIMES | _JSON),
)


@given(_EVENTS, st.integers(-(10**14), 10**14))
def test_no_json_object_makes_a_feed_raise(event: dict[str, Any], shift_ms: int) -> None:
    """Whatever an event holds, it is sent or has a reason."""
    parsed = parse_line(json.dumps(event).encode(), NOW_MS)
    if isinstance(parsed, Parsed):
        assert isinstance(to_message(parsed, shift_ms), Message | Unparsed)


def test_a_json_line_is_sent_as_it_stands() -> None:
    """Byte for byte, whatever its spaces and fields, where no time is moved."""
    line = b' {"anonymousId" : "a", "timestamp":"2015-05-17T10:05:03+02:00", "x": 1.0}'
    assert message(line) == Message(b"a", line, from_rfc3339("2015-05-17T08:05:03Z"))


def test_a_json_line_without_a_time_is_sent_as_it_stands_and_now() -> None:
    line = b'{"userId": "u",  "type": "page"}'
    assert message(line, HOUR_MS) == Message(b"u", line, None)


@pytest.mark.parametrize(
    ("event", "key"),
    [
        ({"anonymousId": "a", "userId": "u"}, b"a"),
        ({"userId": "u"}, b"u"),
        ({"anonymousId": "", "userId": "u"}, b"u"),
        ({"anonymousId": 5}, None),
        ({"message": {"anonymousId": "a"}, "userId": "u"}, b"a"),
        ({"message": {}, "userId": "u", "topic": "t"}, b"u"),
        ({"specversion": "1.0", "data": {"userId": "u"}}, b"u"),
        ({"type": "track", "message": {"anonymousId": "no wrapper"}, "userId": "u"}, b"u"),
    ],
)
def test_the_key_is_anonymous_id_else_user_id(event: dict[str, Any], key: bytes | None) -> None:
    """Also in RudderStack's wrapper and in a CloudEvent."""
    assert message(json.dumps(event).encode()).key == key


def test_all_times_of_an_event_move_together() -> None:
    """So that a client's delay, received − (sent − original), stays what it was."""
    event = {
        "receivedAt": "2026-11-23T10:00:02.000Z",
        "sentAt": "2026-11-23T10:00:01.000Z",
        "originalTimestamp": "2026-11-23T10:00:00.000Z",
        "timestamp": "not a time",
        "properties": {"timestamp": "2026-11-23T10:00:00.000Z"},
    }
    sent = message(json.dumps(event).encode(), HOUR_MS)
    assert sent.timestamp_ms == from_rfc3339("2026-11-23T11:00:02Z")
    assert json.loads(sent.value) == {
        "receivedAt": "2026-11-23T11:00:02.000Z",
        "sentAt": "2026-11-23T11:00:01.000Z",
        "originalTimestamp": "2026-11-23T11:00:00.000Z",
        "timestamp": "not a time",
        "properties": {"timestamp": "2026-11-23T10:00:00.000Z"},
    }


def test_a_log_line_carries_its_moved_time() -> None:
    """In the event and as the record's timestamp; its messageId stays, so that a log fed twice counts once."""
    line = b'a - - [23/Nov/2026:10:00:00 +0000] "GET / HTTP/1.1" 200 1'
    stays, moves = message(line), message(line, HOUR_MS)
    assert moves.timestamp_ms == from_rfc3339("2026-11-23T11:00:00Z")
    assert json.loads(moves.value) == json.loads(stays.value) | {"timestamp": "2026-11-23T11:00:00.000Z"}
    assert moves.key == stays.key == json.loads(stays.value)["anonymousId"].encode()


def test_what_nests_deeper_than_can_be_written_is_sent_as_it_stands() -> None:
    """It becomes a dead letter, not a lost line."""
    line = b'{"timestamp": "2026-11-23T10:00:00Z", "x": %s%s}' % (b"[" * 400, b"]" * 400)
    assert message(line, HOUR_MS).value == line


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"", "an empty line"),
        (b" \t", "an empty line"),
        (b'{"type": "page"', "not JSON"),
        (b'{"x": NaN}', "not JSON"),
        (b'{"x": "\\ud800"}', "not JSON"),
        (b'{"x": "\xff"}', "not JSON"),
        (b'["page"]', "expected the"),
        (b"x" * (LINE_BYTES_MAX + 1), "longer than 1,000,000 bytes"),
        (b'{"x": "%s", "userId": "%s"}' % (b"x" * 600_000, b"u" * 399_970), "more than 1,000,000"),
        (b'a - - [24/Nov/2026:10:00:00 +0000] "GET / HTTP/1.1" 200 1', "2026-11-24T10:00:00.000Z, lies ahead of now"),
        (b'{"timestamp": "2026-11-23T12:05:01Z"}', "2026-11-23T12:05:01.000Z, lies ahead of now"),
    ],
)
def test_a_line_without_an_event_has_a_reason(line: bytes, expected: str) -> None:
    assert expected in reason(line)
