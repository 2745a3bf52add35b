"""Time for lanes that have nothing more to read: then it is the clock's."""

import asyncio
from collections.abc import Callable

from engine.stream.app import StreamApp
from engine.stream.chunk import Partition
from engine.stream.lane import Lane
from engine.stream.thread import Seen

TICK_S = 0.1


async def follow_clock(app: StreamApp) -> None:
    """Tell each lane the time as long as its inputs are read to their end, until cancelled."""
    while True:
        await asyncio.sleep(TICK_S)
        if app.ready:
            for lane in app.lanes():
                read_ms = read_out_at(lane, app.consumer.thread.seen)
                if read_ms is not None:
                    lane.tick(read_ms)


def read_out_at(lane: Lane, seen: Callable[[Partition], Seen | None]) -> int | None:
    """When the broker last said that it has nothing more for `lane`, in ms; None where something waits to be folded.

    That is this machine's clock at the answer, so a broker that is away stops the lane's time.
    """
    times: list[int] = []
    for topic, folded in lane.next.items():
        found = seen(Partition(topic, lane.number))
        if found is None or found.behind(folded):
            return None
        times.append(found.at_ms)
    return min(times, default=None)
