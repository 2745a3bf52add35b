"""Who can take a lead now, why not, and when next."""

from engine.core.instants import to_rfc3339
from engine.routing.config import Rep
from engine.routing.rows import Load


def why_not(rep: Rep, load: Load, at_ms: int) -> str | None:
    """Why the rep cannot take a lead at that instant, None where nothing is in the way."""
    if rep.open_max is not None and load.open >= rep.open_max:
        return f"has {load.open} open leads of {rep.open_max}"
    if _is_full_today(rep, load, at_ms):
        return f"got {load.assigned} leads today of {rep.day_max}"
    if load.is_away(at_ms):
        return "is away" if load.away_until is None else f"is away until {to_rfc3339(load.away_until)}"
    return rep.calendar.closed(at_ms)


def back_ms(rep: Rep, load: Load, at_ms: int) -> int | None:
    """When time alone lets the rep take a lead, at the earliest; None: something else has to happen first."""
    if rep.open_max is not None and load.open >= rep.open_max:
        return None
    if _is_full_today(rep, load, at_ms):
        at_ms = rep.calendar.next_day_ms(at_ms)
    if load.is_away(at_ms):
        if load.away_until is None:
            return None
        at_ms = load.away_until
    return rep.calendar.opens_ms(at_ms)


def with_assigned(rep: Rep, load: Load, at_ms: int) -> Load:
    """The rep's load once one more lead is assigned on this local day."""
    day = rep.calendar.day(at_ms)
    count = load.assigned + 1 if load.day == day else 1
    return Load(None, load.open, day, count, load.away_from, load.away_until)


def long_absence(rep: Rep, load: Load, at_ms: int, limit_ms: int | None) -> str | None:
    """Why the rep counts as gone at that instant: away or on vacation for longer than the limit; else None.

    An absence whose end is known counts from its beginning, another once it has lasted longer than the limit.
    """
    since_ms = gone_from_ms(rep, load, at_ms, limit_ms)
    if since_ms is None or since_ms > at_ms:
        return None
    if load.is_away(at_ms):
        return "is away" if load.away_until is None else f"is away until {to_rfc3339(load.away_until)}"
    return rep.calendar.closed(at_ms)


def gone_from_ms(rep: Rep, load: Load, at_ms: int, limit_ms: int | None) -> int | None:
    """The first instant at or after `at_ms` at which the rep counts as gone, None where none is known."""
    if limit_ms is None:
        return None
    found = [max(at_ms, begin) for begin, end in rep.calendar.vacations_ms if end > at_ms and end - begin > limit_ms]
    begin, end = load.away_from, load.away_until
    if begin is not None and (end is None or end > at_ms):
        if end is None:
            found.append(max(at_ms, begin + limit_ms + 1))
        elif end - begin > limit_ms:
            found.append(max(at_ms, begin))
    return min(found, default=None)


def _is_full_today(rep: Rep, load: Load, at_ms: int) -> bool:
    """Whether the rep got as many leads on this local day as there may be."""
    return rep.day_max is not None and load.assigned >= rep.day_max and load.day == rep.calendar.day(at_ms)
