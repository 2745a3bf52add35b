"""Alerts and actions of a model file: what they wait for, and what holds them back."""

from types import SimpleNamespace
from typing import Any

from engine.core.model import STAGES
from engine.core.triggers import Crosses, Enters, FallsBelow, FastTrack, Gains, SilentFor, When
from tests.build import DAY, MINUTE, decoded, model, segment


def triggers(alerts: dict[str, Any], **more: Any) -> list[Any]:
    return [alert.trigger for alert in model({"alerts": alerts, **more}).alerts]


def test_crossings_re_arm_a_tenth_of_the_scale_away_or_half_way() -> None:
    """80 − 10, 12/2 since 12 − 10 is less; 30 + 10, and 95 + 2.5 since 95 + 10 is beyond the scale."""
    alerts = {"a": {"crosses": "hot"}, "b": {"crosses": 12}, "c": {"falls_below": "warm"}, "d": {"falls_below": 95}}
    assert triggers(alerts) == [
        Crosses(80, 70, "hot"),
        Crosses(12, 6, None),
        FallsBelow(30, 40, "warm"),
        FallsBelow(95, 97.5, None),
    ]
    own = {"a": {"crosses": 20, "rearm_below": 19, "score": "fit"}, "b": {"falls_below": 5, "rearm_above": 5}}
    assert triggers(own) == [Crosses(20, 19, None, "fit"), FallsBelow(5, 5, None)]


def test_every_other_trigger() -> None:
    alerts = {
        "fast": {"fast_track": True},
        "gain": {"gains": 30, "within": "10m"},
        "silent": {"silent_for": "30d"},
        "enters": {"enters": "customer"},
        "when": {"when": {"event": "chat"}},
        "without": {"when": {"event": "chat"}, "not_followed_by": {"event": "call"}, "within": "30m"},
    }
    fast, gain, silent, enters, when, without = triggers(alerts)
    assert (fast, gain, silent) == (FastTrack(), Gains(30, 10), SilentFor(30 * DAY))
    assert enters == Enters(STAGES.index("customer"))
    assert isinstance(when, When)
    assert when.followed is None
    assert isinstance(without, When)
    assert without.followed is not None
    assert without.within_ms == 30 * MINUTE
    assert model({"alerts": alerts}).gains_minutes == 10


def test_cool_downs_are_a_day_but_for_scores() -> None:
    alerts: dict[str, Any] = {
        "crosses": {"crosses": "hot"},
        "falls": {"falls_below": "warm"},
        "when": {"when": {"event": "chat"}},
        "fast": {"fast_track": True},
        "enters": {"enters": "lead"},
        "silent": {"silent_for": "3d"},
        "gains": {"gains": 5, "within": "1m"},
        "own": {"crosses": "hot", "cooldown": "7d", "priority": "high", "label": "Hot"},
    }
    loaded = model({"alerts": alerts}).alerts
    assert [alert.cooldown_ms // DAY for alert in loaded] == [0, 0, 1, 1, 1, 1, 1, 7]
    assert [(alert.priority, alert.label) for alert in loaded[-2:]] == [("normal", None), ("high", "Hot")]


def test_actions_are_alerts_with_data_behind_the_alerts() -> None:
    """Each has a state of its own, also where it has an alert's name."""
    trigger = {"when": {"event": "chat"}}
    loaded = model({"actions": {"a": trigger, "b": {**trigger, "data": {"n": 1}}}, "alerts": {"a": trigger}})
    assert [(alert.id, alert.is_action) for alert in loaded.alerts] == [("a", False), ("a", True), ("b", True)]
    assert len({alert.state for alert in loaded.alerts}) == 3
    assert "unsubscribe" in loaded.counted


def test_data_of_an_action_is_filled_from_lead_and_event() -> None:
    """A template that is one field keeps the value's kind; what is missing is null, or nothing inside of text."""
    data = {
        "name": "{traits.firstName}",
        "hello": "Hi {traits.firstName}, {traits.gone}{properties.pages} pages",
        "pages": "{properties.pages}",
        "gone": "{traits.gone}",
        "fixed": True,
    }
    loaded = model({"actions": {"a": {"when": {"event": "chat"}, "data": data}}})
    event = decoded(loaded, segment("chat", properties={"pages": 3}))
    lead = SimpleNamespace(traits={"firstName": "Ada"}, event=event)
    templates = loaded.alerts[0].data
    assert templates is not None
    assert {name: template.fill(lead) for name, template in templates.items()} == {
        "name": "Ada",
        "hello": "Hi Ada, 3 pages",
        "pages": 3,
        "gone": None,
        "fixed": True,
    }


def fingerprint(**alert: Any) -> str:
    return model({"alerts": {"a": alert}}).alerts[0].fingerprint


def test_a_fingerprint_is_of_trigger_and_if_however_they_are_written() -> None:
    """Name, label, priority and cool-down do not belong to it."""
    first = fingerprint(when={"event": ["chat", "CALL"], "page.path": "/a"}, label="x")
    assert first == fingerprint(when={"page.path": "/A", "event": ["call", "chat"]}, cooldown="7d")
    others = [
        fingerprint(when={"event": "chat", "page.path": "/a"}),
        fingerprint(when={"event": ["chat", "call"], "page.path": "/a"}, **{"if": {"known": True}}),
        fingerprint(when={"event": "chat"}, not_followed_by={"event": "call"}, within="1m"),
        fingerprint(when={"event": "chat"}, not_followed_by={"event": "call"}, within="2m"),
        fingerprint(crosses="hot"),
        fingerprint(falls_below="hot"),
        fingerprint(crosses="hot", score="fit"),
        fingerprint(crosses="hot", rearm_below=60),
    ]
    assert len({first, *others}) == 1 + len(others)
