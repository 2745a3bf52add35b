"""Why an alert fired, in a sentence that a rep understands: for each kind of trigger."""

from typing import Any

import pytest

from tests.build import DAY, MINUTE, T0, Profiles, model, page, segment

CHAT = {"event": "chat"}


def reason(alert: dict[str, Any], *events: dict[str, Any], wake_ms: int = T0, **rule: Any) -> str:
    """Why the alert fired for leads who get 50 points a chat."""
    rules = {"chat": {"when": CHAT, "points": 50, "half_life": "1d", **rule}}
    stages = {"marketingqualifiedlead": {"total": {"gte": 40}}}
    names = {"marketingqualifiedlead": "Prospect"}
    spec = {"engagement": rules, "stages": stages, "stage_names": names, "alerts": {"told": alert}}
    fed = Profiles(model(spec))
    fed.feed(*events or [segment("chat")])
    fed.wake(wake_ms)
    (told,) = fed.on("lead-alerts")
    sentence: str = told["reason"]
    return sentence


@pytest.mark.parametrize(
    ("alert", "sentence"),
    [
        ({"crosses": "warm"}, "Chatted: score went from 0.0 to 50.0, across warm (30)"),
        ({"crosses": 45}, "Chatted: score went from 0.0 to 50.0, across 45"),
        (
            {"crosses": 45, "score": "engagement"},
            "Chatted: score went from 0.0 to 50.0, across 45 of engagement",
        ),
        ({"when": CHAT}, "chat, at a score of 50.0"),
        ({"fast_track": True}, "Chatted: qualifies at once, at a score of 50.0"),
        ({"gains": 40, "within": "5m"}, "Chatted: gained at least 40 points within 5 minutes"),
        ({"enters": "marketingqualifiedlead"}, "Chatted: is now Prospect"),
    ],
)
def test_reason_of_what_an_event_brought_about(alert: dict[str, Any], sentence: str) -> None:
    assert reason(alert, label="Chatted", fast_track=True) == sentence


@pytest.mark.parametrize(
    ("alert", "sentence"),
    [
        ({"falls_below": "warm"}, "score went from 50.0 to 30.0, below warm (30)"),
        ({"silent_for": "36h"}, "nothing came for 1d12h, at a score of 17.7"),
        (
            {"when": CHAT, "not_followed_by": {"event": "call"}, "within": "1h30m"},
            "what was to follow did not come within 1h30m",
        ),
    ],
)
def test_reason_of_what_time_brought_about(alert: dict[str, Any], sentence: str) -> None:
    """50 × 2^(−1.5) = 17.7."""
    assert reason(alert, wake_ms=T0 + 3 * DAY) == sentence


def test_a_rule_without_a_label_is_named_by_its_id() -> None:
    assert reason({"crosses": 45}) == "chat: score went from 0.0 to 50.0, across 45"


def test_the_page_is_named_where_the_event_has_one() -> None:
    assert reason({"when": {"page.path": "/jobs"}}, page("/jobs")) == "page_view on /jobs, at a score of 0.0"


def test_where_nothing_counted_no_rule_is_the_reason() -> None:
    """An anonymous hot lead alerts when it becomes known."""
    known = segment("identify", T0, userId="ada@example.com")
    alert = {"crosses": 45, "if": {"known": True}}
    assert reason(alert, segment("chat"), known) == "score went from 50.0 to 50.0, across 45"


def test_the_reason_of_a_fast_track_is_its_own_rule_whatever_else_matched() -> None:
    rules = {"chat": {"when": CHAT, "points": 50}, "fast": {"when": CHAT, "points": 1, "fast_track": True}}
    fed = Profiles(model({"engagement": rules, "alerts": {"hot": {"fast_track": True}}}))
    fed.feed(segment("chat", T0 + MINUTE))
    assert fed.on("lead-alerts")[0]["reason"] == "fast: qualifies at once, at a score of 51.0"
