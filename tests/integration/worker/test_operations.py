"""How a worker starts, refuses to start, survives and ends, as an operator sees it."""

import asyncio
import json
import time
from collections.abc import Iterable
from pathlib import Path

import aiokafka
import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.structs import TopicPartition

from engine.core.flow import InputRecord
from engine.core.packing import unpack
from tests.build import page
from tests.integration.worker.deployment import Deployment, Program, eventually
from tests.servers.kafka import KafkaServer

CONSUMED = "heatline_events_consumed_total visitor-events"
LEADS = 20
LEAVES_S = 20.0
"""Far from the session after which the group would give it up, and from the minute after which it would be killed."""
BEGAN_MS = int(time.time() * 1000) - 60_000
pytestmark = pytest.mark.timeout(240)


def views(numbers: Iterable[int]) -> list[InputRecord]:
    """A page view for each number, of one of a few leads."""
    events = [page("/", BEGAN_MS + number, f"lead-{number % LEADS}", messageId=f"view-{number}") for number in numbers]
    return [
        InputRecord(
            "visitor-events", -1, 0, BEGAN_MS + number, event["anonymousId"].encode(), json.dumps(event).encode()
        )
        for number, event in zip(numbers, events, strict=True)
    ]


async def viewed(deployment: Deployment) -> int:
    """How many page views the rows have counted."""
    return sum(unpack(row).counts["page_view"] for row in (await deployment.rows()).values())


async def all_viewed(deployment: Deployment, count: int) -> None:
    """Wait until so many page views are counted, and not one more."""
    async with asyncio.timeout(60):
        while await viewed(deployment) < count:  # noqa: ASYNC110  a topic gives no sign
            await asyncio.sleep(0.2)
    assert await viewed(deployment) == count


def refused(worker: Program) -> str:
    """What a worker that does not start says besides its log; no trace."""
    worker.start(wait=False)
    try:
        assert worker.ended() == 1
    finally:
        worker.kill()
    lines = worker.logged().splitlines()
    said = [line for line in lines if not line.startswith("{")]
    assert not [line for line in lines if line not in said and json.loads(line)["level"] == "error"]
    assert not [line for line in said if "Traceback" in line]
    return "\n".join(said)


