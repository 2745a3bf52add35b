"""What a lead did, and which of it counts: durations, times, lateness and repeats."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

Spec = Mapping[str, Any]
"""A model as model.yaml states it."""
SECOND_MS, MINUTE_MS, HOUR_MS, DAY_MS = 1_000, 60_000, 3_600_000, 86_400_000
AHEAD_MS_MAX = 5 * MINUTE_MS
REMEMBERED = 64
_ATTRIBUTES = {"signal": "signal", "page.path": "path", "source": "source"}
_UNITS_MS = {"s": SECOND_MS, "m": MINUTE_MS, "h": HOUR_MS, "d": DAY_MS}


def ms(duration: str) -> int:
    """Milliseconds of `30s`, `15m`, `2h`, `30d` or `1h30m`."""
    return sum(int(count) * _UNITS_MS[unit] for count, unit in re.findall(r"(\d+)([smhd])", duration))


@dataclass(frozen=True)
class Seen:
    """An event of a lead, or, with `signal`, what is derived from its events.

    `at_ms` is its own time, `recorded_ms` its record's, the same if None. `traits` make an `identify` of it; `user`
    says that it names a person, not a browser. `view` tells page views apart: the one that a `dwell` is about.
    """

    name: str
    at_ms: int
    path: str | None = None
    id: str | None = None
    source: str = "web"
    properties: Mapping[str, Any] = field(default_factory=dict)
    traits: Mapping[str, Any] = field(default_factory=dict)
    user: str | None = None
    recorded_ms: int | None = None
    signal: str | None = None
    view: tuple[int, str | None] | None = None

    @property
    def arrived_ms(self) -> int:
        """The time of its record."""
        return self.at_ms if self.recorded_ms is None else self.recorded_ms

    def value(self, key: str) -> Any:
        """A field of an event as conditions name it, None where it is missing."""
        head, _, rest = key.partition(".")
        if head == "properties":
            return self.properties.get(rest)
        if head == "traits":
            return self.traits.get(rest)
        if key == "event":
            return None if self.signal else self.name
        return getattr(self, _ATTRIBUTES[key])


def accepted(model: Spec, arrivals: Sequence[Seen]) -> list[Seen]:
    """The arrivals that count, in order of arrival: in time, and no messageId twice within 24 h among the last 64."""
    kept: list[Seen] = []
    remembered: list[Seen] = []
    lateness_ms = ms(model.get("lateness", "96h"))
    for seen in arrivals:
        ahead_ms = seen.at_ms - seen.arrived_ms
        if ahead_ms > AHEAD_MS_MAX or (-ahead_ms > lateness_ms and seen.source != "import"):
            continue
        if seen.id is not None:
            if any(old.id == seen.id and abs(old.at_ms - seen.at_ms) <= DAY_MS for old in remembered):
                continue
            remembered = [*remembered, seen][-REMEMBERED:]
        kept.append(replace(seen, at_ms=min(seen.at_ms, seen.arrived_ms)))
    return kept
