"""What a model surely does not mean, and what is said about it."""

import json
from pathlib import Path
from typing import Any

import pytest

from engine.core.lints import lints
from engine.core.modelfile import read_model
from engine.core.names import Vocabulary, load_names

CONFIG = Path(__file__).parents[3] / "config"
CHAT = {"when": {"event": "chat"}, "points": 10}
CALL = {"when": {"event": "call"}, "points": 10}


def told(spec: dict[str, Any] | str, names: dict[str, str] | None = None) -> list[str]:
    """Keys and messages."""
    text = spec if isinstance(spec, str) else json.dumps(spec)
    found = lints(read_model(text, "m", Vocabulary(names or {})), "m")
    return [f"{problem.key}: {problem.message}" for problem in found]


@pytest.mark.parametrize(
    "when",
    [
        {"event": "chat", "signal": "dwell"},
        {"all": [{"event": "chat"}, {"event": "call"}]},
        {"event": "chat", "not": {"signal": {"exists": False}}},
    ],
)
def test_a_rule_for_events_that_are_none(when: dict[str, Any]) -> None:
    message = "can never hold: nothing is this event and this signal, or these events, at once"
    assert told({"engagement": {"r": {"when": when, "points": 1}}}) == [f"engagement.r.when: {message}"]
    assert told({"conversions": {"c": {"when": when}}}) == [f"conversions.c.when: {message}"]
    assert told({"alerts": {"a": {"when": when}}}) == [f"alerts.a.when: {message}"]


@pytest.mark.parametrize(
    ("asked", "empty"),
    [
        ({"gt": 5, "lt": 4}, True),
        ({"gt": 5, "lt": 5}, True),
        ({"gt": 5, "lte": 5}, True),
        ({"gte": 5, "lte": 5}, False),
        ({"between": [1, 3], "gt": 3}, True),
        ({"gte": 4, "lt": 5}, False),
    ],
)
def test_a_rule_for_numbers_that_are_none(asked: dict[str, Any], empty: bool) -> None:
    message = "engagement.r.when: can never hold: no number is within these bounds"
    when = {"event": "chat", "properties.x": asked}
    assert told({"engagement": {"r": {"when": when, "points": 1}}}) == ([message] if empty else [])
    assert told({"engagement": {"r": {"when": {"event": "chat", "not": {"properties.x": asked}}, "points": 1}}}) == []


def test_an_event_that_has_another_name() -> None:
    """What is mapped to a name has that name, common or not."""
    rule = {"when": {"event": ["Order Completed", "page_veiw", "our_own", "odd name"]}, "points": 1}
    assert told({"engagement": {"r": rule}}, {"Order Completed": "purchase", "Odd": "odd name"}) == [
        "engagement.r.when: no event is called `order completed`: it becomes `purchase` (config/events.yaml)",
        "engagement.r.when: `page_veiw` is none of the common names of events; did you mean `page_view`?",
    ]


def test_two_rules_with_the_same_condition() -> None:
    """From the same sources; fit and engagement are apart."""
    again = {"when": {"event": ["CHAT"]}, "points": 5}
    same = "has the same condition as `a`: give one rule the points of both, or tell them apart"
    assert told({"engagement": {"a": CHAT, "b": again}}) == [f"engagement.b: {same}"]
    assert told({"engagement": {"a": CHAT, "b": {**again, "sources": ["email"]}}}) == []
    boss = {"when": {"traits.title": "boss"}, "points": 1}
    assert told({"fit": {"a": boss, "b": boss}}) == [f"fit.b: {same}"]


def test_a_deduction_without_a_bound() -> None:
    """One that counts once is bounded."""
    assert told({"engagement": {"r": {**CHAT, "points": -10}}}) == [
        "engagement.r: a deduction without `max` can bury a lead for good: give it one, such as max: 20"
    ]
    for bound in ({"max": 20}, {"limit": "once"}):
        assert told({"engagement": {"r": {**CHAT, "points": -10, **bound}}}) == []


def test_groups_that_hold_nothing_or_cap_everything() -> None:
    groups = {"empty": {"max": 5}, "tight": {"max": 9}, "right": {"max": 10}}
    rules = {"a": {**CHAT, "group": "tight"}, "b": {**CALL, "group": "right"}}
    each = "each rule in this group gives 10 or more at once"
    assert told({"groups": groups, "engagement": rules}) == [
        "groups.empty: no rule is in this group: give one `group: empty`, or leave it out",
        f"groups.tight: max 9 caps everything: {each}; expected a larger max, or fewer points",
    ]


def test_alerts_on_scores_that_no_lead_reaches() -> None:
    """At most 20 of engagement by its max and 15 of fit: 35 in all."""
    model = {
        "engagement": {"r": {**CHAT, "max": 20}},
        "fit": {"f": {"when": {"traits.title": "boss"}, "points": 15}},
        "alerts": {
            "a": {"crosses": 36},
            "b": {"crosses": 35},
            "c": {"crosses": 21, "score": "engagement"},
            "d": {"falls_below": 30, "rearm_above": 40},
            "e": {"falls_below": 30, "rearm_above": 35},
            "f": {"crosses": 15, "score": "fit"},
        },
    }
    armed = "it is armed at 40 of total, and all rules together reach 35"
    assert told(model) == [
        "alerts.a: can never fire: all rules together reach 35 of total, not 36",
        "alerts.c: can never fire: all rules together reach 20 of engagement, not 21",
        f"alerts.d: can never fire: {armed}; expected a lower rearm_above",
    ]


def test_an_alert_that_cannot_re_arm() -> None:
    """Of 80 points at most 5 decay, so 75 are there for good: not below 70. With 11 or a deduction of 10 it can."""
    lasting = {**CALL, "decay": "none"}

    def with_passing(points: float, **more: Any) -> list[str]:
        rules = {"a": lasting, "b": {**CHAT, "max": points}, **more}
        return told({"engagement": rules, "alerts": {"hot": {"crosses": 80, "rearm_below": 70}}})

    lasts = "of a score of 80 at least 75 is fit and rules that never decay"
    message = f"{lasts}, which is not below 70; expected a higher rearm_below"
    assert with_passing(5) == [f"alerts.hot: can never re-arm: {message}"]
    assert with_passing(11) == []
    assert with_passing(5, c={"when": {"event": "refund"}, "points": -10, "max": 10}) == []


def test_default_bands_above_the_scale() -> None:
    assert told({"scale": 50}) == ["scale: band hot begins at 80, above the scale: state `bands`"]


def test_problems_have_their_place() -> None:
    (problem,) = lints(read_model("engagement:\n  r: {when: {event: chat}, points: -1}\n", "m"), "m")
    assert str(problem).startswith("m:2:3: engagement.r: a deduction without `max`")


def test_the_shipped_model_means_what_it_says() -> None:
    vocabulary = load_names((CONFIG / "events.yaml").read_text(), "events.yaml")
    found = lints(read_model((CONFIG / "model.yaml").read_text(), "model.yaml", vocabulary), "model.yaml")
    assert [problem.message for problem in found] == []


def test_a_row_that_may_need_more_than_4_kib() -> None:
    """Two entries by 90 days of 13 bytes each leave less than 1,500 of 4,096 bytes."""
    windowed = {"points": 10, "window": "90d"}
    spec = {"engagement": {"r": {"when": {"event": "chat"}, **windowed}, "s": {"when": {"event": "call"}, **windowed}}}
    (message,) = told(spec)
    assert message.startswith("engagement: a lead's row could take 2,")
    assert "bytes before anything that visitors write, of 2,596: engagement rules" in message
