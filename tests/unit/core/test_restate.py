"""A changed model: every lead is re-scored at once, and what the change itself did is told to nobody."""

from typing import Any

import pytest

from engine.core.restate import alerts_before, stamp_of
from tests.build import DAY, HOUR, MINUTE, T0, Profiles, model, page, segment

CHAT = {"when": {"event": "chat"}, "points": 40, "decay": "none"}


def spec(chat: dict[str, Any] | None = None, **sections: Any) -> dict[str, Any]:
    return {"publish_from": "cold", "engagement": {"chat": {**CHAT, **(chat or {})}}, **sections}


def lead(before: dict[str, Any], *events: dict[str, Any]) -> Profiles:
    """A lead under the model before; two chats unless said."""
    fed = Profiles(model(before))
    fed.feed(*events or (segment("chat"), segment("chat")))
    return fed


def after(fed: Profiles, now: dict[str, Any], at_ms: int = T0) -> Profiles:
    """The same rows, brought up to another model."""
    fed.restate(model(now), at_ms)
    return fed


def test_another_weight_rescores_at_once_and_the_lead_is_told_of() -> None:
    """Two chats of 40 are two chats of 15."""
    fed = after(lead(spec()), spec({"points": 15}))
    assert fed.score()["total"] == 30
    published = fed.on("lead-scores")
    assert (published[-1]["total"], published[-1]["model"]) == (30, fed.model.version)


HOT = {"hot": {"crosses": 70, "rearm_below": 50}}


def test_a_crossing_that_the_change_itself_caused_fires_nothing_then_or_later() -> None:
    """From 2 × 30 to 2 × 40, across 70: set to the side it stands on."""
    fed = after(lead(spec({"points": 30}, alerts=HOT)), spec({"points": 40}, alerts=HOT))
    assert fed.alerts() == []
    fed.feed(segment("chat", T0 + MINUTE))
    assert fed.alerts() == []


def test_a_change_that_takes_the_score_below_arms_it_anew() -> None:
    """80 → 40: below 50, so the next crossing is news."""
    fed = after(lead(spec(alerts=HOT)), spec({"points": 20}, alerts=HOT))
    assert fed.alerts() == ["hot"]
    fed.feed(segment("chat", T0 + MINUTE), segment("chat", T0 + 2 * MINUTE))
    assert fed.alerts() == ["hot", "hot"]


def test_a_new_alert_does_not_fire_for_who_stands_over_its_bound_already() -> None:
    fed = after(lead(spec()), spec(alerts=HOT))
    fed.feed(segment("chat", T0 + MINUTE))
    assert fed.alerts() == []


def test_a_new_alert_whose_if_does_not_hold_stays_armed() -> None:
    fed = after(lead(spec()), spec(alerts={"hot": {"crosses": 70, "if": {"known": True}}}))
    fed.feed(segment("identify", T0 + MINUTE, userId="u"))
    assert fed.alerts() == ["hot"]


def test_a_fall_that_the_change_itself_caused_fires_nothing() -> None:
    cooled = {"cooled": {"falls_below": 50, "rearm_above": 60}}
    fed = after(lead(spec(alerts=cooled)), spec({"points": 10}, alerts=cooled))
    fed.wake(T0 + 90 * DAY)
    assert fed.alerts() == []


def test_an_alert_that_is_gone_is_forgotten() -> None:
    """Under its name another one begins armed or not, as a new one does."""
    fed = after(after(lead(spec(alerts=HOT)), spec()), spec(alerts={"hot": {"crosses": 90}}))
    fed.feed(segment("chat", T0 + MINUTE))
    assert fed.alerts() == ["hot", "hot"]


def test_a_fall_is_due_where_the_new_model_puts_it() -> None:
    """80 by a half-life of a day; under the new bound of 20 it falls after two days, and not after one."""
    fading = {"half_life": "1d"}
    chat = {key: value for key, value in CHAT.items() if key != "decay"}
    alerts = [{"cooled": {"falls_below": bound, "rearm_above": 50}} for bound in (40, 20)]
    before, now = ({"engagement": {"chat": {**chat, **fading}}, "alerts": one} for one in alerts)
    fed = after(lead(before), now)
    fed.wake(T0 + 2 * DAY)
    assert fed.alerts() == []
    fed.wake(T0 + 2 * DAY + 1)
    assert fed.alerts() == ["cooled"]


