"""Working time: it adds up, it can be run backwards, and it is what a look at the wall clock every minute says."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.reader import Reader
from engine.routing.calendarfile import KEYS, read_calendar
from engine.routing.calendars import HORIZON_DAYS, Calendar, Holidays
from tests.build import DAY, MINUTE
from tests.laws.models import LAW

HORIZON = HORIZON_DAYS * DAY
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
ZONES = (
    "UTC", "America/New_York", "America/Havana", "America/Santiago", "America/St_Johns", "Africa/Cairo", "Asia/Beirut",
    "Asia/Kolkata", "Australia/Lord_Howe", "Australia/Sydney", "Atlantic/Azores", "Pacific/Apia",
)  # fmt: skip
"""Some change at midnight, some by half an hour; St. John's at a minute past midnight, Samoa once by a whole day."""


@dataclass(frozen=True)
class Plan:
    """Working time as it is written: `HH:MM` from and to by weekday, and the dates that are off."""

    zone: str
    hours: dict[str, list[tuple[str, str]]]
    holidays: frozenset[date]
    vacations: tuple[tuple[date, date], ...]

    def calendar(self) -> Calendar:
        hours = {day: [f"{start}-{end}" for start, end in spans] for day, spans in self.hours.items()}
        vacations = [f"{first}/{last}" for first, last in self.vacations]
        text = f"time_zone: {self.zone}\nvacations: {vacations}\n" + (f"hours: {hours}\n" if hours else "")
        reader = Reader("routing.yaml")
        entries = reader.mapping(reader.parse(text), KEYS)
        found = read_calendar(reader, entries, Holidays("", lambda year: dict.fromkeys(self.holidays, "Feast")))
        reader.finish()
        return found

    def works(self, at_ms: int) -> bool:
        """The reference: what the wall clock shows, and whether it stands in the plan."""
        local = wall(self.zone, at_ms)
        if local.date() in self.holidays or any(first <= local.date() <= last for first, last in self.vacations):
            return False
        if not self.hours:
            return True
        now = f"{local:%H:%M}"
        today = self.hours.get(WEEKDAYS[local.weekday()], [])
        yesterday = self.hours.get(WEEKDAYS[local.weekday() - 1], [])
        return any(start <= now < (end if start < end else "24:00") for start, end in today) or any(
            now < end < start for start, end in yesterday
        )


