"""From the ledger and the traits to the score, and the explanation that adds up.

Clamps act on what is read, never on what is stored, in this order (`semantics.md` 2): a rule to ±its max, a group to
±its max, engagement and fit each to at most the scale, their weighted sum to 0…scale. A negative engagement or fit
lowers the total; what is shown of it is 0.
"""

from math import exp2

import msgspec

from engine.core.instants import to_rfc3339
from engine.core.ledger import LIMITED, PLAIN, Entry, Ledger, mass_at
from engine.core.model import Model
from engine.core.points import read_entry
from engine.core.profile import Row
from engine.core.records import Clamp, Contribution
from engine.core.standing import Standing

_encode = msgspec.msgpack.Encoder().encode


class Explanation:
    """The arithmetic of one score. `engagement` and `fit` are as shown, never below 0."""

    def __init__(self, born_ms: int) -> None:
        """Nothing yet; `born_ms` is the zero of the ledger's times."""
        self.born_ms = born_ms
        self.contributions: list[Contribution] = []
        self.clamps: list[Clamp] = []
        self.engagement = 0.0
        self.fit = 0.0
        self.total = 0.0


def engagement_of(model: Model, ledger: Ledger, at: int, born_ms: int, explanation: Explanation | None = None) -> float:
    """The engagement at `at`, the time of the ledger's latest event or later; at most the scale, it may be negative.

    `explanation` is filled if there is one: one function for both, so that what is explained is what is scored.
    """
    terms = model.terms
    engagement = 0.0
    grouped: dict[str, float] = {}
    for rule_id, entry in ledger.items():
        term = terms.get(rule_id)
        if term is None:
            continue
        points, half_life_ms, bound, group, days = term
        shape = len(entry)
        if shape == PLAIN and days is None:
            mass, last, count = entry
            points *= mass
            if last != at:
                points *= exp2((last - at) / half_life_ms)
        elif shape == LIMITED and days is None:
            points *= mass_at(entry, half_life_ms, at, born_ms)
            count = entry[2]
        else:
            mass, count = read_entry(entry, half_life_ms, days, at, born_ms)
            points *= mass
        if explanation is not None and points != 0.0:
            explanation.contributions.append(_contribution(model, rule_id, group, points, count, entry, born_ms))
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
    return engagement


def _contribution(
    model: Model, rule_id: str, group: str | None, points: float, count: int, entry: Entry, born_ms: int
) -> Contribution:
    label = model.rules[rule_id].label
    return Contribution("engagement", rule_id, label, group, points, count, to_rfc3339(born_ms + entry[1]))


def _clamp(explanation: Explanation | None, kind: str, name: str, points: float, bound: float) -> float:
    clamped = bound if points > 0 else -bound
    if explanation is not None:
        explanation.clamps.append(Clamp("engagement", f"{kind}:{name}" if name else kind, clamped - points))
    return clamped


def fit_of(model: Model, standing: Standing, explanation: Explanation | None = None) -> float:
    """The points of the fit rules that hold for the lead; at most the scale, they may be negative. A robot has none."""
    fit = 0.0
    if standing.row.is_robot:
        return fit
    for rule in model.fit:
        if rule.holds(standing):
            fit += rule.points
            if explanation is not None and rule.points != 0.0:
                explanation.contributions.append(Contribution("fit", rule.id, rule.label, None, rule.points, 1, None))
    if fit > model.scale:
        if explanation is not None:
            explanation.clamps.append(Clamp("fit", "scale", model.scale - fit))
        fit = model.scale
    return fit


def fit_now(model: Model, row: Row) -> float:
    """The fit of the row's lead, as it counts; worked out once for the same traits where it reads nothing else."""
    if model.fit_of_nobody is None or row.suspect is not None:
        return fit_of(model, Standing(model, row))
    if not row.traits:
        return model.fit_of_nobody
    return model.fit_by_traits(_encode(row.traits))


def total_of(model: Model, engagement: float, fit: float, explanation: Explanation | None = None) -> float:
    """The weighted sum of both parts, within 0…scale."""
    total = model.engagement_weight * engagement + model.fit_weight * fit
    if 0.0 <= total <= model.scale:
        return total
    clamped = min(max(total, 0.0), model.scale)
    if explanation is not None:
        explanation.clamps.append(Clamp("total", "floor" if total < 0.0 else "scale", clamped - total))
    return clamped


class Score(msgspec.Struct, frozen=True, gc=False):
    """A lead's score; engagement and fit as they count, below 0 where deductions prevail."""

    engagement: float
    fit: float
    total: float


def score_at(model: Model, row: Row, at: int, fit: float) -> Score:
    """The score of `row` at `at`, its now or later; `fit` as `fit_of` gives it."""
    engagement = engagement_of(model, row.ledger, at, row.born_ms)
    return Score(engagement, fit, total_of(model, engagement, fit))


def explain(model: Model, row: Row, at: int) -> Explanation:
    """The row's score at `at` and its arithmetic; the largest contributions come first, equal ones by part and rule."""
    explanation = Explanation(row.born_ms)
    engagement = engagement_of(model, row.ledger, at, row.born_ms, explanation)
    fit = fit_of(model, Standing(model, row), explanation)
    explanation.engagement, explanation.fit = max(engagement, 0.0), max(fit, 0.0)
    explanation.total = total_of(model, engagement, fit, explanation)
    explanation.contributions.sort(key=lambda one: (-abs(one.points), one.part, one.rule))
    return explanation
