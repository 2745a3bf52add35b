"""Working time by hand: what the wall clock shows decides, over daylight saving, midnight, borders and holidays."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from engine.core.instants import DAY_MS, MINUTE_MS
from engine.core.reader import Reader
from engine.routing.calendarfile import KEYS, read_calendar
from engine.routing.calendars import ALWAYS, COUNTED_TO_MS, HORIZON_DAYS, Calendar

HOUR_MS = 60 * MINUTE_MS
OFFICE = "hours: {mon-fri: '09:00-17:00'}"
NIGHTS = "hours: {mon-sun: '22:00-06:00'}"
NEW_YORK = "time_zone: America/New_York"
SYDNEY = "time_zone: Australia/Sydney"
KOLKATA = "time_zone: Asia/Kolkata"


def calendar(*lines: str) -> Calendar:
    reader = Reader("routing.yaml")
    read = read_calendar(reader, reader.mapping(reader.parse("\n".join(lines)), KEYS), None)
    reader.finish()
    return read


def at(text: str) -> int:
    """The instant of `2026-11-23 09:00+05:30`; without an offset UTC."""
    moment = datetime.fromisoformat(text)
    return round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1_000)


def worked(of: Calendar, start: str, end: str) -> float:
    return of.working_ms(at(start), at(end)) / HOUR_MS


def test_an_office_day_is_counted_from_opening_to_closing() -> None:
    """Friday 16:00 to Monday 10:00 in New York, then UTC-5: one hour on Friday, one on Monday."""
    office = calendar(NEW_YORK, OFFICE)
    friday, monday = at("2026-11-20 16:00-05:00"), at("2026-11-23 10:00-05:00")
    assert office.working_ms(friday, monday) == 2 * HOUR_MS
    assert office.opens_ms(at("2026-11-20 17:00-05:00")) == at("2026-11-23 09:00-05:00")
    assert office.after_ms(friday, 2 * HOUR_MS) == monday


def test_opening_is_within_hours_and_closing_is_not() -> None:
    office = calendar(NEW_YORK, OFFICE)
    assert office.closed(at("2026-11-23 09:00-05:00")) is None
    assert office.closed(at("2026-11-23 09:00-05:00") - 1) == "outside hours: Monday 08:59 in America/New_York"
    assert office.closed(at("2026-11-23 17:00-05:00") - 1) is None
    assert office.closed(at("2026-11-23 17:00-05:00")) == "outside hours: Monday 17:00 in America/New_York"
    assert office.closed(at("2026-11-22 12:00-05:00")) == "off on Sunday"


def test_time_that_has_passed_by_closing_is_not_put_off_to_the_next_opening() -> None:
    """Eight hours since 09:00 have passed at 17:00 sharp; a millisecond more takes the next day."""
    office = calendar(NEW_YORK, OFFICE)
    nine = at("2026-11-23 09:00-05:00")
    assert office.after_ms(nine, 8 * HOUR_MS) == at("2026-11-23 17:00-05:00")
    assert office.after_ms(nine, 8 * HOUR_MS + 1) == at("2026-11-24 09:00-05:00") + 1
    assert office.after_ms(at("2026-11-22 12:00-05:00"), 0) == at("2026-11-22 12:00-05:00")


def test_several_intervals_a_day_leave_the_break_out() -> None:
    """09:00-12:30 and 13:30-17:30 are 7.5 hours; 12:00 to 14:00 is half an hour before the break and half after."""
    split = calendar(NEW_YORK, "hours: {mon: ['13:30-17:30', '09:00-12:30']}")
    assert worked(split, "2026-11-23 00:00-05:00", "2026-11-24 00:00-05:00") == 7.5
    assert worked(split, "2026-11-23 12:00-05:00", "2026-11-23 14:00-05:00") == 1
    assert split.closed(at("2026-11-23 13:00-05:00")) == "outside hours: Monday 13:00 in America/New_York"


def test_a_range_of_days_may_go_over_the_end_of_the_week() -> None:
    """Saturday to Monday, 2026-11-21 to -23: three days of two hours."""
    weekend = calendar("hours: {sat-mon: '10:00-12:00'}")
    assert worked(weekend, "2026-11-20", "2026-11-27") == 6
    assert weekend.closed(at("2026-11-20 11:00")) == "off on Friday"
    assert weekend.closed(at("2026-11-23 11:00")) is None


# Daylight saving in New York: 2026-03-08 02:00 EST = 07:00 UTC becomes 03:00 EDT; 2026-11-01 02:00 EDT = 06:00 UTC
# becomes 01:00 EST.


def test_an_hour_that_the_clock_skips_does_not_exist() -> None:
    """00:00-06:00 on the Sunday in March is five hours; eight real hours from midnight on, it is 09:00."""
    early = calendar(NEW_YORK, "hours: {sun: '00:00-06:00'}")
    assert worked(early, "2026-03-08 00:00-05:00", "2026-03-08 12:00-04:00") == 5
    assert worked(early, "2026-03-15 00:00-04:00", "2026-03-15 12:00-04:00") == 6
    always = calendar(NEW_YORK)
    assert always.after_ms(at("2026-03-08 00:00-05:00"), 8 * HOUR_MS) == at("2026-03-08 09:00-04:00")


def test_an_hour_that_the_clock_repeats_counts_twice() -> None:
    """00:00-06:00 on the Sunday in November is seven hours, and 01:00-02:00 alone is two: 05:00 to 07:00 UTC."""
    assert worked(calendar(NEW_YORK, "hours: {sun: '00:00-06:00'}"), "2026-11-01 04:00", "2026-11-01 12:00") == 7
    repeated = calendar(NEW_YORK, "hours: {sun: '01:00-02:00'}")
    assert worked(repeated, "2026-11-01 00:00", "2026-11-02 00:00") == 2
    assert repeated.opens_ms(at("2026-11-01 00:00")) == at("2026-11-01 05:00")
    assert repeated.after_ms(at("2026-11-01 00:00"), 2 * HOUR_MS) == at("2026-11-01 07:00")


def test_a_shift_that_ends_in_the_skipped_hour_ends_as_it_begins() -> None:
    """01:00-02:30 is 01:00-02:00 then, 06:00 to 07:00 UTC: the clock never shows 02:00 to 02:30."""
    shift = calendar(NEW_YORK, "hours: {sun: '01:00-02:30'}")
    assert worked(shift, "2026-03-08 00:00", "2026-03-09 00:00") == 1
    assert shift.closed(at("2026-03-08 07:00")) == "outside hours: Sunday 03:00 in America/New_York"


def test_a_shift_that_begins_in_the_skipped_hour_begins_at_its_end() -> None:
    """02:30-04:00 is 03:00-04:00 then, 07:00 to 08:00 UTC. One wholly inside does not take place."""
    shift = calendar(NEW_YORK, "hours: {sun: '02:30-04:00'}")
    assert shift.opens_ms(at("2026-03-08 00:00")) == at("2026-03-08 07:00")
    assert worked(shift, "2026-03-08 00:00", "2026-03-09 00:00") == 1
    inside = calendar(NEW_YORK, "hours: {sun: '02:10-02:50'}")
    assert inside.opens_ms(at("2026-03-08 00:00")) == at("2026-03-15 06:10")


def test_a_shift_that_ends_in_the_repeated_hour_takes_up_again_when_it_is_repeated() -> None:
    """00:00-01:30 EDT is 04:00 to 05:30 UTC; at 06:00 UTC the clock shows 01:00 again, until 01:30: two hours."""
    shift = calendar(NEW_YORK, "hours: {sun: '00:00-01:30'}")
    assert worked(shift, "2026-11-01 00:00", "2026-11-02 00:00") == 2
    assert shift.closed(at("2026-11-01 05:45")) == "outside hours: Sunday 01:45 in America/New_York"
    assert shift.opens_ms(at("2026-11-01 05:30")) == at("2026-11-01 06:00")
    assert shift.after_ms(at("2026-11-01 04:00"), 100 * MINUTE_MS) == at("2026-11-01 06:10")


def test_a_shift_that_begins_in_the_repeated_hour_breaks_off_when_it_is_repeated() -> None:
    """01:30-03:00: 05:30 to 06:00 UTC, off while the clock shows 01:00 to 01:30 again, then 06:30 to 08:00 UTC."""
    shift = calendar(NEW_YORK, "hours: {sun: '01:30-03:00'}")
    assert shift.opens_ms(at("2026-11-01 00:00")) == at("2026-11-01 05:30")
    assert shift.opens_ms(at("2026-11-01 06:00")) == at("2026-11-01 06:30")
    assert worked(shift, "2026-11-01 00:00", "2026-11-02 00:00") == 2


@pytest.mark.parametrize(
    ("evening", "hours"),
    [("2026-03-07 20:00-05:00", 7), ("2026-10-31 20:00-04:00", 9), ("2026-11-07 20:00-05:00", 8)],
)
def test_a_night_shift_is_an_hour_shorter_in_spring_and_longer_in_autumn(evening: str, hours: int) -> None:
    """22:00-06:00 over the nights of the two changes in New York, and a usual one."""
    start = at(evening)
    assert calendar(NEW_YORK, NIGHTS).working_ms(start, start + 14 * HOUR_MS) == hours * HOUR_MS


# South of the equator it is the other way round: in Sydney the clock goes back on 2026-04-05 at 03:00 (+11), which is
# 16:00 UTC of the day before, and forward on 2026-10-04 at 02:00 (+10), likewise.


def test_south_of_the_equator_the_clock_goes_back_in_april_and_forward_in_october() -> None:
    """Nights of 22:00-06:00 in Sydney: nine hours in April, seven in October; 02:00-03:00 twice and not at all."""
    nights, second = calendar(SYDNEY, NIGHTS), calendar(SYDNEY, "hours: {mon-sun: '02:00-03:00'}")
    april, october = (
        ("2026-04-04 21:00+11:00", "2026-04-05 12:00+10:00"),
        ("2026-10-03 21:00+10:00", "2026-10-04 12:00+11:00"),
    )
    assert [worked(nights, *april), worked(nights, *october)] == [9, 7]
    assert [worked(second, *april), worked(second, *october)] == [2, 0]
    assert second.opens_ms(at(april[0])) == at("2026-04-04 15:00")


def test_a_clock_that_goes_back_over_midnight_shows_the_evening_before_again() -> None:
    """St. John's, 2010-11-07: at 00:01 (-02:30), 02:31 UTC, it shows Saturday 23:01 again, and Sunday at 03:30 UTC."""
    saturday = calendar("time_zone: America/St_Johns", "hours: {sat: '23:00-24:00'}")
    assert worked(saturday, "2010-11-07 00:00", "2010-11-08 00:00") == 1 + 59 / 60
    assert saturday.opens_ms(at("2010-11-07 02:30")) == at("2010-11-07 02:31")
    assert saturday.day(at("2010-11-07 02:30")) == date(2010, 11, 7).toordinal()
    assert saturday.day(at("2010-11-07 02:31")) == date(2010, 11, 6).toordinal()
    assert saturday.next_day_ms(at("2010-11-07 02:31")) == at("2010-11-07 03:30")


