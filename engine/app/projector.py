"""The projector, wired: what the topics say into the read model."""

import asyncio
import logging
import time

from engine import __version__
from engine.connecting import erasure_pseudonym, read_model, stream_settings
from engine.ops.canary import CanaryWatch
from engine.ops.health import OpsServer
from engine.ops.metrics import ProjectorMetrics
from engine.ops.settings import Settings
from engine.readmodel.canary import canaries
from engine.readmodel.events import itself
from engine.readmodel.projector import run_projector
from engine.stream.logs import quiet_libraries

log = logging.getLogger(__name__)


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
