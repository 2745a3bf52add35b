"""A lane: one partition number of one table, folded and committed by one task, one transaction at a time."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from time import perf_counter

from engine.core.agenda import Agenda
from engine.core.flow import Fold, Job, Record
from engine.ops.observer import Observer
from engine.stream.chunk import Chunk
from engine.stream.errors import DeliveryHole, JobFailed, WriteFailed
from engine.stream.placing import Placer, size_of
from engine.stream.settings import StreamSettings
from engine.stream.shard import Overlay, Progress, Shard, changelog_records
from engine.stream.stage import Stage
from engine.stream.writer import Writer

log = logging.getLogger(__name__)

FOLD_RECORDS = 250
"""How many records or rows are folded before other lanes get their turn; so few also stay in the processor's cache."""
FOLD_SPAN_MS = 60_000
"""How much record time one fold may cover: what falls due between two records is folded with them."""
AGENDA_ROWS = 5_000
"""How many rows are looked through for the agenda before other lanes get their turn."""


class Lane:
    """Rows of one partition, the records that wait for them, and the task that folds the one into the other.

    Ownership is the writer's: what is merged into the rows has been committed. Time is that of the records of the
    job's first input, never ahead of the clock, and the clock's when there are no more. `woken` counts rows that were
    folded without a record. `on_failure` is told, once, when the task has stopped for an error; nothing that was staged
    survives it.
    """

    def __init__(
        self,
        job: Job,
        number: int,
        writer: Writer,
        placer: Placer,
        settings: StreamSettings,
        observer: Observer,
        release: Callable[[Chunk], None],
        on_commit: Callable[[], None],
        on_failure: Callable[["Lane", Exception], None],
    ) -> None:
        """Neither opened nor running; `release` is told each chunk that leaves the queue, `on_commit` each commit."""
        self.job = job
        self.number = number
        self.shard = Shard()
        self.last_timestamp_ms: dict[str, int] = {}
        self._writer = writer
        self._placer = placer
        self._settings = settings
        self._observer = observer
        self._release = release
        self._on_commit = on_commit
        self._on_failure = on_failure
        self._queue: deque[Chunk] = deque()
        self._arrived = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._epoch = -1
        self._failed = False
        self._next_job: Job | None = None
        self._taken: dict[str, int] = {}
        self._folded: dict[str, int] = {}
        self._stage = Stage()
        self._agenda: Agenda | None = None
        self._time_ms = 0
        self._clock_ms = 0
        self._stamp: bytes | None = None
        self.woken = 0

    @property
    def name(self) -> str:
        """`profiles-3`: for people."""
        return f"{self.job.table}-{self.number}"

    @property
    def next(self) -> Mapping[str, int]:
        """The consumer position of each input behind the last record folded, committed or not."""
        return self._folded

    async def open(self, *, keep: bool) -> None:
        """Make sure that nobody else writes here, and know where recovery ends. Raises WriteFailed.

        `keep`: rows may stay if the producer can still commit, since then nobody had the lane in between.
        """
        if keep and self.shard.recovered and not self._failed:
            try:
                self.shard.mark = await self._writer.mark()
            except WriteFailed as failure:
                log.info("lane %s is recovered anew: %s", self.name, failure)
            else:
                return
        self.shard.reset()
        self._agenda = None
        self.shard.mark = await self._writer.open()
        self._failed = False

    def start(self, epoch: int, positions: Mapping[str, int]) -> None:
        """Fold chunks of `epoch`, from these positions of each input on."""
        assert self._task is None
        self._epoch = epoch
        self._taken = dict(positions)
        self._folded = dict(positions)
        self._time_ms = self.shard.time_ms
        self._clock_ms = 0
        self._stamp = self.shard.stamp
        self._task = asyncio.create_task(self._run(), name=f"lane {self.name}")

    def put(self, chunk: Chunk) -> None:
        """Queue a chunk; a stale one is dropped."""
        if self._task is None or chunk.epoch != self._epoch:
            return
        self._queue.append(chunk)
        self._arrived.set()

    def tick(self, now_ms: int) -> None:
        """All that was written to the inputs before `now_ms` has been folded, so the lane's time has come so far."""
        self._clock_ms = max(self._clock_ms, now_ms)
        if self._is_due(self._clock_ms):
            self._arrived.set()
        else:
            self._time_ms = max(self._time_ms, now_ms)

    def reload(self, job: Job) -> None:
        """Go on with `job`, which has the same table and inputs, from the next fold on; before it come the rows."""
        self._next_job = job
        self._arrived.set()

    async def stop(self, patience_s: float | None = None) -> None:
        """Fold nothing more and drop what is staged; a transaction under way may end for so long."""
        self._epoch = -1
        task, self._task = self._task, None
        if task is not None:
            self._arrived.set()
            await asyncio.wait({task}, timeout=patience_s)
            if not task.done():
                self._failed = True
                task.cancel()
                await asyncio.wait({task})
        self._drop()

    async def close(self) -> None:
        """Give a stopped lane up."""
        await self._writer.close()
        self.shard.reset()
        self._agenda = None

    async def _run(self) -> None:
        try:
            while self._epoch >= 0:
                await self._prepare()
                await self._fold_until_due()
                if self._epoch >= 0:
                    await self._commit()
        except Exception as error:  # noqa: BLE001  whatever it is, the lane has stopped and somebody must know
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        self._failed = True
        self._epoch = -1
        self._drop()
        reason = error.reason if isinstance(error, WriteFailed) else "error"
        self._observer.failed(self.job.table, self.number, "hole" if isinstance(error, DeliveryHole) else reason)
        self._on_failure(self, error)

    def _drop(self) -> None:
        """Drop what waits and what is staged; what a dropped fold has taken from the agenda is found in the rows."""
        self._queue.clear()
        if self._stage or self._failed:
            self._agenda = None
        self._stage = Stage()

    async def _prepare(self) -> None:
        """Take a new job over, know what will fall due, and bring rows of another stamp up to the job's."""
        if self._next_job is not None:
            self.job, self._next_job = self._next_job, None
        if self._agenda is None:
            self._agenda = await self._made_agenda()
        if self._stamp != self.job.stamp:
            await self._restate(self._agenda)

    async def _made_agenda(self) -> Agenda:
        agenda = Agenda()
        for place, (key, row) in enumerate(self.shard.rows.items(), 1):
            due_ms = self.job.due(row)
            if due_ms is not None:
                agenda.put(due_ms, key)
            if place % AGENDA_ROWS == 0:
                await asyncio.sleep(0)
        return agenda

    async def _restate(self, agenda: Agenda) -> None:
        """Walk all rows; the new stamp is written with the last of them, so a walk that is cut short begins again."""
        job, before = self.job, self._stamp
        keys = list(self.shard.rows)
        for begin in range(0, len(keys), FOLD_RECORDS):
            some = keys[begin : begin + FOLD_RECORDS]
            self._fold_rows(
                lambda rows: job.restate(self.number, some, rows, agenda, before, self._time_ms),  # noqa: B023
                f"bringing its rows up to {job.stamp!r}",
            )
            if self._is_full():
                await self._commit()
            await asyncio.sleep(0)
            if self._epoch < 0:
                return
        self._stamp = job.stamp
        if keys:
            await self._commit()

    async def _fold_until_due(self) -> None:
        """Fold what arrives or falls due until somebody waits for it, it is enough, or it has waited long enough."""
        loop = asyncio.get_running_loop()
        alarm: asyncio.TimerHandle | None = None
        due_at = 0.0
        try:
            while self._epoch >= 0 and self._next_job is None:
                if self._queue:
                    await self._fold_waiting()
                elif self._is_due(self._clock_ms):
                    await self._wake(self._clock_ms)
                if self._stage.urgent or self._is_full():
                    return
                if self._stage and alarm is None:
                    due_at = loop.time() + self._settings.commit_after_s
                    alarm = loop.call_at(due_at, self._arrived.set)
                if alarm is not None and loop.time() >= due_at:
                    return
                if not (self._queue or self._is_due(self._clock_ms)):
                    self._arrived.clear()
                    await self._arrived.wait()
        finally:
            if alarm is not None:
                alarm.cancel()

    async def _fold_waiting(self) -> None:
        """Fold all that waits now, in slices, so that other lanes get their turn."""
        records: list[Record] = []
        while self._queue and len(records) < self._settings.commit_records:
            chunk = self._queue.popleft()
            self._check(chunk)
            records.extend(chunk.records)
            self._taken[chunk.partition.topic] = chunk.end
            self.last_timestamp_ms[chunk.partition.topic] = chunk.records[-1].timestamp
            self._stage.bytes += chunk.size
            self._release(chunk)
        begin = 0
        while begin < len(records):
            end = slice_end(records, begin)
            await self._fold(records[begin:end])
            await asyncio.sleep(0)
            if self._epoch < 0:
                return
            begin = end
        self._folded.update(self._taken)

    def _check(self, chunk: Chunk) -> None:
        due = self._taken.get(chunk.partition.topic)
        if chunk.start != due:
            topic, number = chunk.partition
            raise DeliveryHole(f"{topic}[{number}] was delivered from position {chunk.start}; {due} was due")

    async def _fold(self, records: Sequence[Record]) -> None:
        """Fold a slice; what falls due before its first record of time goes first, however much it is."""
        agenda, timed = self._agenda, self.job.inputs[0]
        assert agenda is not None
        times = [record.timestamp for record in records if record.topic == timed]
        agenda.clock_ms = clock_ms = wall_ms()
        if times:
            await self._wake(min(times[0], clock_ms))
            if self._epoch < 0:
                return
        first, last = records[0], records[-1]
        started = perf_counter()
        fold = self._called(
            lambda rows: self.job.fold(self.number, records, rows, agenda),
            f"folding {first.topic}[{first.partition}] offset {first.offset} "
            f"to {last.topic}[{last.partition}] offset {last.offset}",
        )
        self._stage.add(fold, len(records))
        for topic, offset in {record.topic: record.offset for record in records}.items():
            self._folded[topic] = offset + 1
        self._time_ms = max(self._time_ms, min(max(times, default=0), clock_ms))
        self._observer.folded(self.job.table, self.number, len(records), perf_counter() - started)

    def _is_due(self, until_ms: int) -> bool:
        return self._agenda is not None and self._agenda.next_ms <= until_ms

    async def _wake(self, until_ms: int) -> None:
        """Fold what falls due at or before `until_ms`, as much in a transaction as it takes."""
        agenda = self._agenda
        assert agenda is not None
        while self._is_due(until_ms):
            self._fold_rows(
                lambda rows: self.job.wake(self.number, until_ms, rows, agenda, FOLD_RECORDS),
                f"waking what was due at {until_ms}",
            )
            if self._is_full():
                await self._commit()
            await asyncio.sleep(0)
            if self._epoch < 0:
                return
        self._time_ms = max(self._time_ms, until_ms)

    def _fold_rows(self, work: Callable[[Overlay], Fold], doing: str) -> None:
        fold = self._called(work, doing)
        if fold.rows or fold.outputs:
            self._stage.add(fold, len(fold.rows))
            self.woken += len(fold.rows)

    def _called(self, work: Callable[[Overlay], Fold], doing: str) -> Fold:
        """What the job's `work` comes to with the rows as they stand. Raises JobFailed where it raises."""
        try:
            fold = work(Overlay(self.shard.rows, self._stage.rows))
        except Exception as error:
            raise JobFailed(
                f"the {self.job.table} job raised {type(error).__name__}: {error}; it was {doing}"
            ) from error
        for trace in fold.errors:
            log.error("lane %s: a record is a dead letter because of a defect of ours: %s", self.name, trace)
        return fold

    def _is_full(self) -> bool:
        stage, settings = self._stage, self._settings
        return stage.records >= settings.commit_records or stage.bytes >= settings.commit_bytes

    async def _commit(self) -> None:
        """Make outputs, rows and progress readable together, and only then take the rows over."""
        stage, shard = self._stage, self.shard
        if not stage and self._stamp == shard.stamp:
            return
        started = perf_counter()
        progress = Progress({**shard.positions, **self._folded}, self._time_ms, self._stamp)
        stage.check(self.name, self._settings.record_bytes_max)
        batches, oversized = self._placer.place(stage.outputs, self.number)
        for output in oversized:
            log.error(
                "lane %s drops an output to %s with key %r: %d bytes, the broker takes %d",
                self.name,
                output.topic,
                output.key,
                size_of(output.key, output.value, output.headers),
                self._settings.record_bytes_max,
            )
        if oversized:
            stage.folds.append(Fold([], {}, urgent=False, tally={("dropped", "oversized"): len(oversized)}))
        await self._writer.write(batches, changelog_records(stage.rows, progress, shard.stamp, self._settings.app_id))
        shard.merge(stage.rows, progress)
        self._on_commit()
        self._observer.committed(self.job.table, self.number, stage.folds, perf_counter() - started)
        self._stage = Stage()


def wall_ms() -> int:
    """The clock: no record's time counts for more."""
    return int(time.time() * 1000)


def slice_end(records: Sequence[Record], begin: int) -> int:
    """Where a fold of `records` that begins at `begin` ends: before they are too many, or span too much time."""
    end = min(begin + FOLD_RECORDS, len(records))
    first_ms = records[begin].timestamp
    while end - begin > 1 and records[end - 1].timestamp - first_ms > FOLD_SPAN_MS:
        end = begin + (end - begin) // 2
    return end
