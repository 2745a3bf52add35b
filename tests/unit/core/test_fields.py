"""What conditions read of events and of leads."""

from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.decode import EventDecoder
from engine.core.events import Event
from engine.core.fields import LEAD_FIELDS, event_fields, lead_fields, properties_read
from engine.core.instants import FIRST_MS, LAST_MS
from engine.core.messages import LeadRequested
from engine.core.names import Names
from tests.build import DAY, HOUR, record, segment
from tests.stories import LAWFUL

READS = ("device", "language", "country", "state", "county", "city", "zip")
DECODER = EventDecoder(Names({}), 96 * HOUR, ("plan", "revenue", "total", "value"), ("plan",), READS)
PATHS = {"revenue": ("properties.revenue", "properties.total", "properties.order.value")}
EVENTS = event_fields()


def event(**changes: Any) -> Event:
    return DECODER.decode(record(segment("chat", **changes)))


def of_event(name: str, fields: Any = EVENTS, **changes: Any) -> Any:
    getter = fields(name)
    assert callable(getter), getter
    return getter(event(**changes))


def lead(**changes: Any) -> Any:
    touch = SimpleNamespace(at="t", channel="paid", source="google", medium="cpc", campaign="c")
    standing = {
        "engagement": 1.0, "fit": 2.0, "total": 3.0, "band": "cold", "grade": "C", "stage": "lead", "known": True,
        "owner": None, "persona": None, "fast_track": False, "traits": {}, "counts": {}, "points": {}, "revenue": 0.0,
        "sessions": 1, "first_touch": touch, "last_touch": touch, "product": None, "place": {}, "event": None,
    }  # fmt: skip
    return SimpleNamespace(**standing | changes)


def of_lead(name: str, **changes: Any) -> Any:
    getter = lead_fields(EVENTS, ["pricing"], Names({}).canonical)(name)
    assert callable(getter), getter
    return getter(lead(**changes))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("event", "chat"),
        ("signal", None),
        ("source", "web"),
        ("page.path", "/a"),
        ("page.url", "https://www.Example.org/a?b=c"),
        ("page.host", "www.example.org"),
        ("page.title", "T" * 300),
        ("page.referrer", "r" * 420),
        ("page.search", "?b=c"),
        ("campaign.source", "google"),
        ("campaign.term", None),
        ("properties.plan", "gold"),
        ("traits.plan", "[31mred"),
        ("product", "loans"),
        ("channel", None),
        ("language", "de"),
        ("device", "mobile"),
        ("country", "DE"),
        ("hour", 0),
        ("weekday", "mon"),
    ],
)
def test_fields_of_an_event(name: str, value: Any) -> None:
    """Text is cut to its cap and clean."""
    page = {"path": "/a", "url": "https://www.Example.org/a?b=c", "title": "T" * 400, "referrer": "r" * 500}
    context = {
        "page": {**page, "search": "?b=c"},
        "campaign": {"source": "google"},
        "userAgent": "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Mobile/15E148",
        "locale": "de-AT",
        "location": {"country": "Germany"},
    }
    changes = {"properties": {"plan": "gold", "product": "loans"}, "traits": {"plan": "\x1b[31mred"}}
    assert of_event(name, context=context, **changes) == value


def test_of_a_signal_the_event_is_missing() -> None:
    signal = event()
    signal.name, signal.signal = "dwell", True
    assert [EVENTS.known[name](signal) for name in ("event", "signal")] == [None, "dwell"]


@pytest.mark.parametrize("missing", [{}, {"properties": {}}, {"properties": {"plan": None}}, {"context": {}}])
def test_what_is_not_there_is_missing(missing: dict[str, Any]) -> None:
    for name in (
        "properties.plan",
        "properties.plan.name",
        "traits.plan",
        "country",
        "device",
        "language",
        "page.host",
    ):
        assert of_event(name, **missing) is None


@pytest.mark.parametrize(
    ("properties", "value"),
    [
        ({"revenue": 1, "total": 2}, 1),
        ({"revenue": None, "total": 2}, 2),
        ({"total": 0}, 0),
        ({"order": {"value": 3}}, 3),
        ({"value": 4}, None),
    ],
)
def test_of_a_canonical_property_the_first_path_that_is_there_counts(properties: dict[str, Any], value: Any) -> None:
    fields = event_fields(None, PATHS)
    decoder = EventDecoder(Names({}), HOUR, properties_read(["properties.revenue"], PATHS), ())
    found = decoder.decode(record(segment("chat", properties=properties)))
    getter = fields("properties.revenue")
    assert callable(getter)
    assert getter(found) == value


@pytest.mark.parametrize(
    ("zone", "hour", "weekday"),
    [(None, 0, "mon"), ("America/New_York", 19, "sun"), ("Asia/Kolkata", 5, "mon"), ("Pacific/Auckland", 13, "mon")],
)
def test_hour_and_weekday_stand_on_a_clock_in_the_time_zone(zone: str | None, hour: int, weekday: str) -> None:
    """T0 is a Monday, 00:00 UTC, in November: −5, +5:30 and, in summer time, +13."""
    fields = event_fields(None if zone is None else ZoneInfo(zone))
    assert (of_event("hour", fields), of_event("weekday", fields)) == (hour, weekday)


