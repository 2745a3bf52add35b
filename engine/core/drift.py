"""When decay alone changes where a lead stands: for `next_band_at`, and for wake-ups on time.

Half-lives fall smoothly, whole days fall away at midnight. Where there are no deductions the score only falls, and a
crossing is found exactly, to the millisecond. Deductions decay as well and can let it rise in between: a crossing and
its way back within a minute, or within a quarter of the time that has gone by, are not seen then.
"""

from collections.abc import Callable
from math import inf, log2

import msgspec

from engine.core.instants import LAST_MS
from engine.core.ledger import changes_by_jumps, decay_begins
from engine.core.model import Band, Model, Watched
from engine.core.points import read_entry
from engine.core.profile import Row
from engine.core.scoring import Score, engagement_of, total_of

_FAR_HALF_LIVES = 64
_LITTLE = 1e-9
_STEP_MS = 60_000
_FOREVER_MS = LAST_MS
"""Beyond it nothing is awaited: no calendar holds it."""

Value = Callable[[int], float]


class _Unit(msgspec.Struct, gc=False):
    """Rules that one clamp bounds together: what they gain and lose, and the bound."""

    gains: float
    losses: float
    bound: float


class _Course(msgspec.Struct, gc=False):
    """What the ledger holds, with half-lives in ms, from when on all of it decays, and when days fall away.

    `gains` are before every clamp. `lasting`: some of it does not decay, or by days only.
    """

    decays_from: int = 0
    units: list[_Unit] = []
    gains: float = 0.0
    losses: float = 0.0
    shortest_ms: float = inf
    longest_ms: float = 0.0
    lasting: bool = False
    jumps: list[int] = []

    @property
    def most(self) -> float:
        """What engagement can come to at most, once every deduction has decayed and nothing else has."""
        return sum(min(unit.gains, unit.bound) for unit in self.units)

    def safe_ms(self, needed: float) -> float:
        """How long engagement stays at `needed` or above, at least; days that fall away left out.

        No mixture of half-lives falls faster than the shortest of them, and losses do not grow, so with
        x = 2^(−t / shortest) a unit stays above min(bound, gains × x − losses). Their sum is solved for x.
        """
        if self.shortest_ms == inf:
            return inf
        clamped = sorted([unit for unit in self.units if unit.gains - unit.losses > unit.bound], key=_unclamped_at)
        free = [unit for unit in self.units if unit.gains - unit.losses <= unit.bound]
        slope = sum([unit.gains for unit in free])
        level = sum([unit.bound for unit in clamped]) - sum([unit.losses for unit in free])
        x = 1.0
        while slope * x + level >= needed:
            below = _unclamped_at(clamped[-1]) if clamped else 0.0
            if slope * below + level < needed:
                return -self.shortest_ms * log2((needed - level) / slope)
            if not clamped:
                return inf
            unit = clamped.pop()
            slope, level, x = slope + unit.gains, level - unit.bound - unit.losses, below
        return 0.0


def _unclamped_at(unit: _Unit) -> float:
    return (unit.bound + unit.losses) / unit.gains


def _course(model: Model, row: Row, at: int) -> _Course:
    course = _Course()
    lives_ms: list[float] = []
    begins = [at]
    grouped: dict[str, _Unit] = {}
    for rule_id, entry in row.ledger.items():
        term = model.terms.get(rule_id)
        if term is None:
            continue
        weight, half_life_ms, bound, group, days = term
        points = weight * read_entry(entry, half_life_ms, days, at, row.born_ms)[0]
        if points == 0.0:
            continue
        gains, losses = (points, 0.0) if points > 0 else (0.0, -points if bound is None else min(-points, bound))
        course.gains += gains
        if group is None:
            course.units.append(_Unit(gains, losses, inf if bound is None else bound))
        else:
            # Of two bounds the group's is the unit's; what the rule's own leaves is taken to decay at once.
            unit = grouped.get(group)
            if unit is None:
                unit = grouped[group] = _Unit(0.0, 0.0, model.groups[group])
            unit.gains += gains if bound is None else min(gains, bound)
            unit.losses += losses
        if days is not None:
            course.lasting = True
            course.jumps += changes_by_jumps(entry, days, at, row.born_ms)
        elif half_life_ms == inf:
            course.lasting = True
        else:
            lives_ms.append(half_life_ms)
            begins.append(decay_begins(entry, row.born_ms))
    course.units += grouped.values()
    course.shortest_ms, course.longest_ms = min(lives_ms, default=inf), max(lives_ms, default=0.0)
    course.decays_from = max(begins)
    course.losses = sum([unit.losses for unit in course.units])
    if course.jumps:
        course.jumps = sorted(set(course.jumps))
    return course


def next_band(model: Model, row: Row, at: int, fit: float) -> int | None:
    """The first instant after `at` at which decay alone has changed the band; None where it never does."""
    total = _total(model, row, fit)
    band = model.band(total(at))
    course = _course(model, row, at)
    if band is model.bands[0] and course.losses == 0:
        return None
    below = above = None
    if band is not model.bands[0]:
        below = _falls(model, row, at, course, band, fit)
    higher = [one.bound for one in model.bands if one.bound > band.bound]
    if course.losses > 0 and higher and total_of(model, course.most, fit) >= min(higher):
        above = _rises(total, min(higher), at, course)
    return min((time for time in (below, above) if time is not None), default=None)


