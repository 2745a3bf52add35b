"""A large desk: how long its configuration takes to read, a decision to make, and its rows to be read back."""

import asyncio
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from typing import NamedTuple

from benchmarks.cluster import running_cluster
from benchmarks.filling import Placed, fill
from benchmarks.organisation import REPS, TEAMS, ZIPS, requests, write_organisation
from benchmarks.recovery import time_recovery
from benchmarks.report import Figure, at_most
from benchmarks.sizes import Sizes
from engine.app.worker import keep_collector_rare
from engine.configuration import load_folder
from engine.core.agenda import Agenda
from engine.core.flow import InputRecord, Job
from engine.core.instants import from_rfc3339
from engine.core.messages import REQUESTS_TOPIC, LeadRequested, encode

CHANGELOG = "desk-changelog"
RUNS = 3
SIZE = f"{REPS} reps, {TEAMS} teams, {ZIPS:,} zips"
WORKING_MS = from_rfc3339("2026-11-24T15:30:00Z")
"""A Tuesday: morning in the east of the US, afternoon in Berlin, so that some of most teams are there."""
HOLIDAY_MS = from_rfc3339("2026-11-26T15:30:00Z")
"""Thanksgiving in all of the reps' zones."""


def routing(sizes: Sizes) -> Iterator[Figure]:
    """Reading the files, deciding beside `open_leads` leads in rows, restating them, reading them back from Kafka."""
    keep_collector_rare()
    with TemporaryDirectory(prefix="heatline-bench-") as directory:
        folder = Path(directory)
        write_organisation(folder)
        loaded_s = min(_timed(lambda: load_folder(folder)) for _ in range(RUNS))
        yield Figure("routing", "configuration read", loaded_s, "s", at_most(2), SIZE)
        job = load_folder(folder).jobs(partitions=12)[1]
        desk = _Desk(job, {}, Agenda(), WORKING_MS)
        for request in requests(sizes.open_leads, WORKING_MS):
            desk.ask(request)
        measured = sizes.open_leads // 5
        note = f"beside {sizes.open_leads:,} open leads, one request a fold, decoded and encoded"
        yield from desk.decisions("in working hours", measured, note)
        # Without an agenda no deadline falls due: decisions alone are measured.
        closed = _Desk(job, dict(desk.rows), Agenda(), HOLIDAY_MS)
        for request in requests(measured, HOLIDAY_MS, first=sizes.open_leads):
            closed.ask(request)
        yield from closed.decisions("on a holiday", measured, "all reps are closed, and a hundred rules tried in vain")
        yield Figure("routing", "a rep goes away", desk.away_ms(), "ms", note="and all clocks of the rep stop")
        yield Figure("routing", "a changed routing.yaml taken over", desk.restated_s(), "s")
        yield Figure("routing", "a row of a lead", desk.row_bytes, "bytes")
        with running_cluster(4) as cluster:
            placed = (Placed(0, WORKING_MS, key, row) for key, row in desk.rows.items())
            asyncio.run(fill(cluster.kafka.bootstrap, CHANGELOG, placed))
            recovery_s, start_s = time_recovery(cluster.worker(config=folder))
        yield Figure("routing", "desk recovered", recovery_s, "s", at_most(5), f"{sizes.open_leads:,} open leads")
        yield Figure("routing", "· process started to ready", start_s, "s")


class _Taken(NamedTuple):
    """How long a fold took, and for how much of that time it had a core."""

    wall_ms: float
    busy_ms: float


class _Desk:
    """The rows of a desk, and how long each request took."""

    def __init__(self, job: Job, rows: dict[bytes, bytes], agenda: Agenda, now_ms: int) -> None:
        self._job = job
        self.rows = rows
        self._agenda = agenda
        self._now_ms = now_ms
        self._taken: list[_Taken] = []

    def ask(self, request: LeadRequested) -> None:
        """Fold one request."""
        self._taken.append(self._fold(REQUESTS_TOPIC, encode(request)))

    def decisions(self, when: str, count: int, note: str) -> Iterator[Figure]:
        """How long the last so many decisions took."""
        taken = self._taken[-count:]
        taken_ms, busy_ms = [one.wall_ms for one in taken], [one.busy_ms for one in taken]
        yield Figure("routing", f"a decision {when}, p99", _p99(taken_ms), "ms", at_most(1), note)
        yield Figure("routing", "· the median", median(taken_ms), "ms")
        yield Figure("routing", "· processor time, p99", _p99(busy_ms), "ms")
        yield Figure("routing", "· processor time, the median", median(busy_ms), "ms")

    def away_ms(self) -> float:
        """How long it takes when a rep goes away."""
        return self._fold("rep-events", b'{"type": "rep.away", "rep": "rep-7"}').wall_ms

    def restated_s(self) -> float:
        """How long all rows take under another routing."""
        began_s = time.perf_counter()
        self._job.restate(0, list(self.rows), self.rows, self._agenda, b"another", self._now_ms)
        return time.perf_counter() - began_s

    @property
    def row_bytes(self) -> float:
        """The mean size of a lead's row."""
        return median(len(row) for key, row in self.rows.items() if key.startswith(b"main/lead/"))

    def _fold(self, topic: str, value: bytes) -> _Taken:
        record = InputRecord(topic, 0, len(self._taken), self._now_ms, b"main", value)
        began_ns, began_busy_ns = time.perf_counter_ns(), time.thread_time_ns()
        fold = self._job.fold(0, [record], self.rows, self._agenda)
        busy_ns, wall_ns = time.thread_time_ns() - began_busy_ns, time.perf_counter_ns() - began_ns
        assert not fold.errors, fold.errors
        for key, row in fold.rows.items():
            assert row is not None
            self.rows[key] = row
        return _Taken(wall_ns / 1e6, busy_ns / 1e6)


def _p99(taken_ms: list[float]) -> float:
    return quantiles(taken_ms, n=100)[98]


def _timed(work: Callable[[], object]) -> float:
    began_s = time.perf_counter()
    work()
    return time.perf_counter() - began_s