@pytest.mark.parametrize(("days", "kept"), [(30, True), (31, False)])
def test_the_entry_of_a_rule_that_is_gone_is_kept_unread_for_30_days(days: int, kept: bool) -> None:
    """So that a rule taken away by mistake can come back; the days count from when it went."""
    other = {"engagement": {"other": {"when": {"event": "call"}, "points": 1}}}
    fed = after(lead(spec()), other, T0 + 40 * DAY)
    assert fed.score()["total"] == 0
    after(fed, {**other, "stage_names": {"lead": "Contact"}}, T0 + (40 + days) * DAY)
    assert after(fed, spec(), T0 + (40 + days) * DAY).score()["total"] == (80 if kept else 0)


def test_between_a_window_and_a_half_life_a_rule_starts_empty() -> None:
    chat = {"when": {"event": "chat"}, "points": 40}
    for before, now in (({"half_life": "1d"}, {"window": "3d"}), ({"window": "3d"}, {"half_life": "1d"})):
        old, new = ({"engagement": {"chat": {**chat, **decay}}} for decay in (before, now))
        fed = after(lead(old), new)
        assert fed.score()["total"] == 0
        fed.feed(segment("chat"))
        assert fed.score()["total"] == 40


def test_another_half_life_applies_from_the_rules_last_count() -> None:
    """80 at T0, looked at two days later under a half-life of two days: 40, as if it had always been so."""
    chat = {"when": {"event": "chat"}, "points": 40}
    old, new = ({"engagement": {"chat": {**chat, "half_life": life}}} for life in ("1d", "2d"))
    fed = after(lead(old), new, T0 + DAY)
    assert fed.score(at_ms=T0 + 2 * DAY)["total"] == 40


def test_when_applies_from_now_on() -> None:
    """What was counted stays counted."""
    fed = after(lead(spec()), spec({"when": {"event": "call"}}))
    assert fed.score()["total"] == 80
    fed.feed(segment("chat", T0 + 1), segment("call", T0 + 2))
    assert fed.score()["total"] == 100
    assert fed.score()["contributions"][0]["count"] == 3


def test_a_silence_that_is_over_already_is_passed_over() -> None:
    """A new alert on five days' silence, ten days after the last event: nothing, until the next silence."""
    silent = spec(alerts={"silent": {"silent_for": "5d"}})
    fed = after(lead(spec()), silent, T0 + 10 * DAY)
    fed.wake(T0 + 20 * DAY)
    assert fed.alerts() == []
    fed.feed(page("/", T0 + 20 * DAY))
    fed.wake(T0 + 25 * DAY)
    assert fed.alerts() == ["silent"]


def test_a_silence_that_is_not_over_is_told_on_time() -> None:
    fed = after(lead(spec()), spec(alerts={"silent": {"silent_for": "5d"}}), T0 + 3 * DAY)
    fed.wake(T0 + 5 * DAY)
    assert fed.alerts() == ["silent"]


def test_what_is_pending_of_a_signal_that_nobody_reads_any_more_is_forgotten() -> None:
    begun = segment("form_start", properties={"form_id": "f"})
    reading = spec(alerts={"left": {"when": {"signal": "form_abandoned"}}})
    fed = after(lead(reading, begun), spec())
    assert fed.row().pending == []
    fed.wake(T0 + HOUR)
    assert fed.alerts() == []


def test_a_wait_goes_on_under_a_changed_model() -> None:
    left = {"left": {"when": {"event": "chat"}, "not_followed_by": {"event": "call"}, "within": "30m"}}
    fed = after(lead(spec(alerts=left)), spec({"points": 1}, alerts=left))
    fed.wake(T0 + HOUR)
    assert fed.alerts() == ["left"]


