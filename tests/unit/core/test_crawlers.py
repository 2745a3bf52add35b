"""Known crawlers: the list finds its own samples, browsers are none of them, hostile text takes linear time."""

import time

import pytest
from crawleruseragents import CRAWLER_USER_AGENTS_DATA

from engine.core.crawlers import AGENT_CHARS_MAX, is_crawler, is_scanner
from engine.core.events import Event
from tests.build import decoded, model, segment

CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0 Safari/537.36"
MODEL = model({})


def by(agent: object, source: str = "web") -> Event:
    return decoded(MODEL, segment("chat", context={"userAgent": agent, "channel": source}))


def test_the_list_finds_its_own_samples() -> None:
    """All but those whose name stands behind the characters that are looked at, and who load a reader's pictures."""
    readers = ("GoogleImageProxy", "YahooMailProxy", "Fastmail")
    samples = [sample for one in CRAWLER_USER_AGENTS_DATA for sample in one.get("instances", ())]
    missed = [sample for sample in samples if not is_crawler(by(sample))]
    assert len(samples) > 1_000
    assert [sample for sample in missed if len(sample) <= AGENT_CHARS_MAX and not any(map(sample.count, readers))] == []
    assert len(missed) < len(samples) / 50


@pytest.mark.parametrize(
    "agent",
    [
        CHROME,
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) Version/18.1 Mobile/15E148 Safari/604.1",
        "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0",
        "Mozilla/5.0 (Linux; Android 10; CUBOT_P30) AppleWebKit/537.36 Chrome/120.0.0.0 Mobile Safari/537.36",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 16_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 Instagram 300.0",
        "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)",
        "YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html",
        "",
        None,
    ],
)
def test_browsers_are_no_crawlers_nor_are_the_proxies_of_who_reads_mail(agent: str | None) -> None:
    assert not is_crawler(by(agent))
    assert not is_scanner(by(agent))


def test_an_http_library_is_a_crawler_only_in_the_place_of_a_browser() -> None:
    """A server reports what people did by a library itself; a crawler that it reports is one all the same."""
    for agent in ("python-requests/2.32", "okhttp/4.12.0", "curl/8.9.1", "axios/1.7"):
        assert [source for source in ("web", "server", "mobile", "import") if is_crawler(by(agent, source))] == ["web"]
    assert is_crawler(by("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "server"))


def test_mail_gateways_that_say_so_are_scanners() -> None:
    assert is_scanner(by("Barracuda Sentinel (EE)"))
    assert is_scanner(by("Mozilla/5.0 (compatible; trendmicro URL check)"))


def test_an_event_without_context_is_by_nobody_known() -> None:
    event = decoded(MODEL, segment("chat"))
    assert not is_crawler(event)
    assert not is_scanner(event)


def test_hostile_agents_take_time_linear_in_what_is_looked_at() -> None:
    """However long they are, and however nearly they are a crawler's: a generous bound, far below what is quadratic."""
    begun = time.process_time()
    for number in range(200):
        for text in ("Googlebo", "Mozilla/5.0 (compatible; ", "\U0001f525", "aA(", "http://bot"):
            is_crawler(by(f"{number}{text * 10_000}"))
    assert time.process_time() - begun < 10