def test_a_date_that_a_zone_skipped_has_no_working_time() -> None:
    """Samoa went from Thursday 2011-12-29 (-10) to Saturday the 31st (+14): no Friday that week."""
    fridays = calendar("time_zone: Pacific/Apia", "hours: {fri: '00:00-24:00'}", "vacations: [2011-12-30]")
    thursday = at("2011-12-29 12:00-10:00")
    assert fridays.next_day_ms(thursday) == at("2011-12-31 00:00+14:00")
    assert fridays.opens_ms(thursday) == at("2012-01-06 00:00+14:00")
    assert fridays.vacations_ms == ((at("2011-12-31 00:00+14:00"),) * 2,)


def test_half_hour_zones_open_on_the_half_hour() -> None:
    """09:00 in Kolkata (+05:30) is 03:30 UTC, in Kathmandu (+05:45) 03:15; Lord Howe's summer is half an hour ahead."""
    assert calendar(KOLKATA, OFFICE).opens_ms(at("2026-11-23 00:00")) == at("2026-11-23 03:30")
    assert calendar("time_zone: Asia/Kathmandu", OFFICE).opens_ms(at("2026-11-23 00:00")) == at("2026-11-23 03:15")
    howe = calendar("time_zone: Australia/Lord_Howe", "hours: {sun: '00:00-06:00'}")
    assert worked(howe, "2026-04-04 00:00", "2026-04-06 00:00") == 6.5
    assert worked(howe, "2026-10-03 00:00", "2026-10-05 00:00") == 5.5