@LAWFUL
@given(st.integers(FIRST_MS, LAST_MS), st.sampled_from([None, "America/New_York", "Pacific/Kiritimati"]))
def test_every_instant_has_an_hour_and_a_weekday(time_ms: int, zone: str | None) -> None:
    """And a day later the weekday is the next one (in UTC)."""
    fields = event_fields(None if zone is None else ZoneInfo(zone))
    at = SimpleNamespace(time_ms=time_ms)
    assert 0 <= fields.known["hour"](at) < 24
    names = "mon tue wed thu fri sat sun".split()
    today, tomorrow = (names.index(EVENTS.known["weekday"](SimpleNamespace(time_ms=time_ms + day))) for day in (0, DAY))
    assert tomorrow == (today + 1) % 7


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("engagement", 1.0),
        ("score", 3.0),
        ("total", 3.0),
        ("stage", "lead"),
        ("known", True),
        ("source", "google"),
        ("last_touch.channel", "paid"),
        ("first_touch.campaign", "c"),
        ("sessions", 1),
        ("counts.chat", 0),
        ("points.pricing", 0.0),
        ("traits.name", None),
        ("country", None),
        ("event", None),
        ("properties.plan", None),
        ("page.path", None),
        ("hour", None),
    ],
)
def test_fields_of_a_lead_on_a_wake_up(name: str, value: Any) -> None:
    """Counts and points of nothing are 0, which is a number like any other; what only events have is missing."""
    assert of_lead(name) == value


def test_a_lead_has_what_only_events_have_of_the_event_that_came() -> None:
    came = event(properties={"plan": "gold"}, context={"page": {"path": "/a"}})
    names = ("event", "properties.plan", "page.path", "weekday", "signal")
    assert [of_lead(name, event=came) for name in names] == ["chat", "gold", "/a", "mon", None]


@pytest.mark.parametrize(
    ("field", "traits", "place", "value"),
    [
        ("country", {"country": "Germany"}, {"country": "US"}, "DE"),
        ("country", {"address": {"country": "usa"}}, {}, "US"),
        ("country", {}, {"country": "FR"}, "FR"),
        ("country", {"country": "Atlantis"}, {}, "Atlantis"),
        ("country", {"phone": "+49 30 123456"}, {}, "DE"),
        ("country", {"country": 5}, {}, None),
        ("state", {"state": "Iowa"}, {}, "IA"),
        ("state", {"address": {"state": "Bavaria"}}, {}, "Bavaria"),
        ("city", {"city": " Philadelphia "}, {"city": "x"}, "Philadelphia"),
        ("zip", {"zip": "52402-1234"}, {}, "52402"),
        ("zip", {"zip": "52402 1234", "country": "USA"}, {}, "52402"),
        ("zip", {"zip": "524021234", "address": {"country": "Puerto Rico"}}, {}, "52402"),
        ("zip", {"zip": 524021234}, {"country": "US"}, "52402"),
        ("zip", {"zip": "524021234"}, {}, "524021234"),
        ("zip", {"zip": "12345-6789", "country": "Saudi Arabia"}, {}, "12345-6789"),
        ("zip", {"zip": "12345-6789", "country": "Atlantis"}, {}, "12345"),
        ("zip", {"country": "US"}, {"zip": "524021234"}, "52402"),
        ("zip", {"address": {"postalCode": "sw1a 1aa"}}, {}, "SW1A1AA"),
        ("zip", {"zip": 52402}, {}, "52402"),
        ("zip", {"zip": True}, {"zip": "1"}, "1"),
        ("county", {}, {"county": "Linn"}, "Linn"),
        ("language", {"language": "en-US"}, {"language": "de"}, "en"),
        ("language", {"language": "English"}, {"language": "de"}, "de"),
    ],
)
def test_a_place_is_the_traits_else_the_addresses_else_the_last_events(
    field: str, traits: dict[str, Any], place: dict[str, str], value: Any
) -> None:
    """Countries and US states are codes; a ZIP+4 is cut to five digits in the US.

    Where no country is known, only nine digits with a hyphen are a ZIP+4.
    """
    assert of_lead(field, traits=traits, place=place) == value


def test_derived_traits_are_traits() -> None:
    traits = {"email": "ada@gmail.com", "phone": "1"}
    assert of_lead("traits.email_valid", traits=traits) is True
    assert of_lead("traits.email_free", traits=traits) is True
    assert of_lead("traits.email_valid") is None


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("points.pricng", "`points.pricng` is not known; did you mean `points.pricing`?"),
        ("counts.Form Sent", "`Form Sent` is counted under its canonical name: `counts.form_sent`"),
        ("emgagement", "`emgagement` is not known; did you mean `engagement`?"),
        ("propertes.plan", "`propertes.plan` is not known; did you mean `properties.*`?"),
    ],
)
def test_an_unknown_field_is_told_with_the_nearest(name: str, message: str) -> None:
    assert lead_fields(EVENTS, ["pricing"], Names({}).canonical)(name) == message


def test_routing_reads_every_field_of_leads_off_a_request() -> None:
    """It has attributes of the same names as a `Standing`."""
    asked = {name.partition(".")[0] for name in LEAD_FIELDS.known}
    derived = {"score": "total", "source": "last_touch", "language": "place", "state": "place", "county": "place"}
    derived |= {"country": "place", "city": "place", "zip": "place"}
    needed = {derived.get(name, name) for name in asked} | {"traits", "counts"}
    assert needed <= set(LeadRequested.__struct_fields__)
