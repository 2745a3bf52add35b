"""What every test can ask for: a real Kafka and a real Redis, shared or of its own."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack

import pytest
from hypothesis import settings

from tests.servers.kafka import KafkaServer, drop_topics
from tests.servers.redis import RedisServer

# How long an example takes says how busy the machine is, not whether the law holds.
settings.register_profile("heatline", deadline=None)
settings.register_profile("quick", deadline=None, max_examples=20)
settings.load_profile("heatline")

KafkaFactory = Callable[..., KafkaServer]
RedisFactory = Callable[..., RedisServer]


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaServer]:
    """One broker for the whole run: use topics and application ids of your own, and leave it running."""
    server = KafkaServer(tmp_path_factory.mktemp("kafka")).start()
    yield server
    server.kill()


@pytest.fixture(scope="module")
def broker(kafka: KafkaServer) -> KafkaServer:
    """The same for a module whose topics have fixed names: there is none when it begins, each test makes its own."""
    if not kafka.running:
        kafka.start()
    asyncio.run(drop_topics(kafka.bootstrap))
    return kafka


@pytest.fixture
def kafka_factory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaFactory]:
    """Starts brokers of the test's own, to kill or tune: `kafka_factory({"message.max.bytes": "20000000"})`."""
    with ExitStack() as stack:

        def start(properties: Mapping[str, str] | None = None) -> KafkaServer:
            server = KafkaServer(tmp_path_factory.mktemp("kafka"), properties)
            stack.callback(server.kill)
            return server.start()

        yield start


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """One Redis for the whole run: use a key prefix of your own, and leave it running."""
    server = RedisServer(tmp_path_factory.mktemp("redis")).start()
    yield server
    server.kill()


@pytest.fixture
def redis_factory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisFactory]:
    """Starts Redis servers of the test's own: `redis_factory({"requirepass": "secret"})`."""
    with ExitStack() as stack:

        def start(options: Mapping[str, str] | None = None) -> RedisServer:
            server = RedisServer(tmp_path_factory.mktemp("redis"), options)
            stack.callback(server.kill)
            return server.start()

        yield start