# Holidays. In 2026 Thanksgiving is Thursday 11-26, Patriots' Day (Massachusetts, not Connecticut) Monday 04-20,
# Republic Day of India Monday 01-26.


def test_a_holiday_closes_on_one_side_of_a_border_only() -> None:
    noon = at("2026-11-26 12:00-05:00")
    assert calendar(NEW_YORK, OFFICE, "holidays: US").closed(noon) == "holiday: Thanksgiving Day"
    assert calendar(NEW_YORK, OFFICE, "holidays: IN").closed(noon) is None
    assert calendar(NEW_YORK, OFFICE, "holidays: none").closed(noon) is None
    republic = at("2026-01-26 12:00+05:30")
    assert calendar(KOLKATA, OFFICE, "holidays: IN").closed(republic) == "holiday: Republic Day"
    assert calendar(KOLKATA, OFFICE, "holidays: US").closed(republic) is None


def test_a_holiday_closes_in_one_state_only() -> None:
    noon = at("2026-04-20 12:00-04:00")
    assert calendar(NEW_YORK, OFFICE, "holidays: US-MA").closed(noon) == "holiday: Patriots' Day"
    assert calendar(NEW_YORK, OFFICE, "holidays: US-CT").closed(noon) is None
    assert calendar(NEW_YORK, OFFICE, "holidays: US").closed(noon) is None


