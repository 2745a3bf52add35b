"""Workers under faults: kills, freezes and broker crashes by a seeded plan, and what they left behind."""

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Literal

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord
from aiokafka.errors import KafkaError
from aiokafka.structs import TopicPartition

from engine.core.flow import InputRecord
from engine.stream.shard import POSITIONS, decode_positions
from tests.faults.books import OUTPUTS, Books, at_end, differences, expected
from tests.faults.workload import TOPIC, events, wanders
from tests.integration.worker.deployment import TIMELESS, Deployment, Program
from tests.servers.kafka import KafkaServer

TABLES = {"profiles": ("visitor-events", "lead-inbox"), "desk": ("routing-requests", "rep-events")}
ROUTING = """\
assign_on: [hot-lead, fast-track]
reps: {andy: {}, bea: {}, ravi: {}}
teams: {us: {reps: [andy, bea]}}
rules:
  - {name: best, when: {total: {gt: 90}, known: true}, to: {rep: ravi}}
  - {name: everyone-else, to: {team: us}}
"""
"""Without hours and deadlines: the desk's time is that of the records that workers write, another in every run."""
TICK_S = 0.1
SEND_TIMEOUT_S = 5.0
QUIET_POLL_S = 0.5

Kind = Literal["kill", "freeze", "broker"]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How large a run is and what befalls it. All is drawn from `seed`; times in seconds."""

    seed: int
    workers: int = 3
    partitions: int = 6
    leads: int = 1_000
    events: int = 8_000
    sending_s: float = 16.0
    kills: int = 2
    freezes: int = 1
    broker_kills: int = 1
    session_s: int = 2
    frozen_s: float = 5.0
    drained_within_s: float = 120.0
    command: Sequence[str] = TIMELESS

    def faults(self) -> "list[Fault]":
        """The faults in order, spread over the sending."""
        draw = Random(self.seed)
        wanted: dict[Kind, int] = {"kill": self.kills, "freeze": self.freezes, "broker": self.broker_kills}
        kinds = [kind for kind, count in wanted.items() for _ in range(count)]
        draw.shuffle(kinds)
        share = 0.85 / max(1, len(kinds))
        return [
            Fault(kind, 0.05 + share * (number + 0.8 * draw.random()), draw.randrange(self.workers), draw.random())
            for number, kind in enumerate(kinds)
        ]


@dataclass(frozen=True)
class Fault:
    """What happens once `at`, a part of 1, of the events is sent; for how long a killed worker stays away."""

    kind: Kind
    at: float
    worker: int
    away_s: float


@dataclass(frozen=True)
class Outcome:
    """What a run left behind: the log that was read, what came of it, and what workers did that they should not."""

    deployment: Deployment
    log: list[ConsumerRecord]
    found: Books
    forwarded: int
    ended: list[str]
    """Workers that ended by themselves or logged a trace."""

    def findings(self, *, without: int | None = None) -> list[str]:
        """What differs from the oracle; `without`: the number of a record that is kept from it."""
        log = [record for number, record in enumerate(self.log) if number != without]
        right = expected(self.deployment.configuration(), self.deployment.partitions, log)
        return self.ended + differences(right, self.found, wanders)


class Sent:
    """How much of the load is sent."""

    def __init__(self, load: Sequence[InputRecord]) -> None:
        """Nothing yet."""
        self.load = load
        self._part = 0.0
        self._more = asyncio.Condition()

    async def reached(self, part: float) -> None:
        """Wait until so much of it is sent, as a part of 1."""
        async with self._more:
            await self._more.wait_for(lambda: self._part >= part)

    async def send(self, bootstrap: str, within_s: float) -> None:
        """Send it all, evenly. What a crash leaves in doubt is sent again: the oracle reads the log as it is."""
        began_s = time.monotonic()
        size = max(1, round(len(self.load) * TICK_S / within_s))
        producer: AIOKafkaProducer | None = None
        for begin in range(0, len(self.load), size):
            while producer is None or not await _sent(producer, self.load[begin : begin + size]):
                await _closed(producer)
                producer = await _opened(bootstrap)
            async with self._more:
                self._part = min(1.0, (begin + size) / len(self.load))
                self._more.notify_all()
            await asyncio.sleep(max(0.0, began_s + within_s * self._part - time.monotonic()))
        await _closed(producer)


async def _opened(bootstrap: str) -> AIOKafkaProducer | None:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", request_timeout_ms=3_000)
    try:
        await producer.start()
    except KafkaError:
        await producer.stop()
        await asyncio.sleep(TICK_S)
        return None
    return producer


async def _sent(producer: AIOKafkaProducer, records: Sequence[InputRecord]) -> bool:
    try:
        async with asyncio.timeout(SEND_TIMEOUT_S):
            futures = [
                await producer.send(
                    TOPIC, record.value, key=record.key, partition=record.partition, timestamp_ms=record.timestamp
                )
                for record in records
            ]
            await asyncio.gather(*futures)
    except (KafkaError, TimeoutError):
        return False
    return True


async def _closed(producer: AIOKafkaProducer | None) -> None:
    if producer is not None:
        await asyncio.wait({asyncio.create_task(producer.stop())}, timeout=SEND_TIMEOUT_S)


async def run(plan: Plan, folder: Path) -> Outcome:
    """Carry `plan` out in `folder`, with a broker of its own, and wait until everything is read out."""
    kafka = KafkaServer(folder / "kafka")
    workers: list[Program] = []
    try:
        await asyncio.to_thread(kafka.start)
        deployment = Deployment(
            kafka.bootstrap, folder / "heatline", plan.partitions, kafka__session_timeout=f"{plan.session_s}s"
        )
        (deployment.folder / "routing.yaml").write_text(ROUTING)
        await asyncio.to_thread(deployment.run, "topics", "apply")
        workers += [deployment.worker(f"worker-{n}", command=plan.command) for n in range(plan.workers)]
        await asyncio.gather(*(asyncio.to_thread(worker.start) for worker in workers))
        sent = Sent(list(events(plan.seed, plan.leads, plan.events, plan.partitions)))
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(sent.send(kafka.bootstrap, plan.sending_s))
            tasks.create_task(_befall(plan, sent, kafka, workers))
        await read_out(deployment, plan.drained_within_s)
        ended = [f"{worker.directory.name} ended: {worker.logged()[-500:]}" for worker in workers if not worker.running]
        ended += [f"{worker.directory.name} raised: {worker.logged()[-500:]}" for worker in workers if _raised(worker)]
        log = await deployment.read(TOPIC)
        return Outcome(deployment, log, await _books(deployment, log), await _forwarded(deployment), ended)
    finally:
        for server in (*workers, kafka):
            server.kill()


def _raised(worker: Program) -> bool:
    """Whether it has logged a trace of its own or ended in one; what aiokafka leaves behind is not counted."""
    traces = [line for line in worker.logged().splitlines() if "Traceback" in line]
    return any(line.startswith("Traceback") or '"logger": "engine' in line for line in traces)


async def _befall(plan: Plan, sent: Sent, kafka: KafkaServer, workers: Sequence[Program]) -> None:
    """Let the faults happen, one after the other, each when it is due."""
    for fault in plan.faults():
        await sent.reached(fault.at)
        worker = workers[fault.worker]
        if fault.kind == "kill":
            await asyncio.to_thread(worker.kill)
            await asyncio.sleep(fault.away_s)
            await asyncio.to_thread(worker.start, wait=False)
        elif fault.kind == "freeze":
            worker.freeze()
            await asyncio.sleep(plan.frozen_s)
            worker.thaw()
        else:
            await asyncio.to_thread(kafka.kill)
            await asyncio.to_thread(kafka.start)


async def read_out(deployment: Deployment, within_s: float) -> None:
    """Wait until no transaction is open and nothing is left to read, twice in a row with the same ends."""
    deadline_s = time.monotonic() + within_s
    before: Mapping[TopicPartition, int] | None = None
    while True:
        ends, left = await _ends(deployment)
        if not left and ends == before:
            return
        before = None if left else ends
        assert time.monotonic() < deadline_s, f"not read out in {within_s:g} s: {'; '.join(sorted(left)[:10])}"
        await asyncio.sleep(QUIET_POLL_S)


async def _ends(deployment: Deployment) -> tuple[Mapping[TopicPartition, int], list[str]]:
    """Where the logs end, and what of them is open or unread."""
    counts = deployment.counts()
    tps = [TopicPartition(topic, number) for topic, count in counts.items() for number in range(count)]
    async with AIOKafkaConsumer(bootstrap_servers=deployment.bootstrap) as everything:
        ends: dict[TopicPartition, int] = await everything.end_offsets(tps)
    positions = await _positions(deployment)
    left = []
    async with AIOKafkaConsumer(
        bootstrap_servers=deployment.bootstrap, isolation_level="read_committed", auto_offset_reset="earliest"
    ) as committed:
        stable = await committed.end_offsets(tps)
        left += [f"{tp} has a transaction open" for tp in tps if stable[tp] != ends[tp]]
        inputs = [tp for tp in tps if any(tp.topic in topics for topics in TABLES.values())]
        behind = [tp for tp in inputs if positions.get(tp, 0) < stable[tp]]
        if behind and not left:
            committed.assign(behind)
            for tp in behind:
                committed.seek(tp, positions.get(tp, 0))
            # Behind the last record may be what transactions leave, which nobody ever reads.
            while behind and not left:
                fetched = await committed.getmany(*behind, timeout_ms=100)
                left += [f"{tp} is read up to {positions.get(tp, 0)} of {ends[tp]}" for tp in fetched if fetched[tp]]
                behind = [tp for tp in behind if await committed.position(tp) < stable[tp]]
    return ends, left


async def _positions(deployment: Deployment) -> dict[TopicPartition, int]:
    """How far each input is folded, as the changelogs say."""
    return {
        TopicPartition(topic, record.partition): offset
        for table in TABLES
        for record in await deployment.read(f"{table}-changelog")
        if record.key == POSITIONS and record.value
        for topic, offset in decode_positions(record.value).items()
    }


async def _books(deployment: Deployment, log: Sequence[ConsumerRecord]) -> Books:
    books = Books(rows=at_end(deployment.configuration(), await deployment.rows(), log))
    for topic in OUTPUTS:
        for record in await deployment.read(topic):
            books.enter(topic, record.value)
    return books


async def _forwarded(deployment: Deployment) -> int:
    return sum(1 for record in await deployment.read("lead-inbox") if record.headers)


def numbers_of(log: Sequence[ConsumerRecord], part: float) -> Iterator[int]:
    """The numbers of the records about `part`, from 0 to 1, through the log, whose visitors send no messageId."""
    begin = int(len(log) * part)
    return (number for number in range(begin, len(log)) if b"messageId" not in log[number].value)
