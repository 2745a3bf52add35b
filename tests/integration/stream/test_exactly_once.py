"""Nothing lost and nothing doubled, whatever happens to the workers."""

import asyncio
import signal
from collections import Counter
from pathlib import Path

from tests.integration.stream.harness import Process, create_topics, new_name, produce, settled_books, until
from tests.integration.stream.toy import Tally
from tests.servers.kafka import KafkaServer

LANES = 4
KEYS = [b"lead-%d" % i for i in range(50)]


async def send_slowly(bootstrap: str, job: Tally, rounds: int) -> Counter[bytes]:
    """Events over `rounds` × 0.1 s, so that faults fall between them."""
    sent: Counter[bytes] = Counter()
    for seed in range(rounds):
        sent += await produce(bootstrap, job.inputs[0], KEYS * 4, LANES, seed)
        await asyncio.sleep(0.1)
    return sent


async def test_a_killed_and_a_frozen_worker_lose_and_double_nothing(kafka: KafkaServer, tmp_path: Path) -> None:
    """SIGKILL one of two workers; freeze the other past its session while a third takes over, and thaw it."""
    job = Tally(new_name(), LANES)
    await create_topics(kafka.bootstrap, job.partitions)
    first, second = [await Process.start(kafka.bootstrap, job, tmp_path / name, slow_s=0.02) for name in "ab"]
    workers = [first, second]
    try:
        await until(lambda: (first.lanes(), second.lanes()) == (2, 2), "two lanes each")
        sending = asyncio.create_task(send_slowly(kafka.bootstrap, job, rounds=60))
        await asyncio.sleep(1.0)
        first.process.kill()
        await until(lambda: second.lanes() == LANES, "the survivor has all lanes")
        workers.append(third := await Process.start(kafka.bootstrap, job, tmp_path / "c", slow_s=0.02))
        await until(lambda: third.lanes() == 2, "lanes are shared again")
        second.process.send_signal(signal.SIGSTOP)
        await until(lambda: third.lanes() == LANES, "the third worker has all lanes")
        second.process.send_signal(signal.SIGCONT)
        await until(lambda: second.lanes() == 2 and third.lanes() == 2, "the thawed worker is back")
        sent = await sending
        books = await settled_books(kafka.bootstrap, job, sent)
        assert books.errors(sent) == []
        for worker in (second, third):
            worker.process.send_signal(signal.SIGTERM)
        assert [await worker.process.wait() for worker in (second, third)] == [0, 0]
    finally:
        await asyncio.gather(*(worker.end() for worker in workers))


async def test_without_fences_the_books_do_not_balance(kafka: KafkaServer, tmp_path: Path) -> None:
    """The check finds what fences prevent: a thawed worker that commits although it has lost its lanes."""
    job = Tally(new_name(), LANES)
    await create_topics(kafka.bootstrap, job.partitions)
    options = {"slow_s": 0.3, "unfenced": True}
    workers = [frozen := await Process.start(kafka.bootstrap, job, tmp_path / "a", **options)]
    try:
        await until(lambda: frozen.lanes() == LANES, "the first worker is alone")
        workers.append(other := await Process.start(kafka.bootstrap, job, tmp_path / "b", **options))
        await until(lambda: (frozen.lanes(), other.lanes()) == (2, 2), "two lanes each")
        sending = asyncio.create_task(send_slowly(kafka.bootstrap, job, rounds=30))
        await asyncio.sleep(1.0)
        frozen.process.send_signal(signal.SIGSTOP)
        await until(lambda: other.lanes() == LANES, "the other worker has all lanes")
        await asyncio.sleep(1.0)
        frozen.process.send_signal(signal.SIGCONT)
        await until(lambda: frozen.lanes() == 2, "the thawed worker is back")
        sent = await sending
        books = await settled_books(kafka.bootstrap, job, sent, timeout_s=5.0)
        assert books.errors(sent) != []
    finally:
        await asyncio.gather(*(worker.end() for worker in workers))
