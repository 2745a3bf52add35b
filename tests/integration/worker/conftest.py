"""Installations for the tests of running workers."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.worker.deployment import Deployment, Program
from tests.servers.kafka import KafkaServer, drop_topics


@pytest.fixture
async def bare(broker: KafkaServer, tmp_path: Path) -> Deployment:
    """An installation of the test's own, nothing applied yet."""
    await drop_topics(broker.bootstrap)
    return Deployment(broker.bootstrap, tmp_path / "heatline", kafka__app_id=tmp_path.name)


@pytest.fixture
async def deployment(bare: Deployment) -> Deployment:
    """An installation with its topics."""
    bare.run("topics", "apply")
    return bare


@pytest.fixture
def started() -> Iterator[list[Program]]:
    """Programs put in here are killed in the end."""
    programs: list[Program] = []
    yield programs
    for program in programs:
        program.kill()
