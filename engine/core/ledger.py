"""The ledger: per lead and rule the decayed count of events, never points.

Points are weight × mass, so a changed weight re-scores every lead at once, exactly, without replay. Decay is exact in
event time (`semantics.md` 2), and an event that comes late contributes what it would have on time, so the order of
arrival does not matter. Times are in ms after the row's first event; days and windows count from the Unix epoch.

An entry has one of three shapes, told by what stands in them:

* plain: (mass as of the latest counted event, its time, events counted)
* limited: (mass of all windows but the newest as of that one's start, latest counted event, events counted, length of
  a window in s, newest window, events counted in it, (window, events) of the 15 before it, one behind the other,
  newest first)
* by days: (None, latest counted event, (day, mass, events) one behind the other, length of a window in s or 0,
  (window, events) of the newest 16)

They are tuples and lists and no structs because a site has millions of them, most of them plain.
"""

from collections.abc import Sequence
from math import exp2, isinf
from typing import TYPE_CHECKING, Any

from engine.core.instants import DAY_MS

if TYPE_CHECKING:
    from engine.core.model import Rule

Entry = tuple[Any, ...]
Ledger = dict[str, Entry]
"""Entries by rule id."""

PLAIN, LIMITED = 3, 7
"""How long entries of these shapes are."""
WINDOWS_MAX = 16
GONE = "\x03"
"""Before the name of an entry whose rule is gone; first in it stands since when it is (`restate.py`)."""
EXPONENT_MAX = 900.0


def counted(rule: "Rule", entry: Entry | None, time: int, now: int, born_ms: int, amount: float) -> Entry | None:
    """`entry` with one more event of `rule` at `time`; None where the event does not count (or no more).

    `amount` is what it counts for, 1 unless the rule says `times`. `now` is the row's, not before `time`.
    """
    if rule.window_days is not None:
        return _by_days(rule, entry if entry and entry[0] is None else None, time, now, born_ms, amount)
    if entry is not None and entry[0] is None:
        entry = None
    if rule.limit:
        return _limited(rule, entry, time, now, born_ms)
    if entry is None:
        return (amount, time, 1)
    if rule.once:
        return (1, time, 1) if time < entry[1] and entry[0] == 1 else None
    if len(entry) > 3:
        last = entry[1]
        mass = mass_at(entry, rule.half_life_ms, now, born_ms) * _grown((now - last) / rule.half_life_ms)
        entry = (mass, last, entry[2])
    mass, last, count = entry
    if isinf(rule.half_life_ms):
        return (mass + amount, max(time, last), count + 1)
    if time >= last:
        return (mass * exp2((last - time) / rule.half_life_ms) + amount, time, count + 1)
    return (mass + amount * exp2((time - last) / rule.half_life_ms), last, count + 1)


def mass_at(entry: Entry, half_life_ms: float, at: int, born_ms: int) -> float:
    """The decayed count of a plain or limited entry at `at`, which is no earlier than its latest event."""
    if len(entry) == 3:
        mass, last, _ = entry
        return float(mass if last == at else mass * exp2((last - at) / half_life_ms))
    mass, _, _, every_s, newest, counted_in_it, _ = entry
    start = newest * every_s * 1000 - born_ms
    end = start + every_s * 1000
    decayed: float = mass * exp2((start - at) / half_life_ms) if mass else 0.0
    return decayed + float(counted_in_it if at <= end else counted_in_it * exp2((end - at) / half_life_ms))


def days_at(entry: Entry, window_days: int, at: int, born_ms: int) -> tuple[float, int]:
    """Mass and events of an entry by days that still count at `at`."""
    first = (born_ms + at) // DAY_MS - window_days + 1
    days = entry[2]
    mass, count = 0.0, 0
    for place in range(0, len(days), 3):
        if days[place] >= first:
            mass += days[place + 1]
            count += days[place + 2]
    return mass, count


def decay_begins(entry: Entry, born_ms: int) -> int:
    """When a plain or limited entry begins to decay."""
    return int(entry[1] if len(entry) == 3 else (entry[4] + 1) * entry[3] * 1000 - born_ms)


