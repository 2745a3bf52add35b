"""How a worker starts, survives and ends."""

import asyncio
import logging
from pathlib import Path

import aiokafka
import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupAuthorizationFailedError
from aiokafka.structs import TopicPartition

from engine.core.flow import Fold, Output
from engine.stream import gauges
from engine.stream.chunk import Chunk
from engine.stream.errors import (
    BrokerUnreachable,
    ClusterMismatch,
    DataDirectoryError,
    DeliveryHole,
    JobFailed,
    RecordTooLarge,
)
from engine.stream.settings import StreamSettings
from engine.stream.transport import ChunkConsumer
from engine.stream.worker import StreamWorker
from tests.conftest import KafkaFactory
from tests.integration.stream.conftest import SettingsOf
from tests.integration.stream.harness import (
    Running,
    create_topics,
    produce,
    read_books,
    read_committed,
    running,
    settled_books,
    until,
)
from tests.integration.stream.toy import Tally
from tests.servers.kafka import KafkaServer
from tests.servers.process import free_port
from tests.unit.stream.notes import Notes

KEYS = [b"lead-%d" % i for i in range(20)]


async def test_plain_mode_counts_everything_and_keeps_its_rows(
    kafka: KafkaServer, job: Tally, settings_of: SettingsOf
) -> None:
    """Without transactions, and without faults, the books balance as well; a second life knows the rows."""
    await create_topics(kafka.bootstrap, job.partitions)
    sent = await produce(kafka.bootstrap, job.inputs[0], KEYS * 20, job.lanes)
    async with running(job, settings_of(plain=True)) as worker:
        await until(lambda: worker.counts() == sent, "all is counted")
    async with running(job, settings_of(plain=True)) as worker:
        assert worker.counts() == sent
    assert (await read_books(kafka.bootstrap, job)).errors(sent) == []


async def test_a_stopped_worker_has_left_the_group_and_no_transaction_open(
    kafka: KafkaServer, job: Tally, settings_of: SettingsOf
) -> None:
    """Nobody waits for the session of a worker that was told to stop, and no reader for its transaction."""
    await create_topics(kafka.bootstrap, job.partitions)
    worker = await Running(job, settings_of()).ready()
    await produce(kafka.bootstrap, job.inputs[0], KEYS * 20, job.lanes)
    began = asyncio.get_running_loop().time()
    await worker.end()
    assert asyncio.get_running_loop().time() - began < 5
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    (group,) = (await admin.describe_consumer_groups([job.table]))[0].groups
    await admin.close()
    assert (group[2], group[5]) == ("Empty", [])
    tps = [TopicPartition(topic, number) for topic, count in job.partitions.items() for number in range(count)]
    async with aiokafka.AIOKafkaConsumer(bootstrap_servers=kafka.bootstrap) as everything:
        high = await everything.end_offsets(tps)
    async with aiokafka.AIOKafkaConsumer(
        bootstrap_servers=kafka.bootstrap, isolation_level="read_committed"
    ) as committed:
        assert await committed.end_offsets(tps) == high


async def test_a_worker_tells_its_lag_and_publishes_its_positions(
    kafka: KafkaServer, job: Tally, settings_of: SettingsOf
) -> None:
    """Read out means no lag, although transactions end every log with a control record; lag tools see the positions."""
    await create_topics(kafka.bootstrap, job.partitions)
    async with running(job, settings_of()) as worker:
        sent = await produce(kafka.bootstrap, job.inputs[0], KEYS, job.lanes)
        await until(lambda: worker.counts() == sent, "all is counted")
        ends = {(topic, number) for topic in job.inputs for number in range(job.lanes)}
        await until(
            lambda: set(worker.notes.lags) == ends and set(worker.notes.lags.values()) == {(0, 0.0)}, "no lag is left"
        )
        admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
        await admin.start()
        published: dict[TopicPartition, int] = {}
        while sum(published.get(TopicPartition(job.inputs[0], n), 0) for n in range(job.lanes)) < sent.total():
            await asyncio.sleep(0.2)
            offsets = await admin.list_consumer_group_offsets(job.table)
            published = {tp: found.offset for tp, found in offsets.items()}
        await admin.close()


async def test_more_than_may_wait_is_fetched_later(kafka: KafkaServer, job: Tally, settings_of: SettingsOf) -> None:
    """Queues far smaller than what is to be read, and a slow job: fetching stops and goes on until all is counted."""
    slow = Tally(job.table, job.lanes, slow_s=0.002)
    await create_topics(kafka.bootstrap, job.partitions)
    sent = await produce(kafka.bootstrap, job.inputs[0], KEYS * 100, job.lanes, batch_bytes=1_000)
    settings = settings_of(fetch_bytes=2_000, lane_queue_bytes=4_000, queue_bytes=6_000)
    async with running(slow, settings) as worker:
        assert worker.worker._app is not None
        backlog = worker.worker._app.consumer.backlog
        most = 0
        while worker.counts() != sent:
            most = max(most, backlog.total)
            await asyncio.sleep(0)
        assert 0 < most < 30_000, "what may wait, and at most one more chunk of each partition"
        assert backlog.total == 0
    assert (await read_books(kafka.bootstrap, job)).errors(sent) == []


