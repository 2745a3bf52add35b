"""A lead's total over time in few points."""

from hypothesis import given
from hypothesis import strategies as st

from engine.readmodel.history import HISTORY_MAX, NEWEST_KEPT, Point, thinned, united, with_point

POINTS = st.lists(st.builds(Point, st.integers(0, 10_000), st.floats(0, 100)), max_size=250)


def grown(points: list[Point]) -> list[Point]:
    """The history after all of them, one by one."""
    history: list[Point] = []
    for point in points:
        history = with_point(history, point)
    return history


@given(POINTS)
def test_a_history_is_in_order_and_bounded_with_its_first_and_newest_points(points: list[Point]) -> None:
    """However they come; one point an instant."""
    history = grown(points)
    instants = [point.at_ms for point in history]
    assert instants == sorted(set(instants))
    seen = sorted({point.at_ms for point in points})
    assert len(instants) == min(len(seen), HISTORY_MAX)
    assert instants[:1] == seen[:1]


@given(POINTS)
def test_the_newest_points_all_stay_where_they_come_in_order(points: list[Point]) -> None:
    """Thinning takes from between the first and the newest ones only."""
    ordered = sorted({point.at_ms: point for point in points}.values(), key=lambda point: point.at_ms)
    assert grown(ordered)[-NEWEST_KEPT:] == ordered[-NEWEST_KEPT:]


@given(POINTS, POINTS)
def test_two_histories_are_one_by_time(one: list[Point], other: list[Point]) -> None:
    """Bounded, too; for an instant that both have the first one's point stays."""
    first, second = grown(one), grown(other)
    both = united(first, second)
    assert len(both) == min(len({point.at_ms for point in [*first, *second]}), HISTORY_MAX)
    own = {point.at_ms: point for point in first}
    assert all(own.get(point.at_ms, point) == point for point in both)


def test_the_point_between_the_nearest_neighbours_goes() -> None:
    """One of 101 is too many: around 5,050 the neighbours are 100 apart, elsewhere at least 150."""
    points = [Point(at_ms, 1.0) for at_ms in sorted([*range(0, 10_000, 100), 5_050])]
    assert len(points) == HISTORY_MAX + 1
    assert [one.at_ms for one in points if one not in thinned(points)] == [5_050]


def test_what_comes_again_for_an_instant_replaces_the_point() -> None:
    assert grown([Point(1, 10.0), Point(2, 20.0), Point(1, 11.0)]) == [Point(1, 11.0), Point(2, 20.0)]
