"""Who is there, and how long a limit lasts: daylight saving, holidays, midnight, shifts over it, vacations.

New York is five hours behind UTC in winter and four in summer: it goes back at 2:00 on 1 November 2026 (06:00 UTC), and
forward at 2:00 on 14 March 2027 (07:00 UTC).
"""

import pytest

from tests.build import DAY, HOUR, MINUTE, T0
from tests.examples.harness import at, chats, says, scoring, simulate
from tests.unit.routing.office import Office, Seen, ms

OFFICE_HOURS = "hours: {mon-fri: '09:00-17:00'}"
NIGHTS = "hours: {sat: '22:00-06:00'}"


def one(rep: str, limit: str = "15m", more: str = "") -> str:
    """A desk of one rep in New York, who is to accept within `limit`."""
    return f"""
assign_on: [hot-lead]
reps: {{andy: {{time_zone: America/New_York, {rep}}}}}
rules: [{{name: all, to: {{rep: andy}}}}]
sla: {{hot: {{accept_within: {limit}}}}}
{more}
"""


def due(config: str, asked: str) -> str:
    """When the lead that asks then is to be accepted."""
    (assigned,) = Office(config, asked).ask("ann")
    assert assigned.short == ("assigned", "ann", "andy")
    stated: str = assigned.data["due_at"]
    return stated.removesuffix(":00.000Z")


def handed_out(config: str, asked: str, until: str) -> str:
    """When the lead that asks then, and has to wait, goes out."""
    office = Office(config, asked)
    assert office.ask("ann")[0].kind == "queued"
    (assigned,) = [seen for seen in office.until(until) if seen.kind == "assigned"]
    return assigned.time


@pytest.mark.parametrize(
    ("sunday", "nine"),
    [
        ("2026-10-25T12:00", "2026-10-26T13:00"),
        ("2026-11-01T12:00", "2026-11-02T14:00"),
        ("2027-03-07T12:00", "2027-03-08T14:00"),
        ("2027-03-14T12:00", "2027-03-15T13:00"),
    ],
)
def test_nine_o_clock_is_what_the_wall_clock_shows(sunday: str, nine: str) -> None:
    assert handed_out(one(OFFICE_HOURS), sunday, nine) == nine


@pytest.mark.parametrize(
    ("friday", "monday"),
    [("2026-10-30T20:00", "2026-11-02T21:00"), ("2027-03-12T21:00", "2027-03-15T20:00")],
)
def test_a_limit_over_the_weekend_of_the_change_ends_at_the_same_hour(friday: str, monday: str) -> None:
    """Friday 16:00 in New York: one of eight hours until 17:00, seven on Monday from 9:00 to 16:00."""
    assert due(one(OFFICE_HOURS, "8h"), friday) == monday


def test_an_hour_that_the_clock_skips_takes_nothing_off_a_limit() -> None:
    """A shift from 22:00 to 6:00, 13 to 14 March: 7 hours. Assigned at 23:00 (04:00 UTC), 4 hours on it is 4:00 there.

    Of 7 hours six are left in this shift, until 6:00 (10:00 UTC); the seventh is from 22:00 to 23:00 a week later
    (02:00 to 03:00 UTC, in summer time).
    """
    assert due(one(NIGHTS, "4h"), "2027-03-14T04:00") == "2027-03-14T08:00"
    assert due(one(NIGHTS, "6h"), "2027-03-14T04:00") == "2027-03-14T10:00"
    assert due(one(NIGHTS, "7h"), "2027-03-14T04:00") == "2027-03-21T03:00"


def test_an_hour_that_the_clock_repeats_counts_twice() -> None:
    """The shift of 31 October has 9 hours. Assigned at 23:00 (03:00 UTC), 8 hours on it ends: 6:00, 11:00 UTC."""
    assert due(one(NIGHTS, "3h"), "2026-11-01T03:00") == "2026-11-01T06:00"
    assert due(one(NIGHTS, "8h"), "2026-11-01T03:00") == "2026-11-01T11:00"
    assert due(one(NIGHTS, "9h"), "2026-11-01T03:00") == "2026-11-08T04:00"


def test_a_shift_at_the_skipped_hour_begins_when_the_clock_shows_three() -> None:
    """On Sundays from 2:30 to 5:00. On 14 March 2:30 does not come: the shift begins at 3:00, 07:00 UTC."""
    assert handed_out(one("hours: {sun: '02:30-05:00'}"), "2027-03-14T06:59", "2027-03-14T12:00") == "2027-03-14T07:00"


