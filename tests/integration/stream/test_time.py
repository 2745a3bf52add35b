"""How time passes in a worker's lanes, on a real broker."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import aiokafka
import pytest

from engine.core.partitioner import by_murmur2
from engine.stream.settings import StreamSettings
from engine.stream.worker import StreamWorker
from tests.alarms import Alarms
from tests.integration.stream.conftest import SettingsOf
from tests.integration.stream.harness import Process, create_topics, new_name, read_committed, running, until
from tests.integration.stream.toy import SlowAlarms
from tests.servers.kafka import KafkaServer

LANES = 2


@pytest.fixture
def job() -> SlowAlarms:
    return SlowAlarms(new_name(), LANES)


async def set_alarms(kafka: KafkaServer, job: SlowAlarms, alarms: Iterable[tuple[bytes, bytes, int]]) -> None:
    """Write records with these keys, values and record times in ms, each to its key's lane."""
    async with aiokafka.AIOKafkaProducer(bootstrap_servers=kafka.bootstrap) as producer:
        for key, value, at_ms in alarms:
            await producer.send(job.inputs[0], value, key=key, partition=by_murmur2(key, LANES), timestamp_ms=at_ms)
        await producer.flush()


async def rung(kafka: KafkaServer, job: SlowAlarms) -> Counter[tuple[bytes, bytes | None]]:
    """How often each alarm was put out, by key and time."""
    return Counter(await read_committed(kafka.bootstrap, job.out, job.partitions[job.out]))


async def test_a_row_falls_due_by_the_clock_when_no_record_comes(
    kafka: KafkaServer, job: SlowAlarms, settings_of: SettingsOf
) -> None:
    """In either lane, not before its time, and soon after it."""
    await create_topics(kafka.bootstrap, job.partitions)
    async with running(job, settings_of()) as worker:
        now_ms = int(time.time() * 1000)
        due_ms = now_ms + 1_500
        keys = [b"lead-%d" % number for number in range(10)]
        await set_alarms(kafka, job, [(key, b"%d" % due_ms, now_ms) for key in keys])
        await until(lambda: rows(worker.worker, job) == set(keys), "the alarms are set")
        assert await rung(kafka, job) == {}
        await until(lambda: not rows(worker.worker, job), "all have rung")
        assert 0 <= time.time() * 1000 - due_ms < 1_000
    assert await rung(kafka, job) == Counter((key, b"%d" % due_ms) for key in keys)


def rows(worker: StreamWorker, job: SlowAlarms) -> set[bytes]:
    """The keys of the rows in memory."""
    return {key for lane in worker.rows(job.table).values() for key in lane}


async def test_a_backlog_is_folded_by_its_own_time_and_not_by_the_clock(
    kafka: KafkaServer, job: SlowAlarms, settings_of: SettingsOf
) -> None:
    """A worker that was down fires nothing for what came in time, though it reads it long after it was due.

    The alarm is set at 0 s for 60 s, taken back at 30 s, and set again at 31 s for 40 s: that one rings once its time
    has come by the records. Between them is so much that many ticks of the clock pass.
    """
    job.slow_s = 0.01
    await create_topics(kafka.bootstrap, job.partitions)
    began_ms = int(time.time() * 1000) - 3_600_000
    key = b"lead"
    filler = next(name for name in (b"%d" % number for number in range(99)) if on_lane(name) == on_lane(key))
    filling = [(filler, b" " * 1_000, began_ms + number) for number in range(100)]
    at = {seconds: began_ms + seconds * 1_000 for seconds in (0, 30, 31, 40, 41, 60)}
    await set_alarms(kafka, job, [(key, b"%d" % at[60], at[0]), *filling, (key, b"", at[30]), *filling])
    await set_alarms(kafka, job, [(key, b"%d" % at[40], at[31]), *filling, (filler, b"%d" % at[60], at[41])])
    async with running(job, settings_of(fetch_bytes=2_000, lane_queue_bytes=4_000)) as worker:
        app = worker.worker._app
        assert app is not None
        lane = app.lane_tables[job.table].lanes[on_lane(key)]
        await until(lambda: lane.next[job.inputs[0]] >= 304, "all is read", timeout_s=30)
        expected = Counter([(key, b"%d" % at[40]), (filler, b"%d" % at[60])])
        async with asyncio.timeout(30):
            # Read to the end it follows the clock.
            while await rung(kafka, job) != expected:  # noqa: ASYNC110  a topic gives no sign
                await asyncio.sleep(0.2)
        assert worker.notes.folds == 304
        await until(lambda: not rows(worker.worker, job), "nothing is set any more")
    assert await rung(kafka, job) == expected


def on_lane(key: bytes) -> int:
    return by_murmur2(key, LANES)


async def test_what_is_due_survives_kills_and_happens_once(kafka: KafkaServer, job: SlowAlarms, tmp_path: Path) -> None:
    """Alarms fall due before, while and after a worker is dead; another finds what is left in the rows."""
    await create_topics(kafka.bootstrap, job.partitions)
    now_ms = int(time.time() * 1000)
    alarms = {b"lead-%d" % number: b"%d" % (now_ms + 1_500 + 20 * number) for number in range(200)}
    await set_alarms(kafka, job, [(key, due, now_ms) for key, due in alarms.items()])
    expected = Counter(alarms.items())
    for kills in range(3):
        process = await Process.start(kafka.bootstrap, job, tmp_path, alarms=True)
        try:
            await until(lambda: process.lanes() == LANES, "it has the lanes")  # noqa: B023
            if kills < 2:
                await asyncio.sleep(0.6)
                continue
            async with asyncio.timeout(30):
                while await rung(kafka, job) != expected:  # noqa: ASYNC110  a topic gives no sign
                    await asyncio.sleep(0.2)
        finally:
            await process.end()
    await asyncio.sleep(0.3)
    assert await rung(kafka, job) == expected


async def test_a_new_job_brings_every_row_up_once_without_a_record(
    kafka: KafkaServer, job: SlowAlarms, settings_of: SettingsOf
) -> None:
    """In the running lanes, and, where it is another's turn, not again."""
    await create_topics(kafka.bootstrap, job.partitions)
    keys = [b"lead-%d" % number for number in range(600)]
    settings: StreamSettings = settings_of()
    later = int(time.time() * 1000) + 3_600_000
    async with running(job, settings) as worker:
        await set_alarms(kafka, job, [(key, b"%d" % later, later - 3_600_000) for key in keys])
        await until(lambda: rows(worker.worker, job) == set(keys), "the alarms are set")
        newer = SlowAlarms(job.table, LANES, stamp=b"b")
        worker.worker.reload([newer])
        await until(lambda: all_under(worker.worker, job, newer.row(later)), "all rows are under the new stamp")
        with pytest.raises(ValueError, match="keeps its tables"):
            worker.worker.reload([Alarms("other")])
    async with running(newer, settings) as worker:
        await asyncio.sleep(0.3)
        assert all_under(worker.worker, job, newer.row(later))
    assert await rung(kafka, job) == Counter((key, b"b") for key in keys)


def all_under(worker: StreamWorker, job: SlowAlarms, row: bytes) -> bool:
    """Whether all rows are this one."""
    return {found for lane in worker.rows(job.table).values() for found in lane.values()} == {row}
