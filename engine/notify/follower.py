"""From the output topics into the queues: each committed record makes its notifications once.

Positions belong to the store, so the follower itself keeps nothing: whenever anything is in doubt it drops its
consumer, asks the store where it stands, and goes on from there. A store without positions begins now: nobody wants to
hear of weeks gone by because the notifier is new.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from engine.core.cloudevents import derived_id
from engine.core.erasure import Pseudonym
from engine.notify.config import Notify
from engine.notify.metrics import NotifierMetrics
from engine.notify.port import STORE, Batch, Entry, Erased, PositionsMoved, Queue, Store, StoreAway
from engine.notify.records import TOPICS, Erasure, Notice, read
from engine.readmodel.events import Foreign, Malformed
from engine.stream.committed import committed_consumer
from engine.stream.lag import Lag
from engine.stream.outage import Outage, wait

log = logging.getLogger(__name__)

BATCH_RECORDS_MAX = 500
BEAT_S = 1.0
"""How often ends are asked for while nothing happens."""

_POLL_MS = 500


class Follower:
    """Keeps a store up with the topics; `ready` once it has reached both."""

    def __init__(
        self,
        store: Store,
        client: Mapping[str, Any],
        notify: Callable[[], Notify],
        pseudonym: Pseudonym,
        metrics: NotifierMetrics,
        on_taken: Callable[[], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`client` are aiokafka's arguments for connecting, `notify` gives what is in force, `on_taken` hears of news.

        `pseudonym` hashes ids as the worker does; `clock` is the wall clock, in seconds since the epoch.
        """
        self._store = store
        self._client = client
        self._notify = notify
        self._pseudonym = pseudonym
        self._metrics = metrics
        self._clock = clock
        self._lag = Lag(metrics.lag, clock)
        self._on_taken = on_taken
        self._outage = Outage(STORE, StoreAway, log)
        self._since: dict[tuple[str, int], int] = {}
        self._ends: dict[TopicPartition, int] = {}
        self._unread_since_s: dict[TopicPartition, float] = {}
        self.ready = False

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`; outages of Kafka or the store are waited out."""
        while not stop.is_set():
            try:
                async with committed_consumer(TOPICS, self._client) as consumer:
                    await self._session(consumer, stop)
            except PositionsMoved:
                log.warning("the store is not where it was left; going on from the positions it holds now")
                self._lag.unknown()
                await wait(stop, self._outage.backoff_s())
            except (KafkaError, StoreAway, OSError, TimeoutError) as error:
                self._outage.begins(error)
                self._lag.unknown()
                await wait(stop, self._outage.backoff_s())

    async def _session(self, consumer: AIOKafkaConsumer, stop: asyncio.Event) -> None:
        """Until something is in doubt, `stop`, or partitions were added."""
        partitions = frozenset(consumer.assignment())
        await self._begin(consumer, partitions)
        next_beat_s = 0.0
        while not stop.is_set() and consumer.assignment() == partitions:
            fetched = await consumer.getmany(timeout_ms=_POLL_MS, max_records=BATCH_RECORDS_MAX)
            if time.monotonic() >= next_beat_s:
                # Also how an absent broker is noticed: the consumer itself only waits.
                self._ends = await consumer.end_offsets(partitions)
                next_beat_s = time.monotonic() + BEAT_S
            if fetched:
                await self._take(consumer, partitions, fetched)
            self._lag.known(await self._behind_s(consumer, partitions, fetched))
            self._outage.ends()
            self.ready = True

    async def _begin(self, consumer: AIOKafkaConsumer, partitions: frozenset[TopicPartition]) -> None:
        self._since = await self._store.positions()
        self._ends = await consumer.end_offsets(partitions)
        begins = await consumer.beginning_offsets(partitions)
        if not self._since:
            now = {(tp.topic, tp.partition): self._ends[tp] for tp in partitions}
            await self._store.take(Batch([], {}, now))
            self._since = now
            log.info("the store is new: records of %s are told from now on", ", ".join(TOPICS))
        for tp in partitions:
            since = self._since.get((tp.topic, tp.partition), begins[tp])
            if since > self._ends[tp]:
                log.warning("%s partition %d is shorter than it was: it was made anew, and is read whole", *tp)
            elif since < begins[tp]:
                log.warning("%d records of %s partition %d are gone before they were read", begins[tp] - since, *tp)
            consumer.seek(tp, since if begins[tp] <= since <= self._ends[tp] else begins[tp])

    async def _take(
        self,
        consumer: AIOKafkaConsumer,
        partitions: frozenset[TopicPartition],
        fetched: Mapping[TopicPartition, list[ConsumerRecord]],
    ) -> None:
        until = {(tp.topic, tp.partition): await consumer.position(tp) for tp in partitions}
        notify, made_ms = self._notify(), int(self._clock() * 1000)
        changes: list[Entry | Erased] = []
        malformed: list[Malformed] = []
        for records in fetched.values():
            for record in records:
                match read(record, self._pseudonym):
                    case Notice() as notice:
                        changes += entries(notify, notice, made_ms)
                    case Erasure(pseudonym, at_ms):
                        changes.append(Erased(pseudonym, at_ms))
                    case Malformed() as wrong:
                        malformed.append(wrong)
                    case Foreign():
                        self._metrics.dropped.labels("foreign").inc()
        await self._store.take(Batch(changes, self._since, until))
        self._since = until
        if changes:
            self._on_taken()
        if malformed:
            self._metrics.dropped.labels("malformed").inc(len(malformed))
            at, why = malformed[0]
            where = {"topic": at.topic, "partition": at.partition, "offset": at.offset}
            log.error("%d malformed records skipped, the first: %s", len(malformed), why, extra=where)

    async def _behind_s(
        self,
        consumer: AIOKafkaConsumer,
        partitions: frozenset[TopicPartition],
        fetched: Mapping[TopicPartition, list[ConsumerRecord]],
    ) -> float:
        """Since when the oldest unread record waits: it came after the last one read, or was first missed just now."""
        now_s = self._clock()
        for tp in partitions:
            if await consumer.position(tp) >= self._ends[tp]:
                self._unread_since_s.pop(tp, None)
            elif tp in fetched:
                self._unread_since_s[tp] = fetched[tp][-1].timestamp / 1000
            else:
                self._unread_since_s.setdefault(tp, now_s)
        return max(0.0, now_s - min(self._unread_since_s.values(), default=now_s))


def entries(notify: Notify, notice: Notice, made_ms: int) -> Iterator[Entry]:
    """What is to be sent of a record, and to whom, by what is in force."""
    for channel, digest_ms in notify.wanted(notice).items():
        for target in notify.targets(channel, notice):
            yield Entry(
                key=derived_id(notice.id, channel, target),
                queue=Queue(channel, target),
                id=notice.id,
                kind=notice.kind,
                pseudonym=notice.pseudonym,
                time_ms=notice.time_ms,
                made_ms=made_ms,
                event=notice.event,
                digest_ms=digest_ms,
            )
