"""The score and its explanation, against a slow scorer that keeps every event."""

from math import log2
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.instants import from_rfc3339
from engine.core.scoring import next_band, total_of
from tests import oracle
from tests.build import DAY, HOUR, T0, Profiles, model, page, segment
from tests.oracle import Seen, Spec
from tests.stories import BROAD, LAWFUL, RECORDED_MS, as_event, specs, visits

stories = st.lists(visits, min_size=1, max_size=12)
silences = st.integers(0, 40 * DAY)


def profiles(spec: Spec, events: list[Seen]) -> Profiles:
    fed = Profiles(model(spec))
    fed.feed(*map(as_event, events), at_ms=RECORDED_MS)
    return fed


def tolerance(score: dict[str, Any]) -> float:
    gross: float = sum(abs(one["points"]) for one in score["contributions"])
    return 1e-9 * max(1.0, gross)


def same(score: dict[str, Any], expected: oracle.Score) -> None:
    """Totals, contributions and clamps agree to 1e-9 × max(1, Σ |contributions|)."""
    within = tolerance(score)
    assert score["total"] == pytest.approx(expected.total, abs=within)
    assert score["engagement"] == pytest.approx(expected.engagement, abs=within)
    points = {one["rule"]: one["points"] for one in score["contributions"]}
    assert points == pytest.approx(expected.contributions, abs=within)
    clamps = {(one["part"], one["clamp"]): one["points"] for one in score["clamps"]}
    shown, needed = ({name: one for name, one in of.items() if abs(one) > within} for of in (clamps, expected.clamps))
    assert shown == pytest.approx(needed, abs=within)


@BROAD
@given(specs(), stories, silences)
def test_the_score_is_the_slow_scorers(spec: Spec, events: list[Seen], silence: int) -> None:
    at_ms = max(seen.at_ms for seen in events) + silence
    same(profiles(spec, events).score(at_ms=at_ms), oracle.score(spec, events, at_ms))


@LAWFUL
@given(specs(), stories.flatmap(lambda drawn: st.tuples(st.just(drawn), st.permutations(drawn))))
def test_the_order_of_arrival_does_not_matter(spec: Spec, orders: tuple[list[Seen], list[Seen]]) -> None:
    at_ms = max(seen.at_ms for seen in orders[0])
    there, back = (profiles(spec, order).score(at_ms=at_ms) for order in orders)
    assert there["total"] == pytest.approx(back["total"], abs=tolerance(there))
    points = [{one["rule"]: one["points"] for one in score["contributions"]} for score in (there, back)]
    assert points[0] == pytest.approx(points[1], abs=tolerance(there))


@BROAD
@given(specs(), stories, silences)
def test_contributions_and_clamps_add_up_to_a_total_within_the_scale(
    spec: Spec, events: list[Seen], silence: int
) -> None:
    """No clamp is shown that clamps nothing, and the largest contributions come first."""
    score = profiles(spec, events).score(at_ms=max(seen.at_ms for seen in events) + silence)
    points = [one["points"] for one in score["contributions"]]
    clamps = [one["points"] for one in score["clamps"]]
    assert sum(points) + sum(clamps) == pytest.approx(score["total"], abs=tolerance(score))
    assert 0 <= score["total"] <= spec["scale"]
    assert 0 not in clamps
    assert [abs(one) for one in points] == sorted(map(abs, points), reverse=True)


@LAWFUL
@given(st.sampled_from([HOUR, DAY, 30 * DAY]), st.integers(1, 100))
def test_after_one_half_life_of_silence_half_is_left(half_life: int, points: int) -> None:
    """Exactly half, and exactly a quarter after two."""
    rule = {"when": {"event": "page_view"}, "points": points, "half_life": f"{half_life // 1000}s"}
    fed = Profiles(model({"engagement": {"view": rule}}))
    fed.feed(page("/"))
    totals = [fed.score(at_ms=T0 + past * half_life)["total"] for past in range(3)]
    assert totals == [points, points / 2, points / 4]


def test_clamps_go_from_the_rule_to_the_group_to_the_scale() -> None:
    """Ten pricing pages: 100 points, to 50 by the rule, with ten page views to 55 by the group, and so on."""
    when = {"event": "page_view", "page.path": "/pricing*"}
    spec = {
        "scale": 70,
        "bands": {"warm": 30},
        "groups": {"web": {"max": 55}},
        "engagement": {
            "view": {"when": {"event": "page_view"}, "points": 1, "group": "web"},
            "pricing": {"when": when, "points": 10, "max": 50, "group": "web"},
            "demo": {"when": {"event": "demo_request"}, "points": 25, "label": "Demo"},
        },
    }
    fed = Profiles(model(spec))
    fed.feed(*[page("/pricing") for _ in range(10)], segment("demo_request"))
    score = fed.score()
    shown = [(one["rule"], one["points"], one["count"], one["label"]) for one in score["contributions"]]
    assert shown == [("pricing", 100.0, 10, None), ("demo", 25.0, 1, "Demo"), ("view", 10.0, 10, None)]
    assert score["clamps"] == [
        {"part": "engagement", "clamp": "rule:pricing", "points": -50.0},
        {"part": "engagement", "clamp": "group:web", "points": -5.0},
        {"part": "engagement", "clamp": "scale", "points": -10.0},
    ]
    assert (score["total"], score["band"]) == (70.0, "warm")


