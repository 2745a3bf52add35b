"""What producers may do to their batches, a worker can read."""

import aiokafka
import pytest

from tests.integration.stream.conftest import SettingsOf
from tests.integration.stream.harness import create_topics, running, until
from tests.integration.stream.toy import Tally
from tests.servers.kafka import KafkaServer


@pytest.mark.parametrize("codec", ["gzip", "lz4", "snappy", "zstd"])
async def test_batches_are_read_whatever_they_were_compressed_by(
    kafka: KafkaServer, job: Tally, settings_of: SettingsOf, codec: str
) -> None:
    await create_topics(kafka.bootstrap, job.partitions)
    async with aiokafka.AIOKafkaProducer(bootstrap_servers=kafka.bootstrap, compression_type=codec) as producer:
        await producer.send_and_wait(job.inputs[0], b"event" * 500, key=b"lead", partition=0)
    async with running(job, settings_of()) as worker:
        await until(lambda: worker.counts() == {b"lead": 1}, f"a batch compressed by {codec} is counted")