async def test_two_jobs_share_a_worker(kafka: KafkaServer, job: Tally, settings_of: SettingsOf) -> None:
    """Each has its own table and lanes, as many as its topics have partitions; one may feed the other."""
    other = Tally(f"{job.table}-more", 3)
    partitions = {**job.partitions, **other.partitions}
    await create_topics(kafka.bootstrap, partitions)
    notes, stop = Notes(), asyncio.Event()
    worker = StreamWorker([job, other], settings_of(), partitions, notes)
    task = asyncio.create_task(worker.run(stop))
    await until(lambda: worker.ready, "the worker is ready")
    assert worker.lanes == notes.assignments[-1] == {job.table: 2, other.table: 3}
    books = [(tally, await produce(kafka.bootstrap, tally.inputs[0], KEYS * 3, tally.lanes)) for tally in (job, other)]
    for tally, sent in books:
        assert (await settled_books(kafka.bootstrap, tally, sent)).errors(sent) == []
    stop.set()
    await task


async def test_a_broker_that_restarts_is_survived(
    kafka_factory: KafkaFactory, job: Tally, settings_of: SettingsOf, caplog: pytest.LogCaptureFixture
) -> None:
    """Killed in the middle of the work and back after a while: the books balance, and the log stays short."""
    kafka = kafka_factory()
    await create_topics(kafka.bootstrap, job.partitions)
    settings = settings_of(bootstrap=kafka.bootstrap, ack_timeout_s=1.5)
    async with running(job, settings) as worker:
        sent = await produce(kafka.bootstrap, job.inputs[0], KEYS * 50, job.lanes)
        caplog.clear()
        await asyncio.to_thread(kafka.kill)
        await asyncio.sleep(2.5)
        lines = [record.getMessage() for record in caplog.records if record.name.startswith("engine.stream")]
        assert len(lines) < 60
        assert not any("Traceback" in line for line in lines)
        await asyncio.to_thread(kafka.start)
        sent += await produce(kafka.bootstrap, job.inputs[0], KEYS, job.lanes)
        await until(lambda: worker.counts() == sent, "all is counted", timeout_s=40)
    assert (await read_books(kafka.bootstrap, job)).errors(sent) == []


async def test_a_job_that_raises_ends_the_worker_and_acknowledges_nothing(
    kafka: KafkaServer, job: Tally, settings_of: SettingsOf
) -> None:
    """The sentence names the job, the error and the records; a worker without the bug would read them."""
    await create_topics(kafka.bootstrap, job.partitions)
    async with aiokafka.AIOKafkaProducer(bootstrap_servers=kafka.bootstrap) as producer:
        await producer.send_and_wait(job.inputs[0], b"event", partition=0)
    worker = await Running(job, settings_of()).ready()
    with pytest.raises(JobFailed, match=rf"the {job.table} job raised AssertionError.*{job.inputs[0]}\[0\] offset 0"):
        await asyncio.wait_for(worker.task, 10)
    assert (await read_books(kafka.bootstrap, job)).rows == {}


class Bulky(Tally):
    """Puts out, for each record, one output as large as the record's value says, and a row likewise."""

    row_bytes = 0

    def fold(self, lane: int, records: object, rows: object, agenda: object) -> Fold:
        """Nothing is counted."""
        outputs = [Output(self.out, b"large", b"x" * 2_000_000), Output(self.out, b"small", b"1")]
        return Fold(outputs, {b"row": b"x" * self.row_bytes}, urgent=True, tally={})


async def test_an_output_too_large_for_the_broker_is_named_and_does_not_stop_the_lane(
    kafka: KafkaServer, job: Tally, settings_of: SettingsOf, caplog: pytest.LogCaptureFixture
) -> None:
    """The rest of the fold is written, and the lane goes on."""
    bulky = Bulky(job.table, job.lanes)
    await create_topics(kafka.bootstrap, job.partitions)
    with caplog.at_level(logging.ERROR, "engine.stream.lane"):
        async with running(bulky, settings_of()) as worker:
            for commits in (1, 2):
                await produce(kafka.bootstrap, job.inputs[0], [b"key"], 1)
                await until(lambda: worker.notes.commits >= commits, "the transaction is committed")  # noqa: B023
    assert await read_committed(kafka.bootstrap, job.out, 2) == [(b"small", b"1")] * 2
    assert f"drops an output to {job.out} with key b'large'" in caplog.text


async def test_a_row_too_large_for_the_broker_ends_the_worker(
    kafka: KafkaServer, job: Tally, settings_of: SettingsOf
) -> None:
    """State cannot be dropped: the sentence names row, lane and size."""
    bulky = Bulky(job.table, job.lanes)
    bulky.row_bytes = 1_500_000
    await create_topics(kafka.bootstrap, job.partitions)
    await produce(kafka.bootstrap, job.inputs[0], [b"key"], 1)
    with pytest.raises(RecordTooLarge, match=rf"the row b'row' of {job.table}-0 is 1,500,000 bytes"):
        await asyncio.wait_for((await Running(bulky, settings_of()).ready()).task, 10)


