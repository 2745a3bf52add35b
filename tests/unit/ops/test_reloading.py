"""A changed configuration for a worker that runs."""

import asyncio
import logging
from pathlib import Path

import pytest

from engine.configuration import Configuration, load_folder
from engine.core.source import ConfigError
from engine.ops.metrics import WorkerMetrics
from engine.ops.reloading import Reloading, show_model
from engine.ops.watch import Contents, watch

GOLDEN = Path(__file__).parents[2] / "golden"
MISTAKES = {file.stem: file.read_text() for file in sorted(GOLDEN.glob("mistakes/*.yaml"))}
MODEL = "engagement: {view: {when: {event: page_view}, points: 40}}"
LOOK_S = 0.005


class Worker:
    """A worker that watches a folder's configuration; `used` are the models that it took over."""

    def __init__(self, folder: Path) -> None:
        """With a good model."""
        self.file = folder / "model.yaml"
        self.file.write_text(MODEL)
        self.metrics = WorkerMetrics("0")
        self.used: list[str] = []
        used: Contents = {}
        model = load_folder(folder, seen=used).model
        show_model(self.metrics, model)
        self.first = model.version
        reloading = Reloading("the configuration", self.apply, self.metrics.reload_failed)
        self.task = asyncio.create_task(watch(used, lambda seen: load_folder(folder, seen=seen), reloading, LOOK_S))

    def apply(self, configuration: Configuration) -> str:
        self.used.append(configuration.model.version)
        show_model(self.metrics, configuration.model)
        return configuration.model.version

    def shown(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(f"heatline_model_{name}", labels)

    async def write(self, text: str) -> None:
        """Change the model, and wait until that was noticed."""
        state = self.noticed()
        self.file.write_text(text)
        async with asyncio.timeout(10):
            while self.noticed() == state:  # noqa: ASYNC110  a metric gives no sign
                await asyncio.sleep(LOOK_S)

    def noticed(self) -> object:
        return len(self.used), self.shown("last_reload_successful")


async def test_a_good_model_takes_over_and_is_shown(tmp_path: Path) -> None:
    worker = Worker(tmp_path)
    began = worker.shown("last_reload_success_timestamp_seconds") or 0
    await worker.write(MODEL.replace("40", "50"))
    version = load_folder(tmp_path).model.version
    assert worker.used == [version]
    assert version != worker.first
    assert (worker.shown("info", version=worker.first), worker.shown("info", version=version)) == (None, 1)
    assert (worker.shown("last_reload_success_timestamp_seconds") or 0) > began
    worker.task.cancel()


@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=MISTAKES)
async def test_a_broken_model_changes_nothing_and_is_told_of_as_by_model_check(
    tmp_path: Path, mistake: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The last good one stays until the next good one."""
    worker = Worker(tmp_path)
    await worker.write(mistake)
    with pytest.raises(ConfigError) as caught:
        load_folder(tmp_path)
    (logged,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert str(caught.value) in logged.getMessage()
    assert logged.exc_info is None
    assert (worker.used, worker.shown("last_reload_successful")) == ([], 0)
    assert worker.shown("info", version=worker.first) == 1
    await worker.write(MODEL.replace("40", "50"))
    assert (len(worker.used), worker.shown("last_reload_successful")) == (1, 1)
    worker.task.cancel()
