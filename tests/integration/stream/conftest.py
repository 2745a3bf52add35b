"""The toy and its settings, as most tests of the stream layer use them."""

from collections.abc import Callable
from pathlib import Path

import pytest

from engine.stream.settings import StreamSettings
from tests.integration.stream.harness import new_name
from tests.integration.stream.toy import Tally
from tests.servers.kafka import KafkaServer

SettingsOf = Callable[..., StreamSettings]


@pytest.fixture
def job() -> Tally:
    """A toy of its own, with two lanes."""
    return Tally(new_name(), 2)


@pytest.fixture
def settings_of(kafka: KafkaServer, job: Tally, tmp_path: Path) -> SettingsOf:
    """Settings for the toy, with what a test changes."""

    def make(**changes: object) -> StreamSettings:
        options: dict[str, object] = {
            "bootstrap": kafka.bootstrap,
            "app_id": job.table,
            "data_dir": tmp_path / "data",
            "session_timeout_s": 1.0,
            "heartbeat_s": 0.2,
            **changes,
        }
        return StreamSettings(**options)  # type: ignore[arg-type]

    return make
