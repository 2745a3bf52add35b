"""Actions: what they carry, and what holds them back."""

from typing import Any

import pytest

from tests.build import DAY, HOUR, MINUTE
from tests.examples.harness import DESK, Line, Spec, at, chats, known, near, scoring, simulate, visits

PAGES: dict[str, Any] = {"when": {"event": "page_view"}, "cooldown": "1s"}


def acting(*rules: Spec, sections: Spec | None = None, **action: Any) -> Spec:
    return scoring(*rules, actions={"send": action}, **(sections or {}))


def times(spec: Spec, *events: Line, until: int | None = None) -> list[int]:
    """When the action was asked for, in ms after T0."""
    return [time for _, time in simulate(spec, *events, until=until).actions()]


def test_data_is_filled_from_the_event_and_the_lead() -> None:
    """A single field gives its value as it is; text around fields, text; what is missing null, or nothing in a text."""
    data = {
        "template": "product-info",
        "product": "{product}",
        "name": "{traits.firstName}",
        "hello": "Dear {traits.firstName} of {traits.company}, see {page.path}",
        "score": "{total}",
        "seats": "{properties.seats}",
        "gone": "{properties.gone}",
        "urgent": True,
        "times": 2,
    }
    spec = acting(chats(10), when={"event": "page_view"}, data=data, sections={"products": {"loans": "/loans*"}})
    who = at(0, "identify", userId="ada", traits={"firstName": "Ada"})
    told = simulate(spec, who, at(MINUTE), visits("/loans/car", MINUTE, properties={"seats": 3}))
    (action,) = told.on("lead-actions")
    assert action["data"] == {
        "template": "product-info",
        "product": "loans",
        "name": "Ada",
        "hello": "Dear Ada of , see /loans/car",
        "score": near(10),
        "seats": 3,
        "gone": None,
        "urgent": True,
        "times": 2,
    }


def test_an_action_carries_the_lead_with_traits_ids_owner_and_cause() -> None:
    spec = scoring(chats(90), alerts={"hot": {"crosses": "hot"}}, actions={"send": PAGES})
    desk = {**DESK, "assign_on": ["hot"]}
    who = at(0, "identify", userId="ada", traits={"email": "ada@example.com"})
    viewed = visits("/", HOUR, messageId="m-1", properties={"product": "loans"})
    (action,) = simulate(spec, who, at(MINUTE), viewed, desk=desk).on("lead-actions")
    expected = {
        "lead": "ada",
        "action": "send",
        "data": {},
        "traits": {"email": "ada@example.com"},
        "ids": {"user": "ada", "anonymous": ["ada"]},
        "owner": "andy",
        "product": "loans",
    }
    assert {key: action[key] for key in expected} == expected
    assert (action["cause"]["name"], action["cause"]["event"], bool(action["reason"])) == ("page_view", "m-1", True)


@pytest.mark.parametrize(
    ("trigger", "fired"),
    [
        ({"crosses": 70}, [MINUTE]),
        ({"falls_below": 30}, [pytest.approx(2 * DAY + MINUTE, abs=MINUTE)]),
        ({"when": {"event": "enquiry"}}, [2 * MINUTE]),
        ({"when": {"event": "enquiry"}, "not_followed_by": {"event": "call"}, "within": "5m"}, [7 * MINUTE]),
        ({"gains": 80, "within": "10m"}, [MINUTE]),
        ({"silent_for": "9d"}, [9 * DAY + 2 * MINUTE]),
        ({"enters": "marketingqualifiedlead"}, [MINUTE]),
        ({"fast_track": True}, [2 * MINUTE]),
    ],
    ids=lambda one: next(iter(one)) if isinstance(one, dict) else "",
)
def test_the_triggers_are_those_of_alerts(trigger: Spec, fired: list[Any]) -> None:
    """60 + 60 → 100 with a half-life of a day: below 30 after 2 days; an enquiry is a fast track."""
    rules = [chats(60, half_life="1d"), {"when": {"event": "enquiry"}, "points": 0, "fast_track": True}]
    stages = {"stages": {"marketingqualifiedlead": {"total": {"gte": 80}}}}
    spec = acting(*rules, sections=stages, **trigger)
    assert times(spec, at(0), at(MINUTE), at(2 * MINUTE, "enquiry"), until=20 * DAY)[:1] == fired


