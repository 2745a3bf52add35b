"""Watching canaries: how old the last one is that came through, and which never did."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from engine.core.canary import STAGES, Stage

WATCHED_MAX = 10_000
"""Canaries that are remembered at most; the oldest are forgotten."""


@dataclass(slots=True)
class _Flight:
    lane: int
    sent_s: float
    missing: set[Stage] = field(default_factory=lambda: set(STAGES))
    lost: bool = False


class CanaryWatch:
    """What became of the canaries that were sent here; whatever others send is none of them.

    All instants are seconds of one clock that never goes back. One that has not been at every stage within
    `lost_after_s` is told to `on_lost` once, with the first stage that it did not come to; it still says how old the
    last one is if it comes later.
    """

    def __init__(self, began_s: float, lost_after_s: float, on_lost: Callable[[Stage], None]) -> None:
        self._began_s = began_s
        self._lost_after_s = lost_after_s
        self._on_lost = on_lost
        self._flights: OrderedDict[str, _Flight] = OrderedDict()
        self._last_s: dict[Stage, dict[int, float]] = {stage: {} for stage in STAGES}

    def sent(self, nonce: str, lane: int, now_s: float) -> None:
        """A canary goes off to a lane."""
        self._flights[nonce] = _Flight(lane, now_s)
        if len(self._flights) > WATCHED_MAX:
            self._flights.popitem(last=False)
        for last_s in self._last_s.values():
            last_s.setdefault(lane, now_s)

    def seen(self, stage: Stage, nonce: str) -> None:
        """A canary was seen at a stage."""
        flight = self._flights.get(nonce)
        if flight is None:
            return
        last_s = self._last_s[stage]
        last_s[flight.lane] = max(last_s[flight.lane], flight.sent_s)
        flight.missing.discard(stage)
        if not flight.missing:
            del self._flights[nonce]

    def count_lost(self, now_s: float) -> None:
        """Tell of those whose time is over."""
        for flight in self._flights.values():
            if now_s - flight.sent_s <= self._lost_after_s:
                return
            if not flight.lost:
                flight.lost = True
                self._on_lost(next(stage for stage in STAGES if stage in flight.missing))

    def age_s(self, stage: Stage, now_s: float) -> float:
        """How long ago the last canary was sent that came as far as `stage`, of the lane where that is longest."""
        return now_s - min(self._last_s[stage].values(), default=self._began_s)
