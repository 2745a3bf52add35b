"""Which alerts a lead's events fire, and when: one fold after the other, each looked at from scratch.

Scores must only fall while the lead is silent (deductions that do not decay): then what a wake-up in between would see
changes nothing, and each instant of a fall is one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.reference.conditions import holds, rule_holds
from tests.reference.events import HOUR_MS, MINUTE_MS, Seen, Spec, accepted, ms
from tests.reference.score import account, band_of, counted, weighed
from tests.reference.signals import steps

_SCORED = ("crosses", "falls_below", "gains")


@dataclass(frozen=True)
class Report:
    """An alert that came: the instant of its cause, and the watched score before and after."""

    alert: str
    at_ms: int
    before: float
    after: float


class _Watch:
    """One alert: whether it is armed, when it was reported last, and when it is due."""

    def __init__(self, model: Spec, name: str, alert: Spec) -> None:
        self.name, self.alert = name, alert
        bands: Mapping[str, float] = model.get("bands", {"warm": 30, "hot": 80})
        scale = model.get("scale", 100)
        self.kind = next(
            key for key in ("crosses", "falls_below", "gains", "silent_for", "fast_track", "when") if key in alert
        )
        self.armed = self.kind != "falls_below"
        self.reported_ms: int | None = None
        self.dues_ms: list[int] = []
        stated = alert[self.kind]
        self.bound: float = 0.0
        if self.kind in _SCORED:
            self.bound = bands[stated] if isinstance(stated, str) else stated
        below = max(self.bound - scale / 10, self.bound / 2)
        above = min(self.bound + scale / 10, (self.bound + scale) / 2)
        self.rearm_below = self.bound if self.kind == "gains" else alert.get("rearm_below", below)
        self.rearm_above = alert.get("rearm_above", above)
        self.cooldown_ms = ms(alert.get("cooldown", "0s" if self.kind in ("crosses", "falls_below") else "24h"))

    def rearm(self, value: float) -> None:
        if self.kind == "falls_below":
            self.armed = self.armed or value >= self.rearm_above
        else:
            self.armed = self.armed or value < self.rearm_below

    def beyond(self, value: float) -> bool:
        return value < self.bound if self.kind == "falls_below" else value >= self.bound

    def cool(self, now_ms: int) -> bool:
        return self.reported_ms is None or now_ms - self.reported_ms >= self.cooldown_ms


class Lead:
    """A lead, fed fold by fold; `reports` are what came."""

    def __init__(self, model: Spec) -> None:
        self.model = model
        self.history: list[Seen] = []
        self.prompt: list[Seen] = []
        self.account = account(model, [])
        self.now_ms = 0
        self.watches = [_Watch(model, name, alert) for name, alert in model.get("alerts", {}).items()]
        self.reports: list[Report] = []

    def fold(self, at_ms: int, seens: Sequence[Seen]) -> None:
        """An event with its signals, signals that fell due, or nothing but the passing of time."""
        self.now_ms = max(self.now_ms, at_ms)
        before = [self._watched(watch, self.now_ms) for watch in self.watches]
        self.history += seens
        self.account = account(self.model, self.history)
        self.prompt += [seen for seen in seens if self.now_ms - seen.at_ms <= HOUR_MS]
        for watch, value in zip(self.watches, before, strict=True):
            if watch.kind in _SCORED:
                self._look(watch, at_ms, value)
            else:
                self._trigger(watch, at_ms, seens, value)

    def until(self, at_ms: int) -> None:
        """Fold all that falls due up to an instant."""
        while (due_ms := self._next_due(at_ms)) is not None:
            self.fold(due_ms, [])

    def _watched(self, watch: _Watch, at_ms: int) -> float:
        if watch.kind == "gains":
            return self._gained(ms(watch.alert["within"]), at_ms)
        found = weighed(self.model, self.account, at_ms)
        return {"total": found.total, "engagement": found.engagement, "fit": found.fit}[
            watch.alert.get("score", "total")
        ]

    def _gained(self, within_ms: int, at_ms: int) -> float:
        """Points before decay and clamps of the last D, by whole minutes, of what came at most an hour late."""
        minutes = within_ms // MINUTE_MS
        return sum(
            float(rule["points"]) * one.amount
            for rule in self.model["engagement"].values()
            for one in counted(rule, self.prompt)
            if at_ms // MINUTE_MS - one.at_ms // MINUTE_MS < minutes
        )

    def _look(self, watch: _Watch, at_ms: int, before: float) -> None:
        watch.rearm(before)
        after = self._watched(watch, self.now_ms)
        if watch.kind == "falls_below":
            watch.rearm(after)
        if watch.armed and watch.beyond(after) and self._if(watch):
            watch.armed = False
            if watch.cool(self.now_ms):
                self._report(watch, at_ms, before, after)

    def _trigger(self, watch: _Watch, at_ms: int, seens: Sequence[Seen], before: float) -> None:
        if at_ms in watch.dues_ms and not seens:
            watch.dues_ms.remove(at_ms)
            fires = True
        else:
            fires = self.now_ms - at_ms <= HOUR_MS and any(self._starts(watch, seen) for seen in seens)
        if fires and self._if(watch) and watch.cool(self.now_ms):
            self._report(watch, at_ms, before, self._watched(watch, self.now_ms))

    def _starts(self, watch: _Watch, seen: Seen) -> bool:
        """Whether an event or signal fires the alert now; it may only set or clear the time at which it will."""
        alert = watch.alert
        if watch.kind == "fast_track":
            return any(rule.get("fast_track") and counted(rule, [seen]) for rule in self.model["engagement"].values())
        if watch.kind == "silent_for":
            if seen.signal is None:
                newest_ms = max(one.at_ms for one in self.history if one.signal is None)
                watch.dues_ms = [newest_ms + ms(alert["silent_for"])]
            return False
        if "not_followed_by" not in alert:
            return rule_holds(alert["when"], seen)
        if rule_holds(alert["when"], seen):
            # Of those that wait, the first and the latest.
            watch.dues_ms = sorted({*watch.dues_ms[:1], seen.at_ms + ms(alert["within"])})
        elif rule_holds(alert["not_followed_by"], seen):
            watch.dues_ms = []
        return False

    def _report(self, watch: _Watch, at_ms: int, before: float, after: float) -> None:
        watch.reported_ms = self.now_ms
        self.reports.append(Report(watch.name, at_ms, before, after))

    def _if(self, watch: _Watch) -> bool:
        return holds(watch.alert.get("if", {}), self._field)

    def _field(self, name: str) -> Any:
        if name.startswith("traits."):
            return self.account.traits.get(name.removeprefix("traits."))
        if name == "known":
            return any(seen.user is not None for seen in self.history)
        found = weighed(self.model, self.account, self.now_ms)
        fields = {"total": found.total, "engagement": found.engagement, "fit": found.fit}
        return {**fields, "band": band_of(self.model, found.total)}[name]

    def _next_due(self, until_ms: int) -> int | None:
        falls = [self._fall_ms(watch, until_ms) for watch in self.watches]
        waits = [due_ms for watch in self.watches for due_ms in watch.dues_ms]
        return min((due_ms for due_ms in [*falls, *waits] if due_ms is not None and due_ms <= until_ms), default=None)

    def _fall_ms(self, watch: _Watch, until_ms: int) -> int | None:
        """The first ms at which a score that only falls is below the bound, None where it is now or not by then."""
        if watch.kind != "falls_below" or not watch.armed:
            return None
        low_ms, high_ms = self.now_ms, until_ms
        if not watch.beyond(self._watched(watch, high_ms)) or watch.beyond(self._watched(watch, low_ms)):
            return None
        while high_ms - low_ms > 1:
            middle_ms = (low_ms + high_ms) // 2
            if watch.beyond(self._watched(watch, middle_ms)):
                high_ms = middle_ms
            else:
                low_ms = middle_ms
        return high_ms


def reports(model: Spec, arrivals: Sequence[Seen], until_ms: int) -> list[Report]:
    """The alerts of one lead, up to an instant; the arrivals are in order of their records."""
    lead = Lead(model)
    if all(seen.at_ms == seen.arrived_ms for seen in arrivals):
        folds = [(at_ms, at_ms, seens) for at_ms, seens in steps(accepted(model, arrivals), until_ms)]
    else:
        folds = [(seen.arrived_ms, seen.at_ms, [seen]) for seen in accepted(model, arrivals)]
    for arrived_ms, at_ms, seens in folds:
        lead.until(arrived_ms)
        lead.fold(at_ms, seens)
    lead.until(until_ms)
    return lead.reports
