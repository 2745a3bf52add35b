"""What the engine says of a lead against what the reference says."""

from collections.abc import Mapping, Sequence
from typing import Any

from tests.laws.engine import Arrival
from tests.reference.events import Spec, accepted
from tests.reference.score import Score, band_of, score


def expected(spec: Spec, arrivals: Sequence[Arrival], at_ms: int) -> dict[str, Score]:
    """The score by the reference of each lead of whom something counts."""
    counting = {
        lead: accepted(spec, [seen for who, seen in arrivals if who == lead])
        for lead in sorted({lead for lead, _ in arrivals})
    }
    return {lead: score(spec, events, at_ms) for lead, events in counting.items() if events}


def assert_says(spec: Spec, said: Mapping[str, Any], wanted: Score) -> None:
    """A score as `lead-scores` has it, with its explanation, is the reference's, to 1e-9 of what contributes.

    A count is compared for the rules whose points are more than a rounding error.
    """
    near = wanted.tolerance
    for part in ("total", "engagement", "fit"):
        assert abs(said[part] - getattr(wanted, part)) <= near, (part, said, wanted)
    points = {(one["part"], one["rule"]): one["points"] for one in said["contributions"]}
    assert_near(points, {rule: points for rule, (points, _) in wanted.contributions.items()}, near)
    counts = {(one["part"], one["rule"]): one["count"] for one in said["contributions"] if abs(one["points"]) > near}
    assert counts == {rule: count for rule, (points, count) in wanted.contributions.items() if abs(points) > near}
    assert_near({(one["part"], one["clamp"]): one["points"] for one in said["clamps"]}, wanted.clamps, near)
    if not any(abs(wanted.total - bound) <= near for bound in spec["bands"].values()):
        assert said["band"] == band_of(spec, wanted.total)


def assert_near(said: Mapping[Any, float], wanted: Mapping[Any, float], near: float) -> None:
    """The same numbers by the same keys; a number that is not there is 0."""
    for key in {*said, *wanted}:
        assert abs(said.get(key, 0.0) - wanted.get(key, 0.0)) <= near, (key, said, wanted)
