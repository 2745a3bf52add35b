"""Topics as a reader outside a group sees them: what is committed, from where it says it is."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError, UnknownTopicOrPartitionError

_KAFKA_TIMEOUT_MS = 10_000


@asynccontextmanager
async def committed_consumer(topics: Collection[str], client: Mapping[str, Any]) -> AsyncIterator[AIOKafkaConsumer]:
    """A consumer of all partitions of `topics`, without a group. Raises KafkaError where not all of them exist.

    `client` are aiokafka's arguments for connecting.
    """
    settings = {
        "request_timeout_ms": _KAFKA_TIMEOUT_MS,
        **client,
        "isolation_level": "read_committed",
        "enable_auto_commit": False,
        "auto_offset_reset": "earliest",
    }
    consumer = AIOKafkaConsumer(*topics, **settings)
    try:
        await consumer.start()
        yield consumer
    except UnknownTopicOrPartitionError as error:
        raise KafkaError(f"not all of {', '.join(topics)} exist; `heatline topics apply` creates them") from error
    finally:
        # During an outage aiokafka's own `stop` ends half-way, with its fetcher's cancellation.
        await asyncio.wait([asyncio.ensure_future(consumer.stop())])
        await consumer._client.close()
