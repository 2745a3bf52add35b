"""From a real Kafka into a read model: everything once, through every outage."""

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest
from aiokafka import AIOKafkaProducer

from engine.core.flow import Output
from engine.readmodel.dossier import unpack
from engine.readmodel.events import SCORES, decode_alerts, decode_score
from engine.readmodel.memory import MemoryReadModel
from engine.readmodel.port import Batch, LeadScored, Logged, ReadModel, ReadModelAway
from engine.readmodel.projector import run_projector
from engine.readmodel.redis import RedisReadModel
from tests.conftest import RedisFactory
from tests.integration.readmodel.conftest import Cluster, projecting, until
from tests.servers.redis import RedisServer
from tests.unit.readmodel.samples import alerted, assigned, scored


async def leads(model: ReadModel) -> dict[str, float]:
    """The leads and their totals, empty while the store is away."""
    try:
        scores = [decode_score(event).data for event in await model.hottest(1000)]
    except ReadModelAway:
        return {}
    return {score.lead: score.total for score in scores}


async def shows(model: ReadModel, expected: dict[str, float]) -> None:
    """Wait until the model holds these leads and no other."""

    async def same() -> bool:
        return await leads(model) == expected

    await until(same)


@pytest.fixture
async def store(redis_factory: RedisFactory) -> AsyncIterator[tuple[RedisServer, RedisReadModel]]:
    server = redis_factory()
    model = RedisReadModel(server.url)
    yield server, model
    await model.close()


def lines(caplog: pytest.LogCaptureFixture, text: str) -> int:
    """How many of the projector's lines say `text`."""
    return sum(text in record.getMessage() for record in caplog.records if record.name == "engine.readmodel.projector")


async def test_the_topics_are_shown(cluster: Cluster) -> None:
    """Latest scores, dossiers, alerts and assignments; a tombstone removes; read out, all are counted, without lag."""
    model = MemoryReadModel()
    await cluster.put([scored("ada", 40.0), scored("bob", 50.0), scored("eve", 60.0), alerted("ada"), assigned("ada")])
    async with projecting(model, cluster) as heard:
        await shows(model, {"ada": 40.0, "bob": 50.0, "eve": 60.0})
        await cluster.put([scored("ada", 90.0), Output(SCORES, b"eve", None), alerted("bob")])
        await shows(model, {"ada": 90.0, "bob": 50.0})

        async def logged() -> bool:
            counts = await model.counts()
            return (counts.alerts, counts.assignments) == (2, 1)

        await until(logged)
        heard.lags.clear()

        async def read_out() -> bool:
            return 0.0 in heard.lags and {"hot": 1, "warm": 1} in heard.bands

        await until(read_out)
    progress = await model.progress()
    assert progress is not None
    assert progress.lag_s == 0.0
    (packed,) = await model.dossiers(["ada"])
    assert packed is not None
    dossier = unpack(packed)
    assert [point.total for point in dossier.history] == [90.0]
    assert {entry.type for entry in dossier.timeline} == {"lead.alerted", "lead.assigned"}
    assert dossier.case is not None
    assert dossier.case.rep == "andy"


async def test_only_what_is_committed_is_shown(cluster: Cluster) -> None:
    """An aborted transaction leaves nothing, a committed one everything, and neither stops the reading."""
    model = MemoryReadModel()
    producer = AIOKafkaProducer(**cluster.client, transactional_id="a worker's lane")
    async with projecting(model, cluster), producer:
        await producer.begin_transaction()
        await (await producer.send(SCORES, scored("ghost").value, b"ghost", 0))
        await producer.abort_transaction()
        async with producer.transaction():
            await producer.send(SCORES, scored("ada").value, b"ada", 0)
        await shows(model, {"ada": 40.0})
        await cluster.put([scored("bob")], partition=0)
        await shows(model, {"ada": 40.0, "bob": 40.0})


async def test_malformed_records_stop_nothing(cluster: Cluster, caplog: pytest.LogCaptureFixture) -> None:
    """They are counted and named by place and key, the good ones around them are shown."""
    model = MemoryReadModel()
    bad = [Output(SCORES, b"eve", b"{"), Output(SCORES, b"eve", b"[" * 50_000), Output(SCORES, None, b"\xff\x00")]
    newer = Output("lead-assignments", b"ada", b'{"type": "io.heatline.lead.hummed.v1"}')
    async with projecting(model, cluster) as heard:
        await cluster.put([scored("ada"), *bad, newer, scored("bob")], partition=1)
        await shows(model, {"ada": 40.0, "bob": 40.0})

        async def counted() -> bool:
            return sum(records for reason, records in heard.dropped if reason == "malformed") == len(bad)

        await until(counted)
    assert sum(records for reason, records in heard.dropped if reason == "foreign") == 1
    assert lines(caplog, "lead-scores, partition 1, offset 1, key b'eve'") == 1


