"""Ids of leads and the keys of their rows: no id is taken for one of another kind, and pointers lead up only."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.identity import (
    above,
    email_key,
    email_of,
    is_email,
    is_person,
    normalised_email,
    person_key,
    person_of,
    public_id,
)
from tests.build import decoded, model, segment
from tests.stories import LAWFUL

EMPTY = model({})
browsers = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=8)
users = browsers.map(lambda user: person_key("u" + user))
addresses = st.from_regex(r"[a-z]{1,5}@[a-z]{1,5}\.com", fullmatch=True).map(email_key)
keys = browsers | users | addresses


def test_a_key_tells_its_kind_and_the_id_that_others_see() -> None:
    found = {
        key: (is_person(key), is_email(key), public_id(key)) for key in ("b", person_key("u"), email_key("a@b.de"))
    }
    assert found == {
        "b": (False, False, "b"),
        "\x01u": (True, False, "u"),
        "\x02a@b.de": (True, True, "email:a@b.de"),
    }


@given(browsers)
def test_a_browser_and_a_person_of_the_same_id_stand_apart_and_live_together(lead: str) -> None:
    assert person_key(lead) != lead
    assert public_id(person_key(lead)) == lead or is_email(person_key(lead))


def test_a_user_id_that_reads_like_an_email_person_is_that_person() -> None:
    """However it is written; what is no address behind the word is a userId like any other."""
    assert person_key("email:Ada@Example.com") == person_key("email:ada@example.com") == email_key("ada@example.com")
    assert person_key("email:nobody") == "\x01email:nobody"
    assert person_key("ada@example.com") == "\x01ada@example.com"


@LAWFUL
@given(keys, keys, keys)
def test_above_is_a_strict_order_of_all_keys(one: str, two: str, three: str) -> None:
    """Nothing is above itself, of two keys one is above the other, and what is above that is above the lower, too."""
    assert not above(one, one)
    assert one == two or above(one, two) != above(two, one)
    assert above(one, three) or not (above(one, two) and above(two, three))


@LAWFUL
@given(st.lists(st.tuples(keys, keys), max_size=30))
def test_pointers_that_lead_up_never_lead_in_a_circle(joined: list[tuple[str, str]]) -> None:
    pointers = {low: high for low, high in joined if above(high, low)}
    for first in pointers:
        key, passed = first, {first}
        while key in pointers:
            key = pointers[key]
            assert key not in passed
            passed.add(key)


def test_browsers_are_below_addresses_below_user_ids_and_the_larger_below_the_smaller() -> None:
    ordered = ["a", "b", email_key("a@b.de"), email_key("b@b.de"), person_key("a"), person_key("b")]
    rising = ["b", "a", "\x02b@b.de", "\x02a@b.de", "\x01b", "\x01a"]
    assert sorted(ordered, key=lambda one: sum(above(one, other) for other in ordered)) == rising


@pytest.mark.parametrize(
    ("text", "normalised"),
    [
        ("Ada@Example.COM", "ada@example.com"),
        (" ada@example.com\n", "ada@example.com"),
        ("ada+news@example.com", "ada+news@example.com"),
        ("a.da@example.com", "a.da@example.com"),
        ("ada@localhost.test", "ada@localhost.test"),
        ("ada@bücher.example", "ada@bücher.example"),
        ("", None),
        ("ada", None),
        ("ada@", None),
        ("@example.com", None),
        ("a da@example.com", None),
        ("ada@example.com, bob@example.com", None),
        ("ada@example.com\x00", None),
        ("\ud800@example.com", None),
        ("a" * 300 + "@example.com", None),
    ],
)
def test_an_address_is_compared_in_lower_case_as_its_provider_got_it(text: str, normalised: str | None) -> None:
    """Tags and dots in front of the @ are the provider's to know."""
    assert normalised_email(text) == normalised


@given(st.text(max_size=300))
def test_what_was_normalised_stays_so_whatever_it_was(text: str) -> None:
    email = normalised_email(text)
    assert email is None or normalised_email(email) == email


@pytest.mark.parametrize(
    ("event", "person"),
    [
        (segment("chat"), None),
        (segment("chat", userId="u"), "\x01u"),
        (segment("chat", traits={"email": "a@b.de"}), None),
        (segment("identify", traits={"email": "A@b.de"}), "\x02a@b.de"),
        (segment("identify", userId="u", traits={"email": "a@b.de"}), "\x01u"),
        (segment("identify", userId="email:A@b.de"), "\x02a@b.de"),
        (segment("identify", traits={"email": "nobody"}), None),
        (segment("identify", traits={"email": ["a@b.de"]}), None),
    ],
)
def test_an_event_names_a_person_by_user_id_and_an_identify_also_by_address(
    event: dict[str, object], person: str | None
) -> None:
    assert person_of(decoded(EMPTY, event)) == person


def test_only_an_identify_states_an_address() -> None:
    stated = {"email": "Ada@example.com"}
    assert email_of(decoded(EMPTY, segment("identify", traits=stated))) == "ada@example.com"
    assert email_of(decoded(EMPTY, segment("chat", traits=stated))) is None