@pytest.mark.parametrize(("points", "clamps"), [(100, []), (100.5, [-0.5])])
def test_no_total_is_above_the_scale(points: float, clamps: list[float]) -> None:
    fed = Profiles(model({"engagement": {"view": {"when": {"event": "page_view"}, "points": points}}}))
    fed.feed(page("/"))
    assert (fed.score()["total"], [one["points"] for one in fed.score()["clamps"]]) == (100, clamps)


def test_deductions_lower_the_total_to_nothing_and_show_no_negative_engagement() -> None:
    """A rule's `max` bounds deductions too; below 0 the clamp `floor` of part `total` makes up for it."""
    spec = {"engagement": {"out": {"when": {"event": "unsubscribe"}, "points": -20, "max": 30}}}
    fed = Profiles(model(spec))
    fed.feed(segment("unsubscribe"), segment("unsubscribe"))
    score = fed.score()
    assert (score["total"], score["engagement"], score["band"]) == (0.0, 0.0, "cold")
    assert score["clamps"] == [
        {"part": "engagement", "clamp": "rule:out", "points": 10.0},
        {"part": "total", "clamp": "floor", "points": 30.0},
    ]


@pytest.mark.parametrize(("points", "band"), [(79.9, "warm"), (80, "hot"), (30, "warm"), (29.9, "cold")])
def test_a_total_that_is_exactly_a_bound_is_in_its_band(points: float, band: str) -> None:
    fed = Profiles(model({"engagement": {"view": {"when": {"event": "page_view"}, "points": points}}}))
    fed.feed(page("/"))
    assert fed.score()["band"] == band


@BROAD
@given(specs(deductions=False), stories)
def test_next_band_at_is_the_first_ms_at_which_the_band_differs(spec: Spec, events: list[Seen]) -> None:
    """None exactly for cold leads; without deductions the band before it never differs."""
    fed = profiles(spec, events)
    score = fed.score()
    assert (score["next_band_at"] is None) == (score["band"] == "cold")
    if score["next_band_at"] is not None:
        change_ms = from_rfc3339(score["next_band_at"])
        now_ms = fed.row().now_ms
        before = [now_ms + (change_ms - 1 - now_ms) * step // 20 for step in range(21)]
        assert {fed.score(at_ms=at_ms)["band"] for at_ms in before} == {score["band"]}
        assert fed.score(at_ms=change_ms)["band"] != score["band"]


@LAWFUL
@given(specs(), stories)
def test_next_band_at_is_a_change_of_band_where_deductions_fade_too(spec: Spec, events: list[Seen]) -> None:
    fed = profiles(spec, events)
    score = fed.score()
    if score["next_band_at"] is not None:
        change_ms = from_rfc3339(score["next_band_at"])
        assert fed.score(at_ms=change_ms)["band"] != score["band"]
        assert fed.score(at_ms=change_ms - 1)["band"] == score["band"]


def test_a_fading_deduction_can_lift_a_silent_lead() -> None:
    slow = {"when": {"event": "page_view"}, "points": 60, "half_life": "365d"}
    quick = {"when": {"event": "unsubscribe"}, "points": -40, "half_life": "1d"}
    fed = Profiles(model({"engagement": {"slow": slow, "quick": quick}}))
    fed.feed(page("/"), segment("unsubscribe"))
    score = fed.score()
    assert score["band"] == "cold"
    change_ms = from_rfc3339(score["next_band_at"])
    assert [fed.score(at_ms=change_ms + offset)["band"] for offset in (-1, 0)] == ["cold", "warm"]


def test_next_band_is_found_whatever_the_half_lives() -> None:
    """Where all that is left has faded to zero, and where no calendar holds the day, which then is null."""
    spec = {
        "engagement": {
            "brief": {"when": {"event": "page_view"}, "points": 50, "half_life": "1s"},
            "empty": {"when": {"event": "page_view"}, "points": 0, "half_life": "9999d"},
        }
    }
    brief = Profiles(model(spec))
    brief.feed(page("/"))
    assert brief.score()["next_band_at"] == "2026-11-23T00:00:00.737Z"
    endless = Profiles(model({"engagement": {"view": {**spec["engagement"]["brief"], "half_life": "9999999d"}}}))
    endless.feed(page("/"))
    assert endless.score()["next_band_at"] is None


def test_next_band_is_found_where_a_clamp_holds_the_total_exactly_on_the_bound() -> None:
    """200 points kept to 30 stay 30, which is warm, until 2.7 half-lives have passed."""
    rule = {"when": {"event": "page_view"}, "points": 200, "max": 30, "half_life": "100d"}
    fed = Profiles(model({"engagement": {"view": rule}}))
    fed.feed(page("/"))
    change_ms = from_rfc3339(fed.score()["next_band_at"])
    assert [fed.score(at_ms=change_ms + offset)["band"] for offset in (-1, 0)] == ["warm", "cold"]
    assert change_ms == pytest.approx(T0 + 100 * DAY * log2(200 / 30), abs=1)


def test_an_entry_of_a_rule_that_is_gone_is_kept_and_unread() -> None:
    now = model({"engagement": {"view": {"when": {"event": "page_view"}, "points": 50}}})
    ledger = {"gone": (3.0, 0, 3), "view": (1.0, 0, 1)}
    assert total_of(now, ledger, 0) == 50.0
    assert total_of(now, {"gone": (3.0, 0, 3)}, 0) == 0.0
    assert next_band(now, {"gone": (3.0, 0, 3)}, 0, total=0.0) is None
