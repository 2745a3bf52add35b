"""Who can take a lead now, why not, when next, and who is gone for so long that a lead does not wait."""

from dataclasses import replace
from datetime import date
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.routing.availability import back_ms, gone_from_ms, long_absence, why_not, with_assigned
from engine.routing.calendars import Calendar
from engine.routing.config import Rep
from engine.routing.rows import Load
from tests.unit.routing.office import ms

NEW_YORK = ZoneInfo("America/New_York")
NINE_TO_FIVE = (((540, 1020),),) * 5 + ((),) * 2
"""On weekdays."""
DAY_MS = 86_400_000
MONDAY = "2026-11-23"
ANN = Rep("ann", "Ann")
BUSY = Rep("bob", "Bob", calendar=Calendar(NEW_YORK, NINE_TO_FIVE, None), open_max=3, day_max=2)
"""Works from 14:00 to 22:00 UTC."""


def at(time: str) -> int:
    return ms(f"{MONDAY}T{time}")


def today(rep: Rep, assigned: int, at_ms: int) -> Load:
    return Load(day=rep.calendar.day(at_ms), assigned=assigned)


def vacation(*dates: tuple[str, str]) -> Rep:
    spans = [(date.fromisoformat(first), date.fromisoformat(last)) for first, last in dates]
    return replace(ANN, calendar=Calendar(NEW_YORK, None, None, spans))


def test_nothing_is_in_the_way_of_who_states_nothing() -> None:
    assert why_not(ANN, Load(open=10_000), 0) is None
    assert back_ms(ANN, Load(open=10_000), 7) == 7


@pytest.mark.parametrize(
    ("load", "time", "why", "back"),
    [
        (Load(open=2), "15:00", None, f"{MONDAY}T15:00"),
        (Load(open=3), "15:00", "has 3 open leads of 3", None),
        (Load(open=4), "15:00", "has 4 open leads of 3", None),
        (today(BUSY, 1, at("15:00")), "15:00", None, f"{MONDAY}T15:00"),
        (today(BUSY, 2, at("15:00")), "15:00", "got 2 leads today of 2", "2026-11-24T14:00"),
        (Load(), "13:59", "outside hours: Monday 08:59 in America/New_York", f"{MONDAY}T14:00"),
        (Load(), "22:00", "outside hours: Monday 17:00 in America/New_York", "2026-11-24T14:00"),
        (Load(away_from=at("15:00")), "15:00", "is away", None),
        (Load(away_from=at("15:01")), "15:00", None, f"{MONDAY}T15:00"),
        (
            Load(away_from=at("14:00"), away_until=at("16:30")),
            "15:00",
            f"is away until {MONDAY}T16:30:00.000Z",
            f"{MONDAY}T16:30",
        ),
        (Load(away_from=at("14:00"), away_until=at("16:30")), "16:30", None, f"{MONDAY}T16:30"),
        (
            Load(away_from=at("14:00"), away_until=at("23:00")),
            "15:00",
            f"is away until {MONDAY}T23:00:00.000Z",
            "2026-11-24T14:00",
        ),
    ],
)
def test_why_not_and_when_time_alone_brings_the_rep_back(
    load: Load, time: str, why: str | None, back: str | None
) -> None:
    """Leads that are open do not go by themselves; a new day, the end of an absence and the next hours come."""
    assert why_not(BUSY, load, at(time)) == why
    assert back_ms(BUSY, load, at(time)) == (None if back is None else ms(back))


def test_a_day_is_the_rep_s_own() -> None:
    """At 04:59 UTC it is still yesterday in New York: what was assigned the evening before counts."""
    rep = replace(BUSY, calendar=Calendar(NEW_YORK, None, None))
    load = today(rep, 2, at("23:00"))
    assert why_not(rep, load, ms("2026-11-24T04:59")) == "got 2 leads today of 2"
    assert why_not(rep, load, ms("2026-11-24T05:00")) is None
    assert back_ms(rep, load, at("23:00")) == ms("2026-11-24T05:00")


def test_assignments_count_by_the_day_and_leave_the_rest_alone() -> None:
    load = Load(open=7, away_from=1, away_until=2)
    first = with_assigned(BUSY, load, at("15:00"))
    second = with_assigned(BUSY, first, at("16:00"))
    third = with_assigned(BUSY, second, ms("2026-11-24T15:00"))
    assert [one.assigned for one in (first, second, third)] == [1, 2, 1]
    assert {(one.open, one.away_from, one.away_until) for one in (first, second, third)} == {(7, 1, 2)}


def test_back_is_the_first_instant_without_a_reason_that_time_alone_takes_away() -> None:
    """Away until Wednesday evening, Thursday off: back on Friday at nine."""
    rep = replace(BUSY, calendar=Calendar(NEW_YORK, NINE_TO_FIVE, None, [(date(2026, 11, 26), date(2026, 11, 26))]))
    load = Load(away_from=at("15:00"), away_until=ms("2026-11-25T23:00"))
    assert back_ms(rep, load, at("15:00")) == ms("2026-11-27T14:00")