def wall(zone: str, at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms // 1_000, ZoneInfo(zone))


@cache
def changes(zone: str) -> list[int]:
    """The days of UTC in 2010, 2011 and 2026 during which the clock is put forward or back."""
    starts = [round(datetime(year, 1, 1, tzinfo=UTC).timestamp() * 1_000) for year in (2010, 2011, 2026)]
    days = [start + day * DAY for start in starts for day in range(365)]
    return [day for day in days if wall(zone, day).utcoffset() != wall(zone, day + DAY).utcoffset()]


def clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


@st.composite
def intervals(draw: st.DrawFn) -> list[tuple[str, str]]:
    """Up to three of a day, apart from each other; the last may go on over midnight."""
    drawn = draw(st.lists(st.integers(0, 143), min_size=1, max_size=6, unique=True))
    times = [clock(ten * 10) for ten in sorted(drawn)]
    if len(times) % 2:
        times.append(draw(st.sampled_from(["24:00", *(clock(ten * 10) for ten in range(max(drawn)))])))
    return list(zip(times[::2], times[1::2], strict=True))


@st.composite
def situations(draw: st.DrawFn) -> tuple[Plan, int]:
    """A plan, and an instant of its zone: often near a change of the clock, with days off around it."""
    zone = draw(st.sampled_from(ZONES))
    turns = changes(zone)
    free = st.integers(1_230_768_000_000 // MINUTE, 1_800_000_000_000 // MINUTE).map(lambda minute: minute * MINUTE)
    at_ms = draw(st.one_of(st.sampled_from(turns), free) if turns else free)
    near = st.integers(-2, 4).map(lambda days: wall(zone, at_ms).date() + timedelta(days=days))
    vacations = draw(st.lists(st.tuples(near, near).map(lambda pair: (min(pair), max(pair))), max_size=1))
    hours = draw(st.dictionaries(st.sampled_from(WEEKDAYS), intervals(), max_size=7))
    plan = Plan(zone, hours, draw(st.frozensets(near, max_size=2)), tuple(vacations))
    return plan, at_ms - draw(st.integers(0, 12 * 60)) * MINUTE


lengths = st.one_of(st.integers(0, 3 * DAY), st.integers(0, 60 * DAY))


@settings(LAW, max_examples=50)
@given(situations())
def test_a_calendar_says_what_the_wall_clock_says_minute_by_minute(situation: tuple[Plan, int]) -> None:
    """Over 36 hours: closed or not at each minute's first and last instant; and they add up to the working time."""
    plan, start = situation
    calendar = plan.calendar()
    minutes = range(start, start + 3 * DAY // 2, MINUTE)
    working = [at_ms for at_ms in minutes if plan.works(at_ms)]
    assert [at_ms for at_ms in minutes if calendar.closed(at_ms) is None] == working
    assert [at_ms for at_ms in minutes if calendar.closed(at_ms + MINUTE - 1) is None] == working
    assert calendar.working_ms(start, start + 3 * DAY // 2) == len(working) * MINUTE


@LAW
@given(situations())
def test_local_dates_are_those_of_the_wall_clock_and_the_next_one_begins_when_it_first_shows(
    situation: tuple[Plan, int],
) -> None:
    plan, start = situation
    calendar = plan.calendar()
    today = wall(plan.zone, start).date().toordinal()
    begins = calendar.next_day_ms(start)
    assert start < begins <= start + 2 * DAY
    for at_ms in range(start, begins, MINUTE):
        day = wall(plan.zone, at_ms).date().toordinal()
        assert calendar.day(at_ms) == day <= today
    assert calendar.day(begins) == wall(plan.zone, begins).date().toordinal() > today
    assert calendar.day(begins - 1) <= today


@LAW
@given(situations(), lengths, lengths)
def test_working_time_adds_up(situation: tuple[Plan, int], first_ms: int, then_ms: int) -> None:
    """Wherever it is cut, and it is never more than the time that passes."""
    plan, start = situation
    calendar = plan.calendar()
    middle, end = start + first_ms, start + first_ms + then_ms
    parts = calendar.working_ms(start, middle), calendar.working_ms(middle, end)
    assert calendar.working_ms(start, end) == sum(parts)
    assert 0 <= parts[0] <= first_ms
    assert calendar.working_ms(end, start) == 0


@settings(LAW, max_examples=60)
@given(situations(), lengths)
def test_after_is_the_inverse_of_working_time(situation: tuple[Plan, int], amount_ms: int) -> None:
    """At that instant so much has passed, and a millisecond earlier less."""
    plan, start = situation
    calendar = plan.calendar()
    end = calendar.after_ms(start, amount_ms)
    if end is None:
        assert calendar.working_ms(start, start + HORIZON) < amount_ms
        return
    assert start <= end <= start + HORIZON
    assert calendar.working_ms(start, end) == amount_ms
    assert amount_ms == 0 or calendar.working_ms(start, end - 1) == amount_ms - 1


@settings(LAW, max_examples=60)
@given(situations())
def test_it_opens_when_it_is_working_and_nothing_before_is(situation: tuple[Plan, int]) -> None:
    """The same asked from anywhere in between."""
    plan, start = situation
    calendar = plan.calendar()
    opens = calendar.opens_ms(start)
    if opens is None:
        assert calendar.working_ms(start, start + HORIZON) == 0
        return
    assert plan.works(opens)
    assert not any(plan.works(at_ms) for at_ms in range(start, min(opens, start + 2 * DAY), MINUTE))
    assert calendar.working_ms(start, opens) == 0
    assert calendar.opens_ms((start + opens) // 2) == plan.calendar().opens_ms(opens) == opens
