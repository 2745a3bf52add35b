"""A worker: some jobs, run on the lanes that the group assigns to it, until it is told to stop."""

import asyncio
import logging
import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from engine.core.flow import Job
from engine.ops.observer import Observer
from engine.stream.app import StreamApp
from engine.stream.catalog import changelog_of
from engine.stream.cluster import check_cluster
from engine.stream.errors import DataDirectoryError, StreamError
from engine.stream.gauges import report
from engine.stream.logs import quiet_libraries
from engine.stream.outage import wait
from engine.stream.settings import StreamSettings
from engine.stream.ticker import follow_clock

log = logging.getLogger(__name__)

RESTART_DELAYS_S = (0.5, 1.0, 2.0, 5.0)
RESTARTS_MAX = 20
"""How often Faust may crash in a row, without a commit in between, before the worker ends."""


class StreamWorker:
    """Runs jobs with the guarantees of the design: nothing lost, nothing doubled (plain mode: nothing lost).

    `partitions`: the partition count of every input, changelog and output topic.
    """

    def __init__(
        self, jobs: Sequence[Job], settings: StreamSettings, partitions: Mapping[str, int], observer: Observer
    ) -> None:
        """Opens nothing; raises ValueError where the inputs of a job and its changelog differ in number."""
        for job in jobs:
            topics = (*job.inputs, changelog_of(job.table))
            if len({partitions[topic] for topic in topics}) != 1:
                raise ValueError(f"{', '.join(topics)} must have the same number of partitions")
        self._jobs = jobs
        self._settings = settings
        self._partitions = partitions
        self._observer = observer
        self._app: StreamApp | None = None

    def reload(self, jobs: Sequence[Job]) -> None:
        """Go on with these jobs: each lane between two folds, then brings its rows up to its job's stamp.

        Raises ValueError where their tables or inputs are others.
        """
        if {job.table: job.inputs for job in jobs} != {job.table: job.inputs for job in self._jobs}:
            raise ValueError("a running worker keeps its tables and their inputs")
        self._jobs = jobs
        if self._app is not None:
            self._app.reload(jobs)

    @property
    def ready(self) -> bool:
        """Whether partitions are assigned and recovered, and their lanes run."""
        return self._app is not None and self._app.ready

    @property
    def lanes(self) -> Mapping[str, int]:
        """How many lanes of each table this worker has."""
        if self._app is None:
            return MappingProxyType({job.table: 0 for job in self._jobs})
        return MappingProxyType({name: len(table.lanes) for name, table in self._app.lane_tables.items()})

    def rows(self, table: str) -> Mapping[int, Mapping[bytes, bytes]]:
        """The committed rows of `table` by lane: to look at, not to keep."""
        return {} if self._app is None else self._app.lane_tables[table].rows()

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set, then end transactions, leave the group and return, within 5 s.

        Lane errors, a broker that restarts and a Faust that crashes are survived. Raises a StreamError where going on
        would not help: its text is one line that says why.
        """
        quiet_libraries(log)
        self._make_data_dir()
        if self._settings.plain:
            log.warning("plain mode: no transactions; a crash may double what was in flight")
        crashes = 0
        patience_s = self._settings.start_timeout_s
        while not stop.is_set():
            await check_cluster(self._settings, self._partitions, stop, patience_s)
            if stop.is_set():
                return
            crash, app = await self._run_app(stop)
            if app.was_ready:
                patience_s = math.inf
            if crash is None:
                return
            crashes = 1 if app.was_useful else crashes + 1
            if crashes > RESTARTS_MAX:
                raise StreamError(f"the worker crashed {crashes} times in a row, last by {_named(crash)}")
            delay_s = RESTART_DELAYS_S[min(crashes, len(RESTART_DELAYS_S)) - 1]
            log.warning("starting again in %g s after %s", delay_s, _named(crash))
            await wait(stop, delay_s)

    async def _run_app(self, stop: asyncio.Event) -> tuple[BaseException | None, StreamApp]:
        """Run one Faust app to its end: what it crashed by, if it did, and the app."""
        app = self._app = StreamApp(self._jobs, self._settings, self._partitions, self._observer)
        starting = asyncio.create_task(app.start())
        reporting = asyncio.create_task(report(app, self._observer))
        ticking = asyncio.create_task(follow_clock(app))
        watched = {
            asyncio.create_task(stop.wait()),
            asyncio.create_task(app.wait_until_stopped()),
            reporting,
            ticking,
            app.failure,
        }
        try:
            await asyncio.wait({starting, *watched}, return_when=asyncio.FIRST_COMPLETED)
            if not starting.done() or starting.exception() is None:
                await asyncio.wait(watched, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await app.end()
            for task in (starting, *watched):
                task.cancel()
            await asyncio.gather(starting, *watched, return_exceptions=True)
        if app.failure.done() and not app.failure.cancelled():
            raise app.failure.result()
        if stop.is_set():
            return None, app
        crash = app.crash_reason or _error_of(starting) or _error_of(reporting) or _error_of(ticking)
        return crash or RuntimeError("Faust stopped"), app

    def _make_data_dir(self) -> None:
        path = self._settings.data_dir
        try:
            path.mkdir(parents=True, exist_ok=True)
            probe = path / ".writable"
            probe.touch()
            probe.unlink()
        except OSError as error:
            raise DataDirectoryError(f"data directory {path}: {error.strerror}; set another, or its rights") from error


def _error_of(task: "asyncio.Task[None]") -> BaseException | None:
    return task.exception() if task.done() and not task.cancelled() else None


def _named(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())
