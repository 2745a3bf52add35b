"""From the ledger to the score, and the explanation that adds up.

Clamps act on what is read, never on what is stored, in this order (`semantics.md` 2): a rule to ±its max, a group to
±its max, engagement to the scale, total to 0…scale. A negative engagement lowers the total; what is shown of it is 0.
"""

from collections.abc import Callable
from math import exp2, log2

from engine.core.instants import to_rfc3339
from engine.core.ledger import Ledger
from engine.core.model import COLD, Model
from engine.core.profile import Row
from engine.core.records import Clamp, Contribution


class Explanation:
    """The arithmetic of one score; filled by `total_of`. `born_ms` is the zero of the ledger's times."""

    def __init__(self, born_ms: int) -> None:
        self.born_ms = born_ms
        self.contributions: list[Contribution] = []
        self.clamps: list[Clamp] = []
        self.engagement = 0.0


def total_of(model: Model, ledger: Ledger, at: int, explanation: Explanation | None = None) -> float:
    """The total at `at`, the time of the ledger's latest event or later; `explanation` is filled if there is one.

    One function for both, so that what is explained is what is scored, to the last digit.
    """
    terms = model.terms
    engagement = 0.0
    grouped: dict[str, float] = {}
    for rule_id, (mass, last, count) in ledger.items():
        term = terms.get(rule_id)
        if term is None:
            continue
        points, half_life_ms, bound, group = term
        points *= mass
        if last != at:
            points *= exp2((last - at) / half_life_ms)
        if explanation is not None:
            explanation.contributions.append(
                Contribution(
                    "engagement",
                    rule_id,
                    model.rules[rule_id].label,
                    group,
                    points,
                    count,
                    to_rfc3339(explanation.born_ms + last),
                )
            )
        if bound is not None and not -bound <= points <= bound:
            points = _clamp(explanation, "rule", rule_id, points, bound)
        if group is None:
            engagement += points
        else:
            grouped[group] = grouped.get(group, 0.0) + points
    for group, points in grouped.items():
        bound = model.groups[group]
        engagement += points if -bound <= points <= bound else _clamp(explanation, "group", group, points, bound)
    if engagement > model.scale:
        engagement = _clamp(explanation, "scale", "", engagement, model.scale)
    if explanation is not None:
        explanation.engagement = max(engagement, 0.0)
        if engagement < 0.0:
            explanation.clamps.append(Clamp("total", "floor", -engagement))
    return max(engagement, 0.0)


def _clamp(explanation: Explanation | None, kind: str, name: str, points: float, bound: float) -> float:
    clamped = bound if points > 0 else -bound
    if explanation is not None:
        explanation.clamps.append(Clamp("engagement", f"{kind}:{name}" if name else kind, clamped - points))
    return clamped


def explain(model: Model, row: Row, at: int) -> tuple[float, Explanation]:
    """The row's total at `at` and its arithmetic; the largest contributions come first, equal ones by rule."""
    explanation = Explanation(row.born_ms)
    total = total_of(model, row.ledger, at, explanation)
    explanation.contributions.sort(key=lambda contribution: (-abs(contribution.points), contribution.rule))
    return total, explanation


_LITTLE = 1e-9


def next_band(model: Model, ledger: Ledger, at: int, total: float) -> int | None:
    """The first instant after `at` at which decay alone has changed the band; None where it never does.

    `total` is the total at `at`, which whoever asks has already.

    Exact to the millisecond; with deductions, which decay as well and can let the total rise, see `_leaves`.
    """
    rules = [(model.rules[rule_id], entry) for rule_id, entry in ledger.items() if rule_id in model.rules]
    band = model.band(total)
    gains = sum(rule.points * entry[0] for rule, entry in rules if rule.points > 0)
    losses = sum(-rule.points * entry[0] for rule, entry in rules if rule.points < 0)
    lowest = model.bands[1].bound
    if band.name == COLD and (losses == 0 or gains < lowest):
        return None
    shortest_ms = min(rule.half_life_ms for rule, _ in rules)
    longest_ms = max(rule.half_life_ms for rule, _ in rules)
    end = at + 1 + int(longest_ms * max(0.0, log2(gains + losses) - log2(lowest)))
    if losses > 0:
        return _leaves(model, ledger, total, (gains + losses) / shortest_ms, at, end)
    # No clamp and no mixture of half-lives falls faster than the shortest of them.
    begin = max(at, at - 1 + int(shortest_ms * log2(total / band.bound)))
    return _crossing(lambda time: _above(total_of(model, ledger, time), band.bound), begin, end)


def _above(total: float, bound: float) -> float:
    """How far `total` is above `bound`, in halvings, so that decay is nearly a straight line; at most ten below."""
    return log2(max(total / bound, 2.0**-10))


def _leaves(model: Model, ledger: Ledger, total: float, points_per_ms: float, at: int, end: int) -> int | None:
    """When `total` leaves its band, falling or rising, where deductions decay as well; None if not before `end`.

    The total cannot change faster than `points_per_ms`, so it stays in the band for its distance from the nearest
    bound over that. A crossing and its way back within as much time as has gone by are not seen.
    """
    band = model.band(total)
    begin = ahead = at
    while model.band(total) is band:
        if ahead >= end:
            return None
        distance = min(abs(total - one.bound) for one in model.bands[1:])
        begin, ahead = ahead, ahead + max(1, int(distance / points_per_ms), ahead - at)
        total = total_of(model, ledger, ahead)
    if total < band.bound:
        return _crossing(lambda time: _above(total_of(model, ledger, time), band.bound), begin, ahead)
    bound = min(one.bound for one in model.bands if one.bound > band.bound)
    # On the bound it has changed already.
    return _crossing(lambda time: (bound - total_of(model, ledger, time)) or -_LITTLE, begin, ahead)


def _crossing(height: Callable[[int], float], begin: int, end: int) -> int:
    """The first instant at which `height` is below 0, where it is not at `begin`, is at `end`, and crosses once.

    The false position method with Illinois' step; by halves where a clamp keeps the total exactly on the bound.
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
