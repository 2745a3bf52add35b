"""A changed configuration for a process that runs: taken over where it is good, told of where it is not."""

import logging
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from engine.core.model import Model
from engine.core.source import ConfigError
from engine.ops.loading import SettingsError
from engine.ops.metrics import WorkerMetrics

log = logging.getLogger(__name__)
T = TypeVar("T")


class Reloading(Generic[T]):
    """Takes over each configuration that can be used."""

    def __init__(self, what: str, apply: Callable[[T], str], on_refused: Callable[[], None]) -> None:
        """`what` it is, for people; `apply` puts it in force and says what is in force then; it may raise.

        `on_refused` hears of each that cannot be used.
        """
        self._what = what
        self._apply = apply
        self._on_refused = on_refused

    def use(self, configuration: T) -> None:
        """It has changed and can be read."""
        log.info("%s has changed: %s is in force", self._what, self._apply(configuration))

    def refuse(self, error: Exception) -> None:
        """It has changed and cannot be used."""
        self._on_refused()
        trace = None if isinstance(error, ConfigError | SettingsError) else error
        log.error("%s has changed and cannot be used; the last good one stays:\n%s", self._what, error, exc_info=trace)


def show_model(metrics: WorkerMetrics, model: Model) -> None:
    """This model is in force from now on."""
    metrics.prepare([], [alert.id for alert in model.alerts])
    metrics.model(model.version, time.time())
