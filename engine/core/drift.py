"""When decay alone changes where a lead stands: for `next_band_at`, and for wake-ups on time.

Half-lives fall smoothly, whole days fall away at midnight. Where there are no deductions the score only falls, and a
crossing is found exactly, to the millisecond. Deductions decay as well and can let it rise in between; then steps are
taken that no score can outrun, and a crossing and its way back within as much time as has gone by are not seen.
"""

from collections.abc import Callable
from math import inf, log2
from typing import NamedTuple

from engine.core.ledger import changes_by_jumps
from engine.core.model import Band, Model
from engine.core.points import points_of
from engine.core.profile import Row
from engine.core.scoring import engagement_of, total_of

_FAR_HALF_LIVES = 64
_STEP_MS = 3_600_000
_LITTLE = 1e-9

Value = Callable[[int], float]


class _Course(NamedTuple):
    """What the ledger holds: points by sign, half-lives in ms, and when days of it fall away."""

    gains: float
    losses: float
    shortest_ms: float
    longest_ms: float
    jumps: list[int]


def _course(model: Model, row: Row, at: int) -> _Course:
    points = points_of(model, row.ledger, at, row.born_ms)
    jumps: list[int] = []
    lives: list[float] = []
    for rule_id in points:
        _, half_life_ms, _, _, days = model.terms[rule_id]
        if days is not None:
            jumps += changes_by_jumps(row.ledger[rule_id], days, at, row.born_ms)
        elif half_life_ms != inf:
            lives.append(half_life_ms)
            jumps += _end_of_window(row, rule_id, at)
    gains = sum(value for value in points.values() if value > 0)
    losses = -sum(value for value in points.values() if value < 0)
    return _Course(gains, losses, min(lives, default=inf), max(lives, default=0.0), sorted(set(jumps)))


def _end_of_window(row: Row, rule_id: str, at: int) -> list[int]:
    """When the decay of a limited rule begins, if it has not."""
    entry = row.ledger[rule_id]
    if len(entry) == 3:
        return []
    end = (entry[4] + 1) * entry[3] * 1000 - row.born_ms
    return [end] if end > at else []


def next_band(model: Model, row: Row, at: int, fit: float) -> int | None:
    """The first instant after `at` at which decay alone has changed the band; None where it never does."""
    value = _total(model, row, fit)
    band = model.band(value(at))
    course = _course(model, row, at)
    if band is model.bands[0] and course.losses == 0:
        return None
    below = above = None
    if band is not model.bands[0]:
        below = _first_below(value, band.bound, at, course)
    higher = [one.bound for one in model.bands if one.bound > band.bound]
    if course.losses > 0 and higher:
        # On the bound it has changed already.
        rise = _gap(value, min(higher))
        above = _first_crossing(rise, rise, at, course)
    return min((time for time in (below, above) if time is not None), default=None)


def _gap(value: Value, bound: float) -> Value:
    """How far `value` is below `bound`; negative on it."""
    return lambda time: (bound - value(time)) or -_LITTLE


def next_fall(model: Model, row: Row, at: int, fit: float) -> int | None:
    """The first instant after `at` at which decay alone takes the score below a bound that is watched, None if never.

    `at` is when the row was last looked at.
    """
    course = _course(model, row, at)
    found = [
        _first_below(value, bound, at, course) for value, bound in _watched(model, row, at, fit) if bound <= value(at)
    ]
    return min((time for time in found if time is not None), default=None)


def _watched(model: Model, row: Row, at: int, fit: float) -> list[tuple[Value, float]]:
    """For each kind of score that is watched, the highest bound that it has not fallen below."""
    total, engagement = _total(model, row, fit), _engagement(model, row)
    highest: dict[str, float] = {}
    for one in model.watched:
        kind = "total" if isinstance(one, Band) else one.score
        if kind != "fit" and one.bound <= (total if kind == "total" else engagement)(at):
            highest[kind] = max(one.bound, highest.get(kind, -inf))
    return [(total if kind == "total" else engagement, bound) for kind, bound in highest.items()]


