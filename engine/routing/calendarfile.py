"""The working time of a rep as `config/routing.yaml` states it: time zone, hours, vacations, holidays."""

import difflib
import re
import warnings
from collections.abc import Collection, Mapping
from datetime import UTC, date
from functools import lru_cache

import holidays
from holidays.registry import EntityLoader

from engine.core.fields import WEEKDAYS
from engine.core.modelsections import read_zone
from engine.core.places import country_code
from engine.core.reader import NAME_MAX, Reader, listed, unknown
from engine.core.source import Node
from engine.routing.calendars import ALWAYS, DAY_MINUTES, Calendar, Holidays, Hours, Span

KEYS = ("time_zone", "hours", "vacations", "holidays")
"""The keys of a rep that make the calendar."""
INTERVALS_MAX = 24
VACATIONS_MAX = 100

_CLOCK = "(?:[01][0-9]|2[0-3]):[0-5][0-9]"
_INTERVAL = re.compile(f"({_CLOCK})-({_CLOCK}|24:00)")
_INTERVAL_EXPECTED = "an interval such as '09:00-17:30' or, over midnight, '22:00-02:00'"
_DATE = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")
_NONE = "none"
_ENGLISH = "en_US"
_COUNTRIES = frozenset(code for code in EntityLoader.get_country_codes() if len(code) == 2)


def read_calendar(reader: Reader, entries: Mapping[str, Node], holidays_default: Holidays | None) -> Calendar:
    """The calendar of a rep of whom `entries` are the keys; `holidays_default` where nothing is said of holidays.

    Reps with the same working time share one.
    """
    kept = read_holidays(reader, entries["holidays"]) if "holidays" in entries else holidays_default
    zone = read_zone(reader, entries.get("time_zone")) or UTC
    hours = read_hours(reader, entries["hours"]) if "hours" in entries else None
    vacations = reader.items(entries.get("vacations"), "vacations", at_most=VACATIONS_MAX)
    read = (_vacation(reader, node) for node in vacations)
    stated = (zone, hours, kept, tuple(vacation for vacation in read if vacation))
    return ALWAYS if stated == (UTC, None, None, ()) else _calendar(*stated)


_calendar = lru_cache(256)(Calendar)


def read_hours(reader: Reader, node: Node) -> Hours:
    """When somebody works on each day of the week."""
    days: dict[int, tuple[Span, ...]] = {}
    stated: dict[int, str] = {}
    if node.value == {}:
        reader.problem(node, "no hours: expected such as {mon-fri: '09:00-17:30'}; who always works has no `hours`")
    for name, entry in reader.names(node, "days to hours, such as {mon-fri: '09:00-17:30'}").items():
        intervals = _intervals(reader, entry)
        for day in _days(reader, name, entry):
            if day in stated:
                reader.key_problem(entry, f"`{WEEKDAYS[day]}` has its hours by `{stated[day]}`: state each day once")
                break
            days[day], stated[day] = intervals, name
    return tuple(days.get(day, ()) for day in range(7))


def _days(reader: Reader, name: str, node: Node) -> tuple[int, ...]:
    """The days that the key of `node` names, from 0 for Monday."""
    ends = name.split("-")
    wrong = next((end for end in ends if end not in WEEKDAYS), None)
    if len(ends) > 2:
        reader.key_problem(node, "expected a day such as mon, or a range of two such as mon-fri")
    elif wrong is not None:
        reader.key_problem(node, unknown(wrong, WEEKDAYS))
    elif len(ends) == 2 and ends[0] == ends[1]:
        reader.key_problem(node, f"begins and ends on the same day: expected {ends[0]}, or mon-sun for every day")
    else:
        first, last = WEEKDAYS.index(ends[0]), WEEKDAYS.index(ends[-1])
        return tuple((first + later) % 7 for later in range((last - first) % 7 + 1))
    return ()


