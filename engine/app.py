"""The one place that wires: settings and configuration in, running roles out."""

import asyncio
import gc
import logging
import os
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from engine import __version__
from engine.configuration import Configuration, read_configuration
from engine.connecting import erasure_pseudonym, notify_store, read_catalog, read_model, stream_settings
from engine.core.events import EVENTS_TOPIC
from engine.core.flow import Job
from engine.core.messages import REQUESTS_TOPIC
from engine.local.boardreps import known_reps
from engine.local.boardsender import board_sender
from engine.local.entrance import entrance
from engine.local.errors import LocalError
from engine.local.ipdatabase import read_ip_database
from engine.local.notifyfiles import Told, load_told
from engine.notify.deliveries import Deliveries
from engine.notify.follower import Follower
from engine.notify.metrics import NotifierMetrics
from engine.notify.plan import planner
from engine.notify.port import Store
from engine.ops.canary import CanaryWatch
from engine.ops.health import OpsServer
from engine.ops.metrics import MetricsObserver, ProjectorMetrics, WorkerMetrics
from engine.ops.reloading import Reloading, show_model
from engine.ops.settings import Settings, listed_texts
from engine.ops.watch import Contents, watching
from engine.readmodel.canary import canaries
from engine.readmodel.events import itself
from engine.readmodel.projector import run_projector
from engine.stream import admin
from engine.stream.catalog import Catalog
from engine.stream.cluster import check_cluster
from engine.stream.errors import ClusterMismatch
from engine.stream.logs import quiet_libraries
from engine.stream.settings import StreamSettings
from engine.stream.worker import StreamWorker
from engine.web.board import Board, serve_board

log = logging.getLogger(__name__)


async def run_worker(settings: Settings, stop: asyncio.Event) -> None:
    """Score and route until `stop`; raises a one-line error where that cannot begin or go on."""
    locate = read_ip_database(settings.paths.ip_database)
    topics, stream = read_catalog(settings), stream_settings(settings)
    used: Contents = {}
    configuration = read_configuration(settings, locate, used)

    def jobs(configuration: Configuration) -> tuple[Job, ...]:
        return configuration.jobs(
            topics.partitions[EVENTS_TOPIC],
            stream.partitioner,
            desk_partitions=topics.partitions[REQUESTS_TOPIC],
            alert_on_change=settings.worker.alert_on_change,
            pseudonym=erasure_pseudonym(settings),
        )

    def apply(changed: Configuration) -> str:
        worker.reload(jobs(changed))
        show_model(metrics, changed.model)
        return f"model {changed.model.version}"

    metrics = WorkerMetrics(__version__)
    worker = make_worker(jobs(configuration), topics, stream, metrics)
    show_model(metrics, configuration.model)
    keep_collector_rare()
    quiet_libraries(log)
    async with OpsServer(
        settings.worker.ops_host, settings.worker.ops_port, metrics.registry, lambda: _missing(worker)
    ):
        await check_topics(stream, topics, stop)
        reloading = Reloading("the configuration", apply, metrics.reload_failed)
        async with watching(used, lambda seen: read_configuration(settings, locate, seen), reloading):
            await worker.run(stop)


def make_worker(jobs: Sequence[Job], topics: Catalog, stream: StreamSettings, metrics: WorkerMetrics) -> StreamWorker:
    """A worker with these jobs, counted by `metrics`; not running yet."""
    metrics.prepare([topic for job in jobs for topic in job.inputs], [])
    return StreamWorker(jobs, stream, topics.partitions, MetricsObserver(metrics))


def _missing(worker: StreamWorker) -> str | None:
    return None if worker.ready else "no partitions are assigned and recovered yet"


def keep_collector_rare() -> None:
    """Let Python's cycle collector run rarely: a fold makes many short-lived objects and no cycles."""
    gc.freeze()
    gc.set_threshold(100_000, 20, 50)


async def check_topics(stream: StreamSettings, topics: Catalog, stop: asyncio.Event) -> None:
    """Wait for the broker, then raise ClusterMismatch where its topics are not those of the catalog."""
    await check_cluster(stream, {}, stop, stream.start_timeout_s)
    if stop.is_set():
        return
    findings = await admin.check(topics, stream.bootstrap, stream.security)
    for line in findings.unchecked:
        log.warning("not checked: %s", line)
    if findings.refusal is not None:
        raise ClusterMismatch(findings.refusal)


async def run_projection(settings: Settings, stop: asyncio.Event) -> None:
    """Keep the read model in Redis up with the topics until `stop`."""
    metrics = ProjectorMetrics(__version__)
    client = stream_settings(settings).client
    quiet_libraries(log)
    every_s, lost_after_s = settings.canary.every_ms / 1000, settings.canary.lost_after_ms / 1000
    flights = CanaryWatch(time.monotonic(), lost_after_s, metrics.canary_lost)
    if every_s:
        metrics.canaries(lambda stage: flights.age_s(stage, time.monotonic()))
    ops = OpsServer(settings.worker.ops_host, settings.worker.ops_port, metrics.registry, lambda: None)
    async with ops, read_model(settings) as model, canaries(flights, client, every_s):
        pseudonym = erasure_pseudonym(settings) or itself
        await run_projector(model, client, stop, metrics.lag, metrics.drop, pseudonym, metrics.bands, flights.seen)


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


async def run_board(settings: Settings, stop: asyncio.Event, on_ready: Callable[[str], None]) -> None:
    """Serve the board over the read model in Redis until `stop`; `on_ready` hears its address."""
    at, stream = settings.board, stream_settings(settings)
    quiet_libraries(log)
    async with (
        read_model(settings) as model,
        entrance(settings) as way,
        known_reps(settings.paths.routing) as reps,
        board_sender(stream.bootstrap, stream.security, stream.partitioner) as sender,
        named_port(at.host, at.port, "board.port"),
    ):
        board = Board(model, way, at.host, at.port, names=listed_texts(at.names), sender=sender, reps=reps)
        await serve_board(board, stop, on_ready)


@asynccontextmanager
async def named_port(host: str, port: int, setting: str) -> AsyncIterator[None]:
    """Says of an address that cannot be listened on which setting names another. Raises LocalError."""
    try:
        yield
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise LocalError(
            f"the board cannot be served on {host}:{port}: {reason}; name another with {setting}"
        ) from None
