"""The scoring model, compiled: what the configuration means, ready to be applied."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from engine.core.decode import EventDecoder
from engine.core.events import Event

Priority = Literal["low", "normal", "high"]
COLD = "cold"


@dataclass(frozen=True, slots=True)
class Rule:
    """An engagement rule. `holds` reads the event; `max` bounds the rule's points on both sides."""

    id: str
    holds: Callable[[Event], bool]
    points: float
    half_life_ms: float
    label: str | None = None
    group: str | None = None
    max: float | None = None
    fast_track: bool = False


Term = tuple[float, float, float | None, str | None]
"""Of a rule what the sum needs, for the inner loop: points, half-life in ms, max, group."""


@dataclass(frozen=True, slots=True)
class Crosses:
    """Fires when the total goes from below `bound` to it or over it; below `rearm_below` it may fire again."""

    bound: float
    rearm_below: float
    band: str | None


@dataclass(frozen=True, slots=True)
class FastTrack:
    """Fires when an event matches a rule that qualifies at once."""


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert: one trigger, and what holds it back. `holds` (the `if`) reads the lead after the change."""

    id: str
    trigger: Crosses | FastTrack
    holds: Callable[[Any], bool]
    cooldown_ms: int
    priority: Priority
    label: str | None


@dataclass(frozen=True, slots=True)
class Band:
    """Totals at or above `bound`, up to the next band's."""

    name: str
    bound: float


@dataclass(frozen=True, slots=True)
class Model:
    """Everything that scoring needs to know.

    `bands` ascend and begin with cold at minus infinity. `rules_by_event` lists for an event's name the rules that
    can hold for it, `rules_for_any` those of every other name. `counted` are the events whose times seen are kept.
    `crosses_from` is the lowest total that any alert waits for.
    """

    version: str
    scale: float
    bands: tuple[Band, ...]
    publish_from: float
    groups: Mapping[str, float]
    rules: Mapping[str, Rule]
    terms: Mapping[str, Term]
    rules_by_event: Mapping[str, tuple[Rule, ...]]
    rules_for_any: tuple[Rule, ...]
    alerts: tuple[Alert, ...]
    crosses_from: float
    counted: frozenset[str]
    decoder: EventDecoder

    def rules_for(self, event: str) -> tuple[Rule, ...]:
        """The rules that can hold for an event of this name, in the model's order."""
        return self.rules_by_event.get(event, self.rules_for_any)

    def band(self, total: float) -> Band:
        """The band that `total` is in; exactly a bound is in its band."""
        for band in reversed(self.bands):
            if total >= band.bound:
                return band
        return self.bands[0]
