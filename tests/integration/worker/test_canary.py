"""Canaries through a real line: Kafka, a worker and a projector, which sees them come through or not."""

import asyncio
import json
import time

import pytest

from engine.core.flow import InputRecord
from tests.integration.worker.deployment import Deployment, Program, eventually
from tests.servers.redis import RedisServer

pytestmark = pytest.mark.timeout(120)
STAGES = ("scored", "routed")


def ages(projector: Program) -> list[float]:
    """Seconds, by stage."""
    metrics = projector.metrics()
    return [metrics[f"heatline_canary_age_seconds {stage}"] for stage in STAGES]


def lost(projector: Program) -> dict[str, float]:
    """How many, by the stage that they did not come to."""
    metrics = projector.metrics()
    return {stage: metrics[f"heatline_canary_lost_total {stage}"] for stage in STAGES}


def stranger(partition: int) -> InputRecord:
    """A canary that the projector did not send."""
    value = json.dumps({"type": "canary", "anonymousId": "x", "messageId": "stranger"}).encode()
    return InputRecord("visitor-events", partition, 0, int(time.time() * 1000), b"x", value)


async def test_the_age_is_small_until_the_worker_is_gone_and_again_once_it_is_back(
    deployment: Deployment, redis_server: RedisServer, started: list[Program]
) -> None:
    """They go through every partition every second and leave no lead, no row and no foreign record.

    A frozen worker makes them old, then lost at the first stage; once it goes on they come through, late, and nothing
    more is lost.
    """
    deployment.settings |= {"redis.url": redis_server.url, "redis.prefix": "canary:"}
    deployment.settings |= {"canary.every": "1s", "canary.lost_after": "3s"}
    worker, projector = programs = (deployment.worker(), deployment.projector())
    started += [program.start(wait=False) for program in programs]
    for program in programs:
        program.wait_ready()

    def well() -> bool:
        return max(ages(projector)) < 2.0

    await asyncio.to_thread(eventually, well, "all partitions let canaries through", 20.0)
    before = lost(projector)
    await deployment.produce(stranger(partition) for partition in range(deployment.partitions))
    worker.freeze()
    await asyncio.to_thread(eventually, lambda: lost(projector)["scored"] > before["scored"], "some are lost", 10.0)
    assert min(ages(projector)) > 3.0
    worker.thaw()
    await asyncio.to_thread(eventually, well, "they come through again", 20.0)
    answered = await deployment.values("lead-alerts")
    lanes = {event["data"]["cause"]["partition"] for event in answered if event["data"]["nonce"] != "stranger"}
    assert {event["type"] for event in answered} == {"io.heatline.canary.scored.v1"}
    assert lanes == set(range(deployment.partitions))
    assert await deployment.rows() == {}
    metrics = projector.metrics() | worker.metrics()
    assert metrics["heatline_events_dropped_total foreign"] == metrics["heatline_events_dropped_total malformed"] == 0
    assert metrics["heatline_events_consumed_total visitor-events"] == 0
    assert "Traceback" not in projector.logged() + worker.logged()
