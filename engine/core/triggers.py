"""What alerts and actions wait for."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any, Literal, NamedTuple

import msgspec

from engine.core.events import Event

Priority = Literal["low", "normal", "high"]
Score = Literal["total", "engagement", "fit"]
EVICT_AFTER_MS = 30 * 86_400_000
"""How long an anonymous visitor may be away before the row is given up, once its score has decayed to nothing."""
AWAITED_MS_MAX = 90 * 86_400_000
"""How long a silence of an anonymous visitor is waited for at most: a longer one is for known leads."""


@dataclass(frozen=True, slots=True)
class Crosses:
    """Fires when the score goes from below `bound` to it or over it; below `rearm_below` it may fire again."""

    bound: float
    rearm_below: float
    band: str | None
    score: Score = "total"


@dataclass(frozen=True, slots=True)
class FallsBelow:
    """Fires when the score falls below `bound`; armed, at first and again, only once it was at least `rearm_above`."""

    bound: float
    rearm_above: float
    band: str | None
    score: Score = "total"


@dataclass(frozen=True, slots=True)
class FastTrack:
    """Fires when an event matches a rule that qualifies at once."""


@dataclass(frozen=True, slots=True)
class When:
    """Fires for an event or signal for which `holds`.

    With `followed`, `within_ms` after it, unless an event or signal came for which that holds.
    """

    holds: Callable[[Event], bool]
    followed: Callable[[Event], bool] | None = None
    within_ms: int = 0


@dataclass(frozen=True, slots=True)
class Gains:
    """Fires when the points of the last `minutes` come to `points`, before decay and clamps; below it may again."""

    points: float
    minutes: int


@dataclass(frozen=True, slots=True)
class SilentFor:
    """Fires when nothing came of the lead for `for_ms`."""

    for_ms: int


@dataclass(frozen=True, slots=True)
class Enters:
    """Fires when the lead goes to the stage at this place in STAGES."""

    stage: int


Trigger = Crosses | FallsBelow | FastTrack | When | Gains | SilentFor | Enters


class Template:
    """A text with `{field}` in it. One that is a single field gives its value as it is, of whatever kind."""

    def __init__(self, parts: tuple[str | Callable[[Any], Any], ...]) -> None:
        """`parts` are pieces of text and getters of a `Standing`, in order."""
        self._parts = parts

    def fill(self, standing: Any) -> Any:
        """The text filled in for a lead; what is missing is null, or nothing inside a longer text."""
        if len(self._parts) == 1 and not isinstance(self._parts[0], str):
            return self._parts[0](standing)
        return "".join(_text(part if isinstance(part, str) else part(standing)) for part in self._parts)


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return f"{value:.0f}"
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert or an action: one trigger, and what holds it back.

    `holds` (the `if`) reads the lead after the change. `state` is under which key a row remembers it. `data` is there
    for an action: what it carries besides the lead. `fingerprint` is equal for two that wait for the same.
    """

    id: str
    trigger: Trigger
    holds: Callable[[Any], bool]
    cooldown_ms: int
    priority: Priority
    label: str | None
    state: str
    fingerprint: str
    data: Mapping[str, Template] | None = None

    @property
    def is_action(self) -> bool:
        """Whether it asks for something to be done, instead of telling a rep."""
        return self.data is not None


class Waiting(NamedTuple):
    """Alerts and actions by what they wait for, and the place of each state in the model's order."""

    scores: tuple[tuple[Alert, Crosses | FallsBelow], ...]
    gains: tuple[tuple[Alert, Gains], ...]
    fast_tracks: tuple[Alert, ...]
    silences: tuple[tuple[Alert, SilentFor], ...]
    enters: tuple[tuple[Alert, Enters], ...]
    followed: Mapping[str, tuple[Alert, When]]
    places: Mapping[str, int]
    looks_from: float
    """Below this total no score alert that never moved needs a look."""
    kept_ms: int
    """How long an idle row is kept at least: as long as a silence may be waited for, within bounds."""


def waiting_of(alerts: Sequence[Alert]) -> Waiting:
    """`alerts`, in the model's order, by their triggers."""
    scores = [(one, one.trigger) for one in alerts if isinstance(one.trigger, Crosses | FallsBelow)]
    silences = [(one, one.trigger) for one in alerts if isinstance(one.trigger, SilentFor)]
    whens = [(one, one.trigger) for one in alerts if isinstance(one.trigger, When)]
    return Waiting(
        scores=tuple(scores),
        gains=tuple((one, one.trigger) for one in alerts if isinstance(one.trigger, Gains)),
        fast_tracks=tuple(one for one in alerts if isinstance(one.trigger, FastTrack)),
        silences=tuple(silences),
        enters=tuple((one, one.trigger) for one in alerts if isinstance(one.trigger, Enters)),
        followed={one.state: (one, trigger) for one, trigger in whens if trigger.followed is not None},
        places={one.state: place for place, one in enumerate(alerts)},
        looks_from=min((_looks_from(trigger) for _, trigger in scores), default=inf),
        kept_ms=max(EVICT_AFTER_MS, *(one.for_ms for _, one in silences if one.for_ms <= AWAITED_MS_MAX), 0),
    )


def _looks_from(trigger: Crosses | FallsBelow) -> float:
    if trigger.score != "total":
        return -inf
    return trigger.bound if isinstance(trigger, Crosses) else trigger.rearm_above
