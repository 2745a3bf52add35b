"""The ledger: decayed counts that do not depend on the order of arrival."""

from math import isclose

from hypothesis import given
from hypothesis import strategies as st

from engine.core.ledger import Entry, counted
from tests.stories import BROAD, LAWFUL

DAY_MS = 86_400_000
half_lives = st.integers(1_000, 400 * DAY_MS)
times = st.lists(st.integers(-30 * DAY_MS, 30 * DAY_MS), min_size=1, max_size=20)


def entry(arrivals: list[int], half_life_ms: float) -> Entry:
    held = None
    for time in arrivals:
        held = counted(held, time, half_life_ms)
    assert held is not None
    return held


@BROAD
@given(times, half_lives)
def test_an_entry_is_the_sum_of_what_each_event_is_worth_at_the_latest_of_them(
    times: list[int], half_life: int
) -> None:
    latest = max(times)
    mass, last, count = entry(times, half_life)
    assert (last, count) == (latest, len(times))
    assert isclose(mass, sum(0.5 ** ((latest - time) / half_life) for time in times), rel_tol=1e-12)


@BROAD
@given(times.flatmap(lambda drawn: st.tuples(st.just(drawn), st.permutations(drawn))), half_lives)
def test_the_order_of_arrival_does_not_matter(orders: tuple[list[int], list[int]], half_life: int) -> None:
    there, back = (entry(order, half_life) for order in orders)
    assert there[1:] == back[1:]
    assert isclose(there[0], back[0], rel_tol=1e-12)


@LAWFUL
@given(st.integers(-(10**13), 10**13), half_lives)
def test_an_event_one_half_life_ago_counts_exactly_half(time: int, half_life: int) -> None:
    assert counted((1.0, time, 1), time + half_life, half_life) == (1.5, time + half_life, 2)
    assert counted((1.0, time + half_life, 1), time, half_life) == (1.5, time + half_life, 2)


def test_a_mass_that_has_faded_to_nothing_is_nothing_and_no_error() -> None:
    assert counted((1.0, 0, 1), 10**15, 1_000) == (1.0, 10**15, 2)
    assert counted((1.0, 10**15, 1), 0, 1_000) == (1.0, 10**15, 2)
