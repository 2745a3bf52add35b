"""A changed notify.yaml for a notifier that runs: taken over where it can be used, told of where it cannot."""

import logging
from collections.abc import Callable
from typing import Generic, TypeVar

from engine.core.source import ConfigError
from engine.notify.deliveries import Deliveries, Plan
from engine.notify.metrics import NotifierMetrics
from engine.ops.loading import SettingsError

log = logging.getLogger(__name__)
T = TypeVar("T")


class PlanReloading(Generic[T]):
    """Takes over each configuration that can be used."""

    def __init__(self, plan: Callable[[T], Plan], deliveries: Deliveries, metrics: NotifierMetrics) -> None:
        """`plan` makes channels of what was read; it may raise."""
        self._plan = plan
        self._deliveries = deliveries
        self._metrics = metrics

    def use(self, read: T) -> None:
        """It has changed and can be read."""
        plan = self._plan(read)
        self._deliveries.use(plan)
        self._metrics.reloaded(successful=True)
        log.info("notify.yaml or what it names has changed: version %s is in force", plan.notify.version)

    def refuse(self, error: Exception) -> None:
        """It has changed and cannot be used."""
        self._metrics.reloaded(successful=False)
        trace = None if isinstance(error, ConfigError | SettingsError) else error
        log.error(
            "who is told of what has changed and cannot be used; the last good one stays:\n%s", error, exc_info=trace
        )
