"""The score of a lead at an instant, from the list of its events."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

from tests.reference.conditions import holds, rule_holds
from tests.reference.events import DAY_MS, Seen, Spec, ms

WINDOWS_KEPT = 16


@dataclass
class Score:
    """A score, its contributions by rule as (points, count), and its clamps by (part, name), in the order applied."""

    total: float = 0.0
    engagement: float = 0.0
    fit: float = 0.0
    contributions: dict[tuple[str, str], tuple[float, int]] = field(default_factory=dict)
    clamps: dict[tuple[str, str], float] = field(default_factory=dict)

    @property
    def tolerance(self) -> float:
        """How far numbers may differ: 1e-9 of what contributes."""
        return 1e-9 * max(1.0, sum(abs(points) for points, _ in self.contributions.values()))


@dataclass(frozen=True)
class Counted:
    """An event that a rule counts: how much, from when on it decays, and its own time."""

    amount: float
    from_ms: int
    at_ms: int


@dataclass(frozen=True)
class Account:
    """What there is to weigh at any instant: what each rule counts of a lead's events, and its traits."""

    counted: Mapping[str, Sequence[Counted]]
    traits: Mapping[str, Any]


def account(model: Spec, events: Sequence[Seen]) -> Account:
    """The account of a lead with these events and signals, given in order of arrival."""
    rules = model.get("engagement", {})
    return Account({name: counted(rule, events) for name, rule in rules.items()}, traits_of(events))


def score(model: Spec, events: Sequence[Seen], at_ms: int) -> Score:
    """The score at `at_ms` of a lead with these events and signals, given in order of arrival, none of them later."""
    return weighed(model, account(model, events), at_ms)


def weighed(model: Spec, account: Account, at_ms: int) -> Score:
    """The score at `at_ms`, before which everything in the account happened."""
    result = Score()
    for name, rule in model.get("engagement", {}).items():
        mass, count = _mass(model, rule, account.counted[name], at_ms)
        if mass:
            result.contributions["engagement", name] = (rule["points"] * mass, count)
    for name, rule in model.get("fit", {}).items():
        if holds(rule["when"], lambda key: account.traits.get(key.removeprefix("traits."))):
            result.contributions["fit", name] = (rule["points"], 1)
    _clamp(model, result)
    return result


def counted(rule: Spec, events: Sequence[Seen]) -> list[Counted]:
    """What a rule counts of these events, whatever has become of it since."""
    amounts = [(seen, _amount(rule, seen)) for seen in events]
    of_rule = _one_a_view([(seen, amount) for seen, amount in amounts if amount is not None])
    limit = rule.get("limit")
    if limit is None:
        return [Counted(amount, seen.at_ms, seen.at_ms) for seen, amount in of_rule]
    if limit == "once":
        times = [seen.at_ms for seen, _ in of_rule]
        return [Counted(1.0, min(times), min(times))] if times else []
    return _limited(limit, [seen.at_ms for seen, _ in of_rule])


def _one_a_view(of_rule: list[tuple[Seen, float]]) -> list[tuple[Seen, float]]:
    """Of the dwells on one page view the first; all else stays."""
    views = [seen.view for seen, _ in of_rule]
    return [one for place, one in enumerate(of_rule) if one[0].view is None or one[0].view not in views[:place]]


def _amount(rule: Spec, seen: Seen) -> float | None:
    """How much an event counts for a rule, None where it does not."""
    if seen.source not in rule.get("sources", [seen.source]) or not rule_holds(rule["when"], seen):
        return None
    if "times" not in rule:
        return 1.0
    value = seen.value(rule["times"])
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value) or value <= 0:
        return None
    return float(min(value, rule.get("times_max", value)))