def test_a_stage_whose_condition_holds_by_the_change_is_entered() -> None:
    """It is the lead's stage from now on; the alert on entering it is not fired by a change."""
    stages = {"stages": {"marketingqualifiedlead": {"total": {"gte": 70}}}}
    entered = {"alerts": {"new": {"enters": "marketingqualifiedlead"}}}
    fed = after(lead(spec({"points": 30}, **stages, **entered)), spec(**stages, **entered))
    assert [(one["to"], one["cause"]["name"]) for one in fed.on("lead-stages")] == [("marketingqualifiedlead", "model")]
    assert fed.alerts() == []


def test_a_stamp_is_equal_for_equal_models_and_tells_the_alerts() -> None:
    one, again, other = model(spec(alerts=HOT)), model(spec(alerts=HOT)), model(spec({"points": 1}, alerts=HOT))
    assert stamp_of(one) == stamp_of(again) != stamp_of(other)
    assert alerts_before(stamp_of(one)) == alerts_before(stamp_of(other))
    assert list(alerts_before(stamp_of(one)) or ()) == ["hot"]


@pytest.mark.parametrize("stamp", [None, b"", b"4711", b"{}", b'{"model":"x","alerts":5}'])
def test_of_an_unknown_stamp_no_alert_is_known(stamp: bytes | None) -> None:
    assert alerts_before(stamp) is None


def test_an_alert_on_gains_is_set_to_the_side_on_which_the_lead_stands() -> None:
    """20 points in a day; the bound falls from 30 to 15: what was gained before the change is told to nobody."""
    surges = {bound: {"surge": {"gains": bound, "within": "1d"}} for bound in (30, 15)}
    fed = after(lead(spec({"points": 10}, alerts=surges[30])), spec({"points": 10}, alerts=surges[15]))
    fed.feed(segment("heartbeat", T0 + MINUTE))
    assert fed.alerts() == []


def test_an_alert_that_waits_for_something_else_has_not_fired() -> None:
    """It fired for a chat; by its new trigger the lead stands below the bound, and crossing it is news."""
    fed = after(
        lead(spec(alerts={"told": {"when": {"event": "chat"}}}), segment("chat")),
        spec(alerts={"told": {"crosses": 50, "rearm_below": 20}}),
    )
    fed.feed(segment("chat", T0 + MINUTE))
    assert fed.alerts() == ["told", "told"]


def test_without_a_cycle_nobody_is_recycled_any_more() -> None:
    stages = {"stages": {"marketingqualifiedlead": {"total": {"gte": 70}}}}
    fed = after(lead(spec(**stages, cycle="1d")), spec(**stages))
    fed.wake(T0 + 2 * DAY)
    assert [one["to"] for one in fed.on("lead-stages")] == ["marketingqualifiedlead"]


def test_an_alert_on_gains_that_waits_for_its_if_still_waits() -> None:
    """A change of names is no reason to take it for told."""
    surge = {"alerts": {"surge": {"gains": 20, "within": "1h", "if": {"known": True}}}}
    fed = after(lead(spec(**surge)), spec(**surge, stage_names={"lead": "Contact"}))
    fed.feed(segment("identify", T0 + MINUTE, userId="ada@example.com"))
    assert fed.alerts() == ["surge"]


def test_between_its_bounds_an_alert_stays_what_it_was_whatever_else_it_asks() -> None:
    """Fired at 80; at 60, between 50 and 70, with another `if`; back at 100 it was never below 50."""
    out = {"out": {"when": {"event": "chat_closed"}, "points": -20, "decay": "none"}}
    before = spec(alerts=HOT)
    before["engagement"].update(out)
    asking = spec(alerts={"hot": {**HOT["hot"], "if": {"sessions": {"gte": 1}}}})
    asking["engagement"].update(out)
    fed = lead(before)
    fed.feed(segment("chat_closed", T0 + MINUTE))
    after(fed, asking).feed(segment("chat", T0 + 2 * MINUTE))
    assert fed.alerts() == ["hot"]
