"""The reference itself, by hand: where it and the engine agree, they must not agree on something wrong."""

from typing import Any

import pytest

from tests.build import DAY, HOUR, MINUTE, T0
from tests.reference.alerts import reports
from tests.reference.events import Seen, Spec, accepted
from tests.reference.score import score
from tests.reference.signals import derived

CHATS = {"when": {"event": "chat"}, "points": 10}


def spec_of(**rule: Any) -> Spec:
    return {"bands": {"warm": 30, "hot": 80}, "engagement": {"chats": {**CHATS, **rule}}}


def chats(*times_ms: int, **changes: Any) -> list[Seen]:
    return [Seen("chat", T0 + at_ms, **changes) for at_ms in times_ms]


@pytest.mark.parametrize(
    ("rule", "total"),
    [
        # Chats at 0:00, 0:30, 6:00 and 25:00, asked at 48:00.
        ({"decay": "none"}, 40),
        ({"half_life": "24h"}, 10 * (2**-2 + 2 ** -(47.5 / 24) + 2 ** -(42 / 24) + 2 ** -(23 / 24))),
        # The third day: the first day's three are over in a window of two days.
        ({"window": "2d"}, 10),
        ({"window": "3d"}, 40),
        # One an hour: 0:00 and 0:30 are one, whole until 1:00; 6:00 until 7:00, 25:00 until 26:00.
        ({"limit": "1 per 1h", "half_life": "1h"}, 10 * (2**-47 + 2**-41 + 2**-22)),
        # The window of 7 days ends on Thursday, 26 November: 1970 began on one. Until then two count in full.
        ({"limit": "2 per 7d", "half_life": "1h"}, 20),
        ({"limit": "once", "half_life": "24h"}, 10 / 4),
        ({"decay": "none", "points": 30}, 100),
        ({"decay": "none", "max": 15}, 15),
        ({"decay": "none", "points": -30}, 0),
    ],
)
def test_a_rules_points(rule: Spec, total: float) -> None:
    events = chats(0, 30 * MINUTE, 6 * HOUR, 25 * HOUR)
    assert score(spec_of(**rule), events, T0 + 48 * HOUR).total == pytest.approx(total, rel=1e-12)


def test_times_adds_what_is_a_number_above_0_up_to_its_bound() -> None:
    """min(3, 4) + min(9, 4) = 7, twice counted; the others do not count."""
    events = [Seen("chat", T0, properties={"n": value}) for value in (3, 9, 0, -1, None, True, "5", float("inf"), [2])]
    said = score(spec_of(decay="none", points=2, times="properties.n", times_max=4), events, T0)
    assert said.contributions == {("engagement", "chats"): (14, 2)}


def test_clamps_act_in_their_order() -> None:
    """60 + 60 → rule 50 + 60 → group 100 → + fit 30 − 50 → 0.5 × 100 + 2 × (−20) = 10."""
    spec = {
        **spec_of(decay="none", points=60, max=50, group="web"),
        "groups": {"web": {"max": 100}},
        "total": {"engagement": 0.5, "fit": 2},
        "fit": {"a": {"when": {"traits.a": 1}, "points": 30}, "b": {"when": {"traits.b": "x"}, "points": -50}},
    }
    spec["engagement"] = {**spec["engagement"], "more": {**spec["engagement"]["chats"], "max": 70}}
    said = score(spec, [*chats(0), Seen("identify", T0, traits={"a": 1, "b": "X"})], T0)
    assert said.clamps == {("engagement", "rule:chats"): -10, ("engagement", "group:web"): -10}
    assert (said.engagement, said.fit, said.total) == (100, 0, 10)


def test_the_latest_trait_counts_and_the_earliest_of_once() -> None:
    spec = {**spec_of(limit="once", half_life="1h"), "fit": {"a": {"when": {"traits.a": "new"}, "points": 5}}}
    events = [*chats(HOUR, 0), Seen("identify", T0 + HOUR, traits={"a": "new"}), Seen("identify", T0, traits={"a": 1})]
    assert score(spec, events, T0 + HOUR).total == 10 / 2 + 5


def test_what_counts_is_in_time_and_new() -> None:
    """96 h late, 5 minutes ahead; a messageId again within a day."""
    late_ms, ahead_ms = 96 * HOUR, 5 * MINUTE
    seen = [Seen("chat", T0 - late_ms - 1, recorded_ms=T0), Seen("chat", T0 - late_ms, recorded_ms=T0)]
    seen += [Seen("chat", T0 + ahead_ms, recorded_ms=T0), Seen("chat", T0 + ahead_ms + 1, recorded_ms=T0)]
    assert [one.at_ms for one in accepted({}, seen)] == [T0 - late_ms, T0]
    repeated = chats(0, DAY, DAY + 1, id="m")
    assert [one.at_ms for one in accepted({}, repeated)] == [T0, T0 + DAY + 1]


def test_score_alerts_turn_with_hysteresis_and_by_silence() -> None:
    """4 × 10 = 40 crosses 30. It falls below 30 after log2(40 / 30) = 0.41503749927884376 half-lives of a day."""
    spec = {
        **spec_of(half_life="1d"),
        "alerts": {"up": {"crosses": 30, "rearm_below": 20}, "down": {"falls_below": 30, "rearm_above": 40}},
    }
    events = [*chats(0, 0, 0, 0), *chats(DAY), *chats(3 * DAY, 3 * DAY, 3 * DAY)]
    fall_ms = T0 + 35_859_240
    # After one day 20 + 10 = 30: no turn, since it never was below 20. After three 7.5: armed, and 37.5 crosses again.
    came = [(report.alert, report.at_ms) for report in reports(spec, events, T0 + 9 * DAY)]
    assert came == [("up", T0), ("down", fall_ms), ("up", T0 + 3 * DAY)]


def test_signals_follow_from_order_and_silence() -> None:
    """Two pages, the second read while a form is begun twice and left; a return after a week for one page."""
    day_ms = 7 * DAY
    events = [
        Seen("page_view", T0, "/a"),
        Seen("page_view", T0 + 61_000, "/b"),
        Seen("form_start", T0 + 2 * MINUTE),
        Seen("form_start", T0 + 5 * MINUTE),
        Seen("page_view", T0 + 5 * MINUTE + day_ms, "/c"),
    ]
    signals = [(seen.signal, seen.at_ms - T0) for seen in derived(events, T0 + 8 * DAY) if seen.signal]
    assert signals == [
        ("session_start", 0),
        ("dwell", 61_000),
        ("dwell", 2 * MINUTE),
        ("dwell", 5 * MINUTE),
        ("session_end", 35 * MINUTE),
        ("form_abandoned", 35 * MINUTE),
        ("session_start", 5 * MINUTE + day_ms),
        ("return_visit", 5 * MINUTE + day_ms),
        ("session_end", 35 * MINUTE + day_ms),
        ("bounce", 35 * MINUTE + day_ms),
    ]
