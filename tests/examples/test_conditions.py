"""What a rule's `when` states: every operator, every field, and what it sees when it names no event."""

from typing import Any

import pytest

from tests.build import DAY, HOUR
from tests.examples.harness import Line, at, known, scoring, simulate, visits


class _Gone:
    """A value that is not there; as text the same in every process, since names of tests are made of it."""

    def __repr__(self) -> str:
        return "GONE"


GONE = _Gone()
"""No such property."""


def holds(condition: Any, value: Any) -> bool:
    """Whether a rule with `properties.x: condition` counts an event with that value."""
    properties = {} if value is GONE else {"x": value}
    spec = scoring({"when": {"event": "chat", "properties.x": condition}, "points": 1})
    return simulate(spec, at(0, properties=properties)).total() == 1


OPERATORS: list[tuple[Any, list[Any], list[Any]]] = [
    ("Pro", ["Pro", "pro", "PRO", ["basic", "pro"]], ["pros", "", 5, None, GONE, ["basic"]]),
    ("p*o", ["Pro", "po", "patio"], ["pros", "apro"]),
    ("p?o", ["Pro"], ["po", "patio"]),
    (5, [5, 5.0, "5", " 5 ", [1, 5]], [6, "five", None, GONE]),
    (True, [True, "true"], [False, 1, "false", None, GONE]),
    (False, [False, "false"], [True, 0, None, GONE]),
    (["pro", "team*", 7], ["Pro", "TEAMS", 7, "7"], ["basic", None, GONE]),
    ({"gt": 5}, [5.1, "6", [1, 9]], [5, "5", 4, "many", None, GONE]),
    ({"gte": 5}, [5, "5", 6], [4.9, "many", None, GONE]),
    ({"lt": 5}, [4.9, -1, "4"], [5, 6, "few", None, GONE]),
    ({"lte": 5}, [5, "5", -1], [5.1, "few", None, GONE]),
    ({"between": [30, 45]}, [30, 45, "37.5"], [29.9, 45.1, "forty", None, GONE]),
    ({"gt": 1, "lt": 3}, [2], [1, 3]),
    ({"in": ["pro", "team"]}, ["PRO", "team", ["free", "Pro"]], ["teams", None, GONE]),
    ({"not_in": ["pro", "team"]}, ["basic", "teams"], ["PRO", "team", None, GONE]),
    ({"contains": "cat"}, ["Cat", "educated", ["dog", "cats"]], ["dog", "ca t", None, GONE]),
    ({"starts_with": "cat"}, ["Cats"], ["a cat", None, GONE]),
    ({"ends_with": "cat"}, ["a CAT"], ["cats", None, GONE]),
    ({"glob": "/pricing*"}, ["/Pricing", "/pricing/teams"], ["/en/pricing", None, GONE]),
    ({"matches": r"\b(ceo|owner)\b"}, ["CEO", "the owner of it"], ["ceos", None, GONE]),
    ({"exists": True}, ["", 0, False, "x"], [None, GONE]),
    ({"exists": False}, [None, GONE], ["", 0, False, "x"]),
]


@pytest.mark.parametrize(("condition", "true", "false"), OPERATORS, ids=lambda one: str(one)[:40])
def test_operator(condition: Any, true: list[Any], false: list[Any]) -> None:
    """It holds for the values of the first list and for none of the second; all of them in one simulation."""
    values = [*true, *false]
    spec = scoring({"when": {"event": "chat", "properties.x": condition}, "points": 1})
    events = [
        at(0, lead=str(place), properties={} if value is GONE else {"x": value}) for place, value in enumerate(values)
    ]
    told = simulate(spec, *events)
    assert [told.total(str(place)) for place in range(len(values))] == [1] * len(true) + [0] * len(false)


def test_any_all_and_not_nest() -> None:
    """`not` turns round what a missing field made false."""
    small, dear = {"properties.x": {"lt": 5}}, {"properties.price": {"gt": 100}}
    spec = scoring(
        {"when": {"event": "chat", "any": [{"all": [small, dear]}, {"not": {"properties.x": 9}}]}, "points": 1}
    )
    cases: list[tuple[dict[str, Any], int]] = [
        ({"x": 1, "price": 200}, 1),
        ({"x": 9, "price": 200}, 0),
        ({"x": 7}, 1),
        ({}, 1),
        ({"x": [9]}, 0),
    ]
    told = simulate(spec, *[at(0, lead=str(place), properties=said) for place, (said, _) in enumerate(cases)])
    assert [told.total(str(place)) for place in range(len(cases))] == [points for _, points in cases]


def test_every_entry_of_a_condition_must_hold() -> None:
    assert not holds({"gt": 5, "lt": 3}, 4)
    spec = scoring({"when": {"event": "chat", "properties.a": 1, "properties.b": 2}, "points": 1})
    assert simulate(spec, at(0, properties={"a": 1})).total() == 0
    assert simulate(spec, at(0, properties={"a": 1, "b": 2})).total() == 1


