"""Dead letters hold everything, always fit into their topic, and never raise."""

import base64
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.flow import InputRecord
from engine.core.records import DeadLetter
from engine.core.rejects import HEADERS_BYTES_MAX, KEY_BYTES_MAX, VALUE_BYTES_MAX, reject, restore
from engine.core.text import printable

MIB = 1024 * 1024
int64 = st.integers(-(2**63), 2**63 - 1)
headers = st.lists(st.tuples(st.text(max_size=20), st.none() | st.binary(max_size=40)), max_size=5).map(tuple)
records = st.builds(
    InputRecord,
    topic=st.sampled_from(["visitor-events", "rep-events", "lead-inbox"]),
    partition=st.integers(0, 2**31 - 1),
    offset=st.integers(0, 2**63 - 1),
    timestamp=int64,
    key=st.none() | st.binary(max_size=200),
    value=st.none() | st.binary(max_size=2000),
    headers=headers,
)


def sample(**changes: Any) -> InputRecord:
    record = InputRecord("visitor-events", 3, 41, 1_700_000_000_123, b"anna", b"{oops", (("a", b"1"), ("b", None)))
    return record._replace(**changes)


def envelope(record: InputRecord, field: str | None = None, message: str = "no", at_ms: int = 0) -> dict[str, Any]:
    value = reject(record, "json", field, message, at_ms).value
    assert value is not None
    decoded: dict[str, Any] = json.loads(value)
    return decoded


def letter(record: InputRecord) -> DeadLetter:
    return msgspec.convert(envelope(record)["data"], DeadLetter)


@given(records, st.text(max_size=800), st.none() | st.text(max_size=800), int64)
def test_rejecting_and_restoring_gives_the_record_back_to_the_byte(
    record: InputRecord, message: str, field: str | None, at_ms: int
) -> None:
    """Null and empty keys, values and header values stay apart, and every 64-bit timestamp survives."""
    value = reject(record, "schema", field, message, at_ms).value
    assert value is not None
    restored = restore(msgspec.convert(json.loads(value)["data"], DeadLetter).payload)
    assert restored == record


def test_a_dead_letter_is_a_cloud_event_named_after_the_record() -> None:
    """`subject` and `partitionkey` are `topic/partition/offset`; the time is the one passed in."""
    event = envelope(sample(), field="userId", message="not JSON", at_ms=1_700_000_000_123)
    data = event.pop("data")
    assert event.pop("id") == envelope(sample())["id"] != envelope(sample(offset=42))["id"]
    assert event == {
        "specversion": "1.0",
        "source": "heatline",
        "type": "io.heatline.event.rejected.v1",
        "subject": "visitor-events/3/41",
        "partitionkey": "visitor-events/3/41",
        "time": "2023-11-14T22:13:20.123Z",
        "datacontenttype": "application/json",
    }
    assert data["failure"] == {
        "reason": "json",
        "field": "userId",
        "message": "not JSON",
        "time": "2023-11-14T22:13:20.123Z",
    }
    assert data["payload"] == {
        "topic": "visitor-events",
        "partition": 3,
        "offset": 41,
        "timestamp": "2023-11-14T22:13:20.123Z",
        "key": "anna",
        "key_base64": "YW5uYQ==",
        "headers": [["a", "MQ=="], ["b", None]],
        "value_base64": "e29vcHM=",
        "truncated": False,
    }
    assert data["processor"]["name"] == "heatline"


def test_a_key_that_is_not_utf8_is_kept_as_bytes_only() -> None:
    """`key` is for people, `key_base64` for retries."""
    payload = letter(sample(key=b"\xff\x00")).payload
    assert (payload.key, payload.key_base64) == (None, "/wA=")


@pytest.mark.parametrize(
    "changes",
    [
        {"value": b"v" * (VALUE_BYTES_MAX + 1)},
        {"key": b"k" * (KEY_BYTES_MAX + 1)},
        {"headers": tuple(("h", b"x" * 1000) for _ in range(30))},
    ],
    ids=["value", "key", "headers"],
)
def test_what_is_cut_is_said_to_be_and_is_never_restored(changes: dict[str, Any]) -> None:
    """A truncated record would be another record: it is shown, never retried."""
    payload = letter(sample(**changes)).payload
    assert payload.truncated
    with pytest.raises(ValueError, match="truncated"):
        restore(payload)


def test_what_just_fits_is_whole() -> None:
    """The limits are inclusive."""
    payload = letter(sample(value=b"v" * VALUE_BYTES_MAX, key=b"k" * KEY_BYTES_MAX)).payload
    assert not payload.truncated
    assert base64.b64decode(payload.value_base64 or "") == b"v" * VALUE_BYTES_MAX


@pytest.mark.parametrize("filler", [b"\x00", b"\x7f", "ж".encode(), b'"'])
def test_the_largest_dead_letter_fits_into_a_megabyte(filler: bytes) -> None:
    """However large the record, its letter is not refused by a topic with the shipped size limit."""
    many = tuple((filler.decode() * 100, filler * 100) for _ in range(HEADERS_BYTES_MAX))
    record = sample(key=filler * MIB, value=filler * 10 * MIB, headers=many)
    out = reject(record, "size", filler.decode() * MIB, filler.decode() * MIB, 0)
    assert out.key is not None
    assert out.value is not None
    assert len(out.key) + len(out.value) < 1_000_000


@given(st.text() | st.text("\x1b[31m\u202e\ud800\n\x9b"))
def test_messages_are_printable_and_short(text: str) -> None:
    """A visitor's text in a message can neither steer a terminal nor fill a disk."""
    failure = envelope(sample(), field=text, message=text * 100)["data"]["failure"]
    for shown in (failure["field"], failure["message"]):
        assert len(shown) <= 500
        assert shown == printable(shown)
        assert not any(
            ord(c) < 32 or 0x7F <= ord(c) < 0xA0 or 0xD800 <= ord(c) < 0xE000 or c == "\u202e" for c in shown
        )
