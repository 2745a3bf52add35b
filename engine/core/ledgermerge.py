"""Two ledgers of one person as one: what every event would have come to under one id.

Exact but for one thing: of a limited rule's windows that are no longer counted one by one (all but the newest 16) each
ledger has counted up to the limit, and these add.
"""

from collections.abc import Mapping, Sequence
from math import exp2, isinf

from engine.core.instants import DAY_MS
from engine.core.ledger import WINDOWS_MAX, Entry, Ledger, mass_at
from engine.core.model import Rule

_EXPONENT_MAX = 900.0


def merged_ledgers(rules: Mapping[str, Rule], one: Ledger, other: Ledger, born_ms: int) -> Ledger:
    """Both ledgers, whose times are in ms after `born_ms`, as one.

    What stands under a name that no rule of the model has, or in another shape than its rule's, is the later one's.
    """
    ledger = dict(one)
    for name, entry in other.items():
        held = ledger.get(name)
        ledger[name] = entry if held is None else _merged(rules.get(name), held, entry, born_ms)
    return ledger


def _merged(rule: Rule | None, one: Entry, other: Entry, born_ms: int) -> Entry:
    by_days = one[0] is None
    if rule is None or by_days is not (other[0] is None) or by_days is not (rule.window_days is not None):
        return max(one, other, key=_order)
    if rule.once:
        return min(one, other, key=lambda entry: int(entry[1]))
    if by_days:
        return _merged_days(rule, one, other)
    if len(one) == len(other) == 3:
        return _merged_plain(rule, one, other)
    if len(one) == len(other) and one[3] == other[3] and rule.limit and one[3] * 1000 == rule.limit_ms:
        return _merged_limited(rule, one, other)
    # A reload came between: what each counted stays, and windows begin anew.
    at = max(one[1], other[1], *(_start(entry, born_ms) for entry in (one, other) if len(entry) > 3))
    mass = sum(mass_at(entry, rule.half_life_ms, at, born_ms) for entry in (one, other))
    return (mass * _halved(one, other, at, rule), max(one[1], other[1]), one[2] + other[2])


def _order(entry: Entry) -> tuple[int, str]:
    times = [number for number in entry[:3] if isinstance(number, int)]
    return max(times, default=0), repr(entry)


def _start(entry: Entry, born_ms: int) -> int:
    return int(entry[4] + 1) * int(entry[3]) * 1000 - born_ms


def _halved(one: Entry, other: Entry, at: int, rule: Rule) -> float:
    """What a mass as of `at` was at the latest counted event."""
    return exp2(min((at - max(one[1], other[1])) / rule.half_life_ms, _EXPONENT_MAX))


def _merged_plain(rule: Rule, one: Entry, other: Entry) -> Entry:
    last = max(one[1], other[1])
    if isinf(rule.half_life_ms):
        return (one[0] + other[0], last, one[2] + other[2])
    return (
        one[0] * exp2((one[1] - last) / rule.half_life_ms) + other[0] * exp2((other[1] - last) / rule.half_life_ms),
        last,
        one[2] + other[2],
    )


def _merged_limited(rule: Rule, one: Entry, other: Entry) -> Entry:
    """The windows that both list add up to the limit; what is over it leaves the mass of the closed ones."""
    limit, every_ms = rule.limit or 0, rule.limit_ms
    newest = max(one[4], other[4])
    mass = sum(_closed(entry, newest, rule) for entry in (one, other))
    listed = [_listed(one), _listed(other)]
    counts: dict[int, int] = {}
    over = 0
    for window in sorted(listed[0].keys() | listed[1].keys(), reverse=True):
        both = [windows[window] for windows in listed if window in windows]
        counts[window] = min(sum(both), limit)
        excess = sum(both) - counts[window]
        over += excess
        if excess and window != newest:
            mass -= excess * exp2(((window + 1 - newest) * every_ms) / rule.half_life_ms)
    kept = sorted(counts, reverse=True)[:WINDOWS_MAX]
    before = [number for window in kept[1:] for number in (window, counts[window])]
    return (max(mass, 0.0), max(one[1], other[1]), one[2] + other[2] - over, one[3], newest, counts[newest], before)


def _closed(entry: Entry, newest: int, rule: Rule) -> float:
    """The mass of an entry's windows but `newest`, as of that one's start."""
    every_ms = rule.limit_ms
    mass = float(entry[0]) * exp2((entry[4] - newest) * every_ms / rule.half_life_ms)
    return (
        mass if entry[4] == newest else mass + entry[5] * exp2((entry[4] + 1 - newest) * every_ms / rule.half_life_ms)
    )


def _listed(entry: Entry) -> dict[int, int]:
    """The windows that are counted one by one, with their events."""
    return {entry[4]: entry[5], **_pairs(entry[6])}


def _pairs(numbers: Sequence[int]) -> dict[int, int]:
    return dict(zip(numbers[::2], numbers[1::2], strict=True))


def _merged_days(rule: Rule, one: Entry, other: Entry) -> Entry:
    """Days add; so do windows, and what is over the limit in one leaves its day: a window lies within a day."""
    days: dict[int, list[float]] = {}
    for entry in (one, other):
        for place in range(0, len(entry[2]), 3):
            day, mass, count = entry[2][place : place + 3]
            held = days.setdefault(day, [0, 0])
            held[0] += mass
            held[1] += count
    every_s = rule.limit_ms // 1000 if rule.limit else 0
    windows = _added_windows(rule, [entry for entry in (one, other) if every_s and entry[3] == every_s], days)
    first = max(days, default=0) - (rule.window_days or 0)
    kept = [number for day in sorted(days) if day > first for number in (day, *days[day])]
    return (None, max(one[1], other[1]), kept, every_s, windows)


def _added_windows(rule: Rule, entries: Sequence[Entry], days: dict[int, list[float]]) -> list[int]:
    windows: dict[int, int] = {}
    for entry in entries:
        for window, count in _pairs(entry[4]).items():
            windows[window] = windows.get(window, 0) + count
    for window, count in windows.items():
        over = count - (rule.limit or 0)
        day = days.get(window * rule.limit_ms // DAY_MS)
        if over > 0:
            windows[window] = count - over
            if day is not None:
                day[:] = [day[0] - over, day[1] - over]
    newest = sorted(windows, reverse=True)[:WINDOWS_MAX]
    return [number for window in newest for number in (window, windows[window])]
