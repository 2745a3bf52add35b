"""The ledger: per lead and rule the decayed count of events, never points.

Points are weight × mass, so a changed weight re-scores every lead at once, exactly, without replay.
Decay is exact in event time: mass · 2^(−Δt / half_life) (`semantics.md` 2); an event that comes late
contributes what it would have on time, so the order of arrival does not matter.
"""

from math import exp2

Entry = tuple[float, int, int]
"""Mass as of the latest counted event, that event's time in ms, events counted."""

Ledger = dict[str, Entry]
"""Entries by rule id."""


def counted(entry: Entry | None, time_ms: int, half_life_ms: float) -> Entry:
    """`entry` with one more event at `time_ms`."""
    if entry is None:
        return (1.0, time_ms, 1)
    mass, last_ms, count = entry
    if time_ms >= last_ms:
        return (mass * exp2((last_ms - time_ms) / half_life_ms) + 1.0, time_ms, count + 1)
    return (mass + exp2((time_ms - last_ms) / half_life_ms), last_ms, count + 1)


def mass_at(entry: Entry, at_ms: int, half_life_ms: float) -> float:
    """The mass of `entry` at `at_ms`, its latest event or later."""
    return entry[0] * exp2((entry[1] - at_ms) / half_life_ms)
