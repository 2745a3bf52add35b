"""A topic from its beginning to where it ends now, for commands that look at all of it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from engine.stream.admin import ClusterError, counts
from engine.stream.settings import StreamSettings

_BATCH = 500
_POLL_MS = 500
_SILENCE_S_MAX = 30.0


@asynccontextmanager
async def topic_reader(settings: StreamSettings, topic: str) -> AsyncIterator[AIOKafkaConsumer]:
    """A committed reader of all of `topic` that belongs to no group. Raises ClusterError, also for what is in it."""
    partitions = (await counts(settings.bootstrap, settings.security)).get(topic)
    if partitions is None:
        raise ClusterError(f"there is no topic {topic} at {settings.bootstrap}: `heatline topics apply` creates it")
    consumer = AIOKafkaConsumer(
        **settings.client, isolation_level="read_committed", enable_auto_commit=False, auto_offset_reset="earliest"
    )
    try:
        await consumer.start()
        consumer.assign([TopicPartition(topic, number) for number in range(partitions)])
        yield consumer
    except (KafkaError, OSError, TimeoutError) as error:
        raise ClusterError(f"{topic} cannot be read at {settings.bootstrap}: {error}") from error
    finally:
        await consumer.stop()


async def every_record(consumer: AIOKafkaConsumer) -> AsyncIterator[ConsumerRecord]:
    """Every record of the reader's topic from its beginning to where it ends now."""
    await consumer.seek_to_beginning()
    ends = await consumer.end_offsets(consumer.assignment())
    loop = asyncio.get_running_loop()
    heard_s = loop.time()
    behind = set(ends)
    while behind := {place for place in behind if await consumer.position(place) < ends[place]}:
        fetched = await consumer.getmany(*behind, timeout_ms=_POLL_MS, max_records=_BATCH)
        for place, records in fetched.items():
            for record in records:
                if record.offset < ends[place]:
                    yield record
        if fetched:
            heard_s = loop.time()
        elif loop.time() - heard_s > _SILENCE_S_MAX:
            silent = ", ".join(sorted({place.topic for place in behind}))
            raise ClusterError(f"{silent} was not read to its end: the cluster fell silent")
