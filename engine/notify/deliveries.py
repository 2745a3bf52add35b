"""From the queues to the receivers: each queue by itself, at least once, for as long as it takes.

The store says which queues have something due; of these, messages are claimed, sent side by side, and settled. A
receiver that hangs holds its own queue's few slots and nothing else.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import tzinfo

from engine.notify.config import REP_TARGET, Notify
from engine.notify.failing import Failing
from engine.notify.metrics import NotifierMetrics
from engine.notify.port import STORE, Claimed, Queue, Store, StoreAway
from engine.notify.records import notice
from engine.notify.schedule import next_ms
from engine.notify.sending import Delivered, Failed, Gone, Outcome, Sender, Senders, message
from engine.stream.outage import Outage, wait

log = logging.getLogger(__name__)

LEASE_MS = 60_000
"""For so long a message is nobody else's; sending it ends before that."""
ATTEMPT_S_MAX = 45.0
LOOK_EVERY_S = 0.25
LOOK_MAX = 500
HELD_MS_MAX = 60_000
"""A queue on hold is looked at again after this, in case the configuration has changed."""
COUNT_EVERY_S = 5.0
ENDS_WITHIN_S = 10.0
"""How long what is being sent may go on after the notifier was told to stop."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is in force: the configuration, its channels ready to send, and where reps are."""

    notify: Notify = field(default_factory=Notify)
    senders: Senders = field(default_factory=dict)
    zones: Mapping[str, tzinfo] = field(default_factory=dict)

    def loud_ms(self, queue: Queue, now_ms: int) -> int:
        """The first instant from now on at which nothing is quiet."""
        loud = self.notify.loud.get(queue.channel)
        if loud is None:
            return now_ms
        rep = queue.target.removeprefix(REP_TARGET) if queue.target.startswith(REP_TARGET) else None
        return loud.from_ms(now_ms, self.zones.get(rep or ""))


@dataclass(slots=True)
class _Lane:
    """What is under way to one receiver, when the next may follow, and whether one waits for a slot."""

    in_flight: int = 0
    not_before_ms: int = 0
    waited_for: bool = False


