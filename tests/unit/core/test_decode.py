"""From hostile bytes to an event or to the exact reason why not."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.comparisons import glob
from engine.core.decode import VALUE_BYTES_MAX, EventDecoder
from engine.core.events import Event, Rejected
from engine.core.flow import InputRecord
from engine.core.instants import to_rfc3339
from engine.core.names import Names
from tests.build import DAY, HOUR, MINUTE, SECOND, T0, page, record, segment
from tests.stories import BROAD

DECODER = EventDecoder(Names({"Order Completed": "purchase"}), 96 * HOUR, ("read",), ("plan",))
RIGHT = b'{"type":"track","event":"chat","anonymousId":"ada",%s}'


def decode(value: Any, at_ms: int = T0, **changes: Any) -> Event:
    return DECODER.decode(record(value, at_ms, **changes))


def refused(value: Any, at_ms: int = T0, **changes: Any) -> tuple[str, str | None]:
    """Reason and field of the rejection."""
    with pytest.raises(Rejected) as caught:
        decode(value, at_ms, **changes)
    return caught.value.reason, caught.value.field


def nested(levels: int) -> bytes:
    """An event that is nested so deep in a field that nobody reads."""
    return RIGHT % (b'"deep":' + b"[" * (levels - 1) + b"]" * (levels - 1))


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"",
        b" ",
        b"null",
        b"[]",
        b'"text"',
        b"17",
        b"{",
        b"{}x",
        b'{"type":"track",}',
        b"\xef\xbb\xbf{}",
        b"<html>",
        b"\x00" * 100,
        b"\xff\xfe",
        nested(65),
        nested(10_000),
        b"[" * 100_000,
        b'{"a":' * 40_000,
    ],
    ids=lambda value: repr(value)[:20],
)
def test_what_is_no_json_object_of_at_most_64_levels_is_refused_as_json(value: bytes | None) -> None:
    assert refused(value) == ("json", None)


@pytest.mark.parametrize("place", [b'"unread":%s', b'"properties":{"read":%s}', b'"context":{"page":{"unread":%s}}'])
@pytest.mark.parametrize(
    "value",
    [
        b"NaN",
        b"Infinity",
        b"-Infinity",
        b'"\\ud800"',
        b'"\\udc00"',
        b'"\\ud800\\u0041"',
        b'"\xed\xa0\x80"',
        b'"\xff"',
        b'"\x00"',
        b'"a\nb"',
        b'"\\x41"',
        b"01",
        b"+1",
        b"1.",
        b"tru",
    ],
)
def test_what_is_no_json_is_found_in_fields_that_nobody_reads_too(place: bytes, value: bytes) -> None:
    assert refused(RIGHT % (place % value)) == ("json", None)


def test_64_levels_are_read_and_brackets_in_text_are_no_levels() -> None:
    assert decode(nested(64)).name == "chat"
    assert decode(RIGHT % (b'"text":"' + b"[{" * 1_000 + b'\\"[["')).name == "chat"


def test_a_string_that_never_ends_is_scanned_once() -> None:
    """Scanning it anew from each of its quotes would take a minute."""
    assert refused(b"[" * 70 + b'"' + b'\\"' * 100_000) == ("json", None)


@pytest.mark.parametrize("size", [VALUE_BYTES_MAX + 1, 10 * 1024 * 1024])
def test_a_value_over_256_kib_is_refused_as_size(size: int) -> None:
    assert refused(b" " * size) == ("size", None)


def test_a_value_of_256_kib_is_read() -> None:
    assert decode((RIGHT % b'"z":1').ljust(VALUE_BYTES_MAX)).name == "chat"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"type": None}, "type"),
        ({"type": "pageview"}, "type"),
        ({"type": 5}, "type"),
        ({"event": None}, "event"),
        ({"event": ""}, "event"),
        ({"event": "!!!"}, "event"),
        ({"event": {"a": 1}}, "event"),
        ({"anonymousId": 17}, "anonymousId"),
        ({"anonymousId": "x" * 501}, "anonymousId"),
        ({"anonymousId": "é" * 251}, "anonymousId"),
        ({"userId": True}, "userId"),
        ({"userId": ["u"]}, "userId"),
        ({"messageId": 17}, "messageId"),
        ({"timestamp": 1795392000000}, "timestamp"),
        ({"timestamp": "yesterday"}, "timestamp"),
        ({"timestamp": "2026-11-23"}, "timestamp"),
        ({"timestamp": "2026-02-30T00:00:00Z"}, "timestamp"),
        ({"sentAt": ""}, "sentAt"),
        ({"properties": []}, "properties"),
        ({"properties": "text"}, "properties"),
        ({"traits": 1}, "traits"),
        ({"context": []}, "context"),
        ({"context": {"channel": 1}}, "context.channel"),
        ({"context": {"page": "/"}}, "context.page"),
        ({"context": {"page": {"path": 1}}}, "context.page.path"),
        ({"context": {"campaign": {"source": ["a"]}}}, "context.campaign.source"),
    ],
)
def test_a_field_of_the_wrong_type_is_refused_by_its_name(changes: dict[str, Any], field: str) -> None:
    event = {**segment("chat"), **changes}
    assert refused({key: value for key, value in event.items() if value is not None}) == ("schema", field)


@pytest.mark.parametrize("number", [b"1e999", b"9" * 5_000])
def test_a_number_too_large_to_compute_with_is_refused_where_it_is_read(number: bytes) -> None:
    assert refused(RIGHT % (b'"properties":{"read":%s}' % number)) == ("schema", "properties.read")
    assert decode(RIGHT % (b'"properties":{"unread":%s}' % number)).name == "chat"


def test_fields_that_are_null_are_missing() -> None:
    names = ("userId", "messageId", "timestamp", "sentAt", "context", "properties", "traits")
    assert decode(segment("chat", None) | dict.fromkeys(names)) == decode(segment("chat", None))


def test_of_a_key_given_twice_the_last_counts() -> None:
    assert decode(RIGHT % b'"anonymousId":"bob"').anonymous_id == "bob"


@pytest.mark.parametrize("ids", [{}, {"anonymousId": ""}, {"anonymousId": None, "userId": ""}, {"userId": "\x00\x07"}])
def test_an_event_of_nobody_is_refused_as_identity(ids: dict[str, Any]) -> None:
    assert refused({"type": "page", **ids}) == ("identity", "anonymousId")


def test_ids_are_kept_without_control_characters() -> None:
    """No key of a row may begin with NUL: those are the lane's own."""
    event = decode(segment("chat", lead="\x00ada\u202e", userId="\x1b[31mu"))
    assert (event.anonymous_id, event.user_id) == ("ada", "[31mu")


