"""Alerts: armed, fired, cooling, held back by `if`; against a slow scorer that keeps every event."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests import oracle
from tests.build import DAY, HOUR, MINUTE, T0, Profiles, model, page, segment
from tests.oracle import Seen, Spec
from tests.stories import BROAD, RECORDED_MS, as_event, instants, specs, visits

identified = st.builds(Seen, st.just("identify"), instants, user=st.just("ada@example.com"))
with_ids = st.builds(Seen, st.sampled_from(("demo_request", "page_view")), instants, id=st.sampled_from("abc"))
stories = st.lists(visits | identified | with_ids, min_size=1, max_size=14)


def watched(alert: dict[str, Any], points: int = 50, half_life: str = "1d", **rule: Any) -> Profiles:
    """Profiles with one rule on chats and one alert."""
    chat = {"when": {"event": "chat"}, "points": points, "half_life": half_life, **rule}
    return Profiles(model({"engagement": {"chat": chat}, "alerts": {"hot": alert}}))


@BROAD
@given(specs(), stories)
def test_alerts_fire_when_and_only_when_the_slow_scorer_says(spec: Spec, events: list[Seen]) -> None:
    fed = Profiles(model(spec))
    came = []
    for place, seen in enumerate(events):
        before = len(fed.outputs)
        fed.feed(as_event(seen), at_ms=RECORDED_MS)
        fresh = [output for output in fed.outputs[before:] if output.topic == "lead-alerts"]
        came += [(place, alert) for alert in fed.alerts()[len(fed.alerts()) - len(fresh) :]]
    assert came == oracle.alerts(spec, events)


def test_the_first_event_of_a_lead_can_fire() -> None:
    fed = watched({"crosses": "hot"}, points=80)
    fed.feed(segment("chat"))
    assert fed.alerts() == ["hot"]


def test_a_bound_jumped_over_counts() -> None:
    fed = watched({"crosses": 60})
    fed.feed(segment("chat"), segment("chat"))
    alert = fed.on("lead-alerts")[0]
    assert (alert["from"], alert["to"]) == (50.0, 100.0)


def test_no_crossing_fires_twice_without_the_score_having_been_below_rearm_below() -> None:
    """At 50, 100, 75 (above 40: still fired) and 100 again once; below 40 it is armed anew."""
    fed = watched({"crosses": 60, "rearm_below": 40})
    fed.feed(segment("chat"), segment("chat", T0 + 1), segment("chat", T0 + DAY))
    assert fed.alerts() == ["hot"]
    fed.feed(segment("chat", T0 + 3 * DAY))
    assert fed.alerts() == ["hot", "hot"]


def test_a_score_of_exactly_rearm_below_is_not_below_it() -> None:
    for rearm_below, fires in ((40, ["hot"]), (40.001, ["hot", "hot"])):
        chat, out = ({"when": {"event": name}, "points": points} for name, points in (("chat", 60), ("out", -20)))
        alerts = {"hot": {"crosses": 60, "rearm_below": rearm_below}}
        fed = Profiles(model({"engagement": {"chat": chat, "out": out}, "alerts": alerts}))
        fed.feed(segment("chat"), segment("out"), segment("chat"))
        assert fed.alerts() == fires


def test_in_the_cool_down_it_turns_fired_silently_and_does_not_fire_later() -> None:
    """Armed again and crossed a minute before the cool-down ends: silent, and silent after it until armed anew."""
    fed = watched({"crosses": 50, "rearm_below": 40, "cooldown": "10d"}, half_life="1h")
    end = T0 + 10 * DAY
    fed.feed(segment("chat"), segment("chat", end - MINUTE), segment("chat", end + MINUTE))
    assert fed.alerts() == ["hot"]
    assert fed.score()["total"] > 95
    fed.feed(segment("chat", end + DAY))
    assert fed.alerts() == ["hot", "hot"]


def test_while_if_is_false_it_stays_armed_and_fires_when_it_becomes_true() -> None:
    """An anonymous hot lead alerts when it becomes known; nothing rose, so no rule is the reason."""
    fed = watched({"crosses": 50, "if": {"known": True}})
    fed.feed(segment("chat"))
    assert fed.alerts() == []
    fed.feed(segment("identify", userId="ada@example.com"))
    alert = fed.on("lead-alerts")[0]
    assert (alert["lead"], alert["reason"]) == (
        "ada@example.com",
        "score went from 50.0 to 50.0, across 50",
    )


def test_an_alert_says_what_a_rep_needs() -> None:
    """Who, score, band, what changed, the pages, and the record that caused it, by its messageId."""
    fed = watched({"crosses": "hot", "priority": "high", "label": "Hot lead"}, points=45, label="Chatted")
    fed.feed(page("/pricing"), segment("chat"), segment("chat", T0 + 5, messageId="m\x07-2"))
    alert = fed.on("lead-alerts")[0]
    assert {key: alert[key] for key in ("lead", "alert", "label", "priority", "band", "total", "owner")} == {
        "lead": "ada",
        "alert": "hot",
        "label": "Hot lead",
        "priority": "high",
        "band": "hot",
        "total": alert["to"],
        "owner": None,
    }
    assert alert["reason"] == "Chatted: score went from 45.0 to 90.0, across hot (80)"
    assert alert["cause"] == {
        "topic": "visitor-events",
        "partition": 0,
        "offset": 2,
        "event": "m-2",
        "name": "chat",
        "time": "2026-11-23T00:00:00.005Z",
    }
    assert [one["path"] for one in alert["pages"]] == ["/pricing"]
    assert [one["rule"] for one in alert["top"]] == ["chat"]
    assert alert["ids"] == {"user": None, "anonymous": ["ada"]}


def test_a_replay_gives_an_alert_the_same_id() -> None:
    first, again = watched({"crosses": 50}), watched({"crosses": 50})
    first.feed(segment("chat"))
    again.feed(segment("chat"))
    assert first.outputs[0] == again.outputs[0]


def test_a_fast_track_rule_qualifies_at_once_and_then_cools_down_for_a_day() -> None:
    fed = watched({"fast_track": True}, points=1, fast_track=True)
    fed.feed(segment("chat"), segment("chat", T0 + DAY - 1))
    assert fed.alerts() == ["hot"]
    assert fed.row().fast_track
    fed.feed(segment("chat", T0 + DAY))
    assert fed.alerts() == ["hot", "hot"]


def test_the_reason_of_a_fast_track_is_its_own_rule_whatever_else_matched() -> None:
    chat, fast = ({"when": {"event": "chat"}, "points": points} for points in (50, 1))
    rules = {"chat": chat, "fast": {**fast, "fast_track": True}}
    fed = Profiles(model({"engagement": rules, "alerts": {"hot": {"fast_track": True}}}))
    fed.feed(segment("chat"))
    assert fed.on("lead-alerts")[0]["reason"] == "fast: qualifies at once, at a score of 51.0"


def test_an_event_more_than_an_hour_older_than_the_rows_now_fires_no_fast_track() -> None:
    late = watched({"fast_track": True}, fast_track=True)
    late.feed(page("/", T0 + HOUR), segment("chat", T0), at_ms=T0 + HOUR)
    assert late.alerts() == ["hot"]
    later = watched({"fast_track": True}, fast_track=True)
    later.feed(page("/", T0 + HOUR + 1), segment("chat", T0), at_ms=T0 + HOUR + 1)
    assert (later.alerts(), later.row().fast_track) == ([], True)


def test_an_import_fires_nothing_and_leaves_the_alert_on_the_side_it_stands_on() -> None:
    fed = watched({"crosses": 50, "rearm_below": 40})
    fed.feed(segment("chat", context={"channel": "import"}), segment("chat", T0 + MINUTE))
    assert (fed.alerts(), fed.score()["total"] > 99) == ([], True)
    fed.feed(segment("chat", T0 + 3 * DAY))
    assert fed.alerts() == ["hot"]
