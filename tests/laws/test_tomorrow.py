"""The total that a score states for a day later is what it comes to by then if nothing happens."""

from hypothesis import given

from tests.build import DAY, model
from tests.laws.engine import Arrival, folded, last_scores, records, simulated
from tests.laws.models import LAW, models
from tests.laws.streams import RECORDED_MS, streams
from tests.reference.events import Spec


@LAW
@given(models(), streams())
def test_tomorrow_is_the_total_a_day_later(spec: Spec, arrivals: list[Arrival]) -> None:
    """Of rows that nothing touches meanwhile, to the last digit: decay, windows, clamps and bounds included."""
    lane = folded(spec, [records(arrivals)], RECORDED_MS)
    later = lane.scores(RECORDED_MS + DAY)
    assert {lead: said["tomorrow"] for lead, said in lane.scores(RECORDED_MS).items()} == {
        lead: said["total"] for lead, said in later.items()
    }


@LAW
@given(models(), streams())
def test_simulate_until_a_day_later_comes_to_it(spec: Spec, arrivals: list[Arrival]) -> None:
    """Where no signal of the day between, such as the end of a session, scores."""
    ruled = model(spec)
    today, later = (simulated(ruled, arrivals, until_ms) for until_ms in (RECORDED_MS, RECORDED_MS + DAY))
    then = last_scores(later)
    for lead, said in last_scores(today).items():
        if then[lead]["counts"] == said["counts"]:
            assert abs(then[lead]["total"] - said["tomorrow"]) <= 1e-9 * max(1.0, said["total"])
