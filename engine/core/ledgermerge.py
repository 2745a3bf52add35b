"""Two ledgers of one person as one: what every event would have come to under one id.

Exact but for one thing: of a limited rule's windows that are no longer counted one by one (all but the newest 16) each
ledger has counted up to the limit, and these add. What was counted under a model before stays, as far as the rule can
still read it: entries without the rule's limit add to those within, windows of another length begin anew.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from math import exp2, isinf

from engine.core.instants import DAY_MS
from engine.core.ledger import EXPONENT_MAX, GONE, WINDOWS_MAX, Entry, Ledger, mass_at
from engine.core.model import Rule


def merged_ledgers(rules: Mapping[str, Rule], one: Ledger, other: Ledger, now: int, born_ms: int) -> Ledger:
    """Both ledgers, whose times are in ms after `born_ms`, as one; `now` is that of the later row.

    What no rule of the model can read is not added: the later one stays, where there is none that a rule can read.
    """
    ledger: Ledger = {}
    for name, entry in chain(_named(rules, one, now), _named(rules, other, now)):
        held = ledger.get(name)
        ledger[name] = entry if held is None else _merged(rules.get(name), held, entry, now, born_ms)
    return ledger


def _named(rules: Mapping[str, Rule], ledger: Ledger, now: int) -> Iterator[tuple[str, Entry]]:
    """The entries by the names that they have under this model: the other row may come from one before, or after."""
    for name, entry in ledger.items():
        rule = name.removeprefix(GONE)
        if rule in rules:
            yield rule, entry if rule == name else entry[1:]
        else:
            yield f"{GONE}{rule}", (now, *entry) if rule == name else entry


def _merged(rule: Rule | None, one: Entry, other: Entry, now: int, born_ms: int) -> Entry:
    if rule is None:
        return max(one, other, key=lambda entry: _order(entry[1:]))
    by_days = rule.window_days is not None
    legible = [entry for entry in (one, other) if (entry[0] is None) is by_days]
    if len(legible) < 2:
        return legible[0] if legible else max(one, other, key=_order)
    if rule.once:
        # What counted before there was this limit counts, and nothing more does.
        before = [entry for entry in (one, other) if not _counted_once(entry)]
        if len(before) < 2:
            return before[0] if before else min(one, other, key=_order)
    if by_days:
        return _merged_days(rule, one, other)
    return _merged_masses(rule, one, other, now, born_ms)


def _order(entry: Entry) -> tuple[int, str]:
    return int(entry[1]), repr(entry)


def _counted_once(entry: Entry) -> bool:
    if entry[0] is None:
        return bool(sum(entry[2][2::3]) == 1)
    return len(entry) == 3 and entry[0] == 1


def _merged_masses(rule: Rule, one: Entry, other: Entry, now: int, born_ms: int) -> Entry:
    """Two entries that are not by days; of one that is not within the rule's limit all windows are closed."""
    limited = [entry for entry in (one, other) if rule.limit and len(entry) > 3 and entry[3] * 1000 == rule.limit_ms]
    if len(limited) == 2:
        return _merged_limited(rule, one, other)
    plain = [_plain(rule, entry, now, born_ms) for entry in (one, other) if entry not in limited]
    if len(plain) == 2:
        return _merged_plain(rule, *plain)
    mass, last, count, every_s, newest, here, before = limited[0]
    closed, plain_last, plain_count = plain[0]
    mass += _decayed(rule, closed, newest * rule.limit_ms - born_ms - plain_last)
    return (mass, max(last, plain_last), count + plain_count, every_s, newest, here, before)


def _plain(rule: Rule, entry: Entry, now: int, born_ms: int) -> Entry:
    """The entry without windows, worth the same at `now`."""
    if len(entry) == 3:
        return entry
    return (_decayed(rule, mass_at(entry, rule.half_life_ms, now, born_ms), entry[1] - now), entry[1], entry[2])


def _decayed(rule: Rule, mass: float, after_ms: int) -> float:
    """A mass so much later, or earlier; bounded, so that no model makes it overflow."""
    if isinf(rule.half_life_ms):
        return mass
    return mass * exp2(min(-after_ms / rule.half_life_ms, EXPONENT_MAX))


def _merged_plain(rule: Rule, one: Entry, other: Entry) -> Entry:
    last = max(one[1], other[1])
    mass = _decayed(rule, one[0], last - one[1]) + _decayed(rule, other[0], last - other[1])
    return (mass, last, one[2] + other[2])


def _merged_limited(rule: Rule, one: Entry, other: Entry) -> Entry:
    """The windows that both list add up to the limit; what is over it leaves the mass of the closed ones."""
    every_ms = rule.limit_ms
    newest = max(one[4], other[4])
    mass = sum(_closed(rule, entry, newest) for entry in (one, other))
    counts, over = _added([_listed(one), _listed(other)], rule.limit or 0)
    for window, excess in over.items():
        if window != newest:
            mass -= _decayed(rule, excess, (newest - window - 1) * every_ms)
    kept = sorted(counts, reverse=True)[:WINDOWS_MAX]
    before = [number for window in kept[1:] for number in (window, counts[window])]
    count = one[2] + other[2] - sum(over.values())
    return (max(mass, 0.0), max(one[1], other[1]), count, one[3], newest, counts[newest], before)


def _closed(rule: Rule, entry: Entry, newest: int) -> float:
    """The mass of an entry's windows but `newest`, as of that one's start."""
    windows = newest - entry[4]
    mass = _decayed(rule, entry[0], windows * rule.limit_ms)
    return mass + _decayed(rule, entry[5], (windows - 1) * rule.limit_ms) if windows else mass


def _listed(entry: Entry) -> dict[int, int]:
    """The windows that are counted one by one, with their events."""
    return {entry[4]: entry[5], **_pairs(entry[6])}


def _pairs(numbers: Sequence[int]) -> dict[int, int]:
    return dict(zip(numbers[::2], numbers[1::2], strict=True))


def _added(listed: Sequence[Mapping[int, int]], limit: int) -> tuple[dict[int, int], dict[int, int]]:
    """Events by window, and those over the limit; what one ledger alone has counted in a window is never over it."""
    counts: dict[int, int] = {}
    over: dict[int, int] = {}
    for window in {window for windows in listed for window in windows}:
        both = [windows.get(window, 0) for windows in listed]
        counts[window] = min(sum(both), max(limit, *both))
        if sum(both) > counts[window]:
            over[window] = sum(both) - counts[window]
    return counts, over


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
    listed = [_pairs(entry[4]) if every_s and entry[3] == every_s else {} for entry in (one, other)]
    counts, over = _added(listed, rule.limit or 0)
    for window, excess in over.items():
        held = days.get(window * rule.limit_ms // DAY_MS, [0, 0])
        held[:] = [held[0] - excess, held[1] - excess]
    first = max(days, default=0) - (rule.window_days or 0) + 1
    kept = [number for day in sorted(days) if day >= first for number in (day, *days[day])]
    windows = [number for window in sorted(counts, reverse=True)[:WINDOWS_MAX] for number in (window, counts[window])]
    return (None, max(one[1], other[1]), kept, every_s, windows)
