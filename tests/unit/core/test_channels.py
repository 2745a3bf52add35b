"""The channel of a visit follows the campaign, else the click id, else the referrer."""

import socket
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.channels import (
    CHANNELS,
    SEARCH_ENGINES,
    SOCIAL_NETWORKS,
    Lists,
    channel_of,
    host_of,
    registered_domain,
)


def channel(
    medium: str | None = None,
    source: str | None = None,
    url: str | None = "https://shop.example.co.uk/p",
    search: str | None = None,
    referrer: str | None = None,
    host: str | None = None,
    lists: Lists | None = None,
) -> str:
    """The channel of a visit, of shop.example.co.uk where nothing else is said."""
    return channel_of(medium, source, url, search, referrer, host, lists or Lists())


@pytest.mark.parametrize(
    ("medium", "source", "expected"),
    [
        ("cpc", "google", "paid"),
        ("CPC", None, "paid"),
        ("ppc", "bing", "paid"),
        ("paid_social", "facebook", "paid"),
        ("social-cpc", "facebook", "paid"),
        ("retargeting", "x", "paid"),
        ("cpm", "google", "display"),
        ("Display", None, "display"),
        ("banner", "partner", "display"),
        ("email", "hubspot", "email"),
        (" E-Mail ", None, "email"),
        ("e_mail", None, "email"),
        ("newsletter", "june", "email"),
        ("social", "linkedin", "social"),
        ("Social Network", None, "social"),
        ("affiliate", "awin", "affiliate"),
        ("sms", None, "sms"),
        ("web-push", None, "push"),
        ("mobile notification", None, "push"),
        ("organic", "google", "organic"),
        ("referral", "partner.example", "referral"),
        ("feed", "facebook", "social"),
        ("feed", "ig", "social"),
        ("feed", "m.facebook.com", "social"),
        ("post", "X", "social"),
        ("post", "t.co", "social"),
        ("maps", "google", "organic"),
        ("maps", "www.google.de", "organic"),
        ("feed", "partner", "other"),
        ("feed", None, "other"),
        (None, "duckduckgo", "organic"),
        (None, "newsletter", "email"),
        (None, "SMS", "sms"),
        (None, "firebase", "push"),
        (None, "partner", "other"),
        ("(none)", "(direct)", "direct"),
        ("(not set)", "", "direct"),
        ("", "  ", "direct"),
    ],
)
def test_a_campaign_decides(medium: str | None, source: str | None, expected: str) -> None:
    """One line a case: medium, source, the channel."""
    assert channel(medium=medium, source=source) == expected


def test_a_campaign_comes_before_click_id_and_referrer() -> None:
    google = "https://www.google.com/"
    assert channel(medium="email", search="?gclid=1", referrer=google) == "email"
    assert channel(search="?gclid=1", referrer=google) == "paid"
    assert channel(referrer=google) == "organic"


@pytest.mark.parametrize("name", "gclid gbraid wbraid dclid fbclid msclkid ttclid li_fat_id twclid yclid GCLID".split())
def test_a_click_id_is_paid_wherever_the_query_stands(name: str) -> None:
    assert channel(url=f"https://shop.example.co.uk/p?a=1&{name}=Cj0K#top") == "paid"
    assert channel(search=f"?{name}=Cj0K&a=1") == "paid"
    assert channel(search=f"{name}=Cj0K") == "paid"


@pytest.mark.parametrize(
    "url",
    [
        "/p?gclid=",
        "/p?gclid",
        "/p?x=gclid=1",
        "/p?notgclid=1",
        "/gclid=1",
        "/p#?gclid=1",
        "/p#a?gclid=1",
        "/p?a=fbclid",
    ],
)
def test_what_is_no_click_id_is_not_paid(url: str) -> None:
    assert channel(url=f"https://shop.example.co.uk{url}") == "direct"


@pytest.mark.parametrize(
    ("referrer", "expected"),
    [
        ("https://www.google.com/", "organic"),
        ("https://www.google.co.uk/search?q=x", "organic"),
        ("https://GOOGLE.com.br", "organic"),
        ("http://www.bing.com/", "organic"),
        ("https://r.search.yahoo.com/", "organic"),
        ("https://yandex.ru/", "organic"),
        ("https://duckduckgo.com/", "organic"),
        ("https://search.brave.com/", "organic"),
        ("android-app://com.google.android.googlequicksearchbox/", "organic"),
        ("https://l.facebook.com/l.php?u=x", "social"),
        ("https://t.co/abc", "social"),
        ("https://lnkd.in/abc", "social"),
        ("https://www.pinterest.de/", "social"),
        ("https://news.ycombinator.com/item", "social"),
        ("https://www.ycombinator.com/", "referral"),
        ("https://mail.google.com/mail/u/0/", "email"),
        ("android-app://com.google.android.gm/", "email"),
        ("https://partner.example/", "referral"),
        ("https://google.partner.example/", "referral"),
        ("https://notgoogle.com/", "referral"),
        ("https://evil.example/?https://www.google.com/", "referral"),
        ("https://www.google.com@evil.example/", "referral"),
        ("https://evil.example\\@www.google.com/", "referral"),
        ("http://93.184.216.34/", "referral"),
        ("http://intranet/", "referral"),
        ("https://www.example.co.uk/", "direct"),
        ("https://shop.example.co.uk:8443/cart", "direct"),
        ("https://other.co.uk/", "referral"),
        ("", "direct"),
        ("about:blank", "direct"),
        ("www.google.com", "direct"),
        ("https:///", "direct"),
        ("https://a b/", "direct"),
        (None, "direct"),
    ],
)
def test_a_referrer_counts_by_its_registered_domain(referrer: str | None, expected: str) -> None:
    """One line a case: the referrer of a page of shop.example.co.uk, the channel."""
    assert channel(referrer=referrer) == expected


