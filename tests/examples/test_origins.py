"""Where a visit came from, and what it is about: channels, touches, products of interest."""

from typing import Any

import pytest

from tests.build import DAY, HOUR, MINUTE
from tests.examples.harness import Line, at, scoring, simulate, visits

HERE = "https://shop.example.com/"


def channel(*, medium: str | None = None, source: str | None = None, **page: str) -> str:
    campaign = {key: value for key, value in (("medium", medium), ("source", source)) if value is not None}
    context = {"campaign": campaign} if campaign else {}
    touch = simulate(scoring(), visits("/", 0, context=context, **{"url": HERE, **page})).score()["first_touch"]
    told: str = touch["channel"]
    return told


@pytest.mark.parametrize(
    ("medium", "expected"),
    [("cpc", "paid"), ("email", "email"), ("social", "social"), ("affiliate", "affiliate"), ("referral", "referral")],
)
def test_the_campaign_says_the_channel_first(medium: str, expected: str) -> None:
    """Before a click id and a referrer."""
    assert channel(medium=medium, url=HERE + "?gclid=1", referrer="https://t.co/x") == expected


@pytest.mark.parametrize("click_id", ["gclid", "fbclid", "msclkid"])
def test_a_click_id_is_paid(click_id: str) -> None:
    assert channel(url=f"{HERE}?a=b&{click_id}=x", referrer="https://www.google.com/") == "paid"


@pytest.mark.parametrize(
    ("referrer", "expected"),
    [
        ("https://www.google.de/search?q=x", "organic"),
        ("https://duckduckgo.com/", "organic"),
        ("https://www.linkedin.com/feed", "social"),
        ("https://blog.example.org/post", "referral"),
        ("https://www.shop.example.com/before", "direct"),
        ("", "direct"),
    ],
)
def test_else_the_referrers_domain_says_it_and_else_it_is_direct(referrer: str, expected: str) -> None:
    assert channel(referrer=referrer) == expected
    assert channel() == "direct"


def test_a_touch_is_the_start_of_a_session() -> None:
    """A campaign in the middle of a visit begins none; first and last touch are kept."""
    ads, mail = ({"campaign": {"medium": medium, "source": "x"}} for medium in ("cpc", "email"))
    events = [visits("/", 0, context=ads), visits("/b", MINUTE, context=mail), visits("/", HOUR), visits("/", 2 * HOUR)]
    score = simulate(scoring(), *events).score()
    assert (score["first_touch"]["channel"], score["last_touch"]["channel"]) == ("paid", "direct")
    assert (score["first_touch"]["at"], score["last_touch"]["at"]) == (
        "2026-11-23T00:00:00.000Z",
        "2026-11-23T01:00:00.000Z",
    )
    assert score["sessions"] == 3


def test_conditions_read_the_touches_of_a_lead() -> None:
    """`source` of a lead is that of its last touch."""
    ads = {"campaign": {"medium": "cpc", "source": "google", "name": "spring"}}
    when = {"first_touch.channel": "paid", "first_touch.campaign": "spring", "source": {"exists": False}}
    spec = scoring(alerts={"told": {"when": {"event": "chat"}, "if": when, "cooldown": "1s"}})
    assert simulate(spec, visits("/", 0, context=ads), at(MINUTE)).alerts() == []
    assert simulate(spec, visits("/", 0, context=ads), visits("/", DAY), at(DAY)).alerts() == [("told", DAY)]


PRODUCTS = {"insurance": "/products/insurance*", "loans": ["/products/loans*", "/credit*"]}


def product(*events: Line, **sections: Any) -> str | None:
    told: str | None = simulate(scoring(**{"products": PRODUCTS, **sections}), *events).score()["product"]
    return told


def test_the_product_of_interest_is_that_of_the_paths_seen_most() -> None:
    loans, insurance = visits("/products/loans/car", 0), visits("/products/insurance", 1)
    assert product(loans) == "loans"
    assert product(loans, insurance, visits("/credit", 2)) == "loans"
    assert product(loans, insurance, visits("/products/insurance/home", 2)) == "insurance"
    assert product(visits("/", 0)) is None


def test_of_two_seen_as_often_the_longer_read_one_is_foremost() -> None:
    """Ten minutes on loans, one on insurance, whichever comes first."""
    loans_first = [
        visits("/products/loans", 0),
        visits("/products/insurance", 10 * MINUTE),
        at(11 * MINUTE, "page_leave"),
    ]
    loans_last = [visits("/products/insurance", 0), visits("/products/loans", MINUTE), at(11 * MINUTE, "page_leave")]
    assert (product(*loans_first), product(*loans_last)) == ("loans", "loans")


@pytest.mark.parametrize("key", ["product", "product_id", "category"])
def test_a_property_names_the_product_before_the_path(key: str) -> None:
    assert product(visits("/products/loans", 0, properties={key: "Cars"})) == "Cars"


def test_an_events_product_is_a_field_of_rules() -> None:
    rule = {"when": {"event": "*", "product": "loans"}, "points": 3}
    told = simulate(
        scoring(rule, products=PRODUCTS), visits("/credit", 0), at(0, properties={"product": "Loans"}), at(0)
    )
    assert told.total() == 2 * 3