def test_a_when_without_event_and_signal_sees_page_and_screen_views_only() -> None:
    """And one without a signal sees no signal, whatever it asks of it."""
    spec = scoring({"when": {"page.path": "/careers*"}, "points": 1}, {"when": {"event": "*"}, "points": 10})
    on_careers: dict[str, Any] = {"context": {"page": {"path": "/careers/all"}}}
    told = simulate(spec, visits("/careers", 0), *[at(0, name, **on_careers) for name in ("click", "screen_view")])
    assert told.total() == 2 * 1 + 3 * 10


def test_event_names_are_canonical_whatever_a_tool_calls_them() -> None:
    """What nobody maps keeps its own name in snake case."""
    spec = scoring({"when": {"event": "purchase"}, "points": 3}, {"when": {"event": "video_shared"}, "points": 5})
    told = simulate(spec, at(0, "Order Completed"), at(0, "Video Shared"), names={"order completed": "purchase"})
    assert told.total() == 3 + 5


WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/126.0 Safari/537.36"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Version/17.5 Mobile/15E148"
URL = "https://shop.example.com/pricing?utm_source=news"
ABOUT: Line = {
    "context": {
        "page": {"path": "/pricing", "url": URL, "title": "Prices", "referrer": "https://t.co/x", "search": "?a=b"},
        "campaign": {"source": "news", "medium": "email", "name": "spring", "term": "loan", "content": "top"},
        "userAgent": IPHONE,
        "locale": "de-AT",
        "location": {"country": "Austria"},
        "channel": "mobile",
    },
    "properties": {"product": "loans", "plan": {"name": "team"}},
    "traits": {"age": 40},
}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("page.path", "/pricing"),
        ("page.url", "https://shop.*"),
        ("page.host", "shop.example.com"),
        ("page.title", "prices"),
        ("page.referrer", "*t.co*"),
        ("page.search", "?a=b"),
        ("campaign.source", "news"),
        ("campaign.medium", "email"),
        ("campaign.name", "spring"),
        ("campaign.term", "loan"),
        ("campaign.content", "top"),
        ("properties.plan.name", "team"),
        ("traits.age", {"between": [30, 45]}),
        ("source", "mobile"),
        ("product", "loans"),
        ("country", "AT"),
        ("language", "de"),
        ("device", "mobile"),
        ("hour", 1),
        ("weekday", "mon"),
    ],
)
def test_field_of_an_event(field: str, value: Any) -> None:
    """The rule that asks for it counts, and one that asks for its contrary does not."""
    spec = scoring(
        {"when": {"event": "chat", field: value}, "points": 3},
        {"when": {"event": "chat", "not": {field: value}}, "points": 5},
    )
    told = simulate(spec, at(HOUR, **ABOUT), at(HOUR, lead="bob"))
    assert told.total() == 3
    assert told.total("bob") == (3 if field in ("hour", "weekday") else 5)


def test_channel_is_that_of_the_visit() -> None:
    spec = scoring({"when": {"event": "*", "channel": "email"}, "points": 1})
    by_mail = {"campaign": {"medium": "email"}}
    told = simulate(spec, visits("/", 0, context=by_mail), at(0), at(0, lead="bob"))
    assert (told.total(), told.total("bob")) == (2, 0)


def test_hour_and_weekday_are_those_of_the_models_time_zone() -> None:
    """Monday 00:30 in UTC is Sunday 19:30 in New York."""
    when = {"event": "chat", "hour": 19, "weekday": "sun"}
    told = simulate(scoring({"when": when, "points": 1}, time_zone="America/New_York"), at(HOUR // 2))
    assert told.total() == 1


@pytest.mark.parametrize(
    ("agent", "device"),
    [
        (WINDOWS, "desktop"),
        (IPHONE, "mobile"),
        ("Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) AppleWebKit/605.1.15", "tablet"),
        ("Mozilla/5.0 (PlayStation; PlayStation 5/2.26) AppleWebKit/605.1.15", "other"),
    ],
)
def test_device_is_what_the_browser_runs_on(agent: str, device: str) -> None:
    rules = [
        {"when": {"event": "chat", "device": one}, "points": 1} for one in ("desktop", "mobile", "tablet", "other")
    ]
    score = simulate(scoring(*rules), at(0, context={"userAgent": agent})).score()
    assert [one["rule"] for one in score["contributions"]] == [
        f"r{1 + ['desktop', 'mobile', 'tablet', 'other'].index(device)}"
    ]


def test_a_deduction_for_students_reads_the_lead_and_no_event() -> None:
    """`fit` sees a trait however long ago it was said."""
    spec = scoring(
        {"when": {"event": "chat"}, "points": 50, "decay": "none"},
        fit={"student": {"when": {"traits.title": {"contains": "student"}}, "points": -20}},
    )
    later = {"type": "track", "event": "chat", "userId": "ada", "timestamp": at(DAY)["timestamp"]}
    assert simulate(spec, known(0, title="Student of law"), later).total() == 50 - 20
