"""Cases as people tell them, each with a model of its own."""

import pytest

from tests.build import DAY, HOUR, MINUTE, SECOND
from tests.examples.harness import Line, Spec, at, known, near, scoring, simulate, visits

INSURER: Spec = {
    "publish_from": "cold",
    "engagement": {
        "policy-page": {"when": {"event": "page_view", "page.path": "/policies/*"}, "points": 5, "decay": "none"},
        "long-read": {"when": {"signal": "dwell", "properties.seconds": {"gt": 600}}, "points": 10, "decay": "none"},
        "unsubscribed": {"when": {"event": "unsubscribe"}, "points": -10, "decay": "none"},
    },
}


def test_the_visitor_of_an_insurers_site() -> None:
    """A page about a policy +5, more than 10 minutes on it +10, unsubscribed −10."""
    policy, left = visits("/policies/home", 0), at(10 * MINUTE + SECOND, "page_leave")
    gone = at(HOUR, "unsubscribe")
    assert simulate(INSURER, policy).total() == 5
    assert simulate(INSURER, policy, left).total() == 5 + 10
    assert simulate(INSURER, policy, left, gone).total() == 5 + 10 - 10
    assert simulate(INSURER, policy, at(10 * MINUTE, "page_leave")).total() == 5
    assert simulate(INSURER, gone).total() == 0


BANK: Spec = {
    "fit": {
        "c-level": {"when": {"traits.title": {"matches": r"\b(ceo|cto|cfo|coo|chief)\b"}}, "points": 10},
        "finance": {"when": {"traits.industry": ["finance", "insurance", "banking"]}, "points": 5},
        "age": {"when": {"traits.age": {"between": [30, 45]}}, "points": 5},
    },
    "grades": {"A": 20, "B": 10, "C": 1},
}


def test_the_ceo_of_a_bank_against_an_intern_at_a_small_broker() -> None:
    """C-level +10, finance +5, age 30–45 +5: 20 against 5, grade A against C."""
    told = simulate(
        BANK,
        known(0, "ceo", title="CEO", industry="banking", age=44),
        known(0, "intern", title="Intern", industry="finance", age=22),
    )
    assert [(told.total(lead), told.score(lead)["grade"]) for lead in ("ceo", "intern")] == [
        (10 + 5 + 5, "A"),
        (5, "C"),
    ]


def test_from_0_by_a_job_title_a_demo_and_a_large_outlet_to_25() -> None:
    """0, +10, +10, +5: what was said of the score after each."""
    spec = scoring(
        {"when": {"event": "demo_request"}, "points": 10},
        fit={
            "title": {"when": {"traits.title": {"exists": True}}, "points": 10},
            "outlet": {"when": {"traits.outlet": "large retail"}, "points": 5},
        },
    )
    demo = {"type": "track", "event": "Demo Requested", "userId": "ada", "timestamp": at(0)["timestamp"]}
    events = [known(0), known(0, title="Buyer"), demo, known(0, outlet="Large retail")]
    names = {"demo requested": "demo_request"}
    assert [simulate(spec, *events[: count + 1], names=names).total() for count in range(4)] == [0, 10, 20, 25]


@pytest.mark.parametrize(
    ("points", "band"), [(0, "cold"), (29.999, "cold"), (30, "warm"), (79.999, "warm"), (80, "hot"), (100, "hot")]
)
def test_bands_begin_at_30_and_80(points: float, band: str) -> None:
    """Exactly 80 is hot."""
    spec = scoring({"when": {"event": "chat"}, "points": points}, bands={"warm": 30, "hot": 80})
    assert simulate(spec, at(0)).score()["band"] == band


@pytest.mark.parametrize(("engagement", "fit", "total"), [(1, 1, 60), (1, 0, 40), (0, 1, 20), (0.5, 2, 60)])
def test_fit_and_engagement_apart_and_combined(engagement: float, fit: float, total: float) -> None:
    """40 by what it did, 20 by who it is; both are shown as they are, whatever they weigh."""
    spec = scoring(
        {"when": {"event": "chat"}, "points": 40},
        fit={"title": {"when": {"traits.title": "CEO"}, "points": 20}},
        total={"engagement": engagement, "fit": fit},
    )
    chat: Line = {"type": "track", "event": "chat", "userId": "ada", "timestamp": at(0)["timestamp"]}
    score = simulate(spec, known(0, title="CEO"), chat).score()
    assert (score["engagement"], score["fit"], score["total"]) == (40, 20, total)
    assert total == engagement * 40 + fit * 20


def test_a_half_life_of_30_days_turns_10_into_5_in_a_month() -> None:
    spec = scoring({"when": {"event": "chat"}, "points": 10, "half_life": "30d"})
    assert simulate(spec, at(0), until=30 * DAY).total() == 5
    assert simulate(spec, at(0), until=60 * DAY).total() == 5 / 2
    assert simulate(spec, at(0), until=10 * DAY).total() == near(10 * 2 ** (-10 / 30))


PRICES: Spec = {
    "engagement": {"view": {"when": {"event": "page_view"}, "points": 1}},
    "alerts": {
        "pricing-dwell": {
            "when": {"signal": "dwell", "page.path": "/pricing*", "properties.seconds": {"gt": 180}},
            "not_followed_by": {"event": "purchase"},
            "within": "30m",
            "cooldown": "1d",
            "label": "Read the prices, did not buy",
        }
    },
}


def test_who_reads_the_prices_for_some_minutes_and_leaves_without_buying_is_told_of() -> None:
    """Four minutes on the prices, then gone: told half an hour later, on time."""
    visit = [visits("/", 0), visits("/pricing", MINUTE), at(5 * MINUTE, "page_leave")]
    told = simulate(PRICES, *visit, until=DAY)
    assert told.alerts() == [("pricing-dwell", 5 * MINUTE + 30 * MINUTE)]
    (alert,) = told.on("lead-alerts")
    assert [(page["path"], page["seconds"]) for page in alert["pages"]] == [("/", 60), ("/pricing", 4 * 60)]


def test_who_reads_the_prices_and_buys_is_not() -> None:
    visit = [visits("/", 0), visits("/pricing", MINUTE), visits("/checkout", 5 * MINUTE), at(9 * MINUTE, "purchase")]
    assert simulate(PRICES, *visit, until=DAY).alerts() == []


def test_who_leaves_the_prices_at_once_is_not() -> None:
    assert simulate(PRICES, visits("/pricing", 0), at(2 * MINUTE, "page_leave"), until=DAY).alerts() == []