def at(after: int) -> str:
    return to_rfc3339(T0 + after)


def test_time_is_the_senders_corrected_by_how_long_its_clock_says_the_event_waited() -> None:
    """It is receivedAt − (sentAt − originalTimestamp) where all three exist, else timestamp, else the record's."""
    stamps = {"receivedAt": at(-SECOND), "sentAt": at(HOUR), "originalTimestamp": at(HOUR - MINUTE)}
    assert decode(segment("chat", T0 - DAY, **stamps)).time_ms == T0 - SECOND - MINUTE
    for missing in stamps:
        others = {**segment("chat", T0 - DAY), **stamps, missing: None}
        assert decode(others).time_ms == T0 - DAY
    assert decode(segment("chat", None)).time_ms == T0


@pytest.mark.parametrize(
    ("stamp", "after"),
    [
        ("2026-11-22T23:00:00Z", -HOUR),
        ("2026-11-23T04:30:00.5+05:30", -HOUR + 500),
        ("2026-11-22T23:00:00", -HOUR),
    ],
)
def test_times_carry_an_offset_or_are_utc(stamp: str, after: int) -> None:
    assert decode(segment("chat", None, timestamp=stamp)).time_ms == T0 + after


@pytest.mark.parametrize(("ahead", "after"), [(1, 0), (5 * MINUTE, 0), (-96 * HOUR, -96 * HOUR)])
def test_what_is_up_to_five_minutes_ahead_is_now_and_four_days_are_not_too_late(ahead: int, after: int) -> None:
    assert decode(segment("chat", T0 + ahead)).time_ms == T0 + after


@pytest.mark.parametrize("ahead", [5 * MINUTE + 1, 300 * 365 * DAY, -96 * HOUR - 1, -T0])
def test_what_is_further_ahead_or_later_is_refused_as_time(ahead: int) -> None:
    assert refused(segment("chat", T0 + ahead)) == ("time", "timestamp")


