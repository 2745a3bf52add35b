"""Internal messages come back as they were sent; anything else is refused, whatever it holds."""

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.flow import InputRecord, Output
from engine.core.messages import (
    Arrival,
    Errand,
    LeadFeedback,
    LeadJoin,
    LeadMerge,
    LeadMerged,
    LeadMoved,
    LeadRequested,
    Message,
    MessageError,
    OwnerChanged,
    Request,
    StageChanged,
    decode_inbox,
    decode_request,
    encode,
    forwarded,
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
JOIN = LeadJoin("\x02ada@example.com", "\x01ada", alias=False, cause=CAUSE)
MOVED = LeadMoved("browser", "\x02ada@example.com", "\x01ada")
MERGE = LeadMerge("browser", bytes(range(256)), CAUSE)
MERGED = LeadMerged("ada", "browser", "\x01ada", 3, 1_000, 81.5, "hot", closed=True, cause=CAUSE)
STAGE = StageChanged("ada", "customer", 1_000, CAUSE)

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


@pytest.mark.parametrize("request_", [REQUEST, MERGED, STAGE], ids=lambda one: type(one).__name__)
def test_requests_round_trip(request_: Request) -> None:
    assert decode_request(encode(request_)) == request_


@pytest.mark.parametrize("message", [OWNER, FEEDBACK, JOIN, MOVED, MERGE], ids=lambda one: type(one).__name__)
def test_messages_for_a_lead_round_trip(message: Message) -> None:
    """A merged row to the byte."""
    assert decode_inbox(encode(message)) == message


@given(records, names, st.integers(1, 9), st.integers(0, 99), st.sampled_from(get_args(Errand)))
def test_a_forwarded_record_comes_back_to_the_byte(
    record: InputRecord, key: str, hops: int, partition: int, errand: Errand
) -> None:
    """With the key of the row that it is for, what it is sent for, and one topic more that it came through."""
    output = forwarded(Arrival(record, None, hops), key, partition, errand)
    assert (output.topic, output.key, output.partition, output.value) == (
        "lead-inbox",
        key.encode(),
        partition,
        record.value,
    )
    assert unwrap(delivered(output)) == Arrival(record, key, hops + 1, errand)


@given(records)
def test_a_record_forwarded_twice_is_still_the_visitors(record: InputRecord) -> None:
    """The envelope is made anew, so that it never grows."""
    once = unwrap(delivered(forwarded(Arrival(record), "browser", 1, "-")))
    assert once is not None
    twice = forwarded(once, "\x01ada", 2, "join")
    assert unwrap(delivered(twice)) == Arrival(record, "\x01ada", 3, "join")
    assert len(twice.headers) == 1 + (record.key is not None) + len(record.headers)


@given(records)
def test_a_visitor_who_names_a_header_as_ours_does_not_confuse_the_envelope(record: InputRecord) -> None:
    claimed = delivered(forwarded(Arrival(record), "browser", 1, "-"))._replace(topic="visitor-events")
    assert unwrap(delivered(forwarded(Arrival(claimed), "k", 2, "-"))) == Arrival(claimed, "k", 2, "-")


@given(records.filter(lambda record: not record.headers or record.headers[0][0] != "heatline-forwarded"))
def test_what_was_not_forwarded_unwraps_to_nothing(record: InputRecord) -> None:
    assert unwrap(record) is None


@pytest.mark.parametrize(
    "origin",
    [
        None,
        b"",
        b"\xff",
        b"2",
        b"1 0 0 0 0 t",
        b"3 1 - 0 0 0 0 t",
        b"2 1 - 0 0 0",
        b"2 x - 0 0 0 0 t",
        b"2 1 - x 0 0 0 t",
        b"2 1 gossip 0 0 0 0 t",
        b"2 1 - 0 0 0 1 t",
    ],
)
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
        encode(JOIN).replace(b'"v":1', b'"v":2'),
        encode(MOVED).replace(b'"v":1', b'"v":2'),
        encode(MERGE).replace(b'"v":1', b'"v":2'),
        encode(MERGE).replace(b'"row":"', b'"row":"?'),
        encode(MERGED),
    ],
)
def test_what_is_no_inbox_message_of_this_version_is_refused(value: bytes) -> None:
    with pytest.raises(MessageError):
        decode_inbox(value)


@given(st.binary())
def test_no_value_makes_decoding_raise_anything_else(value: bytes) -> None:
    with pytest.raises(MessageError):
        decode_inbox(value)
