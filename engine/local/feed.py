"""`heatline feed`: an access log or JSON lines into `visitor-events`, or as JSON lines onto standard output.

Times are moved so that the latest line is now; to find it the file is read twice (a pipe is first copied to its end).
Records leave in the file's order, each with its event's time as its timestamp.
"""

import asyncio
import os
import sys
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.text import Text

from engine.core.instants import DAY_MS
from engine.local.errors import LocalError
from engine.local.logfile import open_log
from engine.local.producer import Sender, connected_producer
from engine.local.reading import Fed, Reading, Span, wall_clock_ms
from engine.local.topic import retention_ms

_SLEEP_S_MIN = 0.002


class Pace(NamedTuple):
    """`rate` events a second, or `speed` times the log's own pace; neither: as fast as it goes."""

    rate: float | None = None
    speed: float | None = None


AS_FAST_AS_IT_GOES = Pace()


async def feed(
    path: str,
    bootstrap: str,
    console: Console,
    *,
    topic: str = "visitor-events",
    pace: Pace = AS_FAST_AS_IT_GOES,
    keep_times: bool = False,
    limit: int | None = None,
    security: Mapping[str, Any] | None = None,
) -> Fed:
    """Send the lines of the file at `path` (`-`: standard input) to `topic`; say on `console` what became of them.

    `limit`: so many lines at most; `security` is aiokafka's. Raises LocalError where the file or the broker fails,
    and where `keep_times` meets a topic that deletes by time.
    """
    with open_log(path, twice=not keep_times) as log, progress_bar(console) as progress:
        kept_ms = await retention_ms(bootstrap, topic, security)
        if keep_times and kept_ms is not None:
            raise LocalError(_keeps_too_short(topic, kept_ms))
        reading = Reading(log, limit, progress)
        span = None if keep_times else await asyncio.to_thread(reading.survey)
        if span and kept_ms is not None and span.latest_ms - span.first_ms > kept_ms:
            console.print(_older_than_kept(topic, kept_ms), style="yellow")
        sender: Sender | None = None
        try:
            async with connected_producer(bootstrap, security) as producer:
                sender = Sender(producer, topic)
                await _send(reading, shift_ms(span, pace, wall_clock_ms()), pace, sender)
        finally:
            progress.stop()
            reading.fed.sent = 0 if sender is None else sender.acknowledged
            _report(reading.fed, f"sent to {topic}", console)
    return reading.fed


def print_events(path: str, console: Console, *, keep_times: bool = False, limit: int | None = None) -> Fed:
    """Write the events of the file at `path` to standard output as JSON lines, for `heatline simulate`.

    `console` should write to standard error.
    """
    out = sys.stdout.buffer
    with open_log(path, twice=not keep_times) as log, progress_bar(console) as progress:
        reading = Reading(log, limit, progress)
        span = None if keep_times else reading.survey()
        try:
            for messages in reading.messages(shift_ms(span, AS_FAST_AS_IT_GOES, wall_clock_ms())):
                out.writelines(message.value + b"\n" for message in messages)
                reading.fed.sent += len(messages)
            out.flush()
        except BrokenPipeError:
            # The reader has enough; without this Python complains when it flushes standard output at its end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), out.fileno())
            return reading.fed
    _report(reading.fed, "printed", console)
    return reading.fed


def shift_ms(span: Span | None, pace: Pace, now_ms: int) -> int:
    """How far to move all times so that the latest line is now when it is sent, and no event lies ahead of the clock.

    At `speed` the last line leaves later than the first, by the log's length over the speed. Slower than the log's
    own pace, the events begin now instead and fall behind.
    """
    if span is None:
        return 0
    lasts_ms = (span.latest_ms - span.first_ms) / max(pace.speed, 1.0) if pace.speed else 0.0
    return now_ms + round(lasts_ms) - span.latest_ms


class Metronome:
    """When each event is due. Pure: it only counts."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._sent = 0
        self._first_ms: int | None = None
        self._elapsed_ms = 0

    def due_s(self, timestamp_ms: int | None) -> float:
        """Seconds after the first event at which the next one is due.

        At `speed` an event that is out of order in time, or says none, is due with the one before.
        """
        if self._pace.rate:
            self._sent += 1
            return (self._sent - 1) / self._pace.rate
        if self._pace.speed and timestamp_ms is not None:
            if self._first_ms is None:
                self._first_ms = timestamp_ms
            self._elapsed_ms = max(self._elapsed_ms, timestamp_ms - self._first_ms)
        return self._elapsed_ms / 1000 / self._pace.speed if self._pace.speed else 0.0


async def _send(reading: Reading, shift: int, pace: Pace, sender: Sender) -> None:
    metronome = Metronome(pace)
    blocks = reading.messages(shift)
    started_s = time.monotonic()
    # In a thread, since a pipe may be slow and what is already on its way must not wait for it.
    while (messages := await asyncio.to_thread(next, blocks, None)) is not None:
        for message in messages:
            wait_s = started_s + metronome.due_s(message.timestamp_ms) - time.monotonic()
            if wait_s > _SLEEP_S_MIN:
                await asyncio.sleep(wait_s)
            await sender.send(message)
    await sender.drain()


def progress_bar(console: Console) -> Progress:
    """How far a file is read, shown on a terminal."""
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console, disable=not console.is_terminal)


def _report(fed: Fed, done: str, console: Console) -> None:
    left = fed.read - fed.sent - fed.unparsed
    not_sent = f" + {left:,} not sent" if left else ""
    total = f"{fed.read:,} lines read = {fed.sent:,} {done} + {fed.unparsed:,} that do not parse{not_sent}"
    console.print(Text(total), soft_wrap=True)
    for line_number, reason, excerpt in fed.examples:
        console.print(Text(f"  line {line_number:,}: {reason}: {excerpt}"), soft_wrap=True)
    if fed.unparsed > len(fed.examples):
        console.print(Text(f"  and {fed.unparsed - len(fed.examples):,} more"))


def _keeps_too_short(topic: str, kept_ms: int) -> str:
    return (
        f"--keep-times needs a topic without time retention, and {topic} has retention.ms={kept_ms} "
        f"({kept_ms / DAY_MS:g} d): Kafka would delete old events before they are read. "
        "Name a --topic with retention.ms=-1, or leave --keep-times out"
    )


def _older_than_kept(topic: str, kept_ms: int) -> str:
    return f"The log is longer than {topic} keeps records ({kept_ms / DAY_MS:g} d): its oldest lines may not be read."
