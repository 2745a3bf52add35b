"""The servers that pages are followed on."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import RedisFactory
from tests.docs.pages import steps
from tests.docs.shell import Shell
from tests.servers.install import kafka_libs
from tests.servers.kafka import KafkaServer, drop_topics

Follow = Callable[[Path], None]


@pytest.fixture
def follow(broker: KafkaServer, redis_factory: RedisFactory, tmp_path: Path) -> Follow:
    """Does all that a page says, from the first command to the last."""

    def do(page: Path) -> None:
        asyncio.run(drop_topics(broker.bootstrap))
        with Shell(tmp_path / "reader", broker.bootstrap, redis_factory().url, kafka_libs()) as shell:
            for step in steps(page):
                shell.take(step)

    return do