def _intervals(reader: Reader, node: Node) -> tuple[Span, ...]:
    """One interval or a list of them, in order."""
    one = not isinstance(node.value, tuple)
    written = (node,) if one else reader.items(node, "intervals", at_least=1, at_most=INTERVALS_MAX)
    intervals: dict[Span, object] = {}
    for entry in written[:INTERVALS_MAX]:
        interval = _interval(reader, entry)
        if interval is None:
            continue
        start, end = interval
        other = next((text for (first, behind), text in intervals.items() if start < behind and first < end), None)
        if other is not None:
            reader.problem(entry, f"overlaps '{other}' of the same day")
        intervals[interval] = entry.value
    return tuple(sorted(intervals))


def _interval(reader: Reader, node: Node) -> Span | None:
    found = _INTERVAL.fullmatch(node.value) if isinstance(node.value, str) else None
    if found is None:
        reader.expected(node, _INTERVAL_EXPECTED)
        return None
    start, end = _minute(found[1]), _minute(found[2])
    if start == end:
        reader.problem(node, "ends when it begins: expected two times, such as '00:00-24:00' for the whole day")
        return None
    return start, end if end > start else end + DAY_MINUTES


def _minute(clock: str) -> int:
    hour, _, minute = clock.partition(":")
    return int(hour) * 60 + int(minute)


def _vacation(reader: Reader, node: Node) -> tuple[date, date] | None:
    """The first and the last day of a vacation."""
    first, slash, last = node.value.partition("/") if isinstance(node.value, str) else ("", "", "")
    try:
        vacation = _date(first), _date(last if slash else first)
    except ValueError as error:
        reader.expected(node, f"FIRST/LAST, such as 2026-12-24/2027-01-02, or one date{error}")
        return None
    if vacation[0] > vacation[1]:
        reader.problem(node, f"ends before it begins: expected FIRST/LAST, such as {vacation[1]}/{vacation[0]}")
        return None
    return vacation


def _date(text: str) -> date:
    """Raises ValueError where `text` is none, with a word where it only looks like one."""
    if not _DATE.fullmatch(text):
        raise ValueError
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"; there is no {text}") from None


def read_holidays(reader: Reader, node: Node | None) -> Holidays | None:
    """The holidays of the country, or the part of one, whose code stands at `node`; None for `none` and for nothing."""
    code = reader.text(node, _NONE)
    if node is None or code == _NONE:
        return None
    country, dash, part = code.partition("-")
    if country not in _COUNTRIES or (dash and part not in _parts(country)):
        reader.problem(node, _unknown(country, part))
        return None
    return _holidays(country, part)


def _unknown(country: str, part: str) -> str:
    """Why there are no such holidays, with the nearest that there are."""
    known = country if country in _COUNTRIES else country_code(country) or _nearest(country, _COUNTRIES)
    if known not in _COUNTRIES:
        return "there are no such holidays; expected a country such as US, a part of one such as US-MA, or none"
    parts = _parts(known)
    near = _nearest(part, parts)
    if near is None and part and parts:
        codes = listed([f"{known}-{name}" for name in parts])
        return f"there are no such holidays; expected `{known}` or a part of it, one of {codes}"
    return f"there are no such holidays; did you mean `{known}{f'-{near}' if near else ''}`?"


def _nearest(code: str, codes: Collection[str]) -> str | None:
    return next(iter(difflib.get_close_matches(code[:NAME_MAX].upper(), sorted(codes), n=1)), None)


def _parts(country: str) -> tuple[str, ...]:
    parts: tuple[str, ...] = getattr(holidays, country).subdivisions
    return parts


@lru_cache(1_024)
def _holidays(country: str, part: str) -> Holidays:
    """The library's, with names in English; all that it has to import or open is by now, and a year only computes."""
    # Left to itself it takes the language of the machine.
    language = _ENGLISH if _ENGLISH in getattr(holidays, country).supported_languages else None
    library = holidays.country_holidays(country, part or None, language=language)

    def of_year(year: int) -> Mapping[date, str]:
        # It warns of years for which it does not know the movable ones.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            library.years = {year}
        return dict(library)

    return Holidays(f"{country}-{part}" if part else country, of_year)