def test_a_holiday_closes_the_local_date_from_midnight_to_midnight() -> None:
    """Thanksgiving in Los Angeles (-8), without hours: 2026-11-26 08:00 UTC to the 27th 08:00 UTC."""
    west = calendar("time_zone: America/Los_Angeles", "holidays: US")
    start, end = at("2026-11-26 08:00"), at("2026-11-27 08:00")
    assert [west.closed(start - 1), west.closed(start)] == [None, "holiday: Thanksgiving Day"]
    assert [west.closed(end - 1), west.closed(end)] == ["holiday: Thanksgiving Day", None]
    assert west.working_ms(start - 2 * HOUR_MS, end + HOUR_MS) == 3 * HOUR_MS


def test_a_shift_over_midnight_ends_where_a_holiday_begins() -> None:
    """22:00-06:00: into Thanksgiving only 22:00-24:00 is left; from its evening on only 00:00-06:00 of Friday."""
    nights = calendar(NEW_YORK, NIGHTS, "holidays: US")
    assert worked(nights, "2026-11-25 20:00-05:00", "2026-11-26 20:00-05:00") == 2
    assert worked(nights, "2026-11-26 20:00-05:00", "2026-11-27 20:00-05:00") == 6 + 0
    assert nights.opens_ms(at("2026-11-26 00:00-05:00")) == at("2026-11-27 00:00-05:00")
    assert nights.closed(at("2026-11-26 23:00-05:00")) == "holiday: Thanksgiving Day"


