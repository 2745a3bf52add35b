"""Working time as it is written: what is right is read, and each mistake has its place and its remedy."""

import sys
from datetime import date

import pytest

from engine.core.instants import DAY_MS, from_rfc3339
from engine.core.reader import Reader
from engine.core.source import ConfigError
from engine.routing.calendarfile import KEYS, VACATIONS_MAX, read_calendar, read_holidays
from engine.routing.calendars import ALWAYS, Calendar, Holidays

AN_INTERVAL = "expected an interval such as '09:00-17:30' or, over midnight, '22:00-02:00'"
A_VACATION = "expected FIRST/LAST, such as 2026-12-24/2027-01-02, or one date"
SAME_DAY = "begins and ends on the same day"
TWICE = "`sun` has its hours by `sat-mon`"
EMPTY = "ends when it begins"
NO_HOLIDAYS = "there are no such holidays"
AUSTRIA = "AT-1, AT-2, AT-3, AT-4, AT-5, AT-6, AT-7, AT-8, AT-9"


def read(text: str, default: Holidays | None = None) -> Calendar:
    reader = Reader("routing.yaml")
    calendar = read_calendar(reader, reader.mapping(reader.parse(text), KEYS), default)
    reader.finish()
    return calendar


def problems(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        read(text)
    return [line.removeprefix("routing.yaml:") for line in str(caught.value).splitlines()]


def holidays(code: str) -> Holidays | None:
    reader = Reader("routing.yaml")
    found = read_holidays(reader, reader.parse(code))
    reader.finish()
    return found


def test_nothing_stated_is_always() -> None:
    assert read("{}") is ALWAYS
    assert read("{time_zone: UTC, holidays: none, vacations: []}") is ALWAYS


def test_reps_with_the_same_working_time_share_a_calendar() -> None:
    """However it is written; and they share the holidays with whoever has the same code."""
    one = read("{time_zone: Asia/Kolkata, hours: {mon-tue: '09:00-17:00'}, holidays: US-MA}")
    assert read("{holidays: US-MA, hours: {tue: ['09:00-17:00'], mon: 09:00-17:00}, time_zone: Asia/Kolkata}") is one
    assert holidays("US-MA") is one.holidays


def test_the_holidays_of_the_file_hold_where_a_rep_names_none_of_its_own() -> None:
    american = holidays("US")
    assert read("{hours: {mon: '09:00-17:00'}}", american).holidays is american
    assert read("{hours: {mon: '09:00-17:00'}, holidays: IN}", american).holidays is holidays("IN")
    assert read("{hours: {mon: '09:00-17:00'}, holidays: none}", american).holidays is None


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("time_zone: America/NewYork", "1:12", "there is no such time zone; did you mean `America/New_York`?"),
        ("hours: 9-17", "1:8", "expected a mapping from days to hours, such as {mon-fri: '09:00-17:30'}"),
        ("hours: {}", "1:8", "expected such as {mon-fri: '09:00-17:30'}; who always works has no `hours`"),
        ("hours: {monday: '09:00-17:00'}", "1:9", "`monday` is not known; did you mean `mon`?"),
        ("hours: {mon-fry: '09:00-17:00'}", "1:9", "`fry` is not known; did you mean `fri`?"),
        ("hours: {mon-wed-fri: '09:00-17:00'}", "1:9", "expected a day such as mon, or a range of two such as mon-fri"),
        ("hours: {fri-fri: '09:00-17:00'}", "1:9", f"{SAME_DAY}: expected fri, or mon-sun for every day"),
        ("hours:\n  sat-mon: '09:00-17:00'\n  sun: '10:00-12:00'", "3:3", f"{TWICE}: state each day once"),
        ("hours: {mon: 9}", "1:14", AN_INTERVAL),
        ("hours: {mon: }", "1:9", f"{AN_INTERVAL}, not nothing"),
        ("hours: {mon: '9:00-17:00'}", "1:14", AN_INTERVAL),
        ("hours: {mon: '09:00-25:00'}", "1:14", AN_INTERVAL),
        ("hours: {mon: '09:00-24:30'}", "1:14", AN_INTERVAL),
        ("hours: {mon: '24:00-02:00'}", "1:14", AN_INTERVAL),
        ("hours: {mon: '09:00-17:00-18:00'}", "1:14", AN_INTERVAL),
        ("hours: {mon: '٠٩:00-17:00'}", "1:14", AN_INTERVAL),
        ("hours: {mon: ['09:00-12:00', [1]]}", "1:30", f"{AN_INTERVAL}, not a list"),
        ("hours: {mon: []}", "1:14", "0 intervals; expected at least 1"),
        (
            "hours: {mon: '09:00-09:00'}",
            "1:14",
            f"{EMPTY}: expected two times, such as '00:00-24:00' for the whole day",
        ),
        ("hours: {mon: ['09:00-12:00', '11:59-13:00']}", "1:30", "overlaps '09:00-12:00' of the same day"),
        ("hours: {mon: ['22:00-02:00', '23:00-23:30']}", "1:30", "overlaps '22:00-02:00' of the same day"),
        ("vacations: 2026-12-24", "1:12", "expected a list of vacations"),
        ("vacations: [24.12.2026]", "1:13", A_VACATION),
        ("vacations: [20261224]", "1:13", A_VACATION),
        ("vacations: [2026-12-24/]", "1:13", A_VACATION),
        ("vacations: [2027-01-01/2027-02-30]", "1:13", f"{A_VACATION}; there is no 2027-02-30"),
        ("vacations: [2027-01-02/2026-12-24]", "1:13", "expected FIRST/LAST, such as 2026-12-24/2027-01-02"),
        ("holidays: us-ma", "1:11", f"{NO_HOLIDAYS}; did you mean `US-MA`?"),
        ("holidays: Germany", "1:11", f"{NO_HOLIDAYS}; did you mean `DE`?"),
        ("holidays: USA", "1:11", f"{NO_HOLIDAYS}; did you mean `US`?"),
        ("holidays: SG-01", "1:11", f"{NO_HOLIDAYS}; did you mean `SG`?"),
        ("holidays: AT-Wien", "1:11", f"{NO_HOLIDAYS}; expected `AT` or a part of it, one of {AUSTRIA}"),
        ("holidays: XX", "1:11", f"{NO_HOLIDAYS}; expected a country such as US, a part of one such as US-MA, or none"),
        ("holidays: 1", "1:11", "expected text: quote it: '1'"),
    ],
)
def test_a_mistake_has_its_place_and_its_remedy(text: str, place: str, message: str) -> None:
    (line,) = problems(text)
    assert line.startswith(f"{place}: {text.split(':', maxsplit=1)[0]}")
    assert line.endswith(f": {message}")


