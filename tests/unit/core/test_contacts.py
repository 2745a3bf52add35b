"""Derived traits: what an e-mail, a phone and a country say."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from iso3166 import countries

from engine.core.contacts import DERIVED, country_code, derived, us_state_code


@pytest.mark.parametrize(
    ("email", "expected"),
    [
        ("ada@example.com", True),
        ("  Ada.Lovelace+news@Mail.Example.ORG ", True),
        ("ada@bücher.example", True),
        ("jürgen@example.com", True),
        ("o'neil@example.co.uk", True),
        ("ada@example", False),
        ("ada@localhost", False),
        ("ada@site.test", False),
        ("ada@printer.local", False),
        ("ada@[10.0.0.1]", False),
        ("ada@@example.com", False),
        ("ada.@example.com", False),
        ("ada@-example.com", False),
        ("Ada <ada@example.com>", False),
        ("ada@example.com, bob@example.com", False),
        ("ada@example.com\nBcc: bob@example.com", False),
        ("a" * 65 + "@example.com", False),
        ("", False),
        ("ada\u202e@example.com", False),
        ("ada@exa\ud800mple.com", False),
        (5, False),
        (["ada@example.com"], False),
        (None, None),
    ],
)
def test_a_valid_email_is_one_that_can_be_written_to(email: object, expected: bool | None) -> None:
    assert derived("email_valid", {"email": email}) is expected


@pytest.mark.parametrize(
    ("email", "free", "disposable"),
    [
        ("ada@gmail.com", True, False),
        ("ada@GoogleMail.com", True, False),
        ("ada@hotmail.fr", True, False),
        ("ada@yahoo.co.uk", True, False),
        ("ada@web.de", True, False),
        ("ada@icloud.com", True, False),
        ("ada@example.com", False, False),
        ("ada@mail.gmail.com", False, False),
        ("ada@notgmail.com", False, False),
        ("ada@mailinator.com", True, True),
        ("ada@box7.mailinator.com", False, True),
        ("ada@mailinator.com.example.com", False, False),
        ("ada@ada@gmail.com", False, False),
        ("gmail.com", False, False),
        ("", False, False),
        (None, None, None),
    ],
)
def test_providers_are_known_by_their_domain(email: object, free: bool | None, disposable: bool | None) -> None:
    """Everything below a disposable domain is disposable; a free provider's is exactly its own."""
    assert derived("email_free", {"email": email}) is free
    assert derived("email_disposable", {"email": email}) is disposable


@pytest.mark.parametrize(
    ("traits", "expected"),
    [
        ({"phone": "+1 215-555-0123", "country": "DE"}, True),
        ({"phone": "+49 30 901820"}, True),
        ({"phone": "0049 30 901820"}, True),
        ({"phone": "(215) 686-1776", "country": "US"}, True),
        ({"phone": "215.686.1776", "address": {"country": "United States"}}, True),
        ({"phone": "030 901820", "country": "Germany"}, True),
        ({"phone": "030 901820", "country": "US"}, False),
        ({"phone": "+1 215"}, False),
        ({"phone": "+999 123456"}, False),
        ({"phone": "+49 30 901820" + " " * 50 + "1"}, False),
        ({"phone": "call me", "country": "US"}, False),
        ({"phone": "", "country": "US"}, False),
        ({"phone": {"home": "+49 30 901820"}, "country": "DE"}, False),
        ({"phone": "(215) 686-1776"}, None),
        ({"phone": "(215) 686-1776", "country": "Atlantis"}, None),
        ({"phone": None}, None),
        ({}, None),
    ],
)
def test_a_valid_phone_has_a_number_of_its_country(traits: dict[str, Any], expected: bool | None) -> None:
    assert derived("phone_valid", traits) is expected


