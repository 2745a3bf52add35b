"""The ledger: per lead and rule the decayed count of events, never points.

Points are weight × mass, so a changed weight re-scores every lead at once, exactly, without replay.
Decay is exact in event time: mass · 2^(−Δt / half_life) (`semantics.md` 2); an event that comes late
contributes what it would have on time, so the order of arrival does not matter. Times are in ms, all from one zero.
"""

from math import exp2

Entry = tuple[float, int, int]
"""Mass as of the latest counted event, that event's time, events counted."""

Ledger = dict[str, Entry]
"""Entries by rule id."""


def counted(entry: Entry | None, time: int, half_life_ms: float) -> Entry:
    """`entry` with one more event at `time`."""
    if entry is None:
        return (1.0, time, 1)
    mass, last, count = entry
    if time >= last:
        return (mass * exp2((last - time) / half_life_ms) + 1.0, time, count + 1)
    return (mass + exp2((time - last) / half_life_ms), last, count + 1)