def test_what_is_left_of_a_shift_belongs_to_the_next_day() -> None:
    """Sunday 22:00-02:00 reaches into Monday, which has no hours of its own; Sunday's first hours are closed."""
    shift = calendar(NEW_YORK, "hours: {sun: '22:00-02:00'}")
    assert worked(shift, "2026-11-22 00:00-05:00", "2026-11-24 00:00-05:00") == 4
    assert shift.closed(at("2026-11-23 01:59-05:00")) is None
    assert shift.closed(at("2026-11-23 02:00-05:00")) == "outside hours: Monday 02:00 in America/New_York"
    assert shift.closed(at("2026-11-22 01:00-05:00")) == "outside hours: Sunday 01:00 in America/New_York"


def test_hours_that_end_or_begin_at_midnight_meet_there() -> None:
    """Monday to 24:00 and Tuesday from 00:00 are one stretch of four hours; 22:00-00:00 means the same."""
    for end in ("24:00", "00:00"):
        shift = calendar(f"hours: {{mon: '22:00-{end}', tue: '00:00-02:00'}}")
        midnight = at("2026-11-24 00:00")
        assert [shift.closed(midnight - 1), shift.closed(midnight)] == [None, None]
        assert shift.working_ms(midnight - DAY_MS, midnight + DAY_MS) == 4 * HOUR_MS
        assert shift.after_ms(at("2026-11-23 00:00"), 3 * HOUR_MS) == at("2026-11-24 01:00")


def test_the_whole_day_is_every_minute_of_it() -> None:
    whole = calendar("hours: {mon: '00:00-24:00'}")
    assert worked(whole, "2026-11-22", "2026-11-25") == 24
    assert whole.closed(at("2026-11-24 00:00")) == "off on Tuesday"


def test_a_vacation_holds_from_its_first_to_its_last_day() -> None:
    """2026-12-24 to 2027-01-02, New York: back on Monday the 4th; the other, of one day, is a Wednesday."""
    away = calendar(NEW_YORK, OFFICE, "vacations: [2027-03-10, 2026-12-24/2027-01-02]")
    assert away.closed(at("2026-12-23 16:00-05:00")) is None
    assert away.closed(at("2026-12-24 00:00-05:00")) == "on vacation until 2027-01-02"
    assert away.closed(at("2027-01-02 23:59-05:00")) == "on vacation until 2027-01-02"
    assert away.closed(at("2027-01-03 00:00-05:00")) == "off on Sunday"
    assert away.opens_ms(at("2026-12-24 10:00-05:00")) == at("2027-01-04 09:00-05:00")
    assert away.vacations_ms == (
        (at("2026-12-24 00:00-05:00"), at("2027-01-03 00:00-05:00")),
        (at("2027-03-10 00:00-05:00"), at("2027-03-11 00:00-05:00")),
    )


def test_vacations_that_touch_are_one() -> None:
    away = calendar("vacations: [2026-12-28/2027-01-02, 2026-12-24/2026-12-27, 2026-12-26]")
    assert away.vacations_ms == ((at("2026-12-24"), at("2027-01-03")),)
    assert away.closed(at("2026-12-25")) == "on vacation until 2027-01-02"


def test_a_vacation_is_told_before_a_holiday_and_a_holiday_before_hours() -> None:
    """Christmas 2026, a Friday, within and without a vacation; Juneteenth 2027 is a Saturday."""
    at_christmas = at("2026-12-25 12:00-05:00")
    home = calendar(NEW_YORK, OFFICE, "holidays: US")
    away = calendar(NEW_YORK, OFFICE, "holidays: US", "vacations: [2026-12-24/2027-01-02]")
    assert away.closed(at_christmas) == "on vacation until 2027-01-02"
    assert home.closed(at_christmas) == "holiday: Christmas Day"
    assert home.closed(at("2027-06-19 12:00-04:00")) == "holiday: Juneteenth National Independence Day"


