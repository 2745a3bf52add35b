"""The worker, wired: settings and configuration in, scored and routed leads out."""

import asyncio
import gc
import logging
from collections.abc import Sequence

from engine import __version__
from engine.configuration import Configuration, read_configuration
from engine.connecting import erasure_pseudonym, read_catalog, stream_settings
from engine.core.events import EVENTS_TOPIC
from engine.core.flow import Job
from engine.core.messages import REQUESTS_TOPIC
from engine.local.ipdatabase import read_ip_database
from engine.ops.health import OpsServer
from engine.ops.metrics import MetricsObserver, WorkerMetrics
from engine.ops.reloading import Reloading, show_model
from engine.ops.settings import Settings
from engine.ops.watch import Contents, watching
from engine.stream import admin
from engine.stream.catalog import Catalog
from engine.stream.cluster import check_cluster
from engine.stream.errors import ClusterMismatch
from engine.stream.logs import quiet_libraries
from engine.stream.settings import StreamSettings
from engine.stream.worker import StreamWorker

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
