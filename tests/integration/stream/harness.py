"""What the tests of the stream layer share: topics, events, worker processes, and the check of the toy's books."""

import asyncio
import contextlib
import itertools
import json
import random
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from pathlib import Path

import aiokafka
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.structs import TopicPartition

from engine.stream.settings import StreamSettings
from engine.stream.worker import StreamWorker
from tests.integration.stream.toy import SlowAlarms, Tally
from tests.unit.stream.notes import Notes

ROOT = Path(__file__).parents[3]
Toy = Tally | SlowAlarms
_names = itertools.count()


def new_name() -> str:
    """A name that no other test uses: tests share one broker."""
    return f"toy{next(_names)}"


async def create_topics(bootstrap: str, partitions: Mapping[str, int], **configs: str) -> None:
    """Create the topics, changelogs compacted; `configs` go to the changelogs."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.create_topics(
            [
                NewTopic(
                    topic,
                    count,
                    1,
                    topic_configs={"cleanup.policy": "compact", **configs} if topic.endswith("-changelog") else {},
                )
                for topic, count in partitions.items()
            ]
        )
    finally:
        await admin.close()


async def produce(
    bootstrap: str, topic: str, keys: Iterable[bytes | None], lanes: int, seed: int = 0, batch_bytes: int = 16_384
) -> Counter[bytes]:
    """Send an event for each key to a partition at random; how often each key was sent."""
    draw = random.Random(seed)
    sent: Counter[bytes] = Counter()
    async with aiokafka.AIOKafkaProducer(
        bootstrap_servers=bootstrap, linger_ms=2, max_batch_size=batch_bytes
    ) as producer:
        futures = []
        for key in keys:
            futures.append(await producer.send(topic, b"event", key=key, partition=draw.randrange(lanes)))
            if key is not None:
                sent[key] += 1
        await asyncio.gather(*futures)
    return sent


async def read_committed(bootstrap: str, topic: str, partitions: int) -> list[tuple[bytes, bytes | None]]:
    """Keys and values of all that is readable in a topic."""
    async with aiokafka.AIOKafkaConsumer(
        bootstrap_servers=bootstrap, isolation_level="read_committed", auto_offset_reset="earliest"
    ) as consumer:
        tps = [TopicPartition(topic, number) for number in range(partitions)]
        consumer.assign(tps)
        ends = await consumer.end_offsets(tps)
        await consumer.seek_to_beginning(*tps)
        records = []
        while True:
            for batch in (await consumer.getmany(timeout_ms=100)).values():
                records += [(record.key, record.value) for record in batch]
            if all([await consumer.position(tp) >= ends[tp] for tp in tps]):
                return records


class Books:
    """What is readable of a toy job: its rows, and the counts it put out."""

    def __init__(self, rows: Mapping[bytes, int], outputs: Counter[tuple[bytes, bytes | None]]) -> None:
        """`rows`: count by key; `outputs`: how often each (key, count) was put out."""
        self.rows = rows
        self.outputs = outputs

    def errors(self, sent: Counter[bytes]) -> list[str]:
        """What is wrong, one sentence each; empty where nothing was lost and nothing doubled."""
        wrong = [
            f"{key!r}: {self.rows.get(key, 0)} counted, {n} sent" for key, n in sent.items() if self.rows.get(key) != n
        ]
        expected = {(key, b"%d" % i) for key, n in sent.items() for i in range(1, n + 1)}
        wrong += [f"{output} never put out" for output in expected - set(self.outputs)]
        wrong += [f"{output} put out {n} times" for output, n in self.outputs.items() if n > 1]
        return wrong


async def read_books(bootstrap: str, job: Tally) -> Books:
    """The books as any committed reader sees them."""
    rows = await read_committed(bootstrap, f"{job.table}-changelog", job.partitions[f"{job.table}-changelog"])
    outputs = await read_committed(bootstrap, job.out, job.partitions[job.out])
    counts = {key: int(value) for key, value in rows if value is not None and not key.startswith(b"\0")}
    return Books(counts, Counter(outputs))


async def settled_books(bootstrap: str, job: Tally, sent: Counter[bytes], timeout_s: float = 30.0) -> Books:
    """The books once as many events are counted as were sent, or as they are after `timeout_s`."""
    deadline = asyncio.get_running_loop().time() + timeout_s
    while True:
        books = await read_books(bootstrap, job)
        if sum(books.rows.values()) >= sent.total() or asyncio.get_running_loop().time() > deadline:
            return books
        await asyncio.sleep(0.2)


async def until(condition: Callable[[], bool], what: str, timeout_s: float = 20.0) -> None:
    """Wait for `condition`; raises AssertionError naming `what` where it does not come true."""
    deadline = asyncio.get_running_loop().time() + timeout_s
    while not condition():
        assert asyncio.get_running_loop().time() < deadline, f"timed out: {what}"
        await asyncio.sleep(0.02)


class Process:
    """A worker process of the toy."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        """`start` makes one."""
        self.process = process
        self.lines: list[str] = []
        self._reader = asyncio.create_task(self._read())

    @classmethod
    async def start(cls, bootstrap: str, job: Toy, data_dir: Path, **options: object) -> "Process":
        """Run `toy.py` in a process of its own; options as in its `main`."""
        arguments = {
            "bootstrap": bootstrap,
            "table": job.table,
            "lanes": job.lanes,
            "app_id": job.table,
            "data_dir": str(data_dir),
            "slow_s": 0.0,
            "plain": False,
            "unfenced": False,
            "alarms": False,
            **options,
        }
        command = (sys.executable, "-m", "tests.integration.stream.toy", json.dumps(arguments))
        pipe = asyncio.subprocess.PIPE
        return cls(
            await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=pipe, stderr=asyncio.subprocess.STDOUT)
        )

    async def _read(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            self.lines.append(line.decode().strip())

    def lanes(self) -> int:
        """Lanes of the last assignment it told of."""
        told = [json.loads(line.removeprefix("assigned ")) for line in self.lines if line.startswith("assigned ")]
        return sum(told[-1].values()) if told else -1

    async def end(self) -> None:
        """Kill what is left of it."""
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        await self.process.wait()
        await self._reader


class Running:
    """A worker in this process, with its observer."""

    def __init__(self, job: Toy, settings: StreamSettings) -> None:
        """`start` runs it."""
        self.job = job
        self.notes = Notes()
        self.stop = asyncio.Event()
        self.worker = StreamWorker([job], settings, job.partitions, self.notes)
        self.task = asyncio.create_task(self.worker.run(self.stop))

    async def ready(self) -> "Running":
        """Once its lanes run; raises what it ended by."""
        await until(lambda: self.worker.ready or self.task.done(), "the worker is ready")
        if self.task.done():
            await self.task
        return self

    async def end(self) -> None:
        """Stop it; raises what it ended by."""
        self.stop.set()
        await self.task

    def counts(self) -> Counter[bytes]:
        """The rows in memory."""
        return Counter(
            {key: int(row) for rows in self.worker.rows(self.job.table).values() for key, row in rows.items()}
        )


@contextlib.asynccontextmanager
async def running(job: Toy, settings: StreamSettings) -> AsyncIterator[Running]:
    """A worker that is ready, and stopped in the end."""
    worker = Running(job, settings)
    try:
        yield await worker.ready()
    finally:
        await worker.end()
