"""The test servers themselves: what the other integration tests take for granted."""

import asyncio
import subprocess
import sys
from pathlib import Path

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from redis.asyncio import Redis

from tests.conftest import KafkaFactory
from tests.servers.process import free_port
from tests.servers.redis import RedisServer

OLD_MS = 1_431_857_100_000
"""A timestamp of 2015: long past any default retention."""


async def test_records_survive_a_killed_broker_with_their_old_timestamps(kafka_factory: KafkaFactory) -> None:
    """A broker killed and started again has what was acknowledged, at the same address."""
    kafka = kafka_factory()
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic("old", 1, 1)])
    await admin.close()
    async with AIOKafkaProducer(bootstrap_servers=kafka.bootstrap, acks="all") as producer:
        await producer.send_and_wait("old", b"visit", timestamp_ms=OLD_MS)
    await asyncio.to_thread(kafka.kill)
    await asyncio.to_thread(kafka.start)
    async with AIOKafkaConsumer("old", bootstrap_servers=kafka.bootstrap, auto_offset_reset="earliest") as consumer:
        record = await asyncio.wait_for(consumer.getone(), 20)
    assert (record.value, record.timestamp) == (b"visit", OLD_MS)


async def test_redis_answers_and_is_empty_after_a_restart(redis_server: RedisServer, tmp_path: Path) -> None:
    """Without persistence a restarted Redis is an emptied one."""
    own = RedisServer(tmp_path).start()
    assert own.port != redis_server.port
    async with Redis.from_url(own.url) as client:
        await client.set("lead", "1")
    await asyncio.to_thread(own.restart)
    async with Redis.from_url(own.url) as client:
        assert await client.get("lead") is None
    own.stop()
    assert not own.running


def test_a_server_dies_with_the_process_that_started_it(tmp_path: Path) -> None:
    """A test run that is killed leaves no server behind."""
    port = free_port()
    code = (
        "import os, pathlib, signal, sys; from tests.servers.redis import RedisServer;"
        "RedisServer(pathlib.Path(sys.argv[1]), port=int(sys.argv[2])).start(); os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path), str(port)], check=False)
    assert done.returncode < 0
    again = RedisServer(tmp_path, port=port).start()
    again.stop()
