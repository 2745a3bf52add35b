"""The score as it is read off a row: one arithmetic for the score and for its explanation."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.profile import Row
from engine.core.scoring import engagement_of, explain, fit_now, score_at, total_of
from tests.build import DAY, T0, Profiles, model, page, segment
from tests.stories import LAWFUL, RECORDED_MS, Seen, Spec, as_event, specs, visits

stories = st.lists(visits, min_size=1, max_size=12)


@LAWFUL
@given(specs(), stories, st.integers(0, 40 * DAY))
def test_what_is_explained_is_what_is_scored(spec: Spec, events: list[Seen], silence: int) -> None:
    """To the last digit: the same function adds up both."""
    fed = Profiles(model(spec))
    fed.feed(*map(as_event, events), at_ms=RECORDED_MS)
    row = fed.row()
    at = row.now + silence
    score, explanation = score_at(fed.model, row, at, fit_now(fed.model, row)), explain(fed.model, row, at)
    assert explanation.total == score.total
    assert (explanation.engagement, explanation.fit) == (max(score.engagement, 0.0), max(score.fit, 0.0))


def lead(ledger: dict[str, Any]) -> Row:
    return Row(born_ms=T0, anonymous=True, ledger=ledger)


NOW = model({"engagement": {"view": {"when": {"event": "page_view"}, "points": 50}}})


def test_an_entry_of_a_rule_that_is_gone_is_kept_and_unread() -> None:
    row = lead({"gone": (3.0, 0, 3), "view": (1.0, 0, 1)})
    assert score_at(NOW, row, 0, 0.0).total == 50.0
    assert [one.rule for one in explain(NOW, row, 0).contributions] == ["view"]


@pytest.mark.parametrize("entry", [(None, 0, [20780, 1, 1], 0, [])])
def test_an_entry_by_days_is_unread_where_its_rule_has_a_half_life(entry: tuple[Any, ...]) -> None:
    assert engagement_of(NOW, {"view": entry}, 0, T0) == 0.0


def test_a_plain_entry_is_unread_where_its_rule_has_a_window() -> None:
    by_days = model({"engagement": {"view": {"when": {"event": "page_view"}, "points": 50, "window": "2d"}}})
    assert engagement_of(by_days, {"view": (1.0, 0, 1)}, 0, T0) == 0.0


def test_the_largest_contributions_come_first_and_equal_ones_by_part_and_rule() -> None:
    """Deductions by their size; rules that contribute nothing are not shown."""
    points = {"b": 10, "a": 10, "small": 1, "out": -20, "nothing": 0}
    spec = {
        "engagement": {name: {"when": {"event": "chat"}, "points": of} for name, of in points.items()},
        "fit": {"title": {"when": {"traits.title": {"exists": True}}, "points": 10}},
    }
    fed = Profiles(model(spec))
    fed.feed(segment("identify", traits={"title": "CEO"}), segment("chat"))
    assert [one["rule"] for one in fed.score()["contributions"]] == ["out", "a", "b", "title", "small"]


def test_clamps_are_shown_in_the_order_in_which_they_act() -> None:
    """Ten pricing pages: 100 points, to 50 by the rule, with ten page views to 55 by the group, and so on."""
    when = {"event": "page_view", "page.path": "/pricing*"}
    spec = {
        "scale": 70,
        "bands": {"warm": 30},
        "groups": {"web": {"max": 55}},
        "engagement": {
            "view": {"when": {"event": "page_view"}, "points": 1, "group": "web"},
            "pricing": {"when": when, "points": 10, "max": 50, "group": "web"},
            "demo": {"when": {"event": "demo_request"}, "points": 25},
        },
    }
    fed = Profiles(model(spec))
    fed.feed(*[page("/pricing") for _ in range(10)], segment("demo_request"))
    assert fed.score()["clamps"] == [
        {"part": "engagement", "clamp": "rule:pricing", "points": -50.0},
        {"part": "engagement", "clamp": "group:web", "points": -5.0},
        {"part": "engagement", "clamp": "scale", "points": -10.0},
    ]


@pytest.mark.parametrize(
    ("engagement", "fit", "total"), [(100.0, 0.0, 100.0), (-5.0, 20.0, 15.0), (-5.0, 0.0, 0.0), (90.0, 20.0, 100.0)]
)
def test_the_total_lies_on_the_scale(engagement: float, fit: float, total: float) -> None:
    assert total_of(NOW, engagement, fit) == total
