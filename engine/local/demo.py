"""What `heatline demo` shows: a simulated site that sends events, and what comes of them, a line each.

The program around it - broker, worker, board - is the real one.
"""

import asyncio
import time
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from statistics import median
from typing import Any

import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition
from rich.console import Console
from rich.text import Text

from engine.core.flow import Record
from engine.core.instants import from_rfc3339, to_rfc3339
from engine.core.records import Cause, LeadAlert
from engine.local.broker import FETCH_MAX_WAIT_MS
from engine.local.lines import Message
from engine.local.producer import Sender, connected_producer
from engine.local.reading import wall_clock_ms
from engine.local.site import Step, visits
from engine.readmodel.events import AssignmentEvent, Malformed, decode_alerts, decode_assignments, project
from engine.readmodel.explain import plain
from engine.readmodel.port import Logged

SHOWN_TOPICS = ("lead-alerts", "lead-assignments")
"""What is printed, in the order in which one leads to the other, which is also that of the names."""

_LATENCIES_MAX = 100_000
_NAMES_MAX = 10_000
_POLL_MS = 200


@dataclass
class Traffic:
    """What the simulated site sent so far."""

    events: int = 0
    visitors: int = 0


@dataclass
class Live:
    """What was shown so far. `latencies_ms`: from an event to its alert here, the latest of them."""

    alerts: int = 0
    assignments: int = 0
    latencies_ms: deque[int] = field(default_factory=lambda: deque(maxlen=_LATENCIES_MAX))


async def send_site(
    bootstrap: str, seed: int, events_per_s: float, stop: asyncio.Event, topic: str = "visitor-events"
) -> Traffic:
    """Let the simulated site's visitors come and go, in real time, until `stop` is set.

    Each event happens when it is sent. Raises LocalError where the broker fails.
    """
    traffic = Traffic()
    async with connected_producer(bootstrap) as producer:
        sender = Sender(producer, topic)
        started_s = time.monotonic()
        for step in visits(seed, events_per_s):
            if await _stopped_within(stop, started_s + step.at_s - time.monotonic()):
                break
            await sender.send(_message(step, wall_clock_ms()))
            traffic.events += 1
            traffic.visitors = max(traffic.visitors, step.visitor + 1)
        await sender.drain()
    return traffic


def _message(step: Step, now_ms: int) -> Message:
    event = {**step.event, "timestamp": to_rfc3339(now_ms)}
    return Message(event["anonymousId"].encode(), orjson.dumps(event), now_ms)


async def _stopped_within(stop: asyncio.Event, seconds: float) -> bool:
    if seconds > 0:
        try:
            async with asyncio.timeout(seconds):
                await stop.wait()
        except TimeoutError:
            pass
    return stop.is_set()


async def print_live(bootstrap: str, stop: asyncio.Event, console: Console) -> Live:
    """Print each alert and each assignment as it becomes readable; after `stop` what is there, then it ends."""
    printer = LivePrinter(console)
    consumer = AIOKafkaConsumer(
        *SHOWN_TOPICS,
        bootstrap_servers=bootstrap,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        fetch_max_wait_ms=FETCH_MAX_WAIT_MS,
    )
    await consumer.start()
    try:
        ends: dict[TopicPartition, int] | None = None
        while True:
            if ends is None and stop.is_set():
                ends = await consumer.end_offsets(consumer.assignment())
            if ends is not None and not [p for p, end in ends.items() if await consumer.position(p) < end]:
                return printer.live
            fetched = await consumer.getmany(timeout_ms=_POLL_MS)
            now_ms = wall_clock_ms()
            # An alert before its assignment, whichever topic was fetched first.
            for record in sorted(chain(*fetched.values()), key=lambda record: (record.topic, record.timestamp)):
                printer.show(record, now_ms)
    finally:
        await consumer.stop()


