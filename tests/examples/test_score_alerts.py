"""Alerts on the score: upward and downward, once until armed anew, cool-downs, and an `if` that holds later."""

from typing import Any

import pytest

from tests.build import DAY, HOUR, MINUTE
from tests.examples.harness import Line, Spec, at, chats, known, near, scoring, simulate

OUT: Spec = {"when": {"event": "chat_closed"}, "points": -20, "decay": "none"}


def alerting(*rules: Spec, **alert: Any) -> Spec:
    return scoring(*rules, alerts={"told": alert})


def times(spec: Spec, *events: Line, until: int | None = None) -> list[int]:
    """When the alert fired, in ms after T0."""
    return [time for _, time in simulate(spec, *events, until=until).alerts()]


def up(*after: int) -> list[Line]:
    return [at(one) for one in after]


def down(after: int) -> Line:
    return at(after, "chat_closed")


STEADY = chats(20, decay="none")


def test_it_fires_when_the_score_goes_from_below_a_band_to_it() -> None:
    """20, 40, 60, 80: exactly 80 is hot."""
    assert times(alerting(STEADY, crosses="hot"), *up(0, 1, 2, 3, 4)) == [3]


def test_a_bound_may_be_a_number() -> None:
    assert times(alerting(STEADY, crosses=50), *up(0, 1, 2, 3, 4)) == [2]
    assert times(alerting(STEADY, crosses=60), *up(0, 1, 2, 3, 4)) == [2]
    assert times(alerting(STEADY, crosses=60.1), *up(0, 1, 2, 3, 4)) == [3]


def test_the_first_event_of_a_lead_can_fire_and_bounds_jumped_over_count() -> None:
    spec = scoring(chats(90), alerts={"warm": {"crosses": "warm"}, "hot": {"crosses": "hot"}, "top": {"crosses": 95}})
    told = simulate(spec, at(0))
    assert told.alerts() == [("warm", 0), ("hot", 0)]
    assert [(alert["from"], alert["to"]) for alert in told.on("lead-alerts")] == [(0, 90), (0, 90)]


def test_it_can_be_of_engagement_or_of_fit_alone() -> None:
    """Fit 20 and engagement 20, 40: total 40 and 60."""
    fit = {"title": {"when": {"traits.title": {"exists": True}}, "points": 20}}
    alerts = {
        "total": {"crosses": 60},
        "engagement": {"crosses": 40, "score": "engagement"},
        "fit": {"crosses": 15, "score": "fit"},
        "never": {"crosses": 60, "score": "engagement"},
    }
    events = [known(0, title="CEO"), *({**at(time), "anonymousId": "", "userId": "ada"} for time in (1, 2))]
    told = simulate(scoring(STEADY, fit=fit, alerts=alerts), *events)
    assert told.alerts() == [("fit", 0), ("total", 2), ("engagement", 2)]
    assert [(alert["from"], alert["to"]) for alert in told.on("lead-alerts")] == [(0, 20), (40, 60), (20, 40)]


def test_it_fires_again_only_once_the_score_was_below_rearm_below() -> None:
    """60 fires; 40 and again 60: not below 40, so no more; 20 and again 60 fires."""
    spec = alerting(STEADY, OUT, crosses=60, rearm_below=40)
    assert times(spec, *up(0, 1, 2), down(3), *up(4)) == [2]
    assert times(spec, *up(0, 1, 2), down(3), down(4), *up(5, 6)) == [2, 6]


def test_rearm_below_is_a_tenth_of_the_scale_below_the_bound_unless_said() -> None:
    """Bound 60: armed again below 50. From 60 to exactly 50 it stays fired, to 49 it does not."""
    for points, fired in ((-10, [2]), (-11, [2, 4])):
        closed = {**OUT, "points": points}
        spec = alerting(STEADY, closed, {"when": {"event": "call"}, "points": 15, "decay": "none"}, crosses=60)
        assert times(spec, *up(0, 1, 2), down(3), at(4, "call")) == fired


def test_decay_arms_it_as_well() -> None:
    """80 with a half-life of a day is 20 after two days, as is seen just before the event; then 20 + 80 cross again."""
    spec = alerting(chats(80, half_life="1d"), crosses="hot", rearm_below=50)
    assert times(spec, at(0), at(HOUR), at(2 * DAY)) == [0, 2 * DAY]


