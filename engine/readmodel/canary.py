"""Sending canaries through the line whose end a projector reads, and knowing them when they come out."""

import asyncio
import logging
import secrets
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import msgspec
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from engine.core.canary import NAME, ROUTED, SCORED, Stage, name_of, value_of
from engine.core.cloudevents import kind_of
from engine.core.events import EVENTS_TOPIC
from engine.core.flow import Record
from engine.core.records import CanaryAnswer
from engine.ops.canary import CanaryWatch

log = logging.getLogger(__name__)

_KEY = NAME.encode()
_NONCE_BYTES = 16
_KAFKA_TIMEOUT_MS = 10_000
_STOP_S = 1.0
"""Nobody waits for the last ones where Kafka does not take them."""

_STAGES: dict[str, Stage] = {kind_of(SCORED): "scored", kind_of(ROUTED): "routed"}


class Came(NamedTuple):
    """A canary came as far as a stage."""

    stage: Stage
    nonce: str


class _Answer(msgspec.Struct):
    type: str
    data: CanaryAnswer


_answers = msgspec.json.Decoder(_Answer)


def canary_came(record: Record) -> Came | None:
    """Which canary a record of `lead-alerts` or `lead-assignments` tells of; None: of none, as most."""
    if not (record.key or b"").startswith(_KEY):
        return None
    try:
        answer = _answers.decode(record.value or b"")
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return None
    stage = _STAGES.get(answer.type)
    return None if stage is None else Came(stage, answer.data.nonce)


@asynccontextmanager
async def canaries(watch: CanaryWatch, client: Mapping[str, Any], every_s: float) -> AsyncIterator[None]:
    """Inside the block a canary goes to every partition of `visitor-events` every so many seconds; 0: none.

    `watch` hears of each before it goes, so those that Kafka does not take are lost, too; that is also logged once when
    it begins. `client` are aiokafka's arguments for connecting. The clock of `watch` is the monotonic one.
    """
    if not every_s:
        yield
        return
    sending = asyncio.create_task(_send(watch, client, every_s))
    try:
        yield
    finally:
        sending.cancel()
        await asyncio.wait([sending], timeout=_STOP_S)


async def _send(watch: CanaryWatch, client: Mapping[str, Any], every_s: float) -> None:
    said = False
    while True:
        # Not idempotent: one that comes twice does no harm, and some brokers and ACLs know no producer ids.
        producer = AIOKafkaProducer(**{"request_timeout_ms": _KAFKA_TIMEOUT_MS, **client, "acks": "all"})
        try:
            await producer.start()
            while True:
                await _send_to_all(watch, producer)
                said = False
                watch.count_lost(time.monotonic())
                await asyncio.sleep(every_s)
        except (KafkaError, OSError, TimeoutError) as error:
            if not said:
                log.warning("canaries cannot be sent to %s: %s", EVENTS_TOPIC, str(error) or type(error).__name__)
            said = True
        finally:
            await producer.stop()
        watch.count_lost(time.monotonic())
        await asyncio.sleep(every_s)


async def _send_to_all(watch: CanaryWatch, producer: AIOKafkaProducer) -> None:
    """Raises KafkaError, OSError or TimeoutError."""
    sent = []
    for partition in sorted(await producer.partitions_for(EVENTS_TOPIC)):
        nonce = secrets.token_hex(_NONCE_BYTES)
        value = value_of(partition, nonce, time.time_ns() // 1_000_000)
        watch.sent(nonce, partition, time.monotonic())
        sent.append(await producer.send(EVENTS_TOPIC, value, key=name_of(partition).encode(), partition=partition))
    # All are waited for, whichever fails first: what nobody waits for is complained of by asyncio.
    for outcome in await asyncio.gather(*sent, return_exceptions=True):
        if isinstance(outcome, BaseException):
            raise outcome