def test_an_action_has_its_if_and_its_cool_down() -> None:
    spec = acting(when={"event": "page_view", "page.path": "/products/*"}, cooldown="7d", **{"if": {"known": True}})
    events = [
        visits("/products/a", 0),
        at(1, "identify", userId="u"),
        visits("/products/a", 2),
        visits("/products/b", 7 * DAY + 1),
        visits("/products/b", 7 * DAY + 2),
    ]
    assert times(spec, *events) == [2, 7 * DAY + 2]


def test_actions_limit_is_over_all_actions_of_a_lead() -> None:
    """3 a day over two actions that fire with each page: two and one, then none until the next UTC day."""
    spec = scoring(actions={"a": PAGES, "b": PAGES}, actions_limit="3 per 1d")
    events = [visits("/", hour * HOUR) for hour in (0, 1, 2, 23, 24)]
    asked = simulate(spec, *events).actions()
    assert asked == [("a", 0), ("b", 0), ("a", HOUR), ("a", DAY), ("b", DAY)]


def test_each_lead_has_an_actions_limit_of_its_own() -> None:
    spec = scoring(actions={"a": PAGES}, actions_limit="1 per 1d")
    told = simulate(spec, visits("/", 0), visits("/", HOUR, "bob"), visits("/", 2 * HOUR))
    assert [(action["lead"], action["action"]) for action in told.on("lead-actions")] == [("ada", "a"), ("bob", "a")]


def test_alerts_know_no_actions_limit() -> None:
    spec = scoring(actions={"a": PAGES}, alerts={"seen": PAGES}, actions_limit="1 per 1d")
    told = simulate(spec, visits("/", 0), visits("/", HOUR))
    assert (len(told.actions()), len(told.alerts())) == (1, 2)


def test_who_matches_suppress_gets_no_actions() -> None:
    """Three bounces of mail; alerts are still told."""
    suppress = {"any": [{"counts.email_bounce": {"gte": 3}}, {"traits.do_not_mail": True}]}
    spec = scoring(actions={"a": PAGES}, alerts={"seen": PAGES}, suppress=suppress)
    bounces = [at(minute, "email_bounce") for minute in range(3)]
    assert simulate(spec, *bounces[:2], visits("/", HOUR)).actions() == [("a", HOUR)]
    told = simulate(spec, *bounces, visits("/", HOUR))
    assert (told.actions(), told.alerts()) == ([], [("seen", HOUR)])
    assert simulate(spec, at(0, "identify", traits={"do_not_mail": True}), visits("/", HOUR)).actions() == []


def test_who_unsubscribed_gets_no_actions_whatever_the_model_says() -> None:
    spec = acting(**PAGES)
    assert times(spec, visits("/", 0), at(1, "unsubscribe"), visits("/", HOUR)) == [0]


def test_an_import_asks_for_nothing() -> None:
    spec = acting(**PAGES)
    assert times(spec, visits("/", 0, context={"channel": "import"})) == []


def test_an_action_and_an_alert_of_one_name_are_two() -> None:
    spec = scoring(chats(90), alerts={"hot": {"crosses": "hot"}}, actions={"hot": {"crosses": "hot"}})
    told = simulate(spec, at(0), known(1, "bob"))
    assert (told.alerts(), told.actions()) == ([("hot", 0)], [("hot", 0)])
    assert len({line["value"]["id"] for line in told.lines if line["value"]}) == len(told.lines)


def test_within_a_text_lists_and_truths_are_written_as_json() -> None:
    """The receiver reads JSON, whatever Python would say."""
    data = {"seen": "of {traits.plans}: {known}", "plans": "{traits.plans}"}
    spec = scoring(chats(), actions={"act": {"when": {"event": "chat"}, "data": data}})
    (action,) = simulate(spec, known(0, plans=["a", 1]), {**at(1), "anonymousId": "", "userId": "ada"}).on(
        "lead-actions"
    )
    assert action["data"] == {"seen": 'of ["a",1]: true', "plans": ["a", 1]}
