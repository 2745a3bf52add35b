"""A band changes by decay alone at the instant that the score foretells, and not before."""

from hypothesis import given

from engine.core.instants import from_rfc3339
from tests.build import DAY, HOUR
from tests.laws.engine import Arrival, folded, records
from tests.laws.models import LAW, models
from tests.laws.streams import RECORDED_MS, streams
from tests.reference.events import Spec, accepted
from tests.reference.score import account, band_of, weighed

NEAR_MS = 2
WATCHED_MS = 60 * DAY


@LAW
@given(models(), streams())
def test_next_band_at_is_when_decay_alone_changes_the_band(spec: Spec, arrivals: list[Arrival]) -> None:
    """Up, where a deduction fades, or down; null where no band changes. On a grid of half days no change is missed."""
    for lead, said in folded(spec, [records(arrivals)], RECORDED_MS).scores(RECORDED_MS).items():
        tally = account(spec, accepted(spec, [seen for who, seen in arrivals if who == lead]))

        def clear_band(at_ms: int) -> str | None:
            """The band by the reference, None where the score is too near to a bound to tell."""
            total = weighed(spec, tally, at_ms).total  # noqa: B023 - called in this round of the loop only
            near = any(abs(total - bound) < 1e-6 for bound in spec["bands"].values())
            return None if near else band_of(spec, total)

        until_ms = RECORDED_MS + WATCHED_MS
        if said["next_band_at"] is not None:
            next_ms = from_rfc3339(said["next_band_at"])
            assert next_ms > RECORDED_MS
            assert band_of(spec, weighed(spec, tally, next_ms + NEAR_MS).total) != said["band"]
            until_ms = min(until_ms, next_ms - NEAR_MS)
        for at_ms in range(RECORDED_MS, until_ms, 12 * HOUR):
            assert clear_band(at_ms) in (None, said["band"])