def test_all_mistakes_are_said_at_once() -> None:
    text = "time_zone: Mars\nhours: {mon: 1, tue: 2}\nvacations: [x, y]\nholidays: XX"
    assert [line.split(":")[0] for line in problems(text)] == ["1", "2", "2", "3", "3", "4"]


def test_there_is_a_limit_to_vacations_and_to_intervals() -> None:
    dates = ", ".join(["2026-12-24"] * (VACATIONS_MAX + 1))
    assert problems(f"vacations: [{dates}]") == ["1:12: vacations: 101 entries; at most 100 are supported"]
    intervals = ", ".join(
        f"'{hour:02d}:{half}'" for hour in range(24) for half in (f"00-{hour:02d}:15", f"30-{hour:02d}:45")
    )
    assert problems(f"hours: {{mon: [{intervals}]}}") == ["1:14: hours.mon: 48 entries; at most 24 are supported"]


def test_no_is_norway() -> None:
    """A country as YAML 1.2 reads it; the name is English whatever the machine's language is."""
    noon = from_rfc3339("2026-05-17T12:00:00Z")
    assert read("{holidays: NO}").closed(noon) == "holiday: Constitution Day"


@pytest.mark.parametrize("year", [1970, 2026, 2036, 2100])
def test_a_year_that_a_country_does_not_know_has_the_holidays_that_are_known(year: int) -> None:
    """India's movable ones are known from 2001 to 2035: of others the library warns, and nobody is to hear it."""
    indian = holidays("IN")
    assert indian is not None
    assert indian.name(date(year, 1, 26).toordinal()) == "Republic Day"


def test_what_holidays_need_is_loaded_when_they_are_read() -> None:
    """A year is only computed: nothing is imported for it."""
    read_all = [holidays(code) for code in ("US", "US-PR", "GB-SCT", "IN", "DE-BY", "IL", "NZ", "CN", "AE")]
    loaded = set(sys.modules)
    for found in read_all:
        assert found is not None
        assert any(found.name(739_000 + day) for day in range(366))
    assert set(sys.modules) == loaded


def test_reps_with_other_vacations_have_other_calendars() -> None:
    """Also where there are more of them than are kept to be shared."""
    for day in [date.fromordinal(739_617 + later) for later in range(300)]:
        calendar = read(f"{{vacations: [{day}]}}")
        ((begins_ms, ends_ms),) = calendar.vacations_ms
        assert ends_ms - begins_ms == DAY_MS
        assert calendar.closed(begins_ms) == f"on vacation until {day}"