@pytest.mark.parametrize("stamp", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00"])
def test_absurd_times_are_refused_as_time(stamp: str) -> None:
    assert refused(segment("chat", None, timestamp=stamp)) == ("time", "timestamp")
    assert refused(segment("chat", None, receivedAt=stamp, sentAt=at(0), originalTimestamp=at(-MINUTE))) == (
        "time",
        "originalTimestamp",
    )


@pytest.mark.parametrize("recorded_ms", [10**18, -(10**18), 2**63 - 1])
def test_a_record_time_that_no_calendar_holds_is_refused_as_time(recorded_ms: int) -> None:
    assert refused(segment("chat", None), recorded_ms) == ("time", None)


def test_an_import_has_no_lateness_but_must_be_in_the_calendar() -> None:
    imported: dict[str, Any] = {"context": {"channel": "import"}}
    assert decode(segment("chat", 0, **imported)).time_ms == 0
    stamps = {"receivedAt": "0001-01-01T00:00:00Z", "sentAt": at(0), "originalTimestamp": "0001-01-01T00:00:00Z"}
    assert refused(segment("chat", None, **stamps, **imported)) == ("time", None)


@pytest.mark.parametrize(
    ("headers", "channel", "source"),
    [
        ((), None, "web"),
        ((), "server", "server"),
        ((), "nonsense", "web"),
        ((("heatline-source", b"email"),), "server", "email"),
        ((("heatline-source", b"\xff"),), "server", "server"),
        ((("heatline-source", None),), "phone", "phone"),
    ],
)
def test_the_source_is_the_headers_else_the_channel_else_web(headers: Any, channel: str | None, source: str) -> None:
    assert decode(segment("chat", context={"channel": channel}), headers=headers).source == source


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"type": "page"}, "page_view"),
        ({"type": "screen"}, "screen_view"),
        ({"type": "identify"}, "identify"),
        ({"type": "group"}, "group"),
        ({"type": "alias"}, "alias"),
        ({"event": "ORDER completed"}, "purchase"),
        ({"event": "Video Shared"}, "video_shared"),
    ],
)
def test_events_have_canonical_names(changes: dict[str, Any], name: str) -> None:
    assert decode({**segment("chat"), **changes}).name == name


@pytest.mark.parametrize(
    ("where", "path"),
    [
        ({"context": {"page": {"path": "/a", "url": "https://x.org/b"}}}, "/a"),
        ({"context": {"page": {"url": "https://x.org/b/c?d=e#f"}}}, "/b/c"),
        ({"context": {"page": {"url": "https://x.org?next=/b"}}}, "/"),
        ({"properties": {"path": "/b"}}, "/b"),
        ({"properties": {"url": "https://x.org/b"}}, "/b"),
        ({"context": {"page": {"path": "/" + "p" * 600}}}, "/" + "p" * 499),
        ({"context": {"page": {"path": "/\x1b[2J\u202ea"}}}, "/[2Ja"),
        ({}, None),
    ],
)
def test_the_path_is_the_contexts_else_the_properties_else_the_urls(where: dict[str, Any], path: str | None) -> None:
    assert decode({"type": "page", "anonymousId": "ada", **where}).page.path == path


PRODUCTS = (("loans", glob("/products/loans*").test), ("insurance", glob("*insurance*").test))
PRODUCT_DECODER = EventDecoder(Names({}), 96 * HOUR, (), (), (), PRODUCTS)


@pytest.mark.parametrize(
    ("properties", "path", "product"),
    [
        ({"product": "cars", "product_id": 7, "category": "c"}, "/products/loans", "cars"),
        ({"product": " ", "product_id": 7}, None, "7"),
        ({"product_id": 7.0}, None, "7"),
        ({"product_id": 7.5}, None, "7.5"),
        ({"product_id": True, "category": ["a"]}, None, None),
        ({"category": "x\x1b" + "y" * 600}, None, "x" + "y" * 498),
        ({"product": {"name": "cars"}}, "/products/loans/car", "loans"),
        ({}, "/Products/LOANS", "loans"),
        ({}, "/products/loans-insurance", "loans"),
        ({}, "/insurance", "insurance"),
        ({}, "/", None),
        ({}, None, None),
    ],
)
def test_the_product_is_what_properties_name_else_whose_pattern_the_path_fits(
    properties: dict[str, Any], path: str | None, product: str | None
) -> None:
    event = {**segment("chat", properties=properties), "context": {"page": {"path": path}}}
    assert PRODUCT_DECODER.decode(record(event)).product == product


