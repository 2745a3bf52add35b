"""When a rep works: hours on the wall clock of a time zone, less holidays and vacations.

Instants are milliseconds since the epoch, UTC. What the wall clock shows decides, exactly: an hour that it skips in
spring does not exist, one that it repeats in autumn counts twice.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, date, timedelta, tzinfo
from functools import lru_cache

from engine.core.instants import DAY_MS, EPOCH, FIRST_MS, LAST_MS, MINUTE_MS, MS, from_datetime

HORIZON_DAYS = 800
"""How far ahead working time is looked for."""
COUNTED_TO_MS = from_datetime(EPOCH.replace(year=2100))
"""Working time is counted from 1970 to here, so that no hostile instant makes a sum long."""

DAY_MINUTES = 1_440

_HORIZON_MS = HORIZON_DAYS * DAY_MS
_EPOCH_DAY = EPOCH.toordinal()
_LAST_DAY = date.max.toordinal()
_SECOND_MS = 1_000
_DAYS_CACHED = 64
_YEARS_CACHED = 16
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

Hours = tuple[tuple[tuple[int, int], ...], ...]
"""For each weekday, Monday first, its intervals: minutes of the wall clock from its midnight, up to the end, which is
above 1440 where the interval goes on over midnight."""

Span = tuple[int, int]
"""From the first instant up to, not including, the last."""


class Holidays:
    """The public holidays that `code` names; `of_year` computes the names of those of a year, by date."""

    def __init__(self, code: str, of_year: Callable[[int], Mapping[date, str]]) -> None:
        self.code = code
        self._of_year = lru_cache(_YEARS_CACHED)(of_year)

    def name(self, day: int) -> str | None:
        """What is celebrated on the date with this ordinal; None where nothing is."""
        if not 0 < day <= _LAST_DAY:
            return None
        local = date.fromordinal(day)
        return self._of_year(local.year).get(local)


class Calendar:
    """When a rep works. Without hours always, less holidays and vacations.

    A holiday or a day of vacation is closed from midnight to midnight: a shift over midnight ends there, and one that
    would have begun on a closed evening works from midnight on.
    """

    def __init__(
        self,
        zone: tzinfo,
        hours: Hours | None,
        holidays: Holidays | None,
        vacations: Iterable[tuple[date, date]] = (),
    ) -> None:
        """`vacations`: first and last date of each."""
        self.zone = zone
        self._hours = None if hours is None else tuple(_wall(hours, weekday) for weekday in range(7))
        self.holidays = holidays
        # A desk asks for one instant after the other: each answer stands with the span for which it surely holds.
        self._known: tuple[int, int, str | None] = (0, 0, None)
        self._opening: Span = (0, -1)
        self._today: tuple[int, int, int] = (0, 0, 0)
        self._vacations = _united((first.toordinal(), last.toordinal() + 1) for first, last in vacations)
        self.vacations_ms: tuple[Span, ...] = tuple(
            (self._begins_ms(first), self._begins_ms(behind)) for first, behind in self._vacations
        )
        """Each vacation from its first midnight to the one after its last day, in order; those that touch are one."""
        self._spans = lru_cache(_DAYS_CACHED)(self._spans_of)

    def closed(self, at_ms: int) -> str | None:
        """None while the rep works, else why not, for people."""
        start, end, why = self._known
        if start <= at_ms < end:
            return why
        self._known = self._look(at_ms)
        return self._known[2]

    def opens_ms(self, at_ms: int) -> int | None:
        """The first working instant at or after `at_ms`; None: there is none within the horizon."""
        asked_ms, opens_ms = self._opening
        if asked_ms <= at_ms <= opens_ms:
            return opens_ms
        for start, _ in self._open(at_ms, at_ms + _HORIZON_MS):
            self._opening = at_ms, start
            return start
        return None

    def working_ms(self, from_ms: int, to_ms: int) -> int:
        """The working time from `from_ms` up to `to_ms`; 0 where that is not later."""
        from_ms, to_ms = max(from_ms, 0), min(to_ms, COUNTED_TO_MS)
        return sum(end - start for start, end in self._open(from_ms, to_ms))

    def after_ms(self, from_ms: int, amount_ms: int) -> int | None:
        """The earliest instant by which so much working time has passed since `from_ms`; None: not in the horizon."""
        if amount_ms <= 0:
            return from_ms
        for start, end in self._open(from_ms, from_ms + _HORIZON_MS):
            if amount_ms <= end - start:
                return start + amount_ms
            amount_ms -= end - start
        return None

    def day(self, at_ms: int) -> int:
        """The ordinal of the local date."""
        start, end, day = self._today
        if not start <= at_ms < end:
            start, end, offset = self._stretch(at_ms)
            day = _day_of(at_ms + offset)
            midnight = _midnight(day, offset)
            self._today = max(start, midnight), min(end, midnight + DAY_MS), day
        return day

    def next_day_ms(self, at_ms: int) -> int:
        """When the next local date begins."""
        today = self.day(at_ms)
        while True:
            _, end, offset = self._stretch(at_ms)
            midnight = _midnight(today + 1, offset)
            if at_ms < midnight < end:
                return midnight
            at_ms = end
            if self.day(at_ms) > today:
                return at_ms

    def _begins_ms(self, day: int) -> int:
        """The first instant of a local date, or of the next one where the zone skipped it."""
        at_ms = _midnight(day - 2, 0)
        while self.day(at_ms) < day:
            at_ms = self.next_day_ms(at_ms)
        return at_ms

    def _open(self, from_ms: int, to_ms: int) -> Iterator[Span]:
        """The working time from `from_ms` up to `to_ms`, in order; spans may touch."""
        for day in range(from_ms // DAY_MS, -(-to_ms // DAY_MS)):
            for opens, closes in self._spans(day):
                start, end = max(opens, from_ms), min(closes, to_ms)
                if start < end:
                    yield start, end

    def _spans_of(self, utc_day: int) -> tuple[Span, ...]:
        """The working time of a day of UTC, counted from the epoch.

        Not of a local date: where the clock goes back over midnight the instants of two dates lie between each other.
        """
        spans: list[Span] = []
        for start, end, offset in _stretches(self.zone, utc_day):
            for day in range(_day_of(start + offset), _day_of(end + offset - 1) + 1):
                midnight = _midnight(day, offset)
                for first, behind in self._wall_of(day):
                    span = max(start, midnight + first * MINUTE_MS), min(end, midnight + behind * MINUTE_MS)
                    if span[0] < span[1]:
                        spans.append(span)
        return tuple(spans)

    def _wall_of(self, day: int) -> tuple[Span, ...]:
        """The minutes of the wall clock at which the rep works on a local date."""
        if self._on_vacation(day) is not None or (self.holidays and self.holidays.name(day)):
            return ()
        return ((0, DAY_MINUTES),) if self._hours is None else self._hours[_weekday(day)]

    def _on_vacation(self, day: int) -> int | None:
        """The last day of the vacation that `day` is in."""
        return next((behind - 1 for first, behind in self._vacations if first <= day < behind), None)

    def _stretch(self, at_ms: int) -> tuple[int, int, int]:
        """What is around `at_ms` of its day of UTC with one offset."""
        return next(stretch for stretch in _stretches(self.zone, at_ms // DAY_MS) if at_ms < stretch[1])

    def _look(self, at_ms: int) -> tuple[int, int, str | None]:
        """What `closed` says, and from when to when it surely says the same."""
        for start, end in self._spans(at_ms // DAY_MS):
            if start <= at_ms < end:
                return start, end, None
        start, end, offset = self._stretch(at_ms)
        minute = at_ms - (at_ms + offset) % MINUTE_MS
        return max(start, minute), min(end, minute + MINUTE_MS), self._why(at_ms + offset)

    def _why(self, wall_ms: int) -> str:
        day = _day_of(wall_ms)
        last = self._on_vacation(day)
        if last is not None:
            return f"on vacation until {date.fromordinal(last)}"
        if self.holidays and (name := self.holidays.name(day)):
            return f"holiday: {name}"
        if self._hours and not self._hours[_weekday(day)]:
            return f"off on {_WEEKDAYS[_weekday(day)]}"
        hour, minute = divmod(wall_ms % DAY_MS // MINUTE_MS, 60)
        return f"outside hours: {_WEEKDAYS[_weekday(day)]} {hour:02d}:{minute:02d} in {self.zone}"


def _wall(hours: Hours, weekday: int) -> tuple[Span, ...]:
    """The minutes of a date that are within hours: its own and what is left over of the day before."""
    left = ((0, end - DAY_MINUTES) for _, end in hours[weekday - 1] if end > DAY_MINUTES)
    return _united([*left, *((start, min(end, DAY_MINUTES)) for start, end in hours[weekday])])


def _united(spans: Iterable[Span]) -> tuple[Span, ...]:
    """The same without overlaps, in order; what touches is one."""
    united: list[Span] = []
    for start, end in sorted(spans):
        if united and start <= united[-1][1]:
            united[-1] = united[-1][0], max(united[-1][1], end)
        else:
            united.append((start, end))
    return tuple(united)


def _day_of(wall_ms: int) -> int:
    return wall_ms // DAY_MS + _EPOCH_DAY


def _midnight(day: int, offset_ms: int) -> int:
    """When the wall clock shows the beginning of a local date, as long as it is so far ahead of UTC."""
    return (day - _EPOCH_DAY) * DAY_MS - offset_ms


def _weekday(day: int) -> int:
    return (day + 6) % 7


@lru_cache(8_192)
def _stretches(zone: tzinfo, utc_day: int) -> tuple[tuple[int, int, int], ...]:
    """A day of UTC, counted from the epoch, cut where the zone's offset changes: from, up to, offset; all in ms."""
    start, end = utc_day * DAY_MS, (utc_day + 1) * DAY_MS
    cut: list[tuple[int, int, int]] = []
    while (offset := _offset_ms(zone, start)) != _offset_ms(zone, end):
        change = _change_ms(zone, start, end)
        cut.append((start, change, offset))
        start = change
    return (*cut, (start, end, offset)) if start < end else tuple(cut)


def _change_ms(zone: tzinfo, start_ms: int, end_ms: int) -> int:
    """The first instant with another offset than `start_ms`, which `end_ms` has; zones change at whole seconds."""
    offset = _offset_ms(zone, start_ms)
    while end_ms - start_ms > _SECOND_MS:
        middle = start_ms + (end_ms - start_ms) // (2 * _SECOND_MS) * _SECOND_MS
        if _offset_ms(zone, middle) == offset:
            start_ms = middle
        else:
            end_ms = middle
    return end_ms


def _offset_ms(zone: tzinfo, at_ms: int) -> int:
    """How far the wall clock is ahead of UTC. Where no date can say it, as at the nearest instant where one can."""
    at_ms = min(max(at_ms, FIRST_MS + DAY_MS), LAST_MS - DAY_MS)
    offset = (EPOCH + timedelta(milliseconds=at_ms)).astimezone(zone).utcoffset()
    return 0 if offset is None else offset // MS


ALWAYS = Calendar(UTC, None, None)
"""Works at every instant."""
