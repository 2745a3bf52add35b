"""What a worker tells while it runs: its lag every second, its positions to the group every five."""

import asyncio
import time

from engine.ops.observer import Observer
from engine.stream.app import StreamApp
from engine.stream.chunk import Partition

LAG_EVERY_S = 1.0
PUBLISH_EVERY = 5
"""Every so many rounds the lanes' positions become the group's committed offsets, for lag tools; nobody reads them."""


async def report(app: StreamApp, observer: Observer) -> None:
    """Until cancelled."""
    rounds = 0
    while True:
        await asyncio.sleep(LAG_EVERY_S)
        if not app.ready:
            continue
        rounds += 1
        observe_lag(app, observer, now_ms=time.time() * 1000)
        if rounds % PUBLISH_EVERY == 0:
            offsets = {
                Partition(topic, lane.number): offset
                for lane in app.lanes()
                for topic, offset in lane.shard.positions.items()
                if topic in lane.job.inputs
            }
            if offsets:
                await app.consumer.thread.publish_offsets(offsets)


def observe_lag(app: StreamApp, observer: Observer, now_ms: float) -> None:
    """Tell the observer how far each input is behind: in offsets, and in seconds since the last record folded.

    Transactions leave control records at a log's end, so an input is read out when its consumer is at the end and all
    that it handed over has been folded.
    """
    for lane in app.lanes():
        for topic, folded in lane.next.items():
            seen = app.consumer.thread.read_out(Partition(topic, lane.number))
            if seen is None:
                continue
            handed_over, position, end = seen
            behind = end - (position if folded == handed_over else folded)
            last_ms = lane.last_timestamp_ms.get(topic, now_ms)
            seconds = max(0.0, now_ms - last_ms) / 1000 if behind else 0.0
            observer.lag(topic, lane.number, behind, seconds)
