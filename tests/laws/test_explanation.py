"""A score explains itself: contributions + clamps = total, and no clamp is shown that does nothing."""

from collections.abc import Mapping
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.build import DAY, HOUR
from tests.laws.engine import Arrival, folded, records
from tests.laws.models import LAW, models
from tests.laws.streams import RECORDED_MS, streams
from tests.reference.events import Spec

later = st.sampled_from((0, HOUR, DAY, 14 * DAY))


def tolerance(said: Mapping[str, Any]) -> float:
    return 1e-9 * max(1.0, sum(abs(float(one["points"])) for one in said["contributions"]))


def sums(said: Mapping[str, Any]) -> dict[str, float]:
    """By part what its contributions and clamps come to; of `total` its clamps."""
    shown = [*said["contributions"], *said["clamps"]]
    return {part: sum(one["points"] for one in shown if one["part"] == part) for part in ("engagement", "fit", "total")}


def stage_of(clamp: Mapping[str, Any]) -> tuple[int, int]:
    """Where a clamp stands in the order in which they act: rule, group, part; then total."""
    kind = clamp["clamp"].partition(":")[0]
    last = clamp["part"] == "total"
    return (int(last), 0 if last else ("rule", "group", "scale").index(kind))


@LAW
@given(models(), streams(), later)
def test_total_is_the_weighted_sum_of_contributions_and_clamps_and_lies_on_the_scale(
    spec: Spec, arrivals: list[Arrival], later_ms: int
) -> None:
    """What is shown of engagement and fit is never below 0, and counts below 0 in the total."""
    at_ms = RECORDED_MS + later_ms
    for said in folded(spec, [records(arrivals)], at_ms).scores(at_ms).values():
        parts, near = sums(said), tolerance(said)
        total = sum(spec["total"][part] * parts[part] for part in ("engagement", "fit")) + parts["total"]
        assert abs(said["total"] - total) <= near * max(1, *spec["total"].values())
        assert 0 <= said["total"] <= spec["scale"]
        for part in ("engagement", "fit"):
            assert abs(said[part] - max(0.0, parts[part])) <= near
            assert 0 <= said[part] <= spec["scale"]


@LAW
@given(models(), streams(), later)
def test_every_clamp_shown_is_needed_and_stands_in_the_order_in_which_it_acts(
    spec: Spec, arrivals: list[Arrival], later_ms: int
) -> None:
    """Without one clamp of a rule or a group its bound would be broken; with it the bound is met exactly."""
    at_ms = RECORDED_MS + later_ms
    for said in folded(spec, [records(arrivals)], at_ms).scores(at_ms).values():
        near = tolerance(said)
        of_rule = {one["rule"]: one["points"] for one in said["contributions"] if one["part"] == "engagement"}
        stages = [stage_of(one) for one in said["clamps"]]
        assert stages == sorted(stages)
        assert len({(one["part"], one["clamp"]) for one in said["clamps"]}) == len(said["clamps"])
        for clamp in said["clamps"]:
            kind, _, name = clamp["clamp"].partition(":")
            assert clamp["points"] != 0
            if kind == "rule":
                bound, unclamped = spec["engagement"][name]["max"], of_rule[name]
                of_rule[name] += clamp["points"]
            elif kind == "group":
                bound = spec["groups"][name]["max"]
                unclamped = sum(points for rule, points in of_rule.items() if group_of(spec, rule) == name)
            else:
                continue
            assert abs(unclamped) > bound
            assert abs(abs(unclamped + clamp["points"]) - bound) <= near
            assert (clamp["points"] < 0) == (unclamped > 0)


def group_of(spec: Spec, rule: str) -> str | None:
    group: str | None = spec["engagement"][rule].get("group")
    return group
