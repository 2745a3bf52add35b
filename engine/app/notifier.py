"""The notifier, wired: what the topics say to those whom config/notify.yaml names."""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from engine import __version__
from engine.connecting import erasure_pseudonym, notify_store, stream_settings
from engine.local.notifyfiles import Told, load_told
from engine.notify.deliveries import Deliveries
from engine.notify.follower import Follower
from engine.notify.metrics import NotifierMetrics
from engine.notify.plan import planner
from engine.notify.port import Store
from engine.ops.health import OpsServer
from engine.ops.reloading import Reloading
from engine.ops.settings import Settings
from engine.ops.watch import Contents, watching
from engine.readmodel.events import itself
from engine.stream.logs import quiet_libraries

log = logging.getLogger(__name__)


@asynccontextmanager
async def notifying(
    settings: Settings, store: Store, client: Mapping[str, Any], metrics: NotifierMetrics
) -> AsyncIterator[tuple[Follower, Deliveries]]:
    """What follows the topics and what sends, both to be run; they go by `notify.yaml` as it is at any time.

    `client` are aiokafka's arguments for connecting. Raises ConfigError or SettingsError where it cannot begin.
    """
    files = settings.notify.file, settings.paths.routing
    used: Contents = {}
    told = load_told(*files, used)
    pseudonym = erasure_pseudonym(settings) or itself
    async with planner(settings.notify, __version__) as plans:
        deliveries = Deliveries(store, metrics)

        def apply(read: Told) -> str:
            deliveries.use(plans.plan(read.notify, read.routing))
            metrics.reloaded(successful=True)
            return f"version {read.notify.version}"

        apply(told)
        reloading = Reloading("notify.yaml or what it names", apply, partial(metrics.reloaded, successful=False))
        async with watching(used, lambda seen: load_told(*files, seen), reloading):
            yield (
                Follower(store, client, lambda: deliveries.plan.notify, pseudonym, metrics, deliveries.wake),
                deliveries,
            )


async def run_notifier(settings: Settings, stop: asyncio.Event) -> None:
    """Tell of what the topics say until `stop`; raises a one-line error where that cannot begin."""
    metrics = NotifierMetrics(__version__)
    client = stream_settings(settings).client
    quiet_libraries(log)
    async with notify_store(settings) as store, notifying(settings, store, client, metrics) as (follower, deliveries):
        ops = OpsServer(
            settings.worker.ops_host,
            settings.worker.ops_port,
            metrics.registry,
            lambda: None if follower.ready else "Kafka and Redis have not been reached yet",
        )
        async with ops:
            await asyncio.gather(follower.run(stop), deliveries.run(stop))
