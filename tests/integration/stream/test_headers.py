"""What producers may do to their headers, a worker can read."""

import struct
from typing import Any

import aiokafka
from aiokafka.record._crc32c import crc as crc32c

from tests.integration.stream.conftest import SettingsOf
from tests.integration.stream.harness import create_topics, running, until
from tests.integration.stream.toy import Tally
from tests.servers.kafka import KafkaServer

CRC_AT = 17
CHECKED_FROM = 21


async def test_a_header_name_that_is_not_utf_8_stops_nothing(
    kafka: KafkaServer, job: Tally, settings_of: SettingsOf
) -> None:
    """Neither the records of its own batch nor those behind it, nor what was read of the batch before it."""
    await create_topics(kafka.bootstrap, job.partitions)
    topic = job.inputs[0]
    async with aiokafka.AIOKafkaProducer(bootstrap_servers=kafka.bootstrap) as producer:
        await producer.send_and_wait(topic, b"event", key=b"before", partition=0)
        batch = producer.create_batch()
        batch.append(timestamp=None, key=b"beside", value=b"event", headers=[])
        batch.append(timestamp=None, key=b"hostile", value=b"event", headers=[("QQQQ", b"value")])
        batch.append(timestamp=None, key=b"beside", value=b"event", headers=[])
        spoil(batch)
        await (await producer.send_batch(batch, topic, partition=0))
        await producer.send_and_wait(topic, b"event", key=b"behind", partition=0)
    expected = {b"before": 1, b"beside": 2, b"hostile": 1, b"behind": 1}
    async with running(job, settings_of()) as worker:
        await until(lambda: worker.counts() == expected, "all records are counted, each once")


def spoil(batch: Any) -> None:
    """Put bytes that are no UTF-8 where the batch has the header name QQQQ."""
    batch.close()
    batch._build()
    packed = bytearray(batch._buffer)
    at = packed.find(b"QQQQ")
    packed[at : at + 4] = b"\xff\xfe\xfd\xfc"
    struct.pack_into(">I", packed, CRC_AT, crc32c(bytes(packed[CHECKED_FROM:])))
    batch._buffer = bytes(packed)