def test_the_site_s_own_pages_are_no_referrers_wherever_it_runs() -> None:
    """Addresses and bare names have no registered domain: there the whole host is the site."""
    for site, other in (("127.0.0.1", "127.0.0.2"), ("localhost", "intranet"), ("[::1]", "[::2]")):
        assert channel(url=f"http://{site}:8000/", referrer=f"http://{site}:9000/") == "direct"
        assert channel(url=f"http://{site}:8000/", referrer=f"http://{other}/") == "referral"
    assert channel(host="www.example.com", url=None, referrer="https://blog.example.com/") == "direct"
    assert channel(url=None, referrer="https://blog.example.com/") == "referral"
    assert channel(host="www.google.com", referrer="https://maps.google.com/") == "direct"


def test_lists_are_the_operator_s_to_extend() -> None:
    lists = Lists(SEARCH_ENGINES | {"findit.example"}, SOCIAL_NETWORKS | {"chat.partner.example"})
    assert channel(lists=lists, referrer="https://www.findit.example/") == "organic"
    assert channel(lists=lists, source="findit.example") == "organic"
    assert channel(lists=lists, referrer="https://chat.partner.example/") == "social"
    assert channel(lists=lists, referrer="https://www.partner.example/") == "referral"
    assert channel(lists=Lists(frozenset(), frozenset()), referrer="https://www.google.com/") == "referral"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://User:Pa:ss@WWW.Example.COM:8080/a?b#c", "www.example.com"),
        ("//cdn.example.com", "cdn.example.com"),
        ("http://example.com.", "example.com"),
        ("http://example.com?x=//y", "example.com"),
        ("http://[2001:DB8::1]:80/", "[2001:db8::1]"),
        ("http://bücher.example/", "bücher.example"),
        ("http://example.com:port/", None),
        ("http://exa mple.com/", None),
        ("http://<script>/", None),
        ("http://\u202eexample.com/", None),
        ("http://" + "a" * 254, None),
        ("/path", None),
        ("mailto:a@example.com", None),
        ("", None),
        (None, None),
    ],
)
def test_the_host_of_a_url(url: str | None, expected: str | None) -> None:
    assert host_of(url) == expected


def test_what_is_registered_stands_under_a_public_suffix() -> None:
    found = {
        "www.bbc.co.uk": "bbc.co.uk",
        "example.com": "example.com",
        "co.uk": None,
        "www.corp.internal": "corp.internal",
        "localhost": None,
        "[::1]": None,
        "10.0.0.1": None,
        "": None,
    }
    assert {host: registered_domain(host) for host in found} == found


def test_nothing_is_asked_of_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor of the disk: the list of suffixes was read on import."""

    def refused(*_args: Any, **_kwargs: Any) -> None:
        raise AssertionError

    monkeypatch.setattr(socket, "socket", refused)
    monkeypatch.setattr("builtins.open", refused)
    assert registered_domain("never.asked.before.example.net") == "example.net"


PIECES = st.sampled_from(
    [
        "http://",
        "//",
        "www.google.com",
        "xn--",
        "[",
        "]",
        "::",
        "@",
        ":",
        ".",
        "?gclid=",
        "&",
        "%",
        "\ud800",
        "\u202e",
        "\0",
    ]
)
HOSTILE = st.none() | st.text(max_size=30) | st.lists(PIECES | st.text(max_size=3), max_size=8).map("".join)


@given(st.tuples(*[HOSTILE] * 6))
def test_whatever_the_text_there_is_one_channel(texts: tuple[str | None, ...]) -> None:
    medium, source, url, search, referrer, host = texts
    assert channel_of(medium, source, url, search, referrer, host, Lists()) in CHANNELS


@pytest.mark.parametrize("text", ["a" * 1_000_000, "-_" * 500_000, "&gclid" * 200_000, "http://" + "a." * 500_000])
def test_long_text_takes_linear_time(text: str) -> None:
    assert channel(medium=text, source=text) == "other"
    assert channel(url=text, search=text, host=text) == "direct"
    assert channel(referrer=text) == "direct"
    assert registered_domain(text) is None
