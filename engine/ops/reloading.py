"""A changed configuration for a worker that runs: taken over where it is good, told of where it is not."""

import logging
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from engine.core.model import Model
from engine.core.source import ConfigError
from engine.ops.metrics import WorkerMetrics

log = logging.getLogger(__name__)
T = TypeVar("T")


class Reloading(Generic[T]):
    """Takes over each configuration that can be used, and shows in `metrics` which model is in force."""

    def __init__(self, apply: Callable[[T], Model], metrics: WorkerMetrics) -> None:
        """`apply` gives a configuration to the worker; the model that is then in force."""
        self._apply = apply
        self._metrics = metrics

    def use(self, configuration: T) -> None:
        """It has changed and can be used."""
        model = self._apply(configuration)
        show_model(self._metrics, model)
        log.info("the configuration has changed: model %s is in force", model.version)

    def refuse(self, error: Exception) -> None:
        """It has changed and cannot be used."""
        self._metrics.reload_failed()
        trace = None if isinstance(error, ConfigError) else error
        log.error(
            "the configuration has changed and cannot be used; the last good one stays:\n%s", error, exc_info=trace
        )


def show_model(metrics: WorkerMetrics, model: Model) -> None:
    """This model is in force from now on."""
    metrics.prepare([], [alert.id for alert in model.alerts])
    metrics.model(model.version, time.time())