def test_who_has_no_hours_works_day_and_night_whatever_the_clock_does() -> None:
    assert due(one("name: Andy", "1d"), "2026-11-01T03:00") == "2026-11-02T03:00"
    assert due(one("name: Andy", "1d"), "2027-03-14T04:00") == "2027-03-15T04:00"


BORDER = """
assign_on: [hot-lead]
holidays_from: US
reps:
  andy: {time_zone: America/New_York, hours: {mon-fri: '09:00-17:00'}}
  bea: {time_zone: America/Toronto, hours: {mon-fri: '09:00-17:00'}, holidays: CA-ON}
teams: {north: {reps: [andy, bea]}}
rules: [{name: north, to: {team: north}}]
"""


def passed_over(told: list[Seen]) -> dict[str, str]:
    """Who did not get the lead, and why."""
    return {step["candidate"]: step["why"] for step in told[0].data["trace"] if step["outcome"] == "passed over"}


@pytest.mark.parametrize(
    ("asked", "rep", "why"),
    [
        ("2026-11-26T15:00", "bea", {"andy": "holiday: Thanksgiving Day"}),
        ("2027-07-01T15:00", "andy", {"bea": "holiday: Canada Day"}),
        ("2026-11-27T15:00", "andy", {"bea": "andy comes first"}),
    ],
)
def test_a_holiday_on_one_side_of_the_border_sends_leads_to_the_other(
    asked: str, rep: str, why: dict[str, str]
) -> None:
    told = Office(BORDER, asked).ask("ann")
    assert told[0].rep == rep
    assert passed_over(told) == why


def test_a_holiday_on_both_sides_makes_leads_wait_for_the_day_after() -> None:
    """Christmas Day 2026 is a Friday. On the 28th Boxing Day is made up for in Ontario: Andy alone, at 14:00 UTC."""
    office = Office(BORDER, "2026-12-25T15:00")
    told = office.ask("ann")
    assert passed_over(told) == {"andy": "holiday: Christmas Day", "bea": "holiday: Christmas Day"}
    (assigned,) = office.until("2026-12-28T14:00")
    assert (assigned.rep, assigned.time) == ("andy", "2026-12-28T14:00")


def test_a_limit_leaves_a_holiday_out() -> None:
    """Wednesday 16:30 in New York: half an hour until 17:00. Thursday is Thanksgiving; Friday from 9:00 to 10:30."""
    assert due(one(f"{OFFICE_HOURS}, holidays: US", "2h"), "2026-11-25T21:30") == "2026-11-27T15:30"
    assert due(one(f"{OFFICE_HOURS}, holidays: none", "2h"), "2026-11-25T21:30") == "2026-11-26T15:30"


def test_a_holiday_of_one_state_closes_there_only() -> None:
    """Patriots' Day, 19 April 2027, in Massachusetts. Nine o'clock is 13:00 UTC in summer."""
    assert (
        handed_out(one(f"{OFFICE_HOURS}, holidays: US-MA"), "2027-04-19T12:00", "2027-04-21T00:00")
        == "2027-04-20T13:00"
    )
    assert (
        handed_out(one(f"{OFFICE_HOURS}, holidays: US"), "2027-04-19T12:00", "2027-04-21T00:00") == "2027-04-19T13:00"
    )


def test_who_has_no_hours_has_holidays_though_from_midnight_to_midnight_there() -> None:
    """Thanksgiving, 26 November, is from 05:00 UTC to 05:00 UTC in New York."""
    config = one("holidays: US", "1h")
    assert due(config, "2026-11-26T04:00") == "2026-11-26T05:00"
    assert due(config, "2026-11-26T04:30") == "2026-11-27T05:30"
    assert handed_out(config, "2026-11-26T05:00", "2026-11-28T00:00") == "2026-11-27T05:00"


def test_a_shift_goes_on_over_midnight_to_its_last_minute() -> None:
    """Sunday 22:00 to Monday 2:00, which is 03:00 to 07:00 UTC on Monday."""
    config = one("hours: {sun: '22:00-02:00'}", "2h")
    assert due(config, "2026-11-23T04:00") == "2026-11-23T06:00"
    assert due(config, "2026-11-23T06:59") == "2026-11-30T04:59"
    assert handed_out(config, "2026-11-23T07:00", "2026-11-30T08:00") == "2026-11-30T03:00"


