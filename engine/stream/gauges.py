"""What a worker looks at while it runs: its lag, its positions for the group, and whether anything moves at all."""

import asyncio
import time
from collections.abc import Mapping

from engine.ops.observer import Observer
from engine.stream.app import StreamApp
from engine.stream.chunk import Partition

LOOK_EVERY_S = 1.0
PUBLISH_EVERY = 5
"""Every so many looks the lanes' positions become the group's committed offsets, for lag tools; nobody reads them."""
STUCK_AFTER = 60
"""So many looks at the same state of something that should move mean that it is stuck."""


class Stuck(Exception):
    """Faust or aiokafka have silently stopped working; a new app begins anew."""


class Watchdog:
    """Counts looks at what should move; looks, not seconds, so that a frozen process is not taken for a stuck one."""

    def __init__(self, looks_max: int) -> None:
        """Nothing seen yet."""
        self._looks_max = looks_max
        self._seen: dict[str, tuple[object, int]] = {}

    def look(self, states: Mapping[str, object]) -> None:
        """Raise Stuck, with their names, for those whose state was the same at `looks_max` looks in a row."""
        seen: dict[str, tuple[object, int]] = {}
        for name, state in states.items():
            before, looks = self._seen.get(name, (None, 0))
            seen[name] = (state, looks + 1 if state == before else 1)
        self._seen = seen
        stuck = [name for name, (_, looks) in seen.items() if looks >= self._looks_max]
        if stuck:
            raise Stuck(f"{', '.join(stuck)} did not move at {self._looks_max} looks in a row")


async def report(app: StreamApp, observer: Observer) -> None:
    """Look every second, until cancelled. Raises Stuck, TimeoutError, and what aiokafka's membership ended by."""
    watchdog = Watchdog(STUCK_AFTER)
    looks = 0
    while True:
        await asyncio.sleep(LOOK_EVERY_S)
        async with asyncio.timeout(STUCK_AFTER * LOOK_EVERY_S):
            await app.check_group()
        if not app.ready:
            remaining = sum(lane.shard.remaining() for lane in app.lanes())
            watchdog.look({"recovery": (app.consumer.epoch, remaining)})
            continue
        watchdog.look(observe_lag(app, observer, now_ms=time.time() * 1000))
        looks += 1
        if looks % PUBLISH_EVERY == 0:
            await _publish_positions(app)


async def _publish_positions(app: StreamApp) -> None:
    offsets = {
        Partition(topic, lane.number): offset
        for lane in app.lanes()
        for topic, offset in lane.shard.positions.items()
        if topic in lane.job.inputs
    }
    if offsets:
        await app.consumer.thread.publish_offsets(offsets)


def observe_lag(app: StreamApp, observer: Observer, now_ms: float) -> dict[str, object]:
    """Tell the observer how far each input is behind: in offsets, and in seconds since the last record folded.

    What should move of those that are behind: the position, or, while rows are walked or woken before it, their number.
    """
    behind_at: dict[str, object] = {}
    for lane in app.lanes():
        for topic, folded in lane.next.items():
            seen = app.consumer.thread.seen(Partition(topic, lane.number))
            if seen is None:
                continue
            behind = seen.behind(folded)
            last_ms = lane.last_timestamp_ms.get(topic, now_ms)
            seconds = max(0.0, now_ms - last_ms) / 1000 if behind else 0.0
            observer.lag(topic, lane.number, behind, seconds)
            if behind:
                behind_at[f"{topic}[{lane.number}]"] = (folded, lane.woken)
    return behind_at
