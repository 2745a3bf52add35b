"""What another model states otherwise, and what it makes of events."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.agents.score import ScoreJob
from engine.core.desks import only_main
from engine.core.reader import Reader
from engine.core.source import Node
from engine.local.modeldiff import SHOWN_MAX, Replay, changes, compare, flow
from tests.build import DAY, T0, model, page, segment

OLD = """
scale: 100
bands: {warm: 30, hot: 80}
engagement:
  view: {when: {event: page_view, page.path: /a*}, points: 1, half_life: 30d}
  demo: {when: {event: [demo_request, trial_start]}, points: 25, fast_track: true}
  gone: {when: {event: gone}, points: 1}
fit: {boss: {when: {traits.title: ceo}, points: 10}}
personas: {founder: {traits.title: founder}, boss: {traits.title: ceo}}
"""
NEW = """
alerts: {hot: {crosses: hot}}
bands: {hot: 70.0, warm: 30.0}
scale: 1e2
engagement:
  fresh: {when: {event: fresh}, points: 2, label: 'Fresh: and new'}
  demo: {points: 25, when: {event: [demo_request]}, fast_track: true}
  view: {when: {event: page_view, page.path: /b*}, points: 2, window: 7d}
personas: {boss: {traits.title: ceo}, founder: {traits.title: founder}}
"""


def root(text: str) -> Node:
    return Reader("model.yaml").parse(text)


def test_each_change_is_named_with_its_path_in_the_order_of_the_new_file() -> None:
    """Numbers that are equal, and the order of what has none, are no change; where the first counts, order is one."""
    assert [str(change) for change in changes(root(OLD), root(NEW))] == [
        "added alerts.hot: {crosses: hot}",
        "changed bands.hot: 80 → 70.0",
        'added engagement.fresh: {when: {event: fresh}, points: 2, label: "Fresh: and new"}',
        "changed engagement.demo.when.event: [demo_request, trial_start] → [demo_request]",
        "changed engagement.view.when.page.path: /a* → /b*",
        "changed engagement.view.points: 1 → 2",
        "added engagement.view.window: 7d",
        "removed engagement.view.half_life: 30d",
        "removed engagement.gone: {when: {event: gone}, points: 1}",
        "changed personas, their order: founder, boss → boss, founder",
        "removed fit.boss: {when: {traits.title: ceo}, points: 10}",
    ]


@pytest.mark.parametrize(
    ("old", "new"),
    [("a: true", "a: 1"), ("a: '1'", "a: 1"), ("a: [1, 2]", "a: [2, 1]"), ("a: {b: 1}", "a: 1"), ("a:", "a: 0")],
)
def test_what_is_of_another_kind_or_order_is_a_change(old: str, new: str) -> None:
    assert len(changes(root(old), root(new))) == 1


values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", min_size=1, max_size=2), inner, max_size=3)
    ),
    max_leaves=8,
)
files = st.dictionaries(st.sampled_from(("scale", "engagement", "cycle", "personas")), values, max_size=4)


@settings(max_examples=40)
@given(files, files)
def test_nothing_differs_exactly_where_the_files_say_the_same(old: dict[str, Any], new: dict[str, Any]) -> None:
    """But for a section that is there and empty, and the order of names."""
    first, second = root(json.dumps(old)), root(json.dumps(new))
    assert changes(first, first) == []
    forward, back = changes(first, second), changes(second, first)
    stated = [{key: value for key, value in one.items() if value != {}} for one in (old, new)]
    written = [json.dumps(one, sort_keys=True) for one in stated]
    if not any(" their order" in change.key for change in forward):
        assert (forward == []) == (written[0] == written[1])
    assert sorted((change.key, change.old, change.new) for change in forward if change.old and change.new) == sorted(
        (change.key, change.new, change.old) for change in back if change.old and change.new
    )


def test_a_value_is_shown_as_yaml_would_have_it_cut_and_without_commands_to_the_terminal() -> None:
    assert len(flow(root(json.dumps(["page_view"] * 100)))) == SHOWN_MAX
    assert flow(root("[1, '1', 'true', 30d, 'a: b', 'a:b', '']")) == '[1, "1", "true", 30d, "a: b", a:b, ""]'
    assert flow(root(json.dumps({"a": "\x1b[2J\n\u202egnp"}))).isprintable()


BASE: dict[str, Any] = {
    "engagement": {"view": {"when": {"event": "page_view"}, "points": 20, "half_life": "1d"}},
    "alerts": {"hot": {"crosses": 40}, "quiet": {"silent_for": "2d"}},
    "actions": {"mail": {"crosses": 40}},
}


def replayed(spec: dict[str, Any], events: list[dict[str, Any]]) -> Replay:
    compiled = model(spec)
    replay = Replay(compiled, [ScoreJob(compiled, lambda _key: 0, only_main(()))])
    replay.feed([json.dumps(event).encode() + b"\n" for event in events] + [b"\n"])
    return replay


def test_events_show_whose_band_changes_and_how_many_alerts_more_or_fewer() -> None:
    """40 points a view instead of 20: bob's one view is warm instead of cold, ada's two are hot instead of warm."""
    events = [page("/", lead="ada"), page("/", lead="ada"), page("/", lead="bob"), segment("chat", lead="eve")]
    other = json.loads(json.dumps(BASE))
    other["engagement"]["view"]["points"] = 40
    assert compare(replayed(BASE, events), replayed(other, events), None) == [
        "band of ada: warm → hot, total 40.00 → 80.00",
        "band of bob: cold → warm, total 20.00 → 40.00",
        "from warm to hot: 1 lead",
        "from cold to warm: 1 lead",
        "alert hot: 1 → 2 (+1)",
        "action mail: 1 → 2 (+1)",
    ]


def test_both_are_stated_for_the_same_instant_and_time_runs_on_to_until() -> None:
    """After three days everybody is cold with either, and only the old model waits for silence."""
    events = [page("/", lead="ada"), page("/", lead="ada")]
    other = {**BASE, "alerts": {"hot": {"crosses": 40}}}
    assert compare(replayed(BASE, events), replayed(other, events), None) == []
    assert compare(replayed(BASE, events), replayed(other, events), T0 + 3 * DAY) == ["alert quiet: 1 → 0 (-1)"]


def test_the_same_model_makes_the_same_of_events() -> None:
    events = [page("/", T0 + at * DAY, lead) for at, lead in enumerate(("ada", "bob", "ada"))]
    assert compare(replayed(BASE, events), replayed(BASE, events), T0 + 90 * DAY) == []