def test_a_shift_over_midnight_into_a_holiday_ends_at_midnight() -> None:
    """Columbus Day is Monday, 12 October. Sunday 23:30 (03:30 UTC): half an hour, the other a week later from 22:00."""
    config = one("hours: {sun: '22:00-02:00'}, holidays: US", "1h")
    assert due(config, "2026-10-12T03:30") == "2026-10-19T02:30"
    assert handed_out(config, "2026-10-12T04:00", "2026-10-19T02:00") == "2026-10-19T02:00"


def test_a_shift_that_would_begin_on_a_holiday_evening_begins_at_midnight() -> None:
    """Thanksgiving, a Thursday, from 22:00 to 2:00: from midnight, 05:00 UTC, to 07:00."""
    config = one("hours: {thu: '22:00-02:00'}, holidays: US", "1h")
    assert handed_out(config, "2026-11-27T03:00", "2026-11-28T00:00") == "2026-11-27T05:00"
    assert due(config, "2026-11-27T06:00") == "2026-11-27T07:00"


def test_hours_that_meet_at_midnight_are_one_stretch() -> None:
    """Monday 18:00–24:00 and Tuesday 0:00–6:00, which is 23:00 to 11:00 UTC."""
    config = one("hours: {mon: '18:00-24:00', tue: '00:00-06:00'}", "2h")
    assert due(config, "2026-11-24T04:00") == "2026-11-24T06:00"


def test_at_midnight_there_a_day_s_count_begins_anew_within_a_shift() -> None:
    """One lead a day, and a shift from Sunday 22:00 to Monday 2:00: the second goes out at midnight, 05:00 UTC."""
    office = Office(one("hours: {sun: '22:00-02:00'}, capacity: {per_day: 1}"), "2026-11-23T04:00")
    office.ask("ann")
    office.say("accepted", "andy", "ann")
    assert office.ask("bob")[0].kind == "queued"
    (assigned,) = office.until("2026-11-23T05:00")
    assert (*assigned.short, assigned.time) == ("assigned", "bob", "andy", "2026-11-23T05:00")


def test_a_break_at_noon_is_no_working_time() -> None:
    """12:00 in New York: half an hour until 12:30, the other from 13:30 to 14:00 (19:00 UTC)."""
    config = one("hours: {mon-fri: ['09:00-12:30', '13:30-17:30']}", "1h")
    assert due(config, "2026-11-23T17:00") == "2026-11-23T19:00"
    assert handed_out(config, "2026-11-23T17:30", "2026-11-24T00:00") == "2026-11-23T18:30"


def test_half_an_hour_is_as_good_as_a_whole_one_between_time_zones() -> None:
    """Nine o'clock in Kolkata is 03:30 UTC."""
    config = one(OFFICE_HOURS).replace("America/New_York", "Asia/Kolkata")
    assert handed_out(config, "2026-11-23T03:00", "2026-11-23T05:00") == "2026-11-23T03:30"


def test_a_vacation_is_whole_days_there_and_includes_the_last() -> None:
    """24 December to 2 January. Assigned on the 23rd at 16:30; the 3rd is a Sunday: half an hour of Monday, the 4th."""
    vacation = "vacations: [2026-12-24/2027-01-02]"
    assert due(one(f"{OFFICE_HOURS}, {vacation}", "1h"), "2026-12-23T21:30") == "2027-01-04T14:30"
    assert handed_out(one(vacation), "2026-12-24T05:00", "2027-01-04T00:00") == "2027-01-03T05:00"


def test_a_vacation_beyond_the_limit_moves_leads_when_it_begins_and_a_shorter_one_does_not() -> None:
    """Ten days are longer than two, so the lead goes at midnight there, 05:00 UTC; two days are not."""
    config = """
assign_on: [hot-lead]
reps:
  andy: {time_zone: America/New_York, vacations: [VACATION]}
  bea: {}
rules: [{name: andy, to: {rep: andy}}, {name: bea, to: {rep: bea}}]
sticky: {unless_away_for: 2d}
"""
    long, short = (config.replace("VACATION", days) for days in ("2026-12-24/2027-01-02", "2026-12-24/2026-12-25"))
    office = Office(long, "2026-12-23T15:00")
    office.ask("ann")
    (moved,) = office.until("2027-01-31T00:00")
    assert (*moved.short, moved.time) == ("reassigned", "ann", "bea", "2026-12-24T05:00")
    assert moved.data["reason"] == "andy on vacation until 2027-01-02; rule bea"
    office = Office(short, "2026-12-23T15:00")
    office.ask("ann")
    assert office.until("2027-01-31T00:00") == []


