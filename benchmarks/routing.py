"""A large desk: how long its configuration takes to read, a decision to make, and its rows to be read back."""

import asyncio
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory

from benchmarks.cluster import running_cluster
from benchmarks.filling import Placed, fill
from benchmarks.organisation import REPS, TEAMS, ZIPS, requests, write_organisation
from benchmarks.recovery import time_recovery
from benchmarks.report import Figure, at_most
from benchmarks.sizes import Sizes
from engine.app import keep_collector_rare
from engine.configuration import load_folder
from engine.core.agenda import Agenda
from engine.core.flow import InputRecord, Job
from engine.core.messages import REQUESTS_TOPIC, LeadRequested, encode

CHANGELOG = "desk-changelog"
RUNS = 3
SIZE = f"{REPS} reps, {TEAMS} teams, {ZIPS:,} zips"


def routing(sizes: Sizes) -> Iterator[Figure]:
    """Reading the files, deciding beside `open_leads` leads in rows, restating them, reading them back from Kafka."""
    keep_collector_rare()
    with TemporaryDirectory(prefix="heatline-bench-") as directory:
        folder = Path(directory)
        write_organisation(folder)
        loaded_s = min(_timed(lambda: load_folder(folder)) for _ in range(RUNS))
        yield Figure("routing", "configuration read", loaded_s, "s", at_most(2), SIZE)
        job = load_folder(folder).jobs(partitions=12)[1]
        now_ms = int(time.time() * 1000)
        desk = _Desk(job, {}, Agenda(), now_ms)
        for request in requests(sizes.open_leads, now_ms):
            desk.ask(request)
        note = f"beside {sizes.open_leads:,} open leads, one request a fold, decoded and encoded"
        taken_ms = sorted(desk.taken_ms[-sizes.open_leads // 5 :])
        yield Figure("routing", "a decision, p99", quantiles(taken_ms, n=100)[98], "ms", at_most(1), note)
        yield Figure("routing", "· the median", median(taken_ms), "ms")
        yield Figure("routing", "· a rep goes away", desk.away_ms(), "ms", note="and all clocks of the rep stop")
        yield Figure("routing", "a changed routing.yaml taken over", desk.restated_s(), "s")
        yield Figure("routing", "a row of a lead", desk.row_bytes, "bytes")
        with running_cluster(4) as cluster:
            placed = (Placed(0, now_ms, key, row) for key, row in desk.rows.items())
            asyncio.run(fill(cluster.kafka.bootstrap, CHANGELOG, placed))
            recovery_s, start_s = time_recovery(cluster.worker(config=folder))
        yield Figure("routing", "desk recovered", recovery_s, "s", at_most(5), f"{sizes.open_leads:,} open leads")
        yield Figure("routing", "· process started to ready", start_s, "s")


class _Desk:
    """The rows of a desk, and how long each request took."""

    def __init__(self, job: Job, rows: dict[bytes, bytes], agenda: Agenda, now_ms: int) -> None:
        self._job = job
        self.rows = rows
        self._agenda = agenda
        self._now_ms = now_ms
        self.taken_ms: list[float] = []

    def ask(self, request: LeadRequested) -> None:
        """Fold one request."""
        self.taken_ms.append(self._fold(REQUESTS_TOPIC, encode(request)))

    def away_ms(self) -> float:
        """How long it takes when a rep goes away."""
        return self._fold("rep-events", b'{"type": "rep.away", "rep": "rep-7"}')

    def restated_s(self) -> float:
        """How long all rows take under another routing."""
        began_s = time.perf_counter()
        self._job.restate(0, list(self.rows), self.rows, self._agenda, b"another", self._now_ms)
        return time.perf_counter() - began_s

    @property
    def row_bytes(self) -> float:
        """The mean size of a lead's row."""
        return median(len(row) for key, row in self.rows.items() if key.startswith(b"main/lead/"))

    def _fold(self, topic: str, value: bytes) -> float:
        record = InputRecord(topic, 0, len(self.taken_ms), self._now_ms, b"main", value)
        began_s = time.perf_counter()
        fold = self._job.fold(0, [record], self.rows, self._agenda)
        taken_ms = (time.perf_counter() - began_s) * 1000
        assert not fold.errors, fold.errors
        for key, row in fold.rows.items():
            assert row is not None
            self.rows[key] = row
        return taken_ms


def _timed(work: Callable[[], object]) -> float:
    began_s = time.perf_counter()
    work()
    return time.perf_counter() - began_s
