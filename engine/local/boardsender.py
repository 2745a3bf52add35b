"""What people say on the board, written to Kafka: connects when the first one says something."""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import msgspec
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from engine.core.events import EVENTS_TOPIC
from engine.core.messages import FEEDBACK_TOPIC
from engine.core.partitioner import PARTITIONERS
from engine.local.errors import LocalError
from engine.local.newlead import Contact, messages_of
from engine.local.producer import connected_producer
from engine.web.port import Enquiry, NotSent, Origin, Unclear

log = logging.getLogger(__name__)

CONFIRMED_S = 8.0
"""How long a person waits for the broker to confirm a record."""
FRESH_MS = 60_000
"""After so long a producer asks again where partitions are."""


class BoardSender:
    """A web.port `Sender`; gives back the connection in `close`, and makes another where one failed."""

    def __init__(self, bootstrap: str, security: Mapping[str, Any] | None, partitioner: str) -> None:
        """`security` is aiokafka's; `partitioner` is the one by which the worker looks for desks."""
        self._bootstrap = bootstrap
        self._security = security
        self._place = PARTITIONERS[partitioner]
        self._connecting = asyncio.Lock()
        self._producer: AIOKafkaProducer | None = None
        self._stack = AsyncExitStack()

    async def feedback(self, desk: str, value: Mapping[str, Any]) -> Origin:
        key = desk.encode()
        return await self._send(FEEDBACK_TOPIC, key, msgspec.json.encode(value), to_desk=True)

    async def lead(self, enquiry: Enquiry) -> str:
        try:
            lead, messages = messages_of(Contact(*enquiry))
        except LocalError as error:
            raise Unclear(str(error)) from None
        for message in messages:
            await self._send(EVENTS_TOPIC, message.key, message.value)
        return lead

    async def close(self) -> None:
        """Give back the connection, if there is one; nobody waits any more for what is on its way."""
        producer, self._producer = self._producer, None
        if producer is not None:
            # Else it would wait for a broker that may never come back: an idempotent producer tries for ever.
            producer._sender.sender_task.cancel()  # noqa: SLF001
        stack, self._stack = self._stack, AsyncExitStack()
        await stack.aclose()

    async def _send(self, topic: str, key: bytes | None, value: bytes, *, to_desk: bool = False) -> Origin:
        try:
            producer = await self._connected()
            partition = None
            if to_desk and key is not None:
                partition = self._place(key, len(await producer.partitions_for(topic)))
            async with asyncio.timeout(CONFIRMED_S):
                written = await producer.send_and_wait(topic, value, key=key, partition=partition)
        except LocalError as error:
            log.warning("what was said on the board was not sent: %s", error)
            raise NotSent("no Kafka broker answers") from None
        except (KafkaError, TimeoutError) as error:
            log.warning("what was said on the board was not confirmed: %s: %s", type(error).__name__, error)
            # Whether this producer can go on depends on the error; another one surely can.
            async with self._connecting:
                await self.close()
            raise NotSent("Kafka did not confirm it, so it may or may not have arrived") from error
        return Origin(written.partition, written.offset)

    async def _connected(self) -> AIOKafkaProducer:
        async with self._connecting:
            if self._producer is None:
                connecting = connected_producer(
                    self._bootstrap,
                    self._security,
                    request_timeout_ms=int(CONFIRMED_S * 1_000),
                    metadata_max_age_ms=FRESH_MS,
                )
                self._producer = await self._stack.enter_async_context(connecting)
            return self._producer


@asynccontextmanager
async def board_sender(
    bootstrap: str, security: Mapping[str, Any] | None = None, partitioner: str = "murmur2"
) -> AsyncIterator[BoardSender]:
    """A sender that is closed at the end."""
    sender = BoardSender(bootstrap, security, partitioner)
    try:
        yield sender
    finally:
        await sender.close()
