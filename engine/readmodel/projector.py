"""From the output topics into a read model: exactly once, in batches, for as long as it is wanted.

Positions belong to the read model, so the projector itself keeps nothing: whenever anything is in doubt it drops its
consumer, asks the read model where it stands, and goes on from there.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from engine.core.canary import Stage
from engine.core.erasure import Pseudonym
from engine.readmodel.canary import canary_came
from engine.readmodel.events import TOPICS, Foreign, Malformed, Read, itself, read
from engine.readmodel.gathering import gather
from engine.readmodel.port import Batch, PositionsMoved, Progress, ReadModel, ReadModelAway
from engine.stream.committed import committed_consumer
from engine.stream.lag import Lag
from engine.stream.outage import Outage, wait

log = logging.getLogger(__name__)

BATCH_RECORDS_MAX = 500
BEAT_S = 1.0
"""How often ends are asked for and a heartbeat is written while nothing happens."""

_POLL_MS = 500

Fetched = Mapping[TopicPartition, list[ConsumerRecord]]


def _ignore(*_: object) -> None:
    pass


async def run_projector(
    model: ReadModel,
    client: Mapping[str, Any],
    stop: asyncio.Event,
    on_lag: Callable[[float], None] = _ignore,
    on_dropped: Callable[[str, int], None] = _ignore,
    pseudonym: Pseudonym = itself,
    on_bands: Callable[[Mapping[str, int]], None] = _ignore,
    on_canary: Callable[[Stage, str], None] = _ignore,
) -> None:
    """Keep `model` up with the topics until `stop`.

    `client` are aiokafka's arguments for connecting: `bootstrap_servers`, security and the like. Outages of Kafka or
    the store are waited out, each with one line when it begins and one when it ends. A record that cannot be shown is
    skipped, logged and told to `on_dropped(reason, records)`: `malformed`, or `foreign` for kinds that a newer
    version writes. `on_lag` hears at least every few seconds how many seconds the model is behind, `on_bands` how many
    leads it holds by band, `on_canary` how far which canary came, once the model holds what came before it.
    `pseudonym` hashes ids as the worker does; without it what was logged of an erased lead may be shown again once all
    is read anew.
    """
    lag = Lag(on_lag)
    outage = Outage("the read model", ReadModelAway, log)
    while not stop.is_set():
        try:
            async with committed_consumer(TOPICS, client) as consumer:
                await _Session(model, consumer, lag, outage, on_dropped, pseudonym, on_bands, on_canary).run(stop)
        except PositionsMoved:
            log.warning("the read model is not where it was left; going on from the positions it holds now")
            await wait(stop, outage.backoff_s())
        except (KafkaError, ReadModelAway, OSError, TimeoutError) as error:
            outage.begins(error)
            lag.unknown()
            await wait(stop, outage.backoff_s())


class _Session:
    """One consumer, from the read model's positions until something is in doubt."""

    def __init__(
        self,
        model: ReadModel,
        consumer: AIOKafkaConsumer,
        lag: Lag,
        outage: Outage,
        on_dropped: Callable[[str, int], None],
        pseudonym: Pseudonym,
        on_bands: Callable[[Mapping[str, int]], None],
        on_canary: Callable[[Stage, str], None],
    ) -> None:
        self._model = model
        self._on_canary = on_canary
        self._on_bands = on_bands
        self._pseudonym = pseudonym
        self._consumer = consumer
        self._lag = lag
        self._outage = outage
        self._on_dropped = on_dropped
        self._partitions: frozenset[TopicPartition] = frozenset(consumer.assignment())
        self._since: dict[tuple[str, int], int] = {}
        self._ends: dict[TopicPartition, int] = {}
        self._unread_since_ms: dict[TopicPartition, int] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Raises PositionsMoved, ReadModelAway or an error of Kafka; returns when stopped or partitions were added."""
        await self._begin()
        next_beat_s = 0.0
        while not stop.is_set() and self._consumer.assignment() == self._partitions:
            fetched = await self._consumer.getmany(timeout_ms=_POLL_MS, max_records=BATCH_RECORDS_MAX)
            beat = time.monotonic() >= next_beat_s
            if beat:
                await self._ask_ends()
                next_beat_s = time.monotonic() + BEAT_S
            if beat or fetched:
                await self._apply(fetched)
                self._outage.ends()
            if beat:
                self._on_bands(await self._model.bands())

    async def _begin(self) -> None:
        # In this order: a rival may write on in between, and its positions must not look like those of a longer topic.
        self._since = await self._model.positions()
        await self._ask_ends()
        beyond = [tp for tp in self._partitions if self._since.get(tp, 0) > self._ends[tp]]
        if beyond:
            await self._rebuild(beyond[0])
        if not self._since and any(self._ends.values()):
            log.info("the read model is empty; building it from the start of %s", ", ".join(TOPICS))
        begins = await self._consumer.beginning_offsets(self._partitions)
        for tp in self._partitions:
            self._consumer.seek(tp, max(self._since.get(tp, 0), begins[tp]))

    async def _apply(self, fetched: Fetched) -> None:
        until = {(tp.topic, tp.partition): await self._consumer.position(tp) for tp in self._partitions}
        for tp in self._partitions:
            if until[tp] < self._since.get(tp, 0):
                await self._rebuild(tp)
                raise PositionsMoved
        now_ms = _now_ms()
        progress = Progress(now_ms, self._behind_s(until, fetched, now_ms))
        told = [read(record, self._pseudonym) for records in fetched.values() for record in records]
        changes = await gather(self._model, (one for one in told if isinstance(one, Read)), self._pseudonym)
        await self._model.apply(Batch(changes, self._since, until, progress))
        self._since = until
        self._lag.known(progress.lag_s)
        self._report(told)
        for record in chain.from_iterable(fetched.values()):
            if (came := canary_came(record)) is not None:
                self._on_canary(*came)

    def _report(self, told: Sequence[Read | Malformed | Foreign]) -> None:
        malformed = [one for one in told if isinstance(one, Malformed)]
        foreign = sum(isinstance(one, Foreign) for one in told)
        if malformed:
            at, why = malformed[0]
            where = f"{at.topic}, partition {at.partition}, offset {at.offset}, key {at.key!r:.200}"
            log.error("%d malformed records skipped, the first in %s: %s", len(malformed), where, why)
            self._on_dropped("malformed", len(malformed))
        if foreign:
            self._on_dropped("foreign", foreign)

    def _behind_s(self, until: Mapping[tuple[str, int], int], fetched: Fetched, now_ms: int) -> float:
        """Since when the oldest unread record waits: it came after the last one read, or was first missed just now."""
        for tp in self._partitions:
            if until[tp] >= self._ends[tp]:
                self._unread_since_ms.pop(tp, None)
            elif tp in fetched:
                self._unread_since_ms[tp] = fetched[tp][-1].timestamp
            else:
                self._unread_since_ms.setdefault(tp, now_ms)
        return max(0.0, (now_ms - min(self._unread_since_ms.values(), default=now_ms)) / 1000)

    async def _rebuild(self, beyond: TopicPartition) -> None:
        log.warning(
            "%s partition %d was read up to offset %d but is shorter now: the topic was made anew; rebuilding all",
            beyond.topic,
            beyond.partition,
            self._since[beyond],
        )
        await self._model.clear()
        self._since = {}

    async def _ask_ends(self) -> None:
        """Also how an absent broker is noticed: the consumer itself only waits."""
        self._ends = await self._consumer.end_offsets(self._partitions)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