def changes_by_jumps(entry: Entry, window_days: int, at: int, born_ms: int) -> list[int]:
    """The instants after `at` at which days of an entry by days stop to count, rising."""
    ends = ((day + window_days) * DAY_MS - born_ms for day in entry[2][::3])
    return [end for end in ends if end > at]


def _limited(rule: "Rule", entry: Entry | None, time: int, now: int, born_ms: int) -> Entry | None:
    every_s = rule.limit_ms // 1000
    window = (born_ms + time) // rule.limit_ms
    if entry is None:
        return (0.0, time, 1, every_s, window, 1, [])
    half_life_ms = rule.half_life_ms
    if len(entry) == 3 or entry[3] != every_s:
        # The rule was without this limit before: what it counted stays, its windows begin anew.
        start = window * rule.limit_ms - born_ms
        mass = mass_at(entry, half_life_ms, now, born_ms) * _grown((now - start) / half_life_ms)
        return (mass, max(time, entry[1]), entry[2] + 1, every_s, window, 1, [])
    mass, last, count, _, newest, here, before = entry
    limit: int = rule.limit or 0
    start = newest * rule.limit_ms - born_ms
    if window > newest:
        moved = window * rule.limit_ms - born_ms
        ended = start + rule.limit_ms
        mass = mass * exp2((start - moved) / half_life_ms) + here * exp2((ended - moved) / half_life_ms)
        kept = [newest, here, *before[: 2 * (WINDOWS_MAX - 2)]]
        return (mass, max(time, last), count + 1, every_s, window, 1, kept)
    if window == newest:
        if here >= limit:
            return None
        return (mass, max(time, last), count + 1, every_s, newest, here + 1, before)
    windows = _counted_in(before, window, limit, WINDOWS_MAX - 1)
    if windows is None:
        return None
    mass += exp2(((window + 1) * rule.limit_ms - born_ms - start) / half_life_ms)
    return (mass, max(time, last), count + 1, every_s, newest, here, windows)


def _grown(halvings: float) -> float:
    """What a mass was so many halvings ago; bounded, so that no model makes it overflow."""
    return exp2(max(-EXPONENT_MAX, min(halvings, EXPONENT_MAX)))


def _counted_in(windows: Sequence[int], window: int, limit: int, at_most: int) -> list[int] | None:
    """(window, events) pairs, newest first, with one event more in `window`; None where it is full, or closed."""
    place = 0
    while place < len(windows) and windows[place] > window:
        place += 2
    if place < len(windows) and windows[place] == window:
        if windows[place + 1] >= limit:
            return None
        return [*windows[: place + 1], windows[place + 1] + 1, *windows[place + 2 :]]
    if place >= 2 * at_most:
        return None
    return [*windows[:place], window, 1, *windows[place:]][: 2 * at_most]


def _by_days(rule: "Rule", entry: Entry | None, time: int, now: int, born_ms: int, amount: float) -> Entry | None:
    day = (born_ms + time) // DAY_MS
    if rule.once:
        earliest = entry is None or (time < entry[1] and sum(entry[2][2::3]) == 1)
        return (None, time, [day, 1, 1], 0, []) if earliest else None
    first = (born_ms + now) // DAY_MS - (rule.window_days or 0) + 1
    if day < first:
        return None
    _, last, days, every_s, windows = entry or (None, time, [], 0, [])
    if rule.limit:
        counted_before = windows if every_s == rule.limit_ms // 1000 else []
        window = (born_ms + time) // rule.limit_ms
        kept = _counted_in(counted_before, window, rule.limit, WINDOWS_MAX)
        if kept is None:
            return None
        every_s, windows = rule.limit_ms // 1000, kept
    place = 0
    while place < len(days) and days[place] < first:
        place += 3
    kept_days = list(days[place:])
    place = 0
    while place < len(kept_days) and kept_days[place] < day:
        place += 3
    if place < len(kept_days) and kept_days[place] == day:
        kept_days[place + 1] += amount
        kept_days[place + 2] += 1
    else:
        kept_days[place:place] = [day, amount, 1]
    return (None, max(time, last), kept_days, every_s, windows)