async def test_a_batch_that_the_broker_refuses_ends_the_worker(
    kafka: KafkaServer, job: Tally, settings_of: SettingsOf
) -> None:
    """Trying again would fail for ever: the sentence names the settings that disagree."""
    bulky = Bulky(job.table, job.lanes)
    bulky.row_bytes = 500_000
    await create_topics(kafka.bootstrap, job.partitions, **{"max.message.bytes": "100000"})
    await produce(kafka.bootstrap, job.inputs[0], [b"key"], 1)
    worker = await Running(bulky, settings_of()).ready()
    with pytest.raises(RecordTooLarge, match=r"raise its message\.max\.bytes"):
        await asyncio.wait_for(worker.task, 10)


async def test_a_chunk_lost_on_the_way_ends_the_worker(
    kafka: KafkaServer, job: Tally, settings_of: SettingsOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault of ours between fetch and fold is found by consumer positions before anything behind it is folded."""
    await create_topics(kafka.bootstrap, job.partitions)
    worker = await Running(job, settings_of()).ready()
    admitted = ChunkConsumer._admit
    lost: list[Chunk] = []

    def lose_one(self: ChunkConsumer, chunk: Chunk) -> bool:
        if not lost:
            lost.append(chunk)
            return False
        return admitted(self, chunk)

    monkeypatch.setattr(ChunkConsumer, "_admit", lose_one)
    for _ in range(2):
        await produce(kafka.bootstrap, job.inputs[0], KEYS[:1], 1)
        await until(lambda: bool(lost), "a chunk is lost")
    with pytest.raises(DeliveryHole, match=rf"{job.inputs[0]}\[0\] was delivered from position 1; 0 was due"):
        await asyncio.wait_for(worker.task, 10)
    assert worker.notes.failures == ["hole"]


async def test_a_worker_that_may_not_join_the_group_ends(
    kafka: KafkaServer, job: Tally, settings_of: SettingsOf
) -> None:
    """The library keeps that error until somebody asks; here it is put where the library would."""
    await create_topics(kafka.bootstrap, job.partitions)
    worker = await Running(job, settings_of()).ready()
    assert worker.worker._app is not None
    coordinator = worker.worker._app.consumer.thread._consumer._coordinator
    coordinator._pending_exception = GroupAuthorizationFailedError(job.table)
    with pytest.raises(
        ClusterMismatch, match=f"does not let the worker read: GroupAuthorizationFailedError.*{job.table}"
    ):
        await asyncio.wait_for(worker.task, 10)


async def test_a_worker_that_is_stuck_begins_anew(
    kafka: KafkaServer, job: Tally, settings_of: SettingsOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Records wait and no lane moves, without any error: the worker starts another app, which reads them."""
    monkeypatch.setattr(gauges, "LOOK_EVERY_S", 0.05)
    monkeypatch.setattr(gauges, "STUCK_AFTER", 20)
    await create_topics(kafka.bootstrap, job.partitions)
    async with running(job, settings_of()) as worker:
        stuck = worker.worker._app
        assert stuck is not None
        stuck.consumer.flow_active = False
        sent = await produce(kafka.bootstrap, job.inputs[0], KEYS, job.lanes)
        await until(lambda: worker.counts() == sent, "all is counted")
        assert worker.worker._app is not stuck


async def test_no_broker_ends_the_worker_after_the_start_timeout(
    job: Tally, settings_of: SettingsOf, caplog: pytest.LogCaptureFixture
) -> None:
    """It says where it looked, and warns rarely meanwhile."""
    address = f"127.0.0.1:{free_port()}"
    with pytest.raises(BrokerUnreachable, match=f"no Kafka broker answers at {address}"):
        await StreamWorker([job], settings_of(bootstrap=address, start_timeout_s=1.2), job.partitions, Notes()).run(
            asyncio.Event()
        )
    warnings = [record for record in caplog.records if record.name == "engine.stream.cluster"]
    assert len(warnings) == 1


async def test_topics_that_are_missing_or_differ_end_the_worker(
    kafka: KafkaServer, job: Tally, settings_of: SettingsOf
) -> None:
    """The sentence names the topic."""
    with pytest.raises(ClusterMismatch, match=f"the cluster has no topic .*{job.out}.*topics apply"):
        await Running(job, settings_of()).ready()
    await create_topics(kafka.bootstrap, {**job.partitions, job.out: 3})
    with pytest.raises(ClusterMismatch, match=f"topic {job.out} has 3 partitions in the cluster; 2 are expected"):
        await Running(job, settings_of()).ready()


async def test_a_data_directory_that_cannot_be_made_ends_the_worker(
    job: Tally, settings_of: SettingsOf, tmp_path: Path
) -> None:
    """Here a file stands in its way."""
    (tmp_path / "file").touch()
    path = tmp_path / "file" / "data"
    settings: StreamSettings = settings_of(data_dir=path)
    with pytest.raises(DataDirectoryError, match=f"data directory {path}: Not a directory"):
        await StreamWorker([job], settings, job.partitions, Notes()).run(asyncio.Event())