def test_in_the_cool_down_it_turns_fired_silently_and_does_not_fire_later() -> None:
    """Fires at 0; down and up again after an hour: silent, and silent after the cool-down too, until armed anew."""
    spec = alerting(chats(60, decay="none"), {**OUT, "points": -60}, crosses=60, rearm_below=30, cooldown="1d")
    events = [at(0), down(HOUR), at(2 * HOUR)]
    assert times(spec, *events) == [0]
    assert times(spec, *events, at(DAY + HOUR)) == [0]
    assert times(spec, *events, at(DAY), down(DAY + 1), down(DAY + 2), at(DAY + 3)) == [0, DAY + 3]


def test_the_cool_down_ends_with_its_last_instant() -> None:
    spec = alerting(chats(60, decay="none"), {**OUT, "points": -60}, crosses=60, rearm_below=30, cooldown="1d")
    assert times(spec, at(0), down(HOUR), at(DAY - 1)) == [0]
    assert times(spec, at(0), down(HOUR), at(DAY)) == [0, DAY]


def test_while_its_if_does_not_hold_it_stays_armed() -> None:
    """An anonymous hot lead alerts when it becomes known, also an hour later; the score did not move."""
    spec = alerting(STEADY, crosses=40, **{"if": {"known": True}})
    became_known = at(HOUR, "identify", userId="ada@example.com")
    told = simulate(spec, *up(0, 1), became_known)
    assert told.alerts() == [("told", HOUR)]
    assert told.on("lead-alerts")[0]["lead"] == "ada@example.com"


def test_an_if_that_holds_too_late_fires_nothing() -> None:
    """The score has fallen below the bound before the lead becomes known."""
    spec = alerting(STEADY, OUT, crosses=40, **{"if": {"known": True}})
    assert times(spec, *up(0, 1), down(2), at(HOUR, "identify", userId="ada@example.com")) == []


FALLING = chats(60, half_life="1d")


def test_a_silent_lead_falls_below_on_time() -> None:
    """60 halve to exactly 30 in a day, which still is warm; a millisecond later it is not."""
    spec = alerting(FALLING, falls_below="warm")
    assert times(spec, at(0), until=DAY) == []
    assert times(spec, at(0), until=DAY + 1) == [DAY + 1]
    assert times(spec, at(0), until=90 * DAY) == [DAY + 1]
    told = simulate(spec, at(0), until=90 * DAY)
    (alert,) = told.on("lead-alerts")
    assert (alert["from"], alert["cause"]["topic"], alert["band"]) == (60, None, "cold")
    assert alert["to"] == near(60 * 2 ** (-(DAY + 1) / DAY))


def test_it_falls_below_by_an_event_as_well() -> None:
    assert times(alerting(STEADY, OUT, falls_below=50), *up(0, 1, 2), down(3)) == [3]


def test_it_is_armed_only_once_the_score_was_at_least_rearm_above() -> None:
    """By default a tenth of the scale above the bound: 35 was never 40, so its fall below 30 is nothing new."""
    assert times(alerting(chats(35, half_life="1d"), falls_below="warm"), at(0), until=9 * DAY) == []
    assert times(alerting(chats(40, half_life="1d"), falls_below="warm"), at(0), until=9 * DAY) != []
    high = alerting(FALLING, falls_below="warm", rearm_above=61)
    assert times(high, at(0), until=9 * DAY) == []


def test_it_falls_below_again_only_after_it_was_at_least_rearm_above_again() -> None:
    """At day 2 it stands at 15: 5 more make 20, falling is no news; 60 more make 75, and it falls anew."""
    spec = alerting(FALLING, {"when": {"event": "call"}, "points": 20, "half_life": "1d"}, falls_below="warm")
    first = DAY + 1
    assert times(spec, at(0), at(2 * DAY, "call"), until=9 * DAY) == [first]
    again = times(spec, at(0), at(2 * DAY), until=9 * DAY)
    # 15 + 60 = 75 = 30 × 2^1.3219…
    assert again == [first, pytest.approx(2 * DAY + 1.3219280948873624 * DAY, abs=1)]


def test_a_fall_in_the_cool_down_is_silent() -> None:
    """It fell after a day; up again and down again within 7 days is not told."""
    spec = alerting(FALLING, falls_below="warm", cooldown="7d")
    assert times(spec, at(0), at(2 * DAY), until=30 * DAY) == [DAY + 1]
    assert times(spec, at(0), at(9 * DAY), until=30 * DAY)[0] == DAY + 1
    assert len(times(spec, at(0), at(9 * DAY), until=30 * DAY)) == 2


