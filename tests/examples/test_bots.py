"""Robots, worked out by hand: what they did counts nothing, and no human loses by it."""

from typing import Any

from tests.build import DAY, HOUR, MINUTE, SECOND
from tests.examples.harness import Told, at, chats, known, record, scoring, simulate, visits

GOOGLEBOT = {"userAgent": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"}
FIREFOX = {"userAgent": "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0"}
POINT = {"when": {"event": "chat"}, "points": 0.01, "decay": "none"}


def test_a_known_crawler_makes_no_lead() -> None:
    """It is dropped and no dead letter; the same page read by Firefox is a lead's."""
    model = scoring(chats(10), alerts={"hot": {"crosses": 5}})
    told = simulate(model, at(0, context=GOOGLEBOT), at(MINUTE, lead="bea", context=FIREFOX))
    assert (leads(told), told.rejected()) == ({"bea"}, [])
    assert [alert["lead"] for alert in told.on("lead-alerts")] == ["bea"]


def test_a_crawler_that_calls_itself_ada_takes_nothing_from_ada() -> None:
    told = simulate(scoring(chats(10)), at(0), at(MINUTE, context=GOOGLEBOT))
    assert told.total() == 10


def test_who_follows_a_hidden_link_scores_nothing_before_or_after() -> None:
    """10 and 10 points, the trap, 10 more: 0; and the silence of a robot tells nobody anything."""
    model = scoring(chats(10), alerts={"silent": {"silent_for": "1d"}, "hot": {"crosses": 25}})
    told = simulate(model, at(0), at(MINUTE), at(2 * MINUTE, "Bot Trap"), at(3 * MINUTE), until=2 * DAY)
    score = told.score()
    assert (score["total"], score["contributions"], score["counts"], score["pages"]) == (0, [], {}, [])
    assert told.alerts() == []


def test_a_browsers_burst_is_void_to_the_last_point() -> None:
    """1,000 events at once are a browser's; with one more none of them counts."""
    lines = [at(0)] * 1_000
    assert round(simulate(scoring(POINT), *lines).total(), 9) == 10
    assert simulate(scoring(POINT), *lines, at(0)).total() == 0


def test_a_customers_burst_counts_up_to_the_rate() -> None:
    """`burst: 20, per_second: 10`: 20 of 30 at once; after half a second 5 of 10; after an hour 20 of 30 again: 45."""
    model = scoring({**POINT, "points": 1}, bots={"burst": 20, "per_second": 10})
    instants = [0] * 30 + [SECOND // 2] * 10 + [HOUR] * 30
    told = simulate(model, *(by_ada(instant) for instant in instants))
    assert told.total() == 45


def test_what_waited_in_a_phone_counts_by_when_it_arrived() -> None:
    """30 events of a day without a network, all sent at once: the burst is that of their records."""
    model = scoring({**POINT, "points": 1}, bots={"burst": 20, "per_second": 10})
    told = simulate(model, *(record(by_ada(number * MINUTE), DAY) for number in range(30)))
    assert told.total() == 20


def test_a_gateway_that_clicks_every_link_is_no_reader() -> None:
    """Delivered at 0; it opens and clicks after 2 to 5 s, void. The reader opens after an hour: 1, and clicks: 5."""
    rules = [{"when": {"event": "email_open"}, "points": 1}, {"when": {"event": "email_click"}, "points": 5}]
    rules = [{**rule, "decay": "none"} for rule in rules]
    mails = [
        mail(0, "Email Delivered"),
        mail(2 * SECOND, "Email Opened"),
        *(mail((3 + number) * SECOND, "Email Link Clicked", link_url=f"/{number}") for number in range(3)),
        mail(HOUR, "Email Opened"),
        mail(HOUR + MINUTE, "Email Link Clicked", link_url="/2"),
    ]
    names = {
        "Email Delivered": "email_delivered",
        "Email Opened": "email_open",
        "Email Link Clicked": "email_click",
    }
    assert simulate(scoring(*rules), *mails, names=names).total() == 6


def test_of_clicks_on_several_links_at_once_the_first_counts() -> None:
    """Nothing is known of the delivery; a human does not click on two links within 2 s."""
    rule = {"when": {"event": "email_click"}, "points": 5, "decay": "none"}
    clicks = [mail(number * SECOND, "email_click", link_url=f"/{number}") for number in range(4)]
    assert simulate(scoring(rule), *clicks).total() == 5


def test_passers_by_may_be_forgotten_early() -> None:
    """A cold visitor who came once goes after 2 h where the model says so; without, after 30 days."""
    model = scoring({"when": {"event": "page_view"}, "points": 1}, publish_from="warm")
    bounded = {**model, "bots": {"keep_one_visit": "2h"}}
    lines = [visits("/", 0), visits("/", 0, lead="bea"), known(MINUTE, lead="carl")]
    assert leads(simulate(bounded, *lines, until=2 * HOUR - 1)) == {"ada", "bea", "carl"}
    assert leads(simulate(bounded, *lines, until=2 * HOUR)) == {"carl"}
    assert leads(simulate(model, *lines, until=29 * DAY)) == {"ada", "bea", "carl"}


def leads(told: Told) -> set[str]:
    return {score["lead"] for score in told.on("lead-scores")}


def by_ada(after_ms: int, **keys: Any) -> Any:
    return at(after_ms, anonymousId=None, userId="ada", **keys)


def mail(after_ms: int, name: str, **said: Any) -> Any:
    return at(after_ms, name, anonymousId=None, userId="ada", properties={"email_id": "m1", **said})
