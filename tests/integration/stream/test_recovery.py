"""What a worker knows when it starts: the rows as committed, and where to read on."""

import asyncio
import signal
from collections import Counter
from pathlib import Path

import aiokafka
import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, RecordsToDelete
from aiokafka.structs import TopicPartition

from engine.stream.errors import ClusterMismatch, LostPositions, OtherWriter
from engine.stream.shard import MARK, POSITIONS, STAMP, encode_positions
from tests.integration.stream.conftest import SettingsOf
from tests.integration.stream.harness import (
    Process,
    Running,
    create_topics,
    produce,
    read_books,
    read_committed,
    running,
    until,
)
from tests.integration.stream.toy import Tally
from tests.servers.kafka import KafkaServer

LANES = 2
KEYS = [b"lead-%d" % i for i in range(20)]


async def test_recovered_rows_are_the_rows_that_were_committed(
    kafka: KafkaServer, job: Tally, settings_of: SettingsOf
) -> None:
    """A second life of the worker holds the same rows, and counts on from them."""
    await create_topics(kafka.bootstrap, job.partitions)
    sent = await produce(kafka.bootstrap, job.inputs[0], KEYS * 30, LANES)
    async with running(job, settings_of()) as first:
        await until(lambda: first.counts() == sent, "all is counted")
    async with running(job, settings_of()) as second:
        assert second.counts() == sent
        assert second.notes.folds == 0
        sent += await produce(kafka.bootstrap, job.inputs[0], KEYS, LANES)
        await until(lambda: second.counts() == sent, "what follows is counted")
    assert (await read_books(kafka.bootstrap, job)).errors(sent) == []


async def test_recovery_of_an_empty_a_trimmed_and_a_thinned_changelog_ends(
    kafka: KafkaServer, job: Tally, settings_of: SettingsOf
) -> None:
    """The MARK ends recovery whatever is in front of it: nothing, a log that begins late, transactions that failed."""
    await create_topics(kafka.bootstrap, job.partitions, **{"cleanup.policy": "compact,delete"})
    async with running(job, settings_of()) as worker:
        assert worker.counts() == {}
    changelog = f"{job.table}-changelog"
    async with aiokafka.AIOKafkaProducer(bootstrap_servers=kafka.bootstrap, transactional_id="other") as producer:
        await producer.begin_transaction()
        await producer.send_and_wait(changelog, b"999", key=b"aborted", partition=0)
        await producer.abort_transaction()
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    await admin.delete_records({TopicPartition(changelog, 1): RecordsToDelete(before_offset=1)})
    await admin.close()
    async with running(job, settings_of()) as worker:
        assert worker.counts() == {}


async def test_a_lane_that_stays_keeps_its_rows_without_reading_them_again(
    kafka: KafkaServer, job: Tally, settings_of: SettingsOf, tmp_path: Path
) -> None:
    """When a second worker comes and takes one lane, the first keeps the very dict of the other."""
    await create_topics(kafka.bootstrap, job.partitions)
    sent = await produce(kafka.bootstrap, job.inputs[0], KEYS * 10, LANES)
    async with running(job, settings_of()) as first:
        await until(lambda: first.counts() == sent, "all is counted")
        before = dict(first.worker.rows(job.table))
        second = await Process.start(kafka.bootstrap, job, tmp_path / "second")
        try:
            await until(lambda: first.worker.lanes == {job.table: 1} and first.worker.ready, "a lane is handed over")
            ((number, rows),) = first.worker.rows(job.table).items()
            assert rows is before[number]
            assert rows
            await until(lambda: second.lanes() == 1, "the other worker has recovered it")
            second.process.send_signal(signal.SIGTERM)
            await until(lambda: first.worker.lanes == {job.table: 2} and first.worker.ready, "the lane is back")
            assert first.worker.rows(job.table)[number] is before[number]
            assert first.counts() == sent
        finally:
            await second.end()


async def test_a_spare_worker_is_ready_without_lanes_and_takes_over(
    kafka: KafkaServer, job: Tally, settings_of: SettingsOf
) -> None:
    """As many workers as lanes are busy, one more waits; when the others leave, it has all and what they knew."""
    await create_topics(kafka.bootstrap, job.partitions)
    async with running(job, settings_of()) as spare:
        workers = [await Running(job, settings_of()).ready() for _ in range(2)]
        everybody = [spare, *workers]
        await until(
            lambda: (
                sorted(worker.worker.lanes[job.table] for worker in everybody) == [0, 1, 1]
                and all(worker.worker.ready for worker in everybody)
            ),
            "two of three workers have a lane",
        )
        sent = await produce(kafka.bootstrap, job.inputs[0], KEYS, LANES)
        await until(lambda: sum((worker.counts() for worker in everybody), Counter()) == sent, "all is counted")
        for worker in workers:
            await worker.end()
        await until(lambda: spare.counts() == sent, "the spare worker knows all")


