"""How often a rule counts, and for how much: `limit` and `times`."""

from typing import Any

import pytest

from tests.build import DAY, HOUR
from tests.examples.harness import at, chats, near, record, scoring, simulate


def test_a_limit_counts_so_many_events_in_each_window_of_event_time() -> None:
    """`3 per 1d`: of five chats on Monday three count, on Tuesday there is room again."""
    spec = scoring(chats(10, limit="3 per 1d", decay="none"))
    monday = [at(hour * HOUR) for hour in (0, 1, 2, 3, 23)]
    assert simulate(spec, *monday).total() == 3 * 10
    assert simulate(spec, *monday, at(DAY)).total() == 4 * 10


def test_windows_of_a_limit_begin_with_the_unix_epoch() -> None:
    """T0 is a midnight, so windows of 6 hours begin at 0, 6, 12 and 18 o'clock, not with the first event."""
    spec = scoring(chats(10, limit="1 per 6h", decay="none"))
    assert simulate(spec, at(5 * HOUR), at(6 * HOUR - 1)).total() == 10
    assert simulate(spec, at(6 * HOUR - 1), at(6 * HOUR)).total() == 20


def test_a_limited_event_counts_in_full_until_its_window_ends_and_decays_from_there() -> None:
    """Two chats on Monday noon: 20 until midnight, and half of that 14 days after midnight."""
    spec = scoring(chats(10, limit="3 per 1d", half_life="14d"))
    events = [at(12 * HOUR), at(13 * HOUR)]
    for until, total in ((13 * HOUR, 20), (DAY, 20), (15 * DAY, 20 / 2), (22 * DAY, 20 * 2 ** (-21 / 14))):
        assert simulate(spec, *events, until=until).total() == near(total)


def test_windows_of_a_limit_decay_each_from_its_own_end() -> None:
    """Two on Monday, one on Tuesday, seen on Wednesday noon: 1.5 and 0.5 days after their windows' ends."""
    spec = scoring(chats(10, limit="2 per 1d", half_life="1d"))
    events = [at(1 * HOUR), at(2 * HOUR), at(3 * HOUR), at(DAY + HOUR)]
    told = simulate(spec, *events, until=2 * DAY + 12 * HOUR)
    assert told.total() == near(2 * 10 * 2**-1.5 + 10 * 2**-0.5)


def test_a_late_event_counts_in_its_own_window() -> None:
    """On Wednesday a second chat of Monday comes: it counts, a third does not, in whatever order they come."""
    spec = scoring(chats(10, limit="2 per 1d", half_life="1d"))
    first, second, third, wednesday = at(HOUR), at(5 * HOUR), at(2 * HOUR), at(2 * DAY)
    expected = 2 * 10 * 2**-1 + 10
    assert simulate(spec, first, wednesday, second, third).total() == near(expected)
    assert simulate(spec, wednesday, third, second, first).total() == near(expected)


def test_the_newest_16_windows_with_events_are_open_and_older_ones_closed() -> None:
    """With one chat a day from day 0 to day 16, an event more of day 1 counts and one of day 0 does not."""
    days = [record(at(day * DAY), 16 * DAY) for day in range(17)]
    spec = scoring(chats(2, limit="5 per 1d", decay="none"), lateness="30d")
    assert simulate(spec, *days).total() == 17 * 2
    assert simulate(spec, *days, record(at(DAY + 1), 16 * DAY)).total() == 18 * 2
    assert simulate(spec, *days, record(at(1), 16 * DAY)).total() == 17 * 2


def test_a_limit_within_a_window_of_days() -> None:
    """`window: 2d` and `limit: 1 per 12h`: two of three on Monday count, until Wednesday."""
    spec = scoring(chats(10, window="2d", limit="1 per 12h"))
    events = [at(0), at(HOUR), at(13 * HOUR)]
    assert [simulate(spec, *events, until=until).total() for until in (DAY, 2 * DAY - 1, 2 * DAY)] == [20, 20, 0]


def test_once_counts_the_earliest_event_alone() -> None:
    """A late earlier one takes its place: 10 points of two days ago with a half-life of a day."""
    spec = scoring(chats(10, limit="once", half_life="1d"))
    assert simulate(spec, at(2 * DAY), at(2 * DAY), until=2 * DAY).total() == 10
    assert simulate(spec, at(2 * DAY), at(0)).total() == near(10 * 2**-2)
    assert simulate(spec, at(0), at(2 * DAY)).total() == near(10 * 2**-2)


def test_once_within_a_window_of_days_is_over_with_it() -> None:
    """The earliest event has counted, and no later one does in its place."""
    spec = scoring(chats(10, limit="once", window="1d"))
    assert simulate(spec, at(0), at(DAY - 1)).total() == 10
    assert simulate(spec, at(0), at(DAY)).total() == 0


def spent(revenue: Any, after_ms: int = 0) -> Any:
    return at(after_ms, "purchase", properties={"revenue": revenue})


BY_REVENUE = {"when": {"event": "purchase"}, "points": 0.1, "times": "properties.revenue", "times_max": 500}


def test_times_multiplies_the_points_by_a_field_up_to_times_max() -> None:
    """0.1 a euro, of at most 500 in one purchase: 120 and 2000 come to 12 and 50; two events have counted."""
    told = simulate(scoring({**BY_REVENUE, "decay": "none"}), spent(120), spent(2_000))
    assert told.total() == near(0.1 * 120 + 0.1 * 500)
    assert told.score()["contributions"][0]["count"] == 2


def test_what_times_counts_decays_as_any_other() -> None:
    told = simulate(scoring({**BY_REVENUE, "half_life": "1d"}), spent(100), spent(30, 2 * DAY))
    assert told.total() == near(0.1 * 100 * 2**-2 + 0.1 * 30)


def test_what_times_counts_falls_out_of_its_window() -> None:
    told = simulate(scoring({**BY_REVENUE, "window": "2d"}), spent(100), spent(30, DAY), until=2 * DAY)
    assert told.total() == near(0.1 * 30)


@pytest.mark.parametrize("revenue", [None, 0, -5, "much", "", "nan", "inf", [], {"of": 5}, "1e999"])
def test_what_is_no_number_above_0_counts_nothing_with_times(revenue: Any) -> None:
    """Nor is the event counted."""
    told = simulate(scoring(BY_REVENUE), spent(revenue), at(0, "purchase"))
    assert (told.total(), told.score()["contributions"]) == (0, [])
