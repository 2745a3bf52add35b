"""A change of the model acts on what is stored, and what came before never counts again."""

import copy
from collections.abc import Mapping
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.build import DAY, HOUR
from tests.build import model as loaded
from tests.laws.compare import assert_says, expected
from tests.laws.engine import Arrival, folded, records
from tests.laws.models import LAW, models, points
from tests.laws.streams import RECORDED_MS, streams
from tests.reference.events import Spec


def changed(spec: Spec, draw: st.DataObject) -> dict[str, Any]:
    """The same rules with other points, bounds, groups, weights, scale and labels."""
    other: dict[str, Any] = copy.deepcopy(dict(spec))
    for rule in other["engagement"].values():
        rule["points"] = draw.draw(points)
        rule["label"] = "Changed"
        if draw.draw(st.booleans()):
            rule["max"] = draw.draw(st.integers(1, 60))
        else:
            rule.pop("max", None)
        rule.pop("group", None)
        if draw.draw(st.booleans()):
            rule["group"] = "web"
    for rule in other["fit"].values():
        rule["points"] = draw.draw(st.integers(-30, 80))
    other["scale"] = draw.draw(st.sampled_from((90, 400)))
    other["total"] = {"engagement": draw.draw(st.sampled_from((0.25, 3))), "fit": 1}
    other["groups"]["web"]["max"] = draw.draw(st.integers(5, 90))
    return other


@LAW
@given(models(), streams(), st.sampled_from((0, HOUR, 2 * DAY)), st.data())
def test_a_change_of_points_bounds_and_weights_equals_a_replay_with_the_new_ones(
    spec: Spec, arrivals: list[Arrival], later_ms: int, data: st.DataObject
) -> None:
    """The rows hold counts, so a reload re-scores every lead at once; a replay gives the reference's score."""
    at_ms = RECORDED_MS + later_ms
    new = changed(spec, data)
    lane = folded(spec, [records(arrivals)], at_ms)
    lane.restart(loaded(new))
    said = lane.scores(at_ms)
    replayed = folded(new, [records(arrivals)], at_ms).scores(at_ms)
    assert {*said} == {*replayed}
    for lead, wanted in expected(new, arrivals, at_ms).items():
        assert_says(new, said[lead], wanted)
        assert unversioned(said[lead]) == unversioned(replayed[lead])


def unversioned(said: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in said.items() if key != "model"}


@LAW
@given(models(), streams(), st.integers(0, 30), st.booleans())
def test_a_replay_of_any_suffix_changes_nothing(
    spec: Spec, arrivals: list[Arrival], start: int, restarting: bool
) -> None:
    """What has a messageId counts once, and a repeat tells nobody anything."""
    named = [(lead, seen) for lead, seen in arrivals if seen.id is not None]
    lane = folded(spec, [records(named)], RECORDED_MS, restarting=restarting)
    rows, outputs = dict(lane.rows), list(lane.outputs)
    lane.fold(records(named)[start % (len(named) + 1) :])
    assert lane.rows == rows
    assert lane.outputs == outputs