def test_nights_weekends_and_holidays_are_no_absence() -> None:
    """From Friday to Tuesday, Monday being Columbus Day, longer than two days; the owner keeps the lead."""
    config = one(f"{OFFICE_HOURS}, holidays: US", "4h", "sticky: {unless_away_for: 2d}")
    office = Office(config, "2026-10-09T18:00")
    office.ask("ann")
    office.say("accepted", "andy", "ann")
    assert office.until("2026-10-12T15:00") == []
    assert office.ask("ann")[0].short == ("assigned", "ann", "andy")


def test_end_to_end_over_thanksgiving_from_toronto_to_new_york() -> None:
    """Thursday 21:30 UTC, 16:30 in both towns: Andy celebrates, so Bea has it, half an hour of two until 17:00.

    The rest is on Friday from 9:00 to 10:30, 15:30 UTC. She says nothing, so it is Andy's, for two hours: 17:30. He
    accepts at 17:30, which is in time, and has an hour to get in touch: 18:30.
    """
    routing = {
        "assign_on": ["hot"],
        "holidays_from": "US",
        "reps": {
            "andy": {"time_zone": "America/New_York", "hours": {"mon-fri": "09:00-17:00"}},
            "bea": {"time_zone": "America/Toronto", "hours": {"mon-fri": "09:00-17:00"}, "holidays": "CA-ON"},
        },
        "teams": {"north": {"reps": ["andy", "bea"]}},
        "rules": [{"name": "north", "to": {"team": "north"}}],
        "sla": {"hot": {"accept_within": "2h", "contact_within": "1h"}},
    }
    model = scoring(chats(85, decay="none"), alerts={"hot": {"crosses": "hot"}})
    thursday, friday = 3 * DAY, 4 * DAY
    told = simulate(
        model,
        at(thursday + 21 * HOUR + 30 * MINUTE),
        says(friday + 17 * HOUR + 30 * MINUTE, "accepted"),
        says(friday + 18 * HOUR + 30 * MINUTE, "contacted"),
        until=7 * DAY,
        desk=routing,
    )
    assert told.assignments() == [
        ("assigned", "ada", "bea", thursday + 21 * HOUR + 30 * MINUTE),
        ("reassigned", "ada", "andy", friday + 15 * HOUR + 30 * MINUTE),
        ("accepted", "ada", "andy", friday + 17 * HOUR + 30 * MINUTE),
        ("contacted", "ada", "andy", friday + 18 * HOUR + 30 * MINUTE),
    ]
    assert [one["due_at"] for one in told.on("lead-assignments")] == [
        "2026-11-27T15:30:00.000Z",
        "2026-11-27T17:30:00.000Z",
        "2026-11-27T18:30:00.000Z",
        None,
    ]
    assert told.owners("ada") == ["andy"]


@pytest.mark.parametrize(
    ("asked", "due_at"), [("2026-11-01T03:00", "2026-11-01T11:00"), ("2027-03-14T04:00", "2027-03-21T04:00")]
)
def test_end_to_end_a_night_of_the_change_of_the_clock(asked: str, due_at: str) -> None:
    """Eight hours from Saturday 23:00: in autumn all of this night; in spring six, and two of the next one's."""
    routing = {
        "assign_on": ["hot"],
        "reps": {"andy": {"time_zone": "America/New_York", "hours": {"sat": "22:00-06:00"}}},
        "rules": [{"name": "all", "to": {"rep": "andy"}}],
        "sla": {"hot": {"accept_within": "8h"}},
    }
    model = scoring(chats(85, decay="none"), alerts={"hot": {"crosses": "hot"}})
    told = simulate(model, at(ms(asked) - T0), until=ms(due_at) - T0 + 1, desk=routing)
    assert told.assignments() == [
        ("assigned", "ada", "andy", ms(asked) - T0),
        ("queued", "ada", None, ms(due_at) - T0),
    ]
    assert told.on("lead-assignments")[1]["reason"] == (
        f"andy has not accepted it by {due_at}:00.000Z; nobody is left whom the rules name"
    )
    assert told.owners("ada") == [None]