@pytest.mark.parametrize(
    ("traits", "expected"),
    [
        ({"country": "us"}, "US"),
        ({"country": "Deutschland", "address": {"country": "FR"}, "phone": "+44 20 7946 0000"}, "DE"),
        ({"country": "Atlantis", "address": {"country": "France"}}, "FR"),
        ({"country": ["DE"], "address": "France", "phone": "+44 20 7946 0958"}, "GB"),
        ({"phone": "+1 416 392 2489"}, "CA"),
        ({"phone": "0049 30 901820"}, "DE"),
        ({"phone": "+49 99999"}, "DE"),
        ({"phone": "+1 555"}, None),
        ({"phone": "+800 1234 5678"}, None),
        ({"phone": "030 901820"}, None),
        ({"address": {"country": None}}, None),
        ({}, None),
    ],
)
def test_the_country_is_what_is_said_else_where_the_phone_is(traits: dict[str, Any], expected: str | None) -> None:
    """+1 alone may be one of many countries; +49 is Germany whatever follows."""
    assert derived("country", traits) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("US", "US"),
        ("u.s.a.", "US"),
        (" The United States of America ", "US"),
        ("UK", "GB"),
        ("great britain", "GB"),
        ("Côte d’Ivoire", "CI"),
        ("cote d'ivoire", "CI"),
        ("Trinidad & Tobago", "TT"),
        ("South Korea", "KR"),
        ("Korea, Democratic People's Republic of", "KP"),
        ("Österreich", "AT"),
        ("Turkey", "TR"),
        ("Türkiye", "TR"),
        ("Россия", "RU"),
        ("中国", "CN"),
        ("DEU", "DE"),
        ("ＤＥ", "DE"),
        ("Georgia", "GE"),
        ("Mexico", "MX"),
        ("XX", None),
        ("EU", None),
        ("Germanyy", None),
        ("", None),
        ("...", None),
        ("Germany" + " " * 1_000_000, "DE"),
    ],
)
def test_countries_have_codes(text: str, expected: str | None) -> None:
    assert country_code(text) == expected


def test_every_country_is_known_by_name_and_codes_in_any_case() -> None:
    for country in countries:
        for text in (country.alpha2, country.alpha3, country.name, country.name.upper(), country.alpha2.lower()):
            assert country_code(text) == country.alpha2


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("MA", "MA"),
        ("massachusetts", "MA"),
        ("US-MA", "MA"),
        (" New  Hampshire", "NH"),
        ("D.C.", "DC"),
        ("Washington, D.C.", "DC"),
        ("Washington", "WA"),
        ("West Virginia", "WV"),
        ("Puerto Rico", "PR"),
        ("Ontario", None),
        ("Mass", None),
        ("ZZ", None),
        ("", None),
    ],
)
def test_us_states_have_codes(text: str, expected: str | None) -> None:
    assert us_state_code(text) == expected


HOSTILE = (
    st.none()
    | st.text(max_size=40)
    | st.integers()
    | st.floats()
    | st.lists(st.text(max_size=3), max_size=2)
    | st.dictionaries(st.sampled_from(["country", "x"]), st.text(max_size=5) | st.integers(), max_size=2)
    | st.lists(
        st.sampled_from(["a", "@", ".", "xn--", "+", "00", "49", "\ud800", "\0", "\u202e", "ü"]), max_size=9
    ).map("".join)
)


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(("email", "phone", "country", "address"), HOSTILE)))
def test_whatever_the_traits_hold_nothing_raises(traits: dict[str, Any]) -> None:
    for name in DERIVED:
        value = derived(name, traits)
        assert value is None or isinstance(value, str if name == "country" else bool)


@pytest.mark.parametrize("text", ["a" * 1_000_000, "@." * 500_000, "+1" * 500_000, "\u0300" * 1_000_000])
def test_long_text_takes_linear_time(text: str) -> None:
    traits = {"email": text, "phone": text, "country": text, "address": {"country": text}}
    assert [derived(name, traits) for name in DERIVED[:3]] == [False, False, False]
    assert derived("country", traits) is None
    assert derived("phone_valid", traits) is (False if text.startswith("+") else None)
    assert us_state_code(text) is None