class LivePrinter:
    """Prints records of `SHOWN_TOPICS` on `console` and counts them in `live`."""

    def __init__(self, console: Console) -> None:
        self.live = Live()
        self._console = console
        # Assignments name the lead only by its id; the alert before told who that is.
        self._names: dict[str, str] = {}

    def show(self, record: Record, now_ms: int) -> None:
        """Print `record`, which became readable at `now_ms`."""
        change = project(record)
        if isinstance(change, Malformed):
            self._line(now_ms, Text(f"a record on {record.topic} that is none of Heatline's: {plain(change.why)}"))
        elif isinstance(change, Logged) and change.log == "alerts":
            self._show_alert(decode_alerts([change.event])[0].data, now_ms)
        elif isinstance(change, Logged) and change.log == "assignments":
            self._show_assignment(decode_assignments([change.event])[0], now_ms)

    def _show_alert(self, alert: LeadAlert, now_ms: int) -> None:
        latency_ms = _since(alert.cause, now_ms)
        self.live.alerts += 1
        self.live.latencies_ms.append(latency_ms)
        name = self._remember(alert)
        reasons = [c.label or c.rule for c in alert.top[:1]]
        self._line(
            now_ms,
            Text.assemble(
                (f"{plain(alert.label or alert.alert):<14}", "bold red" if alert.priority == "high" else "bold"),
                f"  {name:<34}",
                f"  {round(alert.from_):>3} → {round(alert.to):<3}",
                f"  {plain(', '.join(reasons)):<30}",
                (f"  event → alert {latency_ms} ms", "dim"),
            ),
        )

    def _show_assignment(self, event: AssignmentEvent, now_ms: int) -> None:
        assignment, what = event.data, event.type.split(".")[-2]
        self.live.assignments += what != "reminded"
        name = self._names.get(assignment.lead) or plain(assignment.lead)
        to = f"to {plain(assignment.rep)}" if assignment.rep else f"waits: {plain(assignment.reason)}"
        team = f", team {plain(assignment.team)}" if assignment.team else ""
        self._line(
            now_ms,
            Text.assemble(
                (f"{what.capitalize():<14}", "green"),
                f"  {name:<34}",
                f"  {to}{team}",
                (f"  event → assignment {_since(assignment.cause, now_ms)} ms", "dim"),
            ),
        )

    def _remember(self, alert: LeadAlert) -> str:
        if len(self._names) >= _NAMES_MAX:
            self._names.clear()
        name = self._names[alert.lead] = who(alert)
        return name

    def _line(self, now_ms: int, text: Text) -> None:
        clock = time.strftime("%H:%M:%S", time.localtime(now_ms / 1000))
        self._console.print(Text.assemble((f"{clock}  ", "dim"), text), soft_wrap=True)


def who(alert: LeadAlert) -> str:
    """The name that a lead gave, with the company; else its id. Safe to print."""
    traits = alert.traits
    names = [traits.get("name"), " ".join(_texts(traits.get("firstName"), traits.get("lastName"))), traits.get("email")]
    name = next(iter(_texts(*names)), alert.lead)
    return plain(", ".join(_texts(name, traits.get("company"))))


def _texts(*values: Any) -> Iterator[str]:
    return (value for value in values if isinstance(value, str) and value.strip())


def _since(cause: Cause, now_ms: int) -> int:
    return max(0, now_ms - from_rfc3339(cause.time))


def print_banner(console: Console, links: Mapping[str, str], seed: int) -> None:
    """Say what is to be seen, and that nobody of it is real. `links` into the board by the name of who comes in."""
    console.print(
        Text.assemble(
            ("Heatline demo", "bold"),
            "  the visitors are simulated",
            (f" (seed {seed})", "dim"),
            "; broker, worker, board and notifier are real and run on this machine only",
        ),
        soft_wrap=True,
    )
    for name, link in links.items():
        console.print(Text.assemble(f"Board, for {plain(name)}: ", (link, "bold underline")), soft_wrap=True)
    console.print(Text("Each link works once. Ctrl-C ends it all.", "dim"), soft_wrap=True)


def print_summary(console: Console, traffic: Traffic, live: Live) -> None:
    """One line: what was sent and what came of it."""
    typical = f", event → alert {median(live.latencies_ms):.0f} ms (median)" if live.latencies_ms else ""
    console.print(
        Text(
            f"{traffic.events:,} simulated events from {traffic.visitors:,} visitors: "
            f"{live.alerts:,} alerts, {live.assignments:,} assignments{typical}"
        ),
        soft_wrap=True,
    )
