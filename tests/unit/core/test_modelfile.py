"""model.yaml: what it means, and what is said about every mistake."""

from math import inf
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from engine.core.model import COLD, STAGES, Cycle, Model
from engine.core.modelfile import load_model
from engine.core.names import Vocabulary, load_names
from engine.core.source import ConfigError
from engine.core.triggers import Alert, Crosses, Enters, FallsBelow, FastTrack, Gains, SilentFor, When
from tests.build import DAY, HOUR, MINUTE, T0, decoded, model, segment

ROOT = Path(__file__).parents[3]
GOLDEN = ROOT / "tests" / "golden"
MISTAKES = sorted((GOLDEN / "mistakes").glob("*.yaml"))
RULE = {"when": {"event": "page_view"}, "points": 1}
EVENTS = ("page_view", "screen_view", "identify", "chat")


def said(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load_model(text, "model.yaml")
    return str(caught.value)


def one_rule(**changes: Any) -> Any:
    return model({"groups": {"g": {"max": 5}}, "engagement": {"r": {**RULE, **changes}}}).rules["r"]


def triggers(alerts: dict[str, Any], **more: Any) -> list[Any]:
    return [alert.trigger for alert in model({"alerts": alerts, **more}).alerts]


def test_every_mistake_is_named_in_one_run_with_its_place_and_what_would_be_right() -> None:
    assert said((GOLDEN / "mistakes.yaml").read_text()) + "\n" == (GOLDEN / "mistakes.txt").read_text()


@pytest.mark.parametrize("file", MISTAKES, ids=lambda file: file.stem)
def test_a_broken_model_is_told_what_stands_at_its_head(file: Path) -> None:
    """Each file in `mistakes/` begins with what the user is told about it, as comments."""
    text = file.read_text()
    told = [line.removeprefix("# ") for line in text.splitlines() if line.startswith("# ")]
    assert said(text).splitlines() == told


def test_there_are_broken_models_for_every_kind_of_mistake() -> None:
    assert len(MISTAKES) >= 20


def test_an_empty_file_is_a_model_of_defaults() -> None:
    empty = load_model("", "model.yaml")
    assert (empty.scale, empty.publish_from, empty.rules, empty.alerts) == (100, 30, {}, ())
    assert (empty.engagement_weight, empty.fit_weight) == (1, 1)
    assert [(band.name, band.bound) for band in empty.bands] == [(COLD, -inf), ("warm", 30), ("hot", 80)]
    assert [(grade.name, grade.bound) for grade in empty.grades] == [("D", -inf), ("C", 1), ("B", 10), ("A", 20)]
    assert (empty.stages, empty.cycle, empty.actions_limit, empty.suppress) == ((), (), None, None)
    assert (empty.signals, empty.counted, empty.fit_of_nobody) == (frozenset(), frozenset(), 0)


def test_bands_and_grades_stand_in_the_order_of_their_bounds() -> None:
    loaded = model({"bands": {"hot": 80, "warm": 30, "boiling": 95}, "grades": {"top": 50, "fair": 20}})
    assert [band.name for band in loaded.bands] == [COLD, "warm", "hot", "boiling"]
    assert [loaded.grade(fit) for fit in (0, 20, 49.9, 50)] == ["D", "fair", "fair", "top"]


def test_a_model_without_the_band_warm_publishes_from_its_lowest() -> None:
    assert model({"bands": {"hot": 80, "tepid": 10}}).publish_from == 10
    assert model({"publish_from": "cold"}).publish_from == -inf


def test_a_rule_decays_by_its_own_half_life_by_whole_days_or_not_at_all() -> None:
    """The default is 30 days; `window` and `decay: none` have no half-life, so it is infinite."""
    assert one_rule().half_life_ms == 30 * DAY
    own = model({"engagement": {"r": RULE, "s": {**RULE, "half_life": "2h"}}, "defaults": {"half_life": "7d"}})
    assert [rule.half_life_ms for rule in own.rules.values()] == [7 * DAY, 2 * HOUR]
    windowed, lasting = one_rule(window="60d"), one_rule(decay="none")
    assert (windowed.half_life_ms, windowed.window_days) == (inf, 60)
    assert (lasting.half_life_ms, lasting.window_days) == (inf, None)
    assert model({"engagement": {"r": {**RULE, "window": "2d"}}}).terms["r"] == (1, inf, None, None, 2)


@pytest.mark.parametrize(
    ("limit", "read"),
    [
        (None, (None, 0, False)),
        ("once", (None, 0, True)),
        ("3 per 1d", (3, DAY, False)),
        ("1 per 1h30m", (1, 90 * MINUTE, False)),
        ("2 per 90d", (2, 90 * DAY, False)),
    ],
)
def test_a_limit_is_once_or_a_number_per_duration(limit: str | None, read: tuple[int | None, int, bool]) -> None:
    rule = one_rule(**({} if limit is None else {"limit": limit}))
    assert (rule.limit, rule.limit_ms, rule.once) == read


def test_times_counts_an_amount_of_the_event() -> None:
    loaded = model(
        {"engagement": {"r": {"when": {"event": "purchase"}, "points": 0.1, "times": "properties.sum", "times_max": 9}}}
    )
    rule = loaded.rules["r"]
    assert rule.times is not None
    assert rule.times(decoded(loaded, segment("purchase", properties={"sum": 12.5}))) == 12.5
    assert rule.times_max == 9


def test_a_rule_has_a_group_a_max_sources_and_a_label() -> None:
    rule = one_rule(group="g", max=3, sources=["web", "email"], label="Read", fast_track=True)
    assert (rule.group, rule.max, rule.sources, rule.label) == ("g", 3, {"web", "email"}, "Read")
    assert rule.fast_track
    assert one_rule(sources="web").sources == {"web"}


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


def test_stages_cycle_and_limits() -> None:
    loaded = model(
        {
            "stages": {"marketingqualifiedlead": {"total": {"gte": 80}}, "lead": {"known": True}},
            "stage_names": {"marketingqualifiedlead": "Prospect"},
            "cycle": [{"if": {"traits.b2b": True}, "for": "180d"}, {"for": "14d"}],
            "actions_limit": "3 per 1d",
            "suppress": {"counts.unsubscribe": {"gte": 1}},
        }
    )
    assert [stage for stage, _ in loaded.stages] == [1, 2]
    assert loaded.stage_names == {"marketingqualifiedlead": "Prospect"}
    assert [cycle.for_ms // DAY for cycle in loaded.cycle] == [180, 14]
    shop = SimpleNamespace(traits={})
    assert [cycle.holds(shop) for cycle in loaded.cycle] == [False, True]
    assert loaded.actions_limit == (3, DAY)
    assert loaded.suppress is not None
    assert loaded.suppress(SimpleNamespace(counts={"unsubscribe": 1}))
    assert not loaded.suppress(SimpleNamespace(counts={}))
    (always,) = model({"cycle": "30d"}).cycle
    assert isinstance(always, Cycle)
    assert (always.holds(shop), always.for_ms) == (True, 30 * DAY)


def test_the_fit_of_nobody_is_known_where_fit_reads_traits_only() -> None:
    """A condition that something is missing holds for who says nothing."""
    unnamed = {"when": {"traits.company": {"exists": False}}, "points": -3}
    assert model({"fit": {"a": unnamed}}).fit_of_nobody == -3
    assert model({"fit": {"a": unnamed, "b": {"when": {"country": "US"}, "points": 1}}}).fit_of_nobody is None


@pytest.mark.parametrize(
    ("when", "seen", "signals"),
    [
        ({"page.path": "/x*"}, {"page_view", "screen_view"}, set()),
        ({"event": "chat"}, {"chat"}, set()),
        ({"event": ["chat", "Page_View"]}, {"chat", "page_view"}, set()),
        ({"event": "*view"}, {"page_view", "screen_view"}, set()),
        ({"not": {"event": "chat"}}, {"page_view", "screen_view", "identify"}, set()),
        ({"any": [{"event": "chat"}, {"page.path": "/x"}]}, set(EVENTS), set()),
        ({"all": [{"event": "chat"}, {"page.path": "/x"}]}, {"chat"}, set()),
        ({"event": "chat", "page.path": "/y"}, set(), set()),
        ({"signal": "dwell"}, set(), {"dwell"}),
        ({"signal": ["dwell", "bounce"], "page.path": "/x"}, set(), {"dwell", "bounce"}),
        ({"any": [{"event": "chat"}, {"signal": "dwell"}]}, {"chat"}, {"dwell"}),
        ({"not": {"any": [{"signal": ["dwell", "session_*", "*abandoned"]}, {"event": {"exists": True}}]}}, set(),
         {"bounce", "return_visit", "video_watched"}),
        ({"signal": "dwell", "event": "chat"}, set(), set()),
    ],
)  # fmt: skip
def test_a_rule_sees_the_events_and_signals_that_it_names_else_views(
    when: Any, seen: set[str], signals: set[str]
) -> None:
    """And looks at no more than it can hold for, however the condition says so; only those signals are derived."""
    loaded = model({"engagement": {"r": {"when": when, "points": 1}}})
    events = [decoded(loaded, segment(name, context={"page": {"path": "/x"}})) for name in EVENTS]
    held = {event.name for event in events if any(rule.holds(event) for rule in loaded.readers_of(event.name).rules)}
    assert held == seen
    assert set(loaded.readers_by_signal) == set(loaded.signals) == signals


def test_readers_are_found_by_name_in_the_models_order() -> None:
    chat, any_event = {"event": "chat"}, {"event": {"exists": True}}
    loaded = model(
        {
            "engagement": {
                name: {"when": when, "points": 1} for name, when in zip("abc", (chat, any_event, chat), strict=True)
            },
            "conversions": {"sale": {"when": {"event": "purchase"}}},
            "alerts": {"w": {"when": chat, "not_followed_by": {"event": "call"}, "within": "5m"}},
        }
    )
    assert [rule.id for rule in loaded.readers_of("chat").rules] == ["a", "b", "c"]
    assert [rule.id for rule in loaded.readers_of("never named").rules] == ["b"]
    assert [alert.id for alert, _ in loaded.readers_of("chat").whens] == ["w"]
    assert [alert.id for alert, _ in loaded.readers_of("call").followers] == ["w"]
    assert [conversion.id for conversion in loaded.readers_of("purchase").conversions] == ["sale"]


def test_what_finding_by_name_decides_is_not_asked_again() -> None:
    """Two rules with nothing else in their condition share the test that is always true."""
    loaded = model(
        {"engagement": {"a": {"when": {"event": "chat"}, "points": 1}, "b": {"when": {"signal": "dwell"}, "points": 1}}}
    )
    assert loaded.rules["a"].holds is loaded.rules["b"].holds


def test_counted_is_what_conditions_name_wherever_they_do() -> None:
    loaded = model(
        {
            "engagement": {"r": {"when": {"any": [{"event": ["a", "b*"]}, {"not": {"event": "c"}}]}, "points": 1}},
            "conversions": {"v": {"when": {"event": "purchase"}}},
            "alerts": {"h": {"crosses": "hot", "if": {"counts.email_open": {"gt": 1}, "counts.dwell": {"lt": 9}}}},
            "suppress": {"event": "refund"},
        }
    )
    assert loaded.counted == {"a", "c", "purchase", "email_open", "dwell", "refund"}
    assert loaded.signals == {"dwell"}


def test_what_routing_reads_is_decoded_counted_and_remembered() -> None:
    loaded = load_model("", "model.yaml", None, ("traits.plan", "counts.chat", "country"))
    assert loaded.reads == {"traits.plan", "counts.chat", "country"}
    assert loaded.counted == {"chat"}
    assert loaded.places == ("country",)
    event = decoded(loaded, segment("identify", traits={"plan": "gold"}))
    assert loaded.decoder.traits_of(event) == {"plan": "gold"}


def test_falls_are_watched_from_the_lowest_bound() -> None:
    """Of the total; an engagement may fall whatever the total is."""
    assert model({}).watched_from == 30
    assert model({"alerts": {"a": {"falls_below": 12}}}).watched_from == 12
    assert model({"alerts": {"a": {"falls_below": 12, "score": "engagement"}}}).watched_from == -inf


def test_the_version_is_a_hash_of_what_the_files_say() -> None:
    versions = {
        model({"scale": 100}).version,
        model({"scale": 101}).version,
        model({"scale": 100}, {"Order Completed": "purchase"}).version,
        load_model('{"scale": 100}', "", Vocabulary(paths={"a": ("properties.b",)})).version,
    }
    assert len(versions) == 4
    assert model({"scale": 100}).version in versions


def test_the_shipped_files_load() -> None:
    vocabulary = load_names((ROOT / "config/events.yaml").read_text(), "events.yaml")
    shipped: Model = load_model((ROOT / "config/model.yaml").read_text(), "model.yaml", vocabulary)
    assert shipped.rules
    assert all(isinstance(alert, Alert) for alert in shipped.alerts)


def test_a_row_leaves_1500_bytes_to_visitors() -> None:
    """An entry that counts by 90 days takes 90 × (3 + 5 + 5) bytes and some: one fits, two do not."""
    windowed = {**RULE, "window": "90d"}
    assert 90 * 13 < model({"engagement": {"r": windowed}}).row_bytes_max < 4_096 - 1_500
    with pytest.raises(ConfigError, match=r"engagement: a lead's row could take 2,\d\d\d bytes"):
        model({"engagement": {"r": windowed, "s": windowed}})


def test_hour_and_weekday_are_those_of_the_time_zone() -> None:
    """T0 is Monday 00:00 UTC: Sunday 19:00 in New York."""
    when = {"hour": 19, "weekday": "sun"}
    for zone, held in (("America/New_York", True), ("UTC", False)):
        loaded = model({"time_zone": zone, "engagement": {"r": {"when": when, "points": 1}}})
        assert loaded.rules["r"].holds(decoded(loaded, segment("page_view", T0))) is held