async def test_inputs_with_more_partitions_than_the_changelog_end_the_worker(
    kafka: KafkaServer, job: Tally, settings_of: SettingsOf
) -> None:
    """Somebody added a partition while the worker ran: nobody would read it."""
    await create_topics(kafka.bootstrap, job.partitions)
    worker = await Running(job, settings_of()).ready()
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    await admin.create_partitions({job.inputs[0]: NewPartitions(LANES + 1)})
    await admin.close()
    assert worker.worker._app is not None
    thread = worker.worker._app.consumer.thread
    thread.thread_loop.call_soon_threadsafe(thread._consumer._client.force_metadata_update)
    with pytest.raises(ClusterMismatch, match=rf"{job.inputs[0]} \[0, 1, 2\]"):
        await asyncio.wait_for(worker.task, 15)


async def test_a_lane_that_somebody_else_had_is_read_again(
    kafka: KafkaServer, job: Tally, settings_of: SettingsOf
) -> None:
    """A producer with the lane's transactional id took it over and changed a row: its rows are what holds."""
    await create_topics(kafka.bootstrap, job.partitions)
    sent = await produce(kafka.bootstrap, job.inputs[0], KEYS, LANES)
    async with running(job, settings_of()) as worker:
        await until(lambda: worker.counts() == sent, "all is counted")
        rows = worker.worker.rows(job.table)
        key = next(iter(rows[0]))
        transactional_id = f"{job.table}-{job.table}-0"
        async with (
            aiokafka.AIOKafkaProducer(bootstrap_servers=kafka.bootstrap, transactional_id=transactional_id) as thief,
            thief.transaction(),
        ):
            await thief.send(f"{job.table}-changelog", b"1000", key=key, partition=0)
        await produce(kafka.bootstrap, job.inputs[0], [key], LANES)
        await until(lambda: worker.counts()[key] == 1001, "the row that holds is counted on")
        assert "fenced" in worker.notes.failures


async def test_a_position_beyond_the_end_is_refused_until_accepted(
    kafka: KafkaServer, job: Tally, settings_of: SettingsOf
) -> None:
    """A topic made anew holds less than was read: the worker says so, and begins at its beginning when told to."""
    await create_topics(kafka.bootstrap, job.partitions)
    await write_positions(kafka.bootstrap, job, {job.inputs[0]: 500, job.inputs[1]: 0})
    sent = await produce(kafka.bootstrap, job.inputs[0], KEYS, LANES)
    with pytest.raises(LostPositions, match=rf"{job.inputs[0]}\[0\] was made anew: read up to 500.*--accept-loss"):
        await Running(job, settings_of()).ready()
    async with running(job, settings_of(accept_loss=True)) as worker:
        await until(lambda: worker.counts() == sent, "the new topic is counted from its beginning")


async def test_another_app_id_is_refused_until_it_takes_over(
    kafka: KafkaServer, job: Tally, settings_of: SettingsOf
) -> None:
    """Two app ids do not fence each other: both would do everything."""
    await create_topics(kafka.bootstrap, job.partitions)
    sent = await produce(kafka.bootstrap, job.inputs[0], KEYS, LANES)
    async with running(job, settings_of()) as worker:
        await until(lambda: worker.counts() == sent, "everything is counted")
    with pytest.raises(OtherWriter, match=rf"written under app id '{job.table}', not 'other'.*--take-over"):
        await Running(job, settings_of(app_id="other")).ready()
    async with running(job, settings_of()) as worker:
        assert worker.counts() == sent
    async with running(job, settings_of(app_id="other", take_over=True)) as worker:
        assert worker.counts() == sent


async def test_a_position_below_the_logs_start_is_refused_until_accepted(
    kafka: KafkaServer, job: Tally, settings_of: SettingsOf
) -> None:
    """Records that were deleted before they were read: the worker says how many."""
    await create_topics(kafka.bootstrap, job.partitions)
    home_key = KEYS[0]
    for _ in range(3):
        await produce(kafka.bootstrap, job.inputs[0], [home_key], 1)
    await write_positions(kafka.bootstrap, job, {job.inputs[0]: 0, job.inputs[1]: 0})
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    await admin.delete_records({TopicPartition(job.inputs[0], 0): RecordsToDelete(before_offset=2)})
    await admin.close()
    with pytest.raises(LostPositions, match=rf"{job.inputs[0]}\[0\] lost 2 records.*--accept-loss"):
        await Running(job, settings_of()).ready()
    async with running(job, settings_of(accept_loss=True)) as worker:
        await until(lambda: worker.counts() == {home_key: 1}, "what is left is counted")


async def write_positions(bootstrap: str, job: Tally, positions: dict[str, int]) -> None:
    """Make lane 0 believe that it has read so far."""
    async with aiokafka.AIOKafkaProducer(bootstrap_servers=bootstrap) as producer:
        await producer.send_and_wait(f"{job.table}-changelog", encode_positions(positions), key=POSITIONS, partition=0)


async def test_the_changelog_holds_rows_a_mark_a_stamp_and_positions_and_nothing_else(
    kafka: KafkaServer, job: Tally, settings_of: SettingsOf
) -> None:
    """Reserved keys begin with NUL, so that no row is ever taken for one."""
    await create_topics(kafka.bootstrap, job.partitions)
    sent = await produce(kafka.bootstrap, job.inputs[0], KEYS, LANES)
    async with running(job, settings_of()) as worker:
        await until(lambda: worker.counts() == sent, "all is counted")
    keys = {key for key, _ in await read_committed(kafka.bootstrap, f"{job.table}-changelog", LANES)}
    assert keys == {*KEYS, MARK, STAMP, POSITIONS}