def test_local_dates_begin_at_local_midnight() -> None:
    """Kolkata's 24th begins at 18:30 UTC of the 23rd; New York's 1st of November lasts 25 hours."""
    assert calendar(KOLKATA).next_day_ms(at("2026-11-23 10:00")) == at("2026-11-23 18:30")
    assert calendar(KOLKATA).day(at("2026-11-23 18:30")) == date(2026, 11, 24).toordinal()
    assert calendar(KOLKATA).day(at("2026-11-23 18:30") - 1) == date(2026, 11, 23).toordinal()
    assert calendar(NEW_YORK).next_day_ms(at("2026-11-01 04:00")) == at("2026-11-01 04:00") + 25 * HOUR_MS


def test_who_has_no_hours_always_works() -> None:
    assert ALWAYS.closed(at("2026-12-25 03:00")) is None
    assert ALWAYS.opens_ms(12_345) == 12_345
    assert ALWAYS.working_ms(1_000, 3 * DAY_MS + 1_000) == 3 * DAY_MS
    assert ALWAYS.working_ms(2_000, 1_000) == 0
    assert ALWAYS.after_ms(1_000, 30 * DAY_MS) == 1_000 + 30 * DAY_MS
    assert ALWAYS.vacations_ms == ()


def test_beyond_the_horizon_there_is_no_working_time() -> None:
    """A vacation of a thousand days; and hours of one a week, of which 800 days have 114."""
    away = calendar("vacations: [2026-01-01/2028-09-26]")
    assert away.opens_ms(at("2026-01-01")) is None
    assert away.after_ms(at("2026-01-01"), 1) is None
    assert away.opens_ms(at("2028-09-27") - HORIZON_DAYS * DAY_MS) is None
    assert away.opens_ms(at("2028-09-27") - HORIZON_DAYS * DAY_MS + 1) == at("2028-09-27")
    weekly = calendar("hours: {wed: '09:00-10:00'}")
    start = at("2026-01-01")
    assert start + HORIZON_DAYS * DAY_MS == at("2028-03-11")
    assert weekly.after_ms(start, 114 * HOUR_MS) == at("2028-03-08 10:00")
    assert weekly.after_ms(start, 115 * HOUR_MS) is None


@pytest.mark.parametrize("at_ms", [-(2**63), -1, COUNTED_TO_MS, 253_402_300_799_999, 2**63 - 1])
def test_no_instant_is_too_far(at_ms: int) -> None:
    """What a producer may write as a record's time is answered, and in bounded time."""
    wild = calendar(NEW_YORK, OFFICE, "holidays: IN", "vacations: [0001-01-01, 9999-12-31]")
    assert wild.closed(at_ms) != ""
    opens_ms = wild.opens_ms(at_ms)
    assert opens_ms is not None
    assert wild.closed(opens_ms) is None
    assert wild.after_ms(at_ms, HOUR_MS) is not None
    assert wild.next_day_ms(at_ms) > at_ms
    assert wild.day(wild.next_day_ms(at_ms)) == wild.day(at_ms) + 1
    assert wild.working_ms(at_ms, at_ms + DAY_MS) >= 0


def test_working_time_is_counted_within_known_years() -> None:
    """All hours on every day of 1970 to 2100 are 130 years, 32 of them leap years (2000 is one): 47,482 days."""
    assert calendar("hours: {mon-sun: '00:00-24:00'}").working_ms(-(2**63), 2**63) == (130 * 365 + 32) * DAY_MS


def test_an_answer_does_not_depend_on_what_was_asked_before() -> None:
    """What a calendar remembers of its last answers never shows."""
    instants = [at("2026-10-31 00:00") + step * 7 * HOUR_MS for step in (0, 9, 3, 8, 1, 40, 2, 39, 3, 3)]
    asked = calendar(NEW_YORK, NIGHTS, "holidays: US")
    for instant in instants:
        fresh = Calendar(ZoneInfo("America/New_York"), (((1320, 1800),),) * 7, asked.holidays)
        assert asked.closed(instant) == fresh.closed(instant)
        assert asked.opens_ms(instant) == fresh.opens_ms(instant)
        assert asked.day(instant) == fresh.day(instant)