class Counting(MemoryReadModel):
    """Keeps how often each event of a record was applied."""

    def __init__(self) -> None:
        super().__init__()
        self.taken: dict[bytes, int] = {}

    async def apply(self, batch: Batch) -> None:
        await super().apply(batch)
        for change in batch.changes:
            if isinstance(change, LeadScored | Logged):
                self.taken[change.event] = self.taken.get(change.event, 0) + 1
        # As a store does that answers after the change is made.
        await asyncio.sleep(0)


async def test_every_record_is_taken_once(cluster: Cluster) -> None:
    """Over projectors that are cancelled at any moment, two at a time: each record changes the model once."""
    model = Counting()
    totals = [(f"lead-{number % 40}", float(number)) for number in range(1_500)]
    outputs = [scored(*total) for total in totals]
    feeding = asyncio.create_task(cluster.put(outputs))
    rounds = 0
    while not feeding.done() or len(model.taken) < len(outputs):
        rounds += 1
        running = [asyncio.create_task(run_projector(model, cluster.client, asyncio.Event())) for _ in range(2)]
        await asyncio.sleep(0.3 + 0.07 * (rounds % 20))
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        assert rounds < 100
    await feeding
    assert rounds > 1
    assert set(model.taken.values()) == {1}
    assert await leads(model) == dict(totals)


async def test_an_emptied_redis_is_filled_again(
    cluster: Cluster, store: tuple[RedisServer, RedisReadModel], caplog: pytest.LogCaptureFixture
) -> None:
    """FLUSHALL is noticed without a new record; everything is read again from the start of the topics."""
    caplog.set_level(logging.INFO)
    _, model = store
    await cluster.put([scored("ada", 70.0), scored("bob", 50.0), alerted("ada")])
    async with projecting(model, cluster):
        await shows(model, {"ada": 70.0, "bob": 50.0})
        await model._client.flushall()
        await shows(model, {"ada": 70.0, "bob": 50.0})
    assert lines(caplog, "the read model is empty; building it from the start") == 2
    assert [alert.data.lead for alert in decode_alerts(await model.latest("alerts", 9))] == ["ada"]


async def test_redis_killed_and_restarted(
    cluster: Cluster, store: tuple[RedisServer, RedisReadModel], caplog: pytest.LogCaptureFixture
) -> None:
    """An outage is one line, and what happened meanwhile is caught up with, though Redis lost its memory."""
    caplog.set_level(logging.INFO)
    server, model = store
    async with projecting(model, cluster):
        await cluster.put([scored("ada", 40.0)])
        await shows(model, {"ada": 40.0})
        await asyncio.to_thread(server.kill)
        await cluster.put([scored("ada", 90.0), scored("bob", 50.0)])

        async def noticed() -> bool:
            return lines(caplog, "the read model is away") > 0

        await until(noticed)
        await asyncio.sleep(2)
        await asyncio.to_thread(server.start)
        await shows(model, {"ada": 90.0, "bob": 50.0})
    assert (
        lines(caplog, f"the read model is away, trying again until it is back: Redis at 127.0.0.1:{server.port}") == 1
    )
    assert lines(caplog, "the read model is back after") == 1


async def test_kafka_stopped_and_started(cluster: Cluster, caplog: pytest.LogCaptureFixture) -> None:
    """An outage is one line and the lag grows; then what came since is shown, and nothing twice."""
    caplog.set_level(logging.INFO)
    model = Counting()
    async with projecting(model, cluster) as heard:
        await cluster.put([scored("ada", 40.0), alerted("ada")])
        await shows(model, {"ada": 40.0})
        await asyncio.to_thread(cluster.server.kill)

        async def noticed() -> bool:
            return lines(caplog, "Kafka is away") > 0 and max(heard.lags) > 1.0

        await until(noticed)
        await asyncio.to_thread(cluster.server.start)
        await cluster.put([scored("ada", 90.0)])
        await shows(model, {"ada": 90.0})
    assert lines(caplog, "Kafka is away, trying again until it is back") == 1
    assert lines(caplog, "Kafka is back after") == 1
    assert set(model.taken.values()) == {1}


async def test_topics_made_anew(cluster: Cluster, caplog: pytest.LogCaptureFixture) -> None:
    """Positions beyond the end of a topic: everything is forgotten and read again, with a line that says why."""
    caplog.set_level(logging.INFO)
    model = MemoryReadModel()
    await cluster.put([scored(f"old-{number}") for number in range(20)])
    async with projecting(model, cluster):
        await shows(model, {f"old-{number}": 40.0 for number in range(20)})
    await cluster.delete()
    async with projecting(model, cluster):

        async def said() -> bool:
            return lines(caplog, "`heatline topics apply` creates them") == 1

        await until(said)
        await cluster.create()
        await cluster.put([scored("new")])
        await shows(model, {"new": 40.0})
    assert lines(caplog, "the topic was made anew; rebuilding all") == 1
