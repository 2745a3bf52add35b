"""A lane: one partition number of one table, folded and committed by one task, one transaction at a time."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Mapping
from time import perf_counter

from engine.core.flow import Fold, Job, Output, Record
from engine.ops.observer import Observer
from engine.stream.chunk import Chunk
from engine.stream.errors import DeliveryHole, JobFailed, RecordTooLarge, WriteFailed
from engine.stream.placing import Placer, size_of
from engine.stream.settings import StreamSettings
from engine.stream.shard import Overlay, Shard, Staged, changelog_records
from engine.stream.writer import Writer

log = logging.getLogger(__name__)

FOLD_RECORDS = 250
"""How many records are folded before other lanes get their turn; so few also stay in the processor's cache."""


class Lane:
    """Rows of one partition, the records that wait for them, and the task that folds the one into the other.

    Ownership is the writer's: what is merged into the rows has been committed. `on_failure` is told, once, when the
    task has stopped for an error; nothing that was staged survives it.
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
        self._next: dict[str, int] = {}
        self._drop_staged()

    @property
    def name(self) -> str:
        """`profiles-3`: for people."""
        return f"{self.job.table}-{self.number}"

    @property
    def next(self) -> Mapping[str, int]:
        """The consumer position of each input behind the last record folded, committed or not."""
        return self._next

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
        self.shard.mark = await self._writer.open()
        self._failed = False

    def start(self, epoch: int, positions: Mapping[str, int]) -> None:
        """Fold chunks of `epoch`, from these positions of each input on."""
        assert self._task is None
        self._epoch = epoch
        self._next = dict(positions)
        self._task = asyncio.create_task(self._run(), name=f"lane {self.name}")

    def put(self, chunk: Chunk) -> None:
        """Queue a chunk; a stale one is dropped."""
        if self._task is None or chunk.epoch != self._epoch:
            return
        self._queue.append(chunk)
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
        self._queue.clear()
        self._drop_staged()

    async def close(self) -> None:
        """Give a stopped lane up."""
        await self._writer.close()
        self.shard.reset()

    async def _run(self) -> None:
        try:
            while self._epoch >= 0:
                await self._fold_until_due()
                if self._epoch >= 0:
                    await self._commit()
        except Exception as error:  # noqa: BLE001  whatever it is, the lane has stopped and somebody must know
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        self._failed = True
        self._epoch = -1
        self._queue.clear()
        self._drop_staged()
        reason = error.reason if isinstance(error, WriteFailed) else "error"
        self._observer.failed(self.job.table, self.number, "hole" if isinstance(error, DeliveryHole) else reason)
        self._on_failure(self, error)

    def _drop_staged(self) -> None:
        self._staged: Staged = {}
        self._outputs: list[Output] = []
        self._folds: list[Fold] = []
        self._records = 0
        self._bytes = 0
        self._urgent = False

    async def _fold_until_due(self) -> None:
        """Fold what arrives until somebody waits for it, it is enough, or it has waited long enough."""
        settings = self._settings
        loop = asyncio.get_running_loop()
        alarm: asyncio.TimerHandle | None = None
        due_at = 0.0
        try:
            while self._epoch >= 0:
                if self._queue:
                    await self._fold_waiting()
                    if self._urgent or self._records >= settings.commit_records or self._bytes >= settings.commit_bytes:
                        return
                    if alarm is None:
                        due_at = loop.time() + settings.commit_after_s
                        alarm = loop.call_at(due_at, self._arrived.set)
                if alarm is not None and loop.time() >= due_at:
                    return
                if not self._queue:
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
            self._next[chunk.partition.topic] = chunk.end
            self.last_timestamp_ms[chunk.partition.topic] = chunk.records[-1].timestamp
            self._bytes += chunk.size
            self._release(chunk)
        for begin in range(0, len(records), FOLD_RECORDS):
            self._fold(records[begin : begin + FOLD_RECORDS])
            await asyncio.sleep(0)
            if self._epoch < 0:
                return

    def _check(self, chunk: Chunk) -> None:
        due = self._next.get(chunk.partition.topic)
        if chunk.start != due:
            topic, number = chunk.partition
            raise DeliveryHole(f"{topic}[{number}] was delivered from position {chunk.start}; {due} was due")

    def _fold(self, records: list[Record]) -> None:
        started = perf_counter()
        try:
            fold = self.job.fold(self.number, records, Overlay(self.shard.rows, self._staged))
        except Exception as error:
            first, last = records[0], records[-1]
            raise JobFailed(
                f"the {self.job.table} job raised {type(error).__name__}: {error}; it was folding {first.topic}"
                f"[{first.partition}] offset {first.offset} to {last.topic}[{last.partition}] offset {last.offset}"
            ) from error
        self._staged.update(fold.rows)
        self._outputs.extend(fold.outputs)
        self._folds.append(fold)
        self._records += len(records)
        self._urgent = self._urgent or fold.urgent
        for trace in fold.errors:
            log.error("lane %s: a record is a dead letter because of a defect of ours: %s", self.name, trace)
        self._observer.folded(self.job.table, self.number, len(records), perf_counter() - started)

    async def _commit(self) -> None:
        """Make outputs, rows and position readable together, and only then take the rows over."""
        started = perf_counter()
        positions = {**self.shard.positions, **self._next}
        self._check_rows()
        batches, oversized = self._placer.place(self._outputs, self.number)
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
            self._folds.append(Fold([], {}, urgent=False, tally={("dropped", "oversized"): len(oversized)}))
        changelog = changelog_records(self._staged, positions, self._settings.app_id)
        await self._writer.write(batches, changelog)
        self.shard.merge(self._staged, positions)
        self._on_commit()
        self._observer.committed(self.job.table, self.number, self._folds, perf_counter() - started)
        self._drop_staged()

    def _check_rows(self) -> None:
        size_max = self._settings.record_bytes_max
        for key, value in self._staged.items():
            if value is not None and len(key) + len(value) > size_max - 128:
                raise RecordTooLarge(
                    f"the row {key!r} of {self.name} is {len(value):,} bytes; the broker takes records of {size_max:,}"
                )
