"""A slow scorer to test the fast one against.

It keeps every event and works everything out anew from `semantics.md`, and shares no code with the core. A model is
the mapping that model.yaml states, with durations in seconds (`60s`) and conditions on `event` and `page.path` only.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

Spec = dict[str, Any]
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
REMEMBERED = 64


@dataclass(frozen=True)
class Seen:
    """An event of one lead: `user` makes an `identify` of it."""

    name: str
    at_ms: int
    path: str | None = None
    id: str | None = None
    user: str | None = None


@dataclass
class Score:
    """A score, its contributions by rule and its clamps by (part, name)."""

    total: float = 0.0
    engagement: float = 0.0
    contributions: dict[str, float] = field(default_factory=dict)
    clamps: dict[tuple[str, str], float] = field(default_factory=dict)


def _ms(duration: str) -> int:
    return int(duration.removesuffix("s")) * 1_000


def _matches(rule: Spec, seen: Seen) -> bool:
    when = rule["when"]
    names = when.get("event", ["page_view", "screen_view"])
    if seen.name not in ([names] if isinstance(names, str) else names):
        return False
    prefix = when.get("page.path")
    return prefix is None or (seen.path or "").startswith(prefix.removesuffix("*"))


def score(spec: Spec, events: Sequence[Seen], at_ms: int) -> Score:
    """The score at `at_ms` of a lead with these events, none of them later, in any order."""
    result = Score()
    for name, rule in spec["engagement"].items():
        half_life_ms = _ms(rule["half_life"])
        masses = [0.5 ** ((at_ms - seen.at_ms) / half_life_ms) for seen in events if _matches(rule, seen)]
        if masses:
            result.contributions[name] = rule["points"] * sum(masses)
    by_group: dict[str, float] = {}
    engagement = 0.0
    for name, points in result.contributions.items():
        rule = spec["engagement"][name]
        bounded = _bounded(result, f"rule:{name}", points, rule.get("max"))
        if "group" in rule:
            by_group[rule["group"]] = by_group.get(rule["group"], 0.0) + bounded
        else:
            engagement += bounded
    for group, points in by_group.items():
        engagement += _bounded(result, f"group:{group}", points, spec["groups"][group]["max"])
    if engagement > spec["scale"]:
        result.clamps["engagement", "scale"] = spec["scale"] - engagement
        engagement = spec["scale"]
    if engagement < 0:
        result.clamps["total", "floor"] = -engagement
    result.total = result.engagement = max(engagement, 0.0)
    return result


def _bounded(result: Score, clamp: str, points: float, bound: float | None) -> float:
    if bound is None or abs(points) <= bound:
        return points
    clamped = bound if points > 0 else -bound
    result.clamps["engagement", clamp] = clamped - points
    return clamped


def without_repeats(arrivals: Sequence[Seen]) -> list[tuple[int, Seen]]:
    """The arrivals that count, with their places: no messageId twice within 24 h among the last 64."""
    kept: list[tuple[int, Seen]] = []
    remembered: list[Seen] = []
    for place, seen in enumerate(arrivals):
        if seen.id is not None:
            if any(old.id == seen.id and abs(old.at_ms - seen.at_ms) <= DAY_MS for old in remembered):
                continue
            remembered = [*remembered, seen][-REMEMBERED:]
        kept.append((place, seen))
    return kept


def alerts(spec: Spec, arrivals: Sequence[Seen]) -> list[tuple[int, str]]:
    """The alerts that one lead's events fire, in the order of arrival: (place of the event, alert)."""
    came: list[tuple[int, str]] = []
    counted: list[Seen] = []
    fired: dict[str, bool] = {}
    fired_at: dict[str, int] = {}
    known = False
    for place, seen in without_repeats(arrivals):
        counted.append(seen)
        now_ms = max(one.at_ms for one in counted)
        before = score(spec, counted[:-1], now_ms).total
        after = score(spec, counted, now_ms).total
        known = known or seen.user is not None
        for name, alert in spec["alerts"].items():
            if "crosses" in alert:
                fired[name] = fired.get(name, False) and before >= alert["rearm_below"]
                due = not fired[name] and after >= alert["crosses"]
            else:
                fast = any(rule.get("fast_track") and _matches(rule, seen) for rule in spec["engagement"].values())
                due = fast and now_ms - seen.at_ms <= HOUR_MS
            if not due or (alert.get("if") == {"known": True} and not known):
                continue
            fired[name] = True
            if name not in fired_at or now_ms - fired_at[name] >= _ms(alert["cooldown"]):
                fired_at[name] = now_ms
                came.append((place, name))
    return came
