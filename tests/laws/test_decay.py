"""Points fade on time: to the half after a half-life, to nothing after a window."""

from collections.abc import Mapping
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from engine.core.model import Model
from tests.build import DAY, HOUR, MINUTE
from tests.build import model as loaded
from tests.laws.engine import Arrival, folded, records
from tests.laws.models import EVENTS, HALF_LIVES, LAW, points
from tests.laws.streams import RECORDED_MS, acts, with_ids
from tests.reference.events import Seen, ms

lives = st.lists(acts.map(lambda seen: ("user-cy", seen)), min_size=1, max_size=12).map(with_ids)
"""What a known lead did: it is never evicted."""
limits = st.sampled_from((None, "once", "1 per 1m", "2 per 1h", "3 per 1d", "1 per 7d"))
waits = st.sampled_from((0, 1, MINUTE, HOUR, DAY))


def model_of(**rule: Any) -> Model:
    """One rule that counts every event of a stream."""
    stated = {key: value for key, value in rule.items() if value is not None}
    return loaded({"engagement": {"any": {"when": {"event": list(EVENTS)}, **stated}}})


def contribution(model: Model, arrivals: list[Arrival], at_ms: int) -> float:
    said: Mapping[str, Any] = folded(model, [records(arrivals)], at_ms).scores(at_ms)["user-cy"]
    return sum(float(one["points"]) for one in said["contributions"])


def settled_ms(limit: str | None, arrivals: list[Arrival]) -> int:
    """When the last of a rule's limit windows has ended; without a limit, when the last event came."""
    if limit is None or limit == "once":
        return RECORDED_MS
    width_ms = ms(limit.partition(" per ")[2])
    last_ms = max(seen.at_ms for _, seen in arrivals)
    return max(RECORDED_MS, (last_ms // width_ms + 1) * width_ms)


@LAW
@given(lives, st.sampled_from(HALF_LIVES), limits, points.filter(bool), waits)
def test_after_one_half_life_without_an_event_a_contribution_is_half(
    arrivals: list[Arrival], half_life: str, limit: str | None, points: float, wait_ms: int
) -> None:
    """Of a limited rule from the end of its last window on; to the rounding of one power of two."""
    model = model_of(points=points, half_life=half_life, limit=limit)
    at_ms = settled_ms(limit, arrivals) + wait_ms
    now, then = (contribution(model, arrivals, at_ms + passed_ms) for passed_ms in (0, ms(half_life)))
    assert abs(then - now / 2) <= 1e-12 * abs(now)
    if ms(half_life) >= DAY:
        assert now != 0


@LAW
@given(lives, st.integers(1, 90), st.sampled_from((None, "once", "2 per 1h", "3 per 1d")), points.filter(bool))
def test_after_a_window_has_passed_a_contribution_is_zero_and_until_then_it_is_whole(
    arrivals: list[Arrival], days: int, limit: str | None, points: float
) -> None:
    """An event counts on its own UTC day and the days − 1 after."""
    model = model_of(points=points, window=f"{days}d", limit=limit)
    times_ms = [seen.at_ms for _, seen in arrivals]
    last_ms = min(times_ms) if limit == "once" else max(times_ms)
    ends_ms = (last_ms // DAY + days) * DAY
    assert contribution(model, arrivals, max(RECORDED_MS, ends_ms)) == 0
    if ends_ms > RECORDED_MS:
        assert contribution(model, arrivals, ends_ms - 1) * points >= points * points


@LAW
@given(st.integers(1, 5), st.sampled_from(("1m", "1h", "1d")), st.integers(0, DAY), points.filter(bool))
def test_a_limited_event_counts_in_full_until_its_window_ends(
    count: int, width: str, offset_ms: int, points: float
) -> None:
    """However many came, and whenever in the window: at its last ms they are worth what the limit lets through."""
    model = model_of(points=points, half_life="1m", limit=f"3 per {width}")
    start_ms = (RECORDED_MS + offset_ms) // ms(width) * ms(width)
    arrivals = with_ids([("user-cy", Seen("chat", start_ms + place)) for place in range(count)])
    ends_ms = start_ms + ms(width)
    whole = points * min(count, 3)
    assert contribution(model, arrivals, ends_ms - 1) == whole
    assert contribution(model, arrivals, ends_ms) == whole
    assert contribution(model, arrivals, ends_ms + MINUTE) == whole / 2


@LAW
@given(lives, points.filter(bool))
def test_without_decay_nothing_fades(arrivals: list[Arrival], points: float) -> None:
    model = model_of(points=points, decay="none")
    assert contribution(model, arrivals, RECORDED_MS + 3_650 * DAY) == points * len(arrivals)
