"""From the ledger to the score, and the explanation that adds up.

Clamps act on what is read, never on what is stored, in this order (`semantics.md` 2): a rule to ±its max, a group to
±its max, engagement to the scale, total to 0…scale. A negative engagement lowers the total; what is shown of it is 0.
"""

from bisect import bisect_left
from collections.abc import Callable
from math import exp2, log2

from engine.core.instants import to_rfc3339
from engine.core.ledger import Ledger
from engine.core.model import COLD, Model
from engine.core.records import Clamp, Contribution


class Explanation:
    """The arithmetic of one score; filled by `total_of`."""

    def __init__(self) -> None:
        self.contributions: list[Contribution] = []
        self.clamps: list[Clamp] = []
        self.engagement = 0.0


def total_of(model: Model, ledger: Ledger, at_ms: int, explanation: Explanation | None = None) -> float:
    """The total at `at_ms`, the time of the ledger's latest event or later; `explanation` is filled if there is one.

    One function for both, so that what is explained is what is scored, to the last digit.
    """
    rules = model.rules
    engagement = 0.0
    grouped: dict[str, float] = {}
    for rule_id, (mass, last_ms, count) in ledger.items():
        rule = rules.get(rule_id)
        if rule is None:
            continue
        points = rule.points * mass * exp2((last_ms - at_ms) / rule.half_life_ms)
        if explanation is not None:
            contribution = Contribution(
                "engagement", rule_id, rule.label, rule.group, points, count, to_rfc3339(last_ms)
            )
            explanation.contributions.append(contribution)
        if rule.max is not None and not -rule.max <= points <= rule.max:
            points = _clamp(explanation, f"rule:{rule_id}", points, rule.max)
        if rule.group is None:
            engagement += points
        else:
            grouped[rule.group] = grouped.get(rule.group, 0.0) + points
    for group, points in grouped.items():
        bound = model.groups[group]
        engagement += points if -bound <= points <= bound else _clamp(explanation, f"group:{group}", points, bound)
    if engagement > model.scale:
        engagement = _clamp(explanation, "scale", engagement, model.scale)
    if explanation is not None:
        explanation.engagement = max(engagement, 0.0)
        if engagement < 0.0:
            explanation.clamps.append(Clamp("total", "floor", -engagement))
    return max(engagement, 0.0)


def _clamp(explanation: Explanation | None, clamp: str, points: float, bound: float) -> float:
    clamped = max(-bound, min(bound, points))
    if explanation is not None:
        explanation.clamps.append(Clamp("engagement", clamp, clamped - points))
    return clamped


def explain(model: Model, ledger: Ledger, at_ms: int) -> tuple[float, Explanation]:
    """The total at `at_ms` and its arithmetic; the largest contributions come first, equal ones by rule."""
    explanation = Explanation()
    total = total_of(model, ledger, at_ms, explanation)
    explanation.contributions.sort(key=lambda contribution: (-abs(contribution.points), contribution.rule))
    return total, explanation


_STEPS_MAX = 512


def next_band_ms(model: Model, ledger: Ledger, at_ms: int) -> int | None:
    """The first instant after `at_ms` at which decay alone has changed the band; None where it never does.

    Exact to the millisecond without deductions, since the total only falls then. A deduction decays as well and can
    let the total rise; then the time to come is looked at in steps of an eighth of the shortest half-life.
    """
    rules = [(model.rules[rule_id], entry) for rule_id, entry in ledger.items() if rule_id in model.rules]
    total = total_of(model, ledger, at_ms)
    band = model.band(total)
    deducts = any(rule.points < 0 for rule, _ in rules)
    if not rules or (band.name == COLD and not deducts):
        return None
    gross = sum(abs(rule.points) * entry[0] for rule, entry in rules)
    longest_ms = max(rule.half_life_ms for rule, _ in rules)
    end_ms = at_ms + 1 + int(longest_ms * max(0.0, log2(gross / model.bands[1].bound)))
    shortest_ms = min(rule.half_life_ms for rule, _ in rules)
    if not deducts:
        # No clamp and no mixture of half-lives falls faster than the shortest of them.
        begin_ms = max(at_ms, at_ms - 1 + int(shortest_ms * log2(total / band.bound)))
        return _falls_below(band.bound, lambda ms: total_of(model, ledger, ms), begin_ms, end_ms)

    def changed(instant_ms: int) -> bool:
        return model.band(total_of(model, ledger, instant_ms)) is not band

    step_ms = max(1, int(shortest_ms) // 8, (end_ms - at_ms) // _STEPS_MAX)
    for begin_ms in range(at_ms, end_ms, step_ms):
        if changed(begin_ms + step_ms):
            return bisect_left(range(begin_ms + step_ms), True, lo=begin_ms + 1, key=changed)
    return None


def _falls_below(bound: float, total: Callable[[int], float], begin_ms: int, end_ms: int) -> int:
    """The first instant at which `total`, which only falls, is below `bound`: not yet at `begin_ms`, surely at `end_ms`.

    The false position method with Illinois' step, on logarithms, in which decay is nearly a straight line.
    """
    above = log2(total(begin_ms) / bound)
    below = log2(total(end_ms) / bound)
    moved = 0
    while end_ms - begin_ms > 1:
        middle_ms = begin_ms + int((end_ms - begin_ms) * above / (above - below))
        middle_ms = min(max(middle_ms, begin_ms + 1), end_ms - 1)
        value = log2(total(middle_ms) / bound)
        if value >= 0:
            begin_ms, above = middle_ms, value
            below = below / 2 if moved > 0 else below
            moved = 1
        else:
            end_ms, below = middle_ms, value
            above = above / 2 if moved < 0 else above
            moved = -1
    return end_ms
