"""How what was earned fades: half-lives, windows of days, not at all; and events that come late."""

import pytest

from tests.build import DAY, HOUR, MINUTE
from tests.examples.harness import at, chats, near, scoring, simulate


def test_points_are_added_and_taken_off() -> None:
    """A rule's points count once for each event, and those below 0 lower the score."""
    spec = scoring(chats(10), {"when": {"event": "unsubscribe"}, "points": -4})
    told = simulate(spec, at(0), at(0), at(0, "unsubscribe"))
    assert told.total() == 2 * 10 - 4
    assert [(one["rule"], one["points"], one["count"]) for one in told.score()["contributions"]] == [
        ("r1", 20, 2),
        ("r2", -4, 1),
    ]


@pytest.mark.parametrize("days", [0, 1, 3, 14, 28])
def test_half_life_halves_the_points_exactly_in_event_time(days: int) -> None:
    """10 points with a half-life of 14 days are 10 × 2^(−t/14) after t days."""
    told = simulate(scoring(chats(10, half_life="14d")), at(0), until=days * DAY)
    assert told.total() == near(10 * 2 ** (-days / 14))


def test_tomorrow_is_what_a_day_without_events_leaves() -> None:
    """10 points with a half-life of 14 days, stated after 2 of them: 10 × 2^(−3/14) a day later."""
    told = simulate(scoring(chats(10, half_life="14d")), at(0), until=2 * DAY)
    assert told.score()["tomorrow"] == near(10 * 2 ** (-3 / 14))
    windowed = simulate(scoring(chats(10, window="2d")), at(0), until=DAY)
    assert (windowed.total(), windowed.score()["tomorrow"]) == (10, 0)


def test_where_nothing_is_said_the_default_half_life_counts() -> None:
    """30 days unless `defaults` say otherwise."""
    assert simulate(scoring(chats(10)), at(0), until=15 * DAY).total() == near(10 * 2 ** (-15 / 30))
    own = scoring(chats(10), defaults={"half_life": "5d"})
    assert simulate(own, at(0), until=15 * DAY).total() == near(10 * 2 ** (-15 / 5))


def test_each_event_decays_from_its_own_time() -> None:
    """Three chats, four days apart, with a half-life of 2 days, seen with the last of them."""
    told = simulate(scoring(chats(8, half_life="2d")), at(0), at(4 * DAY), at(8 * DAY))
    assert told.total() == near(8 * 2 ** (-8 / 2) + 8 * 2 ** (-4 / 2) + 8)


def test_a_late_event_contributes_what_it_would_have_on_time() -> None:
    """Whatever order the three arrive in."""
    events = [at(0), at(DAY), at(3 * DAY)]
    expected = 8 * 2 ** (-3 / 2) + 8 * 2 ** (-2 / 2) + 8
    for order in ((0, 1, 2), (2, 1, 0), (1, 2, 0)):
        told = simulate(scoring(chats(8, half_life="2d")), *(events[place] for place in order))
        assert told.total() == near(expected)


def test_without_decay_points_stay_for_ever() -> None:
    told = simulate(scoring(chats(7, decay="none")), at(0), at(0), until=3_000 * DAY)
    assert told.total() == 14
    assert told.score()["next_band_at"] is None


@pytest.mark.parametrize(
    ("hours", "points"),
    [(23, 10), (24, 10), (24 * 2, 10), (24 * 3 - 1, 10), (24 * 3, 0)],
    ids=["that day", "the next", "the third", "its last hour", "the fourth"],
)
def test_a_window_counts_an_event_on_its_own_utc_day_and_the_days_after(hours: int, points: int) -> None:
    """`window: 3d`: a chat on Monday at 22:30 counts in full on Monday, Tuesday and Wednesday, and then not at all."""
    told = simulate(scoring(chats(10, window="3d")), at(22 * HOUR + HOUR // 2), until=hours * HOUR)
    assert told.total() == points


def test_days_fall_out_of_a_window_one_by_one() -> None:
    """Two chats on Monday, one on Tuesday: 3 × 10, on Wednesday 1 × 10, on Thursday nothing."""
    events = [at(0), at(HOUR), at(DAY + HOUR)]
    spec = scoring(chats(10, window="2d"))
    totals = [simulate(spec, *events, until=until).total() for until in (DAY + HOUR, 2 * DAY, 3 * DAY)]
    assert totals == [30, 10, 0]


def test_an_event_that_comes_too_late_for_its_window_counts_nothing() -> None:
    """On Wednesday a chat of Tuesday still counts under `window: 2d`, one of Monday does not."""
    spec = scoring(chats(10, window="2d"), {"when": {"event": "call"}, "points": 1, "decay": "none"})
    assert simulate(spec, at(2 * DAY, "call"), at(DAY)).total() == 10 + 1
    assert simulate(spec, at(2 * DAY, "call"), at(DAY - 1)).total() == 1


def test_next_band_at_is_when_decay_alone_changes_the_band() -> None:
    """60 points are 30, still warm, after one half-life and below it a millisecond later."""
    told = simulate(scoring(chats(60, half_life="1d")), at(0))
    assert told.score()["band"] == "warm"
    assert told.score()["next_band_at"] == "2026-11-24T00:00:00.001Z"


def test_next_band_at_of_a_window_is_the_midnight_at_which_its_days_end() -> None:
    told = simulate(scoring(chats(40, window="2d")), at(23 * HOUR + 59 * MINUTE))
    assert told.score()["next_band_at"] == "2026-11-25T00:00:00.000Z"