hours = st.integers(-48, 48).map(lambda hours: hours * 3_600_000)


@given(
    st.integers(-48 * 60, 48 * 60),
    st.integers(0, 4),
    st.tuples(st.integers(0, 1), st.integers(0, 3)),
    st.none() | st.tuples(hours, st.none() | hours.map(abs)),
)
def test_back_is_now_exactly_where_nothing_is_in_the_way(
    minutes: int, opened: int, assigned: tuple[int, int], away: tuple[int, int | None] | None
) -> None:
    """And then nothing is, but for an absence that begins meanwhile: it is looked at when it is there."""
    at_ms = at("15:00") + minutes * 60_000
    days_ago, count = assigned
    load = Load(open=opened, day=BUSY.calendar.day(at_ms) - days_ago, assigned=count)
    if away is not None:
        begin, lasts = at_ms + away[0], away[1]
        load = Load(None, load.open, load.day, load.assigned, begin, None if lasts is None else begin + lasts)
    back = back_ms(BUSY, load, at_ms)
    assert (back == at_ms) == (why_not(BUSY, load, at_ms) is None)
    if back is not None:
        assert back >= at_ms
        begins_later = load.away_from is not None and load.away_from > at_ms
        assert why_not(BUSY, load, back) is None or begins_later


@pytest.mark.parametrize(
    ("rep", "gone"),
    [
        (vacation(("2026-11-24", "2026-11-25")), None),
        (vacation(("2026-11-24", "2026-11-26")), "2026-11-24T05:00"),
        (vacation(("2026-11-24", "2026-11-25"), ("2026-11-26", "2026-11-26")), "2026-11-24T05:00"),
        (vacation(("2026-11-20", "2026-11-21"), ("2026-12-01", "2026-12-31")), "2026-12-01T05:00"),
    ],
)
def test_a_vacation_counts_from_its_first_midnight_where_it_is_longer_than_the_limit(
    rep: Rep, gone: str | None
) -> None:
    """Two days are not more than `2d`; vacations that touch are one; one that is over does not count."""
    now = at("15:00")
    assert gone_from_ms(rep, Load(), now, 2 * DAY_MS) == (None if gone is None else ms(gone))
    assert long_absence(rep, Load(), now, 2 * DAY_MS) is None
    if gone is not None:
        assert long_absence(rep, Load(), ms(gone) - 1, 2 * DAY_MS) is None
        assert (long_absence(rep, Load(), ms(gone), 2 * DAY_MS) or "").startswith("on vacation until")


def test_in_the_middle_of_an_absence_the_rep_is_gone_at_once() -> None:
    rep = vacation(("2026-11-20", "2026-11-30"))
    assert gone_from_ms(rep, Load(), at("15:00"), 2 * DAY_MS) == at("15:00")
    assert long_absence(rep, Load(), at("15:00"), 2 * DAY_MS) == "on vacation until 2026-11-30"
    assert long_absence(rep, Load(), ms("2026-12-01T05:00"), 2 * DAY_MS) is None


def test_an_absence_with_an_end_counts_from_its_beginning_and_one_without_once_it_has_lasted() -> None:
    begin, limit = at("15:00"), 2 * DAY_MS
    known = Load(away_from=begin, away_until=begin + limit + 1)
    assert gone_from_ms(ANN, known, begin, limit) == begin
    assert long_absence(ANN, known, begin, limit) == "is away until 2026-11-25T15:00:00.001Z"
    short = Load(away_from=begin, away_until=begin + limit)
    assert gone_from_ms(ANN, short, begin, limit) is None
    open_ended = Load(away_from=begin)
    assert gone_from_ms(ANN, open_ended, begin, limit) == begin + limit + 1
    assert long_absence(ANN, open_ended, begin + limit, limit) is None
    assert long_absence(ANN, open_ended, begin + limit + 1, limit) == "is away"


def test_an_absence_that_is_over_or_a_night_is_none() -> None:
    over = Load(away_from=0, away_until=at("15:00"))
    assert gone_from_ms(ANN, over, at("15:00"), 1) is None
    night = replace(ANN, calendar=Calendar(NEW_YORK, NINE_TO_FIVE, None))
    assert long_absence(night, Load(), ms("2026-11-28T15:00"), 1) is None


def test_without_a_limit_nobody_is_ever_gone() -> None:
    rep = vacation(("2026-11-20", "2027-11-30"))
    load = Load(away_from=0)
    assert gone_from_ms(rep, load, at("15:00"), None) is None
    assert long_absence(rep, load, at("15:00"), None) is None


def test_several_absences_the_first_counts() -> None:
    rep = vacation(("2026-12-01", "2026-12-31"))
    load = Load(away_from=at("15:00"))
    assert gone_from_ms(rep, load, at("15:00"), 2 * DAY_MS) == ms("2026-11-25T15:00") + 1