async def alter(bootstrap: str, topic: str, partitions: int | None = None, cleanup: str = "") -> None:
    """Make a topic anew with so many partitions, or change its cleanup policy."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        if partitions:
            await admin.delete_topics([topic])
            while topic in await admin.list_topics():  # noqa: ASYNC110  a broker gives no sign
                await asyncio.sleep(0.02)
            await admin.create_topics([NewTopic(topic, partitions, 1)])
        else:
            await admin.alter_configs(
                [ConfigResource(ConfigResourceType.TOPIC, topic, configs={"cleanup.policy": cleanup})]
            )
    finally:
        await admin.close()


async def test_topics_that_are_missing_or_wrong_keep_a_worker_from_starting(bare: Deployment) -> None:
    """It names the topic and the command that mends it, and mended it starts."""
    assert "heatline topics apply" in refused(bare.worker("first"))
    bare.run("topics", "apply")
    await alter(bare.bootstrap, "lead-inbox", partitions=3)
    said = refused(bare.worker("second"))
    assert "lead-inbox" in said
    assert "3" in said
    assert "heatline topics" in said
    await alter(bare.bootstrap, "lead-inbox", partitions=4)
    await alter(bare.bootstrap, "profiles-changelog", cleanup="delete")
    said = refused(bare.worker("third"))
    assert "profiles-changelog" in said
    assert "cleanup" in said
    assert "heatline topics" in said


def test_a_data_directory_that_cannot_be_made_is_said_in_one_line(deployment: Deployment) -> None:
    """As a read-only disk would be: here a plain file stands in its way."""
    (deployment.folder / "file").touch()
    path = deployment.folder / "file" / "data"
    assert f"data directory {path}: Not a directory" in refused(deployment.worker(paths__data_dir=path))


async def test_a_worker_outlives_a_broker_that_is_away_at_start_and_later(
    tmp_path: Path, started: list[Program]
) -> None:
    """It says that it waits, comes up with the broker, survives its crash, and counts every event once."""
    kafka = KafkaServer(tmp_path / "kafka").start()
    try:
        deployment = Deployment(kafka.bootstrap, tmp_path / "heatline")
        deployment.run("topics", "apply")
        kafka.stop()
        worker = deployment.worker()
        started.append(worker.start(wait=False))
        line = f"no Kafka broker answers at {kafka.bootstrap} yet"
        eventually(lambda: line in worker.logged(), "it says that it waits")
        assert worker.get("/livez")[0] == 200
        assert worker.get("/readyz")[0] == 503
        kafka.start()
        worker.wait_ready()
        await deployment.produce(views(range(500)))
        kafka.kill()
        kafka.start()
        await deployment.produce(views(range(500, 1_000)))
        await all_viewed(deployment, 1_000)
        worker.wait_ready()
        assert "Traceback" not in worker.logged()
        status, seconds = worker.end()
        assert (status, seconds < LEAVES_S) == (0, True)
    finally:
        kafka.kill()


async def test_a_worker_that_is_told_to_stop_leaves_at_once_and_in_order(
    deployment: Deployment, started: list[Program]
) -> None:
    """Status 0, no transaction open, and the other takes over long before a session would have ended."""
    deployment.settings["kafka.session_timeout"] = "45s"
    leaving, staying = (deployment.worker(name).start() for name in ("leaving", "staying"))
    started += [leaving, staying]
    both = (leaving, staying)
    eventually(lambda: [lanes(worker) for worker in both] in ([2, 2], [3, 2], [2, 3]), "they share the lanes")
    producing = asyncio.create_task(deployment.produce(views(range(20_000))))
    await asyncio.sleep(0.2)
    status, seconds = await asyncio.to_thread(leaving.end)
    assert (status, seconds < LEAVES_S) == (0, True)
    await producing
    await asyncio.to_thread(eventually, lambda: lanes(staying) == 5, "the other has all lanes", 20.0)
    await all_viewed(deployment, 20_000)
    tps = [TopicPartition(topic, number) for topic, count in deployment.counts().items() for number in range(count)]
    eventually(lambda: staying.metrics()["heatline_consumer_lag_seconds"] == 0, "it has read everything")
    assert staying.end()[0] == 0
    ends = []
    for isolation in ("read_committed", "read_uncommitted"):
        async with aiokafka.AIOKafkaConsumer(
            bootstrap_servers=deployment.bootstrap, isolation_level=isolation
        ) as consumer:
            ends.append(await consumer.end_offsets(tps))
    assert ends[0] == ends[1]


async def test_a_frozen_worker_is_fenced_and_recovers(deployment: Deployment, started: list[Program]) -> None:
    """Past its session another has its lanes; thawed it joins again, and no event counts twice."""
    deployment.settings["kafka.session_timeout"] = "1s"
    frozen, other = (deployment.worker(name).start() for name in ("frozen", "other"))
    started += [frozen, other]
    both = (frozen, other)
    eventually(lambda: [lanes(worker) for worker in both] in ([2, 2], [3, 2], [2, 3]), "they share the lanes")
    await deployment.produce(views(range(3_000)))
    frozen.freeze()
    await deployment.produce(views(range(3_000, 6_000)))
    eventually(lambda: lanes(other) == 5, "the other has all lanes")
    frozen.thaw()
    eventually(lambda: [lanes(worker) for worker in both] in ([2, 2], [3, 2], [2, 3]), "they share the lanes again")
    await deployment.produce(views(range(6_000, 7_000)))
    await all_viewed(deployment, 7_000)
    for worker in both:
        worker.wait_ready()
        assert "Traceback" not in worker.logged()
        assert worker.end()[0] == 0


async def test_probes_metrics_and_logs_are_for_machines(deployment: Deployment, started: list[Program]) -> None:
    """Probes answer on a port of their own, counts are exact, and every line of the log is a JSON object."""
    worker = deployment.worker().start()
    started.append(worker)
    await deployment.produce(views(range(100)))
    eventually(lambda: worker.metrics()[CONSUMED] == 100, "all is read")
    assert worker.get("/livez") == (200, "ok\n")
    assert worker.get("/readyz") == (200, "ok\n")
    assert worker.get("/secrets")[0] == 404
    metrics = worker.metrics()
    assert metrics["heatline_events_scored_total"] == 100
    assert lanes(worker) == 5
    assert worker.end()[0] == 0
    lines = [json.loads(line) for line in worker.logged().splitlines()]
    assert lines
    assert all(line.keys() >= {"time", "level", "logger", "message"} for line in lines)


def lanes(worker: Program) -> int:
    """How many lanes a worker says it has, 0 while it is not ready."""
    if worker.get("/readyz")[0] != 200:
        return 0
    metrics = worker.metrics()
    return int(sum(metrics.get(f"heatline_lanes_owned {table}", 0) for table in ("profiles", "desk")))