def test_of_engagement_it_falls_below_on_time_too_whatever_the_fit() -> None:
    fit = {"title": {"when": {"traits.title": {"exists": True}}, "points": 50}}
    spec = scoring(FALLING, fit=fit, alerts={"told": {"falls_below": 30, "score": "engagement"}})
    chat = {**at(0), "anonymousId": "", "userId": "ada"}
    told = simulate(spec, known(0, title="CEO"), chat, until=9 * DAY)
    assert told.alerts() == [("told", DAY + 1)]
    assert told.on("lead-alerts")[0]["total"] > 79


def test_a_window_that_ends_lets_a_silent_lead_fall_at_midnight() -> None:
    assert times(alerting(chats(50, window="2d"), falls_below=30), at(5 * HOUR), until=9 * DAY) == [2 * DAY]


def test_an_upward_drift_is_seen_at_the_next_event() -> None:
    """A deduction that decays lifts the lead: 60 − 40 × 2^(−t) is 50 after 2 days, and nobody looks then."""
    rules = [chats(60, decay="none"), {"when": {"event": "out"}, "points": -40, "half_life": "1d"}]
    spec = alerting(*rules, crosses=50, rearm_below=45)
    events = [at(0, "out"), at(1), at(3 * DAY, "call")]
    assert times(spec, *events, until=9 * DAY) == [3 * DAY]
    told = simulate(spec, *events)
    assert told.on("lead-alerts")[0]["to"] == near(60 - 40 * 2 ** (-3))


def test_an_import_fires_nothing_and_leaves_the_alert_on_the_side_it_stands_on() -> None:
    spec = alerting(STEADY, OUT, crosses=40, rearm_below=30)
    imported = [at(time, context={"channel": "import"}) for time in (0, 1)]
    assert times(spec, *imported, at(2)) == []
    assert times(spec, *imported, down(2), *up(3)) == [3]


def test_an_alert_carries_what_a_rep_needs() -> None:
    rules = [chats(20 + place, label=f"Chat {place}") for place in range(6)]
    spec = alerting(*rules, crosses=100, priority="high", label="Hot lead")
    viewed = at(0, "page_view", context={"page": {"path": "/loans", "title": "Loans"}}, properties={"product": "loans"})
    told = simulate(spec, viewed, at(MINUTE, messageId="m-1"))
    (alert,) = told.on("lead-alerts")
    expected = {
        "lead": "ada",
        "alert": "told",
        "label": "Hot lead",
        "priority": "high",
        "engagement": 100,
        "fit": 0,
        "total": 100,
        "band": "hot",
        "grade": "D",
        "stage": "subscriber",
        "from": 0,
        "to": 100,
        "product": "loans",
        "owner": None,
        "ids": {"user": None, "anonymous": ["ada"]},
        "traits": {},
    }
    assert {key: alert[key] for key in expected} == expected
    assert [one["points"] for one in alert["top"]] == [25, 24, 23, 22, 21]
    assert alert["pages"] == [{"at": "2026-11-23T00:00:00.000Z", "path": "/loans", "title": "Loans", "seconds": 60}]
    assert alert["first_touch"]["channel"] == alert["last_touch"]["channel"] == "direct"
    assert alert["cause"] == {
        "topic": "visitor-events",
        "partition": 0,
        "offset": 1,
        "event": "m-1",
        "name": "chat",
        "time": "2026-11-23T00:01:00.000Z",
    }


def test_a_replay_shows_the_same_ids_and_two_alerts_different_ones() -> None:
    spec = scoring(STEADY, alerts={"one": {"crosses": 15}, "two": {"crosses": 15}})
    first, again = simulate(spec, at(0)), simulate(spec, at(0))
    assert first.lines == again.lines
    ids = [line["value"]["id"] for line in first.lines if line["topic"] == "lead-alerts"]
    assert len(set(ids)) == 2


def test_what_rose_in_silence_and_is_taken_at_once_falls_below() -> None:
    """45 − 40 = 5; twenty half-lives of the deduction later 45, over 40: armed before the next one takes it to 5."""
    rules = (chats(45, decay="none"), {"when": {"event": "chat_closed"}, "points": -40, "half_life": "1h"})
    spec = alerting(*rules, falls_below=30, rearm_above=40)
    assert times(spec, down(0), at(1000), down(20 * HOUR)) == [20 * HOUR]
