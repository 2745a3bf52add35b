"""Internal messages come back as they were sent; anything else is refused, whatever it holds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.flow import InputRecord, Output
from engine.core.messages import (
    LeadFeedback,
    LeadRequested,
    MessageError,
    OwnerChanged,
    decode_inbox,
    decode_request,
    encode,
    forward,
    unwrap,
)
from engine.core.records import Cause

CAUSE = Cause("visitor-events", 3, 42, "m-1", "demo_request", "2026-11-23T04:30:00.000Z")
REQUEST = LeadRequested(
    lead="ada",
    profile="u:ada",
    partition=3,
    desk="main",
    alert="f00",
    alert_name="hot-lead",
    at=1_000,
    total=81.5,
    engagement=81.5,
    fit=0.0,
    band="hot",
    grade="D",
    stage="lead",
    known=True,
    fast_track=False,
    traits={"title": "CEO"},
    owner=None,
    cause=CAUSE,
)
OWNER = OwnerChanged("ada", "u:ada", "andy", 1_000, CAUSE)
FEEDBACK = LeadFeedback("ada", "u:ada", "won", "andy", 1_000, None, 900.0, "EUR", None, CAUSE)

names = st.text(st.characters(codec="utf-8"), min_size=1, max_size=30)
headers = st.lists(st.tuples(names, st.none() | st.binary(max_size=20)), max_size=4)
records = st.builds(
    InputRecord,
    topic=st.from_regex(r"[a-zA-Z0-9._-]{1,30}", fullmatch=True),
    partition=st.integers(0, 2**31 - 1),
    offset=st.integers(0, 2**63 - 1),
    timestamp=st.integers(-1, 2**62),
    key=st.none() | st.binary(max_size=20),
    value=st.none() | st.binary(max_size=200),
    headers=headers.map(tuple),
)


def delivered(output: Output) -> InputRecord:
    """The output as its reader gets it."""
    return InputRecord(output.topic, output.partition or 0, 7, 99, output.key, output.value, output.headers)


def test_requests_owner_changes_and_feedback_round_trip() -> None:
    assert decode_request(encode(REQUEST)) == REQUEST
    assert decode_inbox(encode(OWNER)) == OWNER
    assert decode_inbox(encode(FEEDBACK)) == FEEDBACK


@given(records, st.integers(0, 99))
def test_a_forwarded_record_comes_back_to_the_byte(record: InputRecord, partition: int) -> None:
    output = forward(record, partition, b"u:ada")
    assert (output.topic, output.key, output.partition, output.value) == (
        "lead-inbox",
        b"u:ada",
        partition,
        record.value,
    )
    assert unwrap(delivered(output)) == record


@given(records)
def test_a_record_forwarded_twice_comes_back_in_two_steps(record: InputRecord) -> None:
    """A visitor who names a header as ours does not confuse the outer envelope."""
    once = delivered(forward(record, 1, b"k"))
    assert unwrap(delivered(forward(once, 2, b"k"))) == once


@given(records.filter(lambda record: not record.headers or record.headers[0][0] != "heatline-forwarded"))
def test_what_was_not_forwarded_unwraps_to_nothing(record: InputRecord) -> None:
    assert unwrap(record) is None


@pytest.mark.parametrize("origin", [None, b"", b"\xff", b"2 0 0 0 0 t", b"1 0 0 0", b"1 x 0 0 0 t", b"1 0 0 0 1 t"])
def test_a_broken_or_newer_envelope_unwraps_to_nothing(origin: bytes | None) -> None:
    assert unwrap(InputRecord("lead-inbox", 0, 0, 0, b"k", b"{}", (("heatline-forwarded", origin),))) is None


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"",
        b"null",
        b"\xff",
        b"{}",
        b"[" * 100_000,
        encode(OWNER),
        encode(REQUEST).replace(b'"v":1', b'"v":2'),
        encode(REQUEST).replace(b"lead.requested", b"lead.asked"),
        encode(REQUEST).replace(b"81.5", b'"x"'),
        encode(REQUEST).replace(b'"partition":3', b'"partition":3.5'),
    ],
)
def test_what_is_no_request_of_this_version_is_refused(value: bytes | None) -> None:
    with pytest.raises(MessageError):
        decode_request(value)


@pytest.mark.parametrize(
    "value",
    [
        encode(REQUEST),
        encode(OWNER).replace(b'"v":1', b'"v":2'),
        encode(FEEDBACK).replace(b'"v":1', b'"v":2'),
        encode(FEEDBACK).replace(b'"won"', b'"kissed"'),
        encode(FEEDBACK).replace(b"lead.feedback", b"lead.gossip"),
    ],
)
def test_what_is_no_inbox_message_of_this_version_is_refused(value: bytes) -> None:
    with pytest.raises(MessageError):
        decode_inbox(value)


@given(st.binary())
def test_no_value_makes_decoding_raise_anything_else(value: bytes) -> None:
    with pytest.raises(MessageError):
        decode_inbox(value)