def next_fall(model: Model, row: Row, at: int, fit: float) -> int | None:
    """The first instant after `at` at which decay alone takes the score below a bound that is watched, None if never.

    `at` is when the row was last looked at.
    """
    engagement = engagement_of(model, row.ledger, at, row.born_ms)
    nearest = _nearest(model, engagement, fit)
    found = None if nearest is None else _falls(model, row, at, _course(model, row, at), nearest[1], fit)
    return None if found is None or found - at > _FOREVER_MS else found


def falls_after(model: Model, row: Row, at: int, score: Score) -> int | None:
    """A time until which decay alone takes the score below no bound that is watched; None: it never will.

    Cheap, since it is asked after every event of a warm lead, and not exact: `next_fall` is.
    """
    nearest = _nearest(model, score.engagement, score.fit)
    if nearest is None:
        return None
    course = _course(model, row, at)
    safe_ms = course.safe_ms(nearest[0])
    smooth = [] if safe_ms > _FOREVER_MS else [at + max(1, int(safe_ms))]
    return min([*smooth, *course.jumps[:1]], default=None)


def _nearest(model: Model, engagement: float, fit: float) -> tuple[float, Watched] | None:
    """The watched bound that is crossed next where engagement falls, with the engagement below which it is."""
    nearest: tuple[float, Watched] | None = None
    for watched in model.watched:
        needed = _needed(model, watched, fit)
        if needed <= engagement and (nearest is None or needed > nearest[0]):
            nearest = (needed, watched)
    return nearest


def _needed(model: Model, watched: Watched, fit: float) -> float:
    """The engagement below which the bound is crossed; infinite where engagement does not matter."""
    if not isinstance(watched, Band) and watched.score != "total":
        return watched.bound if watched.score == "engagement" else inf
    if model.engagement_weight == 0:
        return inf
    return (watched.bound - model.fit_weight * fit) / model.engagement_weight


def _total(model: Model, row: Row, fit: float) -> Value:
    return lambda time: total_of(model, engagement_of(model, row.ledger, time, row.born_ms), fit)


def _engagement(model: Model, row: Row) -> Value:
    return lambda time: max(0.0, engagement_of(model, row.ledger, time, row.born_ms))


def _falls(model: Model, row: Row, at: int, course: _Course, watched: Watched, fit: float) -> int | None:
    """The first instant after `at` at which the score, at least the bound at `at`, is below it; None: it never is."""
    of_total = isinstance(watched, Band) or watched.score == "total"
    value = _total(model, row, fit) if of_total else _engagement(model, row)
    bound, needed = watched.bound, _needed(model, watched, fit)
    found: tuple[int, int] | None
    if course.losses == 0 and not course.lasting and 0 < needed < course.gains:
        # Between where everything falls as fast, and as slowly, as anything.
        safe_ms = course.safe_ms(needed)
        end = course.decays_from + 2 + int(course.longest_ms * log2(course.gains / needed))
        found = (max(at, at - 1 + int(safe_ms)), end)
    else:
        found = _around(model, row, at, course, value, bound, needed)
    return None if found is None else _crossing(lambda time: _above(value(time), bound), *found)


def _around(
    model: Model, row: Row, at: int, course: _Course, value: Value, bound: float, needed: float
) -> tuple[int, int] | None:
    """Two instants after `at` between which `value` falls below `bound`; None where it never does."""
    far = _far(at, course)
    begin = end = at
    while value(end) >= bound:
        if end >= far:
            return None
        now = _course(model, row, end)
        safe_ms = now.safe_ms(needed)
        if safe_ms == inf and not now.jumps:
            return None
        step_ms = max(_STEP_MS, min(safe_ms, far - end), (end - at) // 4)
        begin, end = end, min(end + int(step_ms), far, *now.jumps[:1])
    return begin, end


def _rises(total: Value, bound: float, at: int, course: _Course) -> int | None:
    """The first instant after `at` at which the total, below `bound` at `at`, is on it or over it; None: it never is.

    It rises no faster than deductions decay.
    """
    far = _far(at, course)
    points_per_ms = course.losses / course.shortest_ms
    begin = end = at
    while total(end) < bound:
        jump = next((jump for jump in course.jumps if jump > end), None)
        if end >= far or (points_per_ms == 0 and jump is None):
            return None
        safe_ms = min((bound - total(end)) / points_per_ms, far - end) if points_per_ms else far - end
        step_ms = max(_STEP_MS, int(safe_ms), (end - at) // 4)
        begin, end = end, min(end + step_ms, far if jump is None else jump)
    # On the bound it has changed already.
    return _crossing(lambda time: (bound - total(time)) or -_LITTLE, begin, end)


def _far(at: int, course: _Course) -> int:
    """When nothing that decays is left."""
    return max(course.decays_from + 1 + int(_FAR_HALF_LIVES * course.longest_ms), *course.jumps, at + 1)


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