def falls_after(model: Model, row: Row, at: int, engagement: float, fit: float) -> int | None:
    """A time until which decay alone takes the score below no bound that is watched; None: it never will.

    Cheap, since it is asked after every event of a warm lead, and not exact: `next_fall` is. No mixture of half-lives
    falls faster than the shortest of them, so engagement stays above gains × 2^(−t / shortest) − losses.
    """
    bounds = [_as_engagement(model, one, fit) for one in model.watched]
    bound = max((bound for bound in bounds if bound <= engagement), default=None)
    if bound is None:
        return None
    course = _course(model, row, at)
    first_jump = course.jumps[0] if course.jumps else None
    left, needed = engagement + course.losses, bound + course.losses
    if needed <= 0 or course.shortest_ms == inf:
        return first_jump
    smooth = at + max(1, int(course.shortest_ms * log2(left / needed))) if left > needed else at + 1
    return smooth if first_jump is None else min(smooth, first_jump)


def _as_engagement(model: Model, watched: object, fit: float) -> float:
    """The engagement below which a bound is crossed."""
    kind = "total" if isinstance(watched, Band) else getattr(watched, "score", "total")
    bound: float = getattr(watched, "bound", inf)
    if kind == "engagement":
        return bound
    if kind == "fit" or model.engagement_weight == 0:
        return inf
    return (bound - model.fit_weight * fit) / model.engagement_weight


def _total(model: Model, row: Row, fit: float) -> Value:
    return lambda time: total_of(model, engagement_of(model, row.ledger, time, row.born_ms), fit)


def _engagement(model: Model, row: Row) -> Value:
    return lambda time: max(0.0, engagement_of(model, row.ledger, time, row.born_ms))


def _first_below(value: Value, bound: float, at: int, course: _Course) -> int | None:
    """The first instant after `at` at which `value`, at least `bound` at `at`, is below it; None where it never is."""
    return _first_crossing(lambda time: value(time) - bound, lambda time: _above(value(time), bound), at, course)


def _first_crossing(gap: Value, height: Value, at: int, course: _Course) -> int | None:
    """The first instant after `at` at which `gap` is below 0, None where it never is.

    `height` has the same sign, and is nearly a straight line.
    """
    far = max(at + _STEP_MS + int(_FAR_HALF_LIVES * course.longest_ms), *course.jumps, at)
    points_per_ms = (course.gains + course.losses) / course.shortest_ms
    begin = end = at
    left = gap(at)
    while left >= 0:
        if end >= far:
            return None
        step = max(_STEP_MS, end - at)
        if course.losses > 0:
            step = max(1, int(min(left / points_per_ms, far - at) if points_per_ms > 0 else far - at), end - at)
        jump = next((jump for jump in course.jumps if jump > end), far)
        begin, end = end, min(end + step, far, jump)
        left = gap(end)
    return _crossing(height, begin, end)


def _above(value: float, bound: float) -> float:
    """How far `value` is above `bound`, in halvings, so that decay is nearly a straight line; at most ten below."""
    if value < bound:
        return min(log2(max(value / bound, 2.0**-10)), -_LITTLE)
    return log2(value / bound)


def _crossing(height: Value, begin: int, end: int) -> int:
    """The first instant at which `height` is below 0, where it is not at `begin`, is at `end`, and crosses once.

    The false position method with Illinois' step; by halves where a clamp keeps the score exactly on the bound.
    """
    above = height(begin)
    below = height(end)
    moved = 0
    while end - begin > 1:
        share = above / (above - below) if above > 0 else 0.5
        middle = min(max(begin + int((end - begin) * share), begin + 1), end - 1)
        value = height(middle)
        if value >= 0:
            begin, above = middle, value
            below = below / 2 if moved > 0 else below
            moved = 1
        else:
            end, below = middle, value
            above = above / 2 if moved < 0 else above
            moved = -1
    return end
