"""Every command of docs/ does what its page says, in its order, on a real Kafka and a real Redis.

Only `docker` commands are left out: they build and run what the others run here without it.
"""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import RedisFactory
from tests.docs.pages import ROOT, Command, steps
from tests.docs.shell import Shell
from tests.integration.worker.deployment import drop_topics
from tests.servers.install import kafka_libs
from tests.servers.kafka import KafkaServer
from tests.servers.redis import RedisServer

pytestmark = pytest.mark.timeout(300)
PAGES = [
    page
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
    if any(isinstance(step, Command) for step in steps(page))
]


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaServer]:
    """A broker whose topics each page makes anew."""
    server = KafkaServer(tmp_path_factory.mktemp("kafka"), {"delete.topic.enable": "true"}).start()
    yield server
    server.kill()


@pytest.fixture
def redis_server(redis_factory: RedisFactory) -> RedisServer:
    """A Redis of the page's own."""
    return redis_factory()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_of_a_page_does_what_it_says(
    page: Path, broker: KafkaServer, redis_server: RedisServer, tmp_path: Path
) -> None:
    """From the first to the last, as somebody who follows the page would run them."""
    asyncio.run(drop_topics(broker.bootstrap))
    with Shell(tmp_path / "reader", broker.bootstrap, redis_server.url, kafka_libs()) as shell:
        for step in steps(page):
            shell.take(step)