def _limited(limit: str, times_ms: Sequence[int]) -> list[Counted]:
    """`N per D`: windows aligned to the epoch, of which the newest 16 with events are open."""
    at_most, _, duration = limit.partition(" per ")
    width_ms = ms(duration)
    kept: list[Counted] = []
    open_windows: dict[int, int] = {}
    for at_ms in times_ms:
        window = at_ms // width_ms
        if window not in open_windows and len(open_windows) == WINDOWS_KEPT:
            oldest = min(open_windows)
            if window < oldest:
                continue
            del open_windows[oldest]
        open_windows[window] = open_windows.get(window, 0) + 1
        if open_windows[window] <= int(at_most):
            kept.append(Counted(1.0, (window + 1) * width_ms, at_ms))
    return kept


def _mass(model: Spec, rule: Spec, kept: Sequence[Counted], at_ms: int) -> tuple[float, int]:
    """Decayed count and count at an instant."""
    if rule.get("decay") == "none":
        return sum(one.amount for one in kept), len(kept)
    if "window" in rule:
        days = ms(rule["window"]) // DAY_MS
        live = [one for one in kept if at_ms // DAY_MS - one.at_ms // DAY_MS < days]
        return sum(one.amount for one in live), len(live)
    half_life_ms = ms(rule.get("half_life") or model.get("defaults", {}).get("half_life", "30d"))
    return sum(one.amount * 0.5 ** (max(0, at_ms - one.from_ms) / half_life_ms) for one in kept), len(kept)


def traits_of(events: Sequence[Seen]) -> dict[str, Any]:
    """Each trait as of the latest event time; of two at one time the larger bytes."""
    newest: dict[str, tuple[int, bytes]] = {}
    for seen in events:
        for name, value in seen.traits.items():
            stamp = (seen.at_ms, json.dumps(value).encode())
            newest[name] = max(newest.get(name, stamp), stamp)
    return {name: json.loads(value) for name, (_, value) in newest.items()}


def _clamp(model: Spec, result: Score) -> None:
    """Rule, group, part, total: each clamp acts on what the ones before it left."""
    scale = model.get("scale", 100)
    groups = model.get("groups", {})
    by_group: dict[str, float] = {}
    engagement = 0.0
    for (part, name), (points, _) in result.contributions.items():
        if part != "engagement":
            continue
        rule = model["engagement"][name]
        bounded = _bounded(result, (part, f"rule:{name}"), points, rule.get("max"))
        if "group" in rule:
            by_group[rule["group"]] = by_group.get(rule["group"], 0.0) + bounded
        else:
            engagement += bounded
    for group, points in by_group.items():
        engagement += _bounded(result, ("engagement", f"group:{group}"), points, groups[group]["max"])
    fit = sum(points for (part, _), (points, _) in result.contributions.items() if part == "fit")
    engagement = _at_most(result, "engagement", engagement, scale)
    fit = _at_most(result, "fit", fit, scale)
    weights: Mapping[str, float] = model.get("total", {})
    total = weights.get("engagement", 1) * engagement + weights.get("fit", 1) * fit
    if total < 0:
        result.clamps["total", "floor"] = -total
    result.total = max(0.0, _at_most(result, "total", total, scale))
    result.engagement, result.fit = max(0.0, engagement), max(0.0, fit)


def _bounded(result: Score, clamp: tuple[str, str], points: float, bound: float | None) -> float:
    if bound is None or abs(points) <= bound:
        return points
    bounded = bound if points > 0 else -bound
    result.clamps[clamp] = bounded - points
    return bounded


def _at_most(result: Score, part: str, points: float, scale: float) -> float:
    if points <= scale:
        return points
    result.clamps[part, "scale"] = scale - points
    return scale


def band_of(model: Spec, total: float) -> str:
    """The highest band that begins at or below `total`; cold below the lowest."""
    bands: Mapping[str, float] = model.get("bands", {"warm": 30, "hot": 80})
    at_or_below = [(bound, name) for name, bound in bands.items() if bound <= total]
    return max(at_or_below)[1] if at_or_below else "cold"


def grade_of(model: Spec, fit: float) -> str:
    """The best grade at or below `fit`; D below all."""
    grades: Mapping[str, float] = model.get("grades", {"A": 20, "B": 10, "C": 1})
    at_or_below = [(bound, name) for name, bound in grades.items() if bound <= fit]
    return max(at_or_below)[1] if at_or_below else "D"