class Deliveries:
    """Sends what waits in a store."""

    def __init__(self, store: Store, metrics: NotifierMetrics, clock: Callable[[], float] = time.time) -> None:
        """`clock` is the wall clock, in seconds since the epoch."""
        self._store = store
        self._metrics = metrics
        self._clock = clock
        self._plan = Plan()
        self._lanes: dict[Queue, _Lane] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._news = asyncio.Event()
        self._outage = Outage(STORE, StoreAway, log)
        self._failing = Failing()
        self._counted_s = 0.0

    @property
    def plan(self) -> Plan:
        """What is in force."""
        return self._plan

    def use(self, plan: Plan) -> None:
        """This is in force from now on; what is being sent is sent as it was begun."""
        self._plan = plan
        self._metrics.prepare(list(plan.senders))
        self._failing.keep(plan.senders)
        self._news.set()

    def wake(self) -> None:
        """There is something new to send."""
        self._news.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Send until `stop`, then let end what is under way. Outages of the store are waited out."""
        while not stop.is_set():
            self._news.clear()
            try:
                await self._look()
                await self._count()
                self._outage.ends()
                await wait(self._news, LOOK_EVERY_S)
            except StoreAway as error:
                self._outage.begins(error)
                await wait(stop, self._outage.backoff_s())
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=ENDS_WITHIN_S)
            for task in late:
                task.cancel()

    async def _look(self) -> None:
        """Begin to send whatever may be sent now."""
        now_ms = self._now_ms()
        self._failing.settle(now_ms)
        for queue in await self._store.due(now_ms, LOOK_MAX):
            sender = self._plan.senders.get(queue.channel)
            if sender is None:
                await self._bury_all(queue, now_ms)
                continue
            lane = self._lanes.setdefault(queue, _Lane())
            free = sender.at_once - lane.in_flight
            from_ms = max(self._plan.loud_ms(queue, now_ms), lane.not_before_ms)
            if free <= 0 or from_ms > now_ms:
                lane.waited_for = free <= 0
                until_ms = now_ms + HELD_MS_MAX
                await self._store.hold(queue, until_ms if lane.waited_for else min(from_ms, until_ms))
                continue
            for claimed in await self._store.claim(queue, now_ms, now_ms + LEASE_MS, free):
                lane.in_flight += 1
                task = asyncio.create_task(self._deliver(claimed, lane))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def _bury_all(self, queue: Queue, now_ms: int) -> None:
        why = f"notify.yaml has no channel {queue.channel} any more"
        for claimed in await self._store.claim(queue, now_ms, now_ms + LEASE_MS, LOOK_MAX):
            await self._store.bury(queue, claimed.key, now_ms, why)

    async def _deliver(self, claimed: Claimed, lane: _Lane) -> None:
        """Try once, and settle what came of it; what cannot be settled is claimed again when its time is over."""
        queue, sender = claimed.queue, self._plan.senders[claimed.queue.channel]
        try:
            outcome = await self._attempt(claimed, sender)
            self._metrics.attempts.labels(queue.channel, outcome.outcome).inc()
            now_ms = self._now_ms()
            after_ms = outcome.after_ms if isinstance(outcome, Failed) and outcome.after_ms is not None else 0
            lane.not_before_ms = max(lane.not_before_ms, now_ms + max(sender.pause_ms, after_ms))
            await self._settle(claimed, outcome, now_ms)
            if lane.waited_for:
                lane.waited_for = False
                await self._store.hold(queue, now_ms)
        except StoreAway as error:
            self._outage.begins(error)
        finally:
            lane.in_flight -= 1
            self._news.set()

    async def _attempt(self, claimed: Claimed, sender: Sender) -> Outcome:
        try:
            told = message(claimed, tuple(notice(entry.event) for entry in claimed.entries))
            return await asyncio.wait_for(sender.send(told), ATTEMPT_S_MAX)
        except TimeoutError:
            return Failed(f"not done within {ATTEMPT_S_MAX:.0f} s")
        except Exception as error:  # noqa: BLE001  one message that cannot be sent must not stop the others
            # Without the text of the error and its trace, which can hold what a visitor wrote.
            log.warning("channel %s: %s in sending %s", claimed.queue.channel, type(error).__name__, claimed.key)
            return Failed(f"internal: {type(error).__name__}")

    async def _settle(self, claimed: Claimed, outcome: Outcome, now_ms: int) -> None:
        queue, key = claimed.queue, claimed.key
        match outcome:
            case Delivered():
                self._failing.delivered(queue.channel, now_ms)
                await self._store.sent(queue, key)
            case Gone(why):
                self._failing.gone(queue.channel, why, now_ms)
                await self._store.disable(queue, now_ms, why)
            case Failed():
                await self._failed(claimed, outcome, now_ms)
            case _:
                log.warning("channel %s: %s is a dead letter now", queue.channel, key)
                await self._store.bury(queue, key, now_ms, outcome.why)

    async def _failed(self, claimed: Claimed, how: Failed, now_ms: int) -> None:
        queue, key, why = claimed.queue, claimed.key, how.whole_why
        first_ms = claimed.first_ms or now_ms
        # Who only asks to wait has not failed: the schedule stands still meanwhile.
        attempts = claimed.attempts + (how.after_ms is None)
        due_ms = next_ms(key, max(attempts, 1), first_ms, now_ms)
        if due_ms is None:
            log.warning("channel %s: %s is a dead letter after %d attempts", queue.channel, key, attempts)
            await self._store.postpone(queue, key, now_ms, attempts, first_ms, why)
            await self._store.bury(queue, key, now_ms, why)
            return
        if how.after_ms is not None:
            due_ms = now_ms + how.after_ms
        self._failing.failed(queue.channel, how, due_ms, now_ms)
        await self._store.postpone(queue, key, due_ms, attempts, first_ms, why)

    async def _count(self) -> None:
        if time.monotonic() - self._counted_s >= COUNT_EVERY_S:
            pending, dead = await self._store.counts()
            self._metrics.pending.set(pending)
            self._metrics.dead.set(dead)
            self._counted_s = time.monotonic()

    def _now_ms(self) -> int:
        return int(self._clock() * 1000)
