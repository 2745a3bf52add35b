"""Device, language and place of an event."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.context import DEVICES, PLACES, context_of, device, language_of, place, placed, places
from engine.core.decode import EventDecoder
from engine.core.events import Event
from engine.core.names import Names
from tests.build import HOUR, record, segment
from tests.stories import LAWFUL

DECODER = EventDecoder(Names({}), 96 * HOUR, (), (), ("device", *PLACES))
CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0"


def event(**context: Any) -> Event:
    return DECODER.decode(record(segment("chat", context=context)))


@pytest.mark.parametrize(
    ("agent", "kind"),
    [
        (f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {CHROME} Safari/537.36", "desktop"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Version/18.1 Safari/605.1.15", "desktop"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0", "desktop"),
        (f"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {CHROME} Safari/537.36", "desktop"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) Version/18.1 Mobile/15E148 Safari/604.1", "mobile"),
        (f"Mozilla/5.0 (Linux; Android 14; Pixel 8) {CHROME} Mobile Safari/537.36", "mobile"),
        ("Mozilla/5.0 (Android 14; Mobile; rv:132.0) Gecko/132.0 Firefox/132.0", "mobile"),
        ("Opera/9.80 (J2ME/MIDP; Opera Mini/9.80) Presto/2.5", "mobile"),
        (f"Mozilla/5.0 (Linux; Android 13; SM-X700) {CHROME} Safari/537.36", "tablet"),
        ("Mozilla/5.0 (iPad; CPU OS 16_0 like Mac OS X) Version/16.0 Mobile/15E148 Safari/604.1", "tablet"),
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "other"),
        ("Mozilla/5.0 (SMART-TV; Linux; Tizen 6.5) SamsungBrowser/5.0 TV Safari/537.36", "other"),
        ("curl/8.9.1", "other"),
        ("", None),
        (None, None),
    ],
)
def test_a_device_is_desktop_mobile_tablet_or_other(agent: str | None, kind: str | None) -> None:
    assert device(event(userAgent=agent)) == kind


@pytest.mark.parametrize(
    ("said", "language"),
    [("en-US", "en"), ("de_AT", "de"), ("FR", "fr"), ("fil-PH", None), ("English", None), ("", None), (5, None)],
)
def test_a_language_is_two_letters(said: Any, language: str | None) -> None:
    assert language_of(said) == language


def test_a_location_is_read_by_segments_names() -> None:
    location = {"country": "United States", "region": "Iowa", "county": "Linn", "city": "Cedar Rapids"}
    located = event(locale="en-US", location={**location, "postalCode": "52402-1234", "latitude": 41.97})
    assert places(located, PLACES) == {
        "country": "US",
        "state": "IA",
        "county": "Linn",
        "city": "Cedar Rapids",
        "zip": "52402",
        "language": "en",
    }
    assert places(located, ("city",)) == {"city": "Cedar Rapids"}
    assert places(event(), PLACES) == places(event(location={"city": 5}), PLACES) == {}


@pytest.mark.parametrize(
    ("location", "written"),
    [
        ({"country": "US", "postalCode": "52402 1234"}, "52402"),
        ({"country": "Guam", "zip": 969131234}, "96913"),
        ({"country": "SA", "postal_code": "12345-6789"}, "12345-6789"),
        ({"postalCode": "52402-1234"}, "52402"),
        ({"postalCode": "524021234"}, "524021234"),
    ],
)
def test_a_locations_zip_is_cut_to_five_digits_where_its_country_has_them(
    location: dict[str, Any], written: str
) -> None:
    """Also where the country is not asked for itself."""
    only_zips = EventDecoder(Names({}), 96 * HOUR, (), (), ("zip",))
    located = only_zips.decode(record(segment("chat", context={"location": location})))
    assert places(located, ("zip",)) == {"zip": written}


@LAWFUL
@given(st.text(max_size=600), st.sampled_from(PLACES[:-1]))
def test_whatever_is_written_there_is_a_device_and_a_place_or_none(text: str, name: str) -> None:
    """Of at most 500 characters, all of them printable."""
    assert device(event(userAgent=text)) in {*DEVICES, None}
    said = placed(name, text)
    assert said is None or (0 < len(said) <= 500 and "\x00" not in said)


def test_a_user_agent_takes_no_longer_than_its_first_500_characters() -> None:
    assert device(event(userAgent="android" * 30_000)) == "tablet"


AT_HOME = {"81.2.69.142": "GB", "2.125.160.216": "gb"}
LOCATED = EventDecoder(Names({}), 96 * HOUR, (), (), ("country",), located=True)


@pytest.mark.parametrize(
    ("context", "country"),
    [
        ({"ip": "81.2.69.142"}, "GB"),
        ({"ip": "2.125.160.216"}, "GB"),
        ({"ip": "81.2.69.142", "location": {"country": "Germany"}}, "DE"),
        ({"ip": "81.2.69.142", "location": {"city": "Cedar Rapids"}}, "GB"),
        ({"ip": "81.2.69.142", "location": {"country": ""}}, "GB"),
        ({"ip": "81.2.69.142", "location": {"country": 5}}, "GB"),
        ({"ip": "10.0.0.1"}, None),
        ({"ip": ""}, None),
        ({"ip": 5}, None),
        ({"ip": ["81.2.69.142"]}, None),
        ({"ip": None}, None),
        ({}, None),
    ],
)
def test_an_event_that_says_no_country_has_that_of_its_address(context: dict[str, Any], country: str | None) -> None:
    """Whatever stands where the address should: an event is not rejected for it."""
    located = LOCATED.decode(record(segment("chat", context=context)))
    assert place(located, "country", AT_HOME.get) == country
    assert places(located, ("country", "city"), AT_HOME.get).get("country") == country


def test_an_address_tells_no_other_place() -> None:
    located = LOCATED.decode(record(segment("chat", context={"ip": "81.2.69.142"})))
    assert [place(located, name, AT_HOME.get) for name in PLACES[1:-1]] == [None] * 4


@pytest.mark.parametrize(
    ("reads", "located", "decoded"),
    [
        (("country",), True, True),
        (("zip",), True, True),
        (("city", "language", "device"), True, False),
        (("country",), False, False),
    ],
)
def test_an_address_is_decoded_only_where_a_country_is_read_and_addresses_are_looked_up(
    reads: tuple[str, ...], located: bool, decoded: bool
) -> None:
    """A zip reads the country, too: it decides how the zip is written."""
    assert ("ip" in context_of(reads, located=located).__struct_fields__) is decoded