def test_of_the_context_only_what_is_read_is_decoded() -> None:
    """So what nobody reads may hold anything."""
    context = {"locale": [], "location": "nowhere", "channel": "server"}
    assert decode(segment("chat", context=context)).source == "server"
    for reads, field in (("language", "locale"), ("city", "location")):
        decoder = EventDecoder(Names({}), 96 * HOUR, (), (), (reads,))
        with pytest.raises(Rejected) as caught:
            decoder.decode(record(segment("chat", context=context)))
        assert (caught.value.reason, caught.value.field) == ("schema", f"context.{field}")


def test_rudderstacks_wrapper_is_taken_off() -> None:
    """Its own userId counts where the message has no id."""
    message = segment("chat", None)
    assert decode({"message": message, "userId": "u", "topic": "t"}) == decode(message)
    nobody = {key: value for key, value in message.items() if key != "anonymousId"}
    assert decode({"message": nobody, "userId": "u", "topic": "t"}).user_id == "u"


def test_cloud_events_are_taken_off_structured_and_binary() -> None:
    event = page("/a", messageId="m")
    envelope = {"specversion": "1.0", "id": "1", "source": "s", "type": "com.segment.page"}
    headers = (("ce_specversion", b"1.0"), ("ce_type", b"com.segment.page"))
    assert decode({**envelope, "data": event}) == decode(event, headers=headers) == decode(event)
    assert decode({**envelope, "data": {"message": event}}) == decode(event)


@pytest.mark.parametrize(
    ("value", "field"),
    [
        ({"specversion": "1.0", "type": "t"}, "data"),
        ({"specversion": "1.0", "type": "t", "data": "text"}, "data"),
        ({"message": "text", "userId": "u"}, "message"),
        ({"message": None, "userId": "u"}, "message"),
        ({"message": {"type": "page", "userId": 5}}, "userId"),
    ],
)
def test_a_wrapper_without_an_event_is_refused_by_the_field_that_should_hold_one(value: Any, field: str) -> None:
    assert refused(value) == ("schema", field)


json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
keys = st.sampled_from(
    "type event messageId anonymousId userId timestamp originalTimestamp sentAt receivedAt context properties traits "
    "specversion data message page channel path url".split()
)
likely = st.sampled_from(["track", "page", "identify", "chat", at(0), at(-DAY), {}, {"page": {"url": "//"}}])
bodies = st.dictionaries(keys, json_values | likely | st.dictionaries(keys, json_values | likely, max_size=5))
right = st.just(segment("chat"))
hostile = st.one_of(
    st.binary(max_size=60),
    json_values.map(lambda value: json.dumps(value).encode()),
    st.builds(lambda event, body: json.dumps({**event, **body}).encode(), right | st.just({}), bodies),
    st.builds(lambda body, cut, junk: json.dumps(body).encode()[:cut] + junk, bodies, st.integers(0, 80), st.binary()),
)


@BROAD
@given(
    hostile, st.integers(-(2**63), 2**63 - 1) | st.just(T0), st.sampled_from([(), (("heatline-source", b"import"),)])
)
def test_nothing_but_rejected_is_ever_raised(value: bytes, recorded_ms: int, headers: Any) -> None:
    """And what is accepted has a name, an id, and a time that is not after its record's."""
    try:
        event = DECODER.decode(InputRecord("visitor-events", 0, 0, recorded_ms, None, value, headers))
    except Rejected:
        return
    assert event.name
    assert event.anonymous_id or event.user_id
    assert event.time_ms <= recorded_ms
    json.loads(value)


@BROAD
@given(hostile)
def test_what_python_calls_no_json_object_is_refused_as_json(value: bytes) -> None:
    """By json.loads, with NaN and infinities refused, for values that are nested no deeper than it can go."""

    def no_constant(name: str) -> None:
        raise ValueError(name)

    try:
        parsed = json.loads(value.decode(), parse_constant=no_constant)
    except ValueError:
        parsed = None
    if not isinstance(parsed, dict):
        assert refused(value) == ("json", None)
