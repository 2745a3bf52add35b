"""Routing reads the event that asked for a rep, the points of single rules, and where an address is."""

from typing import Any

import pytest

from tests.build import HOUR, MINUTE
from tests.examples.harness import Spec, at, chats, known, scoring, simulate, visits

MODEL = scoring(
    chats(30),
    {"when": {"page.path": "/pricing*"}, "points": 20, "half_life": "1d"},
    {"when": {"signal": "form_abandoned"}, "points": 10},
    alerts={
        "asked": {"when": {"event": "chat"}, "cooldown": "0s"},
        "quiet": {"silent_for": "1d"},
    },
)
AGENT = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) Version/18.1 Mobile/15E148 Safari/604.1"


def desk(*whens: Spec, assign_on: str = "asked") -> Spec:
    """A desk whose rule r1, r2, … takes leads for which the first, second, … of `whens` holds; `rest` the others."""
    rules = [{"name": f"r{number}", "when": when, "to": {"rep": "andy"}} for number, when in enumerate(whens, 1)]
    rest = {"name": "rest", "to": {"rep": "bea"}}
    return {"assign_on": [assign_on], "reps": {"andy": {}, "bea": {}}, "rules": [*rules, rest]}


def taken(when: Spec, *lines: Any, **options: Any) -> bool:
    """Whether the rule with this `when` takes the lead of the one request that `lines` cause."""
    (assignment,) = simulate(MODEL, *lines, desk=desk(when), **options).on("lead-assignments")
    return bool(assignment["rule"] == "r1")


@pytest.mark.parametrize(
    "when",
    [
        {"event": "chat"},
        {"properties.plan": "gold"},
        {"properties.plan": ["gold", "silver"], "properties.seats": {"gte": 50}},
        {"properties.order.value": {"gt": 99}},
        {"properties.tags": "urgent"},
        {"page.path": "/contact*"},
        {"page.host": "shop.example.com"},
        {"campaign.source": "newsletter"},
        {"channel": "email"},
        {"device": "mobile"},
        {"hour": {"between": [9, 17]}, "weekday": "mon"},
        {"not": {"properties.gone": {"exists": True}}},
    ],
)
def test_a_rule_reads_the_event_that_asked_for_a_rep(when: Spec) -> None:
    """At T0 + 9 h 59 min it is a Monday, and the clock shows hour 9."""
    context = {
        "page": {"path": "/contact/sales", "url": "https://shop.example.com/contact/sales"},
        "campaign": {"source": "newsletter", "medium": "email"},
        "userAgent": AGENT,
    }
    properties = {"plan": "Gold", "seats": "50", "order": {"value": 100}, "tags": ["demo", "Urgent"]}
    asks = at(9 * HOUR + 59 * MINUTE, context=context, properties=properties)
    assert taken(when, asks)
    assert not taken({"not": when}, asks)


def test_hours_are_those_of_the_models_time_zone() -> None:
    """T0 is midnight in UTC and 5:30 in Kolkata."""
    model = {**MODEL, "time_zone": "Asia/Kolkata"}
    (assignment,) = simulate(model, at(0), desk=desk({"hour": 0}, {"hour": 5})).on("lead-assignments")
    assert assignment["rule"] == "r2"


def test_it_is_the_event_at_hand_not_one_before_it() -> None:
    assert not taken({"page.path": "/pricing*"}, visits("/pricing", 0), at(MINUTE))
    assert not taken({"properties.plan": "gold"}, at(0, "note", properties={"plan": "gold"}), at(MINUTE))


@pytest.mark.parametrize(("bound", "rule"), [(9.9, "r1"), (10.1, "rest")])
def test_points_of_a_rule_are_those_that_it_gives_now(bound: float, rule: str) -> None:
    """20 points with a half-life of a day are 10 after a day, when the chat asks for a rep."""
    lines = visits("/pricing", 0), at(24 * HOUR)
    (assignment,) = simulate(MODEL, *lines, desk=desk({"points.r2": {"gt": bound}})).on("lead-assignments")
    assert assignment["rule"] == rule


def test_points_of_a_rule_that_never_counted_are_none() -> None:
    assert taken({"points.r2": {"lt": 1}}, at(0))
    assert taken({"points.r2": 0}, at(0))


@pytest.mark.parametrize(
    ("when", "rule"),
    [
        ({"event": {"exists": True}}, "rest"),
        ({"page.path": "/pricing*"}, "rest"),
        ({"hour": {"exists": True}}, "rest"),
        ({"properties.plan": {"exists": False}}, "r1"),
        ({"points.r2": {"between": [9.9, 10.1]}}, "r1"),
    ],
)
def test_on_a_wake_up_there_is_no_event_but_points_are_there(when: Spec, rule: str) -> None:
    """A day after the last event the 20 points are 10."""
    lines = known(0), visits("/pricing", 0, userId="ada", anonymousId=None, properties={"plan": "gold"})
    told = simulate(MODEL, *lines, desk=desk(when, assign_on="quiet"), until=24 * HOUR)
    (assignment,) = told.on("lead-assignments")
    assert assignment["rule"] == rule


COUNTRIES = {"81.2.69.142": "GB", "81.3.0.1": "DE"}


@pytest.mark.parametrize(
    ("context", "traits", "country"),
    [
        ({"ip": "81.2.69.142"}, {}, "GB"),
        ({"ip": "81.2.69.142", "location": {"country": "France"}}, {}, "FR"),
        ({"ip": "81.2.69.142"}, {"country": "Italy"}, "IT"),
        ({"ip": "81.2.69.142"}, {"address": {"country": "Spain"}}, "ES"),
    ],
)
def test_a_lead_that_says_no_country_is_where_its_address_is(context: Spec, traits: Spec, country: str) -> None:
    """What it says itself comes first, then the location that the event names."""
    lines = known(0, **traits), at(MINUTE, userId="ada", anonymousId=None, context=context)
    assert taken({"country": country}, *lines, locate=COUNTRIES.get)


def test_the_last_address_that_tells_a_country_counts_and_rules_read_it_too() -> None:
    """5 points for the chat from Germany; later ones from nowhere move the lead nowhere."""
    model = scoring(chats(5, when={"event": "chat", "country": "DE"}), alerts={"asked": {"when": {"event": "ask"}}})
    chat = [at(after, context={"ip": ip}) for after, ip in enumerate(("81.2.69.142", "81.3.0.1", "10.0.0.1"))]
    told = simulate(model, *chat, at(3, "ask"), desk=desk({"country": "GB"}, {"country": "DE"}), locate=COUNTRIES.get)
    assert told.total() == pytest.approx(5)
    assert [assignment["rule"] for assignment in told.on("lead-assignments")] == ["r2"]


def test_without_a_database_an_address_says_nothing() -> None:
    assert not taken({"country": "GB"}, at(0, context={"ip": "81.2.69.142"}))
